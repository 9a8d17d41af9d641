"""A specimen list is imported from a file, judges what goes out and what comes in, and is written again."""

from __future__ import annotations

import asyncio
import struct
import tomllib
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.intake.specimens import picture_fault
from tests.exchange.pair import Pair, Side, pair
from tests.servers import Servers
from tests.unit.cli.program import Ended, Program, program

__all__ = ["program"]
pytestmark = pytest.mark.asyncio(loop_scope="module")

Run = Callable[..., Any]


def png(width: int = 2, height: int = 1) -> bytes:
    """A picture, all black."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        whole = kind + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    rows = zlib.compress((b"\0" + b"\0" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


LIST = """
country = "VN"
agreements = ["atiga"]
from = {begins}
source = "circular 7"
[[body]]
name = "Ministry of Trade, Hanoi"
seal = "seal.png"
[[body.official]]
name = "{official}"
id = "VN-17"
specimen = "b.png"
to = 2027-03-01
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    async with pair(folder, servers, corridor='specimens = "refuse"\n') as both:
        yield both


@pytest.fixture
def run(program: Program, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line, against one side."""

    async def on(side: Side, *arguments: object) -> Ended:
        monkeypatch.setenv("ECO_GATEWAY_TOKEN", side.headers["Authorization"].removeprefix("Bearer "))
        monkeypatch.setenv("ECO_GATEWAY_URL", side.address.url)
        return await asyncio.to_thread(program, "specimens", *arguments)

    return on


def written(folder: Path, official: str, begins: str = "2026-01-01") -> Path:
    folder.mkdir(exist_ok=True)
    for name, picture in (("seal.png", png()), ("b.png", png(3))):
        (folder / name).write_bytes(picture)
    (folder / "list.toml").write_text(LIST.format(official=official, begins=begins), "utf-8")
    return folder / "list.toml"


SIGNED = {"issuing_body": "Ministry of Trade, Hanoi", "signatory": "VN-17"}


async def test_a_certificate_counts_when_its_signatory_is_on_the_lists_of_both_sides(
    both: Pair, run: Run, tmp_path: Path
) -> None:
    assert "G03" in await refused(both.vn, "VN-SPECIMEN-1")

    ended = await run(both.vn, "import", written(tmp_path / "vn", "Tran Thi B"))
    assert (ended.status, ended.out) == (0, "VN: 1 issuing bodies, 1 officials, from 2026-01-01\n")
    await both.vn.submit("VN-SPECIMEN-2", **SIGNED)
    story = await both.vn.until("VN-SPECIMEN-2", _is_acknowledged)
    told = story["messages"][0]["acknowledgement"]
    texts = {finding["code"]: finding["text"] for finding in told["findings"]}
    assert told["outcome"] == "rejected"
    assert "No specimen list of VN was in force" in texts["G03"]

    await run(both.th, "import", written(tmp_path / "th", "Tran Thi B"))
    await both.vn.submit("VN-SPECIMEN-3", **SIGNED)
    story = await both.vn.until("VN-SPECIMEN-3", _is_acknowledged)
    assert story["messages"][0]["acknowledgement"]["outcome"].startswith("accepted")


async def test_what_was_imported_is_written_as_it_came(both: Pair, run: Run, tmp_path: Path) -> None:
    source = written(tmp_path / "in", "Nguyen Van C", begins="2026-10-01")
    await run(both.vn, "import", source)

    ended = await run(both.vn, "export", "VN", "-o", tmp_path / "out", "--on", "2026-10-01")
    listed = await run(both.vn, "list", "--on", "2026-10-01")

    assert ended.status == 0, ended.err
    kept = tomllib.loads((tmp_path / "out/vn-atiga.toml").read_text("utf-8"))
    pictures = [kept["body"][0].pop("seal"), kept["body"][0]["official"][0].pop("specimen")]
    first = tomllib.loads(source.read_text("utf-8"))
    first["body"][0].pop("seal"), first["body"][0]["official"][0].pop("specimen")
    assert kept == first
    assert [(tmp_path / "out" / name).read_bytes() for name in pictures] == [png(), png(3)]
    assert "Nguyen Van C, always to 2027-03-01" in listed.out


async def test_an_import_is_told_in_the_event_log(both: Pair, run: Run, tmp_path: Path) -> None:
    await run(both.th, "import", written(tmp_path / "th", "Le Van D", begins="2027-01-01"))

    events = (await both.th.call("GET", "events?limit=500"))["items"]

    assert "specimens:imported" in [event["what"] for event in events]


async def test_a_list_whose_picture_is_none_is_refused_whole(both: Pair, run: Run, tmp_path: Path) -> None:
    file = written(tmp_path, "Pham E", begins="2030-01-01")
    (tmp_path / "b.png").write_bytes(b"<svg/>")

    ended = await run(both.vn, "import", file)

    assert (ended.status, "b.png: the body is no image/png" in ended.err) == (1, True)
    lists = (await both.vn.call("GET", "specimens"))["items"]
    assert "2030-01-01" not in [one["from"] for one in lists]


def _is_acknowledged(story: dict[str, Any]) -> bool:
    return story["messages"][0]["acknowledgement"] is not None


async def refused(side: Side, number: str) -> list[str]:
    """The codes of the findings for which a certificate is not taken."""
    url = f"{side.address.url}/api/v1/certificates"
    async with side.session.post(url, json=side.record(number, **SIGNED), headers=side.headers) as answer:
        assert answer.status == 422
        return [finding["code"] for finding in (await answer.json())["findings"]]


JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\x05\x00\x07\x01\x01\x11\x00\xff\xd9"


@pytest.mark.parametrize(
    ("kind", "body", "fault"),
    [
        pytest.param("image/png", png(), None, id="png"),
        pytest.param("image/jpeg", JPEG, None, id="jpeg"),
        pytest.param("image/jpeg", png(), "is no image/jpeg", id="png-called-jpeg"),
        pytest.param("image/png", png()[:-1], "is no image/png", id="cut"),
        pytest.param("image/png", png(4001), "4001 by 1 pixels", id="too-wide"),
        pytest.param("image/jpeg", JPEG[:12] + JPEG[-2:], "is no image/jpeg", id="without-a-frame"),
    ],
)
async def test_a_picture_is_what_it_says_and_no_larger_than_a_page(
    kind: str, body: bytes, fault: str | None
) -> None:
    found = picture_fault(kind, body)

    assert (found is None) if fault is None else fault in str(found)
