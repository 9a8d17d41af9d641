"""Transports that never touch a wire, named for what they do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from gateway.domain.answer import Answer
from gateway.domain.ids import MessageId
from gateway.store.records import CheckedReceipt, Claim
from tests.unit.deliver.parties import a_receipt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RECEIPTED = Answer(status=200, headers={}, body=b"<receipt/>")


def believe(claim: Claim, answer: Answer) -> CheckedReceipt:
    """Take any answer for the receipt it ought to be."""
    return a_receipt(claim)


class TransportThatDelivers:
    """Brings every message to its party in no time, and remembers how many were on the way at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self.sent: list[MessageId] = []
        self.most_at_once = 0
        self.most_of_a_conversation = 0
        self._under_way: Counter[str] = Counter()

    async def send(self, claim: Claim) -> Answer:
        async with self._on_the_way(claim):
            await asyncio.sleep(self._seconds)
            return RECEIPTED

    @asynccontextmanager
    async def _on_the_way(self, claim: Claim) -> AsyncIterator[None]:
        self.sent.append(claim.message_id)
        self._under_way[claim.conversation_id] += 1
        self.most_at_once = max(self.most_at_once, self._under_way.total())
        self.most_of_a_conversation = max(self.most_of_a_conversation, *self._under_way.values())
        try:
            yield
        finally:
            self._under_way[claim.conversation_id] -= 1


class TransportThatWaits:
    """Answers nobody until it is released."""

    def __init__(self) -> None:
        self.sending = asyncio.Event()
        self.release = asyncio.Event()

    async def send(self, claim: Claim) -> Answer:
        self.sending.set()
        await self.release.wait()
        return RECEIPTED


class TransportThatFails:
    """Raises what it is told for the first attempts of the messages it is told, then delivers."""

    def __init__(
        self,
        error: Callable[[], Exception],
        *,
        times: int = 1_000_000,
        of: Callable[[Claim], bool] = lambda claim: True,
    ) -> None:
        self._error = error
        self._times = times
        self._of = of
        self.attempts: Counter[MessageId] = Counter()

    async def send(self, claim: Claim) -> Answer:
        await asyncio.sleep(0)
        self.attempts[claim.message_id] += 1
        if self._of(claim) and self.attempts[claim.message_id] <= self._times:
            raise self._error()
        return RECEIPTED
