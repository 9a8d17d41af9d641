"""
Box records: a certificate box by box as plain JSON, and the same certificate as XML.

One table says which key stands in which element; composing and reading back both follow it, so nothing can be
written that is not read again. What a form forbids is written all the same: judging it says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias, assert_never

from lxml import etree

from gateway.domain.errors import FormNotAgreed
from gateway.domain.form import Form, in_force, latest
from gateway.domain.ids import FormId
from gateway.validate.places import content_of


@dataclass(frozen=True, slots=True)
class Text:
    """A string, as the element's text."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number, as the element's text, never with an exponent."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An object of a number and its unit or currency: text and attribute."""

    number: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks, each as Tick where the form has a box for it, else as Endorsement."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, as a wrapper with one element for each entry."""

    tag: str
    of: Shape


@dataclass(frozen=True, slots=True)
class Repeated:
    """A list whose key must be there, as the element itself, repeated."""

    of: Shape


@dataclass(frozen=True, slots=True)
class Group:
    """An object, as an element with one child for each key, in this order."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Stated:
    """An object, or one of a few sentences in its place."""

    of: Group


Shape: TypeAlias = Text | Number | Measured | Marks | Listed | Repeated | Group | Stated


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record and the element it stands in."""

    key: str
    tag: str
    shape: Shape


STATEMENT = "Statement"

_FIRM = Group(
    (
        Field("name", "Name", Text()),
        Field("address", "Address", Listed("Line", Text())),
        Field("country", "Country", Text()),
        Field("registration", "Registration", Text()),
    )
)
_INVOICE = Group((Field("number", "Number", Text()), Field("date", "Date", Text())))
_ITEM = Group(
    (
        Field("no", "Number", Number()),
        Field("marks", "Marks", Text()),
        Field(
            "packages", "Packages", Group((Field("count", "Count", Number()), Field("kind", "Kind", Text())))
        ),
        Field("description", "Description", Text()),
        Field("hs", "HarmonizedSystemCode", Text()),
        Field("criterion", "OriginCriterion", Repeated(Text())),
        Field("rvc_percent", "RvcPercent", Number()),
        Field("origin", "Origin", Text()),
        Field("tariff_differential", "TariffDifferential", Text()),
        Field("producer", "Producer", _FIRM),
        Field("gross_weight", "GrossWeight", Measured("value", "unit")),
        Field("net_weight", "NetWeight", Measured("value", "unit")),
        Field("quantity", "Quantity", Measured("value", "unit")),
        Field("fob", "FobValue", Measured("amount", "currency")),
        Field("invoices", "Invoices", Listed("Invoice", _INVOICE)),
    )
)
_TRANSPORT = Group(
    (
        Field("mode", "Mode", Text()),
        Field("departure_date", "DepartureDate", Text()),
        Field("vessel", "Vessel", Text()),
        Field("port_of_loading", "PortOfLoading", Text()),
        Field("port_of_discharge", "PortOfDischarge", Text()),
        Field("route", "Route", Text()),
    )
)
_ORIGINAL = Group(
    (
        Field("number", "Number", Text()),
        Field("issue_date", "IssueDate", Text()),
        Field("issuing_country", "IssuingCountry", Text()),
        Field("origin", "Origin", Text()),
        Field("approved_exporter", "ApprovedExporter", Text()),
    )
)
_EARLIER = (Field("number", "Number", Text()), Field("issue_date", "IssueDate", Text()))
CERTIFICATE = Group(
    (
        Field("certificate_number", "CertificateNumber", Text()),
        Field("exporting_country", "ExportingCountry", Text()),
        Field("importing_country", "ImportingCountry", Text()),
        Field("issue_date", "IssueDate", Text()),
        Field("issue_place", "IssuePlace", Text()),
        Field("issuing_body", "IssuingBody", Text()),
        Field("signatory", "Signatory", Text()),
        Field("exporter", "Exporter", _FIRM),
        Field("consignee", "Consignee", _FIRM),
        Field("producer", "Producer", Stated(_FIRM)),
        Field("transport", "Transport", _TRANSPORT),
        Field("ticks", "Ticks", Marks()),
        Field(
            "third_party_invoice",
            "ThirdPartyInvoice",
            Group((Field("name", "Name", Text()), Field("country", "Country", Text()))),
        ),
        Field("back_to_back", "BackToBack", Listed("Original", _ORIGINAL)),
        Field(
            "exhibition",
            "Exhibition",
            Group((Field("name", "Name", Text()), Field("address", "Address", Text()))),
        ),
        Field("certified_true_copy_of", "CertifiedTrueCopyOf", Group(_EARLIER)),
        Field("replaces", "Replaces", Group((*_EARLIER, Field("reason", "Reason", Text())))),
        Field(
            "declaration",
            "Declaration",
            Group(
                (
                    Field("place", "Place", Text()),
                    Field("date", "Date", Text()),
                    Field("signatory", "Signatory", Text()),
                )
            ),
        ),
        Field("remarks", "Remarks", Text()),
        Field("items", "Items", Listed("Item", _ITEM)),
    )
)


def compose(record: Mapping[str, Any], form: Form) -> etree._Element:
    """
    Write *record* as a certificate of *form*; the root has a document of its own.

    Args:
        record: of the shape that the record schema asks for; keys of test records are left out.
        form: decides the namespace, and which marks have a box to tick; it forbids nothing here.
    """
    root = etree.Element(f"{{{form.namespace}}}{form.root}", nsmap={None: form.namespace})
    _Writer(form).write_group(root, CERTIFICATE, record)
    return root


def record_of(document: etree._Element, form: Form) -> dict[str, Any]:
    """
    Read a certificate back into a box record: what ``compose`` wrote is read without loss.

    Of a certificate with faults it reads what has a place in a record; what should be a number
    and is none stays text. Numbers are ``int`` or ``Decimal``, exact.
    """
    return {"form": form.id, **_Reader(form.namespace).read_group(document, CERTIFICATE)}


def form_of_record(
    record: Mapping[str, Any], forms: Mapping[FormId, Form], agreed: Collection[FormId] = ()
) -> Form:
    """
    The form that *record* names; without a version the one in force on its issue date.

    Of two versions in a transition it is one of those *agreed*, then the younger one. Where no version is in
    force, or the date cannot be read, the youngest one: judging will say so.

    Args:
        agreed: the forms that the corridors to the importing country take.

    Raises:
        FormNotAgreed: S03, no such form or version.
    """
    name = FormId(record["form"])
    if name in forms:
        return forms[name]
    taken = [form for form in forms.values() if form.id in agreed]
    try:
        day = date.fromisoformat(record["issue_date"])
        found = in_force(taken, name, day) or in_force(forms.values(), name, day)
    except ValueError:
        found = None
    if (form := found or latest(forms.values(), name)) is None:
        raise FormNotAgreed(f"No form is called {name[:80]!r}; known are {', '.join(sorted(forms))}")
    return form


class _Writer:
    """Writes in one form's namespace."""

    def __init__(self, form: Form) -> None:
        self._prefix = f"{{{form.namespace}}}"
        self._ticks = form.ticks

    def write_group(self, parent: etree._Element, group: Group, value: Mapping[str, Any]) -> None:
        for field in group.fields:
            if field.key in value:
                self._write(parent, field.tag, field.shape, value[field.key])

    def _write(self, parent: etree._Element, tag: str, shape: Shape, value: Any) -> None:
        if isinstance(shape, Repeated):
            for entry in value:
                self._write(parent, tag, shape.of, entry)
            return
        element = etree.SubElement(parent, self._prefix + tag)
        match shape:
            case Text():
                element.text = value
            case Number():
                element.text = plain(value)
            case Measured():
                if shape.number in value:
                    element.text = plain(value[shape.number])
                if shape.attribute in value:
                    element.set(shape.attribute, value[shape.attribute])
            case Marks():
                for mark in value:
                    name = "Tick" if mark in self._ticks else "Endorsement"
                    etree.SubElement(element, self._prefix + name).text = mark
            case Listed():
                for entry in value:
                    self._write(element, shape.tag, shape.of, entry)
            case Stated():
                if isinstance(value, str):
                    etree.SubElement(element, self._prefix + STATEMENT).text = value
                else:
                    self.write_group(element, shape.of, value)
            case Group():
                self.write_group(element, shape, value)
            case _:
                assert_never(shape)


class _Reader:
    """Reads what stands in one form's namespace."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{{{namespace}}}"

    def read_group(self, element: etree._Element, group: Group) -> dict[str, Any]:
        children: dict[str, list[etree._Element]] = {}
        for child in element.iterchildren(f"{self._prefix}*"):
            children.setdefault(str(child.tag)[len(self._prefix) :], []).append(child)
        return dict(self._read_fields(group.fields, children))

    def _read_fields(
        self, fields: Sequence[Field], children: Mapping[str, list[etree._Element]]
    ) -> Iterator[tuple[str, Any]]:
        for field in fields:
            found = children.get(field.tag, [])
            if isinstance(field.shape, Repeated):
                yield field.key, [self._read(element, field.shape.of) for element in found]
            elif found:
                yield field.key, self._read(found[0], field.shape)

    def _read(self, element: etree._Element, shape: Shape) -> Any:
        match shape:
            case Text():
                return content_of(element)
            case Number():
                return number(content_of(element))
            case Measured():
                return self._read_measured(element, shape)
            case Marks():
                return [content_of(child) for child in element.iterchildren(f"{self._prefix}*")]
            case Listed():
                return [
                    self._read(child, shape.of) for child in element.iterchildren(self._prefix + shape.tag)
                ]
            case Repeated():
                return [self._read(element, shape.of)]
            case Stated():
                statement = element.find(self._prefix + STATEMENT)
                return self.read_group(element, shape.of) if statement is None else content_of(statement)
            case Group():
                return self.read_group(element, shape)
            case _:
                assert_never(shape)

    def _read_measured(self, element: etree._Element, shape: Measured) -> dict[str, Any]:
        measured: dict[str, Any] = {}
        if text := content_of(element):
            measured[shape.number] = number(text)
        if (attribute := element.get(shape.attribute)) is not None:
            measured[shape.attribute] = attribute
        return measured


def plain(value: float | Decimal) -> str:
    """A number as XML Schema's decimal writes it: exact, never with an exponent."""
    return format(Decimal(repr(value)) if isinstance(value, float) else Decimal(value), "f")


def number(text: str) -> int | Decimal | str:
    """The number that *text* is; *text* itself if it is none."""
    stripped = text.strip()
    digits = stripped.removeprefix("-").removeprefix("+")
    if not digits.replace(".", "", 1).isascii() or not digits.replace(".", "", 1).isdigit():
        return text
    return Decimal(stripped) if "." in digits else int(stripped)
