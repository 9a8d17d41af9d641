"""
Box records: a certificate box by box as plain JSON, and the same certificate as XML.

The form's XSD says which key stands in which element; composing and reading back both follow it, so nothing
can be written that is not read again. What a form forbids is written all the same: judging it says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, assert_never

from lxml import etree

from gateway.domain.errors import FormNotAgreed
from gateway.domain.form import Form, in_force, latest
from gateway.domain.ids import FormId
from gateway.validate.boxes import (
    Field,
    Group,
    Listed,
    Marks,
    Measured,
    Number,
    Repeated,
    Shape,
    Stated,
    Text,
    boxes_of,
)
from gateway.validate.places import content_of

_LONGEST_NUMBER = 100  # digits
NOT_PRINTED = frozenset({"form", "case", "kind", "expected"})  # keys beside the boxes


@lru_cache(maxsize=64)
def boxes(form: Form) -> Group:
    """The keys of a record of *form*, each with its element; read from the XSD once."""
    return boxes_of(form)


def compose(record: Mapping[str, Any], form: Form) -> etree._Element:
    """
    Write *record* as a certificate of *form*; the root has a document of its own.

    Args:
        record: of the shape that the record schema asks for; keys of test records are left out, keys that
            another version has stand last.
        form: decides the namespace, and which marks have a box to tick; it forbids nothing here.
    """
    root = etree.Element(f"{{{form.namespace}}}{form.root}", nsmap={None: form.namespace})
    printed = {key: value for key, value in record.items() if key not in NOT_PRINTED}
    _Writer(form).write_group(root, boxes(form), printed)
    return root


def record_of(document: etree._Element, form: Form) -> dict[str, Any]:
    """
    Read a certificate back into a box record: what ``compose`` wrote is read without loss.

    Of a certificate with faults it reads what has a place in a record; what should be a number
    and is none stays text. Numbers are ``int`` or ``Decimal``, exact.
    """
    return {"form": form.id, **_Reader(form.namespace).read_group(document, boxes(form))}


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
        known = {field.key for field in group.fields}
        for key, strange in value.items():
            if key not in known:
                element = etree.SubElement(parent, self._prefix + key.title().replace("_", ""))
                element.text = strange if isinstance(strange, str) else None

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
                    etree.SubElement(element, self._prefix + shape.tag).text = value
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
                statement = element.find(self._prefix + shape.tag)
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
    """The number that *text* is; *text* itself if it is none, or longer than any number of a certificate."""
    stripped = text.strip()
    digits = stripped.removeprefix("-").removeprefix("+")
    bare = digits.replace(".", "", 1)
    if not bare.isascii() or not bare.isdigit() or len(bare) > _LONGEST_NUMBER:
        return text
    return Decimal(stripped) if "." in digits else int(stripped)
