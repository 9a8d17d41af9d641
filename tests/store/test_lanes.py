"""Claims, leases, fences, receipts: who may send what, and whose word counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from gateway.domain.status import DeliveryStatus
from gateway.store.ledger import Ledger
from tests.store.making import (
    AT,
    MINUTE,
    MY,
    TH,
    a_certificate,
    admit,
    an_arrival,
    certificate_of,
    claim_due,
    claim_one,
    delivered,
    events_of,
    failed,
    hold,
    message_no_of,
    owe,
    receipt_for,
    submit_and_claim,
)

_S = DeliveryStatus


async def status_of(ledger: Ledger, message_no: int) -> DeliveryStatus | None:
    return (await ledger.message(message_no)).delivery


async def test_a_claim_carries_what_an_attempt_needs(ledger: Ledger) -> None:
    new = a_certificate("VN-1", b"content")
    await ledger.submit(new)

    claim = await claim_one(ledger)

    assert (claim.body, claim.digest) == (new.sealed.body, new.sealed.digest)
    assert (claim.message_id, claim.party) == (new.sealed.header.message_id, TH)
    assert (claim.attempts, claim.waits_used, claim.created_at) == (0, 0, AT)
    assert await status_of(ledger, claim.message_no) is _S.SENDING


async def test_two_workers_never_claim_the_same_delivery(ledger: Ledger) -> None:
    for n in range(12):
        await ledger.submit(a_certificate(f"VN-{n}"))

    held = (await hold(ledger, TH))[TH]

    batches = await asyncio.gather(*(ledger.claim(held, lease_s=60, limit=5) for _ in range(12)))

    numbers = [claim.message_no for batch in batches for claim in batch]
    assert len(numbers) == len(set(numbers)) == 12


async def test_claims_come_oldest_first_and_no_more_than_asked(ledger: Ledger) -> None:
    submitted = [await ledger.submit(a_certificate(f"VN-{n}")) for n in range(5)]

    claims = await claim_due(ledger, TH, lease_s=60, limit=3)

    assert [claim.message_id for claim in claims] == [answer.message_id for answer in submitted[:3]]


async def test_a_lane_is_one_partys(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN-1", party=MY))

    assert await claim_due(ledger, TH, lease_s=60, limit=5) == []
    assert (await claim_one(ledger, MY)).party == MY


async def test_an_attempt_that_brought_a_receipt_delivers(ledger: Ledger) -> None:
    claim = await submit_and_claim(ledger)

    assert await ledger.settle([delivered(claim)]) == [True]

    story = await ledger.story_of_message(claim.message_no)
    assert story.messages[0].delivery is _S.DELIVERED
    (attempt,) = story.attempts[claim.message_no]
    assert (attempt.outcome, attempt.cause, attempt.next_at, attempt.at) == (
        "delivered",
        None,
        None,
        AT + MINUTE,
    )
    assert (story.receipts[claim.message_no].signer, story.receipts[claim.message_no].digest) == (
        "CN=TH",
        claim.digest,
    )
    assert await ledger.document(claim.message_no, "receipt") == b"<their receipt/>"
    assert (await events_of(ledger))[2:] == ["delivery:sending", "receipt:stored", "delivery:delivered"]


@pytest.mark.parametrize(
    ("status", "outcome", "has_next"),
    [
        pytest.param(_S.AWAITING_RETRY, "retry", True, id="retry"),
        pytest.param(_S.AWAITING_RECEIPT, "retry", True, id="receipt-outstanding"),
        pytest.param(_S.REFUSED, "refused", False, id="refused"),
        pytest.param(_S.EXPIRED, "retry", False, id="expired"),
    ],
)
async def test_an_attempt_without_receipt_is_told_with_its_cause(
    ledger: Ledger, status: DeliveryStatus, outcome: str, has_next: bool
) -> None:
    claim = await submit_and_claim(ledger)

    await ledger.settle([failed(claim, status, due_in_s=90)])

    story = await ledger.story_of_message(claim.message_no)
    assert (story.messages[0].delivery, story.messages[0].cause) == (status, "T01: cannot connect")
    (attempt,) = story.attempts[claim.message_no]
    assert (attempt.outcome, attempt.cause) == (outcome, "T01: cannot connect")
    assert attempt.next_at == (AT + 2.5 * MINUTE if has_next else None)
    assert story.receipts == {}


async def test_a_wait_is_waited_and_attempts_add_up(ledger: Ledger) -> None:
    claim = await submit_and_claim(ledger)
    await ledger.settle([failed(claim, due_in_s=3600)])
    assert await claim_due(ledger, TH, lease_s=60, limit=5) == []
    seconds = await ledger.next_due_s(TH)
    assert seconds is not None
    assert 3590 < seconds <= 3600

    await ledger.wake(TH)
    claim = await claim_one(ledger)
    await ledger.settle([failed(claim, due_in_s=0)])
    claim = await claim_one(ledger)

    assert (claim.attempts, claim.waits_used) == (2, 1)
    story = await ledger.story_of_message(claim.message_no)
    assert len(story.attempts[claim.message_no]) == 2


async def test_a_lease_that_ran_out_falls_due_again(ledger: Ledger) -> None:
    lost = await submit_and_claim(ledger)
    assert await claim_due(ledger, TH, lease_s=60, limit=5) == []

    await ledger.settle([failed(lost, due_in_s=0)])
    lost = await claim_one(ledger, lease_s=0)
    found = await claim_one(ledger)

    assert found.message_no == lost.message_no
    assert found.fence > lost.fence
    assert (await events_of(ledger)).count("delivery:sending") == 2


async def test_a_stale_fence_without_receipt_counts_not(ledger: Ledger) -> None:
    await ledger.submit(a_certificate())
    stale = await claim_one(ledger, lease_s=0)
    held = await claim_one(ledger)

    assert await ledger.settle([failed(stale, _S.EXPIRED)]) == [False]
    assert await status_of(ledger, held.message_no) is _S.SENDING
    assert await ledger.settle([delivered(held)]) == [True]
    story = await ledger.story_of_message(held.message_no)
    assert len(story.attempts[held.message_no]) == 1


async def test_a_stale_fence_with_a_receipt_delivers(ledger: Ledger) -> None:
    await ledger.submit(a_certificate())
    stale = await claim_one(ledger, lease_s=0)
    held = await claim_one(ledger)

    assert await ledger.settle([delivered(stale)]) == [True]
    assert await ledger.settle([failed(held)]) == [False]
    assert await status_of(ledger, held.message_no) is _S.DELIVERED


async def test_the_same_outcome_twice_counts_once(ledger: Ledger) -> None:
    claim = await submit_and_claim(ledger)

    assert await ledger.settle([failed(claim)]) == [True]
    assert await ledger.settle([failed(claim)]) == [False]


@pytest.mark.parametrize("status", [_S.AWAITING_RETRY, _S.AWAITING_RECEIPT, _S.EXPIRED])
async def test_a_late_receipt_delivers(ledger: Ledger, status: DeliveryStatus) -> None:
    claim = await submit_and_claim(ledger)
    await ledger.settle([failed(claim, status)])

    assert await ledger.settle([delivered(claim)]) == [True]

    assert await status_of(ledger, claim.message_no) is _S.DELIVERED
    assert (await ledger.message(claim.message_no)).cause is None


@pytest.mark.parametrize("verb", ["hold", "withdraw"])
async def test_a_late_receipt_delivers_whatever_operators_did(ledger: Ledger, verb: str) -> None:
    claim = await submit_and_claim(ledger)
    await ledger.settle([failed(claim)])
    await ledger.operate(verb, claim.message_no, who="op", reason=None, at=AT)

    assert await ledger.settle([delivered(claim)]) == [True]
    assert await status_of(ledger, claim.message_no) is _S.DELIVERED


async def test_a_late_receipt_delivers_what_was_released_meanwhile(ledger: Ledger) -> None:
    claim = await submit_and_claim(ledger)
    await ledger.settle([failed(claim)])
    for verb in ("hold", "release"):
        await ledger.operate(verb, claim.message_no, who="op", reason=None, at=AT)

    assert await ledger.settle([delivered(claim)]) == [True]
    assert await claim_due(ledger, TH, lease_s=60, limit=5) == []


async def test_after_a_refusal_a_receipt_counts_not(ledger: Ledger) -> None:
    claim = await submit_and_claim(ledger)
    await ledger.settle([failed(claim, _S.REFUSED)])

    assert await ledger.settle([delivered(claim)]) == [False]
    assert await status_of(ledger, claim.message_no) is _S.REFUSED
    assert await ledger.document(claim.message_no, "receipt") is None


async def test_a_second_receipt_is_kept_beside_the_first(ledger: Ledger) -> None:
    claim = await submit_and_claim(ledger)
    await ledger.settle([delivered(claim)])
    sealed_anew = replace(delivered(claim), receipt=receipt_for(claim, b"<sealed anew/>"))

    assert await ledger.settle([sealed_anew]) == [True]

    assert await ledger.document(claim.message_no, "receipt") == b"<sealed anew/>"
    assert (await events_of(ledger)).count("delivery:delivered") == 1


async def test_a_batch_is_settled_each_for_itself(ledger: Ledger) -> None:
    for n in range(4):
        await ledger.submit(a_certificate(f"VN-{n}"))
    one, two, three, four = await claim_due(ledger, TH, lease_s=60, limit=4)
    await ledger.settle([failed(two, _S.REFUSED)])

    counted = await ledger.settle([delivered(one), delivered(two), failed(three), failed(four, _S.EXPIRED)])

    assert counted == [True, False, True, True]
    statuses = [await status_of(ledger, claim.message_no) for claim in (one, two, three, four)]
    assert statuses == [_S.DELIVERED, _S.REFUSED, _S.AWAITING_RETRY, _S.EXPIRED]


async def test_outcomes_of_one_delivery_in_one_batch_are_taken_in_order(ledger: Ledger) -> None:
    claim = await submit_and_claim(ledger)

    counted = await ledger.settle([failed(claim), failed(claim), delivered(claim)])

    assert counted == [True, False, True]
    assert await status_of(ledger, claim.message_no) is _S.DELIVERED
    assert await ledger.settle([]) == []


# ---- order in a conversation -----------------------------------------------------------------------------


async def test_a_conversation_leaves_one_after_another(ledger: Ledger) -> None:
    numbers = [await owe(ledger, "c@x") for _ in range(3)]

    seen = []
    for _ in numbers:
        (claim,) = await claim_due(ledger, TH, lease_s=60, limit=10)
        assert await claim_due(ledger, TH, lease_s=60, limit=10) == []
        await ledger.settle([delivered(claim)])
        seen.append(claim.message_no)

    assert seen == numbers


@pytest.mark.parametrize("status", [_S.REFUSED, _S.EXPIRED, _S.DELIVERED])
async def test_what_is_final_blocks_nobody(ledger: Ledger, status: DeliveryStatus) -> None:
    await owe(ledger, "c@x")
    second = await owe(ledger, "c@x")
    claim = await claim_one(ledger)
    outcome = delivered(claim) if status is _S.DELIVERED else failed(claim, status)

    await ledger.settle([outcome])

    assert (await claim_one(ledger)).message_no == second


async def test_a_withdrawn_message_blocks_nobody(ledger: Ledger) -> None:
    first, second = await owe(ledger, "c@x"), await owe(ledger, "c@x")

    await ledger.operate("withdraw", first, who="op", reason=None, at=AT)

    assert (await claim_one(ledger)).message_no == second


@pytest.mark.parametrize("status", [_S.AWAITING_RETRY, _S.AWAITING_RECEIPT, _S.ON_HOLD])
async def test_what_is_unfinished_blocks_the_next(ledger: Ledger, status: DeliveryStatus) -> None:
    await owe(ledger, "c@x")
    await owe(ledger, "c@x")
    claim = await claim_one(ledger)

    if status is _S.ON_HOLD:
        await ledger.settle([failed(claim)])
        await ledger.operate("hold", claim.message_no, who="op", reason=None, at=AT)
    else:
        await ledger.settle([failed(claim, status, due_in_s=3600)])

    assert await claim_due(ledger, TH, lease_s=60, limit=10) == []


async def test_what_is_sent_again_waits_for_what_is_under_way(ledger: Ledger) -> None:
    first, second = await owe(ledger, "c@x"), await owe(ledger, "c@x")
    await ledger.settle([delivered(await claim_one(ledger))])
    under_way = await claim_one(ledger)

    await ledger.operate("resend", first, who="op", reason=None, at=AT)

    assert under_way.message_no == second
    assert await claim_due(ledger, TH, lease_s=60, limit=10) == []
    await ledger.settle([delivered(under_way)])
    assert (await claim_one(ledger)).message_no == first


async def test_conversations_do_not_wait_for_each_other(ledger: Ledger) -> None:
    for conversation in ("a@x", "b@x"):
        for _ in range(2):
            await owe(ledger, conversation)

    assert len(await claim_due(ledger, TH, lease_s=60, limit=10)) == 2


async def test_another_partys_conversation_of_the_same_name_does_not_block(ledger: Ledger) -> None:
    await owe(ledger, "c@x", party=MY)
    await owe(ledger, "c@x", party=TH)

    assert len(await claim_due(ledger, TH, lease_s=60, limit=10)) == 1


# ---- when to look again -----------------------------------------------------------------------------------


async def test_an_empty_lane_has_nothing_to_wait_for(ledger: Ledger) -> None:
    assert await ledger.next_due_s(TH) is None

    await ledger.settle([delivered(await submit_and_claim(ledger))])

    assert await ledger.next_due_s(TH) is None


async def test_something_due_is_due_now(ledger: Ledger) -> None:
    await ledger.submit(a_certificate())

    assert await ledger.next_due_s(TH) == 0


async def test_a_lease_is_waited_for(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN-1"))
    await claim_one(ledger, lease_s=100)

    seconds = await ledger.next_due_s(TH)

    assert seconds is not None
    assert 90 < seconds <= 100


async def test_what_waits_behind_another_is_not_due(ledger: Ledger) -> None:
    await owe(ledger, "c@x")
    await owe(ledger, "c@x")
    await ledger.settle([failed(await claim_one(ledger), due_in_s=500)])

    seconds = await ledger.next_due_s(TH)

    assert seconds is not None
    assert 490 < seconds <= 500


async def test_a_lease_that_ran_out_behind_another_is_not_due(ledger: Ledger) -> None:
    first = await owe(ledger, "c@x")
    await ledger.settle([failed(await claim_one(ledger), _S.EXPIRED)])
    await owe(ledger, "c@x")
    await claim_one(ledger, lease_s=0)
    assert await ledger.next_due_s(TH) == 0

    await ledger.operate("hold", first, who="op", reason=None, at=AT)

    assert await claim_due(ledger, TH, lease_s=60, limit=5) == []
    assert await ledger.next_due_s(TH) is None


async def test_what_is_on_hold_is_never_due(ledger: Ledger) -> None:
    message_no = await owe(ledger, "c@x")
    await owe(ledger, "c@x")

    await ledger.operate("hold", message_no, who="op", reason=None, at=AT)

    assert await ledger.next_due_s(TH) is None


# ---- a sign of life ---------------------------------------------------------------------------------------


async def test_a_sign_of_life_makes_waiting_deliveries_due_with_fresh_patience(ledger: Ledger) -> None:
    for n, status in enumerate((_S.AWAITING_RETRY, _S.AWAITING_RECEIPT)):
        claim = await submit_and_claim(ledger, f"VN-{n}")
        await ledger.settle([failed(claim, status, due_in_s=3600, waits_used=4)])

    assert await ledger.wake(TH) == 2

    claims = await claim_due(ledger, TH, lease_s=60, limit=10)
    assert [claim.waits_used for claim in claims] == [0, 0]
    assert [claim.attempts for claim in claims] == [1, 1]


async def test_what_is_due_but_worn_begins_anew_too(ledger: Ledger) -> None:
    await ledger.settle([failed(await submit_and_claim(ledger), due_in_s=0, waits_used=6)])

    assert await ledger.wake(TH) == 1
    assert await ledger.wake(TH) == 0
    assert (await claim_one(ledger)).waits_used == 0


async def test_a_sign_of_life_leaves_everything_else_alone(ledger: Ledger) -> None:
    await ledger.settle([failed(await submit_and_claim(ledger, "VN-1"), _S.EXPIRED)])
    held = await owe(ledger, "held@x")
    await ledger.operate("hold", held, who="op", reason=None, at=AT)
    await ledger.settle([failed(await submit_and_claim(ledger, "VN-3"), due_in_s=3600)])
    await ledger.submit(a_certificate("VN-2"))

    assert await ledger.wake(MY) == 0
    assert await ledger.wake(TH) == 1

    assert (await certificate_of(ledger, "VN-1")).delivery is _S.EXPIRED
    assert await status_of(ledger, held) is _S.ON_HOLD


async def test_waking_a_long_lane_takes_a_moment(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await pool.execute(
        "INSERT INTO delivery (message_no, party, conversation_id, side, recorded_at, moved_at)"
        " SELECT n, 'TH.CUSTOMS', 'c' || n || '@x', 'out', now(), now() FROM generate_series(1, 5000) AS n"
    )
    for status in ("sending", "awaiting_retry"):
        await pool.execute(
            "UPDATE delivery SET status = $1, due_at = now() + interval '1 hour', waits_used = 3", status
        )

    async with asyncio.timeout(10):
        assert await ledger.wake(TH) == 5000


# ---- counting ----------------------------------------------------------------------------------------------


async def test_counts_follow_every_move(ledger: Ledger) -> None:
    for n in range(3):
        await ledger.submit(a_certificate(f"VN-{n}"))
    await ledger.submit(a_certificate("MY-1", party=MY))
    one, two, _ = await claim_due(ledger, TH, lease_s=60, limit=3)
    assert await ledger.counts() == {TH: {"sending": 3}, MY: {"ready_to_send": 1}}

    await ledger.settle([delivered(one), failed(two)])

    expected = {TH: {"sending": 1, "delivered": 1, "awaiting_retry": 1}, MY: {"ready_to_send": 1}}
    assert await ledger.counts() == expected
    assert await ledger.counts() == expected


async def test_counts_asked_for_at_once_count_once(ledger: Ledger) -> None:
    for n in range(5):
        await ledger.submit(a_certificate(f"VN-{n}"))

    told = await asyncio.gather(*(ledger.counts() for _ in range(8)))

    assert all(counts in ({}, {TH: {"ready_to_send": 5}}) for counts in told)
    assert await ledger.counts() == {TH: {"ready_to_send": 5}}


async def test_an_answer_is_owed_to_whom_it_answers(ledger: Ledger) -> None:
    inbound = an_arrival()
    await admit(ledger, inbound, answered=True)
    (arrived,) = await ledger.find_messages(inbound.sealed.header.message_id)

    claim = await claim_one(ledger)

    assert claim.message_no != arrived.message_no
    assert await message_no_of(ledger, claim.message_id) == claim.message_no
