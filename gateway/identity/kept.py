"""Something fetched from afar that is kept and used on while its source is down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")

FRESH_S = 3600.0
KEPT_S = 24 * 3600.0
REST_S = 10.0


class Away(Exception):
    """The source does not answer, and nothing kept is young enough to be believed."""


class Kept(Generic[Value]):
    """
    A value that is fetched when first asked for, and again when it is an hour old.

    While its source is down the last one counts on, for a day at most. A source that failed rests ten
    seconds before it is asked again, however many ask for the value.

    Args:
        fetch: asks the source; raises ``Away`` when it does not answer.
        clock: seconds that only grow.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[Value]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._value: Value | None = None
        self._fetched = 0.0
        self._asked = float("-inf")

    async def get(self) -> Value:
        """
        The value, fetched now if none is kept or it is an hour old.

        Raises:
            Away: there is none to be had.
        """
        return await self._kept(FRESH_S)

    async def renewed(self) -> Value:
        """
        The value, fetched now unless it was fetched a moment ago: something is missing in the one kept.

        Raises:
            Away: there is none to be had.
        """
        return await self._kept(REST_S)

    async def _kept(self, fresh_s: float) -> Value:
        async with self._lock:
            if self._value is None or self._clock() - self._fetched >= fresh_s:
                await self._try()
            if self._value is None or self._clock() - self._fetched >= KEPT_S:
                raise Away("it does not answer")
            return self._value

    async def _try(self) -> None:
        if self._clock() - self._asked < REST_S:
            return
        self._asked = self._clock()
        try:
            self._value = await self._fetch()
        except Away:
            if self._value is None:
                raise
        else:
            self._fetched = self._clock()
