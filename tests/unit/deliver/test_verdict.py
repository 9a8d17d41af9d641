from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.deliver.verdict import JITTER, Failure, after
from gateway.domain.corridor import Patience
from gateway.domain.errors import PartyAskedToWait, PartyRefused, PartyUnreachable
from gateway.domain.status import TRANSITIONS, DeliveryStatus
from tests.unit.deliver.parties import a_claim, patience

TWICE = patience(waits_s=(5, 30))
SILENCE = PartyUnreachable("cannot connect to th.example:8443: refused")
AFTER_SENDING = PartyUnreachable("no answer from th.example:8443: timed out after 30 s", body_went_out=True)


@pytest.mark.parametrize(
    ("waits_used", "status", "due_in_s"),
    [
        pytest.param(0, DeliveryStatus.AWAITING_RETRY, 5.0, id="first-failure"),
        pytest.param(1, DeliveryStatus.AWAITING_RETRY, 30.0, id="second-failure"),
        pytest.param(2, DeliveryStatus.EXPIRED, 0.0, id="waits-used-up"),
        pytest.param(7, DeliveryStatus.EXPIRED, 0.0, id="party-file-has-fewer-waits-now"),
    ],
)
def test_an_unreachable_party_is_tried_as_its_file_says(
    waits_used: int, status: DeliveryStatus, due_in_s: float
) -> None:
    verdict = after(a_claim(waits_used=waits_used), SILENCE, TWICE, jitter=1.0)

    assert (verdict.status, verdict.due_in_s) == (status, due_in_s)


def test_a_checked_receipt_delivers() -> None:
    verdict = after(a_claim(waits_used=1), None, TWICE, jitter=1.0)

    assert (verdict.status, verdict.due_in_s, verdict.cause) == (DeliveryStatus.DELIVERED, 0.0, None)


def test_a_refusal_is_final_on_the_first_attempt() -> None:
    verdict = after(a_claim(), PartyRefused("Seal broken", code="G01"), TWICE, jitter=1.0)

    assert (verdict.status, verdict.cause) == (DeliveryStatus.REFUSED, "G01: Seal broken")


def test_a_message_that_had_gone_whole_awaits_its_receipt() -> None:
    assert after(a_claim(), AFTER_SENDING, TWICE, jitter=1.0).status is DeliveryStatus.AWAITING_RECEIPT


def test_used_up_patience_keeps_the_last_cause_and_counts_the_attempts() -> None:
    verdict = after(a_claim(attempts=4, waits_used=2), SILENCE, TWICE, jitter=1.0)

    assert verdict.cause == (
        "T04: patience used up after 5 attempts; last T01: cannot connect to th.example:8443: refused"
    )


@pytest.mark.parametrize(
    ("asked_s", "due_in_s"),
    [
        pytest.param(7.0, 7.0, id="within-the-longest-wait"),
        pytest.param(300.0, 30.0, id="capped-by-the-longest-wait"),
        pytest.param(0.0, 1.0, id="never-at-once"),
        pytest.param(None, 6.0, id="not-said-so-our-own-jittered-wait"),
    ],
)
def test_a_party_that_asks_to_wait_is_heard(asked_s: float | None, due_in_s: float) -> None:
    verdict = after(a_claim(), PartyAskedToWait("maintenance", retry_after_s=asked_s), TWICE, jitter=1.2)

    assert (verdict.status, verdict.due_in_s) == (DeliveryStatus.AWAITING_RETRY, due_in_s)


def test_a_wait_the_party_asked_for_does_not_count() -> None:
    used_up = a_claim(waits_used=2)

    verdict = after(used_up, PartyAskedToWait("busy", retry_after_s=7), TWICE, jitter=1.0)

    assert (verdict.status, verdict.waits_used) == (DeliveryStatus.AWAITING_RETRY, 2)


def test_a_party_that_knows_no_waits_is_not_asked_in_a_loop() -> None:
    at_once = patience(waits_s=(0,))

    verdict = after(a_claim(), PartyAskedToWait("busy", retry_after_s=0), at_once, jitter=0.8)

    assert verdict.due_in_s > 0


waits = st.lists(st.floats(0, 86_400), max_size=8).map(lambda waits_s: patience(waits_s=waits_s))
seconds = st.none() | st.floats(0, 1e9)
failures: st.SearchStrategy[Failure | None] = st.one_of(
    st.none(),
    st.booleans().map(lambda gone: PartyUnreachable("x", body_went_out=gone)),
    seconds.map(lambda asked_s: PartyAskedToWait("x", retry_after_s=asked_s)),
    st.just(PartyRefused("x", code="S01")),
)
jitters = st.floats(*JITTER)


@given(st.integers(0, 20), waits, failures, jitters)
def test_every_verdict_is_a_transition_and_never_lies_in_the_past(
    waits_used: int, patience: Patience, error: Failure | None, jitter: float
) -> None:
    verdict = after(a_claim(waits_used=waits_used), error, patience, jitter=jitter)

    assert verdict.status in TRANSITIONS[DeliveryStatus.SENDING]
    assert verdict.due_in_s >= 0
    assert (verdict.cause is None) == (verdict.status is DeliveryStatus.DELIVERED)


@given(waits, st.lists(st.booleans(), min_size=30, max_size=30), jitters)
def test_n_waits_allow_n_and_one_attempts_whatever_the_party_asked_between(
    patience: Patience, asks: list[bool], jitter: float
) -> None:
    waits_used, counted, status = 0, 0, DeliveryStatus.READY_TO_SEND
    for ask in [*asks, *[False] * 10]:
        error: Failure = PartyAskedToWait("x", retry_after_s=1) if ask else SILENCE
        verdict = after(a_claim(waits_used=waits_used), error, patience, jitter=jitter)
        waits_used, status = verdict.waits_used, verdict.status
        counted += not ask
        if status is DeliveryStatus.EXPIRED:
            break

    assert status is DeliveryStatus.EXPIRED
    assert counted == len(patience.waits) + 1


@given(waits.filter(lambda known: bool(known.waits)), st.floats(0, 1e9), jitters)
def test_no_wait_is_longer_than_the_longest_of_the_file(
    patience: Patience, asked_s: float, jitter: float
) -> None:
    longest_s = max(wait.total_seconds() for wait in patience.waits)

    asked = after(a_claim(), PartyAskedToWait("x", retry_after_s=asked_s), patience, jitter=jitter)
    silent = after(a_claim(), SILENCE, patience, jitter=jitter)

    assert asked.due_in_s <= max(longest_s, 0.01)
    assert silent.due_in_s <= longest_s * JITTER[1]
