"""What operators look at: backlogs by corridor, lanes in trouble, days, and history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from gateway.domain.caller import Sight
from gateway.domain.errors import Finding
from gateway.domain.ids import CertificateNumber, FormId, MessageId, PartyId
from gateway.domain.status import DeliveryStatus, Direction, MessageType
from gateway.store.connect import Connection, Connections
from gateway.store.feeds import BEGINNING, event_cursor, known_position
from gateway.store.finishing import finished
from gateway.store.records import EventRow, MessageRow
from gateway.store.rows import event_row, findings_of, message_row
from gateway.store.statements import queries

AGES = ("5min", "20min", "1h", "4h", "1d")
_FOLDED_AT_ONCE = 20_000
_LOOKED_AT = 100_000
_END = (2**63 - 1, 2**63 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorridorRow:
    """What is owed on one corridor; *side* is the direction of the certificates it is about."""

    party: PartyId
    form: FormId
    side: Direction
    waiting: int
    on_hold: int
    oldest_s: float | None
    by_age: tuple[int, ...]  # up to 5 min, 20 min, 1 h, 4 h, 1 d, and older


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleRow:
    """Since when a lane's oldest message is tried in vain, how often, why, and when it is tried next."""

    party: PartyId
    since: datetime
    attempts: int
    cause: str | None
    next_at: datetime | None
    failures: int  # of the party in a row; 0 when it answers and this message alone is in trouble
    heard_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedMessage:
    """What a party sent and we refused on the wire, without its bytes."""

    refused_no: int
    at: datetime
    party: PartyId
    message_id: str | None
    findings: tuple[Finding, ...]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """How often something happened to messages of one type on one corridor."""

    party: PartyId
    form: FormId
    side: Direction
    type: MessageType
    said_by: str  # of an acknowledgement: gateway | national-system
    what: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRow:
    """A verification request, and what became of it; *direction* ``in`` was asked of us."""

    message_no: int
    direction: Direction
    party: PartyId
    message_id: MessageId
    certificate_number: CertificateNumber | None
    form: FormId
    agreement: str
    recorded_at: datetime
    side: Direction | None
    organisation: str | None
    replied_at: datetime | None
    concluded_at: datetime | None


class Overview:
    """The operators' half of reading the ledger."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def corridor_backlog(self, at: datetime) -> list[CorridorRow]:
        """What is owed on each corridor; those to which nothing is owed are not in it."""
        async with self._pool.acquire() as connection:
            return [_corridor_row(row) async for row in queries.corridor_backlog(connection, at=at)]

    async def verifications(self, sight: Sight, *, limit: int = 200) -> list[VerificationRow]:
        """Verification requests about certificates that *sight* sees, newest first."""
        async with self._pool.acquire() as connection:
            rows = queries.verifications(
                connection,
                everything=sight.everything,
                issued=sight.issued,
                received=sight.received,
                organisation=sight.organisation,
                batch=limit,
            )
            return [_verification_row(row) async for row in rows]

    async def lane_troubles(self) -> dict[PartyId, TroubleRow]:
        """The lanes whose oldest message was tried in vain."""
        async with self._pool.acquire() as connection:
            rows = [TroubleRow(**row) async for row in queries.lane_troubles(connection)]
        return {row.party: row for row in rows}

    async def deliveries(
        self,
        statuses: Iterable[DeliveryStatus],
        party: PartyId,
        *,
        form: FormId | None = None,
        code: str | None = None,
        before: int = 2**63 - 1,
        limit: int = 50,
    ) -> list[MessageRow]:
        """
        Messages to *party* whose delivery stands in one of *statuses*, newest first.

        Args:
            statuses: those that wait or are in trouble; what was delivered is found by ``certificates``.
            code: of the cause.
            before: the message_no to go on from.
        """
        async with self._pool.acquire() as connection:
            found = queries.deliveries(
                connection,
                statuses=sorted(statuses),
                code=code,
                party=party,
                form=form,
                before=before,
                batch=limit,
            )
            return [message_row(row) async for row in found]

    async def refused_messages(self, since: datetime, limit: int = 50) -> list[RefusedMessage]:
        """What was refused on the wire, newest first."""
        async with self._pool.acquire() as connection:
            found = queries.refused_messages(connection, since=since, batch=limit)
            return [_refused_message(row) async for row in found]

    async def refused_message(self, refused_no: int) -> tuple[bytes, bytes] | None:
        """Its exact bytes and our signed answer."""
        async with self._pool.acquire() as connection:
            row = await queries.refused_message(connection, refused_no=refused_no)
        return None if row is None else (row["body"], row["answer"])

    async def history(
        self,
        *,
        before: str | None = None,
        people: bool = False,
        who: str | None = None,
        party: PartyId | None = None,
        what: str | None = None,
        limit: int = 50,
    ) -> list[EventRow]:
        """
        Events, newest first, from the cursor *before* on backwards.

        Args:
            people: only what people did; *who* asks for that, too. Otherwise at most a hundred thousand
                events are looked at.
            what: how the event's name begins.

        Raises:
            UnknownCursor: *before* was never given out.
        """
        async with self._pool.acquire() as connection:
            place, event_no = await self._before(connection, before)
            asked = {"place": place, "event_no": event_no, "what": what, "batch": limit}
            if people or who is not None:
                found = queries.what_people_did(connection, who=who, party=party, **asked)
            else:
                found = queries.happened(connection, party=party, looked_at=_LOOKED_AT, **asked)
            return [event_row(row, event_cursor(row)) async for row in found]

    async def newest_event(self) -> str:
        """The cursor of the newest event there is; the feed's beginning when there is none."""
        async with self._pool.acquire() as connection:
            row = await queries.newest_event(connection)
        return BEGINNING if row is None else event_cursor(row)

    async def fold_days(self) -> None:
        """Bring the tally of days up to now; costs what happened since the last call."""
        async with self._pool.acquire() as connection:
            while await finished(queries.fold_days(connection, batch=_FOLDED_AT_ONCE)) == _FOLDED_AT_ONCE:
                pass

    async def days(self, first: date, last: date) -> list[DayCount]:
        """What happened on these days (UTC, both included), as of the last fold."""
        async with self._pool.acquire() as connection:
            found = queries.days(connection, first_day=first, last_day=last)
            return [_day_count(row) async for row in found]

    async def _before(self, connection: Connection, cursor: str | None) -> tuple[int, int]:
        return (
            _END
            if cursor is None
            else await known_position(connection, "event", "event_no", cursor) or (0, 0)
        )


def _corridor_row(row: asyncpg.Record) -> CorridorRow:
    return CorridorRow(
        party=PartyId(row["party"]),
        form=FormId(row["form"]),
        side=Direction(row["side"]),
        waiting=row["waiting"],
        on_hold=row["on_hold"],
        oldest_s=row["oldest_s"],
        by_age=(*(row[f"upto_{age}"] for age in AGES), row["older"]),
    )


def _refused_message(row: asyncpg.Record) -> RefusedMessage:
    return RefusedMessage(
        refused_no=row["refused_no"],
        at=row["at"],
        party=PartyId(row["party"]),
        message_id=row["message_id"],
        findings=findings_of(row["findings"]),
        size=row["bytes"],
    )


def _day_count(row: asyncpg.Record) -> DayCount:
    return DayCount(
        party=PartyId(row["party"]),
        form=FormId(row["form"]),
        side=Direction(row["side"]),
        type=MessageType(row["type"]),
        said_by=row["said_by"],
        what=row["what"],
        count=row["n"],
    )


def _verification_row(row: asyncpg.Record) -> VerificationRow:
    given = dict(row)
    side = given.pop("side")
    return VerificationRow(
        direction=Direction(given.pop("direction")), side=None if side is None else Direction(side), **given
    )
