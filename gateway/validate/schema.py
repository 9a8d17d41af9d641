"""
Hold a document against the XSD of its form.

lxml always decides; it is fast and strict. Only a document that failed is gone through again with xmlschema,
which does not stop at the first surprise among an element's children, to say in plain words what is wrong.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, cast

import xmlschema
from lxml import etree
from xmlschema.validators import XMLSchemaChildrenValidationError, XMLSchemaValidationError

from gateway.domain.form import Form
from gateway.validate.explain import Vocabulary, in_words_of_libxml2
from gateway.validate.places import Flaw, Place
from gateway.validate.sources import compiled_schema, single_schema

ENOUGH = 200
_DUPLICATE = re.compile(
    r"Duplicate key-sequence \['(?P<value>.*)'\].*constraint '(?:\{.*\})?(?P<name>[^'}]+)'"
)
_ATTRIBUTE = re.compile(r"'(?P<name>[^']+)'")
_ATTRIBUTE_VALUE = re.compile(r"attribute (?P<name>[\w:.-]+)=")


class Structure:
    """The XSD of one form, compiled. Not to be shared between threads; the explanation may be."""

    def __init__(self, form: Form, explanation: Explanation) -> None:
        self._schema = compiled_schema(form)
        self._explanation = explanation

    def flaws(self, document: etree._Element) -> list[Flaw]:
        """Every S02 of *document*, in no particular order; empty if it is valid."""
        if self._schema.validate(document):
            return []
        return self._explanation.flaws(document, list(self._schema.error_log))


class Explanation:
    """Says what is wrong with a document that failed; made on first use, shared by all threads."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._lock = threading.Lock()
        self._schema: xmlschema.XMLSchema10 | None = None
        self._vocabulary: Vocabulary | None = None

    def flaws(self, document: etree._Element, log: list[etree._LogEntry]) -> list[Flaw]:
        """
        Put the failure in words.

        Args:
            log: what libxml2 said; speaks for identity constraints, and where xmlschema finds nothing.
        """
        with self._lock:
            schema, words = self._prepared()
            errors = list(islice(schema.iter_errors(cast("Any", document)), ENOUGH))
        flaws = list(self._duplicates(document, log, words))
        for error in errors:
            flaws += self._explained(error, words)
        return flaws or _in_other_words(document, log)

    def _prepared(self) -> tuple[xmlschema.XMLSchema10, Vocabulary]:
        if self._schema is None or self._vocabulary is None:
            self._schema = xmlschema.XMLSchema10(
                single_schema(self._form).decode(), allow="none", defuse="always", use_meta=True
            )
            self._vocabulary = Vocabulary(self._schema, self._form)
        return self._schema, self._vocabulary

    def _explained(self, error: XMLSchemaValidationError, words: Vocabulary) -> Iterable[Flaw]:
        element: Any = error.elem
        reason = error.reason or ""
        if element is None or "duplicated value" in reason:
            return []
        if isinstance(error, XMLSchemaChildrenValidationError):
            return words.children(element, error)
        if "missing required attribute" in reason:
            return [words.attribute_missing(element, name) for name in _ATTRIBUTE.findall(reason)]
        if "attribute not allowed" in reason:
            return [words.attribute_unknown(element, name) for name in _ATTRIBUTE.findall(reason)[:1]]
        if (found := _ATTRIBUTE_VALUE.match(reason)) is not None:
            return [words.value(Place(element, f"@{found['name']}"))]
        if len(element):
            return [words.mixed(element)]
        return [words.value(Place(element))]

    def _duplicates(
        self, document: etree._Element, log: Iterable[etree._LogEntry], words: Vocabulary
    ) -> Iterator[Flaw]:
        for entry in islice((e for e in log if e.type_name == "SCHEMAV_CVC_IDC"), ENOUGH):
            element = element_at(document, entry.path)
            if element is not None and (found := _DUPLICATE.search(entry.message)) is not None:
                yield words.duplicate(element, found["name"], found["value"])


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
        said.append(in_words_of_libxml2(document if element is None else element, entry.message))
    return said or [in_words_of_libxml2(document, "The document does not fit its schema.")]
