"""When the law's clocks warn and run out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.deadline import WEEKENDS_FREE, Calendar, Clock, Limit, Start, Unit, ends_of

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
INSTANTS = st.integers(1_577_836_800, 2_208_988_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
TET = Calendar(holidays=frozenset({date(2027, 2, 5), date(2027, 2, 8)}))


def limit(count: int, unit: Unit, warn_before: int = 0, rule: str = "") -> Limit:
    return Limit(count=count, unit=unit, warn_before=warn_before, rule=rule)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("given_limit", "started", "ends"),
    [
        pytest.param(limit(60, Unit.DAYS), "2026-11-22T10:00+07:00", "2027-01-22T00:00+07:00", id="60 days"),
        pytest.param(limit(60, Unit.DAYS), "2026-11-22T23:59+07:00", "2027-01-22T00:00+07:00", id="late"),
        pytest.param(limit(60, Unit.DAYS), "2026-11-22T20:00+00:00", "2027-01-23T00:00+07:00", id="tomorrow"),
        pytest.param(limit(12, Unit.MONTHS), "2026-02-28T08:00+07:00", "2027-03-01T00:00+07:00", id="a year"),
        pytest.param(
            limit(12, Unit.MONTHS), "2028-02-29T08:00+07:00", "2029-03-01T00:00+07:00", id="leap day"
        ),
        pytest.param(
            limit(1, Unit.MONTHS), "2027-01-31T08:00+07:00", "2027-03-01T00:00+07:00", id="short month"
        ),
        pytest.param(
            limit(240, Unit.MINUTES), "2026-11-22T23:00+07:00", "2026-11-23T03:00+07:00", id="minutes"
        ),
        pytest.param(
            limit(1, Unit.WORKING_DAYS), "2026-11-20T10:00+07:00", "2026-11-24T00:00+07:00", id="Friday"
        ),
        pytest.param(
            limit(3, Unit.WORKING_DAYS), "2027-02-04T10:00+07:00", "2027-02-12T00:00+07:00", id="Tet"
        ),
    ],
)
def test_a_clock_runs_out_when_its_last_day_at_home_is_over(
    given_limit: Limit, started: str, ends: str
) -> None:
    assert ends_of(given_limit, at(started), HANOI, TET).due_at == at(ends)


def test_a_warning_comes_so_many_days_before_the_end() -> None:
    ends = ends_of(limit(60, Unit.DAYS, warn_before=10), at("2026-11-22T10:00+07:00"), HANOI, WEEKENDS_FREE)

    assert ends.due_at - ends.warn_at == timedelta(days=10)


@given(
    count=st.integers(1, 400),
    unit=st.sampled_from(list(Unit)),
    started=INSTANTS,
    data=st.data(),
)
def test_no_clock_warns_before_it_is_looked_for(
    count: int, unit: Unit, started: datetime, data: st.DataObject
) -> None:
    chosen = limit(count, unit, warn_before=data.draw(st.integers(0, count - 1)))

    ends = ends_of(chosen, started, HANOI, TET)

    assert started + chosen.shortest_until_warned <= ends.warn_at <= ends.due_at


@given(
    first=INSTANTS,
    later=st.timedeltas(timedelta(), timedelta(days=400)),
    unit=st.sampled_from(list(Unit)),
)
def test_what_starts_later_ends_no_earlier(first: datetime, later: timedelta, unit: Unit) -> None:
    ends = [ends_of(limit(30, unit), start, HANOI, TET).due_at for start in (first, first + later)]

    assert ends == sorted(ends)


def test_the_nearest_limit_counts_corridor_before_party_before_agreement_before_all() -> None:
    any_, atiga, th, corridor = (limit(days, Unit.DAYS) for days in (60, 50, 40, 30))
    clock = Clock(
        name="x",
        title="X",
        starts=Start.CERTIFICATE_RECEIVED,
        owner="customs",
        next_action="",
        limits={
            ("", ""): any_,
            ("atiga", ""): atiga,
            ("", "TH"): th,
            ("atiga", "TH"): corridor,
            ("", "MY"): None,
        },
    )

    assert clock.limit_for("rcep", "SG") == any_
    assert clock.limit_for("atiga", "SG") == atiga
    assert clock.limit_for("rcep", "TH") == th
    assert clock.limit_for("atiga", "TH") == corridor
    assert clock.limit_for("atiga", "MY") is None
    assert clock.shortest_until_warned == timedelta(days=30)
