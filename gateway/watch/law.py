"""The law's clocks as the watch uses them: where to look, when they end, whose exception they are. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from gateway.domain.deadline import WEEKENDS_FREE, Calendar, Clock, Ends, Limit, ends_of
from gateway.store.clocks import Advanced, Entry, Started
from gateway.store.troubles import Cause

_ISSUING_AUTHORITY = "issuing authority"


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """
    The clocks there are.

    Attributes:
        zone: where we are at home; days end there.
        calendar: the working days at home.
    """

    clocks: tuple[Clock, ...]
    zone: tzinfo = UTC
    calendar: Calendar = WEEKENDS_FREE

    def until(self, clock: Clock, at: datetime) -> datetime | None:
        """What started by then may warn at *at*; None where the clock never runs."""
        shortest = clock.shortest_until_warned
        return None if shortest == timedelta.max else at - shortest

    def ends(self, limit: Limit, started_at: datetime) -> Ends:
        """When a clock with *limit* that started then warns and runs out."""
        return ends_of(limit, started_at, self.zone, self.calendar)

    def entries(self, clock: Clock, started: Sequence[Started]) -> list[Entry]:
        """
        What is kept of them: each with its limit, where it has one.

        Args:
            started: the earliest first; a message that was sent twice has two receipts, and the first counts.
        """
        first = {what.message_no: what for what in reversed(started)}
        return [
            Entry(what=what, limit_told=limit.told(), ends=self.ends(limit, what.started_at))
            for what in first.values()
            if (limit := clock.limit_for(what.agreement, what.party)) is not None
        ]

    def cause_of(self, one: Advanced) -> Cause | None:
        """The exception of a clock that has warned; None where nobody need act."""
        clock = self._named(one.name)
        if clock is None or not clock.waits:
            return None
        return Cause(
            code=clock.name,
            party=one.party,
            organisation=one.organisation if clock.owner == _ISSUING_AUTHORITY else None,
            owner=clock.owner,
            next_action=clock.next_action,
        )

    def told(self, one: Advanced) -> str:
        """``rejection-notice: 60 days (ATIGA …) end 2027-01-20``; the last day, for a limit in days."""
        clock = self._named(one.name)
        title = one.name if clock is None else clock.title
        end = (one.due_at - timedelta(microseconds=1)).astimezone(self.zone)
        return f"{one.name}: {title}, {one.limit_told}, ends {end:%Y-%m-%d %H:%M}"

    def ends_life(self, one: Advanced) -> bool:
        """Whether the certificate has expired at the end of the clock."""
        clock = self._named(one.name)
        return clock is not None and clock.ends_life

    def _named(self, name: str) -> Clock | None:
        return next((clock for clock in self.clocks if clock.name == name), None)


NO_LAW = Law(clocks=())
