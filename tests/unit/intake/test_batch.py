"""Batches: counted before anything is taken, judged one by one, told in the order sent."""

from __future__ import annotations

import asyncio
import contextlib
import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.caller import Caller
from gateway.domain.errors import Finding, Refused, TooLarge, Unreadable
from gateway.intake import shapes
from gateway.intake.batch import lines, number_in, unzipped
from gateway.intake.desk import SubmissionRefused
from gateway.intake.routes import PREFIX
from gateway.intake.serving import Limits
from gateway.store.records import SubmittedCertificate
from tests.unit.intake.doors import DeskThatTakesAll, as_, national_door, problem

URL = f"{PREFIX}/certificates/batch"
NDJSON = {"Content-Type": "application/x-ndjson", **as_("issuer")}
ZIP = {"Content-Type": "application/zip", **as_("issuer")}
SMALL = Limits(body_bytes=1000, batch_bytes=100_000, batch_unpacked_bytes=5_000, batch_items=10)


def packed(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return raw.getvalue()


class DeskByWords(DeskThatTakesAll):
    """Refuses or breaks where the content says so, and takes the first of a number later than the second."""

    async def submit(self, content: bytes, content_type: str, caller: Caller) -> SubmittedCertificate:
        if b"refuse" in content:
            raise SubmissionRefused("id", "C04", [Finding(code="C04", text="FOB")])
        if b"break" in content:
            raise RuntimeError(content)
        number = number_in(content)
        if b"slow" in content:
            await asyncio.sleep(0.05)
        if any(number and number == number_in(known) and content != known for known, _, _ in self.submitted):
            raise SubmissionRefused("id", "D05", [Finding(code="D05", text="taken")])
        return await super().submit(content, content_type, caller)


async def sent(raw: bytes, headers: dict[str, str], limits: Limits = SMALL) -> list[dict[str, Any]]:
    async with national_door(desk=DeskByWords(), limits=limits) as client:
        response = await client.post(URL, data=raw, headers=headers)
        body = await response.json()
        assert response.status == 200, body
    shapes.BatchResult.model_validate(body)
    items: list[dict[str, Any]] = body["items"]
    return items


@pytest.mark.enable_socket
async def test_one_items_fault_stops_no_other() -> None:
    raw = b'{"n": 1}\n\n{"n": "refuse"}\r\n{"n": "break"}\n{"n": 1}\n{"n": 4}'

    items = await sent(raw, NDJSON)

    assert [item["index"] for item in items] == [0, 1, 2, 3, 4]
    assert sorted(item["status"] for item in items) == [200, 202, 202, 422, 500]
    assert [item["status"] for item in items][1:3] == [422, 500]
    assert (items[1]["findings"][0]["code"], items[2]["findings"]) == ("C04", [])
    assert items[4]["message_id"] == "m1@vn.moit"


@pytest.mark.enable_socket
async def test_of_two_items_with_one_number_the_first_counts() -> None:
    raw = b'{"certificate_number": "A", "slow": 1}\n{"certificate_number": "A"}\n{"certificate_number": "B"}'

    items = await sent(raw, NDJSON)

    assert [item["status"] for item in items] == [202, 409, 202]


@pytest.mark.enable_socket
async def test_the_files_of_an_archive_are_told_by_name() -> None:
    raw = packed({"b.xml": b"<B/>", "folder/": b"", "folder/a.xml": b"<A/>", "large.xml": b"x" * 1001})

    items = await sent(raw, ZIP)

    assert [item["name"] for item in items] == ["b.xml", "folder/a.xml", "large.xml"]
    assert [item["status"] for item in items] == [202, 202, 422]
    assert items[2]["findings"][0]["code"] == "S04"


@pytest.mark.enable_socket
async def test_an_empty_batch_has_no_results() -> None:
    assert await sent(b"\n \n", NDJSON) == []


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("raw", "headers"),
    [
        pytest.param(b"{}\n" * 11, NDJSON, id="too-many-lines"),
        pytest.param(packed({str(n): b"x" for n in range(11)}), ZIP, id="too-many-files"),
        pytest.param(packed({str(n): b"x" * 999 for n in range(6)}), ZIP, id="too-much-unpacked"),
        pytest.param(b" " * 100_001, NDJSON, id="too-many-bytes"),
    ],
)
async def test_a_batch_that_is_too_large_is_refused_whole(raw: bytes, headers: dict[str, str]) -> None:
    desk = DeskThatTakesAll()
    async with national_door(desk=desk, limits=SMALL) as client:
        body = await problem(await client.post(URL, data=raw, headers=headers), 413)

    assert (body["code"], desk.submitted) == ("S04", [])


def test_a_thousand_certificates_are_a_batch_and_one_more_is_not() -> None:
    assert len(lines(b"{}\n" * 1000, Limits())) == 1000
    with pytest.raises(TooLarge):
        lines(b"{}\n" * 1001, Limits())


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK\x05\x06", id="two-letters"),
        pytest.param(packed({"a": b"x"})[:-5], id="cut-off"),
        pytest.param(b"\0" * 100, id="zeros"),
    ],
)
def test_what_is_no_archive_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        unzipped(raw, SMALL)


def with_size(raw: bytes, size: int) -> bytes:
    """The archive with a lie about its first file's unpacked size, in both places where it stands."""
    changed = bytearray(raw)
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.index(signature) + offset
        changed[at : at + 4] = struct.pack("<I", size)
    return bytes(changed)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(with_size(packed({"a": b"x" * 100_000}), 10), id="a-bomb-that-says-it-is-small"),
        pytest.param(packed({"a": b"x" * 900}, zipfile.ZIP_BZIP2), id="a-method-without-a-bound"),
        pytest.param(
            packed({"a": b"x" * 500}, zipfile.ZIP_STORED).replace(b"xxx", b"xyx"), id="another-content"
        ),
    ],
)
def test_a_file_that_cannot_be_unpacked_is_an_items_fault(raw: bytes) -> None:
    (item,) = unzipped(raw, SMALL)

    with pytest.raises(Refused):
        item.read()


def test_an_archive_that_lists_a_million_files_is_refused_before_its_list_is_read() -> None:
    with pytest.raises(TooLarge):
        unzipped(b"PK\x01\x02" * 1_000_000, Limits())


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda raw: packed({"a": raw})[:-1] + raw[:1]))
def test_any_octets_are_an_archive_or_refused(raw: bytes) -> None:
    with contextlib.suppress(TooLarge, Unreadable):
        for item in unzipped(raw, SMALL):
            with contextlib.suppress(TooLarge, Unreadable):
                assert len(item.read()) <= SMALL.body_bytes


@pytest.mark.parametrize(
    ("content", "number"),
    [
        pytest.param(b'{"certificate_number" : "VN-TH 26"}', b"VN-TH 26", id="record"),
        pytest.param(b"<c:CertificateNumber> VN </c:CertificateNumber>", b"VN", id="xml-with-prefix"),
        pytest.param(b"<CertificateNumber>VN</CertificateNumber>", b"VN", id="xml"),
        pytest.param(b"<Other/>", b"", id="none"),
    ],
)
def test_the_number_that_orders_items_is_found(content: bytes, number: bytes) -> None:
    assert number_in(content) == number
