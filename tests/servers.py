"""
Databases for tests: one server a session and kind, one migrated template on it, a clone of it for each test.

The server is the embedded one, started once by each worker and gone when it ends; with
ECO_GATEWAY_TEST_DATABASE_URL it is the one given there, whose user must be allowed to create databases.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from gateway.store.embedded import EmbeddedPostgres
from gateway.store.migrate import migrate
from gateway.store.postmaster import stop_orphan
from tests.missing import program

GIVEN = os.environ.get("ECO_GATEWAY_TEST_DATABASE_URL")

_PREFIX = "eco-gateway-tests-"
_LEFT_BEHIND_S = 600
_PLENTY_BYTES = 4 * 1024**3

#: A test's database need not outlive the power supply, so nothing waits for the disk.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
}


class Servers:
    """The servers of one test session, each started when it is first asked for."""

    def __init__(self) -> None:
        self._started: dict[str, EmbeddedPostgres] = {}
        self._folders: list[Path] = []
        self._templates: dict[str, str] = {}

    async def empty(self, kind: str) -> str:
        """URL of a new, empty database."""
        server = await asyncio.to_thread(self._server, kind)
        name = f"test_{secrets.token_hex(6)}"
        await _run(server, f'CREATE DATABASE "{name}"')
        return _database(server, name)

    async def clone(self, kind: str) -> str:
        """URL of a new, migrated database."""
        server = await asyncio.to_thread(self._server, kind)
        if (template := self._templates.get(kind)) is None:
            url = await self.empty(kind)
            await migrate(url)
            template = self._templates[kind] = _name(url)
        name = f"test_{secrets.token_hex(6)}"
        strategy = "" if kind == "given" else "STRATEGY file_copy"
        await _run(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" {strategy}')
        return _database(server, name)

    async def drop(self, kind: str, url: str) -> None:
        """Take a database away, whoever is still connected to it."""
        server = await asyncio.to_thread(self._server, kind)
        await _run(server, f'DROP DATABASE IF EXISTS "{_name(url)}" WITH (FORCE)')

    @asynccontextmanager
    async def database(self, kind: str, *, migrated: bool = True) -> AsyncIterator[str]:
        """A database for as long as the block lasts."""
        url = await (self.clone(kind) if migrated else self.empty(kind))
        try:
            yield url
        finally:
            await self.drop(kind, url)

    def close(self) -> None:
        """Stop what was started and leave nothing behind."""
        for kind, template in self._templates.items():
            if kind == "given":
                assert GIVEN is not None
                asyncio.run(_run(GIVEN, f'DROP DATABASE IF EXISTS "{template}" WITH (FORCE)'))
        for server in self._started.values():
            server.stop()
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _server(self, kind: str) -> str:
        """URL of the server of this kind: ``given``, ``embedded`` or ``postgresql-15``."""
        if kind == "given":
            assert GIVEN is not None
            return GIVEN
        if (server := self._started.get(kind)) is None:
            binaries = None if kind == "embedded" else program(kind).parent
            server = EmbeddedPostgres(self._new_folder(), binaries=binaries, settings=_SETTINGS)
            server.start()
            self._started[kind] = server
        return server.url

    def _new_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=room()))
        folder.chmod(0o711)
        self._folders.append(folder)
        return folder


def default_kind() -> str:
    """The kind of server tests run on where they do not ask for another."""
    return "embedded" if GIVEN is None else "given"


def clear_what_was_left_behind() -> None:
    """End the servers of sessions that were killed before they could clean up."""
    for folder in room().glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _LEFT_BEHIND_S and not _is_held(folder):
                stop_orphan(folder / "postgresql" / "data")
                shutil.rmtree(folder, ignore_errors=True)


def room() -> Path:
    """Memory where there is plenty, for disks are slow to make and drop hundreds of databases."""
    memory = Path("/dev/shm")
    if memory.is_dir() and shutil.disk_usage(memory).free > _PLENTY_BYTES:
        return memory
    return Path(tempfile.gettempdir())


def _is_held(folder: Path) -> bool:
    lock = folder / "postgresql.lock"
    if not lock.exists():
        return False
    with lock.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


async def _run(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _database(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
