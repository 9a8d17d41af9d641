"""
Telling lanes that something is owed: those of this process at once, those of other nodes by NOTIFY.

A NOTIFY makes its commit queue behind every other such commit, so it is never part of a message's own
transaction. Parties are gathered for a moment and told together; what gets lost is found by the lanes' poll.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from gateway.domain.ids import PartyId
from gateway.store.connect import AWAY, Connection, Connections

CHANNEL = "delivery"
GATHER_S = 0.05
AWAY_S = 1.0

_NOTIFY = "SELECT pg_notify($1, party) FROM unnest($2::text[]) AS party"

Hear = Callable[[PartyId], None]


class Changes:
    """Wakes whoever waits for something to change; what changed while he was looking counts as well."""

    def __init__(self) -> None:
        self._count = 0
        self._next = asyncio.Event()
        self._seen: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()

    def ring(self) -> None:
        """Something changed."""
        self._count += 1
        rung, self._next = self._next, asyncio.Event()
        rung.set()

    async def wait(self, at_most_s: float) -> None:
        """
        Wait for a change since this task was last told, for at most so many seconds.

        A task that waits for the first time may have looked before a change: it looks again at once.
        """
        task = asyncio.current_task()
        assert task is not None
        if self._seen.get(task) == self._count:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(at_most_s):
                    await self._next.wait()
        self._seen[task] = self._count


class Bell:
    """Rung after a commit with the party to which something is due now."""

    def __init__(self) -> None:
        self._hearers: set[Hear] = set()
        self._parties: set[PartyId] = set()
        self._rung = asyncio.Event()

    def ring(self, parties: Iterable[PartyId]) -> None:
        """Tell whoever listens; does nothing when nobody does."""
        if not self._hearers:
            return
        for party in parties:
            self._parties.add(party)
            for hear in self._hearers:
                hear(party)
        self._rung.set()

    async def listen(self, pool: Connections, hear: Hear) -> None:
        """Call *hear* for every ring, here or on another node, until cancelled; awaits a lost database."""
        self._hearers.add(hear)
        try:
            while True:
                with contextlib.suppress(*AWAY):
                    async with pool.acquire() as connection:
                        await self._carry(connection, hear)
                await asyncio.sleep(AWAY_S)
        finally:
            self._hearers.discard(hear)

    async def _carry(self, connection: Connection, hear: Hear) -> None:
        """Carry rings both ways until the connection is lost."""
        own = connection.get_server_pid()

        def heard(_: object, pid: int, __: str, payload: object) -> None:
            if pid != own:
                hear(PartyId(str(payload)))

        def lost(_: object) -> None:
            self._rung.set()

        await connection.add_listener(CHANNEL, heard)
        connection.add_termination_listener(lost)
        try:
            while not connection.is_closed():
                await self._rung.wait()
                self._rung.clear()
                parties, self._parties = sorted(self._parties), set()
                if parties:
                    await connection.execute(_NOTIFY, CHANNEL, parties)
                await asyncio.sleep(GATHER_S)
        finally:
            # A connection that breaks here must not hide that we were cancelled.
            with contextlib.suppress(*AWAY):
                if not connection.is_closed():
                    connection.remove_termination_listener(lost)
                    await connection.remove_listener(CHANNEL, heard)
