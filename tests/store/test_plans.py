"""
No named statement reads a large table from end to end; one that must is named here with its reason.

The statements are taken from the files themselves, so a new one is held to it from its first day.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import aiosql
import asyncpg
import pytest
import pytest_asyncio

from gateway.store import event_log
from gateway.store.connect import connect
from gateway.store.statements import queries, watching
from tests.servers import Servers
from tests.store.crowd import CROWD, scanned_whole
from tests.store.making import AT

FILES: Mapping[str, Any] = {"queries": queries, "watching": watching, "event_log": event_log.queries}
NAMES = sorted(
    (file, name)
    for file, statements in FILES.items()
    for name in statements.available_queries
    if not name.endswith("_cursor")
)

MAY_SCAN: Mapping[str, str] = {  # file.statement -> why it may
}

LIKELY: Mapping[tuple[str, str], object] = {
    ("party", "text"): "TH.CUSTOMS",
    ("message_id", "text"): "m5@x",
    ("conversation_id", "text"): "c5@x",
    ("number", "text"): "VN-5",
    ("family", "text"): "atiga/form-d",
    ("issuing_country", "text"): "VN",
    ("direction", "text"): "out",
    ("kind", "text"): "wire",
    ("statuses", "text"): "expired",
    ("most", "int8"): 10_000,
}
OF_TYPE: Mapping[str, object] = {
    "int2": 5,
    "int4": 5,
    "int8": 5,
    "float8": 5.0,
    "numeric": Decimal(5),
    "text": "x",
    "varchar": "x",
    "bool": True,
    "bytea": b"x",
    "timestamptz": AT,
    "date": date(2026, 11, 20),
    "interval": AT - AT,
    "uuid": UUID(int=5),
    "jsonb": {},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowded(servers: Servers) -> AsyncIterator[asyncpg.Pool]:
    """A ledger of 20,000 certificates; nothing is written to it."""
    async with servers.database("embedded") as url:
        pool = await connect(url, connections=1, at_least=1)
        try:
            await pool.execute(CROWD)
            yield pool
        finally:
            pool.terminate()


def argument(name: str, kind: str) -> object:
    """A value of this type, or the one that is there where the name tells what is meant."""
    plain = kind.removesuffix("[]")
    value = LIKELY.get((name, plain), OF_TYPE[plain])
    return [value] if kind.endswith("[]") else value


async def plans(connection: asyncpg.Connection[asyncpg.Record], file: str, name: str) -> list[str]:
    """How the server would run it: for these arguments, and for any."""
    statements = FILES[file]
    sql = getattr(statements, name).sql
    prepared = await connection.prepare(sql)
    names = statements.driver_adapter.var_sorted.get(name, ())
    given = [
        argument(parameter, kind.name)
        for parameter, kind in zip(names, prepared.get_parameters(), strict=True)
    ]
    found = []
    for mode in ("force_custom_plan", "force_generic_plan"):
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            found.append("\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {sql}", *given)))
        finally:
            await transaction.rollback()
    return found


@pytest.mark.parametrize(("file", "name"), NAMES)
@pytest.mark.asyncio(loop_scope="module")
async def test_no_statement_reads_a_large_table_from_end_to_end(
    crowded: asyncpg.Pool, file: str, name: str
) -> None:
    async with crowded.acquire() as connection:
        found = await plans(connection, file, name)  # type: ignore[arg-type]

    scanned = {table for plan in found for table in scanned_whole(plan)}
    assert scanned == set() or f"{file}.{name}" in MAY_SCAN, (scanned, found)


@pytest.mark.asyncio(loop_scope="module")
async def test_lanes_count_the_backlog_without_sorting_it(crowded: asyncpg.Pool) -> None:
    async with crowded.acquire() as connection:
        found = await plans(connection, "queries", "lanes")  # type: ignore[arg-type]

    for plan in found:
        assert "Sort Key: d.party" not in plan


def test_every_exception_is_a_statement() -> None:
    assert set(MAY_SCAN) <= {f"{file}.{name}" for file, name in NAMES}


def test_every_file_of_statements_is_held_to_it() -> None:
    assert {path.stem for path in Path(event_log.__file__).parent.glob("*.sql")} == set(FILES) - {"queries"}


def test_a_statement_stands_in_one_file() -> None:
    files = [
        aiosql.from_path(path, "asyncpg").available_queries
        for path in Path(event_log.__file__).parent.glob("queries/*.sql")
    ]

    assert sorted(name for names in files for name in names) == sorted(queries.available_queries)
