"""Parties, their agreements, and their certificates on an axis of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from gateway.console.lanes import lanes_of
from gateway.console.serving import VISITOR, Pages, Parts
from gateway.domain.corridor import Party, RegisteredCertificate
from gateway.domain.errors import NotFound
from gateway.domain.ids import PartyId

WIDTH = 1000
BEFORE = timedelta(days=60)
AFTER = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One certificate's window on the axis, in its units from the left."""

    use: str
    one: RegisteredCertificate
    left: float
    width: float
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time in which no certificate of this use counts."""

    use: str
    begin: datetime
    end: datetime
    left: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The axis of one party's certificates; *now* is where today stands."""

    begin: datetime
    end: datetime
    now: float
    bars: tuple[Bar, ...]
    gaps: tuple[Gap, ...]
    months: tuple[tuple[float, str], ...]


class PartyPages:
    """Who we exchange with."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    async def all(self, request: web.Request) -> web.Response:
        """The list, with each lane's state and next expiry."""
        lanes = await lanes_of(self._parts, self._parts.clock())
        lines = [(lane, self._forms(lane.party)) for lane in lanes]
        return self._pages.page("parties.html", request[VISITOR], here="/console/parties", lines=lines)

    async def one(self, request: web.Request) -> web.Response:
        """One party: what is agreed with it, and its certificates; ours, too, for the home party."""
        party = self._parts.registry.parties.get(PartyId(request.match_info["party"]))
        if party is None:
            raise NotFound("No such party.")
        now = self._parts.clock()
        lanes = {lane.party.id: lane for lane in await lanes_of(self._parts, now)}
        corridors = [
            one
            for one in self._parts.registry.corridors.values()
            if party.id in (one.sender.id, one.receiver.id)
        ]
        return self._pages.page(
            "party.html",
            request[VISITOR],
            here="/console/parties",
            party=party,
            lane=lanes.get(party.id),
            corridors=sorted(corridors, key=lambda one: (one.sender.id, one.receiver.id, one.accepts)),
            axis=axis_of(party, now),
            stale=party.stale_lists(now),
        )

    def _forms(self, party: Party) -> list[str]:
        ends = (self._parts.home.id, party.id)
        return sorted(
            {
                one.accepts
                for one in self._parts.registry.corridors.values()
                if {one.sender.id, one.receiver.id} == set(ends)
            }
        )


def axis_of(party: Party, now: datetime) -> Axis:
    """The windows of a party's certificates, from two months ago to a good year ahead."""
    begin, end = now - BEFORE, now + AFTER
    uses = (("seal", party.sign), ("TLS", party.tls))

    def at(moment: datetime) -> float:
        share = (min(max(moment, begin), end) - begin) / (end - begin)
        return round(share * WIDTH, 1)

    bars = [
        Bar(
            use=use,
            one=one,
            left=at(one.valid_from),
            width=max(1.0, round(at(one.valid_to) - at(one.valid_from), 1)),
            state=_state(one, now),
        )
        for use, some in uses
        for one in some
    ]
    gaps = [
        Gap(use=use, begin=lone, end=until, left=at(lone), width=round(at(until) - at(lone), 1))
        for use, some in uses
        for lone, until in gaps_of(some, now, end)
    ]
    return Axis(
        begin=begin,
        end=end,
        now=at(now),
        bars=tuple(bars),
        gaps=tuple(gaps),
        months=tuple(_months(begin, end, at)),
    )


def gaps_of(
    some: Sequence[RegisteredCertificate], begin: datetime, end: datetime
) -> Iterable[tuple[datetime, datetime]]:
    """The times between *begin* and *end* in which none of *some* counts."""
    covered = begin
    for one in sorted(some, key=lambda each: each.valid_from):
        if one.valid_from > covered:
            yield covered, min(one.valid_from, end)
        covered = max(covered, one.valid_to)
        if covered >= end:
            return
    if covered < end:
        yield covered, end


def _months(begin: datetime, end: datetime, at: Callable[[datetime], float]) -> Iterable[tuple[float, str]]:
    month = begin.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month < end:
        if month > begin and month.month % 2:
            yield at(month), f"{month:%b %Y}"
        month = (month + timedelta(days=32)).replace(day=1)


def _state(one: RegisteredCertificate, now: datetime) -> str:
    if one.valid_to <= now:
        return "over"
    return "counts now" if one.covers(now) else "scheduled"
