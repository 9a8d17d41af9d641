"""
Plain sentences for what an XSD forbids.

libxml2 stops at the first surprise among an element's children; xmlschema does not, and knows what it
expected there. It is slow to import and to run, so nothing but a failure leads here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from itertools import islice
from typing import Any, cast

import xmlschema
from lxml import etree
from xmlschema.validators import (
    XMLSchemaChildrenValidationError,
    XMLSchemaValidationError,
    XsdElement,
    XsdGroup,
)

from gateway.domain.errors import Fault, Severity
from gateway.domain.form import Form
from gateway.domain.words import Words
from gateway.validate.places import Flaw, Place, value_at
from gateway.validate.sources import single_schema

ENOUGH = 200
SHOWN_AT_MOST = 60

_DUPLICATE = re.compile(
    r"Duplicate key-sequence \['(?P<value>.*)'\].*constraint '(?:\{.*\})?(?P<name>[^'}]+)'"
)
_ATTRIBUTE = re.compile(r"'(?P<name>[^']+)'")
_ATTRIBUTE_VALUE = re.compile(r"attribute (?P<name>[\w:.-]+)=")


class Explanation:
    """Says what is wrong with a document that failed the XSD of one form; one thread at a time."""

    def __init__(self, form: Form) -> None:
        self._schema = xmlschema.XMLSchema10(
            single_schema(form).decode(), allow="none", defuse="always", use_meta=True
        )
        self._vocabulary = Vocabulary(self._schema, form)

    def flaws(self, document: etree._Element, log: list[etree._LogEntry]) -> list[Flaw]:
        """
        Put the failure in words.

        Args:
            log: what libxml2 said; speaks for identity constraints, and where xmlschema finds nothing.
        """
        flaws = list(self._duplicates(document, log))
        try:
            for error in islice(self._schema.iter_errors(cast("Any", document)), ENOUGH):
                flaws += self._explained(error)
        except ArithmeticError:  # a year or a number beyond what xmlschema can count to; libxml2 named it
            flaws += _in_other_words(document, log)
        return flaws or _in_other_words(document, log)

    def _explained(self, error: XMLSchemaValidationError) -> Iterable[Flaw]:
        vocabulary = self._vocabulary
        element: Any = error.elem
        reason = error.reason or ""
        if element is None or "duplicated value" in reason:
            return []
        if isinstance(error, XMLSchemaChildrenValidationError):
            return vocabulary.children(element, error)
        if "missing required attribute" in reason:
            return [vocabulary.attribute_missing(element, name) for name in _ATTRIBUTE.findall(reason)]
        if "attribute not allowed" in reason:
            return [vocabulary.attribute_unknown(element, name) for name in _ATTRIBUTE.findall(reason)[:1]]
        if (found := _ATTRIBUTE_VALUE.match(reason)) is not None:
            return [vocabulary.value(Place(element, f"@{found['name']}"))]
        if len(element):
            return [vocabulary.mixed(element)]
        return [vocabulary.value(Place(element))]

    def _duplicates(self, document: etree._Element, log: Iterable[etree._LogEntry]) -> Iterator[Flaw]:
        for entry in islice((e for e in log if e.type_name == "SCHEMAV_CVC_IDC"), ENOUGH):
            element = element_at(document, entry.path)
            if element is not None and (found := _DUPLICATE.search(entry.message)) is not None:
                yield self._vocabulary.duplicate(element, found["name"], found["value"])


class Vocabulary:
    """What the schema knows about its elements, and the sentences made of it."""

    def __init__(self, schema: xmlschema.XMLSchema10, form: Form) -> None:
        self._schema = schema
        self._form = form
        self._prefix = f"{{{form.namespace}}}"

    def value(self, place: Place) -> Flaw:
        """A text or an attribute that is not what its type asks for."""

        def say(words: Words) -> tuple[str, str]:
            name, value = _name(place, words), _shown(value_at(place), words)
            if expected := self._expected(place, words):
                return words.say("value-expected", place=name, value=value, expected=expected)
            return words.say("value-wrong", place=name, value=value)

        return _flaw(place, say)

    def mixed(self, element: etree._Element) -> Flaw:
        """Text between elements, or elements inside a text."""
        name = _local(element)
        return _flaw(Place(element, "text()"), lambda words: words.say("content-mixed", element=name))

    def attribute_missing(self, element: etree._Element, name: str) -> Flaw:
        """An attribute that must be there."""
        place, local = Place(element, f"@{name}"), _local(element)

        def say(words: Words) -> tuple[str, str]:
            if expected := self._expected(place, words):
                return words.say("attribute-expected", attribute=name, element=local, expected=expected)
            return words.say("attribute-missing", attribute=name, element=local)

        return _flaw(place, say)

    def attribute_unknown(self, element: etree._Element, name: str) -> Flaw:
        """An attribute that the element does not have."""
        local, attribute = _local(element), name.rpartition("}")[2]
        return _flaw(
            Place(element, f"@{name}"),
            lambda words: words.say("attribute-unknown", element=local, attribute=attribute),
        )

    def duplicate(self, element: etree._Element, constraint: str, value: str) -> Flaw:
        """A value that must be unique and is not; told at the field, not at the element that holds it."""
        place = Place(element)
        for identity in self._schema.identities.values():
            if identity.local_name == constraint:
                found = element.find(f"{self._prefix}{identity.fields[0].path.rpartition(':')[2]}")
                place = Place(element if found is None else found)
        return _flaw(
            place,
            lambda words: words.say("value-twice", place=_name(place, words), value=_shown(value, words)),
        )

    def children(self, element: etree._Element, error: XMLSchemaChildrenValidationError) -> Iterator[Flaw]:
        """
        Children that are missing, unknown, or in the wrong place.

        All that are missing are told, not only the first that the schema stumbled over.
        """
        group: Any = error.validator
        known = {e.local_name: e for e in group.iter_elements() if isinstance(e, XsdElement)}
        children = list(element.iterchildren("*"))
        strange = [c for c in children if c.tag != self._prefix + _local(c) or _local(c) not in known]
        names_there = {_local(child) for child in children}
        lacking = [names for names in _mandatory(group) if not names & names_there]
        if not (lacking or strange) and not (expected := _expected_next(error)) & names_there:
            lacking = [expected] if expected else []
        for names in lacking:
            yield self._missing(element, [name for name in known if name in names])
        for child in strange:
            yield self._unknown(child)
        if not (lacking or strange):
            yield self._misplaced(element, error, list(known))

    def _missing(self, element: etree._Element, names: list[str]) -> Flaw:
        local = _local(element)

        def say(words: Words) -> tuple[str, str]:
            either = reduce(lambda one, other: words.phrase("either", one=one, other=other), names)
            return words.say("element-missing", names=either, element=local)

        return _flaw(Place(element, names[0]), say)

    def _unknown(self, child: etree._Element) -> Flaw:
        name, parent, title = _local(child), _local(child.getparent()), self._form.title
        return _flaw(
            Place(child),
            lambda words: words.say("element-unknown", element=name, parent=parent, title=title),
        )

    def _misplaced(
        self, element: etree._Element, error: XMLSchemaChildrenValidationError, order: list[str]
    ) -> Flaw:
        children = list(element.iterchildren("*"))
        child = children[min(error.index, len(children) - 1)] if children else element
        repeated = any(earlier.tag == child.tag for earlier in child.itersiblings(preceding=True))
        key, name = "element-repeated" if repeated else "element-misplaced", _local(child)
        return _flaw(Place(child), lambda words: words.say(key, element=name, order=", ".join(order)))

    def _expected(self, place: Place, words: Words) -> str:
        """What the type at *place* asks for, as its documentation says it; empty where nothing is said."""
        declared = self._declared(place.element)
        if declared is None:
            return ""
        kind: Any = declared.type
        if place.below.startswith("@"):
            attribute = declared.attributes.get(place.below[1:])
            kind = None if attribute is None else attribute.type
        while kind is not None:
            for candidate in (kind, getattr(kind, "content", None)):
                documented = " ".join(str(getattr(candidate, "annotation", None) or "").split())
                if candidate is not None and documented:
                    return words.expected.get(candidate.local_name or "", documented)
            kind = getattr(kind, "base_type", None)
        return ""

    def _declared(self, element: etree._Element) -> XsdElement | None:
        names = []
        node: etree._Element | None = element
        while node is not None and str(node.tag).startswith(self._prefix):
            names.append(str(node.tag))
            node = node.getparent()
        declared: Any = self._schema.elements.get(names.pop().removeprefix(self._prefix)) if names else None
        while names and declared is not None:
            wanted = names.pop()
            content = declared.type.content
            below: Iterable[Any] = content.iter_elements() if isinstance(content, XsdGroup) else ()
            declared = next((e for e in below if e.name == wanted), None)
        return declared if isinstance(declared, XsdElement) else None


def element_at(document: etree._Element, path: str | None) -> etree._Element | None:
    """The element at a path of libxml2's error log, seen from *document* wherever it lies."""
    below = (path or "").strip("/").split("/", 1)[1:]
    found = document.xpath(below[0]) if below else [document]
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else None


def _in_other_words(document: etree._Element, log: list[etree._LogEntry]) -> list[Flaw]:
    """What libxml2 said; never nothing, for the document did fail."""
    said = []
    for entry in log[:ENOUGH]:
        element = element_at(document, entry.path)
        said.append(_in_words_of_libxml2(document if element is None else element, entry.message))
    return said or [_flaw(Place(document), lambda words: words.say("schema-not-met"))]


def _in_words_of_libxml2(element: etree._Element, message: str) -> Flaw:
    """What libxml2 said about *element*, where nothing better is known."""
    said = " ".join(message.split())
    return _flaw(Place(element), lambda words: words.say("schema-broken", said=said))


def _mandatory(group: Any) -> Iterator[set[str]]:
    """Sets of names of which one must be there: alternatives of a choice make one set."""
    if group.model == "choice":
        yield {str(element.local_name) for element in group.iter_elements()}
        return
    for particle in group:
        if particle.min_occurs == 0:
            continue
        if isinstance(particle, XsdElement):
            yield {str(particle.local_name)}
        else:
            yield from _mandatory(particle)


def _expected_next(error: XMLSchemaChildrenValidationError) -> set[str]:
    """Names of which the schema expected one where it stumbled."""
    expected: Any = error.expected or ()
    return {str(particle.local_name) for particle in expected if isinstance(particle, XsdElement)}


def _flaw(place: Place, words: Callable[[Words], tuple[str, str]]) -> Flaw:
    return Flaw(code=Fault.SCHEMA.value, severity=Severity.ERROR, place=place, words=words)


def _name(place: Place, words: Words) -> str:
    local = _local(place.element)
    if place.below.startswith("@"):
        return words.phrase("attribute-of", attribute=place.below[1:], element=local)
    return local


def _local(element: etree._Element | None) -> str:
    return "" if element is None else etree.QName(element).localname


def _shown(value: str | None, words: Words) -> str:
    if not value:
        return words.phrase("empty")
    return f"'{value}'" if len(value) <= SHOWN_AT_MOST else f"'{value[:SHOWN_AT_MOST]}…'"
