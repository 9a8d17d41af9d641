"""Every box of every form can be wrong and is told where it is; so is every value that must be unique."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import pytest
from lxml import etree

from gateway.domain.errors import Finding
from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.domain.xml import read_xml
from gateway.registry.folder import SHIPPED
from gateway.validate.check import expected_of
from gateway.validate.sources import XSD, Declared, declared, single_schema
from tests.data.shipped import examples, forms, judge

FORMS = sorted(forms())
NO_VALUE = "#" * 3000  # that any element or attribute takes


@lru_cache
def _valid(form: FormId) -> tuple[etree._Element, ...]:
    folder = f"{forms()[form].folder}/"
    return tuple(
        read_xml((SHIPPED / path).read_bytes()) for path in examples("valid") if path.startswith(folder)
    )


def _with(one: Declared, form: Form) -> etree._Element | None:
    """A fresh copy of a valid example in which something stands at the place of *one*."""
    for document in _valid(form.id):
        if _at(document, one, form):
            return read_xml(etree.tostring(document))
    return None


def _at(document: etree._Element, one: Declared, form: Form) -> list[etree._Element]:
    """The elements at the place of *one*, or those that carry the attribute there."""
    steps = one.path.split("/")[1:]
    xpath = "/".join(["."] + [step if step.startswith("@") else f"f:{step}" for step in steps])
    found = document.xpath(
        xpath.replace("/@", "[@") + ("]" if "@" in xpath else ""), namespaces=_prefix(form)
    )
    assert isinstance(found, list)
    return [element for element in found if isinstance(element, etree._Element)]


def _prefix(form: Form) -> dict[str, str]:
    return {"f": form.namespace}


def _errors(document: etree._Element, form: Form) -> list[tuple[str, str]]:
    return [
        (finding.code, re.sub(r"\[\d+\]", "", finding.path or ""))
        for finding in judge().judge(document, form, form.examples_on)
        if _is_error(finding)
    ]


def _is_error(finding: Finding) -> bool:
    return finding.severity.value == "error"


def _leaves(form: Form) -> Iterator[Declared]:
    every = declared(form)
    for one in every:
        if "@" in one.path or not any(
            other.path.startswith(f"{one.path}/") and "@" not in other.path for other in every
        ):
            yield one


@pytest.mark.parametrize("form", FORMS)
def test_a_wrong_value_is_told_once_wherever_it_stands(form: FormId) -> None:
    known = forms()[form]
    told = {}
    for one in _leaves(known):
        if (document := _with(one, known)) is None:
            continue
        element, (_, _, attribute) = _at(document, one, known)[0], one.path.partition("@")
        if attribute:
            element.set(attribute, NO_VALUE)
        else:
            element.text = NO_VALUE

        told[one.path] = _errors(document, known)

    assert told == {path: [("S02", f"/{path}")] for path in told}


@pytest.mark.parametrize("form", FORMS)
def test_whatever_must_be_there_is_missed(form: FormId) -> None:
    known = forms()[form]
    told = {}
    for one in declared(known):
        document = _with(one, known) if one.needed and one.path != known.root else None
        if document is None:
            continue
        for element in _at(document, one, known):
            _, _, attribute = one.path.partition("@")
            if attribute:
                del element.attrib[attribute]
            else:
                next(element.iterancestors()).remove(element)

        told[one.path] = set(_errors(document, known))

    assert told == {path: {("S02", f"/{path}")} for path in told}


@pytest.mark.parametrize("form", FORMS)
def test_every_box_has_an_example_in_which_it_is_wrong(form: FormId) -> None:
    known = forms()[form]
    wrong = set()
    for path in examples("invalid"):
        if path.startswith(f"{known.folder}/"):
            said = (SHIPPED / path).with_suffix(".findings").read_text("utf-8")
            wrong |= {known.box_of(one.path) for one in expected_of(said)}

    assert wrong == {known.box_of(one.path) for one in declared(known)}


@pytest.mark.parametrize("form", FORMS)
def test_what_must_be_unique_is_told_where_it_stands_twice(form: FormId) -> None:
    known = forms()[form]
    constraints = list(etree.fromstring(single_schema(known)).iter(f"{XSD}unique", f"{XSD}key"))
    for constraint in constraints:
        selector, field = (
            str(next(constraint.iterchildren(f"{XSD}{name}")).get("xpath")) for name in ("selector", "field")
        )
        document, chosen = next(
            (copy, found)
            for copy in map(read_xml, map(etree.tostring, _valid(form)))
            if len(found := copy.xpath(selector, namespaces=_prefix(known))) > 1
        )
        first, second = (one.find(field, _prefix(known)) for one in chosen[:2])
        second.text = first.text

        told = judge().judge(document, known, known.examples_on)

        assert [(one.code, one.line) for one in told if _is_error(one)] == [("S02", second.sourceline)]

    assert constraints
