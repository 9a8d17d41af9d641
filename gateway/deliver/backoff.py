"""
How long a party is left in peace: once for all that is owed to it, and kept where every node finds it.

A party that asks us to wait is sent nothing before it said. A party whose door is closed is knocked at once a
rest, by one message; what falls due meanwhile shares what that one found, so that its patience runs as its
file says and nobody knocks a thousand times. A party that takes our messages and answers nothing believable
rests no longer than each message's own wait. Any sign of life ends all of it.
"""

from __future__ import annotations

import time

from gateway.deliver.attempt import OurFault
from gateway.deliver.verdict import Failure
from gateway.domain.corridor import Patience
from gateway.domain.errors import PartyAskedToWait, PartyUnreachable
from gateway.store.records import LaneRest

# Shorter than any wait drawn with its jitter: a message is never kept from its own attempt by its last one.
_SHARE_OF_WAIT = 0.5


class BackOff:
    """
    What one lane knows of its party's failures.

    Attributes:
        untold: it knows more than the ledger does.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._rest = LaneRest()
        self._until = 0.0  # by the monotonic clock, as the next
        self._failed_at = 0.0
        self.untold = False

    @property
    def failures(self) -> int:
        """In a row; attempts that were under way together count once."""
        return self._rest.failures

    @property
    def asked_s(self) -> float:
        """For how long the party asked us to leave it in peace still."""
        return self._left_s if self._rest.asked else 0.0

    @property
    def closed(self) -> PartyUnreachable | None:
        """What was found at the party's door, while it is not to be knocked at again."""
        if self._rest.asked or self._left_s <= 0:
            return None
        code, _, words = (self._rest.cause or "").partition(": ")
        return PartyUnreachable(words, code=code, closed=True)

    @property
    def rest(self) -> LaneRest:
        """As the ledger is to keep it."""
        kept = self._rest
        return LaneRest(
            failures=kept.failures, cause=kept.cause, asked=kept.asked, rest_s=max(self._left_s, 0.0)
        )

    @property
    def _left_s(self) -> float:
        return self._until - time.monotonic()

    def know(self, rest: LaneRest) -> bool:
        """Take over what the ledger has; whether a sign of life came that ended our rest."""
        ended = self._rest.failures > 0 and rest.failures == 0
        self._rest, self._until = rest, time.monotonic() + rest.rest_s
        return ended

    def learn(
        self, error: Failure | None, *, began: float, asked_s: float = 0.0, jitter: float = 1.0
    ) -> None:
        """
        Learn from an attempt how the party answers.

        Args:
            began: when it did, by the monotonic clock.
            asked_s: how long to wait where the party asked us to.
        """
        match error:
            case OurFault():
                return
            case PartyAskedToWait():
                self._failed(error, began, asked_s)
            case PartyUnreachable():
                self._failed(error, began, None if error.closed else 0.0, jitter=jitter)
            case _:
                if self._rest.failures:
                    self.know(LaneRest())
                    self.untold = True

    def _failed(
        self,
        error: PartyAskedToWait | PartyUnreachable,
        began: float,
        rest_s: float | None,
        *,
        jitter: float = 1.0,
    ) -> None:
        failures, now = self._rest.failures, time.monotonic()
        if began >= self._failed_at or not failures:
            failures, self._failed_at = failures + 1, now
        asked = isinstance(error, PartyAskedToWait)
        self._rest = LaneRest(failures=failures, cause=error.cause, asked=asked)
        self._until = now + (self._closed_s(failures) * jitter if rest_s is None else rest_s)
        self.untold = True

    def _closed_s(self, failures: int) -> float:
        waits = self._patience.waits
        if not waits:
            return 0.0
        wait = waits[min(failures, len(waits)) - 1]
        return min(wait * _SHARE_OF_WAIT, self._patience.longest_rest).total_seconds()
