from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from gateway.domain.errors import ContentRefused, Unreadable
from gateway.intake.bodies import Body, parse_json, shaped

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner) | st.dictionaries(text, inner),
    max_leaves=20,
)


class Named(Body):
    """A shape of one text."""

    name: str = Field(min_length=1)


@given(values)
def test_json_that_was_written_is_read_again(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=40))
def test_any_octets_are_json_or_unreadable(raw: bytes) -> None:
    with contextlib.suppress(Unreadable):
        parse_json(raw)


def test_a_fault_names_its_line() -> None:
    with pytest.raises(Unreadable) as caught:
        parse_json(b'{\n "a": 1,\n}')

    assert caught.value.findings[0].line == 3


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse_json(b"\xef\xbb\xbf{}") == {}


def test_a_backslash_before_u0000_is_not_the_character_nul() -> None:
    assert parse_json(b'"\\\\u0000"') == "\\u0000"


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        pytest.param({}, ["/name"], id="missing"),
        pytest.param({"name": 7}, ["/name"], id="wrong-type"),
        pytest.param({"name": "x", "colour": "red"}, ["/colour"], id="unknown"),
        pytest.param({"name": "", "a": 1}, ["/name", "/a"], id="two-at-once"),
        pytest.param([], ["/"], id="no-object"),
    ],
)
def test_everything_wrong_with_a_body_is_a_finding(value: Any, paths: list[str]) -> None:
    with pytest.raises(ContentRefused) as caught:
        shaped(value, Named)

    assert [(f.code, f.path) for f in caught.value.findings] == [("S02", path) for path in paths]
