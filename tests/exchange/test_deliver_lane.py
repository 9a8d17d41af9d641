"""Lanes over real connections: whatever a party does to us, a message is delivered once, or says why not."""

from __future__ import annotations

import asyncio
import functools
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.acknowledge.reading import read_answer
from gateway.deliver.attempt import ReadAnswer
from gateway.deliver.lane import Lane
from gateway.deliver.pace import Pace
from gateway.deliver.transports.https import HttpsTransport
from gateway.domain.corridor import Party
from gateway.domain.errors import FormNotAgreed
from gateway.domain.ids import MessageId, PartyId
from gateway.domain.status import DeliveryStatus
from gateway.store.records import Held
from gateway.trust.check import check_seal
from gateway.trust.make import Kind
from tests.exchange.party_books import Books
from tests.exchange.party_server import (
    Behaviour,
    By,
    CutBeforeAnswer,
    CutBeforeReading,
    CutInAnswer,
    Delay,
    Garble,
    NeverAnswer,
    PartyServer,
    Reply,
)
from tests.exchange.tls import HOME, client_context, server_context
from tests.keys import PartyKeys, party_keys
from tests.messages import NOW, a_sealed_message
from tests.unit.deliver.ledger_in_memory import LedgerInMemory, Row
from tests.unit.deliver.parties import patience
from tests.unit.deliver.waiting import until

S = DeliveryStatus
PACE = Pace(poll_s=0.2, busy_poll_s=0.02, least_rest_s=0.002, window_most=8)
NAMES = ("TH.CUSTOMS", "MY.CUSTOMS", "ID.CUSTOMS", "PH.CUSTOMS", "KH.CUSTOMS")


def keys_of(name: str) -> PartyKeys:
    return party_keys(name, kind=Kind.ECDSA)


class Abroad:
    """A party abroad: its door, its books, and how we know it."""

    def __init__(self, folder: Path, name: str = NAMES[0]) -> None:
        self.keys = keys_of(name)
        self.books = Books(self.keys)
        self.server = PartyServer(server_context(folder, self.keys), usual=By(self.books.answer))

    def party(self, *, waits_s: tuple[float, ...] = (0.01,) * 6, receipt_within_s: float = 5.0) -> Party:
        return replace(
            self.keys.party(endpoint=self.server.endpoint),
            patience=patience(waits_s, receipt_within_s),
        )

    def owed(self, ledger: LedgerInMemory, count: int) -> list[Row]:
        """Owe it *count* sealed messages, each of a conversation of its own."""
        return [row for _ in range(count) for row in ledger.owe(party=self.keys.id, body=self._next(ledger))]

    def _next(self, ledger: LedgerInMemory) -> bytes:
        message_id = MessageId(f"m{len(ledger.rows) + 1}@vn.moit")
        return a_sealed_message(party_keys(HOME).own, message_id=message_id, receiver=self.keys.id)


@pytest.fixture
async def abroad(tmp_path: Path) -> AsyncIterator[Abroad]:
    there = Abroad(tmp_path)
    async with there.server:
        yield there


@pytest.fixture
def ledger() -> LedgerInMemory:
    return LedgerInMemory()


def reader_of_answers(party: Party) -> ReadAnswer:
    open_seal = functools.partial(check_seal, registered=party.sign, anchor=party.anchor, at=NOW)
    return functools.partial(read_answer, party=party, home=PartyId(HOME), open_seal=open_seal, at=NOW)


@asynccontextmanager
async def lanes(
    folder: Path, ledger: LedgerInMemory, *parties: Party, pace: Pace = PACE, grace_s: float = 5.0
) -> AsyncIterator[None]:
    """Run a lane for each party; at the end let them stop, and cancel what takes longer than *grace_s*."""
    stopping = asyncio.Event()
    async with AsyncExitStack() as stack, asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = []
        for party in parties:
            transport = HttpsTransport(
                party,
                tls=functools.cache(functools.partial(client_context, folder, keys_of(party.id))),
                connections=pace.window_most,
                knock_s=0.1,
            )
            lane = Lane(
                party,
                ledger=ledger,
                transport=await stack.enter_async_context(transport),
                read_answer=reader_of_answers(party),
                clock=lambda: NOW,
                jitter=lambda: 1.0,
                pace=pace,
            )
            running.append(tasks.create_task(lane.run(Held(party.id, 1), stopping)))
        yield
        stopping.set()
        for late in (await asyncio.wait(running, timeout=grace_s))[1]:
            late.cancel()


async def test_a_backlog_is_delivered_over_few_connections_each_message_once(
    tmp_path: Path, ledger: LedgerInMemory, abroad: Abroad
) -> None:
    rows = abroad.owed(ledger, 60)

    async with lanes(tmp_path, ledger, abroad.party()):
        await ledger.all_over()

    assert {row.status for row in rows} == {S.DELIVERED}
    assert all(row.receipt and row.receipt.digest == row.claim.digest for row in rows)
    assert set(abroad.books.asked.values()) == {1}
    assert abroad.server.connections <= PACE.window_most


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        pytest.param(CutBeforeReading(), S.AWAITING_RECEIPT, id="cut-before-reading"),
        pytest.param(CutBeforeAnswer(), S.AWAITING_RECEIPT, id="cut-before-answer"),
        pytest.param(CutInAnswer(), S.AWAITING_RECEIPT, id="cut-in-answer"),
        pytest.param(Garble(), S.AWAITING_RECEIPT, id="garbled"),
        pytest.param(NeverAnswer(), S.AWAITING_RECEIPT, id="never-answered"),
        pytest.param(By(Books(keys_of(NAMES[1])).answer), S.AWAITING_RECEIPT, id="wrong-signer"),
        pytest.param(Reply(body=b"<receipt/>"), S.AWAITING_RECEIPT, id="unsigned-receipt"),
        pytest.param(Reply(status=403, body=b"<no/>"), S.AWAITING_RECEIPT, id="unsigned-refusal"),
        pytest.param(Reply(status=500), S.AWAITING_RECEIPT, id="error-page"),
        pytest.param(
            Reply(status=307, headers={"Location": "https://127.0.0.1:1/"}), S.AWAITING_RECEIPT, id="redirect"
        ),
        pytest.param(Reply(body=b"x" * 2_000_000), S.AWAITING_RECEIPT, id="huge-answer"),
        pytest.param(Reply(status=503, headers={"Retry-After": "60"}), S.AWAITING_RETRY, id="asked-to-wait"),
    ],
)
async def test_after_any_fault_the_message_goes_again_and_is_delivered(
    tmp_path: Path, ledger: LedgerInMemory, abroad: Abroad, fault: Behaviour, status: DeliveryStatus
) -> None:
    [row] = abroad.owed(ledger, 1)
    abroad.server.script.append(fault)

    party = abroad.party(receipt_within_s=0.5 if isinstance(fault, NeverAnswer) else 5.0)

    async with lanes(tmp_path, ledger, party):
        await ledger.all_over()

    assert row.history == [S.READY_TO_SEND, S.SENDING, status, S.SENDING, S.DELIVERED]
    assert abroad.books.kept.total() == 1


async def test_a_sealed_refusal_is_final_and_sent_once(
    tmp_path: Path, ledger: LedgerInMemory, abroad: Abroad
) -> None:
    [row] = abroad.owed(ledger, 1)
    abroad.server.usual = By(abroad.books.refuse(FormNotAgreed("form not agreed")))

    async with lanes(tmp_path, ledger, abroad.party()):
        await ledger.all_over()

    assert (row.status, row.causes) == (S.REFUSED, ["S03: form not agreed"])
    assert len(abroad.server.requests) == 1


async def test_a_receipt_that_was_lost_comes_with_the_repeat(
    tmp_path: Path, ledger: LedgerInMemory, abroad: Abroad
) -> None:
    [row] = abroad.owed(ledger, 1)
    abroad.server.script += [By(abroad.books.keep_and_cut)] * 2

    async with lanes(tmp_path, ledger, abroad.party()):
        await ledger.all_over()

    assert row.status is S.DELIVERED
    assert (abroad.books.asked.total(), abroad.books.kept.total()) == (3, 1)


async def test_a_party_that_is_down_is_tried_until_it_comes_back(
    tmp_path: Path, ledger: LedgerInMemory, abroad: Abroad
) -> None:
    rows = abroad.owed(ledger, 5)
    await abroad.server.down()

    async with lanes(tmp_path, ledger, abroad.party(waits_s=(0.02,) * 200)):
        await until(lambda: all(row.attempts for row in rows))
        await abroad.server.up()
        await ledger.all_over()

    refused = f"T01: cannot connect to 127.0.0.1:{abroad.server.port}: refused"
    assert all(row.causes[0] == refused for row in rows)
    assert {row.status for row in rows} == {S.DELIVERED}


async def test_a_party_that_stays_down_lets_its_messages_expire_with_the_reason(
    tmp_path: Path, ledger: LedgerInMemory, abroad: Abroad
) -> None:
    [row] = abroad.owed(ledger, 1)
    await abroad.server.down()

    async with lanes(tmp_path, ledger, abroad.party()):
        await ledger.all_over()

    assert row.status is S.EXPIRED
    assert row.causes[-1] == (
        "T04: patience used up after 7 attempts; "
        f"last T01: cannot connect to 127.0.0.1:{abroad.server.port}: refused"
    )


@pytest.mark.parametrize("seed", range(3))
async def test_a_party_that_fails_at_random_keeps_each_message_once(
    tmp_path: Path, ledger: LedgerInMemory, abroad: Abroad, seed: int
) -> None:
    rows, dice = abroad.owed(ledger, 30), random.Random(seed)
    faults: list[Behaviour] = [
        By(abroad.books.keep_and_cut),
        Reply(status=503, headers={"Retry-After": "1"}),
        Reply(status=502, hang_up=True),
        Delay(0.02, CutBeforeAnswer()),
        CutInAnswer(),
        Garble(),
    ]
    abroad.server.script += [dice.choice([*faults, abroad.server.usual]) for _ in range(60)]

    async with lanes(tmp_path, ledger, abroad.party(waits_s=(0.01,) * 100)):
        await ledger.all_over(within_s=9)

    assert {row.status for row in rows} == {S.DELIVERED}
    assert abroad.books.kept == Counter(row.claim.message_id for row in rows)


async def test_a_dead_and_a_slow_party_delay_no_other(tmp_path: Path, ledger: LedgerInMemory) -> None:
    everybody = [Abroad(tmp_path, name) for name in NAMES]
    dead, slow, *healthy = everybody
    dead.server.usual = NeverAnswer()
    slow.server.usual = Delay(3.0, slow.server.usual)
    rows = {there.keys.id: there.owed(ledger, 20) for there in everybody}

    async with AsyncExitStack() as stack:
        for there in everybody:
            await stack.enter_async_context(there.server)
        async with lanes(tmp_path, ledger, *(there.party() for there in everybody), grace_s=0.0):
            await until(lambda: all(there.books.kept.total() == 20 for there in healthy))
            others = {row.status for there in (dead, slow) for row in rows[there.keys.id]}

    assert S.DELIVERED not in others


async def test_what_a_killed_lane_held_is_delivered_by_the_next_once_its_leases_run_out(
    tmp_path: Path, ledger: LedgerInMemory, abroad: Abroad
) -> None:
    rows = abroad.owed(ledger, 6)
    pace = Pace(poll_s=0.05, least_rest_s=0.002, lease_margin_s=0.05)
    party, answers = abroad.party(receipt_within_s=0.3), abroad.server.usual
    abroad.server.usual = NeverAnswer()
    async with lanes(tmp_path, ledger, party, pace=pace, grace_s=0.0):
        await until(lambda: abroad.server.requests)
    left = Counter(ledger.statuses())[S.SENDING]

    abroad.server.usual = answers
    async with lanes(tmp_path, ledger, party, pace=pace):
        await ledger.all_over()

    assert left > 0
    assert {row.status for row in rows} == {S.DELIVERED}


async def test_a_stop_lets_the_answer_under_way_arrive(
    tmp_path: Path, ledger: LedgerInMemory, abroad: Abroad
) -> None:
    [row] = abroad.owed(ledger, 1)
    abroad.server.usual = Delay(0.1, abroad.server.usual)

    async with lanes(tmp_path, ledger, abroad.party()):
        await until(lambda: abroad.server.requests)

    assert row.status is S.DELIVERED
