"""
Feeds: the inbox and the events, read in an order that never changes behind a reader's back.

Rows are ordered by the place of the transaction that wrote them, then by their own number. Only those are
shown before which nothing can appear any more: their transaction is older than every one still open in this
database. A cursor names the last row shown, as epoch, transaction and number.

Who has just been told that something is kept looks for it in the feed at once. So a reader waits a moment for
what was open beside it when he asked.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from gateway.domain.caller import Sight
from gateway.domain.errors import UnknownCursor
from gateway.domain.status import MessageType
from gateway.store.connect import Connection, Connections
from gateway.store.records import EventRow, InboxRow
from gateway.store.rows import event_row, message_row

BEGINNING = "0"

_CURSOR = re.compile(r"([0-9]{1,4})-([0-9]{1,15})-([0-9]{1,18})")
_EPOCH_BITS = 48

_EVENTS = """
SELECT e.place, e.event_no, e.at, e.what, e.message_id, e.certificate_number, e.party, e.who, e.detail
  FROM event_row e
 WHERE {conditions}
 ORDER BY e.place, e.event_no
 LIMIT {limit}
"""

_INBOX = """
SELECT i.place, i.inbox_no, m.message_no, m.direction, m.party, m.message_id, m.conversation_id,
       m.type, m.form, m.certificate_no, m.certificate_number, m.ref_to_message_id, m.digest, m.created_at,
       m.recorded_at, m.valid, m.findings, m.organisation, m.delivery, m.cause, m.parked, m.dialect
  FROM inbox i
  JOIN message_row m ON m.message_no = i.message_no
 WHERE {conditions}
 ORDER BY i.place, i.inbox_no
 LIMIT {limit}
"""

_FRONT_AND_END = "SELECT feed_front(), feed_end()"
_END = "SELECT feed_end()"
_PAUSES_S = (0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)

_KNOWN = "SELECT EXISTS (SELECT FROM {table} WHERE place = $1::bigint AND {number} = $2::bigint)"


@dataclass(frozen=True, slots=True)
class Statement:
    """A composed statement with its arguments; composed of constants alone, so each shape is one plan."""

    sql: str
    arguments: tuple[object, ...]


class Arguments:
    """Numbers arguments as they are named in conditions."""

    def __init__(self) -> None:
        self.given: list[object] = []

    def __call__(self, value: object, kind: str) -> str:
        """A placeholder for *value*, of the database's type *kind*."""
        self.given.append(value)
        return f"${len(self.given)}::{kind}"


Position = tuple[int, int]  # place and number


def events_after(position: Position | None, *, limit: int, sight: Sight) -> Statement:
    """Events after *position* that *sight* lets through, oldest first."""
    argument = Arguments()
    conditions = _after("e", "event_no", position, argument) + _seen("e", sight, argument)
    sql = _EVENTS.format(conditions="\n   AND ".join(conditions), limit=argument(limit, "bigint"))
    return Statement(sql, tuple(argument.given))


def inbox_after(
    position: Position | None, *, limit: int, sight: Sight, wanted: MessageType | None = None
) -> Statement:
    """Inbox rows after *position* that *sight* lets through, oldest first."""
    argument = Arguments()
    conditions = _after("i", "inbox_no", position, argument) + _seen("i", sight, argument)
    if wanted is not None:
        conditions.append(f"i.type = {argument(wanted, 'text')}")
    sql = _INBOX.format(conditions="\n   AND ".join(conditions), limit=argument(limit, "bigint"))
    return Statement(sql, tuple(argument.given))


def _after(row: str, number: str, position: Position | None, argument: Arguments) -> list[str]:
    conditions = [f"{row}.place < feed_end()"]
    if position is not None:
        place, no = position
        begin = f"{argument(place, 'bigint')}, {argument(no, 'bigint')}"
        conditions.append(f"({row}.place, {row}.{number}) > ({begin})")
    return conditions


def _seen(row: str, sight: Sight, argument: Arguments) -> list[str]:
    if sight.everything:
        return []
    ways = [f"{row}.side = 'out'"] if sight.issued else []
    if sight.received:
        ways.append(f"{row}.side = 'in'")
    if sight.organisation is not None:
        ways.append(f"{row}.organisation = {argument(sight.organisation, 'text')}")
    return [f"({' OR '.join(ways)})" if ways else "false"]


async def settle(pool: Connections, *, pauses_s: Iterable[float] = _PAUSES_S) -> None:
    """Wait until everything committed by now is shown; after the last of *pauses_s* it is left at that."""
    async with pool.acquire() as connection:
        [(front, end)] = await connection.fetch(_FRONT_AND_END)
    for pause in pauses_s:
        if end >= front:
            return
        await asyncio.sleep(pause)
        async with pool.acquire() as connection:
            end = await connection.fetchval(_END)


async def read_events(
    connection: Connection, *, after: str | None, limit: int, sight: Sight
) -> tuple[list[EventRow], str]:
    """
    A page of events and the cursor to go on from.

    Raises:
        UnknownCursor: *after* was never given out.
    """
    position = await known_position(connection, "event", "event_no", after)
    statement = events_after(position, limit=limit, sight=sight)
    rows = await connection.fetch(statement.sql, *statement.arguments)
    items = [event_row(row, event_cursor(row)) for row in rows]
    return items, items[-1].cursor if items else after or BEGINNING


async def read_inbox(
    connection: Connection, *, after: str | None, limit: int, sight: Sight, wanted: MessageType | None
) -> tuple[list[InboxRow], str]:
    """
    A page of the inbox and the cursor to go on from.

    Raises:
        UnknownCursor: *after* was never given out.
    """
    position = await known_position(connection, "inbox", "inbox_no", after)
    statement = inbox_after(position, limit=limit, sight=sight, wanted=wanted)
    rows = await connection.fetch(statement.sql, *statement.arguments)
    items = [
        InboxRow(cursor=_cursor(row["place"], row["inbox_no"]), message=message_row(row)) for row in rows
    ]
    return items, items[-1].cursor if items else after or BEGINNING


def event_cursor(row: asyncpg.Record) -> str:
    """The cursor that names an event."""
    return _cursor(row["place"], row["event_no"])


def _cursor(place: int, number: int) -> str:
    return f"{place >> _EPOCH_BITS}-{place % (1 << _EPOCH_BITS)}-{number}"


async def known_position(
    connection: Connection, table: str, number: str, after: str | None
) -> Position | None:
    """
    Where a cursor stands in its feed; None at the beginning.

    Raises:
        UnknownCursor: it was never given out.
    """
    if after is None or after == BEGINNING:
        return None
    position = position_of(after)
    known = _KNOWN.format(table=table, number=number)
    if not await connection.fetchval(known, *position):
        raise never_given_out(after)
    return position


def position_of(cursor: str) -> Position:
    """
    Where *cursor* stands, if it was ever given out.

    Raises:
        UnknownCursor: nothing like it was ever given out.
    """
    if (read := _CURSOR.fullmatch(cursor)) is None:
        raise never_given_out(cursor)
    epoch, xact, no = (int(part) for part in read.groups())
    return (epoch << _EPOCH_BITS) + xact, no


def never_given_out(cursor: str) -> UnknownCursor:
    """What is said of a cursor that is none."""
    return UnknownCursor(f"This cursor was never given out: {cursor[:80]!r}")
