"""Every valid box record travels from the gateway of its exporting country to its importing country's."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.demo.country import Neighbours, free_addresses, write_registry
from gateway.domain.caller import Role
from gateway.domain.ids import FormId, family_of
from gateway.registry.folder import over_shipped
from gateway.registry.load import load_registry
from tests.exchange.nodes import bearer, node, node_settings
from tests.servers import Servers

CLOCK = datetime(2026, 11, 21, 12, tzinfo=UTC)
RECORDS = Path(__file__).parents[1] / "data" / "consignments.jsonl"
TEST_KEYS = ("case", "kind", "expected")


def valid_records() -> dict[str, list[dict[str, Any]]]:
    """The records that must be accepted, by form."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in RECORDS.read_text("utf-8").splitlines():
        record = json.loads(line)
        if not record["expected"]["rejected_with"]:
            plain = {key: value for key, value in record.items() if key not in TEST_KEYS}
            found.setdefault(record["form"], []).append(plain)
    return found


FORMS = {family_of(form): form for form in load_registry(over_shipped(None)).forms}


def party_of(country: str) -> str:
    return f"{country}.CUSTOMS"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("family", sorted(valid_records()))
async def test_every_valid_record_is_acknowledged_as_accepted(
    family: str, tmp_path: Path, servers: Servers, server_kind: str
) -> None:
    records = valid_records()[family]
    countries = {record[end] for record in records for end in ("exporting_country", "importing_country")}
    neighbours = Neighbours(
        countries={party_of(country): country for country in sorted(countries)},
        forms={FORMS[FormId(family)]: countries},
        since=CLOCK,
    )
    addresses = free_addresses(neighbours.countries)
    write_registry(tmp_path / "registry", tmp_path / "keys", neighbours, addresses)
    registry = load_registry(over_shipped(tmp_path / "registry"))
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        calls: dict[str, tuple[str, Mapping[str, str]]] = {}
        for party, address in addresses.items():
            settings = node_settings(party, address, tmp_path, clock=CLOCK)
            url = await stack.enter_async_context(servers.database(server_kind))
            await stack.enter_async_context(node(settings, registry, url, connections=4))
            calls[party] = (f"{address.url}/api/v1", bearer(settings, Role.ISSUER))

        refused = await asyncio.gather(*(_hand_in(session, calls, record) for record in records))
        assert [answer for answer in refused if answer] == []
        came_to = await asyncio.gather(*(_outcomes(session, *call) for call in calls.values()))

    outcomes = Counter(outcome for of_one in came_to for outcome in of_one)
    assert outcomes.total() == len(records)
    assert outcomes.keys() <= {"accepted", "accepted_with_warnings"}


async def _hand_in(
    session: aiohttp.ClientSession, calls: Mapping[str, tuple[str, Mapping[str, str]]], record: dict[str, Any]
) -> str | None:
    url, headers = calls[party_of(record["exporting_country"])]
    async with session.post(f"{url}/certificates", json=record, headers=headers) as answer:
        if answer.status != 202:
            return f"{record['certificate_number']}: {answer.status} {await answer.text()}"
    return None


async def _outcomes(session: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> list[str]:
    """What became of everything that a gateway sent; a test that hangs shows what it waits for."""
    while True:
        async with session.get(
            f"{url}/certificates", params={"direction": "out", "limit": "500"}, headers=headers
        ) as answer:
            items = (await answer.json())["items"]
        waiting = [item["certificate_number"] for item in items if item["acknowledgement"] is None]
        if not waiting:
            return [str(item["acknowledgement"]) for item in items]
        await asyncio.sleep(0.5)
