"""
One node of VN.MOIT between five neighbours who know it by the wire profile alone.

* TH.CUSTOMS speaks; RSA seals, with a registered certificate whose window has closed and one that overlaps
* MY.CUSTOMS speaks; ECDSA seals, no TLS certificate registered; waits a moment only for what is parked
* SG.CUSTOMS is suspended and resumed; wants no acknowledgements
* KH.CUSTOMS listens and never begins to speak: nothing but its own waits moves what is owed to it
* LA.CUSTOMS shows a TLS certificate that its anchor never issued
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import asyncpg

from gateway.demo.country import Address, free_addresses
from gateway.domain.caller import Role
from gateway.registry.folder import over_shipped
from gateway.registry.load import load_registry
from gateway.settings import Settings
from tests.exchange.foreign_documents import certificate, new_number
from tests.exchange.foreign_keys import Authority, Issued, Papers, Window, write_corridor, write_keys
from tests.exchange.foreign_line import Foreign
from tests.exchange.foreign_party import Heard, Letter
from tests.exchange.nodes import bearer, node, node_settings

HOME = "VN.MOIT"
COUNTRIES = {
    "TH.CUSTOMS": "TH",
    "MY.CUSTOMS": "MY",
    "SG.CUSTOMS": "SG",
    "KH.CUSTOMS": "KH",
    "LA.CUSTOMS": "LA",
}
FORM = "rcep/form-rcep/1.0"
SHORT_WAITS = "waits_s = [0.1, 0.1, 1.5]\nreceipt_within_s = 3"


@dataclass(frozen=True, kw_only=True)
class Home:
    """What VN.MOIT has of its own: papers for its neighbours, and the keys behind them."""

    papers: Papers
    seals: Issued
    tls: Issued


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The certificates of one neighbour beside those it uses every day."""

    seals: Issued
    tls: Issued
    past_seals: Issued
    next_seals: Issued
    past_tls: Issued


class Api:
    """The national system at home."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings, country: str) -> None:
        self._session = session
        self._country = country
        self._url = f"http://{settings.listen}/api/v1"
        self._headers = bearer(settings, Role.ISSUER, Role.CUSTOMS, Role.OPERATOR)

    async def call(self, method: str, path: str, expected: int, body: Any = None, **query: str) -> Any:
        asked = self._session.request(
            method, f"{self._url}{path}", json=body, params=query, headers=self._headers
        )
        async with asked as answer:
            assert answer.status == expected, await answer.text()
            return await answer.json()

    async def submit(self, document: str) -> str:
        """Hand a certificate in; the id of the message that carries it."""
        headers = {**self._headers, "Content-Type": "application/xml"}
        async with self._session.post(f"{self._url}/certificates", data=document, headers=headers) as answer:
            assert answer.status == 202, await answer.text()
            return str((await answer.json())["message_id"])

    async def cancel(self, number: str) -> None:
        """Ask for the cancellation of a certificate of ours."""
        await self.call(
            "POST", f"{certificate_path(number, self._country)}/cancellation", 202, {"reason": "x"}
        )

    async def answer(self, message_id: str, verb: str, body: Any, expected: int = 202) -> Any:
        """Say something about a message in the inbox."""
        return await self.call("POST", f"/inbox/{quote(message_id, safe='')}/{verb}", expected, body)

    async def operate(self, verb: str, message_id: str) -> None:
        """What an operator does by hand."""
        await self.call("POST", f"/messages/{quote(message_id, safe='')}/{verb}", 200, {})

    async def document(self, message_id: str) -> bytes:
        """The exact bytes of a message, as they are kept."""
        url = f"{self._url}/messages/{quote(message_id, safe='')}/document"
        async with self._session.get(url, headers=self._headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()

    async def message(self, message_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.call("GET", f"/messages/{quote(message_id, safe='')}", 200)
        return found

    async def track(self, number: str, country: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = await self.call(
            "GET", certificate_path(number, country or self._country), 200
        )
        return found


def certificate_path(number: str, country: str) -> str:
    return f"/certificates/{country}/form-rcep/{quote(number, safe='')}"


class World:
    """The node's neighbours, and the national system behind the node."""

    def __init__(
        self, api: Api, database: str, foreign: Mapping[str, Foreign], kept: Mapping[str, Kept], home: Home
    ) -> None:
        self.api = api
        self._database = database
        self.foreign = foreign
        self.kept = kept
        self.home = home

    @property
    def th(self) -> Foreign:
        return self.foreign["TH.CUSTOMS"]

    @property
    def my(self) -> Foreign:
        return self.foreign["MY.CUSTOMS"]

    @property
    def sg(self) -> Foreign:
        return self.foreign["SG.CUSTOMS"]

    @property
    def kh(self) -> Foreign:
        return self.foreign["KH.CUSTOMS"]

    @staticmethod
    def now(**away: float) -> datetime:
        """The time by everybody's clock, or so far away from it."""
        return datetime.now(UTC) + timedelta(**away)

    async def sent_to(self, party: Foreign, *, replaces: str | None = None) -> Heard:
        """A certificate of ours, as it arrived there."""
        country = party.papers.country
        number = new_number("VN")
        await self.api.submit(certificate(number, exporting="VN", importing=country, replaces=replaces))
        return (await party.waits_for("certificate", number=number))[0]

    def answering(self, party: Foreign, ours: Heard, kind: str, document: str) -> Letter:
        """What *party* says about a message of ours, in its conversation."""
        return party.letter(
            kind,
            document,
            number=ours.number,
            about=ours.id,
            conversation=ours.scopes["CONVERSATIONID"],
        )

    async def until(self, what: Callable[[], Awaitable[bool]]) -> None:
        """Wait for what the home side will come to know."""
        for _ in range(400):
            if await what():
                return
            await asyncio.sleep(0.05)
        raise AssertionError("it never came")

    async def until_delivered(self, message_id: str) -> dict[str, Any]:
        """Wait until the receipt for a message of ours is stored; the message as it stands then."""

        async def is_so() -> bool:
            return bool((await self.api.message(message_id))["delivery"] == "delivered")

        await self.until(is_so)
        return await self.api.message(message_id)

    async def taken_over(self, message_id: str, status: str) -> None:
        """Another node, to which the lease of an attempt seems to have run out, moves the delivery on."""
        connection = await asyncpg.connect(self._database)
        try:
            await connection.execute(_TAKE_OVER, message_id, status)
        finally:
            await connection.close()


_TAKE_OVER = """
UPDATE delivery
   SET status = $2, fence = nextval('delivery_fence'), lease_until = NULL, due_at = now() + interval '1 hour'
 WHERE message_no = (SELECT message_no FROM message WHERE message_id = $1 AND direction = 'out')
"""


def make_home(addresses: Mapping[str, Address]) -> Home:
    authority = Authority(HOME)
    seals, tls = authority.for_seals(), authority.for_tls()
    papers = Papers(
        id=HOME,
        country="VN",
        port=addresses[HOME].exchange,
        authority=authority,
        sign=(Window(issued=seals),),
        tls=(Window(issued=tls),),
    )
    return Home(papers=papers, seals=seals, tls=tls)


def make_papers(party: str, port: int) -> tuple[Papers, Kept]:
    """A neighbour's papers, and its keys."""
    authority = Authority(party)
    elliptic = party == "MY.CUSTOMS"
    kept = Kept(
        seals=authority.for_seals(elliptic=elliptic),
        tls=authority.for_tls(),
        past_seals=authority.for_seals(elliptic=True),
        next_seals=authority.for_seals(elliptic=True),
        past_tls=authority.for_tls(),
    )
    past = Window(issued=kept.past_seals, until=-1)
    papers = Papers(
        id=party,
        country=COUNTRIES[party],
        port=port,
        authority=authority,
        sign=(past, Window(issued=kept.seals), Window(issued=kept.next_seals, since=-1)),
        tls=() if elliptic else (Window(issued=kept.tls), Window(issued=kept.past_tls, until=-1)),
        options="acknowledgements = false" if party == "SG.CUSTOMS" else "",
        patience=SHORT_WAITS + ("\nacknowledgement_within_s = 1" if party == "MY.CUSTOMS" else ""),
    )
    return papers, kept


def enter_all(registry: Path, home: Home, abroad: Mapping[str, Papers]) -> None:
    """Write the registry of the home party: everybody's papers, Form RCEP agreed both ways."""
    for papers in (home.papers, *abroad.values()):
        papers.enter(registry)
    for party in abroad:
        write_corridor(registry, HOME, party, FORM)
        write_corridor(registry, party, HOME, FORM)


@asynccontextmanager
async def the_world(folder: Path, database_url: str) -> AsyncIterator[World]:
    """Everybody in place, for as long as the block lasts."""
    addresses = free_addresses([HOME, *COUNTRIES])
    home = make_home(addresses)
    made = {party: make_papers(party, addresses[party].exchange) for party in COUNTRIES}
    enter_all(folder / "registry", home, {party: papers for party, (papers, _) in made.items()})
    write_keys(folder / "keys" / HOME, [home.seals], [home.tls])
    foreign = {
        party: meet(papers, kept, home, folder, addresses[HOME].exchange)
        for party, (papers, kept) in made.items()
    }
    settings = node_settings(HOME, addresses[HOME], folder)
    registry = load_registry(over_shipped(folder / "registry"))
    async with AsyncExitStack() as stack:
        for party in foreign.values():
            await stack.enter_async_context(party.listening())
        await stack.enter_async_context(node(settings, registry, database_url))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        api = Api(session, settings, "VN")
        yield World(api, database_url, foreign, {party: kept for party, (_, kept) in made.items()}, home)


def meet(papers: Papers, kept: Kept, home: Home, folder: Path, home_port: int) -> Foreign:
    """A neighbour that knows the home party's papers."""
    return Foreign(
        papers,
        folder,
        seals=kept.seals,
        tls=Authority("Stranger").for_tls() if papers.id == "LA.CUSTOMS" else kept.tls,
        home=HOME,
        home_port=home_port,
        home_seal=home.seals.certificate,
        home_anchor=home.papers.authority.certificate_pem().decode(),
    )
