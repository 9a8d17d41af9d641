"""Codes against their lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any

import pytest

from gateway.domain.errors import Finding, Severity
from gateway.domain.form import EditionWindow
from gateway.registry.codes import CodeLists, HsEdition
from gateway.validate.judge import Judge
from tests.data.shipped import FORM_D, ON, RCEP, a_record, codes, errors, forms, judged, written

OLD = HsEdition(edition="2017", names=MappingProxyType({"770000": "old goods"}), ordered=("770000",))


def _changed(**changes: Any) -> dict[str, Any]:
    """A record of one item, with keys of the item changed."""
    record = a_record(items=1)
    record["items"][0].update(changes)
    return record


@pytest.mark.parametrize(
    ("record", "code", "path", "nearest"),
    [
        pytest.param(
            _changed(fob={"amount": 5, "currency": "UDS"}), "C09", "FobValue/@currency", "USD", id="currency"
        ),
        pytest.param(
            _changed(quantity={"value": 5, "unit": "KGX"}), "C09", "Quantity/@unit", "KGM", id="unit"
        ),
        pytest.param(
            _changed(packages={"count": 5, "kind": "QZ"}), "C09", "Packages/Kind", "QA", id="package"
        ),
        pytest.param(_changed(hs="610999"), "C02", "HarmonizedSystemCode", "610990", id="hs"),
        pytest.param(_changed(origin="XX"), "C01", "Origin", "XK", id="country"),
    ],
)
def test_an_unknown_code_brings_the_nearest_known(
    record: dict[str, Any], code: str, path: str, nearest: str
) -> None:
    (finding,) = judged(record)

    assert (finding.code, finding.severity) == (code, Severity.ERROR)
    assert finding.path == f"/CertificateOfOrigin/Items/Item/{path}"
    assert nearest in (finding.action or "")


@pytest.mark.parametrize("port", ["Hai Phong", "VNSG", "VNSG1", "ZZABC", "vnsgn"])
def test_a_port_is_a_unlocode_of_a_country(port: str) -> None:
    record = a_record(items=1)
    record["transport"]["port_of_discharge"] = port

    (finding,) = judged(record)

    assert (finding.code, finding.box) == ("C09", "4")


@pytest.mark.parametrize("port", ["VNSGN", "LAVTE", "US2AB", "XZABC"])
def test_a_port_that_could_exist_is_taken(port: str) -> None:
    record = a_record(items=1)
    record["transport"]["port_of_discharge"] = port

    assert judged(record) == ()


@pytest.mark.parametrize("unit", ["CT", "64"])
def test_a_code_out_of_use_is_a_warning(unit: str) -> None:
    (finding,) = judged(_changed(quantity={"value": 5, "unit": unit}))

    assert (finding.code, finding.severity) == ("W04", Severity.WARNING)


@pytest.mark.parametrize("hs", ["61091000", "6109100099"])
def test_the_first_six_of_more_digits_are_looked_up(hs: str) -> None:
    assert errors(judged(_changed(hs=hs))) == []


def test_more_digits_of_no_subheading_are_unknown() -> None:
    assert [finding.code for finding in errors(judged(_changed(hs="77000000")))] == ["C02"]


@pytest.mark.parametrize("country", ["exporter", "consignee", "producer"])
def test_a_country_that_is_none_is_told_once(country: str) -> None:
    record = a_record(items=1)
    record[country]["country"] = "XX"

    (finding,) = judged(record)

    assert (finding.code, finding.path) == ("C01", f"/CertificateOfOrigin/{country.title()}/Country")


WINDOWS = (
    EditionWindow(edition="2017", valid_from=date(2017, 1, 1), valid_to=date(2026, 3, 31)),
    EditionWindow(edition="2022", valid_from=date(2026, 1, 1)),
)  # HS 2017 until March, HS 2022 from January 2026
OF_THE_FORM, OF_THE_CORRIDOR = "form", "corridor"


def _judged_with_two_editions(issue_date: str, whose: str) -> tuple[Finding, ...]:
    """An old code, judged by the windows of its form or of its corridor."""
    form = forms()[RCEP]
    if whose == OF_THE_FORM:
        form = replace(form, editions=WINDOWS)
    lists: CodeLists = replace(codes(), hs=MappingProxyType({**codes().hs, "2017": OLD}))
    record = _changed(hs="770000", invoices=[{"number": "INV-1", "date": "2025-12-01"}])
    record["issue_date"] = record["transport"]["departure_date"] = issue_date
    agreed = WINDOWS if whose == OF_THE_CORRIDOR else ()
    return Judge({form.id: form}, lists).judge(written(record), form, ON, editions=agreed)


@pytest.mark.parametrize("whose", [OF_THE_FORM, OF_THE_CORRIDOR])
@pytest.mark.parametrize(
    ("issue_date", "expected"),
    [
        pytest.param("2025-12-20", [], id="old-edition-in-force"),
        pytest.param("2026-02-01", [("W02", "warning")], id="in-transition"),
        pytest.param("2026-04-01", [("C02", "error")], id="transition-over"),
    ],
)
def test_an_older_edition_is_taken_while_its_window_lasts(
    issue_date: str, expected: list[tuple[str, str]], whose: str
) -> None:
    findings = _judged_with_two_editions(issue_date, whose)

    found = [(finding.code, finding.severity.value) for finding in findings]
    assert found == expected


TARIFF = HsEdition(
    edition="AHTN 2022",
    names=MappingProxyType({"61091010": "for men", "61091020": "for women"}),
    ordered=("61091010", "61091020"),
)
PORTS = replace(codes().modes, names=MappingProxyType({"VNSGN": "Ho Chi Minh City", "THLCH": "Laem Chabang"}))


def _judged_by_own_lists(record: dict[str, Any]) -> tuple[Finding, ...]:
    """By an installation that knows the importing country's tariff, and a few ports."""
    form = forms()[FORM_D]
    lists = replace(codes(), tariffs=MappingProxyType({record["importing_country"]: TARIFF}), ports=PORTS)
    return Judge({form.id: form}, lists).judge(written(record), form, ON)


@pytest.mark.parametrize(
    ("hs", "told"),
    [
        pytest.param("610910", [], id="six-digits"),
        pytest.param("61091010", [], id="listed"),
        pytest.param("6109102", [], id="beginning-of-one"),
        pytest.param("61091030", [("W02", "warning")], id="not-listed"),
        pytest.param("77000010", [("C02", "error")], id="no-subheading"),
    ],
)
def test_digits_beyond_the_sixth_are_those_of_the_importing_country(
    hs: str, told: list[tuple[str, str]]
) -> None:
    record = a_record(FORM_D, items=1)
    record["transport"].update(port_of_loading="VNSGN", port_of_discharge="THLCH")
    record["items"][0]["hs"] = hs

    findings = _judged_by_own_lists(record)

    assert [(one.code, one.severity.value) for one in findings] == told
    if told == [("W02", "warning")]:
        assert "61091020 (for women)" in (findings[0].action or "")


@pytest.mark.parametrize(
    ("port", "action"),
    [
        pytest.param("VNSGX", "nearest: VNSGN (Ho Chi Minh City)", id="misspelt"),
        pytest.param("JPTYO", "have it added to the list", id="of-a-country-without-any"),
        pytest.param("Saigon", "two letters and three for the place", id="no-code"),
    ],
)
def test_a_port_is_one_of_the_list_where_there_is_one(port: str, action: str) -> None:
    record = a_record(FORM_D, items=1)
    record["transport"].update(port_of_loading=port, port_of_discharge="THLCH")

    (finding,) = _judged_by_own_lists(record)

    assert (finding.code, finding.path) == ("C09", "/CertificateOfOrigin/Transport/PortOfLoading")
    assert action in (finding.action or "")
