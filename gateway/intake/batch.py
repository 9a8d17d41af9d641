"""
Up to a thousand certificates in one call: box records line by line, or a ZIP of XML documents.

A batch is counted before anything of it is taken; then each item goes the way of a single submission, some at
a time. Items that name the same certificate number wait for each other, so the first of them counts.
"""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from gateway.domain.caller import Caller
from gateway.domain.errors import Fault, Finding, KeyUnusable, Refused, TooLarge, Unreadable
from gateway.intake import shapes
from gateway.intake.bodies import JSON, NDJSON, XML, ZIP, media_type, read_body
from gateway.intake.desk import SubmissionRefused
from gateway.intake.roles import Right
from gateway.intake.routes import Answer, Call
from gateway.intake.serving import Limits, Parts, answer, taken_answer
from gateway.intake.views import findings_view

log = structlog.get_logger(__name__)

_NUMBER = re.compile(rb'"certificate_number"\s*:\s*"([^"]*)"|<(?:[\w.-]+:)?CertificateNumber>\s*([^<]*?)\s*<')
_NUMBER_WITHIN = 64 * 1024
_LISTED_FILE = b"PK\x01\x02"
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # others unpack without a bound
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Item:
    """
    One certificate of a batch.

    Attributes:
        read: gives its bytes; run in a worker thread.
    """

    index: int
    name: str | None
    content_type: str
    read: Callable[[], bytes]


class _Results:
    """What became of each item so far, and whose turn it is."""

    def __init__(self, items: Sequence[Item], in_flight: int) -> None:
        self.views: list[dict[str, Any]] = [{} for _ in items]
        self.slots = asyncio.Semaphore(in_flight)
        self._turns: defaultdict[bytes, asyncio.Lock] = defaultdict(asyncio.Lock)

    def turn(self, number: bytes) -> asyncio.Lock:
        """Held by one item of a number at a time; an item that names none waits for nobody."""
        return self._turns[number] if number else asyncio.Lock()


class Batch:
    """The call that takes many."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def submit(self, request: web.Request, caller: Caller) -> web.Response:
        """Take each item on its own; the results stand in the order sent."""
        limits = self._parts.limits
        kind = media_type(request, {NDJSON, ZIP})
        raw = await read_body(request, limit=limits.batch_bytes, within_s=limits.body_s)
        unpack = unzipped if kind == ZIP else lines
        items = await asyncio.to_thread(unpack, raw, limits)
        results = _Results(items, limits.batch_in_flight)
        async with asyncio.TaskGroup() as tasks:
            for item in items:
                await results.slots.acquire()
                # Unpacked here, one after the other, so that items stay in order and few are in memory.
                content = await asyncio.to_thread(_read, item)
                tasks.create_task(self._one(item, content, caller, results))
        return answer({"items": results.views})

    async def _one(self, item: Item, content: bytes | Refused, caller: Caller, results: _Results) -> None:
        try:
            if isinstance(content, Refused):
                view = _untaken(HTTPStatus.UNPROCESSABLE_ENTITY, content.findings)
            else:
                async with results.turn(number_in(content)):
                    view = await self._submit(item, content, caller)
            results.views[item.index] = {"index": item.index, "name": item.name, **view}
        finally:
            results.slots.release()

    async def _submit(self, item: Item, content: bytes, caller: Caller) -> dict[str, Any]:
        try:
            taken = await self._parts.desk.submit(content, item.content_type, caller)
        except SubmissionRefused as refused:
            conflict = refused.code == Fault.NUMBER_TAKEN.value
            return _untaken(
                HTTPStatus.CONFLICT if conflict else HTTPStatus.UNPROCESSABLE_ENTITY, refused.findings
            )
        except KeyUnusable:
            return _untaken(HTTPStatus.SERVICE_UNAVAILABLE, ())
        except Exception:
            log.exception("batch_item_broke", index=item.index)
            return _untaken(HTTPStatus.INTERNAL_SERVER_ERROR, ())
        view = taken_answer(self._parts, taken)
        return {"status": HTTPStatus.ACCEPTED if taken.first else HTTPStatus.OK, **view, "findings": []}

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="POST",
                path="/certificates/batch",
                right=Right.SUBMIT,
                serve=self.submit,
                name="submitBatch",
                meaning="Hand in up to 1,000 certificates: box records line by line, or a ZIP of XML.",
                body={NDJSON: None, ZIP: None},
                answers={200: Answer("One result an item, in the order sent.", shapes.BatchResult)},
                problems=(408, 413, 415, 422),
            ),
        )


def lines(raw: bytes, limits: Limits) -> list[Item]:
    """
    One item for each line that is not blank.

    Raises:
        TooLarge: more items than a batch may hold.
    """
    items: list[Item] = []
    for line in io.BytesIO(raw):
        if line.strip():
            items.append(Item(len(items), None, JSON, partial(_within, line.rstrip(b"\r\n"), limits)))
            _count(len(items), limits)
    return items


def unzipped(raw: bytes, limits: Limits) -> list[Item]:
    """
    One item for each file of the archive, in the archive's order; each is unpacked when its turn comes.

    Raises:
        TooLarge: more items, or more bytes unpacked, than a batch may hold.
        Unreadable: no ZIP archive.
    """
    _count(
        raw.count(_LISTED_FILE) // 2, limits
    )  # its list is read into memory whole; folders stand in it, too
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
    except _BROKEN:
        raise Unreadable("Not readable as a ZIP archive") from None
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    _count(len(entries), limits)
    if sum(entry.file_size for entry in entries) > limits.batch_unpacked_bytes:
        raise TooLarge(
            f"unpacked, the batch is larger than the {limits.batch_unpacked_bytes} bytes taken here"
        )
    return [
        Item(index, entry.filename, XML, partial(_unpack, archive, entry, limits))
        for index, entry in enumerate(entries)
    ]


def number_in(content: bytes) -> bytes:
    """The certificate number that *content* seems to name; only orders items, never judges them."""
    found = _NUMBER.search(content, 0, _NUMBER_WITHIN)
    return b"" if found is None else (found[1] or found[2] or b"")


def _read(item: Item) -> bytes | Refused:
    try:
        return item.read()
    except Refused as refused:
        return refused


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> bytes:
    """What the archive says of a file's size is an upper bound: no more than that is unpacked."""
    if entry.file_size > limits.body_bytes:
        raise TooLarge(f"{entry.file_size} bytes are more than the {limits.body_bytes} taken here")
    if entry.compress_type not in _METHODS:
        raise Unreadable("Packed by a method that is not taken; deflate is")
    try:
        with archive.open(entry) as file:
            return file.read(limits.body_bytes)
    except _BROKEN as error:
        raise Unreadable(f"Not readable in the archive: {type(error).__name__}") from None


def _within(line: bytes, limits: Limits) -> bytes:
    if len(line) > limits.body_bytes:
        raise TooLarge(f"{len(line)} bytes are more than the {limits.body_bytes} taken here")
    return line


def _count(number: int, limits: Limits) -> None:
    if number > limits.batch_items:
        raise TooLarge(
            f"{number} items are more than the {limits.batch_items} of one batch; nothing was taken"
        )


def _untaken(status: int, findings: Sequence[Finding]) -> dict[str, Any]:
    none = {"message_id": None, "certificate_number": None, "form": None, "receiver": None}
    return {"status": status, **none, "findings": findings_view(findings)}
