"""What a segment may hold, and how it is told what it may not."""

from __future__ import annotations

import pytest

from gateway.translate.edifact.segments import Segment, fill
from tests.unit.translate.edifact_shipped import data

D01B = data().tables.directories["D.01B"]


def parts(text: str) -> list[list[str]]:
    return [element.split(":") for element in text.split("+")]


@pytest.mark.parametrize(
    ("text", "code", "element", "component"),
    [
        pytest.param("LOC+27+VN:162:5:X:Y", "16", 2, 5, id="component-too-many"),
        pytest.param("LOC+27:1", "16", 1, 2, id="no-composite"),
        pytest.param("LOC+27++++A+B", "16", 6, None, id="element-too-many"),
        pytest.param("LOC++VN", "13", 1, None, id="element-missing"),
        pytest.param("DTM+:20260101", "13", 1, 1, id="component-missing"),
        pytest.param("CNT", "13", 1, None, id="composite-missing"),
        pytest.param("LOC+2777", "39", 1, None, id="too-long"),
        pytest.param("CNT+2:x", "37", 1, 2, id="no-number"),
        pytest.param("CNT+2:٣", "37", 1, 2, id="digits-of-another-script"),
        pytest.param("CNT+2:1234567890123456789", "39", 1, 2, id="number-too-long"),
    ],
)
def test_a_flaw_is_told_at_its_place(text: str, code: str, element: int, component: int | None) -> None:
    _, flaws = fill(parts(text), D01B[text[:3]])

    assert [(flaw.code, flaw.element, flaw.component) for flaw in flaws] == [(code, element, component)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("CNT+2:-123456789012345678", id="minus"),
        pytest.param("CNT+2:12345678901234567,8", id="comma"),
        pytest.param("CNT+2:12345678901234567.8", id="point"),
    ],
)
def test_sign_and_decimal_mark_are_no_part_of_the_length(text: str) -> None:
    assert fill(parts(text), D01B["CNT"])[1] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("UNB+UNOAA:3+A+B+260101:0000+1", "39", id="too-long"),
        pytest.param("UNB+UNO:3+A+B+260101:0000+1", "40", id="too-short"),
        pytest.param("UNB+UNO1:3+A+B+260101:0000+1", "37", id="digit-in-letters"),
    ],
)
def test_a_value_of_fixed_form_has_it(text: str, code: str) -> None:
    _, flaws = fill(parts(text), data().tables.service(3)["UNB"])

    assert [flaw.code for flaw in flaws] == [code]


def test_values_are_found_by_the_names_of_the_directory() -> None:
    definition = D01B["PIA"]
    values, _ = fill(parts("PIA+5+620721:HS+1:CC"), definition)

    segment = Segment(definition, values)

    assert segment.value("C212.7140#2") == "1"
    assert segment.value("7143") == "HS"
    assert segment.tag == "PIA"
