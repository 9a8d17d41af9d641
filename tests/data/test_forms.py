"""Every folder under schemas/ is a test case: a new form or version brings its own tests."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.domain.xml import read_xml
from gateway.registry.folder import SHIPPED, Folder
from gateway.registry.forms import xsd_digest
from gateway.validate.check import check_forms, expected_of, found_in
from gateway.validate.judge import form_of
from gateway.validate.records import compose, record_of
from gateway.validate.rules import Rules, rule_book
from gateway.validate.sources import compiled_schema, element_paths
from tests.data.shipped import codes, errors, examples, forms, judge

FORMS = sorted(forms())
MARKS = 7


def _document(example: str) -> tuple[etree._Element, Form]:
    document = read_xml((SHIPPED / example).read_bytes())
    return document, form_of(document, forms())


@pytest.mark.parametrize("form", FORMS)
def test_the_xsd_compiles_from_memory_alone(form: FormId) -> None:
    compiled_schema(forms()[form])


@pytest.mark.parametrize("form", FORMS)
def test_the_hash_is_that_of_the_xsd_set(form: FormId) -> None:
    assert forms()[form].sha256 == xsd_digest(forms()[form].sources)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_has_its_examples(form: FormId) -> None:
    folder = forms()[form].folder

    assert sum(path.startswith(f"{folder}/") for path in examples("valid")) >= 5
    assert sum(path.startswith(f"{folder}/") for path in examples("invalid")) >= 10


@pytest.mark.parametrize("form", FORMS)
def test_every_element_stands_in_a_valid_example(form: FormId) -> None:
    shown: set[str] = set()
    for path in examples("valid"):
        if path.startswith(f"{forms()[form].folder}/"):
            document, _ = _document(path)
            shown |= {_names(element) for element in document.iter("*")}

    assert element_paths(forms()[form]) - _never_valid(forms()[form]) <= shown


@pytest.mark.parametrize("form", FORMS)
def test_every_element_has_its_box(form: FormId) -> None:
    known = forms()[form]

    assert all(known.box_of(path) is not None for path in element_paths(known))


@pytest.mark.parametrize("example", examples("valid"))
def test_a_valid_example_has_nothing_against_it(example: str) -> None:
    document, form = _document(example)

    findings = judge().judge(document, form, form.examples_on)

    assert errors(findings) == []
    assert found_in(findings) == _expected(example, if_missing="")


@pytest.mark.parametrize("example", examples("valid"))
def test_a_valid_example_survives_the_way_through_a_box_record(example: str) -> None:
    document, form = _document(example)

    again = compose(record_of(document, form), form)

    assert etree.tostring(again, method="c14n") == etree.tostring(_without_white(document), method="c14n")


@pytest.mark.parametrize("example", examples("invalid"))
def test_an_invalid_example_has_exactly_its_findings(example: str) -> None:
    document, form = _document(example)

    findings = judge().judge(document, form, form.examples_on)

    assert found_in(findings) == _expected(example)
    assert findings
    assert all(finding.text and finding.action and finding.box for finding in findings)


def test_every_assertion_can_fail() -> None:
    rules = {form: Rules(rule_book(known)) for form, known in forms().items()}
    failed: set[str] = set()
    for example in examples("invalid"):
        document, form = _document(example)
        failed |= {flaw.rule for flaw in rules[form.id].flaws(document, form.examples_on)}

    assert failed == {name for form in forms().values() for name in rule_book(form).assertions}


@pytest.mark.parametrize("form", FORMS)
def test_two_items_of_one_number_are_refused(form: FormId) -> None:
    document, known = _document(f"{forms()[form].folder}/examples/invalid/item-number-twice.xml")

    (finding,) = judge().judge(document, known, known.examples_on)

    assert (finding.code, finding.path) == ("S02", "/CertificateOfOrigin/Items/Item[2]/Number")


def test_the_shipped_forms_have_no_fault() -> None:
    assert check_forms(forms(), codes(), Folder()) == ()


def _never_valid(form: Form) -> set[str]:
    """What the rules of the form forbid altogether, or what it has no use for."""
    never = set()
    if form.values["tariff-differential"] == "no":
        never.add("CertificateOfOrigin/Items/Item/TariffDifferential")
    if len(form.ticks) == MARKS:
        never.add("CertificateOfOrigin/Ticks/Endorsement")
    return never


def _expected(example: str, if_missing: str | None = None) -> list[object]:
    path = (SHIPPED / example).with_suffix(".findings")
    text = if_missing if if_missing is not None and not path.exists() else path.read_text("utf-8")
    return [*expected_of(text)]


def _names(element: etree._Element) -> str:
    above = [etree.QName(node).localname for node in element.iterancestors()]
    return "/".join([*reversed(above), etree.QName(element).localname])


def _without_white(document: etree._Element) -> etree._Element:
    parser = etree.XMLParser(remove_blank_text=True)
    return etree.fromstring(etree.tostring(document), parser)
