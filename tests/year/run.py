"""The year is lived through: acts are done in the ledger, the watch looks, and what it told is compared."""

from __future__ import annotations

import json
import time as stopwatch
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import Any

import asyncpg

from gateway.domain.deadline import Calendar, Limit, Unit
from gateway.domain.status import (
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
)
from gateway.registry.clocks import load_clocks
from gateway.registry.folder import Folder
from gateway.store.ledger import Ledger
from gateway.store.reports import Report
from gateway.watch.law import Law
from gateway.watch.watcher import Watcher
from tests.exchange.law import DAY, HOME_TIME
from tests.store.making import HOME
from tests.year.hand import Hand
from tests.year.law import HOLIDAYS, Suffering, Told, alerts
from tests.year.stories import BEGINNING, END, Act, Story

OWN_LIMITS: Mapping[str, Mapping[tuple[str, str], Limit | None]] = {
    "acknowledgement": {("", "MY.CUSTOMS"): Limit(count=60, unit=Unit.MINUTES, warn_before=15)},
    "rejection-notice": {("", "KR.CUSTOMS"): None},
    **{
        name: {
            ("rcep", "CN.CUSTOMS"): Limit(count=30, unit=Unit.DAYS, warn_before=10),
            ("", "JP.CUSTOMS"): Limit(count=20, unit=Unit.WORKING_DAYS, warn_before=5),
        }
        for name in ("verification-reply", "verification-reply-awaited")
    },
}


def the_law() -> Law:
    """The shipped clocks, with what some of the six corridors agreed."""
    clocks = [
        replace(clock, limits={**clock.limits, **OWN_LIMITS.get(clock.name, {})})
        for clock in load_clocks(Folder())
    ]
    return Law(clocks=tuple(clocks), zone=HOME_TIME, calendar=Calendar(holidays=HOLIDAYS))


@dataclass(kw_only=True)
class Lived:
    """What a year came to."""

    certificates: int
    corridors: int
    looks: int
    told: dict[str, int]
    exceptions: dict[str, int]
    open_at_the_end: int
    faults: list[str]
    seconds: float


class Year:
    """So many certificates by a seed, and the ledger in which they live."""

    def __init__(self, pool: asyncpg.Pool, count: int, seed: int) -> None:
        self._pool = pool
        self._now = BEGINNING
        self._ledger = Ledger(pool, lambda: self._now)
        self._watcher = Watcher(self._ledger, lambda: self._now, the_law(), home=HOME)
        self._stories = [Story(seed, serial) for serial in range(count)]
        self._suffering = [
            one
            for story in self._stories
            for one in (*story.suffering, *(one for tick in story.ticks for one in tick.suffering()))
            if one.begin <= END
        ]
        self._told = sorted(
            told for story in self._stories for tick in story.ticks for told in tick.told() if told[0] <= END
        )
        self.faults: list[str] = []

    async def live(self) -> Lived:
        began = stopwatch.monotonic()
        looks = self._looks()
        acts = sorted(
            ((act, story) for story in self._stories for act in story.acts), key=lambda one: one[0].at
        )
        hand, turn = Hand(self._ledger, self._pool), 0
        for look in looks:
            first = turn
            while turn < len(acts) and acts[turn][0].at <= look:
                turn += 1
            await self._do(hand, acts[first:turn])
            self._now = look
            await self._watcher.step()
            if look.astimezone(HOME_TIME).day == 1:
                await self._look_at_what_is_open()
        await self._compare()
        return Lived(
            certificates=len(self._stories),
            corridors=len({story.corridor.party for story in self._stories}),
            looks=len(looks),
            told=dict(sorted(Counter(f"{what} {name}" for _, what, name, _ in self._told).items())),
            exceptions=dict(sorted(Counter(one.key[0] for one in self._suffering).items())),
            open_at_the_end=sum(one.end is None for one in self._suffering),
            faults=self.faults,
            seconds=round(stopwatch.monotonic() - began, 1),
        )

    def _looks(self) -> list[datetime]:
        """Every instant at which something must be told, and some for what must not."""
        instants = {told[0] for told in self._told}
        for one in self._suffering:
            instants |= {one.begin, one.end or one.begin}
        quiet = {BEGINNING + days * DAY for days in range(0, (END - BEGINNING).days, 20)}
        return sorted({at for at in instants | quiet if at <= END} | {END})

    async def _do(self, hand: Hand, acts: list[tuple[Act, Story]]) -> None:
        """Acts of one certificate one after the other, those of several together."""
        stories: dict[str, list[tuple[Story, Act]]] = {}
        for act, story in acts:
            stories.setdefault(story.number, []).append((story, act))
        for of_each in zip_longest(*(sorted(mine, key=itemgetter(1)) for mine in stories.values())):
            await hand.do([one for one in of_each if one is not None])

    # ---- what must hold ------------------------------------------------------------------------------------

    async def _look_at_what_is_open(self) -> None:
        found, after = [], None
        while True:
            rows, after = await self._ledger.exceptions(is_open=True, after=after)
            found += [row.exception_no for row in rows if not (row.owner.strip() and row.next_action.strip())]
            if after is None:
                break
        self._same("exceptions without an owner or a next action", found, [])

    async def _compare(self) -> None:
        await self._look_at_what_is_open()
        told = await self._pool.fetch(_CLOCKS_TOLD)
        self._same("what clocks told", sorted(tuple(row) for row in told), self._told)
        items = await self._pool.fetch(_ITEMS)
        expected = sorted((_item(one) for one in self._suffering), key=repr)
        self._same("what suffered", sorted((tuple(row) for row in items), key=repr), expected)
        rang = [((row["at"], row["what"], tuple(row)[2:])) for row in await self._pool.fetch(_ALERTS)]
        self._same("alerts", sorted(rang, key=repr), alerts(self._suffering, END))
        for first, last in [*_months(), (BEGINNING.date(), END.date())]:
            await self._compare_certificates(first, last)
            await self._compare_clocks(first, last)
            await self._compare_exceptions(first, last)

    async def _compare_certificates(self, first: date, last: date) -> None:
        rows = await self._ledger.report(Report.CERTIFICATES, first, last)
        mine = sorted(
            (story for story in self._stories if first <= story.book.submitted_at.date() <= last), key=_group
        )
        expected = {group: _figures(list(stories)) for group, stories in groupby(mine, key=_group)}
        found = {
            (row["direction"], row["party"], row["form"], row["organisation"] or ""): {
                name: value
                for name, value in row.items()
                if name not in ("direction", "party", "form", "organisation")
            }
            for row in rows
        }
        self._same(f"certificates of {first}", _rounded(found), _rounded(expected))

    async def _compare_clocks(self, first: date, last: date) -> None:
        rows = await self._ledger.report(Report.CLOCKS, first, last)
        found = {
            (row["name"], row["party"], row["owner"], row["organisation"], what): row[column]
            for row in rows
            for what, column in (("clock:warned", "warned"), ("clock:breached", "ran_out"))
            if row[column]
        }
        expected = Counter(
            (tick.name, tick.party, tick.owner, tick.organisation, what)
            for story in self._stories
            for tick in story.ticks
            for what in {what: at for at, what, *_ in reversed(tick.told()) if what != "clock:recovered"}
            if first <= _first(tick.told(), what).date() <= last
        )
        self._same(f"clocks of {first}", found, dict(expected))

    async def _compare_exceptions(self, first: date, last: date) -> None:
        rows = await self._ledger.report(Report.EXCEPTIONS, first, last)
        mine = [one for one in self._suffering if first <= one.begin.astimezone(UTC).date() <= last]
        counts, still = Counter(one.key for one in mine), Counter(one.key for one in mine if _is_open(one))
        found = {
            (row["code"], row["party"], row["organisation"], row["owner"]): (row["items"], row["open"])
            for row in rows
        }
        self._same(
            f"exceptions of {first}", found, {key: (count, still[key]) for key, count in counts.items()}
        )

    def _same(self, what: str, found: Any, expected: Any) -> None:
        if found == expected:
            return
        there, wanted = _told_apart(found), _told_apart(expected)
        missing = [one for one in wanted if one not in there][:5]
        surplus = [one for one in there if one not in wanted][:5]
        self.faults.append(f"{what}: missing {missing}, not expected {surplus}")


def _told_apart(found: Any) -> list[Any]:
    return list(found.items()) if isinstance(found, dict) else list(found)


def _item(one: Suffering) -> tuple[Any, ...]:
    return (*one.key, one.message, one.begin, one.end if one.end and one.end <= END else None)


def _is_open(one: Suffering) -> bool:
    return one.end is None or one.end > END


def _first(told: list[Told], what: str) -> datetime:
    return next(one[0] for one in told if one[1] == what).astimezone(UTC)


def _group(story: Story) -> tuple[str, str, str, str]:
    return "out" if story.is_ours else "in", story.corridor.party, story.corridor.form, story.office or ""


def _figures(stories: list[Story]) -> dict[str, Any]:
    books = [story.book for story in stories]
    figures: dict[str, Any] = {"certificates": len(books)}
    for values, said in (
        (
            (*AcknowledgementOutcome, "unacknowledged"),
            [book.acknowledgement or "unacknowledged" for book in books],
        ),
        ((*CustomsOutcome, "unanswered"), [book.customs or "unanswered" for book in books]),
        (tuple(CertificateLife), [book.life for book in books]),
    ):
        figures |= {str(value): said.count(str(value)) for value in values}
    for name in ("receipt", "acknowledgement", "use"):
        seconds = sorted(value for book in books if (value := getattr(book, f"{name}_s")) is not None)
        told = "utilisation" if name == "use" else name
        figures |= {f"{told}_p50_s": _percentile(seconds, 0.5), f"{told}_p95_s": _percentile(seconds, 0.95)}
    return figures


def _percentile(values: list[float], part: float) -> float | None:
    """Between its neighbours, as ``percentile_cont`` has it."""
    if not values:
        return None
    place = part * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def _rounded(figures: Mapping[Any, Mapping[str, Any]]) -> dict[Any, str]:
    return {
        key: json.dumps(
            {name: None if value is None else round(float(value), 1) for name, value in row.items()},
            sort_keys=True,
        )
        for key, row in figures.items()
    }


def _months() -> list[tuple[date, date]]:
    first, found = BEGINNING.date(), []
    while first < END.date():
        following = (first + timedelta(days=32)).replace(day=1)
        found.append((first, following - DAY))
        first = following
    return found


_CLOCKS_TOLD = """
SELECT e.at, e.what, e.detail ->> 'clock', m.message_id
  FROM event e JOIN message m USING (message_no) WHERE e.what LIKE 'clock:%'
"""
_ITEMS = """
SELECT x.code, x.party, x.organisation, x.owner, m.message_id, i.opened_at, i.closed_at
  FROM exception_item i JOIN exception x USING (exception_no) JOIN message m USING (message_no)
"""
_ALERTS = """
SELECT e.at, e.what, x.code, x.party, x.organisation, x.owner
  FROM event e JOIN exception x ON x.exception_no = (e.detail ->> 'exception')::bigint
 WHERE e.what LIKE 'exception:%'
"""
