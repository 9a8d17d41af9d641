"""A country that no example has is added by files alone, as the page for newcomers says, and exchanges."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.demo.country import Neighbours, free_addresses, write_registry
from gateway.domain.caller import Role
from gateway.registry.folder import over_shipped
from gateway.registry.load import load_registry
from gateway.settings import Settings
from tests.data.versions import NEW, lay_next_form_d
from tests.exchange.nodes import bearer, node, node_settings
from tests.missing import needs
from tests.newcomer import ROOT, Newcomer
from tests.servers import Servers

CLOCK = datetime(2026, 11, 21, 12, tzinfo=UTC)
PATHS = ("registry", "keys", "data")


def one_that_finds_free_ports(folder: Path) -> Newcomer:
    """The page's ports may be taken; nobody knows how long delivery takes on a busy machine."""
    vn, la = free_addresses(["VN.MOIT", "LA.CUSTOMS"]).values()
    ports = {"8080": vn.api, "8443": vn.exchange, "8081": la.api, "8444": la.exchange}
    until = "until eco-gateway track 'VN-LA 00001' | grep -q accepted; do sleep 0.5; done"
    return Newcomer(folder, {said: str(free) for said, free in ports.items()} | {"sleep 5": until})


@asynccontextmanager
async def served(arguments: list[str], folder: Path, servers: Servers, kind: str) -> AsyncIterator[None]:
    """What ``eco-gateway serve`` with *arguments* would run, on a database of the tests."""
    given: dict[str, Any] = {
        flag.removeprefix("--").replace("-", "_"): value
        for flag, value in zip(arguments[::2], arguments[1::2], strict=True)
    }
    given |= {name: folder / given[name] for name in PATHS}
    settings = Settings.model_validate(given)
    registry = load_registry(over_shipped(settings.registry))
    async with servers.database(kind) as url, node(settings, registry, url, connections=4):
        yield


@needs("openssl")
@pytest.mark.timeout(300)
async def test_the_page_leads_to_a_country_three_more_and_a_new_version_without_a_line_of_python(
    tmp_path: Path, servers: Servers, server_kind: str
) -> None:
    examples = (path.name for path in ROOT.glob("mappings/examples/parties/*.toml"))
    assert not any(name.startswith("la.") for name in examples)
    newcomer = one_that_finds_free_ports(tmp_path)

    await asyncio.to_thread(newcomer.follow, 1, 2, 3, 4, 5, 6, 7)
    async with AsyncExitStack() as stack:
        for arguments in newcomer.nodes():
            await stack.enter_async_context(served(arguments, tmp_path, servers, server_kind))
        await asyncio.to_thread(newcomer.follow, 8)
    country = _kinds_of_files(tmp_path)
    await asyncio.to_thread(newcomer.follow, 10, 11)

    assert country == {".toml", ".pem"}
    assert ".py" not in _kinds_of_files(tmp_path)


def _kinds_of_files(folder: Path) -> set[str]:
    """What was written for either side's registry."""
    return {path.suffix for side in ("vn", "la") for path in (folder / side / "registry").rglob("*.*")}


@pytest.mark.timeout(120)
async def test_more_items_than_the_corridor_takes_are_told_before_anything_is_sealed(
    tmp_path: Path, servers: Servers, server_kind: str
) -> None:
    home = await _limited(tmp_path, max_items=1)
    registry = load_registry(over_shipped(tmp_path / "registry"))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(servers.database(server_kind))
        await stack.enter_async_context(node(home, registry, url, connections=4))
        session = await stack.enter_async_context(aiohttp.ClientSession())

        one = await _hand_in(session, home, _record(items=1))
        two = await _hand_in(session, home, _record(items=2))
        many = await _hand_in(session, home, _record(items=51))

    assert one == (202, [])
    assert two == (413, [("S04", "/CertificateOfOrigin/Items", "5")])
    assert many == two


@pytest.mark.timeout(120)
async def test_what_a_corridor_has_agreed_goes_before_what_the_form_says(
    tmp_path: Path, servers: Servers, server_kind: str
) -> None:
    """In a transition the corridor's version is taken; its own edition of the Harmonized System is too."""
    home = await _limited(tmp_path, max_items=1)
    lay_next_form_d(tmp_path / "registry")
    _take_an_older_edition(tmp_path / "registry", code="770000")
    registry = load_registry(over_shipped(tmp_path / "registry"))
    record = _record(items=1)
    record["items"][0]["hs"] = "770000"
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(servers.database(server_kind))
        await stack.enter_async_context(node(home, registry, url, connections=4))
        session = await stack.enter_async_context(aiohttp.ClientSession())

        verdict = await _hand_in(session, home, record, "certificates/validate")
        newest = await _hand_in(session, home, record | {"form": NEW})
        taken = await _hand_in(session, home, record)

    assert verdict == (200, [("W02", "/CertificateOfOrigin/Items/Item/HarmonizedSystemCode", "7")])
    assert [code for code, _, _ in newest[1]] == ["C02", "C01"]  # of the form's own edition; no corridor
    assert taken == (202, [])


def _take_an_older_edition(registry: Path, code: str) -> None:
    """HS 2017, of which only *code* is known, and HS 2022, both taken in the corridor to Lao PDR."""
    codes = registry / "mappings/codes"
    codes.mkdir(parents=True)
    (codes / "hs-2017.csv").write_text(
        f"# list: goods\n# source: none\n# edition: 2017\ncode,name,status\n{code},old goods,\n", "utf-8"
    )
    corridor = registry / "mappings/corridors/vn.moit--la.customs.form-d.toml"
    windows = (("2017", "2017-01-01\nvalid_to = 2027-06-30"), ("2022", "2026-01-01"))
    text = "".join(f'[[hs.editions]]\nedition = "{one}"\nvalid_from = {days}\n' for one, days in windows)
    corridor.write_text(corridor.read_text("utf-8") + text, "utf-8")


async def _limited(folder: Path, max_items: int) -> Settings:
    """Two neighbours of which one takes few items."""
    neighbours = Neighbours(
        countries={"VN.MOIT": "VN", "LA.CUSTOMS": "LA"},
        forms={"atiga/form-d/1.0": ["VN", "LA"]},
        since=CLOCK,
    )
    addresses = free_addresses(neighbours.countries)
    write_registry(folder / "registry", folder / "keys", neighbours, addresses)
    corridor = folder / "registry/mappings/corridors/vn.moit--la.customs.form-d.toml"
    corridor.write_text(f"{corridor.read_text('utf-8')}max_items = {max_items}\n", "utf-8")
    return node_settings("VN.MOIT", addresses["VN.MOIT"], folder, clock=CLOCK)


def _record(*, items: int) -> dict[str, Any]:
    trader: dict[str, Any] = {"name": "Sao Mai Garments", "address": ["12 Nguyen Hue"]}
    item: dict[str, Any] = {"description": "T-shirts", "hs": "610910", "criterion": ["CTH"], "origin": "VN"}
    item["gross_weight"] = {"value": 120, "unit": "KGM"}
    item["invoices"] = [{"number": "INV-1", "date": "2026-11-20"}]
    return {
        "form": "atiga/form-d",
        "certificate_number": f"VN-LA {items}",
        "exporting_country": "VN",
        "importing_country": "LA",
        "issue_date": "2026-11-20",
        "exporter": trader | {"country": "VN"},
        "consignee": trader | {"country": "LA"},
        "items": [{"no": number, **item} for number in range(1, items + 1)],
    }


async def _hand_in(
    session: aiohttp.ClientSession, home: Settings, record: Mapping[str, Any], path: str = "certificates"
) -> tuple[int, list[tuple[str, str, str]]]:
    """The status and each finding's code, path and box."""
    url = f"http://{home.listen}/api/v1/{path}"
    async with session.post(url, json=record, headers=bearer(home, Role.ISSUER)) as answer:
        body = json.loads(await answer.text())
    return answer.status, [(one["code"], one["path"], one["box"]) for one in body.get("findings", [])]
