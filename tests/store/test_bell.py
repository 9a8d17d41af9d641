"""Lanes hear of what is owed: at once in their own process, soon on another node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg

from gateway.domain.ids import PartyId
from gateway.store.bell import Changes
from gateway.store.connect import connect
from gateway.store.ledger import Ledger
from tests.store.making import AT, MY, TH, a_certificate, admit, an_arrival, claim_one, failed, owe


class Heard:
    """The parties that were called, and waiting for one."""

    def __init__(self) -> None:
        self.parties: list[PartyId] = []
        self._rung = asyncio.Event()

    def __call__(self, party: PartyId) -> None:
        self.parties.append(party)
        self._rung.set()

    async def one(self) -> PartyId:
        async with asyncio.timeout(10):
            await self._rung.wait()
        return self.parties[0]


@asynccontextmanager
async def listening(ledger: Ledger, hear: Callable[[PartyId], None]) -> AsyncIterator[None]:
    task = asyncio.create_task(ledger.listen(hear))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


_LISTENERS = (
    "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle'"
    " AND datname = current_database() AND pid IS DISTINCT FROM $1"
)


async def listener(pool: asyncpg.Pool, *, other_than: int | None = None) -> int:
    """The server process that has begun to listen, once there is one."""
    for _ in range(1000):
        if (pid := await pool.fetchval(_LISTENERS, other_than)) is not None:
            return int(pid)
        await asyncio.sleep(0.01)
    raise AssertionError("nobody listens")


async def test_a_submission_is_heard_at_once(ledger: Ledger) -> None:
    heard = Heard()

    async with listening(ledger, heard):
        await ledger.submit(a_certificate())

        assert heard.parties == [TH]


async def test_a_repeat_rings_nothing(ledger: Ledger) -> None:
    await ledger.submit(a_certificate())
    heard = Heard()

    async with listening(ledger, heard):
        await ledger.submit(a_certificate())

    assert heard.parties == []


async def test_everything_that_falls_due_is_heard(ledger: Ledger) -> None:
    heard = Heard()

    async with listening(ledger, heard):
        message_no = await owe(ledger, "c@x", party=MY)
        await ledger.operate("hold", message_no, who="op", reason=None, at=AT)
        await ledger.operate("release", message_no, who="op", reason=None, at=AT)
        await admit(ledger, an_arrival(), answered=True)
        await ledger.settle([failed(await claim_one(ledger))])
        await ledger.wake(TH)
        await ledger.suspend(MY, who="op", reason=None, outgoing_only=False, at=AT)
        await ledger.resume(MY, who="op", reason=None, at=AT)
        await ledger.operate("withdraw", message_no, who="op", reason=None, at=AT)

    assert heard.parties == [MY, MY, TH, TH, MY, MY, MY]


async def test_another_node_hears_it_too(ledger: Ledger, pool: asyncpg.Pool, database_url: str) -> None:
    other_pool = await connect(database_url, connections=4, at_least=1)
    here, there = Heard(), Heard()
    try:
        async with listening(Ledger(other_pool), there):
            await listener(other_pool)
            async with listening(ledger, here):
                await ledger.submit(a_certificate())

                assert await there.one() == TH
        assert here.parties == [TH]
    finally:
        other_pool.terminate()


async def test_a_lost_connection_is_made_again(ledger: Ledger, pool: asyncpg.Pool, database_url: str) -> None:
    other_pool = await connect(database_url, connections=4, at_least=1)
    heard = Heard()
    try:
        async with listening(Ledger(other_pool), heard):
            pid = await listener(pool)
            await pool.execute("SELECT pg_terminate_backend($1)", pid)
            await listener(pool, other_than=pid)
            await pool.execute("SELECT pg_notify('delivery', 'TH.CUSTOMS')")

            assert await heard.one() == TH
    finally:
        other_pool.terminate()


async def test_a_change_while_somebody_looks_is_told_to_each_who_waits_afterwards() -> None:
    changes = Changes()
    told: list[str] = []

    async def look(name: str) -> None:
        await changes.wait(60)  # the first time at once
        looking.append(name)
        await rung.wait()
        await changes.wait(60)
        told.append(name)
        await changes.wait(60)
        told.append(f"{name} again")

    looking: list[str] = []
    rung = asyncio.Event()
    async with asyncio.timeout(30):
        tasks = [asyncio.create_task(look(name)) for name in "ab"]
        while len(looking) < 2:  # noqa: ASYNC110  (what is watched knows of no event)
            await asyncio.sleep(0)
        changes.ring()
        rung.set()
        while len(told) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)
        changes.ring()
        await asyncio.gather(*tasks)

    assert sorted(told) == ["a", "a again", "b", "b again"]


async def test_nobody_waits_longer_than_he_asked() -> None:
    changes = Changes()
    await changes.wait(60)

    async with asyncio.timeout(30):
        await changes.wait(0.01)
