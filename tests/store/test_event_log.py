"""Events become leaves in the feed's order, each once, and every one of them can be proved."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from gateway.domain.errors import NotFound, UnknownCursor
from gateway.domain.merkle import is_consistent, leaf_hash, root_by_inclusion
from gateway.store.event_log import TreeHead
from gateway.store.ledger import Ledger
from tests.store.making import AT, TH, a_certificate, certificate_of, deliver

FILL = """
INSERT INTO event (place, at, what, party, who, detail)
SELECT (1::bigint << 48) + 1 + n / 7, timestamptz '2026-11-21 12:00Z' + n * interval '1 ms',
       'operator:suspend', 'TH.CUSTOMS', 'operator ' || n, jsonb_build_object('n', n)
  FROM generate_series(1, $1) AS n
"""


async def cursors(ledger: Ledger) -> list[str]:
    items, _ = await ledger.events(after=None, limit=5_000)
    return [item.cursor for item in items]


async def roots(ledger: Ledger, *sizes: int) -> list[bytes]:
    return [await ledger.log.root(size) for size in sizes]


async def test_every_event_becomes_a_leaf_once(ledger: Ledger) -> None:
    await deliver(ledger)

    appended = await ledger.log.grow()
    again = await ledger.log.grow()

    assert appended == len(await cursors(ledger)) > 3
    assert (again, await ledger.log.size()) == (0, appended)


@pytest.mark.parametrize("batch", [1, 100, 256, 1_000])
async def test_the_tree_is_the_same_however_it_grew(ledger: Ledger, pool: asyncpg.Pool, batch: int) -> None:
    await pool.execute(FILL, 700)

    await ledger.log.grow(batch=batch)

    entries = await pool.fetch("SELECT entry FROM log_entry ORDER BY place, event_no")
    leaves = [leaf_hash(row["entry"].encode()) for row in entries]
    kept = await pool.fetch("SELECT hashes FROM log_tile WHERE level = 0 ORDER BY number")
    assert b"".join(row["hashes"] for row in kept) == b"".join(leaves)
    assert await ledger.log.size() == 700


async def test_nodes_that_grow_one_log_at_once_grow_it_once(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await pool.execute(FILL, 2_000)

    await asyncio.gather(*(ledger.log.grow(batch=50) for _ in range(4)))
    await ledger.log.grow()

    assert await ledger.log.size() == 2_000
    assert await pool.fetchval("SELECT sum(cardinality(event_nos)) FROM log_tile") == 2_000


async def test_an_event_whose_transaction_is_open_is_waited_for(ledger: Ledger, pool: asyncpg.Pool) -> None:
    """A leaf never moves: what might still come before it must come first."""
    async with pool.acquire() as slow, slow.transaction():
        await slow.execute("INSERT INTO event (at, what) VALUES (now(), 'operator:slow')")
        await ledger.suspend(TH, who="op", reason=None, outgoing_only=False, at=AT)
        assert await ledger.log.grow() == 0

    assert await ledger.log.grow() == 2


async def test_every_event_is_proved_in_trees_of_all_sizes(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await pool.execute(FILL, 600)
    await ledger.log.grow()
    named = await cursors(ledger)
    all_sizes = {size: await ledger.log.root(size) for size in (1, 255, 256, 257, 511, 600)}

    for leaf in (0, 1, 254, 255, 256, 300, 510, 599):
        for size in (size for size in all_sizes if size > leaf):
            proved = await ledger.log.inclusion(named[leaf], size)
            root = root_by_inclusion(leaf, size, leaf_hash(proved.entry.encode()), proved.proof)
            assert (proved.leaf, root) == (leaf, all_sizes[size])


async def test_a_former_tree_is_shown_inside_a_later_one(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await pool.execute(FILL, 600)
    await ledger.log.grow()

    for first, second in ((1, 2), (255, 256), (256, 600), (300, 599), (600, 600)):
        proof = await ledger.log.consistency(first, second)
        before, after = await roots(ledger, first, second)
        assert is_consistent(first, before, second, after, proof)


async def test_a_leaf_names_the_message_and_the_digest_of_its_bytes(ledger: Ledger) -> None:
    taken = await ledger.submit(a_certificate())
    await ledger.log.grow()
    (first, *_) = await cursors(ledger)

    entry = (await ledger.log.inclusion(first)).entry

    (message,) = await ledger.find_messages(taken.message_id)
    assert f'"message_id" : "{taken.message_id}"' in entry
    assert f'"digest" : "{message.digest.hex()}"' in entry
    assert '"certificate_number" : "VN-1"' in entry


async def test_a_certificates_events_are_proved_together(ledger: Ledger) -> None:
    await deliver(ledger, "VN-1")
    await deliver(ledger, "VN-2")
    size = await ledger.log.grow()
    certificate = await certificate_of(ledger, "VN-2")

    proved = await ledger.log.inclusions_of([certificate.message_no], certificate.certificate_no, size)

    (root,) = await roots(ledger, size)
    assert len(proved) == size / 2
    for one in proved:
        assert root_by_inclusion(one.leaf, size, leaf_hash(one.entry.encode()), one.proof) == root


async def test_what_the_tree_does_not_hold_is_not_proved(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await pool.execute(FILL, 3)
    await ledger.log.grow()
    await ledger.suspend(TH, who="op", reason=None, outgoing_only=False, at=AT)
    named = await cursors(ledger)

    for asked in (ledger.log.inclusion(named[3]), ledger.log.inclusion(named[2], 2)):
        with pytest.raises(NotFound, match="not in the tree"):
            await asked
    for sizes in ((0, 3), (3, 2), (3, 4)):
        with pytest.raises(NotFound):
            await ledger.log.consistency(*sizes)
    with pytest.raises(NotFound, match="no tree of 4"):
        await ledger.log.root(4)
    with pytest.raises(UnknownCursor):
        await ledger.log.inclusion("1-2-3")


async def test_the_first_head_of_a_size_stays(ledger: Ledger) -> None:
    await ledger.log.keep_head(TreeHead(size=3, root=b"r" * 32, at=AT, sealed=b"<first/>"))
    await ledger.log.keep_head(TreeHead(size=3, root=b"r" * 32, at=AT, sealed=b"<second/>"))
    await ledger.log.keep_head(TreeHead(size=9, root=b"s" * 32, at=AT, sealed=b"<third/>"))

    last, covering = await ledger.log.last_head(), await ledger.log.head_covering(2)

    assert last is not None
    assert covering is not None
    assert (last.sealed, covering.sealed) == (b"<third/>", b"<first/>")
    assert await ledger.log.head_covering(10) is None
