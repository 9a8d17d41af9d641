"""The event log of running gateways: grown by itself, shown to parties, verified by a command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import pytest_asyncio
from lxml import etree

from gateway.domain.corridor import Party
from gateway.domain.ids import PartyId
from gateway.domain.merkle import is_consistent, leaf_hash, root_by_inclusion
from gateway.trust.keys import load_keys
from gateway.trust.tls import client_context
from gateway.trust.tree_head import SignedHead, check_tree_head
from tests.exchange.pair import Pair, Side, pair
from tests.servers import Servers
from tests.unit.cli.program import Ended, Program, program

__all__ = ["program"]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with pair(tmp_path_factory.mktemp("pair"), servers, log_head_s=0.2) as both:
        await both.exchange("VN-AUDIT-1")
        yield both


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, both: Pair, program: Program) -> Program:
    """The command line, pointed at the node of VN.MOIT."""
    monkeypatch.setenv("ECO_GATEWAY_TOKEN", both.vn.headers["Authorization"].removeprefix("Bearer "))
    monkeypatch.setenv("ECO_GATEWAY_URL", both.vn.address.url)
    return program


async def run(program: Program, *arguments: object) -> Ended:
    """A run beside the nodes of this process."""
    return await asyncio.to_thread(program, *arguments)


async def whole_head(side: Side) -> dict[str, Any]:
    """A head that covers every event so far."""
    async with asyncio.timeout(20):
        while True:
            events = (await side.call("GET", "events?limit=500"))["items"]
            url = f"{side.address.url}/api/v1/log/head"
            async with side.session.get(url, headers=side.headers) as answer:
                head: dict[str, Any] = await answer.json()
            if head.get("size", 0) >= len(events) > 0:
                return head
            await asyncio.sleep(0.05)


async def test_a_running_node_verifies_its_log(both: Pair, asked: Program) -> None:
    head = await whole_head(both.vn)

    ended = await run(asked, "audit", "verify")
    as_json = await run(asked, "audit", "verify", "--json")

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.endswith(": nothing was changed\n")
    assert as_json.json["ok"] is True
    assert as_json.json["leaves"] >= head["size"]
    assert as_json.json["heads"] > 0


async def test_the_log_is_verified_in_the_database_itself(both: Pair, asked: Program) -> None:
    await whole_head(both.vn)
    at_home = ("--database", both.vn.database, "--json")

    ended = await run(asked, "audit", "verify", *at_home)

    assert (ended.status, ended.json["ok"]) == (0, True)
    assert "seals of the heads are not checked" in ended.err


async def test_every_event_of_the_feed_is_proved(both: Pair, asked: Program) -> None:
    head = await whole_head(both.vn)
    first, *_ = (await both.vn.call("GET", "events"))["items"]

    ended = await run(asked, "audit", "prove", first["cursor"], "--size", head["size"])

    told = ended.json
    proof = [bytes.fromhex(each) for each in told["proof"]]
    root = root_by_inclusion(told["leaf"], told["size"], leaf_hash(told["entry"].encode()), proof)
    assert root is not None
    assert root.hex() == told["root"] == head["root"]


async def test_a_party_fetches_a_head_and_proofs_that_the_log_only_grew(both: Pair) -> None:
    """What TH.CUSTOMS can do with its own TLS key and VN.MOIT's registered certificates."""
    before = await whole_head(both.vn)
    vn, th = both.registry.parties[PartyId("VN.MOIT")], both.registry.parties[PartyId("TH.CUSTOMS")]
    now = both.clock()
    tls = client_context(load_keys(both.th.settings.keys_folder, th, now).tls_key(now), vn)
    url = f"https://127.0.0.1:{both.vn.address.exchange}/exchange/v1/log"

    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/head", ssl=tls) as answer:
            old = _checked(await answer.read(), vn)
        await both.exchange("VN-AUDIT-2")
        await whole_head(both.vn)
        async with session.get(f"{url}/head", ssl=tls) as answer:
            new = _checked(await answer.read(), vn)
        sizes = {"first": str(old.size), "second": str(new.size)}
        async with session.get(f"{url}/consistency", params=sizes, ssl=tls) as answer:
            document = etree.fromstring(await answer.read())
        async with session.get(f"{url}/consistency", params={"first": "9", "second": "x"}, ssl=tls) as answer:
            assert answer.status == 400
        async with session.get(
            f"{url}/consistency", params={"first": "1", "second": "9" * 9}, ssl=tls
        ) as answer:
            assert answer.status == 404

    proof = [bytes.fromhex(each.text or "") for each in document.iter("{*}Hash")]
    assert old.size >= before["size"]
    assert new.size > old.size
    assert is_consistent(old.size, old.root, new.size, new.root, proof)


def _checked(raw: bytes, party: Party) -> SignedHead:
    return check_tree_head(raw, registered=party.sign, anchor=party.anchor)


async def test_a_head_that_was_kept_is_held_against_the_log(
    both: Pair, asked: Program, tmp_path: Path
) -> None:
    await whole_head(both.vn)
    kept = tmp_path / "head.xml"
    assert (await run(asked, "audit", "head", "-o", kept)).status == 0
    await both.exchange("VN-AUDIT-3")

    good = await run(asked, "audit", "verify", "--since", kept)
    also = await run(asked, "audit", "verify", "--since", kept, "--database", both.vn.database)
    text = kept.read_text("utf-8")
    start = text.index("<Root>") + 6
    kept.write_text(text[:start] + "00" + text[start + 2 :], "utf-8")
    bad = await run(asked, "audit", "verify", "--since", kept)

    assert (good.status, also.status, bad.status) == (0, 0, 1)
    assert "history was rewritten" in bad.out


@asynccontextmanager
async def tampered(side: Side, table: str, change: str, where: str) -> AsyncIterator[None]:
    """Rows changed by somebody with every right on the database, as they were again afterwards."""
    connection = await asyncpg.connect(side.database)
    try:
        await connection.execute("SET session_replication_role = 'replica'")
        await connection.execute(f"CREATE TEMP TABLE before AS SELECT * FROM {table} WHERE {where}")
        await connection.execute(f"UPDATE {table} SET {change} WHERE {where}")
        yield
        column = change.partition(" ")[0]
        await connection.execute(f"UPDATE {table} SET {column} = before.{column} FROM before WHERE {where}")
    finally:
        await connection.close()


async def test_whoever_alters_an_event_in_the_database_is_found_out(both: Pair, asked: Program) -> None:
    await whole_head(both.th)

    async with tampered(both.th, "event", "at = event.at - interval '1 day'", "event.event_no = 1"):
        ended = await run(asked, "audit", "verify", "--database", both.th.database)

    assert ended.status == 1
    assert "altered: event 1 (leaf 0) or its message, says something else" in ended.out


async def test_a_head_sealed_by_another_is_told(both: Pair, asked: Program) -> None:
    head = await whole_head(both.vn)

    where = f"tree_head.size = {head['size']}"
    async with tampered(both.vn, "tree_head", "sealed = '<x/>'", where):
        ended = await run(asked, "audit", "verify")

    assert ended.status == 1
    assert f"head: the head of size {head['size']} is not well sealed" in ended.out
