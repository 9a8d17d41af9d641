"""A standby that answers in the primary's place counts as a database that is away, and is waited for."""

from __future__ import annotations

from urllib.parse import urlsplit

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
