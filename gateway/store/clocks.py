"""
Clocks in the ledger: entered when the first warning may be due, told of at warning, end and recovery.

What starts and what stops a clock is in the database's view ``clock_start``; how long it runs is data of the
registry, and the watch's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.caller import EVERYTHING, Sight
from gateway.domain.deadline import Ends, Start
from gateway.domain.ids import CertificateNumber, MessageId, PartyId
from gateway.store.connect import Connection, Connections
from gateway.store.feeds import Arguments
from gateway.store.statements import watching

_BATCH = 1_000
_LATE_COMMITS = timedelta(hours=1)
_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)

_CLOCKS = """
SELECT k.clock_no, k.name, m.message_id, coalesce(c.number, m.certificate_number) AS certificate_number,
       k.party, k.organisation, k.owner, k.limit_told, k.started_at, k.warn_at, k.due_at, k.state,
       k.warned_at, k.breached_at, k.stopped_at
  FROM clock k
  JOIN message m ON m.message_no = k.message_no
  LEFT JOIN certificate c ON c.certificate_no = k.certificate_no
 WHERE {conditions}
 ORDER BY k.due_at, k.clock_no
 LIMIT {limit}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Something that started a clock, and still runs."""

    message_no: int
    certificate_no: int | None
    party: PartyId
    organisation: str | None
    agreement: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """A clock whose warning, or whose end, has come."""

    clock_no: int
    name: str
    message_no: int
    certificate_no: int | None
    party: PartyId
    organisation: str | None
    owner: str
    limit_told: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRow:
    """
    A clock that has warned, or soon will.

    Attributes:
        state: ``running``, ``warned``, ``breached`` or ``stopped``.
    """

    clock_no: int
    name: str
    message_id: MessageId
    certificate_number: CertificateNumber | None
    party: PartyId
    organisation: str | None
    owner: str
    limit_told: str
    started_at: datetime
    warn_at: datetime
    due_at: datetime
    state: str
    warned_at: datetime | None
    breached_at: datetime | None
    stopped_at: datetime | None


class ClockPage:
    """What the watch does to clocks, on its own page."""

    def __init__(self, connection: Connection, at: datetime) -> None:
        self._connection = connection
        self._at = at

    async def started(self, name: str, starts: Start, until: datetime) -> list[Started]:
        """
        What started by *until* and was not looked at before, up to a batch; the earliest first.

        A certificate that became known only now may have started its clock long ago.
        """
        position = await watching.clock_position(self._connection, name=name)
        after, looked_at = (
            (_BEGINNING, _BEGINNING) if position is None else (position["started_at"], position["looked_at"])
        )
        found = watching.started_clocks(
            self._connection,
            starts=starts,
            name=name,
            after=after,
            until=until,
            known_after=max(looked_at - _LATE_COMMITS, _BEGINNING) if position else looked_at,
            batch=_BATCH,
        )
        rows = [Started(**dict(row)) async for row in found]
        whole = len(rows) < _BATCH
        await watching.move_clock_position(
            self._connection,
            name=name,
            started_at=max(until, after) if whole else after,
            looked_at=self._at if whole else looked_at,
        )
        return rows

    async def enter(
        self, name: str, starts: Start, owner: str, limit_told: str, what: Started, ends: Ends
    ) -> None:
        """Keep a clock that may soon warn."""
        await watching.enter_clock(
            self._connection,
            name=name,
            starts=starts,
            message_no=what.message_no,
            certificate_no=what.certificate_no,
            party=what.party,
            organisation=what.organisation,
            owner=owner,
            limit_told=limit_told,
            started_at=what.started_at,
            warn_at=ends.warn_at,
            due_at=ends.due_at,
        )

    async def stop(self) -> list[tuple[int, int]]:
        """Stop the clocks that run no longer; item and exception of those somebody was to act on."""
        rows = [row async for row in watching.stop_clocks(self._connection, at=self._at)]
        return [(row["item_no"], row["exception_no"]) for row in rows if row["item_no"] is not None]

    async def warn(self) -> list[Advanced]:
        """The clocks whose warning has come, each once."""
        return await self._advance("running", "warned")

    async def breach(self) -> list[Advanced]:
        """The clocks that have run out, each once."""
        return await self._advance("warned", "breached")

    async def _advance(self, former: str, now: str) -> list[Advanced]:
        rows = watching.advance_clocks(self._connection, at=self._at, from_state=former, to_state=now)
        return [Advanced(**dict(row)) async for row in rows]

    async def expire(self, clocks: list[Advanced]) -> None:
        """The certificates of these clocks have expired, and the clocks have done their work."""
        numbers = sorted({one.certificate_no for one in clocks if one.certificate_no is not None})
        await watching.expire_certificates(self._connection, certificate_nos=numbers, at=self._at)
        await watching.finish_clocks(
            self._connection, clock_nos=[one.clock_no for one in clocks], at=self._at
        )


class Clocks:
    """The ledger's verbs about clocks."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def clocks(
        self,
        *,
        states: tuple[str, ...] = ("warned", "breached"),
        name: str | None = None,
        party: str | None = None,
        certificate_no: int | None = None,
        sight: Sight = EVERYTHING,
        limit: int = 500,
    ) -> list[ClockRow]:
        """The clocks that stand so, the first to end first; a certificate's all of whatever state."""
        argument = Arguments()
        conditions = [_seen(sight, argument)]
        if certificate_no is not None:
            conditions.append(f"k.certificate_no = {argument(certificate_no, 'bigint')}")
        else:
            conditions.append(f"k.state = ANY ({argument(list(states), 'text[]')})")
        for column, value in (("name", name), ("party", party)):
            if value is not None:
                conditions.append(f"k.{column} = {argument(value, 'text')}")
        sql = _CLOCKS.format(conditions="\n   AND ".join(conditions), limit=argument(limit, "bigint"))
        async with self._pool.acquire() as connection:
            rows: list[Any] = await connection.fetch(sql, *argument.given)
        return [ClockRow(**dict(row)) for row in rows]


def _seen(sight: Sight, argument: Arguments) -> str:
    """The condition that lets through the clocks of certificates that *sight* sees."""
    if sight.everything:
        return "true"
    seen = []
    if sight.organisation is not None:
        seen.append(f"k.organisation = {argument(sight.organisation, 'text')}")
    if sight.issued:
        seen.append("c.direction = 'out'")
    if sight.received:
        seen.append("c.direction = 'in'")
    return f"({' OR '.join(seen)})" if seen else "false"
