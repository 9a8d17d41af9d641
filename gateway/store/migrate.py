"""
Bringing a database to this version: plain SQL files in order, each once, each in one transaction.

A file is never changed once it has run anywhere; its SHA-256 is kept and compared. Several nodes may start
at once: an advisory lock lets one work and the others find it done.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.store.connect import connect_once

MIGRATIONS = Path(__file__).with_name("migrations")

_NAME = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")
_LOCK = 0x65636F67  # "ecog"
_OLDEST_SERVER = 15

_TABLE = """
CREATE TABLE IF NOT EXISTS migration (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its name, its text."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Over the text, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """
    The migrations of *folder* in order.

    Raises:
        Misconfigured: a file is not named ``0001_what_it_does.sql``, or numbers gap or repeat.
    """
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        if (named := _NAME.fullmatch(path.name)) is None or int(named[1]) != len(found) + 1:
            raise _fault(path.name, f"is not migration {len(found) + 1:04}_….sql")
        found.append(Migration(int(named[1]), path.name, path.read_text("utf-8")))
    return tuple(found)


async def migrate(dsn: str, *, folder: Path = MIGRATIONS, patience_s: float = 60.0) -> list[str]:
    """
    Bring the database at *dsn* to this version, and open a new feed epoch where it was restored elsewhere.

    Returns:
        the names of the migrations that ran now.

    Raises:
        Misconfigured: the database is newer than this version, was migrated by a file that has changed since,
            or its server is too old.
    """
    connection = await connect_once(dsn, patience_s=patience_s)
    try:
        if connection.get_server_version().major < _OLDEST_SERVER:
            raise _fault("server", "PostgreSQL 15 or newer is needed")
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)  # let go when the connection closes
        ran = await _apply(connection, migrations(folder))
        await connection.execute("SELECT open_feed_epoch()")
        return ran
    finally:
        await connection.close()


async def _apply(connection: asyncpg.Connection, known: Sequence[Migration]) -> list[str]:
    await connection.execute(_TABLE)
    applied = await connection.fetch("SELECT number, name, sha256 FROM migration ORDER BY number")
    for row in applied:
        _compare(row, known)
    ran = []
    for migration in known[len(applied) :]:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migration (number, name, sha256) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.sha256,
            )
        ran.append(migration.name)
    return ran


def _compare(row: asyncpg.Record, known: Sequence[Migration]) -> None:
    if row["number"] > len(known):
        raise _fault(row["name"], "the database was migrated by a newer version of the gateway; run that one")
    if row["sha256"] != known[row["number"] - 1].sha256:
        raise _fault(row["name"], "was changed after it had run on this database")


def _fault(key: str, text: str) -> Misconfigured:
    return Misconfigured((RegistryFault("database", key, text),))
