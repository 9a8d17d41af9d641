"""Forms in their windows, and the boxes of the paper."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.form import in_force, latest
from gateway.domain.ids import FormId
from tests.data.shipped import FORM_D, RCEP, forms

FAMILY = FormId("atiga/form-d")
OLD = replace(forms()[FORM_D], valid_from=date(2020, 1, 1), valid_to=date(2022, 10, 31))
NEW = replace(forms()[FORM_D], id=FormId("atiga/form-d/2.0"), valid_from=date(2022, 5, 1), valid_to=None)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(date(2019, 12, 31), None, id="before-all"),
        pytest.param(date(2020, 1, 1), OLD, id="first-day"),
        pytest.param(date(2022, 5, 1), NEW, id="transition-prefers-the-younger"),
        pytest.param(date(2030, 1, 1), NEW, id="open-end"),
    ],
)
def test_the_version_in_force_is_chosen_by_day(day: date, expected: object) -> None:
    assert in_force([OLD, NEW, forms()[RCEP]], FAMILY, day) is expected


def test_both_versions_of_a_transition_cover_its_days() -> None:
    assert OLD.covers(date(2022, 10, 31))
    assert not OLD.covers(date(2022, 11, 1))
    assert NEW.covers(date(2022, 10, 31))


def test_the_youngest_version_is_found_whatever_the_day() -> None:
    assert latest([OLD, NEW], FAMILY) is NEW
    assert latest([OLD, NEW], FormId("atiga/form-x")) is None


def test_a_form_knows_its_version() -> None:
    assert (OLD.version, NEW.version) == ("1.0", "2.0")


@pytest.mark.parametrize(
    ("path", "box"),
    [
        ("/CertificateOfOrigin", "header"),
        ("/CertificateOfOrigin/CertificateNumber", "header"),
        ("/CertificateOfOrigin/Exporter/Address/Line[2]", "1"),
        ("/CertificateOfOrigin/Items/Item[12]/FobValue/@currency", "12"),
        ("/CertificateOfOrigin/Items/Item[1]/Producer/Name", "8"),
        ("/CertificateOfOrigin/Ticks/Endorsement", "14"),
        ("/SomethingElse", None),
    ],
)
def test_a_place_is_printed_in_a_box(path: str, box: str | None) -> None:
    assert forms()[RCEP].box_of(path) == box
