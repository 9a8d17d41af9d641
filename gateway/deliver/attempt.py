"""One attempt: the message goes on the wire, the answer is read, and an outcome comes of it."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import random
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

import structlog

from gateway.deliver.verdict import JITTER, Failure, after
from gateway.domain.answer import Answer
from gateway.domain.clock import Clock
from gateway.domain.corridor import Party
from gateway.domain.errors import GatewayError, PartyAskedToWait, PartyRefused, PartyUnreachable
from gateway.store.finishing import finished
from gateway.store.records import CheckedReceipt, Claim, Outcome

log = structlog.get_logger()

ReadAnswer = Callable[[Claim, Answer], CheckedReceipt]


class Transport(Protocol):
    """Carries one claimed delivery to its party."""

    async def send(self, claim: Claim) -> Answer:
        """
        Put the message on the wire and bring back what the party answered, byte for byte.

        Raises:
            PartyUnreachable: no answer; ``body_went_out`` tells whether the whole message had left.
        """
        ...


class OurFault(PartyUnreachable):
    """The attempt broke by a fault of this gateway; the party is not to blame and pays no price for it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """
    An outcome on its way into the ledger.

    Attributes:
        error: why there is no receipt; None when there is one.
        began: when the attempt did, by the monotonic clock.
    """

    outcome: Outcome
    error: Failure | None
    began: float


def draw_jitter() -> float:
    """A factor for a wait, so that what failed together is not tried again together."""
    return random.uniform(*JITTER)  # noqa: S311  (spreads load, guards nothing)


class Attempts:
    """
    Makes the attempts of one lane.

    Args:
        read_answer: checks an answer in full and returns the receipt, or raises PartyRefused,
            PartyAskedToWait or PartyUnreachable. It runs in *executor* (None: the loop's own).
        jitter: draws the factor of each wait.
        last_s: how long an answer that has come may still be read once the lane is cancelled.
    """

    def __init__(
        self,
        party: Party,
        *,
        transport: Transport,
        read_answer: ReadAnswer,
        clock: Clock,
        executor: Executor | None,
        jitter: Callable[[], float],
        last_s: float,
    ) -> None:
        self._party = party
        self._transport = transport
        self._read_answer = read_answer
        self._clock = clock
        self._executor = executor
        self._jitter = jitter
        self._last_s = last_s
        self._log = log.bind(party=party.id)

    async def make(self, claim: Claim, ended: Callable[[Ended], None]) -> None:
        """Make the attempt and tell *ended* what came of it, even when cancelled once it was answered."""
        structlog.contextvars.bind_contextvars(party=self._party.id, message_id=claim.message_id)
        began = time.monotonic()
        result: Answer | PartyUnreachable
        try:
            result = await self._transport.send(claim)
        except PartyUnreachable as unreachable:
            result = unreachable
        except Exception as bug:  # noqa: BLE001  (one message's trouble is not its neighbours')
            result = self._broke(claim, bug, body_went_out=False)
        # The party may have seen this attempt: its outcome is kept even if we are cancelled now.
        await finished(self._conclude(claim, result, began, ended), within_s=self._last_s)

    def in_vain(self, claim: Claim, closed: PartyUnreachable) -> Ended:
        """What comes of *claim* while the party's door is known to be closed: nobody knocks again for it."""
        began = time.monotonic()
        return Ended(self._outcome(claim, None, closed, began), closed, began)

    async def _conclude(
        self, claim: Claim, result: Answer | PartyUnreachable, began: float, ended: Callable[[Ended], None]
    ) -> None:
        receipt: CheckedReceipt | None = None
        error: Failure | None = None
        if isinstance(result, PartyUnreachable):
            error = result
        else:
            try:
                receipt = await self._read(claim, result)
            except (PartyUnreachable, PartyAskedToWait, PartyRefused) as failed:
                error = failed
            except Exception as bug:  # noqa: BLE001  (as above)
                error = self._broke(claim, bug, body_went_out=True)
        ended(Ended(self._outcome(claim, receipt, error, began), error, began))

    async def _read(self, claim: Claim, answer: Answer) -> CheckedReceipt:
        context = contextvars.copy_context()
        work = functools.partial(context.run, self._read_answer, claim, answer)
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _broke(self, claim: Claim, bug: Exception, *, body_went_out: bool) -> OurFault:
        self._log.error("attempt_broke", message_id=claim.message_id, exc_info=bug)
        what = str(bug)[:300] if isinstance(bug, GatewayError) else type(bug).__name__
        text = f"the attempt broke by a fault of this gateway ({what}); its log says more"
        return OurFault(text, body_went_out=body_went_out)

    def _outcome(
        self, claim: Claim, receipt: CheckedReceipt | None, error: Failure | None, began: float
    ) -> Outcome:
        verdict = after(claim, error, self._party.patience, jitter=self._jitter())
        return Outcome(
            claim=claim,
            status=verdict.status,
            due_in_s=verdict.due_in_s,
            waits_used=verdict.waits_used,
            cause=verdict.cause,
            receipt=receipt,
            at=self._clock(),
            took_ms=round((time.monotonic() - began) * 1000),
        )
