"""Asking a party whether it is there. A ping is a message like any other, but owed to nobody and not kept."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from gateway.acknowledge.bodies import Ping
from gateway.answers.desk import AnswerDesk
from gateway.domain.answer import Answer
from gateway.domain.errors import PartyAskedToWait, PartyRefused, PartyUnreachable
from gateway.domain.ids import FormId, PartyId, new_conversation_id
from gateway.domain.message import Sealed
from gateway.domain.status import MessageType
from gateway.intake.desk import Pinged
from gateway.store.records import CheckedReceipt, Claim
from gateway.workers import Workers

FORM = FormId("exchange/ping/1.0")


Failure = PartyRefused | PartyAskedToWait | PartyUnreachable


class Pings:
    """
    Pings parties; any sign of life ends what their lanes wait for.

    Args:
        send: puts a message on the wire to its party; see ``Transport.send``.
        read: checks the answer; see ``read_answer``.
    """

    def __init__(
        self,
        desk: AnswerDesk,
        workers: Workers,
        *,
        send: Callable[[Claim], Awaitable[Answer]],
        read: Callable[[Claim, Answer], CheckedReceipt],
    ) -> None:
        self._desk = desk
        self._workers = workers
        self._send = send
        self._read = read

    async def ask(self, party: PartyId) -> Failure | None:
        """Ask *party* whether it is there; None when its receipt came. PartyRefused says that it is, too."""
        claim = outside_the_ledger(await self._workers.do(self._letter, party))
        error: Failure | None = None
        try:
            await self._workers.do(self._read, claim, await self._send(claim))
        except (PartyRefused, PartyAskedToWait, PartyUnreachable) as failed:
            error = failed
        if error is None or isinstance(error, PartyRefused):
            await self._desk.ledger.wake(party)
        return error

    async def ping(self, party: PartyId, who: str) -> Pinged:
        """The same for an operator, *who* is told how long it took; an event is kept."""
        began = time.monotonic()
        error = await self.ask(party)
        took_ms = round((time.monotonic() - began) * 1000)
        at, cause = self._desk.rooms.clock(), None if error is None else error.cause
        async with self._desk.ledger.page() as page:
            detail = None if cause is None else {"cause": cause}
            await page.event("operator:ping", at=at, party=party, who=who, detail=detail)
        answered = error is None or isinstance(error, PartyRefused)
        return Pinged(party=party, at=at, answered=answered, cause=cause, took_ms=took_ms)

    def _letter(self, party: PartyId) -> Sealed:
        return self._desk.letter(
            Ping(),
            to=party,
            form=FORM,
            conversation=new_conversation_id(self._desk.rooms.home.id),
            certificate=None,
            about=None,
        )


def outside_the_ledger(sealed: Sealed) -> Claim:
    """What is sent and owed to nobody."""
    return Claim(
        message_no=0,
        message_id=sealed.header.message_id,
        conversation_id=sealed.header.conversation_id,
        type=MessageType.PING,
        party=sealed.header.receiver,
        body=sealed.body,
        digest=sealed.digest,
        created_at=sealed.header.created_at,
        attempts=0,
        waits_used=0,
        fence=0,
    )
