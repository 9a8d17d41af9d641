"""The inbox and the events grow at their end alone, whatever the order of commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import repeat

import asyncpg
import pytest

from gateway.domain.caller import EVERYTHING, Sight
from gateway.domain.errors import UnknownCursor
from gateway.domain.ids import PartyId
from gateway.domain.status import MessageType
from gateway.store.connect import Connections
from gateway.store.feeds import settle
from gateway.store.ledger import Ledger
from gateway.store.migrate import migrate
from gateway.store.page import Page
from tests.servers import Servers
from tests.store.making import (
    AT,
    TH,
    a_certificate,
    admit,
    an_arrival,
    certificate_of,
    events_of,
)

ISSUED = Sight(issued=True)
RECEIVED = Sight(received=True)
OWN = Sight(organisation="MOIT-HN")
NOTHING = Sight()


async def tell(page: Page, what: str) -> None:
    await page.event(f"operator:{what}", at=AT, who="op")


async def arrive(page: Page, kind: MessageType = MessageType.PING) -> str:
    inbound = an_arrival(None, type=kind)
    message_no = await page.write_inbound(inbound, certificate_no=None)
    assert message_no is not None
    await page.put_in_inbox(message_no)
    return inbound.sealed.header.message_id


@asynccontextmanager
async def slow(ledger: Ledger, write: Callable[[Page], Awaitable[object]]) -> AsyncIterator[None]:
    """A page that was written and is committed only when the block ends."""
    written, finish = asyncio.Event(), asyncio.Event()

    async def turn() -> None:
        async with ledger.page() as page:
            await write(page)
            written.set()
            await finish.wait()

    task = asyncio.create_task(turn())
    await written.wait()
    try:
        yield
    finally:
        finish.set()
        await task


async def test_an_empty_feed_has_a_beginning(ledger: Ledger) -> None:
    assert await ledger.events(after=None, limit=10) == ([], "0")
    assert await ledger.inbox(after="0", limit=10) == ([], "0")


async def test_a_feed_is_paged_to_its_end_and_stays_there(ledger: Ledger) -> None:
    for n in range(5):
        async with ledger.page() as page:
            await tell(page, f"n{n}")

    seen: list[str] = []
    after = None
    while True:
        items, cursor = await ledger.events(after=after, limit=2)
        if not items:
            break
        assert cursor == items[-1].cursor
        seen += [item.what for item in items]
        after = cursor

    assert seen == [f"operator:n{n}" for n in range(5)]
    assert cursor == after


async def test_the_beginning_may_be_asked_for_by_its_cursor(ledger: Ledger) -> None:
    async with ledger.page() as page:
        await tell(page, "one")

    assert await ledger.events(after="0", limit=5) == await ledger.events(after=None, limit=5)


async def test_no_event_appears_before_a_cursor_that_was_handed_out(ledger: Ledger) -> None:
    async with slow(ledger, lambda page: tell(page, "early")):
        async with ledger.page() as page:
            await tell(page, "late")
        while_open, cursor = await ledger.events(after=None, limit=10)
        assert while_open == []

    items, _ = await ledger.events(after=cursor, limit=10)

    assert [item.what for item in items] == ["operator:early", "operator:late"]


async def test_what_is_open_in_another_database_of_the_server_holds_nothing_back(
    ledger: Ledger, servers: Servers, server_kind: str
) -> None:
    async with servers.database(server_kind, migrated=False) as elsewhere:
        neighbour = await asyncpg.connect(elsewhere)
        try:
            await neighbour.execute("BEGIN; SELECT pg_current_xact_id()")
            async with ledger.page() as page:
                await tell(page, "here")
                await arrive(page)

            assert await events_of(ledger) == ["operator:here"]
            assert len((await ledger.inbox(after=None, limit=10))[0]) == 1
        finally:
            await neighbour.close()


async def test_who_reads_is_shown_what_was_committed_as_soon_as_what_is_open_beside_it_ends(
    ledger: Ledger, pool: asyncpg.Pool
) -> None:
    patiently = partial(settle, Connections(pool), pauses_s=repeat(0.01))
    async with slow(ledger, lambda page: tell(page, "open")):
        async with ledger.page() as page:
            await tell(page, "committed")
        settled = asyncio.create_task(patiently())
        done, _ = await asyncio.wait([settled], timeout=0.1)
        assert not done

    async with asyncio.timeout(30):
        await settled

    assert await events_of(ledger) == ["operator:open", "operator:committed"]


async def test_interleaved_commits_keep_their_order(ledger: Ledger) -> None:
    handed_out: list[str] = []
    cursor = None

    async def read() -> None:
        nonlocal cursor
        items, cursor = await ledger.events(after=cursor, limit=100)
        handed_out.extend(item.what for item in items)

    async with slow(ledger, lambda page: tell(page, "a")):
        async with slow(ledger, lambda page: tell(page, "b")):
            async with ledger.page() as page:
                await tell(page, "c")
            await read()
        await read()
    await read()

    assert handed_out == ["operator:a", "operator:b", "operator:c"]
    assert handed_out == await events_of(ledger)


async def test_no_arrival_appears_before_a_cursor_that_was_handed_out(ledger: Ledger) -> None:
    async with ledger.page() as page:
        first = await arrive(page)
    async with slow(ledger, arrive):
        async with ledger.page() as page:
            last = await arrive(page)
        items, cursor = await ledger.inbox(after=None, limit=10)
        assert [item.message.message_id for item in items] == [first]

    items, _ = await ledger.inbox(after=cursor, limit=10)

    assert len(items) == 2
    assert items[-1].message.message_id == last


async def test_readers_among_many_writers_miss_nothing(ledger: Ledger) -> None:
    async def write(writer: int) -> None:
        for n in range(12):
            async with ledger.page() as page:
                await tell(page, f"w{writer}-{n}")
                await asyncio.sleep(0.001 * (writer % 4))

    async def read(until: asyncio.Event) -> list[str]:
        seen: list[str] = []
        cursor, last = None, False
        while True:
            last = until.is_set()
            items, cursor = await ledger.events(after=cursor, limit=7)
            seen += [item.what for item in items]
            if last and not items:
                return seen
            await asyncio.sleep(0)

    done = asyncio.Event()
    readers = [asyncio.create_task(read(done)) for _ in range(3)]
    await asyncio.gather(*(write(writer) for writer in range(8)))
    done.set()

    truth = await events_of(ledger)
    assert len(truth) == len(set(truth)) == 8 * 12
    assert [await reader for reader in readers] == [truth] * 3


async def test_an_open_reader_holds_nothing_back(ledger: Ledger, pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        await connection.fetchval("SELECT count(*) FROM event")

        async with ledger.page() as page:
            await tell(page, "seen")

        assert await events_of(ledger) == ["operator:seen"]


UNKNOWN = ["x", "", "-", "1-1", "1-1-1-1", "1-999999-1", "0-0-0", "99999-1-1", "1-1-٣", " 0", "00", "-1-1-1"]


@pytest.mark.parametrize("cursor", UNKNOWN)
async def test_a_cursor_that_was_never_given_out_is_told(ledger: Ledger, cursor: str) -> None:
    async with ledger.page() as page:
        await tell(page, "one")

    with pytest.raises(UnknownCursor):
        await ledger.events(after=cursor, limit=5)
    with pytest.raises(UnknownCursor):
        await ledger.inbox(after=cursor, limit=5)


async def test_one_feeds_cursor_is_not_anothers(ledger: Ledger) -> None:
    async with ledger.page() as page:
        for n in range(5):
            await tell(page, f"n{n}")
    _, cursor = await ledger.events(after=None, limit=5)

    with pytest.raises(UnknownCursor):
        await ledger.inbox(after=cursor, limit=5)


async def test_a_database_restored_elsewhere_goes_on_after_its_last_cursor(
    ledger: Ledger, pool: asyncpg.Pool, database_url: str
) -> None:
    for what in ("one", "two"):
        async with ledger.page() as page:
            await tell(page, what)
            await arrive(page)
    (first, *_), _ = await ledger.events(after=None, limit=5)
    # As after a dump and restore: this cluster is another, and its transactions are numbered from lower on.
    await pool.execute("UPDATE feed_epoch SET system_identifier = 42")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL gateway.housekeeping = 'on'")
        await connection.execute("UPDATE event SET place = place + 1000000 WHERE what = 'operator:two'")
        await connection.execute("UPDATE inbox SET place = place + 1000000")

    assert await migrate(database_url) == []
    async with ledger.page() as page:
        await tell(page, "three")
        await arrive(page)

    items, _ = await ledger.events(after=first.cursor, limit=5)
    assert [item.what for item in items] == ["operator:two", "operator:three"]
    assert len((await ledger.inbox(after=None, limit=5))[0]) == 3


async def test_the_same_cluster_opens_no_new_epoch(pool: asyncpg.Pool, database_url: str) -> None:
    await migrate(database_url)

    assert await pool.fetchval("SELECT count(*) FROM feed_epoch") == 1


# ---- who sees what -----------------------------------------------------------------------------------------


async def fill(ledger: Ledger) -> None:
    """One certificate out of each of two organisations with an answer each, one in, and a suspension."""
    for number, organisation in (("VN-1", "MOIT-HN"), ("VN-2", "VCCI")):
        await ledger.submit(a_certificate(number, organisation=organisation))
        certificate = await certificate_of(ledger, number)
        async with ledger.page() as page:
            answer = an_arrival(number, type=MessageType.CUSTOMS_RESPONSE)
            message_no = await page.write_inbound(answer, certificate_no=certificate.certificate_no)
            assert message_no is not None
            await page.put_in_inbox(message_no)
    await admit(ledger, an_arrival("TH-1"), answered=True)
    await ledger.suspend(PartyId("MY.CUSTOMS"), who="op", reason=None, outgoing_only=False, at=AT)


@pytest.mark.parametrize(
    ("sight", "numbers"),
    [
        pytest.param(EVERYTHING, ["VN-1", "VN-1", "VN-2", "VN-2", "TH-1", "TH-1", None], id="everything"),
        pytest.param(ISSUED, ["VN-1", "VN-1", "VN-2", "VN-2"], id="issued"),
        pytest.param(RECEIVED, ["TH-1", "TH-1"], id="received"),
        pytest.param(OWN, ["VN-1", "VN-1"], id="own"),
        pytest.param(
            Sight(organisation="VCCI", received=True), ["VN-2", "VN-2", "TH-1", "TH-1"], id="two-roles"
        ),
        pytest.param(NOTHING, [], id="nothing"),
    ],
)
async def test_events_are_shown_to_whom_they_concern(
    ledger: Ledger, sight: Sight, numbers: list[str | None]
) -> None:
    await fill(ledger)

    items, _ = await ledger.events(after=None, limit=50, sight=sight)

    assert [item.certificate_number for item in items] == numbers


@pytest.mark.parametrize(
    ("sight", "numbers"),
    [
        pytest.param(EVERYTHING, ["VN-1", "VN-2", "TH-1"], id="everything"),
        pytest.param(RECEIVED, ["TH-1"], id="received"),
        pytest.param(OWN, ["VN-1"], id="own"),
        pytest.param(Sight(issued=True, received=True), ["VN-1", "VN-2", "TH-1"], id="both-sides"),
        pytest.param(NOTHING, [], id="nothing"),
    ],
)
async def test_arrivals_are_shown_to_whom_they_concern(
    ledger: Ledger, sight: Sight, numbers: list[str]
) -> None:
    await fill(ledger)

    items, _ = await ledger.inbox(after=None, limit=50, sight=sight)

    assert [item.message.certificate_number for item in items] == numbers


async def test_the_inbox_may_be_asked_for_one_type(ledger: Ledger) -> None:
    await fill(ledger)

    items, cursor = await ledger.inbox(after=None, limit=50, type=MessageType.CERTIFICATE)
    none, same = await ledger.inbox(after=cursor, limit=50, type=MessageType.CERTIFICATE)

    assert [item.message.certificate_number for item in items] == ["TH-1"]
    assert (none, same) == ([], cursor)


async def test_an_arrival_is_shown_once(ledger: Ledger) -> None:
    async with ledger.page() as page:
        message_no = await page.write_inbound(an_arrival(None, type=MessageType.PING), certificate_no=None)
        assert message_no is not None
        await page.put_in_inbox(message_no)
        await page.put_in_inbox(message_no)

    items, _ = await ledger.inbox(after=None, limit=50)

    assert [item.message.message_no for item in items] == [message_no]
    assert items[0].message.party == TH
