"""Several nodes of one database: lanes are shared, either door takes a message, and it is processed once."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from gateway.demo.country import Address, Neighbours, free_addresses, write_registry
from gateway.demo.records import certificate
from gateway.domain.caller import Role
from gateway.domain.ids import PartyId
from gateway.node import Node
from gateway.registry.folder import over_shipped
from gateway.registry.load import Registry, load_registry
from gateway.settings import Settings
from gateway.trust.keys import load_keys
from gateway.trust.tls import client_context
from tests.exchange.nodes import bearer, node, node_settings
from tests.servers import Servers

VN, TH = PartyId("VN.MOIT"), PartyId("TH.CUSTOMS")
NEIGHBOURS = Neighbours(
    countries={VN: "VN", TH: "TH", "MY.CUSTOMS": "MY", "ID.CUSTOMS": "ID", "PH.CUSTOMS": "PH"},
    forms={"rcep/form-rcep/1.0": {"VN", "TH"}},
    patience="waits_s = [0.2, 0.5, 1, 1, 1, 1, 1]\nreceipt_within_s = 5\nping_after_s = 1\n",
)


@dataclass
class Ours:
    """One of our own nodes."""

    node: Node
    settings: Settings
    address: Address
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = bearer(self.settings, Role.ISSUER, Role.CUSTOMS, Role.OPERATOR)
        async with self.session.request(
            method, f"{self.address.url}/api/v1{path}", json=body, headers=headers
        ) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json(content_type=None)

    async def lane(self, party: str) -> dict[str, Any]:
        lanes = (await self.call("GET", "/lanes"))["items"]
        return next(lane for lane in lanes if lane["party"] == party)


@dataclass
class Together:
    """Two nodes of Viet Nam's on one database, one of Thailand's."""

    one: Ours
    other: Ours
    th: Ours
    registry: Registry

    def as_thailand(self) -> ssl.SSLContext:
        home = self.registry.parties[TH]
        now = datetime.now(UTC)
        keys = load_keys(self.th.settings.keys_folder, home, now)
        return client_context(keys.tls_key(now), self.registry.parties[VN])


@pytest.fixture
async def together(tmp_path: Path, servers: Servers, server_kind: str) -> AsyncIterator[Together]:
    addresses = free_addresses([*NEIGHBOURS.countries, "another"])
    own = {party: address for party, address in addresses.items() if party != "another"}
    write_registry(tmp_path / "registry", tmp_path / "keys", NEIGHBOURS, own)
    registry = load_registry(over_shipped(tmp_path / "registry"))
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        shared = await stack.enter_async_context(servers.database(server_kind))
        theirs = await stack.enter_async_context(servers.database(server_kind))

        @asynccontextmanager
        async def ours(party: str, address: Address, url: str, **more: object) -> AsyncIterator[Ours]:
            settings = node_settings(party, address, tmp_path, **more)
            async with node(settings, registry, url, connections=6) as running:
                yield Ours(running, settings, address, session)

        first = await stack.enter_async_context(ours(VN, addresses[VN], shared))
        # The second shares the first one's folder, and so the key of the tokens; its name is its own.
        other = ours(
            VN,
            addresses["another"],
            shared,
            data=first.settings.data,
            keys=tmp_path / "keys" / VN,
        )
        yield Together(
            first,
            await stack.enter_async_context(other),
            await stack.enter_async_context(ours(TH, addresses[TH], theirs)),
            registry,
        )


def records(exporting: str, importing: str, count: int) -> list[dict[str, Any]]:
    today = datetime.now(UTC).date()
    return [certificate("rcep/form-rcep", exporting, importing, n + 1, today) for n in range(count)]


async def eventually(what: Any, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not await what():  # noqa: ASYNC110  (what is watched knows of no event)
            await asyncio.sleep(0.05)


async def test_lanes_are_shared_and_every_certificate_arrives_once(together: Together) -> None:
    one, other = together.one, together.other

    async def is_shared() -> bool:
        holders = Counter(lane["holder"] for lane in (await one.call("GET", "/lanes"))["items"])
        return sorted(holders.values()) == [2, 2]

    await eventually(is_shared)
    answers = [
        (one, other)[n % 2].call("POST", "/certificates", record)
        for n, record in enumerate(records("VN", "TH", 12))
    ]
    numbers = {answer["certificate_number"] for answer in await asyncio.gather(*answers)}

    async def all_delivered() -> bool:
        found = (await other.call("GET", "/certificates?status=delivered"))["items"]
        return {item["certificate_number"] for item in found} == numbers

    await eventually(all_delivered)
    inbox = (await together.th.call("GET", "/inbox?limit=500"))["items"]
    arrived = Counter(item["certificate_number"] for item in inbox if item["type"] == "certificate")
    assert arrived == Counter(numbers)


async def test_copies_at_both_doors_at_once_are_taken_once_and_receipted_alike(together: Together) -> None:
    (record,) = records("TH", "VN", 1)
    sent = await together.th.call("POST", "/certificates", record)
    path = f"/messages/{quote(sent['message_id'], safe='')}/document"
    headers = bearer(together.th.settings, Role.ISSUER)
    async with together.th.session.get(f"{together.th.address.url}/api/v1{path}", headers=headers) as answer:
        raw = await answer.read()
    context = together.as_thailand()

    async def post(ours: Ours) -> tuple[int, bytes]:
        url = f"https://127.0.0.1:{ours.address.exchange}/exchange/v1/messages"
        async with ours.session.post(
            url, data=raw, ssl=context, headers={"Content-Type": "application/xml"}
        ) as answer:
            return answer.status, await answer.read()

    replies = await asyncio.gather(*(post(ours) for ours in [together.one, together.other] * 5))

    assert {status for status, _ in replies} == {200}
    assert len({body for _, body in replies}) == 1
    inbox = (await together.one.call("GET", "/inbox?limit=500"))["items"]
    assert [item["message_id"] for item in inbox] == [sent["message_id"]]


async def test_a_ping_tells_who_is_there_and_who_is_not(together: Together) -> None:
    alive = await together.one.call("POST", "/parties/TH.CUSTOMS/ping")
    dead = await together.other.call("POST", "/parties/MY.CUSTOMS/ping")

    assert (alive["answered"], alive["cause"]) == (True, None)
    assert dead["answered"] is False
    assert dead["cause"].startswith("T01: cannot connect to 127.0.0.1:")


async def test_silent_parties_are_pinged_by_themselves_and_a_dead_one_is_known_before_it_is_owed_anything(
    together: Together,
) -> None:
    async def is_known() -> bool:
        lane = await together.one.lane("MY.CUSTOMS")
        return bool(lane["back_off"]) and lane["cause"] is None

    await eventually(is_known)

    lane = await together.one.lane("MY.CUSTOMS")
    assert lane["back_off"]["cause"].startswith("T01: cannot connect")
