"""The corridor board: is anything standing still, since when, why, and whose move is it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from gateway.console.lanes import Lane, lanes_of
from gateway.console.serving import VISITOR, Pages, Parts, today
from gateway.domain.ids import FormId, PartyId
from gateway.domain.status import Direction, MessageType
from gateway.store.clocks import ClockRow
from gateway.store.exceptions import ExceptionRow
from gateway.store.overview import CorridorRow, DayCount


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One corridor on the board."""

    form: FormId
    side: Direction
    backlog: CorridorRow | None
    delivered: int | None  # None where certificates come in and nothing but answers goes out
    rejected: int
    refused: int

    @property
    def waiting(self) -> int:
        """What is owed on it, but for what an operator holds."""
        return 0 if self.backlog is None else self.backlog.waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One lane with its corridors."""

    lane: Lane
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All of it, as of one moment."""

    at: datetime
    groups: tuple[Group, ...]
    causes: tuple[ExceptionRow, ...]
    clocks: tuple[ClockRow, ...]  # that have warned or run out

    @property
    def rows(self) -> list[Row]:
        """Every corridor of every lane."""
        return [row for group in self.groups for row in group.rows]

    @property
    def oldest_s(self) -> float | None:
        """How long the oldest waits, seconds."""
        ages = [row.backlog.oldest_s for row in self.rows if row.backlog and row.backlog.oldest_s is not None]
        return max(ages, default=None)

    @property
    def by_age(self) -> tuple[int, ...]:
        """What waits on all lanes, by age."""
        return tuple(sum(row.backlog.by_age[i] if row.backlog else 0 for row in self.rows) for i in range(6))

    @property
    def troubled(self) -> int:
        """How many lanes are in trouble."""
        return sum(group.lane.in_trouble for group in self.groups)

    @property
    def overdue(self) -> int:
        """How many clocks have run out: somebody's answer is late."""
        return sum(clock.breached_at is not None for clock in self.clocks)

    @property
    def ending(self) -> list[Lane]:
        """The lanes whose certificates end within thirty days."""
        return [group.lane for group in self.groups if group.lane.ends_soon]

    def total(self, figure: str) -> int:
        """The sum of one *figure* over all corridors."""
        return sum(getattr(row, figure) or 0 for row in self.rows)


async def read_board(parts: Parts) -> Board:
    """The board as the ledger has it now."""
    now = parts.clock()
    ledger = parts.ledger
    await ledger.fold_days()
    day = today(now).date()
    backlog = await ledger.corridor_backlog(now)
    happened = await ledger.days(day, day)
    lanes = await lanes_of(parts, now)
    groups = [Group(lane=lane, rows=_rows(parts, lane.party.id, backlog, happened)) for lane in lanes]
    groups.sort(key=lambda group: (not group.lane.in_trouble, group.lane.party.id))
    causes, _ = await ledger.exceptions(is_open=True, limit=500)
    clocks = await ledger.clocks(limit=500)
    return Board(at=now, groups=tuple(groups), causes=tuple(causes), clocks=tuple(clocks))


def _rows(
    parts: Parts, party: PartyId, backlog: Sequence[CorridorRow], happened: Iterable[DayCount]
) -> tuple[Row, ...]:
    counts: Counter[tuple[FormId, Direction, str]] = Counter()
    for one in happened:
        if one.party == party and one.type is MessageType.CERTIFICATE:
            counts[one.form, one.side, one.what] += one.count
    owed = {(row.form, row.side): row for row in backlog if row.party == party}
    keys = [*_agreed(parts, party), *owed]
    return tuple(
        Row(
            form=form,
            side=side,
            backlog=owed.get((form, side)),
            delivered=counts[form, side, "delivery:delivered"] if side is Direction.OUT else None,
            rejected=counts[form, side, "acknowledgement:rejected"],
            refused=counts[form, side, "delivery:refused"],
        )
        for form, side in dict.fromkeys(keys)
    )


def _agreed(parts: Parts, party: PartyId) -> list[tuple[FormId, Direction]]:
    """The corridors with *party*: what we send it, then what it sends us and we answer."""
    found: list[tuple[FormId, Direction]] = []
    for side in (Direction.OUT, Direction.IN):
        ends = (parts.home.id, party) if side is Direction.OUT else (party, parts.home.id)
        corridors = parts.registry.corridors.values()
        forms = {one.delivers for one in corridors if (one.sender.id, one.receiver.id) == ends}
        found += [(form, side) for form in sorted(forms)]
    return found


class BoardPages:
    """The board, whole or in pieces."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    async def board(self, request: web.Request) -> web.Response:
        """The page."""
        visitor = request[VISITOR]
        cursor = await self._parts.ledger.newest_event()
        board = await read_board(self._parts)
        only = request.query.get("only") == "trouble"
        return self._pages.page(
            "board.html", visitor, here="/console/", board=board, only=only, cursor=cursor
        )

    async def pieces(self, may_act: bool) -> Mapping[str, str]:
        """Each lane, and the tiles, as they stand now; by the id of the element they are."""
        board = await read_board(self._parts)
        pieces = {"tiles": self._pages.text("tiles.html", board=board)}
        for group in board.groups:
            key = f"lane-{group.lane.key}"
            pieces[key] = self._pages.text("lane-group.html", group=group, may_act=may_act)
        pieces["board-total"] = self._pages.text("board-total.html", board=board)
        return pieces
