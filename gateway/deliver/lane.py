"""
The lane: the loop that pays one party's deliveries, for as long as this node holds it.

A lane claims what is due, as many as its window has room for; each claim is a lease, longer than an attempt
can last. Attempts run beside each other, their outcomes are gathered and recorded together. What is next
comes from the ledger alone, which never hands out two messages of one conversation: the row of the first
stands as ``sending`` until its outcome is recorded. A lane looks when it is woken (a commit), when an attempt
ended, when the next delivery falls due, and every few seconds whatever happens.

What goes wrong stays small. An attempt that breaks by a fault of ours costs that message an attempt. A ledger
that is away makes the lane wait and ask again. A killed process leaves rows as ``sending``, which fall due
when another node takes the lane, or their lease runs out; the party answers the repeat with its first
receipt. A cancelled lane records what was answered before it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Protocol, assert_never

import structlog

from gateway.deliver.attempt import Attempts, Ended, OurFault, ReadAnswer, Transport, draw_jitter
from gateway.deliver.backoff import BackOff
from gateway.deliver.pace import USUAL, Pace, Trouble, Window
from gateway.deliver.recording import Patience, Recording
from gateway.deliver.verdict import Failure
from gateway.domain.clock import Clock
from gateway.domain.corridor import Party
from gateway.domain.errors import PartyAskedToWait, PartyRefused, PartyUnreachable
from gateway.domain.ids import PartyId
from gateway.store.records import Claim, Held, LaneRest, Outcome

log = structlog.get_logger()


class Debts(Protocol):
    """What a lane needs of the ledger."""

    async def claim(self, held: Held, *, lease_s: float, limit: int) -> list[Claim]:
        """Lease up to *limit* due deliveries, oldest first, at most one a conversation."""
        ...

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """Record attempts in one transaction; for each whether it counted."""
        ...

    async def next_due_s(self, party: PartyId) -> float | None:
        """Seconds until the party's next delivery falls due, None when nothing waits."""
        ...

    async def rest(self, held: Held, rest: LaneRest) -> None:
        """Keep how the party answers now."""
        ...

    async def resting(self, party: PartyId) -> LaneRest:
        """How the party answered last."""
        ...


class Lane:
    """
    Sends what we owe to one party until told to stop.

    Args:
        read_answer: see ``Attempts``; so is *executor*.
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
        self._jitter = jitter
        self._pace = pace
        self._window = Window(pace.window_start, pace.window_most)
        self._back_off = BackOff(party.patience)
        self._lease_s = party.patience.receipt_within.total_seconds() + pace.lease_margin_s
        self._attempts = Attempts(
            party,
            transport=transport,
            read_answer=read_answer,
            clock=clock,
            executor=executor,
            jitter=jitter,
            last_s=pace.last_record_s,
        )
        self._recording = Recording(
            party.id, ledger, lease_s=self._lease_s, pace=pace, done=self._off_our_hands
        )
        self._held = Held(party.id, 0)
        self._in_hand = 0  # claims whose outcome is not recorded yet
        self._known = False  # whether the ledger was asked how the party answers
        self._heard = False
        self._heard_at = time.monotonic()
        self._stirred = asyncio.Event()
        self._party_trouble = Trouble()
        self._patience = Patience(party.id, pace.ledger_rests_s)
        self._log = log.bind(party=party.id)

    @property
    def window(self) -> int:
        """How many attempts may be in flight now."""
        return self._window.size

    @property
    def in_flight(self) -> int:
        """How many deliveries this lane holds: being sent, or sent and not recorded yet."""
        return self._in_hand

    def heard(self) -> bool:
        """Whether the party answered since this was asked last."""
        heard, self._heard = self._heard, False
        return heard

    def pinged(self, error: Failure | None) -> None:
        """What came of a ping: a party that failed it is known to fail before anything is due to it."""
        self._learn_from(error)
        asked_s = (error.retry_after_s or 0.0) if isinstance(error, PartyAskedToWait) else 0.0
        longest_s = max((wait.total_seconds() for wait in self.party.patience.waits), default=0.0)
        self._back_off.learn(error, began=time.monotonic(), asked_s=min(asked_s, longest_s))
        self._stirred.set()

    @property
    def silent_s(self) -> float:
        """For how long this node has heard nothing of the party."""
        return time.monotonic() - self._heard_at

    def sign_of_life(self) -> None:
        """The party answered, or sent something."""
        self._heard, self._heard_at = True, time.monotonic()

    def wake(self) -> None:
        """Look at the ledger now: something was committed, or the party gave a sign of life."""
        self._stirred.set()

    async def run(self, held: Held, stopping: asyncio.Event) -> None:
        """
        Send until *stopping* is set; then finish and record the attempts under way, and return.

        Cancelled, it gives up the attempts that have no answer yet and records the others.

        Args:
            held: the lease under which it claims and records.
        """
        self._held, self._in_hand, self._known = held, len(self._recording), False
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._stir_when(stopping))
                await self._keep_sending(tasks, stopping)
                watch.cancel()
        finally:
            if self._recording:
                await self._recording.record_what_is_left()

    async def _stir_when(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._stirred.set()

    async def _keep_sending(self, tasks: asyncio.TaskGroup, stopping: asyncio.Event) -> None:
        while self._in_hand or not stopping.is_set():
            self._stirred.clear()
            if self._recording:
                await self._recording.record()
            rest_s = self._pace.poll_s
            if not stopping.is_set():
                rest_s = await self._send_what_is_due(tasks)
            if self._recording:  # what could not be recorded is tried again soon
                rest_s = min(rest_s, self._pace.ledger_rests_s[0])
            if self._in_hand or not stopping.is_set():
                await self._rest(rest_s)

    async def _rest(self, at_most_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._stirred.wait()

    # ---- sending -----------------------------------------------------------------------------------------

    async def _send_what_is_due(self, tasks: asyncio.TaskGroup) -> float:
        """Fill the window; returns for how many seconds to rest if nothing stirs the lane."""
        try:
            await self._agree_with_ledger()
            if (asked_s := self._back_off.asked_s) > 0:
                return min(asked_s, self._pace.poll_s)
            closed = self._back_off.closed
            room = (self._window.size if closed is None else self._pace.shared_most) - self._in_hand
            if room <= 0:
                return self._pace.poll_s
            claims = await self._ledger.claim(self._held, lease_s=self._lease_s, limit=room)
            due_in_s = None if claims else await self._ledger.next_due_s(self.party.id)
        except Exception as error:  # noqa: BLE001  (whatever ails the ledger, the lane waits for it)
            await self._patience.rest(error)
            return self._pace.least_rest_s
        self._patience.over()
        for claim in claims:
            self._begin(claim, closed, tasks)
        if claims:
            return self._pace.busy_poll_s
        if due_in_s is None:
            return self._pace.poll_s
        return min(max(due_in_s, self._pace.least_rest_s), self._pace.poll_s)

    async def _agree_with_ledger(self) -> None:
        """Tell the ledger how the party answers, or hear whether a sign of life came to another node."""
        if self._back_off.untold:
            self._back_off.untold = False
            try:
                await self._ledger.rest(self._held, self._back_off.rest)
            except BaseException:
                self._back_off.untold = True
                raise
        elif self._back_off.failures or not self._known:
            if self._back_off.know(await self._ledger.resting(self.party.id)):
                self._window.restart()
            self._known = True

    def _begin(self, claim: Claim, closed: PartyUnreachable | None, tasks: asyncio.TaskGroup) -> None:
        self._in_hand += 1
        if closed is None:
            attempt = self._attempts.make(claim, self._ended)
            tasks.create_task(attempt, name=f"attempt {claim.message_id}")
        else:
            self._recording.add(self._attempts.in_vain(claim, closed))
            self._stirred.set()

    def _ended(self, ended: Ended) -> None:
        self._learn_from(ended.error)
        self._back_off.learn(
            ended.error, began=ended.began, asked_s=ended.outcome.due_in_s, jitter=self._jitter()
        )
        self._recording.add(ended)
        self._stirred.set()

    def _off_our_hands(self, count: int) -> None:
        self._in_hand -= count

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
                self.sign_of_life()
                if self._party_trouble.ends():
                    self._log.info("party_came_back")
            case _:
                assert_never(error)
