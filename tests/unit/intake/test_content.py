from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.content import content_digest

JSON = "application/json"
XML = "application/xml"

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def digest(text: str) -> bytes:
    return content_digest(text.encode("utf-8", "surrogatepass"), JSON)


@given(st.dictionaries(st.text(), values))
def test_order_and_white_space_of_a_record_make_no_difference(record: dict[str, object]) -> None:
    backwards = dict(reversed(record.items()))

    assert digest(json.dumps(record)) == digest(json.dumps(backwards, indent=2))


@given(values, values)
def test_two_records_are_the_same_exactly_when_their_values_are(one: object, other: object) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)

    assert (digest(json.dumps(one)) == digest(json.dumps(other))) == same


def test_a_number_counts_by_its_value_and_is_no_text() -> None:
    assert digest('{"a": 1.50}') == digest('{"a": 1.5}') == digest('{"a": 15e-1}')
    assert digest('{"a": 0}') == digest('{"a": -0.0}')
    assert digest('{"a": 1}') != digest('{"a": "1"}')
    assert digest('{"a": 1}') != digest('{"a": {"number": "1"}}')


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_xml_is_the_same_by_its_octets_alone(one: bytes, other: bytes) -> None:
    assert (content_digest(one, XML) == content_digest(other, XML)) == (one == other)


@given(st.binary(max_size=60))
def test_anything_at_all_has_a_digest(raw: bytes) -> None:
    assert len(content_digest(raw, JSON)) == 32


def test_a_record_nested_beyond_reading_has_a_digest() -> None:
    assert len(content_digest(b"[" * 100_000, JSON)) == 32
