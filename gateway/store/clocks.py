"""
Clocks in the ledger: entered when the first warning may be due, told of at warning, end and recovery.

What starts and what stops a clock is in the database's view ``clock_start``; how long it runs is data of the
registry, and the watch's to say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.caller import EVERYTHING, Sight
from gateway.domain.deadline import Clock, Ends, Start
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

    starts: Start
    message_no: int
    certificate_no: int | None
    party: PartyId
    organisation: str | None
    agreement: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class LookedFor:
    """Up to which start a clock was looked for, and when that was."""

    started_at: datetime
    looked_at: datetime


NEVER = LookedFor(_BEGINNING, _BEGINNING + _LATE_COMMITS)
"""Of a clock that was never looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A clock to be kept: what started it, its limit in words, when it warns and runs out."""

    what: Started
    limit_told: str
    ends: Ends


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

    async def positions(self) -> dict[str, LookedFor]:
        """Up to where each clock was looked for; those that are not in it never were."""
        rows = watching.clock_positions(self._connection)
        return {row["name"]: LookedFor(row["started_at"], row["looked_at"]) async for row in rows}

    async def started(
        self, name: str, starts: Start, until: datetime, former: LookedFor
    ) -> AsyncIterator[list[Started]]:
        """
        What started by *until* and was not looked at before, batch by batch; the earliest first.

        A certificate that became known only now may have started its clock long ago.
        """
        behind = (_BEGINNING, 0)
        while True:
            found = watching.started_clocks(
                self._connection,
                starts=starts,
                name=name,
                after=former.started_at,
                until=until,
                known_after=max(former.looked_at - _LATE_COMMITS, _BEGINNING),
                from_start=behind[0],
                from_message=behind[1],
                batch=_BATCH,
            )
            if batch := [Started(starts=starts, **dict(row)) async for row in found]:
                yield batch
                behind = (batch[-1].started_at, batch[-1].message_no)
            if len(batch) < _BATCH:
                return

    async def looked_for(self, until: Mapping[str, datetime]) -> None:
        """Each of these clocks was looked for up to there."""
        await watching.move_clock_positions(
            self._connection, names=list(until), started_at=list(until.values()), looked_at=self._at
        )

    async def again(self) -> list[Started]:
        """What runs again, since what had stopped it was taken back; told once."""
        rows = watching.clocks_again(self._connection)
        return [Started(**{**row, "starts": Start(row["starts"])}) async for row in rows]

    async def enter(self, clock: Clock, entries: Sequence[Entry]) -> None:
        """Keep clocks that may soon warn; one that had stopped runs again."""
        if not entries:
            return
        await watching.enter_clocks(
            self._connection,
            name=clock.name,
            starts=clock.starts,
            owner=clock.owner,
            message_nos=[one.what.message_no for one in entries],
            certificate_nos=[one.what.certificate_no for one in entries],
            parties=[one.what.party for one in entries],
            organisations=[one.what.organisation for one in entries],
            limits=[one.limit_told for one in entries],
            started_at=[one.what.started_at for one in entries],
            warn_at=[one.ends.warn_at for one in entries],
            due_at=[one.ends.due_at for one in entries],
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
