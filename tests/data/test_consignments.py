"""Every record of consignments.jsonl gets the verdict it must get on 2026-11-21."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gateway.registry.folder import Folder
from gateway.validate.records import form_of_record, record_of
from gateway.validate.shape import read_json, write_json
from tests.data.shipped import consignments, errors, forms, judged, records, without_test_keys, written

RECORDS = [pytest.param(record, id=record["case"]) for record in consignments()]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_gets_its_verdict(record: dict[str, Any]) -> None:
    expected = record["expected"]["rejected_with"]

    found = errors(judged(record))

    assert bool(found) == bool(expected)
    assert {finding.code for finding in found} <= set(expected)


@pytest.mark.parametrize("record", RECORDS)
def test_a_flaw_is_told_once(record: dict[str, Any]) -> None:
    found = errors(judged(record))

    assert len(found) == (1 if record["expected"]["rejected_with"] else 0)


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_comes_back_from_xml_as_it_went_in(record: dict[str, Any]) -> None:
    plain = copy.deepcopy(without_test_keys(record))
    form = form_of_record(plain, forms())

    back = record_of(written(plain), form)

    assert back == {**plain, "form": form.id}


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_has_the_shape_of_its_schema(record: dict[str, Any]) -> None:
    assert records().findings(record) == ()


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_comes_back_from_json_as_it_went_in(record: dict[str, Any]) -> None:
    assert read_json(write_json(record).encode()) == record


def test_every_form_of_the_records_is_shipped() -> None:
    assert {record["form"] for record in consignments()} <= {form.family for form in forms().values()}
    assert Folder().find("tests/data/consignments.jsonl") is not None
