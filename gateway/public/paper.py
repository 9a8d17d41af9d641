"""
A certificate as people read it: the paper form, filled in, as a PDF that carries the sealed XML.

How a form looks is data: ``paper.typ`` in its folder lays it out, ``paper.toml`` holds its words by language,
and ``mappings/paper`` what forms share. Labels are translated; what the certificate says stands there as it
was sealed.
"""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, assert_never

import iso3166
import segno
import typst

from gateway.domain.errors import Misconfigured, NotFound, RegistryFault
from gateway.domain.form import Form
from gateway.domain.ids import CertificateNumber, PartyId
from gateway.domain.words import Language
from gateway.domain.xml import read_xml
from gateway.public.standing import Standing
from gateway.registry.load import Registry
from gateway.validate.records import record_of

SHARED = "mappings/paper"
LAYOUT = "paper.typ"
WORDS = "paper.toml"
STANDARD: Any = ["a-3a"]  # PDF/A-3, tagged: it may carry other files
_NOT_SHOWN = re.compile(r"the text `\"(?P<text>.)\"` could not be displayed", re.DOTALL)
_SCRIPTS = 40  # that no font knows, before we give up


@dataclass(frozen=True, slots=True)
class Specimen:
    """The image of a signature or a seal, from a specimen list; never the electronic seal."""

    image: bytes
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """
    What is printed.

    Attributes:
        record: the certificate as a box record.
        check: where anybody checks it; None for one that was not issued here.
        digest: SHA-256 of *sealed*, which is attached.
        made_at: when this was asked for.
        specimens: printed where officers sign; one that is no image is left out with the others.
    """

    form: Form
    record: Mapping[str, Any]
    number: CertificateNumber
    party: PartyId
    standing: Standing
    check: str | None
    digest: bytes
    sealed: bytes
    made_at: datetime
    specimens: tuple[Specimen, ...] = ()


class Papers:
    """
    The paper forms of a registry.

    Args:
        demonstration: nothing is real; every sheet says so.
    """

    def __init__(self, registry: Registry, *, demonstration: bool) -> None:
        self._registry = registry
        self._demonstration = demonstration
        self._shared = {path.name: path.read_bytes() for _, path in registry.folder.glob(f"{SHARED}/*.*")}
        with as_file(files("fontpkg_sarabun") / "files") as folder:
            self._fonts = [Path(folder), *_own_fonts(registry)]
        self._names = {
            "countries": {one.alpha2: one.apolitical_name.upper() for one in iso3166.countries},
            "units": dict(registry.codes.units.names),
            "packages": dict(registry.codes.packages.names),
        }

    def pdf(self, sheet: Sheet, language: Language) -> bytes:
        """
        Print *sheet*, its labels in *language*; English where they are not translated.

        Raises:
            NotFound: nobody has laid out this form.
            Misconfigured: its layout does not compile.
        """
        layout, words = (
            self._registry.folder.find(f"{sheet.form.folder}/{name}") for name in (LAYOUT, WORDS)
        )
        if layout is None or words is None:
            raise NotFound(f"{sheet.form.title} has no layout on paper.")
        given = json.dumps(self._given(sheet, language), ensure_ascii=False, default=_plain)
        read = {
            **self._shared,
            "main.typ": layout.read_bytes(),
            "form.toml": words.read_bytes(),
            "files.json": _files(sheet),
        }
        try:
            return self._compiled(read, given, f"{sheet.form.folder}/{LAYOUT}")
        except Misconfigured:
            if not sheet.specimens:
                raise
            return self.pdf(replace(sheet, specimens=()), language)

    def _compiled(self, read: Mapping[str, bytes], given: str, named: str) -> bytes:
        """Compile; what no font has is printed by its code, for a PDF/A may lack no character."""
        for _ in range(_SCRIPTS):
            try:
                return _compile({**read, "data.json": given.encode()}, self._fonts)
            except typst.TypstError as error:
                if (lacking := _NOT_SHOWN.search(error.message)) is None:
                    raise Misconfigured((RegistryFault(named, "-", error.message),)) from None
                given = _by_code(given, _script(lacking["text"]))
        raise Misconfigured((RegistryFault(named, "-", "too many characters that no font has"),))

    def _given(self, sheet: Sheet, language: Language) -> dict[str, Any]:
        """What a layout reads as ``data.json``; docs/add-a-country.md names it."""
        copy = "certified_true_copy_of" in sheet.record
        return {
            "language": language,
            "form": sheet.form.id,
            "number": sheet.number,
            "party": sheet.party,
            "record": sheet.record,
            "names": self._names,
            "kind": "CERTIFIED TRUE COPY" if copy else "ORIGINAL",
            "mark": mark_of(sheet.standing),
            "demonstration": self._demonstration,
            "check": sheet.check,
            "qr": None if sheet.check is None else _qr(sheet.check),
            "digest": sheet.digest.hex(),
            "attached": f"{file_name(sheet.number, sheet.form)}.xml",
            "made": f"{sheet.made_at:%Y-%m-%d %H:%M} UTC",
            "specimens": [one.words for one in sheet.specimens],
        }


def _files(sheet: Sheet) -> bytes:
    """What is put into the PDF as it is, byte by byte: typst takes no file that is not UTF-8."""
    files = {"sealed": list(sheet.sealed), "specimens": [list(one.image) for one in sheet.specimens]}
    return json.dumps(files, separators=(",", ":")).encode()


def _own_fonts(registry: Registry) -> list[Path]:
    """Where an installation lays fonts for scripts that ours lacks."""
    folders = (layer / SHARED / "fonts" for layer in registry.folder.layers)
    return [folder for folder in folders if folder.is_dir()]


def paper_faults(registry: Registry) -> Iterator[RegistryFault]:
    """What is wrong with the layouts: each prints the first of its form's examples, in every language."""
    papers = Papers(registry, demonstration=True)
    for form in registry.forms.values():
        examples = registry.folder.glob(f"{form.folder}/examples/valid/*.xml")
        example = next((path for _, path in examples), None)
        if example is None or registry.folder.find(f"{form.folder}/{LAYOUT}") is None:
            continue
        try:
            record = record_of(read_xml(example.read_bytes()), form)
            for language in registry.labels:
                papers.pdf(_example_sheet(form, record), language)
        except Misconfigured as error:
            yield from error.faults
        except NotFound as error:
            yield RegistryFault(f"{form.folder}/{WORDS}", "-", str(error))


def _example_sheet(form: Form, record: Mapping[str, Any]) -> Sheet:
    return Sheet(
        form=form,
        record=record,
        number=CertificateNumber(str(record.get("certificate_number", ""))),
        party=PartyId("XX.EXAMPLE"),
        standing=Standing.VALID,
        check="https://check.example/verify/EXAMPLE",
        digest=bytes(32),
        sealed=b"<example/>",
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def _compile(given: Any, fonts: list[Path]) -> bytes:
    """Compile the files of *given*, a mapping that the library's types do not know of."""
    return typst.compile(
        given, format="pdf", pdf_standards=STANDARD, font_paths=fonts, ignore_system_fonts=True
    )


def mark_of(standing: Standing) -> str | None:
    """What is printed across a certificate that does not stand; None for one that does."""
    match standing:
        case Standing.VALID | Standing.CANCELLING:
            return None
        case Standing.WITHDRAWN | Standing.UNKNOWN:
            return "NOT IN FORCE"
        case Standing.CANCELLED | Standing.REPLACED | Standing.EXPIRED:
            return standing.value.upper()
        case _:
            assert_never(standing)


def file_name(number: str, form: Form) -> str:
    """``VN-TH-26-02-00006_form-d``: the number and the form in letters that every file system takes."""
    return f"{re.sub('[^A-Za-z0-9]+', '-', number).strip('-')}_{form.family.split('/')[1]}"


def _qr(text: str) -> str:
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", border=2, scale=4)
    return drawn.getvalue().decode()


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{value!r} has no place in a record")


def _script(character: str) -> str:
    """``CJK``, ``HANGUL``: by the first word of its name, which those of a script share."""
    return unicodedata.name(character, "").partition(" ")[0]


def _by_code(text: str, script: str) -> str:
    return "".join(f"⟨U+{ord(c):04X}⟩" if ord(c) > 127 and _script(c) == script else c for c in text)
