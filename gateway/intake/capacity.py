"""
How much a door holds at a time. Whatever more comes is asked to come back, before it takes memory.

A call is a visit from its head to its answer. There are so many visits at most, with so many bytes of bodies,
and one client has no more than its share of both: who floods the door, or sends slowly on many connections,
leaves room for the others. A body that has arrived waits for its turn to be judged and written.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from aiohttp import web

from gateway.domain.errors import GatewayError

SHARE = 0.5
_COME_BACK_S = (1, 4)  # drawn anew for each, so that they do not all come back together


class Busy(GatewayError):
    """The door holds as much as it can; *retry_after_s* says when to come back."""

    def __init__(self) -> None:
        super().__init__("This node has its hands full; please come back.")
        self.retry_after_s = random.randint(*_COME_BACK_S)  # noqa: S311  (spreads load, guards nothing)


class Capacity:
    """
    What one door has in hand, and what it may.

    Args:
        most: visits at a time.
        most_bytes: of their bodies together.
        at_once: bodies that are judged and written at a time.
        turned_away: told why somebody was: ``full``, ``share``, ``bytes``, ``slow`` or ``too-large``.
    """

    def __init__(
        self, *, most: int, most_bytes: int, at_once: int, turned_away: Callable[[str], None] = lambda _: None
    ) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._turns = asyncio.Semaphore(at_once)
        self._visits: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self.turned_away = turned_away

    @property
    def in_hand(self) -> int:
        """Visits at this moment."""
        return self._visits.total()

    @property
    def bytes_in_hand(self) -> int:
        """Bytes of bodies at this moment."""
        return self._bytes.total()

    @contextmanager
    def visit(self, client: str) -> Iterator[Visit]:
        """
        One call of *client*, from its head to its answer.

        Raises:
            Busy: there are too many, or too many of this client's.
        """
        if self.in_hand >= self._most:
            self.refuse("full")
        if self._visits[client] >= max(1, int(self._most * SHARE)):
            self.refuse("share")
        self._visits[client] += 1
        visit = Visit(self, client)
        try:
            yield visit
        finally:
            visit.end()
            self._less(self._visits, client, 1)
            self._less(self._bytes, client, visit.size)

    def take(self, client: str, size: int) -> None:
        """Hold *size* bytes more of a body, or raise ``Busy``."""
        if self.bytes_in_hand + size > self._most_bytes:
            self.refuse("bytes")
        if self._bytes[client] + size > self._most_bytes * SHARE:
            self.refuse("share")
        self._bytes[client] += size

    async def turn(self) -> None:
        """Wait until a body may go on; first come, first served."""
        await self._turns.acquire()

    def turn_over(self) -> None:
        """The next may go on."""
        self._turns.release()

    def refuse(self, why: str) -> NoReturn:
        """Turn somebody away."""
        self.turned_away(why)
        raise Busy

    @staticmethod
    def _less(counter: Counter[str], client: str, by: int) -> None:
        counter[client] -= by
        if not counter[client]:
            del counter[client]


class Visit:
    """One call in hand; *size* counts the bytes of its body so far."""

    def __init__(self, capacity: Capacity, client: str) -> None:
        self._capacity = capacity
        self._client = client
        self._has_turn = False
        self.size = 0

    def take(self, size: int) -> None:
        """
        Hold *size* bytes more.

        Raises:
            Busy: that would be too much.
        """
        self._capacity.take(self._client, size)
        self.size += size

    async def turn(self) -> None:
        """Wait for the turn to be judged; it lasts until the visit ends."""
        if not self._has_turn:
            await self._capacity.turn()
            self._has_turn = True

    def turned_away(self, why: str) -> None:
        """Count that the call ended with its body."""
        self._capacity.turned_away(why)

    def end(self) -> None:
        """Let the next go on."""
        if self._has_turn:
            self._capacity.turn_over()


VISIT = web.RequestKey("visit", Visit)
