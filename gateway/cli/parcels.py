"""What ``send`` hands in: XML files and box records, found in files and folders and read one at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.failures import WrongUse

XML = "application/xml"
RECORD = "application/json"
_LINES = frozenset({".jsonl", ".ndjson"})
_SUFFIXES = frozenset({".xml", ".json"}) | _LINES


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One certificate to hand in; *name* is the file, and the record's place where a file holds several."""

    name: str
    content: bytes
    content_type: str


def find_files(paths: Sequence[Path]) -> list[Path]:
    """
    The files to hand in: each file named, and in each folder named all XML files and box records below it.

    Raises:
        WrongUse: a path is not there, or a folder holds nothing to send.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
            if not found:
                raise WrongUse(f"{path}: no .xml, .json, .jsonl or .ndjson file in this folder")
            files += found
        elif path.exists():
            files.append(path)
        else:
            raise WrongUse(f"{path}: no such file or folder")
    return files


def count_parcels(files: Iterable[Path]) -> int:
    """How many certificates *files* hold, for a progress bar; a file that holds a list counts once."""
    return sum(sum(1 for _ in _lines(file)) if _is_lines(file) else 1 for file in files)


def read_parcels(files: Iterable[Path]) -> Iterator[Parcel]:
    """
    The certificates in *files*, in order, each read when its turn comes.

    Raises:
        WrongUse: a file cannot be read.
    """
    for file in files:
        if _is_lines(file):
            for number, line in _lines(file):
                yield Parcel(name=f"{file}:{number}", content=line, content_type=RECORD)
        else:
            yield from _whole(file)


def _is_lines(file: Path) -> bool:
    return file.suffix.lower() in _LINES


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line.strip()
    except OSError as error:
        raise WrongUse(f"{file}: cannot be read: {error.strerror}") from None


def _whole(file: Path) -> Iterator[Parcel]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise WrongUse(f"{file}: cannot be read: {error.strerror}") from None
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"[":
        yield from _listed(file, content)
    else:
        yield Parcel(name=str(file), content=content, content_type=RECORD if start == b"{" else XML)


def _listed(file: Path, content: bytes) -> Iterator[Parcel]:
    """A list of records, each sent on its own; a list that cannot be read is sent whole, to be told why."""
    try:
        records = json.loads(content)
    except ValueError:
        yield Parcel(name=str(file), content=content, content_type=RECORD)
        return
    for index, record in enumerate(records):
        yield Parcel(name=f"{file}[{index}]", content=json.dumps(record).encode(), content_type=RECORD)
