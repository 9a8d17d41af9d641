from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.deliver.attempt import OurFault
from gateway.deliver.backoff import BackOff
from gateway.deliver.verdict import JITTER, Failure
from gateway.domain.corridor import Patience
from gateway.domain.errors import PartyAskedToWait, PartyRefused, PartyUnreachable
from gateway.store.records import LaneRest
from tests.unit.deliver.ledger_in_memory import LedgerInMemory
from tests.unit.deliver.parties import a_party, patience
from tests.unit.deliver.test_lane import S, a_lane, running
from tests.unit.deliver.transports import TransportThatDelivers, TransportThatFails
from tests.unit.deliver.waiting import until

WAITS = patience(waits_s=(10, 40, 400))
CLOSED = PartyUnreachable("cannot connect to th.example:8443: refused", closed=True)


def after_failures(*errors: Failure | None) -> BackOff:
    back_off = BackOff(WAITS)
    for error in errors:
        asked_s = 25.0 if isinstance(error, PartyAskedToWait) else 0.0
        back_off.learn(error, began=time.monotonic(), asked_s=asked_s)
    return back_off


@pytest.mark.parametrize(
    ("failures", "rest_s"), [pytest.param(1, 5, id="half-the-first-wait"), (2, 20), (3, 30), (9, 30)]
)
def test_a_closed_door_is_left_in_peace_for_longer_each_time_up_to_the_cap(
    failures: int, rest_s: float
) -> None:
    back_off = after_failures(*[CLOSED] * failures)

    assert back_off.failures == failures
    assert back_off.rest.rest_s == pytest.approx(rest_s, abs=0.5)
    assert back_off.closed is not None
    assert back_off.closed.cause == CLOSED.cause


def test_attempts_that_were_under_way_together_count_as_one_failure() -> None:
    back_off, began = BackOff(WAITS), time.monotonic()

    for _ in range(4):
        back_off.learn(CLOSED, began=began)

    assert back_off.failures == 1


def test_a_party_that_asks_to_wait_is_sent_nothing_meanwhile() -> None:
    back_off = after_failures(PartyAskedToWait("busy", retry_after_s=25))

    assert back_off.asked_s == pytest.approx(25, abs=0.5)
    assert back_off.closed is None
    assert back_off.rest.asked


def test_a_party_that_takes_messages_and_answers_badly_is_not_rested_as_a_whole() -> None:
    back_off = after_failures(PartyUnreachable("the answer 500 is none", body_went_out=True))

    assert (back_off.failures, back_off.rest.rest_s, back_off.closed) == (1, 0, None)


@pytest.mark.parametrize("sign", [None, PartyRefused("no", code="S03")])
def test_any_believable_answer_ends_the_rest(sign: Failure | None) -> None:
    back_off = after_failures(CLOSED, sign)

    assert (back_off.failures, back_off.closed, back_off.rest) == (0, None, LaneRest())


def test_a_fault_of_ours_is_no_failure_of_the_party() -> None:
    assert after_failures(OurFault("bug")).failures == 0


def test_what_the_ledger_forgot_is_forgotten() -> None:
    back_off = after_failures(CLOSED)

    assert back_off.know(LaneRest())
    assert not back_off.know(LaneRest())
    assert back_off.closed is None


def test_what_another_node_found_is_known() -> None:
    back_off = BackOff(WAITS)

    assert not back_off.know(LaneRest(failures=2, cause="T02: TLS: no", rest_s=9))

    assert back_off.closed is not None
    assert back_off.closed.cause == "T02: TLS: no"


waits = st.lists(st.floats(0.1, 86_400), min_size=1, max_size=8).map(lambda some: patience(waits_s=some))


@given(waits, st.integers(1, 12), st.floats(*JITTER), st.floats(*JITTER), st.floats(0, 1e5))
def test_a_rest_never_outlasts_the_wait_of_the_message_that_found_the_door_closed(
    known: Patience, failures: int, jitter: float, other: float, cap_s: float
) -> None:
    known = replace(known, longest_rest=timedelta(seconds=cap_s))
    back_off = BackOff(known)
    for _ in range(failures):
        back_off.learn(CLOSED, began=time.monotonic(), jitter=jitter)
    wait = known.waits[min(failures, len(known.waits)) - 1].total_seconds()

    assert back_off.rest.rest_s <= wait * other
    assert back_off.rest.rest_s <= cap_s * JITTER[1]


# ---- in a lane ---------------------------------------------------------------------------------------------


async def test_one_message_knocks_and_the_others_share_what_it_found() -> None:
    ledger, transport = LedgerInMemory(), TransportThatFails(lambda: CLOSED)
    ledger.owe(60)
    lane = a_lane(ledger, transport, party=a_party(waits_s=(0.3,)))

    async with running(lane):
        await until(lambda: all(row.attempts for row in ledger.rows.values()))
        knocked = transport.attempts.total()
        await ledger.all_over()

    assert knocked <= 4  # the window it began with
    assert set(ledger.statuses()) == {S.EXPIRED}
    assert all(row.causes[0] == CLOSED.cause for row in ledger.rows.values())
    assert {row.attempts for row in ledger.rows.values()} == {2}


async def test_nothing_is_sent_to_a_party_that_asked_to_wait_until_it_gives_a_sign_of_life() -> None:
    ledger, transport = LedgerInMemory(), TransportThatDelivers()
    ledger.rests[a_party().id] = LaneRest(failures=1, cause="T03: busy", rest_s=60, asked=True)
    ledger.rested_at = time.monotonic()
    ledger.owe(3)
    lane = a_lane(ledger, transport)

    async with running(lane):
        await asyncio.sleep(0.1)
        sent_before = list(transport.sent)
        ledger.rests.clear()
        lane.wake()
        await ledger.all_over()

    assert sent_before == []


async def test_a_party_that_comes_back_meets_no_herd() -> None:
    ledger, transport = LedgerInMemory(), TransportThatDelivers(0.005)
    ledger.rests[a_party().id] = LaneRest(failures=7, cause=CLOSED.cause, rest_s=60)
    ledger.rested_at = time.monotonic()
    ledger.owe(40)
    lane = a_lane(ledger, transport, party=a_party(waits_s=(0.2,) * 9))

    async with running(lane):
        await until(lambda: all(row.attempts for row in ledger.rows.values()))
        assert transport.sent == []
        ledger.rests.clear()
        lane.wake()
        await until(lambda: transport.sent)
        together = transport.most_at_once
        await ledger.all_over()

    assert together <= 4


async def test_the_next_holder_learns_how_the_party_answers() -> None:
    ledger = LedgerInMemory()
    ledger.owe(1)
    lane = a_lane(ledger, TransportThatFails(lambda: CLOSED), party=a_party(waits_s=(60,)))

    async with running(lane):
        await until(lambda: ledger.rests)

    (rest,) = ledger.rests.values()
    assert (rest.failures, rest.cause) == (1, CLOSED.cause)
