"""``eco-gateway compose``: box records as certificates in XML, one file a record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from lxml import etree

from gateway.cli.failures import CommandFailed, Status
from gateway.cli.files import read_file, write_file
from gateway.cli.findings import finding_line, verdict_object
from gateway.cli.node import AsJson
from gateway.cli.screen import print_json, remark, say
from gateway.domain.errors import Finding, Refused
from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.registry.folder import over_shipped
from gateway.registry.forms import load_forms, load_record_schema
from gateway.settings import read_settings
from gateway.validate.records import compose as compose_certificate
from gateway.validate.records import form_of_record
from gateway.validate.shape import Records, read_json

LONGEST_NAME = 150

_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwritten:
    """A record that could not be written, and why."""

    line: int
    case: str | None
    form: str | None
    findings: tuple[Finding, ...]


def compose(
    records: Annotated[
        Path, typer.Argument(metavar="RECORDS.jsonl", help="Box records, one JSON object a line.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the files go.")],
    registry: Annotated[
        Path | None, typer.Option("--registry", metavar="DIR", help="Laid over the shipped registry.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write box records as certificates in XML. What a form forbids is for 'validate' to say."""
    folder = over_shipped(read_settings({"registry": registry}).registry)
    lines = _lines(read_file(records))
    forms = load_forms(folder)
    composer = Composer(Records(load_record_schema(folder), forms.values()), forms)
    names = Names()
    _make_folder(output)
    failed: list[Unwritten] = []
    written = 0
    for number, line in lines:
        match composer.compose(number, line):
            case Unwritten() as unwritten:
                failed.append(unwritten)
            case (name, xml):
                write_file(output / f"{names.take(name)}.xml", xml)
                written += 1
    _tell(str(records), failed, as_json)
    remark(f"{written} of {written + len(failed)} records written to {output}")
    return Status.REFUSED if failed else Status.DONE


class Composer:
    """Turns one line of a records file into a certificate in XML and the name it wants."""

    def __init__(self, records: Records, forms: Mapping[FormId, Form]) -> None:
        self._records = records
        self._forms = forms

    def compose(self, number: int, line: bytes) -> tuple[str, bytes] | Unwritten:
        """What the file should be called, unsafe as it stands, and its bytes; or why there is none."""
        record: Any = None
        try:
            record = read_json(line)
            if findings := self._records.findings(record):
                return _unwritten(number, record, findings)
            root = compose_certificate(record, form_of_record(record, self._forms))
        except Refused as refused:
            return _unwritten(number, record, refused.findings)
        xml = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
        return record.get("case") or record["certificate_number"], xml


class Names:
    """File names of one run: safe in any folder, and never the same twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """*wanted* without what could lead out of the folder, and a number after it where it is taken."""
        safe = safe_name(wanted)
        name, count = safe, 1
        while name.casefold() in self._taken:
            count += 1
            name = f"{safe}-{count}"
        self._taken.add(name.casefold())
        return name


def safe_name(text: str) -> str:
    """*text* as the name of a file: letters, digits, ``.``, ``_`` and ``-``, not hidden, not too long."""
    name = _UNSAFE.sub("-", text).lstrip(".-")
    return name.encode()[:LONGEST_NAME].decode(errors="ignore") or "record"


def _lines(raw: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(raw.split(b"\n"), 1):
        if line.strip():
            yield number, line


def _unwritten(number: int, record: Any, findings: tuple[Finding, ...]) -> Unwritten:
    said = record if isinstance(record, dict) else {}
    case, form = said.get("case"), said.get("form")
    return Unwritten(
        line=number,
        case=case if isinstance(case, str) else None,
        form=form if isinstance(form, str) else None,
        findings=tuple(replace(finding, line=number) for finding in findings),
    )


def _tell(file: str, failed: list[Unwritten], as_json: bool) -> None:
    verdicts = [
        {"case": one.case, **verdict_object(f"{file}:{one.line}", one.form, one.findings)} for one in failed
    ]
    if as_json:
        print_json(verdicts)
        return
    for verdict in verdicts:
        for finding in verdict["findings"]:
            say(finding_line(file, finding))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(f"{folder}: cannot be made: {error.strerror}") from None
