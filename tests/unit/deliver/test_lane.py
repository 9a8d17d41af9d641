from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import structlog
from structlog.testing import capture_logs

from gateway.deliver.attempt import ReadAnswer, Transport, draw_jitter
from gateway.deliver.lane import Lane
from gateway.deliver.pace import Pace
from gateway.deliver.verdict import JITTER
from gateway.domain.answer import Answer
from gateway.domain.corridor import Party
from gateway.domain.errors import (
    Misconfigured,
    PartyAskedToWait,
    PartyRefused,
    PartyUnreachable,
    RegistryFault,
)
from gateway.domain.ids import PartyId
from gateway.domain.status import DeliveryStatus
from gateway.store.records import CheckedReceipt, Claim, Held
from tests.unit.deliver.ledger_in_memory import (
    LedgerInMemory,
    LedgerThatCannotWrite,
    LedgerThatGoesAway,
    LedgerThatSettlesSlowly,
)
from tests.unit.deliver.parties import NOW, TH, a_party, a_receipt
from tests.unit.deliver.transports import (
    TransportThatDelivers,
    TransportThatFails,
    TransportThatWaits,
    believe,
)
from tests.unit.deliver.waiting import until

S = DeliveryStatus
HELD = Held(TH, 1)
QUICK = Pace(poll_s=0.2, busy_poll_s=0.02, least_rest_s=0.002, ledger_rests_s=(0.005, 0.02))


def refused_connection() -> PartyUnreachable:
    return PartyUnreachable("cannot connect to th.example:8443: refused")


def a_lane(
    ledger: LedgerInMemory,
    transport: Transport,
    *,
    read_answer: ReadAnswer = believe,
    party: Party | None = None,
    pace: Pace = QUICK,
    jitter: Callable[[], float] = lambda: 1.0,
) -> Lane:
    return Lane(
        party or a_party(),
        ledger=ledger,
        transport=transport,
        read_answer=read_answer,
        clock=lambda: NOW,
        jitter=jitter,
        pace=pace,
    )


@asynccontextmanager
async def running(*lanes: Lane) -> AsyncIterator[None]:
    """Run *lanes* until the block ends, then let them stop by themselves."""
    stopping = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        for lane in lanes:
            tasks.create_task(lane.run(Held(lane.party.id, 1), stopping))
        yield
        stopping.set()


async def test_everything_owed_is_delivered_with_its_receipt() -> None:
    ledger = LedgerInMemory()
    rows = ledger.owe(25)

    async with running(a_lane(ledger, TransportThatDelivers())):
        await ledger.all_over()

    assert all(row.history == [S.READY_TO_SEND, S.SENDING, S.DELIVERED] for row in rows)
    assert all(row.receipt == a_receipt(row.claim) for row in rows)


async def test_a_commit_wakes_a_lane_long_before_it_would_look() -> None:
    ledger = LedgerInMemory()
    lane = a_lane(ledger, TransportThatDelivers(), pace=Pace(poll_s=60))

    async with running(lane):
        await until(lambda: ledger.claim_sizes == [0])
        ledger.owe()
        lane.wake()
        await ledger.all_over()


async def test_a_lane_that_nobody_wakes_looks_by_itself() -> None:
    ledger = LedgerInMemory()

    async with running(a_lane(ledger, TransportThatDelivers(), pace=Pace(poll_s=0.02))):
        await until(lambda: ledger.claim_sizes == [0])
        ledger.owe()
        await ledger.all_over()


async def test_claims_and_settlements_come_in_batches() -> None:
    ledger = LedgerInMemory()
    ledger.owe(64)

    async with running(a_lane(ledger, TransportThatDelivers(0.005))):
        await ledger.all_over()

    assert max(ledger.claim_sizes) > 1
    assert max(ledger.settle_sizes) > 1
    assert len(ledger.settle_sizes) < 64


async def test_no_more_attempts_are_in_flight_than_the_window_has_room_for() -> None:
    ledger, transport = LedgerInMemory(), TransportThatDelivers(0.002)
    ledger.owe(60)

    async with running(a_lane(ledger, transport, pace=Pace(window_start=2, window_most=5))):
        await ledger.all_over()

    assert 2 < transport.most_at_once <= 5


async def test_two_messages_of_a_conversation_are_never_on_the_way_at_once_and_keep_their_order() -> None:
    ledger, transport = LedgerInMemory(), TransportThatDelivers(0.002)
    for _ in range(4):
        ledger.owe(conversation="co-1@vn.moit")
        ledger.owe(conversation="co-2@vn.moit")

    async with running(a_lane(ledger, transport)):
        await ledger.all_over()

    assert transport.most_of_a_conversation == 1
    assert [sent for sent in transport.sent if sent in ("m1@vn.moit", "m3@vn.moit", "m5@vn.moit")] == [
        "m1@vn.moit",
        "m3@vn.moit",
        "m5@vn.moit",
    ]


async def test_the_next_of_a_conversation_leaves_once_the_one_before_is_refused() -> None:
    def refuse_the_first(claim: Claim, answer: Answer) -> CheckedReceipt:
        if claim.message_no == 1:
            raise PartyRefused("id used before", code="D02")
        return a_receipt(claim)

    ledger = LedgerInMemory()
    ledger.owe(2, conversation="co-1@vn.moit")

    async with running(a_lane(ledger, TransportThatDelivers(), read_answer=refuse_the_first)):
        await ledger.all_over()

    assert ledger.statuses() == [S.REFUSED, S.DELIVERED]


async def test_a_failed_attempt_is_made_again_with_the_party_s_waits_and_then_expires() -> None:
    ledger, transport = LedgerInMemory(), TransportThatFails(refused_connection)
    [row] = ledger.owe()

    async with running(a_lane(ledger, transport)):
        await ledger.all_over()

    assert transport.attempts.total() == 3
    assert row.history == [S.READY_TO_SEND, *[S.SENDING, S.AWAITING_RETRY] * 2, S.SENDING, S.EXPIRED]
    assert row.causes[-1] == (
        "T04: patience used up after 3 attempts; last T01: cannot connect to th.example:8443: refused"
    )


async def test_a_message_that_had_gone_awaits_its_receipt_and_gets_it() -> None:
    def gone() -> PartyUnreachable:
        return PartyUnreachable("no answer", body_went_out=True)

    ledger = LedgerInMemory()
    [row] = ledger.owe()

    async with running(a_lane(ledger, TransportThatFails(gone, times=1))):
        await ledger.all_over()

    assert row.history == [S.READY_TO_SEND, S.SENDING, S.AWAITING_RECEIPT, S.SENDING, S.DELIVERED]


async def test_a_refusal_is_never_tried_again() -> None:
    def refuse(claim: Claim, answer: Answer) -> CheckedReceipt:
        raise PartyRefused("form not agreed", code="S03")

    ledger, transport = LedgerInMemory(), TransportThatDelivers()
    [row] = ledger.owe()

    async with running(a_lane(ledger, transport, read_answer=refuse)):
        await ledger.all_over()

    assert len(transport.sent) == 1
    assert (row.status, row.causes) == (S.REFUSED, ["S03: form not agreed"])


async def test_a_party_that_asks_to_wait_costs_no_patience() -> None:
    asked = 0

    def ask_five_times(claim: Claim, answer: Answer) -> CheckedReceipt:
        nonlocal asked
        asked += 1
        if asked <= 5:
            raise PartyAskedToWait("maintenance", retry_after_s=30)
        return a_receipt(claim)

    ledger = LedgerInMemory()
    [row] = ledger.owe()

    async with running(a_lane(ledger, TransportThatDelivers(), read_answer=ask_five_times)):
        await ledger.all_over()

    assert (row.status, row.attempts, row.waits_used) == (S.DELIVERED, 6, 0)


async def test_waits_are_jittered() -> None:
    ledger = LedgerInMemory()
    [row] = ledger.owe()
    party = a_party(waits_s=(100,))

    async with running(
        a_lane(ledger, TransportThatFails(refused_connection), party=party, jitter=lambda: 1.2)
    ):
        await until(lambda: row.status is S.AWAITING_RETRY)

    assert 119 < row.due_at - time.monotonic() <= 120


def test_the_drawn_jitter_stays_within_its_bounds() -> None:
    drawn = [draw_jitter() for _ in range(1000)]

    assert JITTER[0] <= min(drawn) < 0.9
    assert 1.1 < max(drawn) <= JITTER[1]


async def test_a_lease_outlives_the_longest_attempt() -> None:
    ledger = LedgerInMemory()
    ledger.owe()

    async with running(
        a_lane(ledger, TransportThatDelivers(), party=a_party(receipt_within_s=30), pace=Pace())
    ):
        await ledger.all_over()

    assert min(ledger.leases_s) > 30


async def test_answers_are_judged_off_the_event_loop_with_the_message_bound() -> None:
    seen: list[tuple[bool, object]] = []

    def look(claim: Claim, answer: Answer) -> CheckedReceipt:
        bound = structlog.contextvars.get_contextvars()
        seen.append((threading.current_thread() is threading.main_thread(), bound.get("message_id")))
        return a_receipt(claim)

    ledger = LedgerInMemory()
    ledger.owe()

    async with running(a_lane(ledger, TransportThatDelivers(), read_answer=look)):
        await ledger.all_over()

    assert seen == [(False, "m1@vn.moit")]


# ---- one message's trouble is not its neighbours' ----------------------------------------------------------


async def test_an_attempt_that_breaks_costs_its_message_an_attempt_and_nobody_else() -> None:
    ledger = LedgerInMemory()
    transport = TransportThatFails(lambda: KeyError("bug"), of=lambda claim: claim.message_no == 2)
    ledger.owe(5)

    with capture_logs() as logs:
        async with running(a_lane(ledger, transport)):
            await ledger.all_over()

    assert ledger.statuses() == [S.DELIVERED, S.EXPIRED, S.DELIVERED, S.DELIVERED, S.DELIVERED]
    assert "fault of this gateway (KeyError)" in str(ledger.rows[2].causes[-1])
    assert sum(line["event"] == "attempt_broke" for line in logs) == 3


async def test_a_fault_of_ours_that_we_know_is_told_in_its_own_words() -> None:
    fault = Misconfigured((RegistryFault("tls-1.key", "-", "no certificate in its window"),))
    ledger = LedgerInMemory()
    [row] = ledger.owe()

    async with running(a_lane(ledger, TransportThatFails(lambda: fault, times=1))):
        await ledger.all_over()

    assert "fault of this gateway (tls-1.key: -: no certificate in its window)" in str(row.causes[0])


async def test_a_reader_that_breaks_costs_its_message_an_attempt() -> None:
    def stumble_once(claim: Claim, answer: Answer) -> CheckedReceipt:
        if claim.attempts == 0:
            raise ZeroDivisionError
        return a_receipt(claim)

    ledger = LedgerInMemory()
    [row] = ledger.owe()

    async with running(a_lane(ledger, TransportThatDelivers(), read_answer=stumble_once)):
        await ledger.all_over()

    assert row.history == [S.READY_TO_SEND, S.SENDING, S.AWAITING_RECEIPT, S.SENDING, S.DELIVERED]


async def test_a_fault_of_ours_does_not_narrow_the_window() -> None:
    ledger = LedgerInMemory()
    ledger.owe(5)
    lane = a_lane(ledger, TransportThatFails(lambda: KeyError("bug")), pace=Pace(window_start=5))

    async with running(lane):
        await ledger.all_over()

    assert lane.window == 5


async def test_a_silent_party_is_tried_by_one_at_a_time_in_the_end() -> None:
    ledger = LedgerInMemory()
    ledger.owe(20)
    lane = a_lane(ledger, TransportThatFails(refused_connection))

    async with running(lane):
        await ledger.all_over()

    assert lane.window == 1


async def test_a_dead_party_delays_no_other() -> None:
    my, ledger = PartyId("MY.CUSTOMS"), LedgerInMemory()
    ledger.owe(10)
    ledger.owe(10, party=my)
    dead = a_lane(ledger, TransportThatWaits())
    alive = a_lane(ledger, TransportThatDelivers(), party=a_party(my, country="MY"))

    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        stuck = tasks.create_task(dead.run(HELD, stopping))
        tasks.create_task(alive.run(Held(my, 1), stopping))
        await until(lambda: all(r.status is S.DELIVERED for r in ledger.rows.values() if r.claim.party == my))
        stopping.set()
        stuck.cancel()


async def test_a_party_lost_is_told_once_and_once_when_it_comes_back() -> None:
    ledger = LedgerInMemory()
    ledger.owe(8)

    with capture_logs() as logs:
        async with running(a_lane(ledger, TransportThatFails(refused_connection, times=2))):
            await ledger.all_over()

    told = [line["event"] for line in logs if line["event"] in ("party_lost", "party_came_back")]
    assert told[0] == "party_lost"
    assert all(one != other for one, other in itertools.pairwise(told))
    assert told[-1] == "party_came_back"


# ---- a ledger that fails -----------------------------------------------------------------------------------


async def test_a_ledger_that_is_away_at_first_is_waited_for() -> None:
    ledger = LedgerThatGoesAway()
    ledger.owe(3)
    ledger.away = True

    with capture_logs() as logs:
        async with running(a_lane(ledger, TransportThatDelivers())):
            await until(lambda: ledger.calls_refused > 3)
            ledger.away = False
            await ledger.all_over()

    assert [line["event"] for line in logs if "ledger" in line["event"]] == [
        "ledger_lost",
        "ledger_came_back",
    ]


async def test_an_outcome_is_kept_until_the_ledger_comes_back() -> None:
    ledger, transport = LedgerThatGoesAway(), TransportThatWaits()
    [row] = ledger.owe()

    async with running(a_lane(ledger, transport)):
        await transport.sending.wait()
        ledger.away = True
        transport.release.set()
        await until(lambda: ledger.calls_refused > 3)
        ledger.away = False
        await ledger.all_over()

    assert row.history == [S.READY_TO_SEND, S.SENDING, S.DELIVERED]


async def test_an_outcome_that_cannot_be_written_holds_up_no_other() -> None:
    ledger, transport = LedgerThatCannotWrite(2), TransportThatDelivers()
    ledger.owe(12)
    party = a_party(receipt_within_s=0.2)
    pace = Pace(lease_margin_s=0.1, ledger_rests_s=(0.005, 0.02), poll_s=0.05, least_rest_s=0.002)

    with capture_logs() as logs:
        async with running(a_lane(ledger, transport, party=party, pace=pace)):
            others = [row for number, row in ledger.rows.items() if number != 2]
            await until(lambda: all(row.status is S.DELIVERED for row in others))
            await until(lambda: any(line["event"] == "outcome_lost" for line in logs))

    assert ledger.rows[2].status is S.SENDING


async def test_an_attempt_whose_lease_was_lost_to_another_is_told_as_late() -> None:
    ledger = LedgerInMemory()
    transport = TransportThatWaits()
    [row] = ledger.owe()
    lane = a_lane(
        ledger, transport, read_answer=lambda claim, answer: (_ for _ in ()).throw(refused_connection())
    )

    with capture_logs() as logs:
        async with running(lane):
            await transport.sending.wait()
            row.fence += 1
            transport.release.set()
            await until(lambda: any(line["event"] == "outcome_came_late" for line in logs))

    assert row.status is S.SENDING


# ---- stopping ----------------------------------------------------------------------------------------------


async def test_a_stopping_lane_finishes_what_is_under_way_and_claims_no_more() -> None:
    ledger, transport, stopping = LedgerInMemory(), TransportThatWaits(), asyncio.Event()
    ledger.owe(3)
    lane = a_lane(ledger, transport, pace=Pace(window_start=1, window_most=1))
    run = asyncio.create_task(lane.run(HELD, stopping))
    await transport.sending.wait()

    stopping.set()
    transport.release.set()
    await asyncio.wait_for(run, 5)

    assert ledger.statuses() == [S.DELIVERED, S.READY_TO_SEND, S.READY_TO_SEND]


async def test_an_idle_lane_stops_at_once() -> None:
    stopping = asyncio.Event()
    ledger = LedgerInMemory()
    run = asyncio.create_task(
        a_lane(ledger, TransportThatDelivers(), pace=Pace(poll_s=60)).run(HELD, stopping)
    )
    await until(lambda: ledger.claim_sizes == [0])

    stopping.set()

    await asyncio.wait_for(run, 1)


async def test_a_cancelled_lane_leaves_unanswered_attempts_to_their_lease() -> None:
    ledger, transport = LedgerInMemory(), TransportThatWaits()
    [row] = ledger.owe()
    run = asyncio.create_task(a_lane(ledger, transport).run(HELD, asyncio.Event()))
    await transport.sending.wait()

    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert row.status is S.SENDING


async def test_an_answer_being_read_when_the_lane_is_cancelled_is_still_recorded() -> None:
    reading, go_on = threading.Event(), threading.Event()

    def read_slowly(claim: Claim, answer: Answer) -> CheckedReceipt:
        reading.set()
        go_on.wait(5)
        return a_receipt(claim)

    ledger = LedgerInMemory()
    [row] = ledger.owe()
    run = asyncio.create_task(
        a_lane(ledger, TransportThatDelivers(), read_answer=read_slowly).run(HELD, asyncio.Event())
    )
    await until(reading.is_set)

    run.cancel()
    await asyncio.sleep(0.01)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert row.history == [S.READY_TO_SEND, S.SENDING, S.DELIVERED]


async def test_an_outcome_being_recorded_when_the_lane_is_cancelled_is_recorded() -> None:
    ledger = LedgerThatSettlesSlowly(0.05)
    [row] = ledger.owe()
    run = asyncio.create_task(a_lane(ledger, TransportThatDelivers()).run(HELD, asyncio.Event()))
    await ledger.settling.wait()

    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert row.status is S.DELIVERED


async def test_a_cancelled_lane_does_not_wait_for_ever_for_a_ledger_that_is_stuck() -> None:
    ledger = LedgerThatSettlesSlowly(60)
    ledger.owe()
    pace = Pace(last_record_s=0.05)
    run = asyncio.create_task(a_lane(ledger, TransportThatDelivers(), pace=pace).run(HELD, asyncio.Event()))
    await ledger.settling.wait()

    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(run, 2)


async def test_what_a_cancelled_lane_could_not_record_is_told() -> None:
    ledger, transport = LedgerThatGoesAway(), TransportThatWaits()
    ledger.owe(2)
    run = asyncio.create_task(a_lane(ledger, transport).run(HELD, asyncio.Event()))
    await transport.sending.wait()
    ledger.away = True
    transport.release.set()
    await until(lambda: ledger.calls_refused > 3)

    with capture_logs() as logs:
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    assert [(line["event"], line["count"]) for line in logs if "count" in line] == [("outcomes_left", 2)]


# ---- what is told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "level"),
    [
        pytest.param(None, "info", id="delivered"),
        pytest.param(PartyRefused("no", code="G01"), "warning", id="refused"),
        pytest.param(PartyUnreachable("no"), "error", id="expired"),
    ],
)
async def test_a_move_is_told_as_gravely_as_it_asks_for_a_person(error: Exception | None, level: str) -> None:
    def answer_so(claim: Claim, answer: Answer) -> CheckedReceipt:
        if error is not None:
            raise error
        return a_receipt(claim)

    ledger = LedgerInMemory()
    ledger.owe()

    with capture_logs() as logs:
        async with running(
            a_lane(ledger, TransportThatDelivers(), read_answer=answer_so, party=a_party(waits_s=()))
        ):
            await ledger.all_over()

    [moved] = [line for line in logs if line["event"] == "delivery_moved"]
    assert (moved["log_level"], moved["party"], moved["message_id"]) == (level, TH, "m1@vn.moit")
