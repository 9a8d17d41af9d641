"""What ``send`` hands in: XML, EDIFACT, box records, found in files and folders, and packed into batches."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from gateway.cli.failures import WrongUse
from gateway.domain.errors import Refused
from gateway.registry.folder import over_shipped
from gateway.registry.forms import load_forms
from gateway.settings import read_settings
from gateway.translate.dialects import Dialects
from gateway.translate.edifact.decoding import is_interchange

XML = "application/xml"
RECORD = "application/json"
BATCH_ITEMS = 100
BATCH_BYTES = 8 * 1024 * 1024
_LINES = frozenset({".jsonl", ".ndjson"})
_SUFFIXES = frozenset({".xml", ".json", ".edi"}) | _LINES


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One certificate to hand in; *name* is the file, and the record's place where a file holds several."""

    name: str
    content: bytes
    content_type: str


def find_files(paths: Sequence[Path]) -> list[Path]:
    """
    The files to hand in: each file named, and in each folder named all below it that may hold certificates.

    Raises:
        WrongUse: a path is not there, or a folder holds nothing to send.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
            if not found:
                raise WrongUse(f"{path}: no .xml, .edi, .json, .jsonl or .ndjson file in this folder")
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


def batches(parcels: Iterable[Parcel]) -> Iterator[list[Parcel]]:
    """
    *parcels* in their order, as many together as fit one batch: all XML, or all records that are one line.

    What fits no batch stands alone, to be handed in as it is.
    """
    batch: list[Parcel] = []
    size = 0
    for parcel in parcels:
        fits = batch and batch[0].content_type == parcel.content_type and _is_packable(parcel)
        if batch and not (fits and len(batch) < BATCH_ITEMS and size + len(parcel.content) <= BATCH_BYTES):
            yield batch
            batch, size = [], 0
        if not _is_packable(parcel):
            yield [parcel]
            continue
        batch.append(parcel)
        size += len(parcel.content)
    if batch:
        yield batch


def packed(batch: Sequence[Parcel]) -> tuple[bytes, str]:
    """One body for *batch*, and its type."""
    if batch[0].content_type == RECORD:
        return b"\n".join(_one_line(parcel.content) for parcel in batch), "application/x-ndjson"
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, parcel in enumerate(batch):
            archive.writestr(f"{number}.xml", parcel.content)
    return body.getvalue(), "application/zip"


def _is_packable(parcel: Parcel) -> bool:
    """Whether the node reads the same in a batch; only in JSON do line breaks between values mean nothing."""
    if len(parcel.content) > BATCH_BYTES or not parcel.content.strip():
        return False
    if parcel.content_type != RECORD:
        return True
    try:
        json.loads(parcel.content.decode("utf-8"))
    except ValueError:
        return False
    return True


def _one_line(record: bytes) -> bytes:
    return record.replace(b"\r", b" ").replace(b"\n", b" ")


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
    if is_interchange(content):
        yield from _interchange(file, content)
    elif start == b"[":
        yield from _listed(file, content)
    else:
        yield Parcel(name=str(file), content=content, content_type=RECORD if start == b"{" else XML)


def _interchange(file: Path, content: bytes) -> Iterator[Parcel]:
    """Each certificate of a file of EDIFACT; one that cannot be read is sent as it is, to be told why."""
    folder = over_shipped(read_settings({}).registry)
    dialects = Dialects(folder, load_forms(folder))
    try:
        found = [document for document, _ in dialects.in_file(content) or ()]
    except Refused:
        found = [dialects.wrapped(content)]
    for index, document in enumerate(found):
        name = str(file) if len(found) == 1 else f"{file}[{index}]"
        yield Parcel(name=name, content=etree.tostring(document, encoding="UTF-8"), content_type=XML)


def _listed(file: Path, content: bytes) -> Iterator[Parcel]:
    """A list of records, each sent on its own; a list that cannot be read is sent whole, to be told why."""
    try:
        records = json.loads(content)
    except ValueError:
        yield Parcel(name=str(file), content=content, content_type=RECORD)
        return
    for index, record in enumerate(records):
        yield Parcel(name=f"{file}[{index}]", content=json.dumps(record).encode(), content_type=RECORD)
