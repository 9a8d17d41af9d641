"""
The law's clocks as data, and when they run out. Pure: dates and durations in, instants out.

A limit in days or months ends with its last day where we are at home: received on the 1st, 60 days end with
the 60th day after it. A limit in minutes ends to the second. Days are calendar days unless the rule says
working days; those are counted by the calendar of a country.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

_SHORTEST_MONTH = 28
_WEEKEND = frozenset({5, 6})


class Start(StrEnum):
    """What starts a clock; what stops it follows from that."""

    CERTIFICATE_ISSUED = "certificate-issued"  #: until it is used up, cancelled, replaced or expired
    CERTIFICATE_RECEIVED = "certificate-received"  #: until customs say something of it
    MESSAGE_OWED = "message-owed"  #: until a receipt came, or nobody sends it any more
    MESSAGE_RECEIPTED = "message-receipted"  #: until it is acknowledged
    VERIFICATION_RECEIVED = "verification-received"  #: asked of us, until we reply or they conclude
    VERIFICATION_SENT = "verification-sent"  #: asked by us, until they reply or we conclude
    VERIFICATION_OPENED = "verification-opened"  #: either way, until it is concluded


class Unit(StrEnum):
    """In what a limit is counted."""

    MINUTES = "minutes"
    DAYS = "days"
    WORKING_DAYS = "working-days"
    MONTHS = "months"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Which days are worked in a country; ISO weekdays from 0, Monday."""

    weekend: frozenset[int] = _WEEKEND
    holidays: frozenset[date] = frozenset()

    def is_worked(self, day: date) -> bool:
        """Whether *day* is a working day."""
        return day.weekday() not in self.weekend and day not in self.holidays


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """
    How long, and how long before its end the owner is warned.

    Attributes:
        warn_before: in the same unit.
        rule: where it stands, such as ``ATIGA Annex 8 Rule 30(3)(a)``; empty for what parties agreed.
    """

    count: int
    unit: Unit
    warn_before: int
    rule: str = ""

    @property
    def shortest_until_warned(self) -> timedelta:
        """The least that passes from the start to the warning, whatever the calendar."""
        count = self.count - self.warn_before
        match self.unit:
            case Unit.MINUTES:
                return timedelta(minutes=count)
            case Unit.DAYS | Unit.WORKING_DAYS:
                return timedelta(days=count)
            case Unit.MONTHS:
                return timedelta(days=count * _SHORTEST_MONTH)

    def told(self) -> str:
        """``60 days (ATIGA Annex 8 Rule 30(3)(a))``."""
        words = f"{self.count} {self.unit.replace('-', ' ')}"
        return f"{words} ({self.rule})" if self.rule else words


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """
    A clock: what starts it, whose it is, how long it runs.

    Attributes:
        limits: by agreement and party; an empty string stands for any. None where it does not run.
        waits: at the end somebody must act, so it is an exception from the warning on.
        ends_life: at the end the certificate has expired.
    """

    name: str
    title: str
    starts: Start
    owner: str
    next_action: str
    limits: Mapping[tuple[str, str], Limit | None] = field(default_factory=dict)
    waits: bool = True
    ends_life: bool = False

    def limit_for(self, agreement: str, party: str) -> Limit | None:
        """The limit that stands for a certificate: corridor before party before agreement before all."""
        for key in ((agreement, party), ("", party), (agreement, ""), ("", "")):
            if key in self.limits:
                return self.limits[key]
        return None

    @property
    def shortest_until_warned(self) -> timedelta:
        """The least that passes from the start to any warning."""
        return min(
            (limit.shortest_until_warned for limit in self.limits.values() if limit), default=timedelta.max
        )


@dataclass(frozen=True, slots=True)
class Ends:
    """When a clock warns and when it runs out."""

    warn_at: datetime
    due_at: datetime


WEEKENDS_FREE = Calendar()
"""Where a country's calendar is not known."""

Calendars = Mapping[str, Calendar]


def ends_of(limit: Limit, started_at: datetime, zone: tzinfo, days: Calendar) -> Ends:
    """
    When a clock with *limit* that started then warns and runs out.

    Args:
        zone: where we are at home; days end there.
        days: the calendar of working days.
    """
    return Ends(
        warn_at=_after(limit.count - limit.warn_before, limit.unit, started_at, zone, days),
        due_at=_after(limit.count, limit.unit, started_at, zone, days),
    )


def _after(count: int, unit: Unit, started_at: datetime, zone: tzinfo, days: Calendar) -> datetime:
    day = started_at.astimezone(zone).date()
    match unit:
        case Unit.MINUTES:
            return started_at + timedelta(minutes=count)
        case Unit.DAYS:
            return _end_of(day + timedelta(days=count), zone)
        case Unit.WORKING_DAYS:
            return _end_of(_worked(day, count, days), zone)
        case Unit.MONTHS:
            return _end_of(_months(day, count), zone)


def _end_of(day: date, zone: tzinfo) -> datetime:
    """The first instant after *day*."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def _worked(day: date, count: int, days: Calendar) -> date:
    while count > 0:
        day += timedelta(days=1)
        count -= days.is_worked(day)
    return day


def _months(day: date, count: int) -> date:
    """The same day of the month *count* months on; the last of it where there is no such day."""
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
