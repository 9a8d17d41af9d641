"""Working days by country: each from its own file, and what no file names is Saturday and Sunday."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.domain.deadline import WEEKENDS_FREE, Calendars
from gateway.domain.errors import Misconfigured
from gateway.registry.clocks import load_calendars
from gateway.registry.folder import over_shipped

FRIDAY, SATURDAY, SUNDAY = (date(2027, 2, day) for day in (5, 6, 7))


def calendars(folder: Path, country: str, text: str) -> Calendars:
    """Those there are when an installation lays this one over the shipped ones."""
    file = folder / f"mappings/calendars/{country}.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text, "utf-8")
    return load_calendars(over_shipped(folder))


def test_a_country_has_its_own_weekend_and_holidays(tmp_path: Path) -> None:
    found = calendars(tmp_path, "vn", "holidays = [2027-02-05]")

    assert [found["VN"].is_worked(day) for day in (FRIDAY, SATURDAY, SUNDAY)] == [False, False, False]
    assert [found["BN"].is_worked(day) for day in (FRIDAY, SATURDAY, SUNDAY)] == [False, True, False]
    assert [WEEKENDS_FREE.is_worked(day) for day in (FRIDAY, SATURDAY, SUNDAY)] == [True, False, False]


def test_a_day_that_is_none_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="weekend"):
        calendars(tmp_path, "vn", 'weekend = ["someday"]')
