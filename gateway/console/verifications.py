"""Verification requests and their legal clocks: what must be answered by when, and whose move it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from aiohttp import web

from gateway.console.messages import sight
from gateway.console.serving import VISITOR, Pages, Parts
from gateway.console.words import Chip, Family, duration
from gateway.domain.deadline import Start
from gateway.domain.status import Direction
from gateway.store.clocks import ClockRow
from gateway.store.overview import VerificationRow

_DAY = timedelta(days=1)
_MOST = 200
_SOON, _NOW = 30, 7  # days left: warn, bad


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A clock of a request: day *day* of its limit, which stands in *rule*."""

    title: str
    owner: str
    rule: str
    day: int
    due_at: datetime
    chip: Chip


class VerificationPages:
    """The list."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    async def all(self, request: web.Request) -> web.Response:
        """Open requests, the first to end first; then those that are concluded, newest first."""
        visitor = request[VISITOR]
        rows = await self._parts.ledger.verifications(sight(visitor))
        now = self._parts.clock()
        open_ones = [
            (row, sorted(self._clocks(row, now), key=_due)) for row in rows if row.concluded_at is None
        ]
        open_ones.sort(
            key=lambda one: min(
                (clock.due_at for clock in one[1]), default=datetime.max.replace(tzinfo=now.tzinfo)
            )
        )
        return self._pages.page(
            "verifications.html",
            visitor,
            here="/console/verifications",
            open_ones=open_ones,
            clocks=await self._others(request),
            concluded=[row for row in rows if row.concluded_at is not None],
            path=lambda row: f"/console/messages/{quote(row.message_id, safe='')}?party={quote(row.party)}",
        )

    async def _others(self, request: web.Request) -> list[tuple[str, ClockRow, Chip]]:
        """The clocks of other things that have warned or run out, by their titles; the first to end first."""
        titles = {clock.name: clock.title for clock in self._parts.law.clocks}
        now = self._parts.clock()
        return [
            (titles.get(row.name, row.name), row, _left(row.due_at - now))
            for row in await self._parts.ledger.clocks(sight=sight(request[VISITOR]), limit=_MOST)
        ]

    def _clocks(self, row: VerificationRow, now: datetime) -> Iterator[Running]:
        """Those that run for *row* now, by the limits of its agreement and party."""
        starts = {Start.VERIFICATION_OPENED}
        if row.replied_at is None:
            asked_of_us = row.direction is Direction.IN
            starts.add(Start.VERIFICATION_RECEIVED if asked_of_us else Start.VERIFICATION_SENT)
        for clock in self._parts.law.clocks:
            if clock.starts in starts and (limit := clock.limit_for(row.agreement, row.party)) is not None:
                due_at = self._parts.law.ends(limit, row.recorded_at).due_at
                yield Running(
                    title=clock.title,
                    owner=clock.owner,
                    rule=limit.told(),
                    day=(now - row.recorded_at) // _DAY + 1,
                    due_at=due_at,
                    chip=_left(due_at - now),
                )


def _due(running: Running) -> datetime:
    return running.due_at


def _left(left: timedelta) -> Chip:
    """More than 30 days left is quiet, 30 to 8 a warning, the last week and what is overdue bad."""
    if left < timedelta():
        return Chip(Family.BAD, f"Overdue by {duration(-left.total_seconds())}")
    days = left // _DAY
    family = Family.QUIET if days > _SOON else Family.WARN if days > _NOW else Family.BAD
    return Chip(family, f"{duration(left.total_seconds())} left")
