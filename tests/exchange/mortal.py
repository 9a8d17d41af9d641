"""Lives that end: the points a gateway comes by, and connections that are cut at the one where it dies."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from gateway.store.statements import queries, watching

#: A connection that was cut under a statement may also end in a state that the driver calls its own fault.
BROKEN = (OSError, asyncpg.InterfaceError, asyncpg.PostgresError, asyncpg.InternalClientError)


class Dead(ConnectionResetError):
    """This life is over: whatever it still tries has no effect."""


@dataclass
class Fate:
    """Counts and names the points of one life, and ends it at one of them, known by number or by name."""

    dies_at: int | str | None
    points: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def step(self, what: str) -> None:
        """
        One more point; its name says what happens there, and for which time.

        Raises:
            Dead: it was the last, or came after it.
        """
        if not self.over.is_set():
            name = f"{what} #{self._times[what]}"
            self._times[what] += 1
            self.points.append(name)
            if self.dies_at in (len(self.points), name):
                self.over.set()
        if self.over.is_set():
            raise Dead("this life is over")

    _times: Counter[str] = field(default_factory=Counter, repr=False)


_NAMES = {
    getattr(named, name).sql: name.removesuffix("_cursor")
    for named in (queries, watching)
    for name in named.available_queries
}


def connection_of(fate: Fate) -> type[asyncpg.Connection]:
    """A kind of connection whose every statement is two points: before it goes out, after its answer came."""

    class Mortal(asyncpg.Connection):
        _last = "nothing"

        async def fetch(self, query: str, *arguments: Any, **named: Any) -> Any:
            return await self._mortally(super().fetch, query, *arguments, **named)

        async def fetchrow(self, query: str, *arguments: Any, **named: Any) -> Any:
            return await self._mortally(super().fetchrow, query, *arguments, **named)

        async def fetchval(self, query: str, *arguments: Any, **named: Any) -> Any:
            return await self._mortally(super().fetchval, query, *arguments, **named)

        async def execute(self, query: str, *arguments: Any, **named: Any) -> Any:
            return await self._mortally(super().execute, query, *arguments, **named)

        async def _mortally(self, way: Callable[..., Any], query: str, *arguments: Any, **named: Any) -> Any:
            name = _NAMES.get(query) or " ".join(query.split())[:17].strip(";")
            ends = f" of {self._last}" if name in ("COMMIT", "ROLLBACK") else ""
            fate.step(f"before {name}{ends}")
            found = await way(query, *arguments, **named)
            fate.step(f"after {name}{ends}{', rows' if isinstance(found, list) and found else ''}")
            self._last = name
            return found

    return Mortal
