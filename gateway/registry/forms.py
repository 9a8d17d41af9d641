"""Forms as files: ``schemas/<agreement>/<form>/<version>/form.toml`` and the XSD and rules it names."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Self

from lxml import etree
from pydantic import Field, model_validator

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.form import Form
from gateway.domain.ids import FormId, family_of
from gateway.domain.words import Language, Words
from gateway.registry.folder import Folder
from gateway.registry.read import Strict, read_toml
from gateway.registry.windows import EditionFile, Window, edition_faults, edition_windows, window_faults
from gateway.registry.words import load_words

XSD = "{http://www.w3.org/2001/XMLSchema}"
SCHEMATRON = "{http://purl.oclc.org/dsdl/schematron}"
RECORD_SCHEMA = "schemas/common/box-record.schema.json"

_ROOT = re.compile(r"\{([^{}\s]+)\}([A-Za-z_][\w.-]*)")
_PLACE = re.compile(r"schemas/(?P<id>[a-z0-9-]+/[a-z0-9-]+/[0-9]+(?:\.[0-9]+)*)/form\.toml")


class DatesFile(Strict):
    """Periods of the agreement, counted from issue or departure; what is not given is not limited."""

    validity_months: int | None = Field(default=None, gt=0)
    late_after_days: int | None = Field(default=None, ge=0)
    retroactive_months: int | None = Field(default=None, gt=0)
    reissue_months: int | None = Field(default=None, gt=0)


class HsFile(Strict):
    """How many digits the form asks for, and of which edition."""

    digits_at_least: int = Field(ge=2, le=12)
    digits_at_most: int = Field(ge=2, le=12)
    editions: list[EditionFile] = Field(min_length=1)


class CriteriaFile(Strict):
    """Which origin criteria the form admits, line by line, and what goes together; one is asked for."""

    lines: list[list[str]] = Field(min_length=3, max_length=3)
    alone: list[str]
    beside_alone: list[str]
    tariff_shifts: list[str]
    percent_wanted: list[str]
    rvc_at_least: int = Field(ge=0, le=100)
    rvc_at_least_beside: int = Field(ge=0, le=100)
    partial_cumulation: list[int] = Field(default=[0, 0], min_length=2, max_length=2)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.lines[0]:
            raise ValueError("lines[0] is empty; leave the table out where no criterion is asked for")
        if self.rvc_at_least_beside > self.rvc_at_least:
            raise ValueError("rvc_at_least_beside is more than rvc_at_least")
        return self


class OriginFile(Strict):
    """What the form knows of countries of origin."""

    tariff_differential: bool = False


class FobFile(Strict):
    """When an FOB value must be given."""

    when: str = Field(pattern=r"^(always|rvc|never)$")
    countries: list[str] = Field(default=[])


class MarksFile(Strict):
    """Which marks have a box to tick, and what is asked of a back-to-back original."""

    boxes: list[str]
    of_originals: list[str]


class FormFile(Strict):
    """The shape of a form.toml."""

    agreement: str = Field(min_length=1)
    title: str = Field(min_length=1)
    root: str
    entry: str = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    rules: str | None = None
    reference: str
    valid_from: date
    valid_to: date | None = None
    examples_on: date
    max_items: int = Field(gt=0)
    parties: list[str]
    dates: DatesFile = DatesFile()
    hs: HsFile
    criteria: CriteriaFile | None = None  # none: the form asks for no criterion and takes any
    origin: OriginFile
    fob: FobFile
    marks: MarksFile
    boxes: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordShape:
    """The JSON Schema of box records, and the words for records that are not of this shape."""

    schema: Mapping[str, Any]
    words: Mapping[Language, Words]


def load_forms(folder: Folder) -> Mapping[FormId, Form]:
    """
    Read every form's folder, its XSD and its rules, without compiling them, and the words of its findings.

    Raises:
        Misconfigured: with every fault of every form: keys, files that are not there, a hash that does not
            agree, two forms with one namespace, versions or editions whose windows do not follow each other;
            faults of the messages.
    """
    forms: dict[FormId, Form] = {}
    faults: list[RegistryFault] = []
    words: Mapping[Language, Words] = {}
    try:
        words = load_words(folder)
    except Misconfigured as error:
        faults += error.faults
    for relative, path in folder.glob("schemas/*/*/*/form.toml"):
        try:
            form = _form(relative, read_toml(path, relative, FormFile), folder, words)
        except Misconfigured as error:
            faults += error.faults
        else:
            forms[form.id] = form
    faults += _shared_namespaces(forms) + _windows(forms)
    if faults:
        raise Misconfigured(tuple(faults))
    return MappingProxyType(forms)


def load_record_schema(folder: Folder) -> RecordShape:
    """
    Read the JSON Schema of box records.

    Raises:
        Misconfigured: not there, or not JSON; faults of the messages.
    """
    path = folder.find(RECORD_SCHEMA)
    if path is None:
        raise Misconfigured((RegistryFault(RECORD_SCHEMA, "-", "no such file"),))
    try:
        schema: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise Misconfigured((RegistryFault(RECORD_SCHEMA, "-", f"not JSON: {error}"),)) from None
    return RecordShape(schema=MappingProxyType(schema), words=load_words(folder))


def xsd_digest(sources: Mapping[str, bytes]) -> str:
    """
    SHA-256, in hexadecimal, of the XSDs among *sources*, wherever they lie.

    It is taken over the SHA-256 of each file, in hexadecimal, sorted, each followed by a newline; so
    ``sha256sum form.xsd certificate.xsd | cut -c-64 | sort | sha256sum`` says the same.
    """
    each = sorted(
        hashlib.sha256(content).hexdigest() for path, content in sources.items() if path.endswith(".xsd")
    )
    return hashlib.sha256("".join(f"{digest}\n" for digest in each).encode()).hexdigest()


def _form(relative: str, file: FormFile, folder: Folder, words: Mapping[Language, Words]) -> Form:
    place, root = _PLACE.fullmatch(relative), _ROOT.fullmatch(file.root)
    faults: list[RegistryFault] = []
    if place is None:
        faults.append(RegistryFault(relative, "-", "the folder is not schemas/<agreement>/<form>/<version>"))
    if root is None:
        faults.append(RegistryFault(relative, "root", "is not {namespace}Name"))
    here = posixpath.dirname(relative)
    entry = f"{here}/{file.entry}"
    rules = f"{here}/{file.rules}" if file.rules is not None else None
    sources: dict[str, bytes] = {}
    faults += _gather(folder, relative, "entry", entry, sources)
    if rules is not None:
        faults += _gather(folder, relative, "rules", rules, sources)
    faults += [RegistryFault(relative, "hs.editions", fault) for fault in edition_faults(file.hs.editions)]
    if (digest := xsd_digest(sources)) != file.sha256:
        faults.append(RegistryFault(relative, "sha256", f"the XSD set has {digest}"))
    if faults or place is None or root is None:
        raise Misconfigured(tuple(faults))
    form = FormId(place["id"])
    return Form(
        id=form,
        family=family_of(form),
        agreement=file.agreement,
        title=file.title,
        namespace=root[1],
        root=root[2],
        folder=here,
        entry=entry,
        rules=rules,
        sources=MappingProxyType(sources),
        sha256=file.sha256,
        reference=file.reference,
        valid_from=file.valid_from,
        valid_to=file.valid_to,
        parties=frozenset(file.parties),
        values=MappingProxyType(_values(file)),
        boxes=MappingProxyType(file.boxes),
        ticks=frozenset(file.marks.boxes),
        editions=edition_windows(file.hs.editions),
        examples_on=file.examples_on,
        words=words,
    )


def _values(file: FormFile) -> dict[str, str]:
    """
    What the rules are told; lists as words between spaces, so that a rule asks for `` word ``.

    What the form does not limit is empty.
    """
    return {
        "agreement": file.agreement,
        "title": file.title,
        "valid-from": file.valid_from.isoformat(),
        "valid-to": file.valid_to.isoformat() if file.valid_to else "",
        "parties": _words(file.parties),
        "ticks": _words(file.marks.boxes),
        "of-originals": _words(file.marks.of_originals),
        "max-items": str(file.max_items),
        "validity-months": _number(file.dates.validity_months),
        "late-after-days": _number(file.dates.late_after_days),
        "retroactive-months": _number(file.dates.retroactive_months),
        "reissue-months": _number(file.dates.reissue_months),
        "hs-digits-at-least": str(file.hs.digits_at_least),
        "hs-digits-at-most": str(file.hs.digits_at_most),
        **(_criteria(file.criteria) if file.criteria is not None else _NO_CRITERIA),
        "tariff-differential": "yes" if file.origin.tariff_differential else "no",
        "fob": file.fob.when,
        "fob-countries": _words(file.fob.countries),
    }


def _criteria(file: CriteriaFile) -> dict[str, str]:
    first, second, third = file.lines
    return {
        "criteria-1": _words(first),
        "criteria-2": _words(second),
        "criteria-3": _words(third),
        "alone": _words(file.alone),
        "beside-alone": _words(file.beside_alone),
        "tariff-shifts": _words(file.tariff_shifts),
        "percent-wanted": _words(file.percent_wanted),
        "rvc-at-least": str(file.rvc_at_least),
        "rvc-at-least-beside": str(file.rvc_at_least_beside),
        "pc-at-least": str(file.partial_cumulation[0]),
        "pc-at-most": str(file.partial_cumulation[1]),
    }


_NO_CRITERIA: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("criteria-1", "criteria-2", "criteria-3", "alone", "beside-alone"), "")
    | dict.fromkeys(("tariff-shifts", "percent-wanted"), "")
    | dict.fromkeys(("rvc-at-least", "rvc-at-least-beside", "pc-at-least", "pc-at-most"), "0")
)


def _number(number: int | None) -> str:
    return "" if number is None else str(number)


def _words(words: list[str]) -> str:
    return f" {' '.join(words)} " if words else ""


def _gather(folder: Folder, toml: str, key: str, path: str, sources: dict[str, bytes]) -> list[RegistryFault]:
    """Read *path* and all that it includes into *sources*; faults for what is not there."""
    if path in sources:
        return []
    found = folder.find(path) if path.startswith("schemas/") else None
    if found is None:
        return [RegistryFault(toml, key, f"no file {path}")]
    sources[path] = content = found.read_bytes()
    try:
        root = etree.fromstring(content, etree.XMLParser(no_network=True, resolve_entities=False))
    except etree.XMLSyntaxError as error:
        return [RegistryFault(path, "-", f"not well-formed: {error.msg}")]
    faults: list[RegistryFault] = []
    for reference in _references(root):
        if "://" in reference:
            faults.append(RegistryFault(path, reference, "only relative paths are followed"))
            continue
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), reference))
        faults += _gather(folder, toml, key, target, sources)
    return faults


def _references(root: etree._Element) -> list[str]:
    tags: dict[str, str] = {
        f"{XSD}include": "schemaLocation",
        f"{XSD}import": "schemaLocation",
        f"{XSD}redefine": "schemaLocation",
        f"{SCHEMATRON}extends": "href",
        f"{SCHEMATRON}include": "href",
    }
    return [
        reference
        for element in root.iter(*tags)
        if (reference := element.get(tags[str(element.tag)])) is not None
    ]


def _shared_namespaces(forms: Mapping[FormId, Form]) -> list[RegistryFault]:
    first: dict[str, FormId] = {}
    faults = []
    for form in forms.values():
        if (other := first.setdefault(form.namespace, form.id)) != form.id:
            faults.append(
                RegistryFault(f"{form.folder}/form.toml", "root", f"the namespace is that of {other}")
            )
    return faults


def _windows(forms: Mapping[FormId, Form]) -> list[RegistryFault]:
    """Versions of one form must follow each other; two may overlap, for a while."""
    faults = []
    by_family: dict[FormId, list[Window]] = {}
    for form in forms.values():
        window = Window(form.id, form.valid_from, form.valid_to)
        by_family.setdefault(form.family, []).append(window)
    for versions in by_family.values():
        for name, key, fault in window_faults(versions):
            faults.append(RegistryFault(f"{forms[FormId(name)].folder}/form.toml", key, fault))
    return faults
