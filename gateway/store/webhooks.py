"""
Subscribers to events in the ledger: who is told over HTTP, up to where, and when it is tried again.

A subscriber's turn is a lease with a fence, so one node tells it at a time and a late writer loses. What
stands between turns stands in the database alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from gateway.domain.caller import Sight
from gateway.domain.errors import NotAllowed, NotFound
from gateway.store.connect import Connections
from gateway.store.feeds import Position, event_cursor, events_after, known_position
from gateway.store.records import EventRow
from gateway.store.rows import event_row
from gateway.store.statements import watching

_LAST = 2**63 - 1
_END = "SELECT feed_end()"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRow:
    """
    A subscriber as people see it.

    Attributes:
        failures: since it took something last.
        former_until: how long its former secret signs as well.
    """

    name: str
    url: str
    role: str
    organisation: str | None
    failures: int
    cause: str | None
    due_at: datetime
    state: str
    told_at: datetime | None
    made_at: datetime
    made_by: str
    former_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTurn:
    """A subscriber leased to this node, with what signs to it."""

    name: str
    url: str
    role: str
    organisation: str | None
    secret: str
    former_secret: str | None
    former_until: datetime | None
    position: Position
    failures: int
    fence: int


class Webhooks:
    """The ledger's verbs about subscribers."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def webhooks(self) -> list[WebhookRow]:
        """All of them, by name."""
        async with self._pool.acquire() as connection:
            return [WebhookRow(**dict(row)) async for row in watching.webhooks(connection)]

    async def add_webhook(
        self,
        name: str,
        *,
        url: str,
        role: str,
        organisation: str | None,
        secret: str,
        after: str | None,
        at: datetime,
        who: str,
    ) -> None:
        """
        A new subscriber, told what happens after the cursor *after*; None for what happens from now on.

        Raises:
            NotAllowed: the name is taken.
            UnknownCursor: *after* was never given out.
        """
        async with self._pool.acquire() as connection:
            if after is None:
                place, event_no = await connection.fetchval(_END) - 1, _LAST
            else:
                place, event_no = await known_position(connection, "event", "event_no", after) or (0, 0)
            added = await watching.add_webhook(
                connection,
                name=name,
                url=url,
                role=role,
                organisation=organisation,
                secret=secret,
                place=place,
                event_no=event_no,
                at=at,
                who=who,
            )
        if added is None:
            raise NotAllowed(f"there is a webhook {name} already")

    async def rotate_webhook(self, name: str, *, secret: str, until: datetime) -> None:
        """Sign with *secret* from now on, and with the former as well until then; NotFound where unknown."""
        async with self._pool.acquire() as connection:
            _known(name, await watching.rotate_webhook(connection, name=name, secret=secret, until=until))

    async def turn_webhook(self, name: str, *, on: bool) -> None:
        """Tell it again, at once, or no more; NotFound where unknown."""
        state = "active" if on else "suspended"
        async with self._pool.acquire() as connection:
            _known(name, await watching.turn_webhook(connection, name=name, state=state))

    async def replay_webhook(self, name: str, *, after: str) -> None:
        """
        Tell it again what came after the cursor.

        Raises:
            NotFound: no such webhook.
            UnknownCursor: *after* was never given out.
        """
        async with self._pool.acquire() as connection:
            place, event_no = await known_position(connection, "event", "event_no", after) or (0, 0)
            found = await watching.replay_webhook(connection, name=name, place=place, event_no=event_no)
            _known(name, found)

    async def remove_webhook(self, name: str) -> None:
        """Forget a subscriber; NotFound where unknown."""
        async with self._pool.acquire() as connection:
            _known(name, await watching.remove_webhook(connection, name=name))

    async def claim_webhooks(self, *, lease_s: float) -> list[WebhookTurn]:
        """Those whose turn it is, leased to us."""
        async with self._pool.acquire() as connection:
            return [_turn(row) async for row in watching.claim_webhooks(connection, lease_s=lease_s)]

    async def webhook_events(
        self, position: Position, *, sight: Sight, limit: int
    ) -> tuple[list[tuple[EventRow, Position]], Position]:
        """What comes after *position* in *sight*, each with its own; and where looking on begins."""
        async with self._pool.acquire() as connection:
            end: int = await connection.fetchval(_END)
            statement = events_after(position, limit=limit, sight=sight)
            rows = await connection.fetch(statement.sql, *statement.arguments)
        found = [(event_row(row, event_cursor(row)), (row["place"], row["event_no"])) for row in rows]
        if len(found) == limit:
            return found, found[-1][1]
        return found, max([position, (end - 1, _LAST), *(place for _, place in found)])

    async def told_webhook(
        self, turn: WebhookTurn, position: Position, *, lease_s: float, at: datetime
    ) -> bool:
        """It took what stands at *position*; whether its turn is still ours."""
        async with self._pool.acquire() as connection:
            place, event_no = position
            told = await watching.told_webhook(
                connection,
                name=turn.name,
                fence=turn.fence,
                place=place,
                event_no=event_no,
                lease_s=lease_s,
                at=at,
            )
        return told is not None

    async def rest_webhook(self, turn: WebhookTurn, position: Position) -> None:
        """Nothing waits for it up to *position*; its turn ends."""
        async with self._pool.acquire() as connection:
            place, event_no = position
            await watching.rest_webhook(
                connection, name=turn.name, fence=turn.fence, place=place, event_no=event_no
            )

    async def fail_webhook(self, turn: WebhookTurn, *, cause: str, wait_s: float | None) -> None:
        """It took nothing; it is tried again after *wait_s*, or, at None, no more."""
        async with self._pool.acquire() as connection:
            await watching.fail_webhook(
                connection,
                name=turn.name,
                fence=turn.fence,
                cause=cause,
                wait_s=wait_s or 0.0,
                state="active" if wait_s is not None else "suspended",
            )


def _known(name: str, found: str | None) -> None:
    if found is None:
        raise NotFound(f"There is no webhook {name}.")


def _turn(row: asyncpg.Record) -> WebhookTurn:
    given = dict(row)
    return WebhookTurn(position=(given.pop("place"), given.pop("event_no")), **given)
