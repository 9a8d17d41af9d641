"""What operators do by hand, each in one transaction with its event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from gateway.domain.errors import NotAllowed, NotFound
from gateway.domain.ids import PartyId
from gateway.domain.status import DeliveryStatus
from gateway.store.bell import Bell
from gateway.store.connect import Connection, Connections
from gateway.store.finishing import finished
from gateway.store.records import LaneRow, MessageRow, PartyState
from gateway.store.rows import lane_row, message_row, party_state
from gateway.store.statements import queries

_S = DeliveryStatus


@dataclass(frozen=True, slots=True)
class Verb:
    """Which deliveries an operator's verb moves, and where to."""

    allowed: frozenset[DeliveryStatus]
    to: DeliveryStatus
    cause: str | None = None


_WAITING = frozenset({_S.READY_TO_SEND, _S.AWAITING_RETRY, _S.AWAITING_RECEIPT, _S.EXPIRED})

VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "hold": Verb(_WAITING, _S.ON_HOLD, "held by"),
        "release": Verb(frozenset({_S.ON_HOLD}), _S.READY_TO_SEND),
        "withdraw": Verb(_WAITING | {_S.ON_HOLD}, _S.WITHDRAWN, "withdrawn by"),
        "resend": Verb(frozenset({_S.DELIVERED, _S.REFUSED, _S.EXPIRED}), _S.READY_TO_SEND),
    }
)


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
        self, party: PartyId, *, who: str, reason: str | None, outgoing_only: bool, at: datetime
    ) -> PartyState:
        """
        Stop a party's lane until resumed; it holds after restarts and on every node.

        Raises:
            NotAllowed: it is suspended already.
        """
        async with self._pool.acquire() as connection:
            row = await finished(
                queries.suspend(
                    connection, party=party, who=who, at=at, reason=reason, outgoing_only=outgoing_only
                )
            )
        if row is None:
            raise NotAllowed(f"{party} is suspended already")
        self._bell.ring([party])
        return party_state(row)

    async def resume(self, party: PartyId, *, who: str, reason: str | None, at: datetime) -> PartyState:
        """
        Start a suspended party's lane again.

        Raises:
            NotAllowed: it is not suspended.
        """
        async with self._pool.acquire() as connection:
            row = await finished(queries.resume(connection, party=party, who=who, at=at, reason=reason))
        if row is None:
            raise NotAllowed(f"{party} is not suspended")
        self._bell.ring([party])
        return party_state(row)

    async def lanes(self, at: datetime) -> list[LaneRow]:
        """
        Each party's backlog by status and age; parties to which nothing is owed are not in it.

        What is on hold stands in ``by_status`` alone: it waits for an operator, not for the party.
        """
        async with self._pool.acquire() as connection:
            return [lane_row(row) async for row in queries.lanes(connection, at=at)]


async def operate(
    connection: Connection, name: str, message_no: int, *, who: str, reason: str | None, at: datetime
) -> bool:
    """Move one delivery by the verb *name*, in the caller's transaction; whether its status allowed it."""
    verb = VERBS[name]
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
        reason=reason,
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
        raise NotAllowed(_refusal(name, message))
    return message


def _cause(verb: Verb, who: str, reason: str | None) -> str | None:
    if verb.cause is None:
        return None
    return f"{verb.cause} {who}" + (f": {reason}" if reason else "")


def _refusal(name: str, message: MessageRow) -> str:
    if message.delivery is None:
        return f"{name}: {message.message_id} came from {message.party}; nothing is owed for it"
    if message.delivery in VERBS[name].allowed:
        return f"{name}: {message.message_id} was refused, and its number went out in another message since"
    allowed = ", ".join(sorted(VERBS[name].allowed))
    return f"{name}: {message.message_id} is {message.delivery}; it must be one of {allowed}"
