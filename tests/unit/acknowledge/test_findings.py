from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.acknowledge.findings import (
    EXCHANGE,
    add_finding,
    finding_json,
    is_xml_text,
    read_finding,
    text_of,
    xml_text,
)
from gateway.domain.errors import Fault, Finding, Severity
from tests.unit.acknowledge.samples import printed, texts

findings = st.builds(
    Finding,
    code=st.sampled_from([fault.value for fault in Fault]),
    text=texts,
    severity=st.sampled_from(Severity),
    box=st.none() | texts,
    path=st.none() | texts,
    line=st.none() | st.integers(1, 999_999_999),
    value=st.none() | texts,
    action=st.none() | texts,
    step=st.none() | st.integers(1, 9),
)


def written(finding: Finding) -> etree._Element:
    parent = etree.Element("parent")
    add_finding(parent, finding)
    return printed(parent)[0]


@given(findings)
def test_a_finding_that_is_printed_and_read_is_the_same(finding: Finding) -> None:
    assert read_finding(written(finding)) == finding


@given(st.text())
def test_any_text_at_all_can_be_written(text: str) -> None:
    finding = Finding(code="S01", text=text, value=text)

    assert read_finding(written(finding)).text == xml_text(text)


@given(st.text())
def test_what_xml_can_carry_is_left_alone(text: str) -> None:
    assert is_xml_text(xml_text(text))
    assert (xml_text(text) == text) == is_xml_text(text)


def test_a_finding_of_a_loose_writer_is_still_shown() -> None:
    element = etree.fromstring('<Finding severity="grave" step="x" line="99999999999">words</Finding>')

    assert read_finding(element) == Finding(code="", text="words", severity=Severity.ERROR)


def test_a_comment_neither_cuts_nor_adds() -> None:
    element = etree.fromstring("<a>one <!-- not --> two<?pi not?> three</a>")

    assert text_of(element) == "one  two three"


def test_json_leaves_out_what_is_absent() -> None:
    told = finding_json(Finding(code="W05", text="spelling", severity=Severity.WARNING, box="8"))

    assert told == {"code": "W05", "severity": "warning", "box": "8", "text": "spelling"}


def test_the_namespace_is_the_exchange_documents() -> None:
    assert written(Finding(code="S01", text="x")).tag == f"{{{EXCHANGE}}}Finding"
