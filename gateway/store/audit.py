"""Holding the event log against the events: leaf by leaf, tile by tile, head by head, in bounded steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.domain.audit import LogFault, Wrong, compare
from gateway.domain.errors import LogBroken
from gateway.domain.merkle import (
    HASH_BYTES,
    TILE_WIDTH,
    TileId,
    hash_of,
    perfect_root,
    root_range,
    tiles_for,
)
from gateway.store.connect import Connection, Connections
from gateway.store.event_log import TreeHead, queries, read_tiles

TILES_AT_ONCE = 128
_FULL = TILE_WIDTH * HASH_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """
    One step of an audit.

    Attributes:
        leaves: how many were held against their events.
        heads: the sealed heads of the trees that end in this step, whose seals are not looked at here.
        following: the leaf from which to go on, None at the end.
    """

    size: int
    leaves: int
    faults: tuple[LogFault, ...]
    heads: tuple[TreeHead, ...]
    following: int | None


async def audit_page(pool: Connections, begin: int, *, tiles: int = TILES_AT_ONCE) -> AuditPage:
    """
    Audit some leaves from *begin*, which is 0 or what the step before said follows.

    Every step sees the log as of one moment; what is appended meanwhile is met by a later one.
    """
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        end = await queries.log_end(connection)
        size = end["size"]
        first = begin // TILE_WIDTH
        last = min(first + tiles, _count(size)) - 1
        faults = await _leaves(connection, first, last, (end["place"], end["event_no"]), size)
        until = min((last + 1) * TILE_WIDTH, size)
        heads, wrong = await _heads(connection, first * TILE_WIDTH, until, size)
        faults += wrong
        if until == size:
            faults += await _upper_tiles(connection)
    return AuditPage(
        size=size,
        leaves=until - first * TILE_WIDTH,
        faults=tuple(faults),
        heads=heads,
        following=None if until == size else until,
    )


def _count(size: int) -> int:
    return -(-size // TILE_WIDTH)


async def _leaves(
    connection: Connection, first: int, last: int, end: tuple[int, int], size: int
) -> list[LogFault]:
    """Tiles *first* to *last*, and all events from where they begin to where the next begins."""
    rows = {row["number"]: row async for row in queries.leaf_tiles(connection, first=first, last=last + 1)}
    known = [rows[number] for number in range(first, last + 1) if number in rows]
    faults = [_gone(0, number) for number in range(first, last + 1) if number not in rows]
    after = rows.get(last + 1)
    begins = (0, 0) if first == 0 or not known else (known[0]["first_place"], known[0]["first_event_no"])
    ends = (after["first_place"], after["first_event_no"]) if after else (end[0], end[1] + 1)
    found = await queries.hashed_events(
        connection,
        from_place=begins[0],
        from_event_no=begins[1],
        to_place=ends[0],
        to_event_no=ends[1],
    )
    faults += await _tile_faults(connection, known, size)
    named = [event for row in known for event in row["event_nos"] or ()]
    logged = b"".join(row["hashes"] for row in known)
    if len(logged) != len(named) * HASH_BYTES:
        faults.append(_changed(f"leaves from {first * TILE_WIDTH} have not one hash each"))
    return faults + compare(first * TILE_WIDTH, named, logged, found["event_nos"], found["hashes"])


async def _tile_faults(connection: Connection, rows: Sequence[Any], size: int) -> list[LogFault]:
    """A full tile must be what the tile above it was made from."""
    above = await read_tiles(connection, {TileId(1, row["number"] // TILE_WIDTH) for row in rows})
    faults = []
    for row in rows:
        number, hashes = row["number"], row["hashes"]
        if (number + 1) * TILE_WIDTH > size:
            continue
        at = number % TILE_WIDTH * HASH_BYTES
        kept = above.get(TileId(1, number // TILE_WIDTH), b"")[at : at + HASH_BYTES]
        if len(hashes) != _FULL or perfect_root(hashes) != kept:
            span = f"{number * TILE_WIDTH} to {(number + 1) * TILE_WIDTH - 1}"
            events = f"{row['first_event_no']} and those after it"
            faults.append(_changed(f"leaves {span} (event {events}) are not those the tree was made of"))
    return faults


async def _upper_tiles(connection: Connection) -> list[LogFault]:
    rows = {(row["level"], row["number"]): row["hashes"] async for row in queries.upper_tiles(connection)}
    faults = []
    for (level, number), hashes in rows.items():
        if len(hashes) != _FULL:
            continue
        at = number % TILE_WIDTH * HASH_BYTES
        if rows.get((level + 1, number // TILE_WIDTH), b"")[at : at + HASH_BYTES] != perfect_root(hashes):
            faults.append(_changed(f"tile {number} of level {level} is not what the tree was made of"))
    return faults


async def _heads(
    connection: Connection, above: int, until: int, size: int
) -> tuple[tuple[TreeHead, ...], list[LogFault]]:
    """The heads in this step; those beyond the tree come in its last."""
    most = until if until < size else 1 << 62
    rows = [row async for row in queries.heads_between(connection, above=above, most=most)]
    heads = tuple(TreeHead(**row) for row in rows)
    return heads, [fault for head in heads if (fault := await _head_fault(connection, head, size))]


async def _head_fault(connection: Connection, head: TreeHead, size: int) -> LogFault | None:
    if head.size > size:
        return head_fault(head, f"is of {head.size} leaves, but the log has {size}: its end was cut off")
    try:
        tiles = await read_tiles(connection, tiles_for([root_range(head.size)]))
        root = hash_of(root_range(head.size), tiles)
    except LogBroken as broken:
        return head_fault(head, str(broken))
    if root != head.root:
        return head_fault(head, "has another root: some of its leaves were rewritten")
    return None


def head_fault(head: TreeHead, words: str) -> LogFault:
    """What is wrong with a head."""
    return LogFault(
        wrong=Wrong.HEAD, leaf=head.size - 1, event=None, text=f"the head of size {head.size} {words}"
    )


def _changed(words: str) -> LogFault:
    return LogFault(wrong=Wrong.HASHES, leaf=None, event=None, text=f"the log's own hashes: {words}")


def _gone(level: int, number: int) -> LogFault:
    return _changed(f"tile {number} of level {level} is gone")
