"""Bringing a database to this version: once, whoever starts, and never back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from gateway.domain.errors import Misconfigured
from gateway.store.migrate import MIGRATIONS, migrate, migrations
from tests.servers import Servers


@pytest.fixture
async def empty_url(servers: Servers, server_kind: str) -> AsyncIterator[str]:
    """URL of an empty database."""
    async with servers.database(server_kind, migrated=False) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The migrations, and one more after them."""
    for path in MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def one_more(folder: Path, sql: str) -> str:
    name = f"{len(list(folder.glob('*.sql'))) + 1:04}_pre_more.sql"
    (folder / name).write_text(sql, "utf-8")
    return name


async def value(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_an_empty_database_is_brought_to_this_version_once(empty_url: str) -> None:
    names = [migration.name for migration in migrations()]

    assert await migrate(empty_url) == names
    assert await migrate(empty_url) == []
    assert await value(empty_url, "SELECT count(*) FROM migration") == len(names)


async def test_nodes_that_start_at_once_migrate_once(empty_url: str) -> None:
    ran = await asyncio.gather(*(migrate(empty_url) for _ in range(6)))

    assert sorted(len(names) for names in ran) == [0] * 5 + [len(migrations())]


async def test_an_older_database_is_brought_on(empty_url: str, folder: Path) -> None:
    await migrate(empty_url)
    name = one_more(folder, "CREATE TABLE added (n integer); INSERT INTO added VALUES (7)")

    assert await migrate(empty_url, folder=folder) == [name]
    assert await value(empty_url, "SELECT n FROM added") == 7


async def test_a_newer_database_is_refused(empty_url: str, folder: Path) -> None:
    one_more(folder, "CREATE TABLE added (n integer)")
    await migrate(empty_url, folder=folder)

    with pytest.raises(Misconfigured, match="newer version"):
        await migrate(empty_url)


def change_the_first(folder: Path) -> str:
    first = folder / migrations(folder)[0].name
    first.write_text(first.read_text("utf-8") + "\n-- changed", "utf-8")
    return first.name


async def test_a_migration_that_was_changed_is_refused(empty_url: str, folder: Path) -> None:
    await migrate(empty_url, folder=folder)
    name = change_the_first(folder)

    with pytest.raises(Misconfigured, match=f"{name}: was changed"):
        await migrate(empty_url, folder=folder)


async def test_a_migration_that_fails_leaves_nothing_of_itself(empty_url: str, folder: Path) -> None:
    await migrate(empty_url)
    one_more(folder, "CREATE TABLE added (n integer); SELECT 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_url, folder=folder)

    assert await value(empty_url, "SELECT to_regclass('added')") is None
    assert await migrate(empty_url) == []


@pytest.mark.parametrize("name", ["0099_gap.sql", "2_short.sql", "0001_again.sql", "0002-dash.sql"])
def test_a_misnamed_migration_is_told(folder: Path, name: str) -> None:
    (folder / name).write_text("SELECT 1", "utf-8")

    with pytest.raises(Misconfigured, match=r"is not migration \d{4}_"):
        migrations(folder)


async def test_an_ordinary_role_may_own_the_ledger(empty_url: str) -> None:
    """No superuser is needed: a role that owns its database is enough."""
    connection = await asyncpg.connect(empty_url)
    name = await connection.fetchval("SELECT current_database()")
    try:
        await connection.execute(f'CREATE ROLE "{name}" LOGIN')
        await connection.execute(f'ALTER DATABASE "{name}" OWNER TO "{name}"')
        await connection.execute(f'GRANT ALL ON SCHEMA public TO "{name}"')
        await connection.execute(f'SET ROLE "{name}"')
        await connection.execute(f'ALTER ROLE "{name}" IN DATABASE "{name}" SET role = "{name}"')
        as_role = empty_url.replace("//gateway@", f"//{name}@")

        assert await migrate(as_role) == [migration.name for migration in migrations()]
        assert await value(as_role, "SELECT open_feed_epoch()") == 1
    finally:
        await connection.execute(f'RESET ROLE; REASSIGN OWNED BY "{name}" TO current_user')
        await connection.execute(f'DROP OWNED BY "{name}"; DROP ROLE "{name}"')
        await connection.close()
