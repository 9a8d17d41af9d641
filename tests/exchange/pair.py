"""Two gateways that exchange Form D: VN.MOIT issues, TH.CUSTOMS receives, each on a database of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from gateway.app import Node
from gateway.demo.country import Address, Neighbours, free_addresses, write_registry
from gateway.domain.caller import Role
from gateway.registry.folder import over_shipped
from gateway.registry.load import Registry, load_registry
from gateway.settings import Settings
from tests.exchange.nodes import bearer, node, node_settings
from tests.servers import Servers, default_kind

VN, TH = "VN.MOIT", "TH.CUSTOMS"
FORM = "atiga/form-d/1.0"
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
        return bearer(self.settings, *Role)

    async def call(self, method: str, path: str, body: Any = None, expected: int = 200) -> Any:
        url = f"{self.address.url}/api/v1/{path}"
        async with self.session.request(method, url, json=body, headers=self.headers) as answer:
            assert answer.status == expected, await answer.text()
            return await answer.json()

    async def submit(self, number: str) -> str:
        """Hand in a certificate; the id of its message."""
        record = {**_a_record(), "certificate_number": number}
        taken = await self.call("POST", "certificates", record, 202)
        return str(taken["message_id"])

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


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both gateways, and the registry folder that both read."""

    vn: Side
    th: Side
    registry: Registry
    work: Path

    async def exchange(self, number: str) -> dict[str, Any]:
        """Send a certificate and wait for its acknowledgement; its story at home."""
        await self.vn.submit(number)
        return await self.vn.until(number, is_acknowledged)


def make_neighbours(work: Path) -> dict[str, Address]:
    """Registry and keys of both under *work*; their addresses."""
    neighbours = Neighbours(countries={VN: "VN", TH: "TH"}, forms={FORM: ("VN", "TH")})
    addresses = free_addresses(neighbours.countries)
    write_registry(work / "registry", work / "keys", neighbours, addresses)
    return addresses


@asynccontextmanager
async def pair(work: Path, servers: Servers, **more: object) -> AsyncIterator[Pair]:
    """Two gateways for as long as the block lasts; *more* are settings of both."""
    addresses = make_neighbours(work)
    registry = load_registry(over_shipped(work / "registry"))
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        sides = [
            await _side(stack, party, addresses[party], work, registry, servers, session, more)
            for party in (VN, TH)
        ]
        yield Pair(vn=sides[0], th=sides[1], registry=registry, work=work)


async def _side(
    stack: AsyncExitStack,
    party: str,
    address: Address,
    work: Path,
    registry: Registry,
    servers: Servers,
    session: aiohttp.ClientSession,
    more: dict[str, object],
) -> Side:
    settings = node_settings(party, address, work, registry=work / "registry", **more)
    database = await stack.enter_async_context(servers.database(default_kind()))
    served = await stack.enter_async_context(node(settings, registry, database))
    return Side(
        party=party, settings=settings, address=address, database=database, session=session, node=served
    )
