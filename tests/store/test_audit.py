"""Whoever changes history in the database is found out, and the audit names the event."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import pytest

from gateway.domain.audit import LogFault, Wrong, settled
from gateway.domain.merkle import perfect_root
from gateway.store.audit import AuditPage, audit_page
from gateway.store.connect import Connections
from gateway.store.event_log import TreeHead
from gateway.store.ledger import Ledger
from tests.store.making import AT, deliver
from tests.store.test_event_log import FILL

UNGUARDED = "SET LOCAL session_replication_role = 'replica'"


async def pages(pool: asyncpg.Pool, *, tiles: int = 1) -> list[AuditPage]:
    found, begin = [], 0
    while True:
        page = await audit_page(Connections(pool), begin, tiles=tiles)
        found.append(page)
        if page.following is None:
            return found
        begin = page.following


async def audit(pool: asyncpg.Pool, *, tiles: int = 1) -> list[LogFault]:
    return settled(fault for page in await pages(pool, tiles=tiles) for fault in page.faults)


async def tamper(pool: asyncpg.Pool, *statements: str) -> None:
    """What somebody with every right on the database may do."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(UNGUARDED)
        for statement in statements:
            await connection.execute(statement)


@pytest.fixture
async def filled(ledger: Ledger, pool: asyncpg.Pool) -> list[int]:
    """A log of 600 events; their numbers, leaf by leaf."""
    await pool.execute(FILL, 600)
    await ledger.log.grow()
    await ledger.log.keep_head(TreeHead(size=300, root=await ledger.log.root(300), at=AT, sealed=b"x"))
    await ledger.log.keep_head(TreeHead(size=600, root=await ledger.log.root(600), at=AT, sealed=b"x"))
    rows = await pool.fetch("SELECT event_no FROM event ORDER BY place, event_no")
    return [row["event_no"] for row in rows]


def named(faults: Sequence[LogFault]) -> list[tuple[Wrong, int | None]]:
    return [(fault.wrong, fault.event) for fault in faults]


@pytest.mark.parametrize("tiles", [1, 32])
async def test_a_log_left_alone_is_whole(pool: asyncpg.Pool, filled: list[int], tiles: int) -> None:
    found = await pages(pool, tiles=tiles)

    assert [fault for page in found for fault in page.faults] == []
    assert sum(page.leaves for page in found) == len(filled)
    assert [head.size for page in found for head in page.heads] == [300, 600]


async def test_an_empty_log_is_whole(pool: asyncpg.Pool) -> None:
    (page,) = await pages(pool)

    assert (page.size, page.leaves, page.faults) == (0, 0, ())


async def test_events_that_are_no_leaves_yet_are_no_fault(
    pool: asyncpg.Pool, ledger: Ledger, filled: list[int]
) -> None:
    await deliver(ledger)

    assert await audit(pool) == []


COLUMNS = {
    "at": "at + interval '1 microsecond'",
    "what": "'operator:resume'",
    "message_no": "5",
    "certificate_no": "5",
    "party": "NULL",
    "side": "'in'",
    "organisation": "'MOIT'",
    "who": "'somebody else'",
    "detail": "'{}'",
}


@pytest.mark.parametrize("column", COLUMNS)
async def test_a_row_that_was_altered_is_named(pool: asyncpg.Pool, filled: list[int], column: str) -> None:
    event = filled[400]

    await tamper(pool, f"UPDATE event SET {column} = {COLUMNS[column]} WHERE event_no = {event}")

    assert named(await audit(pool)) == [(Wrong.ALTERED, event)]


@pytest.mark.parametrize("leaf", [0, 255, 256, 599])
async def test_a_row_that_was_removed_is_named(pool: asyncpg.Pool, filled: list[int], leaf: int) -> None:
    await tamper(pool, f"DELETE FROM event WHERE event_no = {filled[leaf]}")

    (fault,) = await audit(pool)

    assert (fault.wrong, fault.event, fault.leaf) == (Wrong.REMOVED, filled[leaf], leaf)
    assert fault.text == f"event {filled[leaf]} (leaf {leaf}) is gone"


@pytest.mark.parametrize("beside", [0, 255, 400, 580])
async def test_a_row_that_was_inserted_is_named(pool: asyncpg.Pool, filled: list[int], beside: int) -> None:
    await tamper(
        pool,
        "INSERT INTO event (place, event_no, at, what) OVERRIDING SYSTEM VALUE"
        f" SELECT place, 9999, at, what FROM event WHERE event_no = {filled[beside]}",
    )

    assert named(await audit(pool)) == [(Wrong.INSERTED, 9999)]


@pytest.mark.parametrize(("leaf", "to"), [(10, 100), (10, 500), (500, 20)])
async def test_a_row_that_was_put_elsewhere_is_named(
    pool: asyncpg.Pool, filled: list[int], leaf: int, to: int
) -> None:
    there = f"(SELECT place FROM event WHERE event_no = {filled[to]})"

    await tamper(pool, f"UPDATE event SET place = {there} WHERE event_no = {filled[leaf]}")

    assert named(await audit(pool)) == [(Wrong.REORDERED, filled[leaf])]


async def test_two_rows_that_changed_places_are_named(pool: asyncpg.Pool, filled: list[int]) -> None:
    one, other = filled[20], filled[400]
    swap = "UPDATE event SET place = CASE event_no WHEN {} THEN (SELECT place FROM event WHERE event_no = {})"
    swap += " ELSE (SELECT place FROM event WHERE event_no = {}) END WHERE event_no IN ({}, {})"

    await tamper(pool, swap.format(one, other, one, one, other))

    assert sorted(named(await audit(pool))) == sorted([(Wrong.REORDERED, one), (Wrong.REORDERED, other)])


@pytest.mark.parametrize("column", ["message_id", "digest", "certificate_number"])
async def test_a_message_that_was_altered_is_found_by_its_events(
    ledger: Ledger, pool: asyncpg.Pool, column: str
) -> None:
    await deliver(ledger)
    size = await ledger.log.grow()

    await tamper(pool, f"UPDATE message SET {column} = 'x'")

    assert named(await audit(pool)) == [
        (Wrong.ALTERED, row["event_no"])
        for row in await pool.fetch("SELECT event_no FROM event ORDER BY place, event_no")
    ]
    assert size > 3


def row_and_leaf(event: int) -> tuple[str, str]:
    """Statements that alter the event of leaf 5, and its hash with it."""
    hashed = f"SELECT sha256('\\x00' || convert_to(entry, 'UTF8')) FROM log_entry WHERE event_no = {event}"
    return (
        f"UPDATE event SET who = 'x' WHERE event_no = {event}",
        f"UPDATE log_tile SET hashes = overlay(hashes PLACING ({hashed}) FROM 5 * 32 + 1)"
        " WHERE level = 0 AND number = 0",
    )


async def test_a_hash_that_was_altered_with_its_row_breaks_the_tree(
    pool: asyncpg.Pool, filled: list[int]
) -> None:
    await tamper(pool, *row_and_leaf(filled[5]))

    told = {fault.wrong: fault.text for fault in await audit(pool)}

    assert "leaves 0 to 255" in told[Wrong.HASHES]


async def test_a_tree_rewritten_with_its_rows_is_betrayed_by_its_heads(
    pool: asyncpg.Pool, filled: list[int]
) -> None:
    """Who rewrites rows and every hash above them still cannot seal the heads anew."""
    await tamper(pool, *row_and_leaf(filled[5]))
    tile = await pool.fetchval("SELECT hashes FROM log_tile WHERE level = 0 AND number = 0")
    await pool.execute(
        "UPDATE log_tile SET hashes = overlay(hashes PLACING $1::bytea FROM 1) WHERE level = 1",
        perfect_root(tile),
    )

    faults = await audit(pool)

    assert {fault.wrong for fault in faults} == {Wrong.HEAD}
    assert [fault.leaf for fault in faults] == [299, 599]


async def test_an_end_that_was_cut_off_is_betrayed_by_a_head(pool: asyncpg.Pool, filled: list[int]) -> None:
    await tamper(
        pool,
        f"DELETE FROM event WHERE event_no = ANY ('{{{','.join(map(str, filled[500:]))}}}')",
        f"UPDATE log_tile SET hashes = substr(hashes, 1, {(500 - 256) * 32}),"
        f" event_nos = event_nos[1:{500 - 256}] WHERE level = 0 AND number = 1",
        "DELETE FROM log_tile WHERE level = 0 AND number = 2",
        "UPDATE log_tile SET hashes = substr(hashes, 1, 32) WHERE level = 1",
        f"UPDATE log_position SET size = 500, event_no = {filled[499]},"
        f" place = (SELECT place FROM event WHERE event_no = {filled[499]})",
    )

    (fault,) = await audit(pool)

    assert "its end was cut off" in fault.text


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("DELETE FROM log_tile WHERE level = 0 AND number = 1", id="tile-gone"),
        pytest.param("DELETE FROM log_tile WHERE level = 1", id="upper-tile-gone"),
        pytest.param("UPDATE log_tile SET hashes = '' WHERE level = 0 AND number = 1", id="tile-emptied"),
        pytest.param("UPDATE log_tile SET event_nos = NULL WHERE number = 1", id="names-gone"),
        pytest.param("UPDATE log_tile SET event_nos = event_nos[2:] WHERE number = 0", id="names-cut"),
        pytest.param("UPDATE log_tile SET first_event_no = 0 WHERE number = 1", id="begins-elsewhere"),
        pytest.param("UPDATE log_position SET event_no = event_no - 1", id="position"),
    ],
)
async def test_a_change_of_the_log_itself_is_found(
    pool: asyncpg.Pool, filled: list[int], change: str
) -> None:
    await tamper(pool, change)

    assert await audit(pool) != []
