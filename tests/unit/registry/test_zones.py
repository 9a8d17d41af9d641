"""Which day it is where: the shipped time zones, and what is told of a faulty file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import iso3166
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import Misconfigured
from gateway.registry.folder import Folder, over_shipped
from gateway.registry.zones import FILE, load_zones

SHIPPED = load_zones(over_shipped(None))
EVENING = datetime(2026, 11, 21, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("country", "day"),
    [
        ("VN", 22),
        ("TH", 22),
        ("IN", 22),
        ("GB", 21),
        ("US", 21),
        ("ID", 22),  # Jakarta has 03:00, Jayapura 05:00
        ("XX", 21),
        ("", 21),
        (None, 21),
    ],
)
def test_a_day_is_the_one_it_is_in_the_country(country: str | None, day: int) -> None:
    assert SHIPPED.day(country, EVENING) == date(2026, 11, day)


def test_of_several_zones_the_one_counts_in_which_the_day_begins_first() -> None:
    just_before_midnight_in_jayapura = datetime(2026, 11, 21, 14, 59, tzinfo=UTC)
    midnight_in_jayapura = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)

    assert SHIPPED.day("ID", just_before_midnight_in_jayapura) == date(2026, 11, 21)
    assert SHIPPED.day("ID", midnight_in_jayapura) == date(2026, 11, 22)


def test_nearly_every_country_has_a_zone() -> None:
    uninhabited_or_not_in_the_database = {"BV", "HM", "XK"}

    assert set(iso3166.countries_by_alpha2) - set(SHIPPED.of) == uninhabited_or_not_in_the_database


@given(
    country=st.sampled_from([*SHIPPED.of, "XX"]),
    at=st.integers(1_577_836_800, 2_208_988_800).map(lambda s: datetime.fromtimestamp(s, UTC)),
)
def test_local_time_is_the_same_instant_and_its_day_never_far(country: str, at: datetime) -> None:
    assert SHIPPED.local(country, at) == at
    assert abs((SHIPPED.day(country, at) - at.date()).days) <= 1


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        pytest.param("VN,Asia/Hanoi", "VN: the IANA database knows no zone 'Asia/Hanoi'", id="no-such-zone"),
        pytest.param("VN,../../etc/passwd", "VN: the IANA database knows no zone", id="no-name-of-a-zone"),
        pytest.param("VN,Asia", "VN: the IANA database knows no zone 'Asia'", id="a-folder"),
        pytest.param("VN", "VN: must be code,zone", id="one-column"),
        pytest.param(
            "VN,Asia/Hanoi\nTH,Siam", "TH: the IANA database knows no zone 'Siam'", id="all-of-them"
        ),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, lines: str, told: str) -> None:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_text(f"# list: zones\ncode,zone\n{lines}\n", "utf-8")

    with pytest.raises(Misconfigured) as caught:
        load_zones(Folder((tmp_path,)))

    assert told in str(caught.value)
    assert str(caught.value).startswith(FILE)


def test_without_a_file_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no such file"):
        load_zones(Folder((tmp_path,)))
