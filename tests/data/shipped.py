"""The shipped forms, read once a process, and small helpers that every test of them needs."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.domain.errors import Finding, Severity
from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.registry.codes import CodeLists, load_codes
from gateway.registry.folder import SHIPPED, Folder
from gateway.registry.forms import load_forms, load_record_schema
from gateway.validate.judge import Judge
from gateway.validate.records import compose, form_of_record, record_of
from gateway.validate.shape import Records

ON = date(2026, 11, 21)
RCEP = FormId("rcep/form-rcep/1.0")
FORM_D = FormId("atiga/form-d/1.0")
FORM_AI = FormId("aifta/form-ai/1.0")


@lru_cache
def forms() -> Mapping[FormId, Form]:
    return load_forms(Folder())


@lru_cache
def codes() -> CodeLists:
    return load_codes(Folder())


@lru_cache
def judge() -> Judge:
    return Judge(forms(), codes())


@lru_cache
def records() -> Records:
    return Records(load_record_schema(Folder()), forms().values())


@lru_cache
def _consignments() -> tuple[dict[str, Any], ...]:
    lines = Path(__file__).with_name("consignments.jsonl").read_text("utf-8").splitlines()
    return tuple(json.loads(line, parse_float=Decimal) for line in lines)


def consignments() -> list[dict[str, Any]]:
    """Every record, fresh, so that a test may change what it got."""
    return copy.deepcopy(list(_consignments()))


def recorded() -> list[FormId]:
    """The forms of which there are records."""
    families = {record["form"] for record in _consignments()}
    return sorted(form.id for form in forms().values() if form.family in families)


def a_record(form: FormId = RCEP, *, items: int = 2) -> dict[str, Any]:
    """A record of *form* that is without any finding; its first item claims RVC where the form admits it."""
    family = forms()[form].family
    record = next(
        record
        for record in consignments()
        if record["form"] == family
        and not record["expected"]["rejected_with"]
        and not record["ticks"]
        and record["items"][0].get("fob")
        and "RVC" in record["items"][0]["criterion"]
        and record["kind"] == "plain"
    )
    first = record["items"][0]
    record["items"] = [{**copy.deepcopy(first), "no": number} for number in range(1, items + 1)]
    return without_test_keys(record)


def plain_record(form: FormId) -> dict[str, Any]:
    """The record of the plain example of *form*."""
    example = SHIPPED / forms()[form].folder / "examples/valid/plain.xml"
    return {"ticks": [], **record_of(etree.parse(example).getroot(), forms()[form])}


def without_test_keys(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("case", "kind", "expected")}


def written(record: Mapping[str, Any]) -> etree._Element:
    """*record* composed, serialised and parsed again, as it travels."""
    composed = compose(record, form_of_record(record, forms()))
    return etree.fromstring(etree.tostring(composed, encoding="UTF-8"))


def judged(record: Mapping[str, Any], on: date = ON) -> tuple[Finding, ...]:
    return judge().judge(written(record), form_of_record(record, forms()), on)


def errors(findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def examples(kind: str) -> list[str]:
    """Paths of all ``examples/<kind>/*.xml``, relative to the project."""
    return [
        path.relative_to(SHIPPED).as_posix()
        for path in sorted(SHIPPED.glob(f"schemas/*/*/*/examples/{kind}/*.xml"))
    ]
