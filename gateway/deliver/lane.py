"""
The lane: the loop that pays one party's deliveries.

A lane claims what is due, as many as its window has room for; each claim is a lease, longer than an attempt
can last. Attempts run beside each other, their outcomes are gathered and settled together. What is next
comes from the ledger alone, which never hands out two messages of one conversation: the row of the first
stands as ``sending`` until its outcome is recorded. A lane looks when it is woken (a commit), when an attempt
ended, when the next delivery falls due, and every few seconds whatever happens.

What goes wrong stays small. An attempt that breaks by a fault of ours costs that message an attempt. A ledger
that is away makes the lane wait and ask again. A killed process leaves rows as ``sending``, which fall due
when their lease runs out; the party answers the repeat with its first receipt. A cancelled lane records what
was answered before it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, assert_never

import structlog

from gateway.deliver.pace import USUAL, Pace, Trouble, Window
from gateway.deliver.verdict import JITTER, Failure, after
from gateway.domain.answer import Answer
from gateway.domain.clock import Clock
from gateway.domain.corridor import Party
from gateway.domain.errors import GatewayError, PartyAskedToWait, PartyRefused, PartyUnreachable
from gateway.domain.ids import PartyId
from gateway.domain.status import DeliveryStatus
from gateway.store.records import CheckedReceipt, Claim, Outcome

log = structlog.get_logger()

Result = TypeVar("Result")
ReadAnswer = Callable[[Claim, Answer], CheckedReceipt]


class Debts(Protocol):
    """What a lane needs of the ledger."""

    async def claim(self, party: PartyId, *, lease_s: float, limit: int) -> list[Claim]:
        """Lease up to *limit* due deliveries, oldest first, at most one a conversation."""
        ...

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """Record attempts in one transaction; for each whether it counted."""
        ...

    async def next_due_s(self, party: PartyId) -> float | None:
        """Seconds until the party's next delivery falls due, None when nothing waits."""
        ...


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
class _Ended:
    """An outcome on its way into the ledger."""

    outcome: Outcome
    lease_until: float  # by the monotonic clock


def draw_jitter() -> float:
    """A factor for a wait, so that what failed together is not tried again together."""
    return random.uniform(*JITTER)  # noqa: S311  (spreads load, guards nothing)


class Lane:
    """
    Sends what we owe to one party until told to stop.

    Args:
        read_answer: checks an answer in full and returns the receipt, or raises PartyRefused,
            PartyAskedToWait or PartyUnreachable. It runs in *executor* (None: the loop's own).
        jitter: draws the factor of each wait.
    """

    def __init__(
        self,
        party: Party,
        *,
        ledger: Debts,
        transport: Transport,
        read_answer: ReadAnswer,
        clock: Clock,
        executor: Executor | None = None,
        jitter: Callable[[], float] = draw_jitter,
        pace: Pace = USUAL,
    ) -> None:
        self.party = party
        self._ledger = ledger
        self._transport = transport
        self._read_answer = read_answer
        self._clock = clock
        self._executor = executor
        self._jitter = jitter
        self._pace = pace
        self._window = Window(pace.window_start, pace.window_most)
        self._lease_s = party.patience.receipt_within.total_seconds() + pace.lease_margin_s
        self._held = 0  # claims whose outcome is not recorded yet
        self._ended: list[_Ended] = []
        self._stirred = asyncio.Event()
        self._party_trouble = Trouble()
        self._claim_trouble = Trouble()
        self._settle_trouble = Trouble()
        self._log = log.bind(party=party.id)

    @property
    def window(self) -> int:
        """How many attempts may be in flight now."""
        return self._window.size

    @property
    def in_flight(self) -> int:
        """How many deliveries this lane holds: being sent, or sent and not recorded yet."""
        return self._held

    def wake(self) -> None:
        """Look at the ledger now: something was committed, or the party gave a sign of life."""
        self._stirred.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """
        Send until *stopping* is set; then finish and record the attempts under way, and return.

        Cancelled, it gives up the attempts that have no answer yet (their leases run out) and records
        the others.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._stir_when(stopping))
                await self._keep_sending(tasks, stopping)
                watch.cancel()
        finally:
            if self._ended:
                await self._finish(self._record_what_is_left())

    async def _stir_when(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._stirred.set()

    async def _keep_sending(self, tasks: asyncio.TaskGroup, stopping: asyncio.Event) -> None:
        while self._held or not stopping.is_set():
            self._stirred.clear()
            if self._ended:
                await self._record()
            rest_s = self._pace.poll_s
            if not stopping.is_set():
                rest_s = await self._send_what_is_due(tasks)
            if self._ended:  # what could not be recorded is tried again soon
                rest_s = min(rest_s, self._pace.ledger_rests_s[0])
            if self._held or not stopping.is_set():
                await self._rest(rest_s)

    async def _rest(self, at_most_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._stirred.wait()

    # ---- sending -----------------------------------------------------------------------------------------

    async def _send_what_is_due(self, tasks: asyncio.TaskGroup) -> float:
        """Fill the window; returns for how many seconds to rest if nothing stirs the lane."""
        room = self._window.size - self._held
        if room <= 0:
            return self._pace.poll_s
        try:
            claims = await self._ledger.claim(self.party.id, lease_s=self._lease_s, limit=room)
            due_in_s = None if claims else await self._ledger.next_due_s(self.party.id)
        except Exception as error:  # noqa: BLE001  (whatever ails the ledger, the lane waits for it)
            await self._rest_from_ledger(self._claim_trouble, error)
            return self._pace.least_rest_s
        self._ledger_answers(self._claim_trouble)
        for claim in claims:
            self._held += 1
            tasks.create_task(self._attempt(claim), name=f"attempt {claim.message_id}")
        if claims:
            return self._pace.busy_poll_s
        if due_in_s is None:
            return self._pace.poll_s
        return min(max(due_in_s, self._pace.least_rest_s), self._pace.poll_s)

    async def _attempt(self, claim: Claim) -> None:
        structlog.contextvars.bind_contextvars(party=self.party.id, message_id=claim.message_id)
        began = time.monotonic()
        result: Answer | PartyUnreachable
        try:
            result = await self._transport.send(claim)
        except PartyUnreachable as unreachable:
            result = unreachable
        except Exception as bug:  # noqa: BLE001  (one message's trouble is not its neighbours')
            result = self._broke(claim, bug, body_went_out=False)
        # The party may have seen this attempt: its outcome is kept even if we are cancelled now.
        await self._finish(self._conclude(claim, result, began))

    async def _conclude(self, claim: Claim, result: Answer | PartyUnreachable, began: float) -> None:
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
        self._learn_from(error)
        self._ended.append(_Ended(self._outcome(claim, receipt, error, began), began + self._lease_s))
        self._stirred.set()

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
        verdict = after(claim, error, self.party.patience, jitter=self._jitter())
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

    def _learn_from(self, error: Failure | None) -> None:
        match error:
            case OurFault():
                return
            case PartyUnreachable() | PartyAskedToWait():
                self._window.narrow()
                if self._party_trouble.begins():
                    self._log.warning("party_lost", cause=error.cause)
            case None | PartyRefused():
                self._window.widen()
                if self._party_trouble.ends():
                    self._log.info("party_came_back")
            case _:
                assert_never(error)

    # ---- recording ---------------------------------------------------------------------------------------

    async def _record(self) -> None:
        """Settle all that ended, in one call; one by one if that fails, so that each fails for itself."""
        error = await self._finish(self._settle(len(self._ended)))
        if error is not None and len(self._ended) > 1:
            error = await self._record_singly()
        if error is not None:
            await self._rest_from_ledger(self._settle_trouble, error)
        else:
            self._ledger_answers(self._settle_trouble)

    async def _record_singly(self) -> Exception | None:
        """Why nothing could be recorded; None when something was, for then the ledger is there."""
        recorded = False
        for _ in range(len(self._ended)):
            error = await self._finish(self._settle(1))
            if error is not None and not recorded:
                return error
            recorded = True
        return None

    async def _settle(self, count: int) -> Exception | None:
        """Record the first *count* outcomes; if the ledger fails they wait on, behind the others."""
        batch, self._ended = self._ended[:count], self._ended[count:]
        try:
            counted = await self._ledger.settle([ended.outcome for ended in batch])
        except Exception as error:  # noqa: BLE001  (whatever ails the ledger, the lane tries again)
            for ended in batch:
                self._keep(ended)
            return error
        except asyncio.CancelledError:
            self._ended[:0] = batch
            raise
        self._held -= len(batch)
        for ended, counts in zip(batch, counted, strict=True):
            self._tell(ended.outcome, counts)
        return None

    def _keep(self, ended: _Ended) -> None:
        if time.monotonic() < ended.lease_until:
            self._ended.append(ended)
            return
        # The row falls due again by itself now, and the party recognises the repeat.
        self._held -= 1
        self._log.error(
            "outcome_lost", message_id=ended.outcome.claim.message_id, status=ended.outcome.status
        )

    async def _record_what_is_left(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.last_record_s):
                if await self._settle(len(self._ended)) is not None:
                    await self._record_singly()
        if self._ended:
            self._log.error("outcomes_left", count=len(self._ended))

    async def _finish(self, work: Coroutine[Any, Any, Result]) -> Result:
        return await finish(work, within_s=self._pace.last_record_s)

    def _tell(self, outcome: Outcome, counts: bool) -> None:
        facts = {
            "message_id": outcome.claim.message_id,
            "attempt": outcome.claim.attempts + 1,
            "status": outcome.status,
            "cause": outcome.cause,
            "took_ms": outcome.took_ms,
        }
        if not counts:
            self._log.info("outcome_came_late", **facts)
            return
        match outcome.status:
            case DeliveryStatus.EXPIRED:
                self._log.error("delivery_moved", **facts)
            case DeliveryStatus.REFUSED:
                self._log.warning("delivery_moved", **facts)
            case _:
                self._log.info("delivery_moved", **facts, due_in_s=round(outcome.due_in_s, 3))

    # ---- the ledger's own troubles -----------------------------------------------------------------------

    async def _rest_from_ledger(self, trouble: Trouble, error: Exception) -> None:
        if trouble.begins():
            self._log.error("ledger_lost", exc_info=error)
        await asyncio.sleep(trouble.rest_s(*self._pace.ledger_rests_s))

    def _ledger_answers(self, trouble: Trouble) -> None:
        if trouble.ends():
            self._log.info("ledger_came_back")


async def finish(work: Coroutine[Any, Any, Result], *, within_s: float) -> Result:
    """
    Do *work* to its end even when cancelled meanwhile; the cancellation goes on afterwards.

    Args:
        within_s: how long after the cancellation the work may still take before it is cancelled too.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if (await asyncio.wait([task], timeout=within_s))[1]:
            task.cancel()
            await asyncio.wait([task])
        raise
