"""
Writing together what comes together: one statement and one commit for several callers.

While a batch is written, what comes waits and makes the next one: batches grow with the load, and a lonely
caller waits for nobody. A batch that takes long, because it waits for a lock, does not hold up the rest: a
second writer goes on with them. Each caller hears of his own only when it is committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import asyncpg

from gateway.store.connect import AWAY
from gateway.store.finishing import COMMIT_WITHIN_S

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 32
WRITERS = 2
LONG_S = 0.05  # a batch usually takes a tenth of it; larger batches cost less than two writers win


class Gathered(Generic[Item, Result]):
    """
    Callers of one statement that writes many.

    Args:
        write: writes all it is given in one transaction; gives the result of each, in their order.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]) -> None:
        self._write = write
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._writers: set[asyncio.Task[None]] = set()
        self._slow: set[asyncio.Task[None]] = set()  # those of them whose batch takes long

    async def add(self, item: Item) -> Result:
        """
        Write *item*, with others where others wait.

        A caller that is cancelled still hears, before the cancellation goes on, that it was written.

        Raises:
            Exception: what writing it raised.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._see_to_it()
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future], timeout=COMMIT_WITHIN_S)
            raise

    def _see_to_it(self) -> None:
        """Start a writer for what waits, unless one will come to it soon."""
        if len(self._writers) < WRITERS and self._writers <= self._slow:
            self._writers.add(asyncio.create_task(self._write_on()))

    def _takes_long(self, writer: asyncio.Task[None]) -> None:
        self._slow.add(writer)
        if self._waiting:
            self._see_to_it()

    async def _write_on(self) -> None:
        me, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert me is not None
        try:
            while self._waiting and self._writers - {me} <= self._slow:
                batch = self._waiting[:MOST]
                del self._waiting[:MOST]
                patience = loop.call_later(LONG_S, self._takes_long, me)
                try:
                    await self._settle(batch)
                finally:
                    patience.cancel()
                    self._slow.discard(me)
        finally:  # in the same breath as the last look: who comes next must not count on us
            self._writers.discard(me)

    async def _settle(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._write([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001  (raised again for each whose it is)
            if len(batch) > 1 and isinstance(error, asyncpg.PostgresError) and not isinstance(error, AWAY):
                for one in batch:  # nothing was written: each fails for itself alone
                    await self._settle([one])
                return
            for _, future in batch:
                future.set_exception(error)
                future.exception()  # read, for perhaps nobody waits any more
        else:
            for (_, future), result in zip(batch, results, strict=True):
                future.set_result(result)
