"""
The event log: every event is a leaf of a Merkle tree (RFC 6962), so that nobody changes history unseen.

The tree grows behind the ledger, in batches and in the order of the event feed, which never changes: what an
event costs is a hash. Its tiles are kept, so a proof reads a handful of rows however old the log is. Several
nodes may grow one log; who finds it locked leaves the work to the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import aiosql

from gateway.domain.errors import NotFound
from gateway.domain.merkle import (
    TILE_WIDTH,
    Range,
    TileId,
    append,
    consistency_ranges,
    edge,
    hash_of,
    hashes_of,
    inclusion_ranges,
    root_range,
    tiles_for,
)
from gateway.store.connect import Connection, Connections
from gateway.store.feeds import BEGINNING, never_given_out, position_of
from gateway.store.finishing import finished
from gateway.store.statements import OnConnection

BATCH = 2_048

queries: Any = aiosql.from_path(Path(__file__).with_name("event_log.sql"), cast("Any", OnConnection))


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """A tree of a size, with its root; *sealed* is the signed document that says so."""

    size: int
    root: bytes
    at: datetime
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """That an event is a leaf of the tree of a size: its text, its place among the leaves, the proof."""

    entry: str
    leaf: int
    size: int
    root: bytes
    proof: tuple[bytes, ...]


class EventLog:
    """Grows the tree, keeps its sealed heads, and proves."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    # ---- growing -----------------------------------------------------------------------------------------

    async def grow(self, *, batch: int = BATCH) -> int:
        """
        Append every event that stands for good by now.

        Returns:
            how many were appended.
        """
        appended = 0
        async with self._pool.acquire() as connection:
            while True:
                more = await finished(_grow(connection, batch))
                appended += more
                if more < batch:
                    return appended

    async def size(self) -> int:
        """How many leaves the tree has."""
        async with self._pool.acquire() as connection:
            size: int = await queries.log_size(connection)
        return size

    async def root(self, size: int) -> bytes:
        """
        The root of the tree as it was at *size*.

        Raises:
            NotFound: the tree is not that large.
            LogBroken: it has lost hashes.
        """
        async with self._pool.acquire() as connection:
            await _reaches(connection, size)
            return hash_of(root_range(size), await read_tiles(connection, tiles_for([root_range(size)])))

    # ---- heads -------------------------------------------------------------------------------------------

    async def keep_head(self, head: TreeHead) -> None:
        """Keep a sealed head; the first for a size stays."""
        async with self._pool.acquire() as connection:
            await finished(
                queries.keep_head(connection, size=head.size, root=head.root, at=head.at, sealed=head.sealed)
            )

    async def last_head(self) -> TreeHead | None:
        """The head of the largest tree that was sealed."""
        async with self._pool.acquire() as connection:
            return _head(await queries.last_head(connection))

    async def head_covering(self, size: int) -> TreeHead | None:
        """The smallest sealed head of at least *size* leaves."""
        async with self._pool.acquire() as connection:
            return _head(await queries.head_covering(connection, size=size))

    async def heads_between(self, above: int, most: int) -> tuple[TreeHead, ...]:
        """The sealed heads of trees larger than *above* and up to *most*, in order."""
        async with self._pool.acquire() as connection:
            rows = queries.heads_between(connection, above=above, most=most)
            return tuple([head async for row in rows if (head := _head(row)) is not None])

    # ---- proving -----------------------------------------------------------------------------------------

    async def inclusion(self, cursor: str, size: int | None = None) -> Inclusion:
        """
        Prove that the event at *cursor* of the feed is a leaf of the tree of *size*, the largest by default.

        Raises:
            UnknownCursor: there is no such event.
            NotFound: the tree of that size does not hold it yet, or there is no such tree.
            LogBroken: the log has lost hashes.
        """
        if cursor == BEGINNING:
            raise NotFound("An event is named by its cursor.")
        place, event_no = position_of(cursor)
        async with self._pool.acquire() as connection:
            found = await queries.leaf(connection, place=place, event_no=event_no)
            if found["entry"] is None:
                raise never_given_out(cursor)
            wanted = found["size"] if size is None else size
            _must_reach(found["size"], wanted)
            return await _inclusion(connection, found["leaf"], found["entry"], wanted)

    async def inclusions_of(
        self, message_nos: Sequence[int], certificate_no: int | None, size: int
    ) -> tuple[Inclusion, ...]:
        """Prove every event of these messages and of this certificate that the tree of *size* holds."""
        found = []
        async with self._pool.acquire() as connection:
            rows = [row async for row in queries.entries_of_messages(connection, message_nos=message_nos)]
            of_itself = queries.entries_of_certificate(connection, certificate_no=certificate_no)
            rows += [row async for row in of_itself]
            await _reaches(connection, size)
            for row in sorted(rows, key=lambda row: (row["place"], row["event_no"])):
                leaf = await queries.leaf_of(connection, place=row["place"], event_no=row["event_no"])
                if leaf is not None and leaf < size:
                    found.append(await _inclusion(connection, leaf, row["entry"], size))
        return tuple(found)

    async def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """
        Prove that the tree of *first* leaves is how the tree of *second* began.

        Raises:
            NotFound: there were never trees of these sizes, the first not larger than the second.
            LogBroken: the log has lost hashes.
        """
        async with self._pool.acquire() as connection:
            await _reaches(connection, second)
            try:
                ranges = consistency_ranges(first, second)
            except ValueError as error:
                raise NotFound(str(error)) from None
            return await _proof(connection, ranges)


async def _grow(connection: Connection, batch: int) -> int:
    async with connection.transaction():
        log = await queries.lock_log(connection)
        if log is None:
            return 0
        new = await queries.new_leaves(connection, place=log["place"], event_no=log["event_no"], batch=batch)
        if new is None or new["hashes"] is None:
            return 0
        size, count = log["size"], len(new["event_nos"])
        changed = append(size, new["hashes"], await read_tiles(connection, edge(size)))
        await queries.keep_tiles(
            connection,
            levels=[tile.level for tile in changed],
            numbers=[tile.number for tile in changed],
            hashes=list(changed.values()),
        )
        await _name_leaves(connection, size, new["places"], new["event_nos"])
        last = new["places"][-1], new["event_nos"][-1]
        await queries.move_log(connection, size=size + count, place=last[0], event_no=last[1])
        return count


async def _name_leaves(
    connection: Connection, size: int, places: Sequence[int], event_nos: Sequence[int]
) -> None:
    begin = 0
    while begin < len(event_nos):
        number, inside = divmod(size + begin, TILE_WIDTH)
        end = begin + TILE_WIDTH - inside
        await queries.name_leaves(
            connection,
            number=number,
            first_place=places[begin],
            first_event_no=event_nos[begin],
            event_nos=event_nos[begin:end],
        )
        begin = end


async def read_tiles(connection: Connection, wanted: Iterable[TileId]) -> dict[TileId, bytes]:
    """The tiles of *wanted* that are kept."""
    ids = sorted(wanted)
    rows = queries.tiles(
        connection, levels=[tile.level for tile in ids], numbers=[tile.number for tile in ids]
    )
    return {TileId(row["level"], row["number"]): row["hashes"] async for row in rows}


async def _proof(connection: Connection, ranges: Sequence[Range]) -> tuple[bytes, ...]:
    return hashes_of(ranges, await read_tiles(connection, tiles_for(ranges)))


async def _inclusion(connection: Connection, leaf: int | None, entry: str, size: int) -> Inclusion:
    if leaf is None or leaf >= size:
        raise NotFound("This event is not in the tree of that size.")
    (root, *proof) = await _proof(connection, [root_range(size), *inclusion_ranges(leaf, size)])
    return Inclusion(entry=entry, leaf=leaf, size=size, root=root, proof=tuple(proof))


async def _reaches(connection: Connection, size: int) -> None:
    _must_reach(await queries.log_size(connection), size)


def _must_reach(largest: int, size: int) -> None:
    if not 0 <= size <= largest:
        raise NotFound(f"There is no tree of {size} leaves; the largest has {largest}.")


def _head(row: Any) -> TreeHead | None:
    if row is None:
        return None
    return TreeHead(size=row["size"], root=row["root"], at=row["at"], sealed=row["sealed"])
