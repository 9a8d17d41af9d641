"""The shape of a box record, and JSON read without losing a digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.errors import ContentRefused, Unreadable
from gateway.registry.forms import RecordShape
from gateway.validate.places import CAP
from gateway.validate.shape import Records, read_json, write_json
from tests.data.shipped import a_record, records


def _with(path: str, value: Any) -> dict[str, Any]:
    """A sound record with *value* put at a JSON Pointer."""
    record = a_record(items=2)
    *above, last = path.strip("/").split("/")
    place: Any = record
    for step in above:
        place = place[int(step) if isinstance(place, list) else step]
    if value is ...:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return record


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        pytest.param("/certificate_number", 7, "not a text", id="number-for-text"),
        pytest.param("/certificate_number", None, "not a text", id="null"),
        pytest.param("/exporter", ..., "missing", id="missing"),
        pytest.param("/items/1/hs", ..., "missing", id="missing-in-an-item"),
        pytest.param("/exporter/nme", "x", "unknown", id="unknown-key"),
        pytest.param("/items/0/no", Decimal("1.5"), "whole number", id="not-whole"),
        pytest.param("/items/0/no", True, "whole number", id="true-is-no-number"),
        pytest.param("/items/0/gross_weight", 5, "an object", id="not-an-object"),
        pytest.param("/items", {}, "a list", id="not-a-list"),
        pytest.param("/transport/mode", "boat", "none of sea", id="not-in-the-list"),
        pytest.param("/producer", "SECRET", "none of SEE BOX 8", id="not-a-statement"),
        pytest.param("/producer", {"name": 1}, "not a text", id="firm-in-one-of"),
        pytest.param("/remarks", "a\x0bb", "U+000B", id="character-of-no-xml"),
        pytest.param("/remarks", "a\ud800b", "U+D800", id="half-a-character"),
        pytest.param("/items/0/rvc_percent", Decimal("1e99999999"), "more than 40 digits", id="huge"),
        pytest.param("/items/0/no", Decimal("1e99999999"), "more than 40 digits", id="huge-whole"),
        pytest.param("/certificate_number", Decimal("1e99999999"), "not a text", id="huge-for-text"),
    ],
)
def test_a_fault_of_shape_is_found_at_its_place(path: str, value: Any, words: str) -> None:
    (finding,) = records().findings(_with(path, value))

    assert finding.code == "S02"
    assert (finding.path or "").startswith(path)
    assert words in finding.text
    assert finding.action


def test_a_tick_given_twice_is_a_fault() -> None:
    (finding,) = records().findings(a_record() | {"ticks": ["exhibition", "exhibition"]})

    assert (finding.path, finding.code) == ("/ticks/1", "S02")


def test_what_is_no_object_is_a_fault() -> None:
    (finding,) = records().findings([1, 2])

    assert finding.path == "/"


def test_an_unknown_key_brings_the_nearest_known_one() -> None:
    (finding,) = records().findings(a_record() | {"remark": "x"})

    assert finding.action == "Leave it out; did you mean remarks?"


def test_all_faults_are_told_up_to_fifty() -> None:
    record = a_record() | {f"key{number}": 1 for number in range(80)}

    assert len(records().findings(record)) == CAP


def test_a_record_is_read_exactly() -> None:
    record = records().read(write_json(a_record() | {"remarks": "ạ"}).encode())

    assert record["remarks"] == "ạ"
    assert all(isinstance(item["fob"]["amount"], Decimal) for item in record["items"])


def test_a_record_of_another_shape_is_refused_with_its_findings() -> None:
    with pytest.raises(ContentRefused) as caught:
        records().read(b'{"form": 1, "items": []}')

    assert {finding.path for finding in caught.value.findings} >= {"/form", "/exporter", "/consignee"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "Not JSON", id="empty"),
        pytest.param(b'{"a": }', "line 1, column 7", id="broken"),
        pytest.param(b"\xff\xfe", "Not UTF-8", id="not-utf-8"),
        pytest.param(b'{"a": NaN}', "NaN", id="not-a-number"),
        pytest.param(b'{"a": 1, "a": 2}', "'a' stands twice", id="key-twice"),
        pytest.param(b"[" * 200_000, "nested too deeply", id="deep"),
        pytest.param(b"1" * 5000, "Not readable as JSON", id="endless-number"),
    ],
)
def test_what_is_no_json_is_s01(content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as caught:
        read_json(content)

    assert caught.value.code == "S01"


def test_a_byte_order_mark_is_taken() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": 1.10}') == {"a": Decimal("1.10")}


def test_a_schema_of_other_keywords_is_not_pretended_to_be_understood() -> None:
    with pytest.raises(ValueError, match="pattern"):
        Records(RecordShape(schema={"type": "string", "pattern": "x"}, words={}), ())
