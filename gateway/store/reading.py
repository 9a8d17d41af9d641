"""Reading the ledger: searches, stories, feeds, counts. Nothing here writes a message or moves one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from gateway.domain.caller import EVERYTHING, Sight
from gateway.domain.errors import NotFound, UnknownCursor
from gateway.domain.ids import PartyId
from gateway.domain.status import Direction, MessageType
from gateway.store.connect import Connection, Connections
from gateway.store.feeds import event_cursor, read_events, read_inbox, settle
from gateway.store.records import (
    CertificateRow,
    EventRow,
    InboxRow,
    MessageRow,
    PartyState,
    RefusedSubmission,
    Story,
)
from gateway.store.rows import (
    acknowledgement_row,
    attempt_row,
    certificate_row,
    chain_row,
    corridor_state,
    customs_row,
    event_row,
    message_row,
    party_state,
    receipt_row,
    refused_submission,
)
from gateway.store.search import Wanted, read_certificates
from gateway.store.statements import queries

Row = TypeVar("Row")

_FOLDED_AT_ONCE = 20_000

_REFUSED = """
SELECT submission_no, submission_id, at, organisation, actor, form, certificate_number, content_type, findings
  FROM refused_submission
 WHERE submission_no < $1::bigint
   AND ($2::text IS NULL OR organisation = $2)
 ORDER BY submission_no DESC
 LIMIT $3::bigint
"""


class Reading:
    """The ledger's reading half."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    # ---- certificates and messages -----------------------------------------------------------------------

    async def certificates(
        self,
        *,
        number: str | None = None,
        form: str | None = None,
        receiver: str | None = None,
        status: str | None = None,
        first_day: date | None = None,
        last_day: date | None = None,
        direction: Direction | None = None,
        issuing_country: str | None = None,
        sight: Sight = EVERYTHING,
        after: str | None = None,
        limit: int = 50,
    ) -> tuple[list[CertificateRow], str | None]:
        """
        Search, newest first, keyset pages; the cursor is None on the last.

        Args:
            form: long with or without version, or the middle part.
            receiver: the party a certificate of ours went to.
            status: any value of delivery, acknowledgement, customs response or life.
            first_day, last_day: days of submission or arrival in UTC, both included.
            sight: what the caller may see.

        Raises:
            UnknownCursor: *after* was never given out.
        """
        wanted = Wanted(
            number=number,
            form=form,
            receiver=receiver,
            status=status,
            first_day=first_day,
            last_day=last_day,
            direction=direction,
            issuing_country=issuing_country,
            sight=sight,
        )
        async with self._pool.acquire() as connection:
            return await read_certificates(connection, wanted, after=after, limit=limit)

    async def story(self, certificate_no: int) -> Story:
        """
        All about one certificate, as of one moment.

        Raises:
            NotFound: no such certificate.
        """
        async with self._moment() as connection:
            certificate = await queries.certificate(connection, certificate_no=certificate_no)
            if certificate is None:
                raise NotFound(f"No certificate {certificate_no}")
            messages = await _all(
                queries.messages_of_certificate(connection, certificate_no=certificate_no), message_row
            )
            happened = await _rows(queries.events_of_certificate(connection, certificate_no=certificate_no))
            return await _story(
                connection,
                messages,
                certificate=certificate_row(certificate),
                customs=tuple(
                    await _all(
                        queries.customs_entries(connection, certificate_no=certificate_no), customs_row
                    )
                ),
                chain=tuple(await _all(queries.chain(connection, certificate_no=certificate_no), chain_row)),
                happened=happened,
            )

    async def story_of_message(self, message_no: int) -> Story:
        """
        All about one message; what else concerns its certificate is in ``story``.

        Raises:
            NotFound: no such message.
        """
        async with self._moment() as connection:
            message = await queries.message(connection, message_no=message_no)
            if message is None:
                raise NotFound(f"No message {message_no}")
            certificate = None
            if message["certificate_no"] is not None:
                row = await queries.certificate(connection, certificate_no=message["certificate_no"])
                certificate = certificate_row(row)
            entries = queries.customs_entries_of_message(connection, message_no=message_no)
            return await _story(
                connection,
                [message_row(message)],
                certificate=certificate,
                customs=tuple(await _all(entries, customs_row)),
            )

    async def find_messages(self, message_id: str, party: str | None = None) -> list[MessageRow]:
        """The messages with this id, usually one; two parties may have used the same."""
        async with self._pool.acquire() as connection:
            found = await _all(queries.messages_by_id(connection, message_id=message_id), message_row)
        return [message for message in found if party in (None, message.party)]

    async def message(self, message_no: int) -> MessageRow:
        """
        One message.

        Raises:
            NotFound: no such message.
        """
        async with self._pool.acquire() as connection:
            row = await queries.message(connection, message_no=message_no)
        if row is None:
            raise NotFound(f"No message {message_no}")
        return message_row(row)

    async def document(self, message_no: int, kind: str = "wire") -> bytes | None:
        """
        Exact bytes of one message, None when there are none of that kind.

        Args:
            kind: ``wire`` as sent or received, ``canonical`` what that says where it travelled in a dialect,
                ``submitted``, ``receipt`` theirs (the latest), ``issued_receipt`` ours.
        """
        async with self._pool.acquire() as connection:
            if kind == "receipt":
                body: bytes | None = await queries.receipt_body(connection, message_no=message_no)
            elif kind == "issued_receipt":
                body = await queries.issued_receipt_body(connection, message_no=message_no)
            else:
                body = await queries.document(connection, message_no=message_no, kind=kind)
        return body

    async def said(self, message_no: int) -> bytes | None:
        """
        What a message says in canonical form: the document alone, or the whole message that holds it.

        None when its bytes are not kept any more.
        """
        async with self._pool.acquire() as connection:
            body: bytes | None = await queries.said(connection, message_no=message_no)
        return body

    # ---- feeds -------------------------------------------------------------------------------------------

    async def inbox(
        self,
        *,
        after: str | None,
        limit: int,
        type: MessageType | None = None,  # noqa: A002  (the interface's own word)
        sight: Sight = EVERYTHING,
    ) -> tuple[list[InboxRow], str]:
        """
        What arrived, oldest first, after the cursor. Only grows at its end, whatever the order of commits.

        Args:
            sight: what the caller may see.

        Raises:
            UnknownCursor: *after* was never given out.
        """
        await settle(self._pool)
        async with self._pool.acquire() as connection:
            return await read_inbox(connection, after=after, limit=limit, sight=sight, wanted=type)

    async def events(
        self, *, after: str | None, limit: int, sight: Sight = EVERYTHING
    ) -> tuple[list[EventRow], str]:
        """
        Every status move, oldest first, after the cursor; grows only at its end.

        Raises:
            UnknownCursor: *after* was never given out.
        """
        await settle(self._pool)
        async with self._pool.acquire() as connection:
            return await read_events(connection, after=after, limit=limit, sight=sight)

    # ---- refused submissions -----------------------------------------------------------------------------

    async def refused_submissions(
        self, *, after: str | None, limit: int, organisation: str | None = None
    ) -> tuple[list[RefusedSubmission], str | None]:
        """
        Refused submissions, newest first, keyset pages; the cursor is None on the last.

        Raises:
            UnknownCursor: *after* was never given out.
        """
        async with self._pool.acquire() as connection:
            before = await _submission_before(connection, after)
            rows = await connection.fetch(_REFUSED, before, organisation, limit + 1)
        following = str(rows[limit - 1]["submission_no"]) if len(rows) > limit else None
        return [refused_submission(row) for row in rows[:limit]], following

    async def refused_submission(self, submission_id: UUID) -> tuple[RefusedSubmission, bytes] | None:
        """One refused submission with its bytes."""
        async with self._pool.acquire() as connection:
            row = await queries.refused_submission(connection, submission_id=submission_id)
        return None if row is None else (refused_submission(row), row["body"])

    # ---- parties and counts ------------------------------------------------------------------------------

    async def party_states(self) -> dict[PartyId, PartyState]:
        """What operators decided about each party; parties never touched are not in it."""
        async with self._pool.acquire() as connection:
            states = {row["party"]: party_state(row) async for row in queries.party_states(connection)}
            async for row in queries.corridor_states(connection):
                known = states.get(row["party"]) or PartyState(party=PartyId(row["party"]))
                corridors = (*known.corridors, corridor_state(row))
                states[row["party"]] = replace(known, corridors=corridors)
        return states

    async def overdue_parked(self) -> list[int]:
        """
        message_no of parked messages somebody must look at.

        Their patience ended (D03), or their certificate came at the very moment they were parked: look for
        it once more before giving up.
        """
        async with self._pool.acquire() as connection:
            return [row["message_no"] async for row in queries.overdue_parked(connection)]

    async def counts(self) -> dict[str, dict[str, int]]:
        """
        How many deliveries of each party stand in which status; for metrics.

        Counted from events, each once, so it costs what happened since the last call.
        """
        async with self._pool.acquire() as connection:
            await fold_tally(connection)
            counted: dict[str, dict[str, int]] = {}
            async for row in queries.tally(connection):
                counted.setdefault(row["party"], {})[row["status"]] = row["n"]
        return counted

    def _moment(self) -> _Moment:
        return _Moment(self._pool)


async def fold_tally(connection: Connection) -> None:
    """Count what happened since this was called last."""
    while await queries.fold_tally(connection, batch=_FOLDED_AT_ONCE) == _FOLDED_AT_ONCE:
        pass


class _Moment:
    """A connection on which several statements see the ledger as of one moment."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        self._connection = await self._pool.acquire()
        try:
            self._transaction = self._connection.transaction(isolation="repeatable_read", readonly=True)
            await self._transaction.start()
        except BaseException:
            await self._pool.release(self._connection)
            raise
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._transaction.rollback()
        finally:
            await self._pool.release(self._connection)


async def _story(
    connection: Connection,
    messages: Sequence[MessageRow],
    *,
    certificate: CertificateRow | None,
    happened: Sequence[asyncpg.Record] = (),
    **rest: Any,
) -> Story:
    """*messages* with all that hangs on them; *happened* are events of the certificate itself."""
    numbers = [message.message_no for message in messages]
    attempts = await _rows(queries.attempts(connection, message_nos=numbers))
    receipts = await _rows(queries.receipts(connection, message_nos=numbers))
    acknowledgements = await _rows(queries.acknowledgements(connection, message_nos=numbers))
    events = [*happened, *await _rows(queries.events_of_messages(connection, message_nos=numbers))]
    events.sort(key=lambda row: row["event_no"])
    return Story(
        certificate=certificate,
        messages=tuple(messages),
        attempts={
            no: tuple(attempt_row(row) for row in attempts if row["message_no"] == no) for no in numbers
        },
        receipts={row["message_no"]: receipt_row(row) for row in receipts},
        acknowledgements={
            no: tuple(acknowledgement_row(row) for row in acknowledgements if row["message_no"] == no)
            for no in numbers
        },
        events=tuple(event_row(row, event_cursor(row)) for row in events),
        **rest,
    )


async def _submission_before(connection: Connection, after: str | None) -> int:
    if after is None:
        return 2**63 - 1
    if after.isascii() and after.isdigit() and len(after) <= 18:
        known = "SELECT EXISTS (SELECT FROM refused_submission WHERE submission_no = $1::bigint)"
        if await connection.fetchval(known, int(after)):
            return int(after)
    raise UnknownCursor(f"This cursor was never given out: {after[:80]!r}")


async def _rows(found: AsyncIterator[asyncpg.Record]) -> list[asyncpg.Record]:
    return [row async for row in found]


async def _all(found: AsyncIterator[asyncpg.Record], read: Any) -> list[Any]:
    return [read(row) async for row in found]
