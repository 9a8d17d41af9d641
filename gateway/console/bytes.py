"""
Exact bytes as rows, and findings in their place among them. Nothing is re-indented.

A finding says where it is by a path, by a line, or not at all. The path counts where it is found in these
very bytes; the line only for bytes that were judged as they are shown.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.parsers import expat

from gateway.domain.errors import Finding

_LONG = 400  # bytes: a longer line is cut for the eye
_BEGINNING = re.compile(rb"<(?![/!?])")
_MOST_ROWS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Some bytes in a row; *number* is their line, or their offset where the document is one long line."""

    number: int
    text: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A document for the eye; *unplaced* are findings that name no place in it."""

    rows: tuple[Row, ...]
    by_offset: bool
    left_out: int  # bytes after the last row
    unplaced: tuple[Finding, ...]

    @property
    def placed(self) -> int:
        """How many findings stand among the rows."""
        return sum(len(row.findings) for row in self.rows)


class _Doctype(Exception):
    """The document has a DTD; it was refused when it came, and is not read here either."""


def shown(raw: bytes, findings: Sequence[Finding] = (), *, lines_hold: bool = True) -> Shown:
    """
    Cut *raw* into rows and put each finding at the row it is about.

    Args:
        lines_hold: whether the findings' lines are lines of these very bytes.
    """
    by_offset = any(len(line) > _LONG for line in raw.split(b"\n"))
    pieces = list(itertools.islice(_pieces(raw, by_offset), _MOST_ROWS + 1))
    rest = sum(len(piece) for _, _, piece in pieces[_MOST_ROWS:])
    left_out = rest and len(raw) - pieces[_MOST_ROWS][0]
    pieces = pieces[:_MOST_ROWS]
    starts = [start for start, _, _ in pieces]
    where = places(raw)
    placed: dict[int, list[Finding]] = {}
    unplaced: list[Finding] = []
    for finding in findings:
        offset = _offset(finding, raw, where, lines_hold)
        if offset is None:
            unplaced.append(finding)
        else:
            placed.setdefault(_row_at(starts, offset), []).append(finding)
    rows = tuple(
        Row(
            number=start if by_offset else line,
            text=piece.rstrip(b"\r\n").decode("utf-8", "replace"),
            findings=tuple(placed.get(index, ())),
        )
        for index, (start, line, piece) in enumerate(pieces)
    )
    return Shown(rows=rows, by_offset=by_offset, left_out=left_out, unplaced=tuple(unplaced))


def places(raw: bytes) -> dict[str, int]:
    """
    Where each element begins, by its path of local names: ``/A/B/C[2]``; the first needs no number.

    What cannot be read as XML has the places up to its fault.
    """
    found: dict[str, int] = {}
    path: list[str] = []
    counts: list[Counter[str]] = [Counter()]
    parser = expat.ParserCreate()

    def begin(name: str, _: object) -> None:
        local = name.rpartition(":")[2]
        counts[-1][local] += 1
        number = counts[-1][local]
        path.append(local if number == 1 else f"{local}[{number}]")
        counts.append(Counter())
        found.setdefault("/" + "/".join(path), parser.CurrentByteIndex)

    def end(_: str) -> None:
        path.pop()
        counts.pop()

    def doctype(*_: object) -> None:
        raise _Doctype

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = doctype
    with contextlib.suppress(expat.ExpatError, _Doctype):
        parser.Parse(raw, True)
    return found


def _pieces(raw: bytes, by_offset: bool) -> Iterator[tuple[int, int, bytes]]:
    """Start, line and bytes of each row."""
    start = 0
    for number, line in enumerate(raw.splitlines(keepends=True), 1):
        if len(line) <= _LONG:
            yield start, number, line
        else:
            yield from ((start + at, number, piece) for at, piece in _cut(line))
        start += len(line)


def _cut(line: bytes) -> Iterator[tuple[int, bytes]]:
    """A long line, cut before each element's beginning."""
    begin = 0
    for tag in _BEGINNING.finditer(line, 1):
        yield begin, line[begin : tag.start()]
        begin = tag.start()
    yield begin, line[begin:]


def _offset(finding: Finding, raw: bytes, where: dict[str, int], lines_hold: bool) -> int | None:
    if finding.path:
        wanted = finding.path.replace("[1]", "")
        for path, offset in where.items():
            if path.endswith(wanted):
                return offset
    if finding.line is not None and lines_hold:
        return _start_of_line(raw, finding.line)
    return None


def _start_of_line(raw: bytes, line: int) -> int | None:
    starts: Iterable[int] = itertools.accumulate(
        (len(each) for each in raw.splitlines(keepends=True)), initial=0
    )
    start = next(itertools.islice(starts, line - 1, None), None)
    return start if start is not None and start < len(raw) else None


def _row_at(starts: Sequence[int], offset: int) -> int:
    return max((index for index, start in enumerate(starts) if start <= offset), default=0)
