"""Two gateways that exchange Form D: VN.MOIT issues, TH.CUSTOMS receives, each on a database of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from gateway.demo.country import HOST, Address, free_addresses
from gateway.domain.caller import Role
from gateway.domain.ids import PartyId
from gateway.intake.issuer import mint
from gateway.node import Node
from gateway.registry.folder import over_shipped
from gateway.registry.load import Registry, load_registry
from gateway.settings import Settings
from gateway.trust.make import (
    Issued,
    Kind,
    issue_sign,
    issue_tls,
    make_anchor,
    make_key,
    write_certificate,
    write_key,
)
from tests.exchange.nodes import node, node_settings
from tests.keys import BEGINS, ENDS
from tests.servers import Servers, default_kind

VN, TH = "VN.MOIT", "TH.CUSTOMS"
FORM = "atiga/form-d/1.0"
NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)
RECORDS = Path(__file__).parents[1] / "data" / "consignments.jsonl"


@cache
def _a_record() -> dict[str, Any]:
    for line in RECORDS.read_text("utf-8").splitlines():
        record: dict[str, Any] = json.loads(line)
        ways = record["exporting_country"], record["importing_country"]
        if (
            record["form"] == "atiga/form-d"
            and ways == ("VN", "TH")
            and not record["expected"]["rejected_with"]
        ):
            return {key: value for key, value in record.items() if key not in ("case", "kind", "expected")}
    raise AssertionError("no record for this pair")


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two gateways, with what is around it."""

    party: str
    settings: Settings
    address: Address
    database: str
    session: aiohttp.ClientSession
    node: Node

    @property
    def headers(self) -> dict[str, str]:
        issued_at = self.settings.make_clock()
        token = mint(self.settings.data, PartyId(self.party), tuple(Role), None, 86_400, issued_at)
        return {"Authorization": f"Bearer {token}"}

    async def call(self, method: str, path: str, body: Any = None, expected: int = 200) -> Any:
        url = f"{self.address.url}/api/v1/{path}"
        async with self.session.request(method, url, json=body, headers=self.headers) as answer:
            assert answer.status == expected, await answer.text()
            return await answer.json()

    async def submit(self, number: str, **differently: str) -> str:
        """Hand in a certificate, *differently* from the usual one; the id of its message."""
        taken = await self.call("POST", "certificates", self.record(number, **differently), 202)
        return str(taken["message_id"])

    def record(self, number: str, **differently: str) -> dict[str, Any]:
        """The usual certificate, as a record."""
        return {**_a_record(), "certificate_number": number, **differently}

    async def track(self, number: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.call("GET", f"certificates/VN/form-d/{quote(number, safe='')}")
        return found

    async def until(self, number: str, so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The certificate's story as soon as it is *so*."""
        async with asyncio.timeout(30):
            while not so(story := await self.track(number)):  # noqa: ASYNC110  (a story has no event)
                await asyncio.sleep(0.05)
        return story


def is_acknowledged(story: dict[str, Any]) -> bool:
    """Whether the certificate has its acknowledgement."""
    return any(each["acknowledgement"] for each in story["messages"])


class PutForward:
    """The clock of both gateways: noon when they start, running on, put forward by hand."""

    def __init__(self) -> None:
        self._shift = NOON - datetime.now(UTC)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._shift

    def put_forward(self, span: timedelta) -> None:
        """It is later at once."""
        self._shift += span


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both gateways, and the registry folder that both read."""

    vn: Side
    th: Side
    registry: Registry
    work: Path
    addresses: Mapping[str, Address]
    clock: PutForward

    async def evidence(self, number: str) -> bytes:
        """What VN.MOIT gives out about a certificate it sent."""
        story = await self.vn.track(number)
        url = f"{self.vn.address.url}/api/v1/messages/{story['messages'][0]['message_id']}/evidence"
        async with self.vn.session.get(url, headers=self.vn.headers) as answer:
            assert (answer.status, answer.content_type) == (200, "application/zip")
            return await answer.read()

    async def exchange(self, number: str) -> dict[str, Any]:
        """Send a certificate and wait for its acknowledgement; its story at home."""
        await self.vn.submit(number)
        return await self.vn.until(number, is_acknowledged)


@dataclass(frozen=True, kw_only=True)
class Window:
    """A certificate with its key, and when it counts."""

    issued: Issued
    begins: datetime
    ends: datetime

    def until(self, ends: datetime) -> Window:
        """The same, ending earlier."""
        return replace(self, ends=ends)


class Papers:
    """The keys of one party; what is appended to ``sign`` and ``tls`` is written with them."""

    def __init__(
        self, party: str, *, begins: datetime = BEGINS, ends: datetime = ENDS, seals: str = "eco-https/1"
    ) -> None:
        self.party = party
        self.seals = seals
        self.country = party[:2]
        self.anchor = make_anchor(f"{party} anchor", self.country, valid_from=BEGINS, valid_to=ENDS)
        self.sign = [self.for_seals(begins, ends)]
        self.tls = [self.for_tls(BEGINS, ENDS)]

    def for_seals(self, begins: datetime, ends: datetime) -> Window:
        """A new signing certificate, valid no longer than its window."""
        private = make_key(Kind.ECDSA)
        issued = issue_sign(
            self.anchor,
            f"{self.party} seal",
            self.country,
            valid_from=begins,
            valid_to=ends,
            private=private,
        )
        return Window(issued=issued, begins=begins, ends=ends)

    def for_tls(self, begins: datetime, ends: datetime) -> Window:
        """A new TLS certificate; OpenSSL goes by the real clock, so it is valid all the time."""
        issued = issue_tls(
            self.anchor,
            f"{self.party} gateway",
            self.country,
            hosts=[HOST, "localhost"],
            valid_from=BEGINS,
            valid_to=ENDS,
        )
        return Window(issued=issued, begins=begins, ends=ends)

    def write(self, work: Path, address: Address) -> None:
        """Write the party's file and certificates, and its keys, over what is there."""
        trust, parties = work / "registry/certs/trust", work / "registry/mappings/parties"
        keys = work / "keys" / self.party
        for folder in (trust, parties, keys):
            folder.mkdir(parents=True, exist_ok=True)
        stem, tables = self.party.lower(), ""
        write_certificate(trust / f"{stem}.anchor.pem", self.anchor.certificate)
        for kind, windows in (("sign", self.sign), ("tls", self.tls)):
            for number, each in enumerate(windows, start=1):
                file = f"{stem}.{kind}-{number}.pem"
                write_certificate(trust / file, each.issued.certificate)
                (keys / f"{kind}-{number}.key").unlink(missing_ok=True)
                write_key(keys / f"{kind}-{number}.key", each.issued.private)
                tables += f'[[{kind}]]\ncertificate = "{file}"\n'
                tables += f"from = {each.begins.isoformat()}\nto = {each.ends.isoformat()}\n"
        head = (
            f'id = "{self.party}"\nname = "{self.party}"\ncountry = "{self.country}"\n'
            f'anchor = "{stem}.anchor.pem"\nseals = ["{self.seals}"]\n'
            f'endpoint = "https://{HOST}:{address.exchange}/exchange/v1/messages"\n'
        )
        patience = "[patience]\nwaits_s = [0.2, 0.5, 1, 2, 5, 10]\nreceipt_within_s = 10\n"
        (parties / f"{stem}.toml").write_text(head + tables + patience, "utf-8")


def write_corridor(work: Path, more: str = "") -> None:
    """Agree Form D from VN.MOIT to TH.CUSTOMS, with *more* lines in the corridor's file."""
    folder = work / "registry/mappings/corridors"
    folder.mkdir(parents=True, exist_ok=True)
    text = f'sender = "{VN}"\nreceiver = "{TH}"\naccepts = "{FORM}"\ndelivers = "{FORM}"\n'
    (folder / "vn-th.toml").write_text(text + more, "utf-8")


@asynccontextmanager
async def pair(
    work: Path, servers: Servers, papers: Sequence[Papers] = (), *, corridor: str = "", **more: object
) -> AsyncIterator[Pair]:
    """Two gateways for as long as the block lasts, by one clock; *more* are settings of both."""
    clock = PutForward()
    more = {"clock": NOON, **more}
    papers = papers or (Papers(VN), Papers(TH))
    addresses = free_addresses([VN, TH])
    for each in papers:
        each.write(work, addresses[each.party])
    write_corridor(work, corridor)
    registry = load_registry(over_shipped(work / "registry"))
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        sides = [
            await _side(stack, party, addresses[party], work, registry, servers, session, clock, more)
            for party in (VN, TH)
        ]
        yield Pair(vn=sides[0], th=sides[1], registry=registry, work=work, addresses=addresses, clock=clock)


async def _side(
    stack: AsyncExitStack,
    party: str,
    address: Address,
    work: Path,
    registry: Registry,
    servers: Servers,
    session: aiohttp.ClientSession,
    clock: PutForward,
    more: dict[str, object],
) -> Side:
    settings = node_settings(party, address, work, registry=work / "registry", **more)
    database = await stack.enter_async_context(servers.database(default_kind()))
    served = await stack.enter_async_context(node(settings, registry, database, clock=clock))
    return Side(
        party=party, settings=settings, address=address, database=database, session=session, node=served
    )
