"""
Two countries' gateways side by side, for engineers of national systems who know the interface by its page.

VN.MOIT issues, TH.CUSTOMS receives; both are whole nodes on databases of their own. MY.CUSTOMS is in their
registries and has keys, but no gateway runs there: nothing listens, until a test listens itself.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import aiohttp
from lxml import etree
from yarl import URL

from gateway.demo.country import Address, Neighbours, free_addresses, write_registry
from gateway.demo.records import certificate
from gateway.domain.caller import Role
from gateway.domain.ids import PartyId
from gateway.intake.issuer import mint
from gateway.registry.folder import over_shipped
from gateway.registry.load import Registry, load_registry
from gateway.settings import Settings
from gateway.trust.make import Kind
from gateway.validate.records import compose, form_of_record
from gateway.validate.shape import Records
from tests.exchange.nodes import node, node_settings
from tests.servers import Servers, default_kind

Json = Any

VN, TH, MY = "VN.MOIT", "TH.CUSTOMS", "MY.CUSTOMS"
FORM_D, RCEP = "atiga/form-d", "rcep/form-rcep"

#: In the evening of Greenwich: it is tomorrow already in Hanoi and Bangkok.
CLOCK = datetime(2026, 11, 21, 20, tzinfo=UTC)
TODAY = date(2026, 11, 22)
PATIENCE = "waits_s = [0.2, 0.5, 1, 2, 3600]\nreceipt_within_s = 10\n"

_serials = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a gateway answered; ``body`` is its JSON, None for anything else."""

    status: int
    body: Json
    raw: bytes
    headers: Mapping[str, str]

    @property
    def codes(self) -> list[str]:
        """The codes of all findings, in their order."""
        return [finding["code"] for finding in self.body["findings"]]


class Caller:
    """One system or person at one gateway's national API."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None) -> None:
        self.url = url
        self.token = token
        self._session = session
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Json = None,
        content: bytes | None = None,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """
        Call *path* under the prefix, or ``//path`` outside of it; it is percent-encoded already.

        Args:
            body: sent as JSON; *content* is sent as it is, with the Content-Type *kind*.
        """
        where = path[1:] if path.startswith("//") else f"/api/v1{path}"
        url = URL(f"{self.url}{where}", encoded=True)
        if query:
            url = url.update_query(query)
        more = dict(self._headers) | dict(headers or {})
        if kind is not None:
            more["Content-Type"] = kind
        async with self._session.request(
            method,
            url,
            json=body,
            data=None if content is None else io.BytesIO(content),
            headers=more,
            allow_redirects=False,
        ) as answer:
            raw = await answer.read()
            told = json.loads(raw) if answer.content_type.endswith("json") else None
            return Reply(status=answer.status, body=told, raw=raw, headers=answer.headers.copy())

    @asynccontextmanager
    async def listen(
        self, *, headers: Mapping[str, str] | None = None, **query: str
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open the stream of events."""
        url = URL(f"{self.url}/api/v1/events/stream").update_query(query)
        more = self._headers | dict(headers or {})
        async with self._session.get(url, headers=more) as response:
            yield response

    async def get(self, path: str, **query: str) -> Reply:
        return await self.call("GET", path, query=query)

    async def post(self, path: str, body: Json = None, **query: str) -> Reply:
        return await self.call("POST", path, body=body, query=query)

    async def submit(self, record: Json) -> Reply:
        return await self.post("/certificates", record)

    async def until(
        self, path: str, holds: Callable[[Json], object], *, within_s: float = 25, **query: str
    ) -> Json:
        """Read *path* again and again until it *holds*; what stands there then."""
        told: Json = None
        try:
            async with asyncio.timeout(within_s):
                while True:
                    reply = await self.get(path, **query)
                    told = reply.body
                    if reply.status == 200 and holds(told):
                        return told
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{path} came to nothing: {told}") from None

    async def items(self, path: str, **query: str) -> list[Json]:
        """Every item, page by page, until a page is empty or the last."""
        found: list[Json] = []
        following: dict[str, str] = {}
        while True:
            reply = await self.get(path, **(query | following))
            assert reply.status == 200, reply.body
            found += reply.body["items"]
            if not reply.body["items"] or reply.body["next"] is None:
                return found
            following = {"after": reply.body["next"]}


@dataclass
class Side:
    """One country's gateway, which may be stopped and started again on the same database."""

    settings: Settings
    registry: Registry
    database_url: str
    session: aiohttp.ClientSession
    running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        return f"http://{self.settings.listen}"

    async def start(self, *, registry: Registry | None = None, **settings: object) -> None:
        """Start it, with another registry or other settings for this time."""
        chosen = self.settings.model_copy(update=settings)
        await self.running.enter_async_context(
            node(chosen, registry or self.registry, self.database_url, connections=6)
        )

    async def stop(self) -> None:
        await self.running.aclose()

    async def restart(self, *, registry: Registry | None = None, **settings: object) -> None:
        await self.stop()
        await self.start(registry=registry, **settings)

    def as_(self, *roles: Role, organisation: str | None = None, ttl_s: int = 30 * 24 * 3600) -> Caller:
        """A caller in these roles."""
        home = self.settings.home
        assert home is not None
        token = mint(
            self.settings.data, PartyId(home), roles, organisation, ttl_s, self.settings.make_clock()
        )
        return Caller(self.session, self.url, token)

    @property
    def stranger(self) -> Caller:
        return Caller(self.session, self.url, None)

    @property
    def issuer(self) -> Caller:
        return self.as_(Role.ISSUER)

    @property
    def customs(self) -> Caller:
        return self.as_(Role.CUSTOMS)

    @property
    def operator(self) -> Caller:
        return self.as_(Role.OPERATOR)


@dataclass(frozen=True, kw_only=True)
class Exchanged:
    """A certificate that was handed in at VN.MOIT, and where it stands on both sides."""

    record: Json
    message_id: str

    @property
    def number(self) -> str:
        number: str = self.record["certificate_number"]
        return number

    @property
    def path(self) -> str:
        return path_of(self.record)

    @property
    def message(self) -> str:
        return message_path(self.message_id)

    @property
    def inbox(self) -> str:
        return inbox_path(self.message_id)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The two sides, and all that a third one needs to speak for itself."""

    vn: Side
    th: Side
    work: Path
    addresses: Mapping[str, Address]

    async def exchange(self, *, organisation: str | None = None, **differently: Json) -> Exchanged:
        """Hand a new certificate in, and wait until it was receipted and acknowledged, in whatever order."""
        taken = await self.submitted(organisation=organisation, **differently)
        await self.vn.operator.until(taken.path, _is_through)
        return taken

    async def submitted(self, *, organisation: str | None = None, **differently: Json) -> Exchanged:
        """Hand a new certificate in."""
        record = a_record(**differently)
        reply = await self.vn.as_(Role.ISSUER, organisation=organisation).submit(record)
        assert reply.status == 202, reply.body
        return Exchanged(record=record, message_id=reply.body["message_id"])


@asynccontextmanager
async def two_gateways(
    servers: Servers,
    work: Path,
    *,
    others: Mapping[str, str] = MappingProxyType({MY: PATIENCE}),
    speaks: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Pair]:
    """
    Both gateways for as long as the block lasts.

    Args:
        others: parties that are registered and have keys, each with its patience; no gateway of theirs runs.
        speaks: the dialect in which a party wants certificates, and answers.
    """
    countries = {party: party[:2] for party in (VN, TH, *others)}
    neighbours = Neighbours(
        countries=countries,
        forms={f"{form}/1.0": countries.values() for form in (FORM_D, RCEP)},
        patience=PATIENCE,
        signing=Kind.ECDSA,
        since=CLOCK,
    )
    addresses = free_addresses(neighbours.countries)
    write_registry(work / "registry", work / "keys", neighbours, addresses)
    for party, patience in others.items():
        file = work / "registry/mappings/parties" / f"{party.lower()}.toml"
        file.write_text(file.read_text("utf-8").replace(PATIENCE, patience), "utf-8")
    for file in (work / "registry/mappings/corridors").iterdir():
        for party, dialect in speaks.items():
            if f"--{party.lower()}." in file.name:
                keys = f'certificates_in = "{dialect}"\nanswers_in = "{dialect}"\n'
                file.write_text(file.read_text("utf-8") + keys, "utf-8")
    registry = load_registry(over_shipped(work / "registry"))
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        )
        sides = []
        for party in (VN, TH):
            settings = node_settings(party, addresses[party], work, clock=CLOCK, grace_s=0.5)
            url = await stack.enter_async_context(servers.database(default_kind()))
            side = Side(settings=settings, registry=registry, database_url=url, session=session)
            stack.push_async_callback(side.stop)
            sides.append(side)
        await asyncio.gather(*(side.start() for side in sides))
        yield Pair(vn=sides[0], th=sides[1], work=work, addresses=addresses)


def a_record(**differently: Json) -> Json:
    """A correct certificate from VN, to TH if nothing else is said, under a number of its own."""
    form = differently.pop("form", FORM_D)
    country = differently.get("importing_country", "TH")
    record = certificate(form, "VN", "TH", next(_serials), TODAY)
    if country != "TH":
        record["consignee"]["country"] = country
        record["transport"]["port_of_discharge"] = f"{country}XYZ"
    return record | differently


def _is_through(story: Json) -> bool:
    message = story["messages"][0]
    return message["delivery"] == "delivered" and message["acknowledgement"] is not None


def path_of(record: Json) -> str:
    """Where the certificate of *record* is."""
    country, form = record["exporting_country"], record["form"].split("/")[1]
    return f"/certificates/{country}/{form}/{quote(record['certificate_number'], safe='')}"


def message_path(message_id: str) -> str:
    return f"/messages/{quote(message_id, safe='')}"


def inbox_path(message_id: str) -> str:
    return f"/inbox/{quote(message_id, safe='')}"


def whats(story: Json) -> list[str]:
    """What happened, in its order."""
    return [event["what"] for event in story["events"]]


async def told(response: aiohttp.ClientResponse, count: int) -> list[Json]:
    """The next *count* events of a stream: ``id``, ``event`` and what ``data`` holds."""
    events: list[Json] = []
    async with asyncio.timeout(25):
        while len(events) < count:
            block = (await response.content.readuntil(b"\n\n")).decode()
            lines = [line.partition(": ") for line in block.strip().split("\n") if not line.startswith(":")]
            if lines:
                fields = {name: value for name, _, value in lines}
                events.append(fields | {"data": json.loads(fields["data"])})
    return events


def as_xml(registry: Registry, record: Json) -> bytes:
    """The certificate of *record* as an XML document."""
    read = Records(registry.record_schema, registry.forms.values()).read(json.dumps(record).encode())
    return etree.tostring(compose(read, form_of_record(read, registry.forms)))
