"""Many certificates in one call: each on its own, in the order sent, and safe to be sent again."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import pytest
import pytest_asyncio

from tests.exchange.contract import Pair, Reply, a_record, as_xml, two_gateways
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

NDJSON, ZIP = "application/x-ndjson", "application/zip"
KEYS = ["index", "name", "status", "message_id", "certificate_number", "form", "receiver", "findings"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two_gateways(servers, tmp_path_factory.mktemp("batch")) as running:
        yield running


async def batch(pair: Pair, content: bytes, kind: str = NDJSON) -> Reply:
    return await pair.vn.issuer.call("POST", "/certificates/batch", content=content, kind=kind)


def lines(records: Iterable[Any]) -> bytes:
    return b"\n".join(json.dumps(record).encode() for record in records)


def zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


async def test_each_line_has_its_own_fate_in_the_order_sent(pair: Pair) -> None:
    known, good, last = (a_record() for _ in range(3))
    taken = await pair.vn.issuer.submit(known)
    other = known | {"issue_place": "Da Nang"}
    faulty = a_record() | {"importing_country": "SG"}

    content = lines([known, good, other, faulty, [], last]) + b"\n\n{\n"
    reply = await batch(pair, content)

    assert (reply.status, list(reply.body)) == (200, ["items"])
    items = reply.body["items"]
    assert all(list(item) == KEYS for item in items)
    assert [item["index"] for item in items] == list(range(7))
    assert [item["name"] for item in items] == [None] * 7
    assert [item["status"] for item in items] == [200, 202, 409, 422, 422, 202, 422]
    assert [[found["code"] for found in item["findings"]][:1] for item in items] == [
        [],
        [],
        ["D05"],
        ["C01"],
        ["S02"],
        [],
        ["S01"],
    ]
    assert {key: items[0][key] for key in taken.body} == taken.body
    assert items[1]["certificate_number"] == good["certificate_number"]
    assert (items[1]["form"], items[1]["receiver"]) == ("atiga/form-d/1.0", "TH.CUSTOMS")
    assert [items[3][key] for key in ("message_id", "certificate_number", "form", "receiver")] == [None] * 4
    for item in (items[1], items[5]):
        await pair.vn.issuer.until(
            f"/messages/{item['message_id']}", lambda message: message["acknowledgement"] is not None
        )


async def test_a_zip_names_its_files(pair: Pair) -> None:
    first, second = (as_xml(pair.vn.registry, a_record()) for _ in range(2))
    files = {"b/one.xml": first, "b/": b"", "a/broken.xml": b"<x", "two.xml": second, "again.xml": first}

    reply = await batch(pair, zipped(files), ZIP)

    items = reply.body["items"]
    assert [item["name"] for item in items] == ["b/one.xml", "a/broken.xml", "two.xml", "again.xml"]
    assert [item["index"] for item in items] == [0, 1, 2, 3]
    assert [item["status"] for item in items] == [202, 422, 202, 200]
    assert items[3]["message_id"] == items[0]["message_id"]


async def test_the_same_batch_again_gives_the_same_answers(pair: Pair) -> None:
    content = lines(a_record() for _ in range(20))

    first, second = await asyncio.gather(batch(pair, content), batch(pair, content))
    third = await batch(pair, content)

    for one, other in zip(first.body["items"], second.body["items"], strict=True):
        assert {one["status"], other["status"]} == {200, 202}
        assert one | {"status": 0} == other | {"status": 0}
    assert [item["status"] for item in third.body["items"]] == [200] * 20


async def test_more_than_a_thousand_is_413_and_nothing_is_taken(pair: Pair) -> None:
    record = a_record()
    document = as_xml(pair.vn.registry, record)
    before = await pair.vn.operator.items("/submissions", limit="500")

    many_lines = await batch(pair, b"\n".join([json.dumps(record).encode()] + [b"{}"] * 1000))
    many_files = await batch(pair, zipped({f"{n}.xml": document for n in range(1001)}), ZIP)

    for reply in (many_lines, many_files):
        assert (reply.status, reply.codes) == (413, ["S04"])
    assert await pair.vn.issuer.items("/certificates", number=record["certificate_number"]) == []
    assert await pair.vn.operator.items("/submissions", limit="500") == before


async def test_a_thousand_are_taken_in(pair: Pair) -> None:
    reply = await batch(pair, b"\n".join([b"{"] * 1000))

    assert [item["status"] for item in reply.body["items"]] == [422] * 1000


async def test_what_is_no_batch_is_told(pair: Pair) -> None:
    record = json.dumps(a_record()).encode()

    assert (await batch(pair, record, "application/json")).status == 415
    assert (await batch(pair, b"PK no zip", ZIP)).codes == ["S01"]
    assert (await batch(pair, b"")).body == {"items": []}
    over = await batch(pair, b" " * (5 * 1024 * 1024 + 1) + b"{}\n" + record)
    assert [(item["status"], item["findings"][:1] != []) for item in over.body["items"]] == [
        (422, True),
        (202, False),
    ]
