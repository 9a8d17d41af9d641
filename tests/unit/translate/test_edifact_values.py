"""Values in documents and in segments: what one says the other says too, and nothing is guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.clock import rfc3339_exact
from gateway.domain.errors import Fault
from gateway.translate.edifact.maps import DAY, NUMBER, CodePairs
from gateway.translate.edifact.values import (
    SECONDS,
    WORDS,
    Unfit,
    collapsed,
    cut,
    from_segment,
    instant_from_segment,
    instant_to_segment,
    to_segment,
)

CODES = {
    "marks": CodePairs(to_code=MappingProxyType({"yes": "Y"}), from_code=MappingProxyType({"Y": "yes"})),
}


@given(st.dates())
def test_any_day_comes_back(day: date) -> None:
    assert from_segment(to_segment(day.isoformat(), DAY, CODES), DAY, CODES) == day.isoformat()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_any_number_comes_back_with_its_fraction(number: object) -> None:
    text = f"{number:f}"

    assert from_segment(to_segment(text, NUMBER, CODES), NUMBER, CODES) == text


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_moment_comes_back(at: datetime) -> None:
    text, form = instant_to_segment(at.isoformat())

    assert form == (WORDS if at.microsecond else SECONDS)
    assert instant_from_segment(text, form) == rfc3339_exact(at)


@given(st.text(), st.lists(st.integers(1, 9), max_size=9))
def test_a_text_that_is_cut_is_joined_again(text: str, lengths: list[int]) -> None:
    pieces, rest = cut(text, lengths)

    assert "".join(pieces) + rest == text
    assert all(len(piece) <= length for piece, length in zip(pieces, lengths, strict=False))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("one two", ["one", " two"], id="the-space-begins-the-next"),
        pytest.param("    x", ["    ", "x"], id="nothing-but-spaces"),
        pytest.param("four", ["four"], id="fits"),
    ],
)
def test_a_piece_does_not_end_in_a_space_where_that_can_be_helped(text: str, pieces: list[str]) -> None:
    assert cut(text, [4, 4, 4]) == (pieces, "")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("+1.50", "1.50", id="plus-sign"),
        pytest.param("007", "7", id="zeros-in-front"),
        pytest.param(".5", "0.5", id="nothing-before-the-point"),
        pytest.param("5.", "5", id="nothing-behind-it"),
        pytest.param("-0", "-0", id="minus"),
    ],
)
def test_a_number_is_written_plainly(text: str, written: str) -> None:
    assert to_segment(text, NUMBER, CODES) == written


@pytest.mark.parametrize(
    ("text", "kind", "fault"),
    [
        pytest.param("2026-02-30", DAY, Fault.SCHEMA, id="no-such-day"),
        pytest.param("1e3", NUMBER, Fault.SCHEMA, id="exponent"),
        pytest.param("١٢", NUMBER, Fault.SCHEMA, id="other-digits"),
        pytest.param("no", "marks", Fault.CODE, id="not-in-the-list"),
    ],
)
def test_what_cannot_be_written_is_told(text: str, kind: str, fault: Fault) -> None:
    with pytest.raises(Unfit) as caught:
        to_segment(text, kind, CODES)

    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("text", "kind", "fault"),
    [
        pytest.param("20260230", DAY, Fault.SCHEMA, id="no-such-day"),
        pytest.param("2026-02-03", DAY, Fault.SCHEMA, id="another-format"),
        pytest.param("٢٠٢٦٠٢٠٣", DAY, Fault.SCHEMA, id="other-digits-in-a-day"),
        pytest.param("1.000,5", NUMBER, Fault.SCHEMA, id="thousands"),
        pytest.param("", NUMBER, Fault.SCHEMA, id="nothing"),
        pytest.param("N", "marks", Fault.CODE, id="not-in-the-list"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, kind: str, fault: Fault) -> None:
    with pytest.raises(Unfit) as caught:
        from_segment(text, kind, CODES)

    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("text", "form"),
    [
        pytest.param("20260921", "204", id="too-short"),
        pytest.param("20260921", "999", id="unknown-format"),
        pytest.param("yesterday", WORDS, id="no-words-of-rfc-3339"),
    ],
)
def test_what_is_no_moment_is_told(text: str, form: str) -> None:
    with pytest.raises(Unfit, match=text):
        instant_from_segment(text, form)


def test_what_is_no_moment_is_not_written() -> None:
    with pytest.raises(Unfit, match="no moment"):
        instant_to_segment("soon")


def test_only_the_white_space_of_xml_is_collapsed() -> None:
    assert collapsed("\t a \n b\u00a0c ") == "a b\u00a0c"
