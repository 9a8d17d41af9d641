"""
Which key of a box record stands in which element of a certificate: read from the form's XSD, nowhere else.

A key is the element's name in small letters, ``port_of_loading`` for ``PortOfLoading``. Where records call it
something else, the XSD says so with ``r:key``; on a type, ``r:key`` names the number beside its attribute.
What kind of value it is follows from the type. So an element that a new version adds has its key at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from lxml import etree

from gateway.domain.form import Form
from gateway.validate.sources import XSD, attributes_of, elements_of, repeats, single_schema

RECORD = "{urn:eco-gateway:record:1.0}"
_DEEPEST = 12
_NUMBERS = frozenset(
    f"xs:{name}" for name in ("decimal", "integer", "positiveInteger", "nonNegativeInteger", "int", "long")
)
_WHOLE = _NUMBERS - {"xs:decimal"}
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Text:
    """A string, as the element's text; one of the *choices* where there are any."""

    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A number, as the element's text, never with an exponent."""

    whole: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """An object of a number and its unit or currency: text and attribute."""

    number: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks, each as Tick where the form has a box for it, else as Endorsement."""

    choices: tuple[str, ...] = ()


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
    """An object, or one of a few sentences in its place, which has an element of its own."""

    tag: str
    of: Group
    sentence: Text


Shape: TypeAlias = Text | Number | Measured | Marks | Listed | Repeated | Group | Stated


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record and the element it stands in."""

    key: str
    tag: str
    shape: Shape


def boxes_of(form: Form) -> Group:
    """The whole record of *form*, but for the key ``form``."""
    root = etree.fromstring(single_schema(form))
    walk = _Walk(
        {kind.get("name", ""): kind for kind in root.iterchildren(f"{XSD}complexType", f"{XSD}simpleType")}
    )
    for element in root.iterchildren(f"{XSD}element"):
        if element.get("name") == form.root:
            return walk.group(element)
    return Group(())


@dataclass(frozen=True, slots=True)
class _Walk:
    """One way down an XSD; what lies too deep, or holds itself, is left out."""

    types: Mapping[str, etree._Element]
    above: tuple[str, ...] = field(default=())

    def group(self, element: etree._Element) -> Group:
        return Group(tuple(self._fields(self._type_of(element))))

    def _fields(self, kind: etree._Element, without: str = "") -> Iterator[Field]:
        seen = {without}
        for below in elements_of(kind, self.types):
            tag = below.get("name", "")
            if tag in seen or len(self.above) > _DEEPEST:
                continue
            seen.add(tag)
            shape = _Walk(self.types, (*self.above, tag))._shape(below)
            key = below.get(f"{RECORD}key") or _CAPITAL.sub("_", tag).lower()
            yield Field(key, tag, Repeated(shape) if repeats(below) else shape)

    def _shape(self, element: etree._Element) -> Shape:
        kind = self._type_of(element)
        below = list(elements_of(kind, self.types))
        if not below:
            return self._of_a_leaf(element, kind)
        if {one.get("name") for one in below} == {"Tick", "Endorsement"}:
            return Marks(self._choices(below[0]))
        if len(below) == 1 and repeats(below[0]):
            tag = below[0].get("name", "")
            return Listed(tag, _Walk(self.types, (*self.above, tag))._shape(below[0]))
        if (statement := _statement(kind)) is not None:
            tag = statement.get("name", "")
            return Stated(tag, Group(tuple(self._fields(kind, without=tag))), Text(self._choices(statement)))
        return self.group(element)

    def _of_a_leaf(self, element: etree._Element, kind: etree._Element) -> Shape:
        for attribute in attributes_of(kind, self.types):
            return Measured(kind.get(f"{RECORD}key", "value"), attribute.get("name", ""))
        bases = list(self._bases(element))
        if any(base in _NUMBERS for base in bases):
            return Number(whole=any(base in _WHOLE for base in bases))
        return Text(self._choices(element))

    def _choices(self, element: etree._Element) -> tuple[str, ...]:
        """The values that a simple type enumerates; none where it is open."""
        found = self._type_of(element).iterfind(f".//{XSD}enumeration")
        return tuple(one.get("value", "") for one in found)

    def _type_of(self, element: etree._Element) -> etree._Element:
        return self.types.get(element.get("type", "").rpartition(":")[2], element)

    def _bases(self, element: etree._Element) -> Iterator[str]:
        """The names of the types that a simple type is derived from, its own first."""
        name = element.get("type", "")
        while name:
            yield name
            kind = self.types.get(name.rpartition(":")[2])
            restriction = None if kind is None else kind.find(f"{XSD}restriction")
            name = "" if restriction is None else restriction.get("base", "")


def _statement(kind: etree._Element) -> etree._Element | None:
    """The element that may stand in the place of all others, where *kind* is such a choice."""
    for choice in kind.iterchildren(f"{XSD}choice"):
        if {child.tag for child in choice} == {f"{XSD}sequence", f"{XSD}element"}:
            return next(choice.iterchildren(f"{XSD}element"))
    return None
