"""A whole node under a flood, slow clients, large bodies and hostile archives: others go on all the same."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.acknowledge.bodies import Ping
from gateway.domain.caller import Role
from tests.exchange.contract import Caller, Pair, Reply, a_record, as_xml, two_gateways
from tests.exchange.contract_abroad import Abroad
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

PLACES = 8
FLOOD = 60


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """VN has place for few calls, of which one client may have half."""
    async with two_gateways(servers, tmp_path_factory.mktemp("load")) as running:
        await running.vn.restart(calls_in_hand=PLACES, bytes_in_hand=400_000)
        yield running


@contextlib.asynccontextmanager
async def slow_callers(caller: Caller, how_many: int) -> AsyncIterator[None]:
    """Connections that have sent the head of a submission and a few bytes of its body, and go no further."""
    host, port = caller.url.removeprefix("http://").split(":")
    writers = []
    for _ in range(how_many):
        _, writer = await asyncio.open_connection(host, int(port))
        head = (
            f"POST /api/v1/certificates HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {caller.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
        )
        writer.write(head.encode())
        await writer.drain()
        writers.append(writer)
    try:
        yield
    finally:
        for writer in writers:
            writer.close()


async def figure(pair: Pair, name: str, **labels: str) -> float:
    text = (await pair.vn.operator.get("//metrics")).raw.decode()
    wanted = "".join(f'(?=[^}}]*{key}="{value}")' for key, value in labels.items())
    found = re.search(rf"^{name}\{{{wanted}[^}}]*\}} (\S+)$", text, re.MULTILINE)
    return 0.0 if found is None else float(found[1])


async def held(pair: Pair, count: int) -> None:
    """Wait until so many calls are in hand, the asking one included."""
    async with asyncio.timeout(20):
        while await figure(pair, "eco_intake_in_hand", door="national") != count:
            pass


async def test_a_flood_is_turned_away_with_a_time_and_all_of_it_gets_in_by_and_by(pair: Pair) -> None:
    issuer, records = pair.vn.issuer, [a_record() for _ in range(FLOOD)]
    told: Counter[int] = Counter()
    beside: list[int] = []

    async def submit(record: Any) -> Reply:
        while True:
            reply = await issuer.submit(record)
            told[reply.status] += 1
            if reply.status != 503:
                return reply
            assert 1 <= int(reply.headers["Retry-After"]) <= 4
            assert reply.body["status"] == 503
            await asyncio.sleep(0.05)

    async def look() -> None:
        while True:
            beside.append((await pair.vn.operator.get("/parties")).status)
            await asyncio.sleep(0.02)

    looking = asyncio.create_task(look())
    replies = await asyncio.gather(*(submit(record) for record in records))
    looking.cancel()

    assert {reply.status for reply in replies} == {202}
    assert len({reply.body["message_id"] for reply in replies}) == FLOOD
    assert told[503] > 0
    assert set(beside) == {200}  # the flood has only its share
    turned_away = await figure(pair, "eco_intake_turned_away_total", door="national", reason="share")
    assert turned_away >= told[503]


async def test_slow_clients_hold_their_own_places_and_nobody_elses(pair: Pair) -> None:
    slow, other = pair.vn.issuer, pair.vn.as_(Role.ISSUER, organisation="MOIT-HN")

    async with slow_callers(slow, PLACES // 2):
        await held(pair, PLACES // 2 + 1)
        one_more = await slow.submit(a_record())
        meanwhile = await other.submit(a_record())

    assert (one_more.status, meanwhile.status) == (503, 202)
    await held(pair, 1)
    assert (await slow.submit(a_record())).status == 202


async def test_bodies_are_counted_while_they_come(pair: Pair) -> None:
    large = a_record() | {"remarks": "x" * 250_000}  # more than half of the bytes there may be

    reply = await pair.vn.issuer.submit(large)

    assert reply.status == 503
    assert await figure(pair, "eco_intake_turned_away_total", door="national", reason="share") > 0
    assert await figure(pair, "eco_intake_bytes", door="national") == 0


async def test_a_body_beyond_the_cap_is_refused_by_its_length(pair: Pair) -> None:
    host, port = pair.vn.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /api/v1/certificates/batch HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer "
        f"{pair.vn.issuer.token}\r\nContent-Type: application/x-ndjson\r\nContent-Length: 99999999999\r\n\r\n"
    )
    writer.write(head.encode())

    status = await asyncio.wait_for(reader.readline(), 20)
    writer.close()

    assert status.split()[1] == b"413"
    assert await figure(pair, "eco_intake_turned_away_total", door="national", reason="too-large") > 0


async def test_a_party_that_floods_the_exchange_endpoint_is_heard_out_by_and_by(pair: Pair) -> None:
    abroad = Abroad(pair, "TH.CUSTOMS", pair.vn)

    async def ping(number: int) -> int:
        said = await abroad.say(Ping(), number=None, about=None, conversation=f"ping-{number}@th.customs")
        statuses = [said.status]
        while statuses[-1] == 503:
            await asyncio.sleep(0.05)
            statuses.append((await abroad.again(said.sealed)).status)
        return statuses[-1]

    assert set(await asyncio.gather(*(ping(number) for number in range(20)))) == {200}


async def test_a_hostile_archive_harms_only_itself(pair: Pair) -> None:
    good = as_xml(pair.vn.registry, a_record())
    nested, packed = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(nested, "w") as inner:
        inner.writestr("a.xml", good)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../etc/passwd", good)
        archive.writestr("bomb.xml", b"<a>" + b" " * 30_000_000)
        archive.writestr("nested.zip", nested.getvalue())
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("../../etc/passwd", good)

    reply = await pair.vn.issuer.call(
        "POST", "/certificates/batch", content=packed.getvalue(), kind="application/zip"
    )

    items = reply.body["items"]
    assert [(one["name"], one["status"]) for one in items] == [
        ("../../etc/passwd", 202),
        ("bomb.xml", 422),
        ("nested.zip", 422),
        ("../../etc/passwd", 200),  # the same again
    ]
    assert [one["findings"][0]["code"] for one in items[1:3]] == ["S04", "S01"]


async def test_a_batch_of_a_busy_node_is_taken_once_however_often_it_is_sent(pair: Pair) -> None:
    records = [a_record() for _ in range(30)]
    content = b"\n".join(json.dumps(record).encode() for record in records)

    async def send() -> Reply:
        while True:
            reply = await pair.vn.issuer.call(
                "POST", "/certificates/batch", content=content, kind="application/x-ndjson"
            )
            if reply.status != 503:
                return reply
            await asyncio.sleep(0.05)

    first, second = await asyncio.gather(send(), send())

    ids = [[item["message_id"] for item in reply.body["items"]] for reply in (first, second)]
    assert ids[0] == ids[1]
    statuses = zip(
        *([item["status"] for item in reply.body["items"]] for reply in (first, second)), strict=True
    )
    assert {tuple(sorted(pair)) for pair in statuses} == {(200, 202)}
