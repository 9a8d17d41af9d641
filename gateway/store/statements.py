"""
The named statements, loaded once: ``queries.claim(connection, party=…)``.

The folder ``queries`` holds those of the way of a message and of who looks at it, a file a subject;
``watching.sql`` those of the watch over it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, cast

import aiosql
import asyncpg
from aiosql.adapters.asyncpg import AsyncPGAdapter

from gateway.store.connect import Connection

QUERIES = Path(__file__).with_name("queries")
WATCHING = Path(__file__).with_name("watching.sql")


class OnConnection(AsyncPGAdapter):
    """
    Runs a statement on a connection and nothing else.

    aiosql's own adapter asks at every call whether it was given a pool, which costs more than the call.
    """

    def arguments(self, query_name: str, parameters: Mapping[str, object]) -> list[object]:
        """The *parameters* of the statement in the order of its placeholders."""
        return [parameters[name] for name in self.var_sorted[query_name]]

    async def select(
        self, conn: Connection, query_name: str, sql: str, parameters: Any, record_class: Any = None
    ) -> AsyncIterator[asyncpg.Record]:
        """The rows, one by one."""
        for row in await conn.fetch(sql, *self.arguments(query_name, parameters)):
            yield row

    async def select_one(
        self, conn: Connection, query_name: str, sql: str, parameters: Any, record_class: Any = None
    ) -> asyncpg.Record | None:
        """The first row, None when there is none."""
        return await conn.fetchrow(sql, *self.arguments(query_name, parameters))

    async def select_value(self, conn: Connection, query_name: str, sql: str, parameters: Any) -> object:
        """The first column of the first row, None when there is no row."""
        return await conn.fetchval(sql, *self.arguments(query_name, parameters))

    async def insert_update_delete(self, conn: Connection, query_name: str, sql: str, parameters: Any) -> str:
        """Nothing comes back; the statement stays prepared like all others."""
        await conn.fetch(sql, *self.arguments(query_name, parameters))
        return ""


queries: Any = aiosql.from_path(QUERIES, cast("Any", OnConnection))
watching: Any = aiosql.from_path(WATCHING, cast("Any", OnConnection))
