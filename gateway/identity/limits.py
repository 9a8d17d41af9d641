"""How often one address may knock."""

from __future__ import annotations

import time
from collections.abc import Callable


class RateLimit:
    """
    A bucket for each address: so many at once, refilled evenly over a minute. Of one process, in memory.

    Args:
        a_minute: how many are let through.
        remembered: addresses kept in mind; when there are more, the longest unseen are forgotten.
    """

    def __init__(
        self, a_minute: int, *, remembered: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = float(a_minute)
        self._remembered = remembered
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def allows(self, address: str) -> bool:
        """Whether *address* may go on now; counts this try."""
        now = self._clock()
        left, seen = self._buckets.pop(address, (self._most, now))
        left = min(self._most, left + (now - seen) * self._most / 60)
        allowed = left >= 1
        self._buckets[address] = (left - 1 if allowed else left, now)
        if len(self._buckets) > self._remembered:
            del self._buckets[next(iter(self._buckets))]
        return allowed
