"""The one PostgreSQL server that both gateways and the reference use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import asyncpg
import psutil

from bench.processes import cpu_s
from gateway.store.embedded import embedded


class Server:
    """A running server; ``administration`` is a connection of its own."""

    def __init__(self, url: str, administration: asyncpg.Connection, postmaster: int, version: str) -> None:
        self._url = url
        self._administration = administration
        self._postmaster = postmaster
        self.version = version

    @classmethod
    async def at(cls, url: str) -> Self:
        """Connect to the server at *url*, which must run on this machine."""
        administration = await asyncpg.connect(url)
        backend = psutil.Process(await administration.fetchval("SELECT pg_backend_pid()"))
        version = await administration.fetchval("SHOW server_version")
        return cls(url, administration, backend.ppid(), version)

    async def close(self) -> None:
        """Leave the server as it is."""
        await self._administration.close()

    async def create(self, name: str) -> str:
        """Make an empty database; returns its URL."""
        await self._administration.execute(f"CREATE DATABASE {name}")
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    async def storage(self) -> str:
        """How the ledger stores exact bytes here: ``lz4`` where the server can, else ``external``."""
        can = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
        return "lz4" if await self._administration.fetchval(can) else "external"

    async def slow_commits(self, milliseconds: float) -> None:
        """
        Make every flush of the log take so much longer, as a slower disk would; 0: no longer.

        PostgreSQL's own ``commit_delay`` with ``commit_siblings = 0``: whoever flushes sleeps before it with
        the lock in hand, and those who commit meanwhile share the next flush.
        """
        for setting in (f"commit_delay = {round(1000 * milliseconds)}", "commit_siblings = 0"):
            await self._administration.execute(f"ALTER SYSTEM SET {setting}")
        await self._administration.execute("SELECT pg_reload_conf()")

    async def settle(self) -> None:
        """Write all out, so that no run pays for the one before it."""
        await self._administration.execute("CHECKPOINT")

    def cpu_s(self) -> float:
        """CPU time of the server with all its processes, also those that ended."""
        return cpu_s(self._postmaster)


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Server]:
    """Start a PostgreSQL with the settings a gateway gives its own, fsync on; stop it on leaving."""
    async with embedded(folder) as url:
        running = await Server.at(url)
        try:
            yield running
        finally:
            await running.close()
