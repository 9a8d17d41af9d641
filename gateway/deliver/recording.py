"""Outcomes on their way into the ledger: gathered, recorded together, kept while the ledger is away."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from gateway.deliver.attempt import Ended
from gateway.deliver.pace import Pace, Trouble
from gateway.domain.ids import PartyId
from gateway.domain.status import DeliveryStatus
from gateway.store.finishing import finished
from gateway.store.records import Outcome

log = structlog.get_logger()


class Settles(Protocol):
    """What recording needs of the ledger."""

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """Record attempts in one transaction; for each whether it counted."""
        ...


class Patience:
    """Waits for a ledger that is away, longer with each failure; tells when it went and when it is back."""

    def __init__(self, party: PartyId, rests_s: tuple[float, float]) -> None:
        self._rests_s = rests_s
        self._trouble = Trouble()
        self._log = log.bind(party=party)

    async def rest(self, error: Exception) -> None:
        """The ledger failed."""
        if self._trouble.begins():
            self._log.error("ledger_lost", exc_info=error)
        await asyncio.sleep(self._trouble.rest_s(*self._rests_s))

    def over(self) -> None:
        """The ledger answered."""
        if self._trouble.ends():
            self._log.info("ledger_came_back")


class Recording:
    """
    The outcomes of one lane that are not in the ledger yet.

    Args:
        lease_s: how long after an attempt began its outcome is worth recording.
        done: is told how many outcomes are off our hands, recorded or given up.
    """

    def __init__(
        self, party: PartyId, ledger: Settles, *, lease_s: float, pace: Pace, done: Callable[[int], None]
    ) -> None:
        self._ledger = ledger
        self._lease_s = lease_s
        self._pace = pace
        self._done = done
        self._ended: list[Ended] = []
        self._patience = Patience(party, pace.ledger_rests_s)
        self._log = log.bind(party=party)

    def __len__(self) -> int:
        return len(self._ended)

    def add(self, ended: Ended) -> None:
        """Take an outcome in."""
        self._ended.append(ended)

    async def record(self) -> None:
        """Record all, in one call; one by one if that fails, so that each fails for itself."""
        error = await finished(self._settle(len(self._ended)), within_s=self._pace.last_record_s)
        if error is not None and len(self._ended) > 1:
            error = await self._record_singly()
        if error is not None:
            await self._patience.rest(error)
        else:
            self._patience.over()

    async def record_what_is_left(self) -> None:
        """Record what a cancelled lane still has, for as long as that may take."""
        await finished(self._record_last(), within_s=self._pace.last_record_s)

    async def _record_last(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.last_record_s):
                if await self._settle(len(self._ended)) is not None:
                    await self._record_singly()
        if self._ended:
            self._log.error("outcomes_left", count=len(self._ended))

    async def _record_singly(self) -> Exception | None:
        """Why nothing could be recorded; None when something was, for then the ledger is there."""
        recorded = False
        for _ in range(len(self._ended)):
            error = await finished(self._settle(1), within_s=self._pace.last_record_s)
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
        self._done(len(batch))
        for ended, counts in zip(batch, counted, strict=True):
            self._tell(ended.outcome, counts)
        return None

    def _keep(self, ended: Ended) -> None:
        if time.monotonic() < ended.began + self._lease_s:
            self._ended.append(ended)
            return
        # The row falls due again by itself now, and the party recognises the repeat.
        self._done(1)
        self._log.error(
            "outcome_lost", message_id=ended.outcome.claim.message_id, status=ended.outcome.status
        )

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
