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
MARKS, MOST_DIGITS = 7, 12  # that certificate.xsd knows


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


@pytest.mark.parametrize("form", FORMS)
def test_every_rule_has_an_example_that_breaks_it_unless_it_is_idle(form: FormId) -> None:
    book = rule_book(forms()[form])
    rules, schema = Rules(book), compiled_schema(forms()[form])
    broken: set[str] = set()
    for example in examples("invalid"):
        if example.startswith(f"{forms()[form].folder}/"):
            document, known = _document(example)
            if schema.validate(document):
                broken |= {flaw.rule for flaw in rules.flaws(document, known.examples_on)}

    assert broken == book.assertions.keys() - _idle(forms()[form])


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
    if not form.ticks:
        never.add("CertificateOfOrigin/Ticks/Tick")
    return never


def _idle(form: Form) -> set[str]:
    """The rules that have nothing to do on *form*: nothing that its XSD lets through can break them."""
    values = form.values
    first, second, third = (set(values[f"criteria-{line}"].split()) for line in (1, 2, 3))
    has_nothing_to_ask = {
        "exporting-party importing-party origin-party original-issuer": not form.parties,
        "expired original-expired": not values["validity-months"],
        "issued-late": not values["late-after-days"],
        "retroactive-too-late": not values["retroactive-months"],
        "copy-too-late replaced-too-late": not values["reissue-months"],
        "original-country": "country" not in values["of-originals"],
        "original-origin": "origin" not in values["of-originals"],
        "tick-of-another-form": len(form.ticks) == MARKS,
        "criterion-missing criterion-first criterion-second criterion-third criterion-fourth": not first,
        "percent-whole percent-too-low percent-without-rvc": not first,
        "percent-missing": not values["percent-wanted"],
        "percent-cumulation": values["pc-at-most"] == "0",
        "criterion-alone": not second,
        "criterion-twice": not (first | third) & second,
        "criterion-de-minimis": "DMI" not in second | third,
        "fob-missing": values["fob"] == "never",
        "fob-not-asked": values["fob"] == "always",
        "hs-too-long": int(values["hs-digits-at-most"]) == MOST_DIGITS,
        "tariff-differential": values["tariff-differential"] == "yes",
    }
    return {rule for rules, idle in has_nothing_to_ask.items() if idle for rule in rules.split()}


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
