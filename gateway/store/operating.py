"""What operators do by hand, each in one transaction with its event."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from gateway.domain.errors import NotAllowed, NotFound
from gateway.domain.ids import FormId, PartyId
from gateway.domain.status import DeliveryStatus
from gateway.domain.verbs import VERBS, Verb
from gateway.store.bell import Bell
from gateway.store.connect import Connection, Connections
from gateway.store.finishing import finished
from gateway.store.reading import fold_tally
from gateway.store.records import LaneRow, MessageRow, PartyState
from gateway.store.rows import lane_row, message_row, party_state
from gateway.store.statements import queries

BY_ITSELF = "gateway"
"""Stands as ``who`` where nobody's hand was in it."""


_AT_ONCE = 1_000


class Operating:
    """The operators' half of the ledger."""

    def __init__(self, pool: Connections, bell: Bell) -> None:
        self._pool = pool
        self._bell = bell

    async def operate(
        self, verb: str, message_no: int, *, who: str, reason: str | None, at: datetime
    ) -> MessageRow:
        """
        ``hold``, ``release``, ``resend`` or ``withdraw`` one delivery; ``release`` and ``resend`` begin its
        patience anew.

        Raises:
            NotAllowed: the delivery's status does not allow it.
            NotFound: no such message.
        """
        async with self._pool.acquire() as connection:
            moved = await finished(_alone(connection, verb, message_no, who=who, reason=reason, at=at))
        if moved.delivery is not DeliveryStatus.ON_HOLD:  # it is due, or what waited behind it
            self._bell.ring([moved.party])
        return moved

    async def suspend(
        self,
        party: PartyId,
        *,
        who: str,
        reason: str | None,
        outgoing_only: bool,
        at: datetime,
        notice: str | None = None,
        until: datetime | None = None,
        maintained: datetime | None = None,
    ) -> PartyState:
        """
        Stop a party's lane until resumed; it holds after restarts and on every node.

        Args:
            notice: makes it an outage, and is what senders are told; it may follow a plain suspension.
            until: when it ends by itself.
            maintained: begin of the planned maintenance that it is; each is acted upon once.

        Raises:
            NotAllowed: it is suspended already.
        """
        async with self._pool.acquire() as connection:
            row = await finished(
                queries.suspend(
                    connection,
                    party=party,
                    who=who,
                    at=at,
                    reason=reason,
                    outgoing_only=outgoing_only,
                    notice=notice,
                    until=until,
                    maintained=maintained,
                )
            )
        if row is None:
            raise NotAllowed(f"{party} is suspended already")
        self._bell.ring([party])
        return party_state(row)

    async def resume(self, party: PartyId, *, who: str, reason: str | None, at: datetime) -> PartyState:
        """
        Start a suspended party's lane again; it ends an outage, too.

        Raises:
            NotAllowed: it is not suspended.
        """
        async with self._pool.acquire() as connection:
            row = await finished(queries.resume(connection, party=party, who=who, at=at, reason=reason))
        if row is None:
            raise NotAllowed(f"{party} is not suspended")
        self._bell.ring([party])
        return party_state(row)

    async def suspend_corridor(
        self, party: PartyId, form: FormId, *, who: str, reason: str | None, outgoing_only: bool, at: datetime
    ) -> None:
        """
        Stop what is exchanged with a party in *form* (without version), both ways, until resumed.

        Raises:
            NotAllowed: it is suspended already.
        """
        async with self._pool.acquire() as connection:
            stopped = await finished(
                queries.suspend_corridor(
                    connection,
                    party=party,
                    form=form,
                    who=who,
                    at=at,
                    reason=reason,
                    outgoing_only=outgoing_only,
                )
            )
        if stopped is None:
            raise NotAllowed(f"{form} with {party} is suspended already")
        self._bell.ring([party])

    async def resume_corridor(
        self, party: PartyId, form: FormId, *, who: str, reason: str | None, at: datetime
    ) -> None:
        """
        Start a suspended corridor again.

        Raises:
            NotAllowed: it is not suspended.
        """
        async with self._pool.acquire() as connection:
            started = await finished(
                queries.resume_corridor(connection, party=party, form=form, who=who, at=at, reason=reason)
            )
        if started is None:
            raise NotAllowed(f"{form} with {party} is not suspended")
        await self.sort_out_corridors()
        self._bell.ring([party])

    async def sort_out_corridors(self) -> None:
        """
        Set aside what waits in suspended corridors, and bring back what waited in those that go on.

        To be called every second: a claim passes over what is not set aside yet, so nothing hangs on it but
        how quick claims are, and how soon a backlog is back.
        """
        async with self._pool.acquire() as connection:
            if not await queries.corridors_to_sort(connection):
                return
            while await finished(queries.set_aside(connection, batch=_AT_ONCE)) == _AT_ONCE:
                pass
            back: set[PartyId] = set()
            while some := await finished(_brought_back(connection)):
                back |= some
        self._bell.ring(back)

    async def resume_in_time(self, at: datetime) -> None:
        """End the suspensions whose time has come."""
        async with self._pool.acquire() as connection:
            over = [row["party"] async for row in queries.suspensions_over(connection, at=at)]
        for party in over:
            with suppress(NotAllowed):  # another node was faster
                await self.resume(party, who=BY_ITSELF, reason="its time has come", at=at)

    async def lanes(self, at: datetime) -> list[LaneRow]:
        """
        Each lane: its backlog by status and age, who runs it, how its party answers.

        Not in it are parties to which nothing is owed and whose lane nobody ever ran.

        What is on hold or expired stands in ``by_status`` alone: it waits for an operator, not for the party.
        """
        async with self._pool.acquire() as connection:
            await fold_tally(connection)
            return [lane_row(row) async for row in queries.lanes(connection, at=at)]


async def _brought_back(connection: Connection) -> set[PartyId]:
    return {PartyId(row["party"]) async for row in queries.bring_back(connection, batch=_AT_ONCE)}


async def operate(
    connection: Connection,
    name: str,
    message_no: int,
    *,
    who: str,
    reason: str | None,
    at: datetime,
    action_id: UUID | None = None,
) -> bool:
    """
    Move one delivery by the verb *name*, in the caller's transaction; whether its status allowed it.

    Args:
        action_id: of the act on many messages of which it is part.
    """
    verb = VERBS[name]
    detail = {"reason": reason, "action": action_id and str(action_id)}
    async for _ in queries.lock_conversation(connection, message_no=message_no):
        pass
    moved = await queries.operate(
        connection,
        message_no=message_no,
        from_statuses=sorted(verb.allowed),
        to_status=verb.to,
        due_now=verb.to is DeliveryStatus.READY_TO_SEND,
        cause=_cause(verb, who, reason),
        who=who,
        detail={key: value for key, value in detail.items() if value is not None} or None,
        verb=name,
        at=at,
    )
    return moved is not None


async def _alone(
    connection: Connection, name: str, message_no: int, *, who: str, reason: str | None, at: datetime
) -> MessageRow:
    async with connection.transaction():
        moved = await operate(connection, name, message_no, who=who, reason=reason, at=at)
        row = await queries.message(connection, message_no=message_no)
    if row is None:
        raise NotFound(f"No message {message_no}")
    message = message_row(row)
    if not moved:
        raise NotAllowed(refusal(name, message))
    return message


def _cause(verb: Verb, who: str, reason: str | None) -> str | None:
    if verb.cause is None:
        return None
    return f"{verb.cause} {who}" + (f": {reason}" if reason else "")


def refusal(name: str, message: MessageRow) -> str:
    """Why the verb *name* is not allowed for *message*."""
    if message.delivery is None:
        return f"{name}: {message.message_id} came from {message.party}; nothing is owed for it"
    if message.delivery in VERBS[name].allowed:
        why = "its bytes are not kept any more, or its number went out in another message since"
        return f"{name}: {message.message_id} is {message.delivery}, but {why}"
    allowed = ", ".join(sorted(VERBS[name].allowed))
    return f"{name}: {message.message_id} is {message.delivery}; it must be one of {allowed}"
