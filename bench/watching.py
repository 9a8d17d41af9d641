"""
Seeing that an answer is stored, by a connection of its own to the sender's database.

Asking the gateway itself would make it work for the benchmark instead of for its certificates; what the
asking costs the database is known and taken off.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

import asyncpg

from bench.processes import own_cpu_s
from bench.together import BenchmarkFailed

LOOK_EVERY_S = 0.003
PATIENCE_S = 60.0

_RECEIPT_STORED = """
SELECT m.message_id
  FROM message m
 WHERE m.message_id = ANY ($1::text[])
   AND m.direction = 'out'
   AND EXISTS (SELECT FROM receipt r WHERE r.message_no = m.message_no)
"""

_ACKNOWLEDGEMENT_STORED = (
    _RECEIPT_STORED
    + """   AND EXISTS (SELECT FROM acknowledgement a WHERE a.message_no = m.message_no
                  AND a.carried_by IS NOT NULL)
"""
)


class Stuck(BenchmarkFailed):
    """Nothing arrives any more."""


class Watch:
    """
    Tells each message's owner when its answer is stored. Use it as an asynchronous context manager.

    Args:
        database: the sender's.
        answered: wait for the acknowledgement as well, not for the receipt alone.
    """

    def __init__(self, database: str, *, answered: bool) -> None:
        self._database = database
        self._statement = _ACKNOWLEDGEMENT_STORED if answered else _RECEIPT_STORED
        self._awaited: dict[str, asyncio.Event] = {}
        self._connection: asyncpg.Connection | None = None
        self._backend = 0

    async def __aenter__(self) -> Self:
        self._connection = await asyncpg.connect(self._database)
        self._backend = await self._connection.fetchval("SELECT pg_backend_pid()")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._connection.close()

    def cpu_s(self) -> float:
        """What the asking has cost the database server, seconds."""
        return own_cpu_s(self._backend)

    async def stored(self, message_id: str) -> float:
        """Wait until the answer is stored; the monotonic time at which that was seen."""
        event = self._awaited[message_id] = asyncio.Event()
        await event.wait()
        return time.monotonic()

    async def look(self) -> None:
        """
        Look again and again until cancelled.

        Raises:
            Stuck: messages are waited for and none has arrived for a minute.
        """
        last = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not self._awaited or await self._tell():
                last = time.monotonic()
            elif time.monotonic() - last > PATIENCE_S:
                some = ", ".join(sorted(self._awaited)[:3])
                raise Stuck(f"{len(self._awaited)} messages got no answer in {PATIENCE_S:.0f} s: {some} …")

    async def _tell(self) -> bool:
        assert self._connection is not None
        rows = await self._connection.fetch(self._statement, list(self._awaited))
        for row in rows:
            self._awaited.pop(row["message_id"]).set()
        return bool(rows)
