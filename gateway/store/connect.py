"""Connections to the database: how they are opened, and waiting for one that is still starting."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

Result = TypeVar("Result")

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

#: The database is not there, not there yet, or has just gone; or a standby answers in its place, as for a
#: moment in a failover, and takes no writes.
AWAY = (
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    # What the driver calls a fault of its own: the server ended the session between two steps of a statement.
    asyncpg.InternalClientError,
)

#: It is away, or it is there and will not have us: no such database, a wrong password, a missing right.
UNUSABLE = (*AWAY, asyncpg.PostgresError)

_SETTINGS = {
    "application_name": "eco-gateway",
    "jit": "off",
    # A page is milliseconds long; one that was left open would hold the feeds back for everybody.
    "idle_in_transaction_session_timeout": "60s",
}


holds_page: ContextVar[bool] = ContextVar("holds_page", default=False)
"""Whether this task is inside ``Ledger.page``."""


class Connections:
    """
    A pool from which a task that has a page open gets no second connection.

    With as many pages open as there are connections, each waiting for one more, nobody would ever go on. What
    a page needs is read through the page; asking the ledger instead is a fault of ours, told at once.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    def acquire(self) -> PoolAcquireContext[asyncpg.Record]:
        """
        A connection, to be awaited or entered.

        Raises:
            RuntimeError: this task has a page open.
        """
        if holds_page.get():
            raise RuntimeError("this task has a page open: read through the page")
        return _Acquired(self._pool, None)

    async def release(self, connection: Connection) -> None:
        """Give back a connection that was awaited."""
        assert isinstance(connection, PoolConnectionProxy)
        await self._pool.release(connection)


class _Acquired(PoolAcquireContext):
    """
    A connection for a block. What ended the block is told, whatever giving the connection back comes to.

    A connection that broke as its task was cancelled would else hide the cancellation, and loops that await a
    lost database would take it for one and go on.
    """

    async def __aexit__(self, *raised: object) -> None:
        with contextlib.suppress(*(() if raised[0] is None else (Exception,))):
            await super().__aexit__(*raised)


async def connect(
    dsn: str,
    *,
    connections: int = 16,
    patience_s: float = 60.0,
    at_least: int = 2,
    kind: type[asyncpg.Connection] = asyncpg.Connection,
) -> asyncpg.Pool:
    """
    Open a pool, waiting up to *patience_s* for a database that is away or starting.

    Args:
        connections: how many at most; ``Ledger.listen`` keeps one of them for itself.
        at_least: how many are opened at once and kept.
        kind: of connections; a drill may bring some that break.

    Raises:
        OSError, asyncpg.PostgresError: it is still away, or refuses us.
    """

    async def open_pool() -> asyncpg.Pool:
        pool = asyncpg.create_pool(
            dsn,
            min_size=min(at_least, connections),
            max_size=connections,
            connection_class=kind,
            max_queries=1_000_000,
            init=_prepare,
            reset=_leave_as_it_is,
            statement_cache_size=200,
            max_cached_statement_lifetime=0,
            server_settings=_SETTINGS,
        )
        return await pool

    return await patiently(open_pool, patience_s=patience_s)


async def connect_once(dsn: str, *, patience_s: float = 60.0) -> asyncpg.Connection:
    """One connection outside any pool; the caller closes it."""

    async def open_connection() -> asyncpg.Connection:
        return await asyncpg.connect(dsn, server_settings={"application_name": "eco-gateway"})

    return await patiently(open_connection, patience_s=patience_s)


async def patiently(work: Callable[[], Awaitable[Result]], *, patience_s: float) -> Result:
    """Do *work*, again and again for *patience_s* while the database is away; then raise what it raised."""
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(AWAY),
        stop=stop_after_delay(patience_s),
        wait=wait_random_exponential(multiplier=0.05, max=2),
        reraise=True,
    ):
        with attempt:
            return await work()
    raise AssertionError("tenacity returns or raises")


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_to_json, decoder=json.loads, format="text"
    )


async def _leave_as_it_is(connection: asyncpg.Connection) -> None:
    """No statement of ours changes its session, and a reset would cost a round trip at every use."""


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
