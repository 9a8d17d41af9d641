"""What the schema forbids, in plain sentences, at the place where it lies."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import pytest
from lxml import etree

from gateway.domain.form import Form
from gateway.domain.words import ENGLISH
from gateway.validate.explain import Explanation
from gateway.validate.schema import Explainer, Structure
from gateway.validate.sources import compiled_schema
from tests.data.shipped import ON, RCEP, a_record, forms, judge, written

NS = forms()[RCEP].namespace
P = f"{{{NS}}}"


def _at(document: etree._Element, path: str) -> etree._Element:
    found = document.find("/".join(P + name for name in path.split("/")))
    assert found is not None
    return found


def _remove(*paths: str) -> Callable[[etree._Element], None]:
    def change(document: etree._Element) -> None:
        for path in paths:
            element = _at(document, path)
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)

    return change


def _text(path: str, text: str) -> Callable[[etree._Element], None]:
    def change(document: etree._Element) -> None:
        _at(document, path).text = text

    return change


def _attribute(path: str, name: str, value: str | None) -> Callable[[etree._Element], None]:
    def change(document: etree._Element) -> None:
        element = _at(document, path)
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, value)

    return change


def _insert(parent: str, place: int, name: str) -> Callable[[etree._Element], None]:
    def change(document: etree._Element) -> None:
        (_at(document, parent) if parent else document).insert(place, etree.Element(name))

    return change


def _again(path: str) -> Callable[[etree._Element], None]:
    return lambda document: _at(document, path).addnext(copy.deepcopy(_at(document, path)))


ITEM = "/CertificateOfOrigin/Items/Item[1]"


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        pytest.param(
            _text("Exporter/Name", ""), "/CertificateOfOrigin/Exporter/Name", "Name is empty", id="empty"
        ),
        pytest.param(
            _text("CertificateNumber", "N" * 36),
            "/CertificateOfOrigin/CertificateNumber",
            "1 to 35 characters",
            id="long",
        ),
        pytest.param(
            _text("IssueDate", "20260914"), "/CertificateOfOrigin/IssueDate", "YYYY-MM-DD", id="no-date"
        ),
        pytest.param(
            _text("IssueDate", "2026-02-30"),
            "/CertificateOfOrigin/IssueDate",
            "a day of the",
            id="no-such-day",
        ),
        pytest.param(_text("Items/Item/GrossWeight", "-5"), f"{ITEM}/GrossWeight", "above 0", id="negative"),
        pytest.param(_text("Items/Item/GrossWeight", "abc"), f"{ITEM}/GrossWeight", "'abc'", id="no-number"),
        pytest.param(
            _text("Items/Item/GrossWeight", "1e3"), f"{ITEM}/GrossWeight", "a number", id="exponent"
        ),
        pytest.param(
            _text("Items/Item/GrossWeight", "1.2345678"), f"{ITEM}/GrossWeight", "6 of them", id="fraction"
        ),
        pytest.param(
            _attribute("Items/Item/FobValue", "currency", "USDD"),
            f"{ITEM}/FobValue/@currency",
            "The currency of FobValue is 'USDD'; expected: three capital letters",
            id="attribute",
        ),
        pytest.param(
            _attribute("Items/Item/FobValue", "currency", None),
            f"{ITEM}/FobValue/@currency",
            "The currency of FobValue is missing",
            id="attribute-missing",
        ),
        pytest.param(
            _attribute("Items/Item/FobValue", "colour", "red"),
            f"{ITEM}/FobValue/@colour",
            "FobValue has no attribute colour",
            id="attribute-unknown",
        ),
        pytest.param(
            _remove("Items/Item/HarmonizedSystemCode"),
            f"{ITEM}/HarmonizedSystemCode",
            "HarmonizedSystemCode is missing in Item",
            id="missing",
        ),
        pytest.param(
            _remove("Items"), "/CertificateOfOrigin/Items", "Items is missing", id="missing-at-the-end"
        ),
        pytest.param(
            _remove("Items/Item/GrossWeight", "Items/Item/Quantity"),
            f"{ITEM}/GrossWeight",
            "GrossWeight or NetWeight or Quantity is missing",
            id="choice-missing",
        ),
        pytest.param(
            _insert("", 2, f"{P}Colour"),
            "/CertificateOfOrigin/Colour",
            "Colour is no element of",
            id="unknown-element",
        ),
        pytest.param(
            _insert("Items/Item", 1, "{urn:other}Marks"),
            f"{ITEM}/Marks",
            "Marks is no element of",
            id="other-namespace",
        ),
        pytest.param(_again("IssueDate"), "/CertificateOfOrigin/IssueDate[2]", "once too often", id="twice"),
        pytest.param(
            lambda document: document.insert(0, _at(document, "Exporter")),
            "/CertificateOfOrigin/Exporter",
            "in the wrong place",
            id="out-of-order",
        ),
        pytest.param(
            _text("Exporter", "hello"),
            "/CertificateOfOrigin/Exporter/text()",
            "mixed up",
            id="text-between-elements",
        ),
        pytest.param(
            _text("Items/Item[2]/Number", "1"),
            "/CertificateOfOrigin/Items/Item[2]/Number",
            "Number '1' is used more than once",
            id="identity-constraint",
        ),
        pytest.param(
            _remove("Producer/Name"),
            "/CertificateOfOrigin/Producer/Name",
            "Name or Statement is missing",
            id="missing-in-a-choice",
        ),
        pytest.param(
            _remove("Producer/Name", "Producer/Address", "Producer/Country"),
            "/CertificateOfOrigin/Producer/Name",
            "Name or",
            id="empty-choice",
        ),
        pytest.param(
            _text("Transport/Mode", "boat"),
            "/CertificateOfOrigin/Transport/Mode",
            "inland_waterway",
            id="enumeration",
        ),
    ],
)
def test_a_fault_is_told_where_it_lies(
    change: Callable[[etree._Element], None], path: str, words: str
) -> None:
    document = written(a_record(items=2))

    change(document)

    told = [finding for finding in judge().judge(document, forms()[RCEP], ON) if finding.path == path]
    assert [finding.code for finding in told] == ["S02"]
    assert words in told[0].text
    assert told[0].action


def test_all_that_is_missing_is_told_at_once() -> None:
    document = written(a_record(items=1))

    _remove("CertificateNumber", "Exporter", "Items/Item/Description", "Consignee/Name", "Consignee/Address")(
        document
    )

    findings = judge().judge(document, forms()[RCEP], ON)
    assert [finding.path for finding in findings] == [
        "/CertificateOfOrigin/CertificateNumber",
        "/CertificateOfOrigin/Exporter",
        "/CertificateOfOrigin/Consignee/Address",
        "/CertificateOfOrigin/Consignee/Name",
        "/CertificateOfOrigin/Items/Item/Description",
    ]


def test_a_schema_fault_does_not_hide_a_broken_rule() -> None:
    record = a_record(items=2)
    record["exporter"]["name"] = ""
    del record["items"][0]["fob"]
    record["importing_country"] = record["consignee"]["country"] = "IN"

    codes = [finding.code for finding in judge().judge(written(record), forms()[RCEP], ON)]

    assert sorted(codes) == ["C01", "C04", "S02"]


def _explained(form: Form, change: Callable[[etree._Element], None]) -> list[tuple[str, str]]:
    document = written(a_record(items=1))
    change(document)
    return [flaw.words(form.words[ENGLISH]) for flaw in Structure(form, Explainer(form)).flaws(document)]


def test_a_type_that_says_nothing_is_still_spoken_of() -> None:
    silent = {
        path: re.sub(rb"<xs:annotation>.*?</xs:annotation>", b"", text, flags=re.DOTALL)
        for path, text in forms()[RCEP].sources.items()
    }
    form = replace(forms()[RCEP], sources=MappingProxyType(silent))

    assert _explained(form, _text("Exporter/Name", "")) == [("Name is empty.", "Correct it.")]
    assert _explained(form, _attribute("Items/Item/FobValue", "currency", None)) == [
        ("The currency of FobValue is missing.", "Give the currency.")
    ]


def test_where_nothing_better_is_known_libxml2_speaks() -> None:
    sound, broken = written(a_record(items=1)), written(a_record(items=1))
    _text("Exporter/Name", "")(broken)
    schema = compiled_schema(forms()[RCEP])
    schema.validate(broken)

    (flaw,) = Explanation(forms()[RCEP]).flaws(sound, list(schema.error_log))

    assert etree.QName(flaw.place.element).localname == "Name"
    assert "minLength" in flaw.words(forms()[RCEP].words[ENGLISH])[0]


def test_a_year_beyond_what_anybody_can_count_to_is_a_fault_like_another() -> None:
    document = written(a_record(items=1))
    _text("IssueDate", f"{'4' * 40}-09-14")(document)

    told = judge().judge(document, forms()[RCEP], ON)

    assert ("S02", "/CertificateOfOrigin/IssueDate") in {(finding.code, finding.path) for finding in told}


def test_a_failure_without_words_is_a_failure_all_the_same() -> None:
    (flaw,) = Explanation(forms()[RCEP]).flaws(written(a_record(items=1)), [])

    assert flaw.words(forms()[RCEP].words[ENGLISH])[0] == "The document does not fit its schema."


def test_a_hint_at_another_schema_is_not_followed() -> None:
    document = written(a_record(items=1))
    document.set("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", f"{NS} file:///nowhere.xsd")
    _text("Exporter/Name", "")(document)

    findings = judge().judge(document, forms()[RCEP], ON)

    assert [finding.path for finding in findings] == ["/CertificateOfOrigin/Exporter/Name"]


def test_nobody_who_judges_sound_documents_waits_for_what_explains() -> None:
    program = "import gateway.validate.judge, sys; sys.exit('xmlschema' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
