"""
When clocks must tell, and when exceptions must open and close, by the plan alone.

A clock runs in stretches: from its start, or from when what stopped it was taken back, to when it is
stopped. In each it is told of once when its warning is reached, once at its end, and once when it stops after
a warning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from tests.exchange.law import DAY, HOME_TIME

ISSUING = "issuing authority"
HOLIDAYS = frozenset({date(2026, 9, 2), date(2027, 1, 1), *(date(2027, 2, day) for day in range(4, 12))})

Told = tuple[datetime, str, str, str]  # when, what, which clock, of which message
Key = tuple[str, str, str | None, str]  # code, party, organisation, owner


@dataclass(kw_only=True)
class Tick:
    """A clock of one message; *gaps* are when it stood still, the last perhaps without an end."""

    name: str
    owner: str
    message: str
    party: str
    organisation: str | None
    start: datetime
    warn_at: datetime
    due_at: datetime
    waits: bool = True
    ends_life: bool = False
    gaps: list[tuple[datetime, datetime | None]] = field(default_factory=list)

    def stop(self, at: datetime, until: datetime | None = None) -> None:
        self.gaps.append((at, until))

    def stretches(self) -> list[tuple[datetime, datetime | None]]:
        """When it runs, each stretch without its end."""
        begin = self.start
        found: list[tuple[datetime, datetime | None]] = []
        for stopped, again in sorted(self.gaps, key=lambda gap: gap[0]):
            found.append((begin, stopped))
            if again is None:
                return found
            begin = again
        return [*found, (begin, None)]

    def fires(self) -> list[tuple[datetime, datetime | None, datetime | None]]:
        """Of each stretch in which it warns: when that is, when it runs out, when it recovers."""
        found: list[tuple[datetime, datetime | None, datetime | None]] = []
        for begin, end in self.stretches():
            warned, breached = max(begin, self.warn_at), max(begin, self.due_at)
            if end is not None and warned >= end:
                continue
            ran_out = breached if end is None or breached < end else None
            if ran_out is not None and self.ends_life:
                return [*found, (warned, ran_out, None)]
            found.append((warned, ran_out, end))
        return found

    def told(self) -> list[Told]:
        """What is told of it, in order."""
        return [
            (at, f"clock:{what}", self.name, self.message)
            for fired in self.fires()
            for at, what in zip(fired, ("warned", "breached", "recovered"), strict=True)
            if at is not None
        ]

    def suffering(self) -> list[Suffering]:
        """What somebody must act on: from the warning to the recovery."""
        if not self.waits:
            return []
        theirs = self.organisation if self.owner == ISSUING else None
        key = (self.name, self.party, theirs, self.owner)
        return [Suffering(key, self.message, warned, end) for warned, _, end in self.fires()]


@dataclass(frozen=True)
class Suffering:
    """One thing that suffers from an exception, from then until then."""

    key: Key
    message: str
    begin: datetime
    end: datetime | None


def alerts(suffering: Iterable[Suffering], until: datetime) -> list[tuple[datetime, str, Key]]:
    """One alert when the first of a cause suffers, one when the last is cured; cures come before."""
    moves: dict[Key, list[tuple[datetime, int]]] = defaultdict(list)
    for one in suffering:
        moves[one.key].append((one.begin, 1))
        if one.end is not None:
            moves[one.key].append((one.end, -1))
    found = []
    for key, steps in moves.items():
        standing = 0
        for at, step in sorted(steps):
            standing += step
            if standing == 0 or (standing == 1 and step == 1):
                found.append((at, "exception:opened" if step == 1 else "exception:closed", key))
    return sorted((one for one in found if one[0] <= until), key=repr)


def after_days(start: datetime, days: int) -> datetime:
    """The end of the *days*-th day after that of *start*, at home."""
    return _midnight_after(start.astimezone(HOME_TIME).date() + timedelta(days=days))


def after_working_days(start: datetime, days: int) -> datetime:
    """The end of the *days*-th working day at home after that of *start*."""
    day = start.astimezone(HOME_TIME).date()
    while days:
        day += DAY
        days -= day.weekday() < 5 and day not in HOLIDAYS
    return _midnight_after(day)


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + DAY, time(), HOME_TIME).astimezone(UTC)
