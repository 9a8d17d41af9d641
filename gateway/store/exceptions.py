"""
Exceptions: what a person must act on, grouped by cause; how they are read, and how people work on them.

An exception is one cause (code, party, whose move it is, whose certificates). Its items are the messages and
clocks that suffer from it. It opens with its first item and closes with its last, or by a person; it is
told of once at either end, however many items it has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from gateway.domain.caller import EVERYTHING, Sight
from gateway.domain.errors import NotAllowed, NotFound, UnknownCursor
from gateway.domain.ids import CertificateNumber, FormId, MessageId, PartyId
from gateway.store.connect import Connection, Connections
from gateway.store.feeds import Arguments
from gateway.store.finishing import finished
from gateway.store.statements import watching
from gateway.store.troubles import Position, WatchPage

_MOST_CURSOR = 18  # digits

_EXCEPTIONS = """
SELECT exception_no, code, party, organisation, owner, cause, next_action, state, times, first_opened_at,
       opened_at, last_seen_at, taken_by, taken_at, closed_at, closed_by, resolution,
       (SELECT count(*) FROM exception_item i
         WHERE i.exception_no = x.exception_no AND i.closed_at IS NULL) AS waiting
  FROM exception x
 WHERE {conditions}
 ORDER BY exception_no
 LIMIT {limit}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionRow:
    """
    One cause that a person must act on.

    Attributes:
        code: of the exception catalogue, or the name of a clock.
        organisation: whose certificates suffer; None where they are nobody's in particular.
        cause: ``CODE: words``, as it was told last.
        times: how often it was opened.
        waiting: what suffers from it now.
        taken_by: who works on it.
    """

    exception_no: int
    code: str
    party: PartyId
    organisation: str | None
    owner: str
    cause: str
    next_action: str
    is_open: bool
    times: int
    first_opened_at: datetime
    opened_at: datetime
    last_seen_at: datetime
    taken_by: str | None
    taken_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionItem:
    """Something that suffers from an exception, or did."""

    item_no: int
    message_id: MessageId | None
    certificate_number: CertificateNumber | None
    form: FormId | None
    issuing_country: str | None
    cause: str
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionNote:
    """What somebody did about an exception (``taken``, ``handed-back``, ``note``, ``closed``)."""

    at: datetime
    who: str
    what: str
    words: str | None


class Exceptions:
    """The ledger's verbs about exceptions."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    @asynccontextmanager
    async def watch(self, at: datetime) -> AsyncIterator[WatchPage | None]:
        """Hold the watch for one step, at the instant *at*; None when another node holds it."""
        async with self._pool.acquire() as connection, connection.transaction():
            held = await watching.hold_watch(connection)
            yield None if held is None else WatchPage(connection, Position(**dict(held)), at)

    async def exceptions(
        self,
        *,
        is_open: bool | None = None,
        owner: str | None = None,
        party: str | None = None,
        code: str | None = None,
        taken_by: str | None = None,
        sight: Sight = EVERYTHING,
        after: str | None = None,
        limit: int = 50,
    ) -> tuple[list[ExceptionRow], str | None]:
        """
        Exceptions, the oldest first, keyset pages; the cursor is None on the last.

        Args:
            is_open: None for open and closed ones.
            sight: what the caller may see; see ``_seen``.

        Raises:
            UnknownCursor: *after* is no cursor.
        """
        argument = Arguments()
        conditions = [f"x.exception_no > {argument(_number(after), 'bigint')}", _seen(sight, argument)]
        if is_open is not None:
            conditions.append(f"x.state = {argument('open' if is_open else 'closed', 'text')}")
        for name, value in (("owner", owner), ("party", party), ("code", code), ("taken_by", taken_by)):
            if value is not None:
                conditions.append(f"x.{name} = {argument(value, 'text')}")
        sql = _EXCEPTIONS.format(conditions="\n   AND ".join(conditions), limit=argument(limit + 1, "bigint"))
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(sql, *argument.given)
        following = str(rows[limit - 1]["exception_no"]) if len(rows) > limit else None
        return [_exception(row) for row in rows[:limit]], following

    async def exception(
        self, exception_no: int, *, sight: Sight = EVERYTHING
    ) -> tuple[ExceptionRow, tuple[ExceptionNote, ...]]:
        """
        One exception and what people did about it.

        Raises:
            NotFound: no such exception, or not in *sight*.
        """
        argument = Arguments()
        conditions = [f"x.exception_no = {argument(exception_no, 'bigint')}", _seen(sight, argument)]
        sql = _EXCEPTIONS.format(conditions=" AND ".join(conditions), limit=1)
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(sql, *argument.given)
            if row is None:
                raise NotFound("No such exception.")
            notes = watching.exception_notes(connection, exception_no=exception_no)
            return _exception(row), tuple([ExceptionNote(**dict(note)) async for note in notes])

    async def exception_items(
        self, exception_no: int, *, is_open: bool | None = None, after: str | None = None, limit: int = 50
    ) -> tuple[list[ExceptionItem], str | None]:
        """
        What suffers from an exception, the oldest first, keyset pages.

        Raises:
            UnknownCursor: *after* is no cursor.
        """
        async with self._pool.acquire() as connection:
            found = watching.exception_items(
                connection,
                exception_no=exception_no,
                is_open=is_open,
                after=_number(after),
                batch=limit + 1,
            )
            rows = [row async for row in found]
        following = str(rows[limit - 1]["item_no"]) if len(rows) > limit else None
        return [ExceptionItem(**dict(row)) for row in rows[:limit]], following

    async def take_exception(
        self, exception_no: int, *, who: str, at: datetime, words: str | None = None
    ) -> None:
        """
        *who* works on it from now on; taken by another, it changes hands.

        Raises:
            NotAllowed: it is closed. NotFound: no such exception.
        """
        await self._act(exception_no, "taken", who=who, at=at, words=words)

    async def hand_back_exception(
        self, exception_no: int, *, who: str, at: datetime, words: str | None = None
    ) -> None:
        """
        Nobody works on it any more.

        Raises:
            NotAllowed: it is closed. NotFound: no such exception.
        """
        await self._act(exception_no, "handed-back", who=who, at=at, words=words)

    async def note_exception(self, exception_no: int, *, who: str, at: datetime, words: str) -> None:
        """
        Write a note; a closed one takes notes as well.

        Raises:
            NotFound: no such exception.
        """
        await self._act(exception_no, "note", who=who, at=at, words=words)

    async def close_exception(self, exception_no: int, *, who: str, at: datetime, reason: str) -> None:
        """
        Close it by a person's word; it opens again only when something new happens.

        Raises:
            NotAllowed: it is closed. NotFound: no such exception.
        """
        await self._act(exception_no, "closed", who=who, at=at, words=reason)

    async def _act(self, exception_no: int, what: str, *, who: str, at: datetime, words: str | None) -> None:
        async with self._pool.acquire() as connection:
            await finished(_acted(connection, exception_no, what, who=who, at=at, words=words))


async def _acted(
    connection: Connection, exception_no: int, what: str, *, who: str, at: datetime, words: str | None
) -> None:
    async with connection.transaction():
        row = await watching.lock_exception(connection, exception_no=exception_no)
        if row is None:
            raise NotFound("No such exception.")
        if row["state"] == "closed" and what != "note":
            raise NotAllowed(f"exception {exception_no} is closed already")
        about: dict[str, Any] = {"exception_no": exception_no, "at": at, "who": who}
        match what:
            case "taken":
                await watching.take_exception(connection, **about)
            case "handed-back":
                await watching.take_exception(connection, exception_no=exception_no, at=None, who=None)
            case "closed":
                await watching.close_all_items(connection, **about, resolution=words)
                closed = watching.close_cured_exceptions(
                    connection, exception_nos=[exception_no], at=at, who=who, resolution=words
                )
                async for _ in closed:
                    await watching.tell_of_exception(connection, **about, what="closed")
            case _:
                pass  # a note moves nothing
        await watching.note_exception(connection, **about, what=what, words=words)


def _seen(sight: Sight, argument: Arguments) -> str:
    """
    The condition that lets through what *sight* may see.

    Issuing authorities see what is theirs to act on, each organisation its own; customs see what is theirs.
    """
    if sight.everything:
        return "true"
    seen = []
    if sight.organisation is not None:
        own = argument(sight.organisation, "text")
        seen.append(f"x.organisation = {own} AND x.owner = 'issuing authority'")
    if sight.issued:
        seen.append("x.owner = 'issuing authority'")
    if sight.received:
        seen.append("x.owner = 'customs'")
    return f"({' OR '.join(seen)})" if seen else "false"


def _exception(row: asyncpg.Record) -> ExceptionRow:
    given = dict(row)
    return ExceptionRow(is_open=given.pop("state") == "open", **given)


def _number(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= _MOST_CURSOR):
        raise UnknownCursor(f"This cursor was never given out: {after[:80]!r}")
    return int(after)
