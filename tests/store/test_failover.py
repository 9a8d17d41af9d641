"""A standby that answers in the primary's place counts as a database that is away, and is waited for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from gateway.store.connect import AWAY, connect, patiently
from gateway.store.ledger import Ledger
from tests.store.making import a_certificate


async def takes_writes(database_url: str, allowed: bool) -> None:
    """Make new sessions of the database take writes, or refuse them as a standby's do."""
    name, setting = urlsplit(database_url).path.removeprefix("/"), "off" if allowed else "on"
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {setting}')
    finally:
        await connection.close()


async def test_what_is_written_to_a_standby_is_told_as_a_database_that_is_away(database_url: str) -> None:
    await takes_writes(database_url, False)
    pool = await connect(database_url, connections=2, at_least=1)
    try:
        with pytest.raises(AWAY):
            await Ledger(pool).submit(a_certificate("VN-1"))
    finally:
        pool.terminate()


async def test_who_waits_for_the_database_waits_for_the_standby_to_become_the_primary(
    database_url: str,
) -> None:
    await takes_writes(database_url, False)
    tries = 0

    async def submit() -> bool:
        nonlocal tries
        tries += 1
        if tries == 2:
            await takes_writes(database_url, True)
        pool = await connect(database_url, connections=2, at_least=1)
        try:
            return (await Ledger(pool).submit(a_certificate("VN-1"))).first
        finally:
            pool.terminate()

    assert await patiently(submit, patience_s=30)
    assert tries == 2


@asynccontextmanager
async def slow_to_hang_up(database_url: str) -> AsyncIterator[str]:
    """A way to the database on which all that the server says arrives, but not that it hung up."""
    over, answering = asyncio.Event(), set[asyncio.Task[None]]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ours = asyncio.current_task()
        assert ours is not None
        answering.add(ours)
        server_says, to_server = await to_postgresql(database_url)
        said = asyncio.create_task(carry(server_says, writer))
        asked = asyncio.create_task(carry(reader, to_server))
        await over.wait()
        for task in (said, asked):
            task.cancel()
        await asyncio.gather(said, asked, return_exceptions=True)
        for each in (writer, to_server):
            each.close()
            with contextlib.suppress(OSError):
                await each.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    parts = urlsplit(database_url)
    account = parts.netloc.rpartition("@")[0]
    port = server.sockets[0].getsockname()[1]
    try:
        yield parts._replace(netloc=f"{account}@127.0.0.1:{port}", query="").geturl()
    finally:
        over.set()
        await asyncio.gather(*answering)
        server.close()
        await server.wait_closed()


async def to_postgresql(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    folder = parse_qs(parts.query).get("host", [None])[0]
    if folder is None:
        return await asyncio.open_connection(parts.hostname, parts.port)
    port = parse_qs(parts.query).get("port", ["5432"])[0]
    return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


async def test_a_session_that_was_ended_between_two_statements_counts_as_away(database_url: str) -> None:
    told: list[Exception] = []
    async with slow_to_hang_up(database_url) as url, asyncio.timeout(60):
        while not any(type(error) is asyncpg.InternalClientError for error in told):
            session = await asyncpg.connect(url)
            killer = await asyncpg.connect(database_url)
            await killer.execute("SELECT pg_terminate_backend($1)", session.get_server_pid())
            await killer.close()
            await asyncio.sleep(0.2)  # the server's last words come meanwhile, and nobody has asked anything
            try:
                await session.fetchval("SELECT 1")
            except AWAY as error:
                told.append(error)
            session.terminate()

    assert all(isinstance(error, AWAY) for error in told)
