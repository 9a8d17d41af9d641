"""What operators may do by hand, and everything else they may not."""

from __future__ import annotations

import asyncpg
import pytest

from gateway.domain.errors import NotAllowed, NotFound
from gateway.domain.ids import FormId
from gateway.domain.status import DeliveryStatus
from gateway.domain.verbs import VERBS
from gateway.store.ledger import Ledger
from gateway.store.records import LaneRest
from tests.store.making import (
    AT,
    FORM_D,
    MINUTE,
    MY,
    RCEP,
    TH,
    a_certificate,
    admitted,
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
    submit_and_claim,
)

_S = DeliveryStatus

ALLOWED = {
    "hold": {_S.READY_TO_SEND, _S.AWAITING_RETRY, _S.AWAITING_RECEIPT, _S.EXPIRED},
    "release": {_S.ON_HOLD},
    "withdraw": {_S.READY_TO_SEND, _S.AWAITING_RETRY, _S.AWAITING_RECEIPT, _S.EXPIRED, _S.ON_HOLD},
    "resend": {_S.DELIVERED, _S.REFUSED, _S.EXPIRED},
}
LEADS_TO = {
    "hold": _S.ON_HOLD,
    "release": _S.READY_TO_SEND,
    "withdraw": _S.WITHDRAWN,
    "resend": _S.READY_TO_SEND,
}


async def bring_to(ledger: Ledger, status: DeliveryStatus) -> int:
    """A delivery that stands in *status*; its message_no."""
    if status in (_S.READY_TO_SEND, _S.ON_HOLD, _S.WITHDRAWN):
        submitted = await ledger.submit(a_certificate())
        message_no = await message_no_of(ledger, submitted.message_id)
        if status is not _S.READY_TO_SEND:
            verb = "hold" if status is _S.ON_HOLD else "withdraw"
            await ledger.operate(verb, message_no, who="op", reason=None, at=AT)
        return message_no
    claim = await submit_and_claim(ledger)
    if status is _S.DELIVERED:
        await ledger.settle([delivered(claim)])
    elif status is not _S.SENDING:
        await ledger.settle([failed(claim, status, waits_used=5)])
    return claim.message_no


@pytest.mark.parametrize("status", list(DeliveryStatus))
@pytest.mark.parametrize("verb", list(ALLOWED))
async def test_each_verb_moves_what_it_may_and_nothing_else(
    ledger: Ledger, verb: str, status: DeliveryStatus
) -> None:
    message_no = await bring_to(ledger, status)

    if status in ALLOWED[verb]:
        moved = await ledger.operate(verb, message_no, who="op", reason="because", at=AT + MINUTE)
        assert moved.delivery is LEADS_TO[verb]
    else:
        with pytest.raises(NotAllowed, match=f"is {status}; it must be one of"):
            await ledger.operate(verb, message_no, who="op", reason="because", at=AT + MINUTE)
        assert (await ledger.message(message_no)).delivery is status


def test_the_verbs_are_those_of_the_interface() -> None:
    assert {verb: set(known.allowed) for verb, known in VERBS.items()} == ALLOWED
    assert {verb: known.to for verb, known in VERBS.items()} == LEADS_TO


async def test_an_act_stands_in_the_events_with_who_and_why(ledger: Ledger) -> None:
    message_no = await bring_to(ledger, _S.READY_TO_SEND)

    held = await ledger.operate("hold", message_no, who="anna", reason="wrong port", at=AT + MINUTE)

    assert held.cause == "held by anna: wrong port"
    act, move = (await ledger.story_of_message(message_no)).events[-2:]
    assert (act.what, act.who, act.at, act.detail) == (
        "operator:hold",
        "anna",
        AT + MINUTE,
        {"reason": "wrong port"},
    )
    assert (move.what, move.who, move.at) == ("delivery:on_hold", "anna", AT + MINUTE)


async def test_what_is_released_is_due_now_and_says_nothing_of_the_hold(ledger: Ledger) -> None:
    message_no = await bring_to(ledger, _S.ON_HOLD)
    assert await claim_due(ledger, TH, lease_s=60, limit=5) == []

    released = await ledger.operate("release", message_no, who="op", reason=None, at=AT)

    assert released.cause is None
    assert (await claim_one(ledger)).message_no == message_no


@pytest.mark.parametrize("status", [_S.DELIVERED, _S.REFUSED, _S.EXPIRED])
async def test_what_is_sent_again_has_fresh_patience_and_keeps_its_attempts(
    ledger: Ledger, status: DeliveryStatus
) -> None:
    message_no = await bring_to(ledger, status)
    body = await ledger.document(message_no)

    await ledger.operate("resend", message_no, who="op", reason=None, at=AT)

    claim = await claim_one(ledger)
    assert (claim.message_no, claim.body, claim.waits_used, claim.attempts) == (message_no, body, 0, 1)
    assert len((await ledger.story_of_message(message_no)).attempts[message_no]) == 1


async def test_only_what_is_owed_can_be_operated_on(ledger: Ledger) -> None:
    arrived = await admitted(ledger, an_arrival())

    with pytest.raises(NotAllowed, match="nothing is owed"):
        await ledger.operate("hold", arrived.message_no, who="op", reason=None, at=AT)
    with pytest.raises(NotFound):
        await ledger.operate("hold", 404, who="op", reason=None, at=AT)


# ---- suspension --------------------------------------------------------------------------------------------


async def suspend(ledger: Ledger, *, outgoing_only: bool = False) -> None:
    await ledger.suspend(TH, who="anna", reason="their holiday", outgoing_only=outgoing_only, at=AT)


async def test_a_suspended_party_has_nothing_due(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN-1"))
    await ledger.submit(a_certificate("VN-2", party=MY))

    await suspend(ledger)

    assert await claim_due(ledger, TH, lease_s=60, limit=5) == []
    assert await ledger.next_due_s(TH) is None
    assert len(await claim_due(ledger, MY, lease_s=60, limit=5)) == 1


async def test_what_waits_for_a_suspended_party_says_so(ledger: Ledger) -> None:
    waiting = await message_no_of(ledger, (await ledger.submit(a_certificate())).message_id)

    await suspend(ledger)

    row = await ledger.message(waiting)
    assert (row.delivery, row.cause) == (_S.READY_TO_SEND, "party suspended by anna")
    (lane,) = await ledger.lanes(AT)
    assert (lane.cause, lane.next_due_s) == ("party suspended by anna", None)


async def test_what_is_finished_says_nothing_of_a_suspension(ledger: Ledger) -> None:
    message_no = await bring_to(ledger, _S.DELIVERED)

    await suspend(ledger)

    assert (await ledger.message(message_no)).cause is None


async def test_a_suspension_is_kept_until_resumed(ledger: Ledger) -> None:
    await ledger.submit(a_certificate())

    await suspend(ledger, outgoing_only=True)

    state = (await ledger.party_states())[TH]
    assert (state.suspended_by, state.suspended_at, state.reason, state.outgoing_only) == (
        "anna",
        AT,
        "their holiday",
        True,
    )
    resumed = await ledger.resume(TH, who="ben", reason=None, at=AT + MINUTE)
    assert (resumed.suspended_by, resumed.outgoing_only) == (None, False)
    assert len(await claim_due(ledger, TH, lease_s=60, limit=5)) == 1
    assert (await events_of(ledger))[2:4] == ["operator:suspend", "operator:resume"]


async def test_suspending_twice_and_resuming_nothing_are_refused(ledger: Ledger) -> None:
    with pytest.raises(NotAllowed, match="not suspended"):
        await ledger.resume(TH, who="op", reason=None, at=AT)
    await suspend(ledger)

    with pytest.raises(NotAllowed, match="suspended already"):
        await suspend(ledger)
    await ledger.resume(TH, who="op", reason=None, at=AT)
    with pytest.raises(NotAllowed):
        await ledger.resume(TH, who="op", reason=None, at=AT)


# ---- the board ---------------------------------------------------------------------------------------------


async def test_a_lane_tells_its_backlog_by_status_and_age(ledger: Ledger, pool: asyncpg.Pool) -> None:
    for n, minutes in enumerate((1, 10, 40, 120, 600, 3000)):
        await ledger.submit(a_certificate(f"VN-{n}", at=AT - minutes * MINUTE))
    held = await message_no_of(ledger, (await ledger.submit(a_certificate("VN-9"))).message_id)
    await ledger.operate("hold", held, who="op", reason=None, at=AT)
    one, two, *_ = await claim_due(ledger, TH, lease_s=60, limit=3)
    await ledger.settle([failed(one, due_in_s=100), delivered(two)])

    (lane,) = await ledger.lanes(AT)

    assert (lane.party, lane.waiting, lane.oldest_s) == (TH, 5, 3000 * 60)
    assert lane.by_age == {"5min": 1, "20min": 0, "1h": 1, "4h": 1, "1d": 1, "older": 1}
    assert lane.by_status == {"ready_to_send": 3, "sending": 1, "awaiting_retry": 1, "on_hold": 1}
    assert lane.next_due_s == 0
    assert lane.cause is None


async def test_a_lane_tells_how_many_have_expired_though_none_waits(ledger: Ledger) -> None:
    await ledger.settle([failed(await submit_and_claim(ledger), _S.EXPIRED)])

    (lane,) = await ledger.lanes(AT)

    assert (lane.waiting, lane.by_status) == (0, {"expired": 1})
    assert (lane.next_due_s, lane.oldest_s, lane.cause) == (None, None, None)


async def test_a_lane_tells_why_its_oldest_waits(ledger: Ledger) -> None:
    await ledger.settle([failed(await submit_and_claim(ledger), due_in_s=100)])

    (lane,) = await ledger.lanes(AT)

    assert lane.cause == "T01: cannot connect"
    assert lane.next_due_s is not None
    assert 95 < lane.next_due_s <= 100


async def test_a_lane_that_nobody_ever_ran_and_that_owes_nothing_is_not_on_the_board(ledger: Ledger) -> None:
    assert await ledger.lanes(AT) == []


async def test_an_empty_lane_tells_who_runs_it_and_how_its_party_answers(ledger: Ledger) -> None:
    held = (await hold(ledger, TH, node="a"))[TH]
    await ledger.rest(held, LaneRest(failures=2, cause="T01: no", rest_s=40))

    (lane,) = await ledger.lanes(AT)

    assert (lane.waiting, lane.cause, lane.next_due_s, lane.holder) == (0, None, None, "a")
    assert (lane.rest.failures, lane.rest.cause) == (2, "T01: no")


async def test_what_waits_for_a_party_that_asked_for_peace_says_so(ledger: Ledger) -> None:
    held = (await hold(ledger, TH))[TH]
    waiting = await message_no_of(ledger, (await ledger.submit(a_certificate())).message_id)

    await ledger.rest(held, LaneRest(failures=1, cause="T03: maintenance", rest_s=40, asked=True))

    assert (await ledger.message(waiting)).cause == "T03: maintenance"
    (lane,) = await ledger.lanes(AT)
    assert lane.cause == "T03: maintenance"
    assert lane.next_due_s is not None
    assert 35 < lane.next_due_s <= 40


async def test_what_an_operator_sends_again_waits_for_no_rest(ledger: Ledger) -> None:
    message_no = await bring_to(ledger, _S.DELIVERED)
    held = (await hold(ledger, TH, node=f"the one for {TH}"))[TH]
    await ledger.rest(held, LaneRest(failures=4, cause="T01: refused", rest_s=40))

    await ledger.operate("resend", message_no, who="op", reason=None, at=AT)

    assert (await ledger.resting(TH)).rest_s == 0


async def test_what_was_never_tried_tells_what_others_met_at_the_door(ledger: Ledger) -> None:
    held = (await hold(ledger, TH))[TH]
    waiting = await message_no_of(ledger, (await ledger.submit(a_certificate())).message_id)
    assert (await ledger.message(waiting)).cause is None

    await ledger.rest(held, LaneRest(failures=1, cause="T01: refused", rest_s=40))

    assert (await ledger.message(waiting)).cause == "T01: refused"


async def test_what_waits_behind_another_names_it(ledger: Ledger) -> None:
    first, second = await owe(ledger, "c@x"), await owe(ledger, "c@x")
    assert (await ledger.message(second)).cause is None

    await ledger.settle([failed(await claim_one(ledger), due_in_s=500)])

    ahead = await ledger.message(first)
    assert ahead.cause == "T01: cannot connect"
    behind = f"behind message {ahead.message_id} of the same conversation"
    assert (await ledger.message(second)).cause == behind


# ---- outages, times and single corridors -------------------------------------------------------------------


async def test_an_outage_may_follow_a_suspension_and_is_told_as_the_cause(ledger: Ledger) -> None:
    submitted = await ledger.submit(a_certificate())
    await suspend(ledger)
    told = {"who": "bert", "reason": None, "outgoing_only": True, "at": AT, "notice": "Use paper."}

    out = await ledger.suspend(TH, **told)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        await ledger.suspend(TH, **told)  # type: ignore[arg-type]

    assert (out.is_outage, out.notice, out.outgoing_only) == (True, "Use paper.", False)
    (message,) = await ledger.find_messages(submitted.message_id)
    assert message.cause == "outage declared by bert: Use paper."
    assert await claim_due(ledger, limit=5) == []
    assert (await ledger.resume(TH, who="op", reason=None, at=AT)).notice is None
    assert (await events_of(ledger))[-3:] == ["operator:suspend", "operator:outage", "operator:resume"]


async def test_a_suspension_ends_when_its_time_has_come(ledger: Ledger) -> None:
    await ledger.suspend(TH, who="op", reason=None, outgoing_only=True, at=AT, until=AT + MINUTE)

    await ledger.resume_in_time(AT)
    assert (await ledger.party_states())[TH].suspended_by == "op"
    await ledger.resume_in_time(AT + MINUTE)
    await ledger.resume_in_time(AT + MINUTE)

    assert (await ledger.party_states())[TH].suspended_by is None
    assert (await events_of(ledger)) == ["operator:suspend", "operator:resume"]


async def test_a_planned_maintenance_is_acted_upon_once(ledger: Ledger) -> None:
    window = {
        "who": "gateway",
        "reason": None,
        "outgoing_only": True,
        "notice": "Down.",
        "until": AT + MINUTE,
    }
    await ledger.suspend(TH, **window, at=AT, maintained=AT)  # type: ignore[arg-type]
    await ledger.resume(TH, who="op", reason="they are back", at=AT)

    with pytest.raises(NotAllowed):
        await ledger.suspend(TH, **window, at=AT, maintained=AT)  # type: ignore[arg-type]
    next_one = await ledger.suspend(TH, **window, at=AT, maintained=AT + MINUTE)  # type: ignore[arg-type]

    assert next_one.notice == "Down."


async def test_a_suspended_corridor_has_nothing_due_and_the_partys_other_forms_go_on(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN-1"))
    await ledger.submit(a_certificate("VN-2", form=RCEP))
    form_d = FormId("atiga/form-d")
    how = {"who": "anna", "reason": "a new version", "at": AT}
    await ledger.suspend_corridor(TH, form_d, outgoing_only=False, **how)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        await ledger.suspend_corridor(TH, form_d, outgoing_only=False, **how)  # type: ignore[arg-type]

    state = (await ledger.party_states())[TH]
    assert [(one.form, one.suspended_by) for one in state.corridors] == [(form_d, "anna")]
    assert [state.takes_nothing(form) for form in (None, FORM_D, RCEP)] == [False, True, False]
    (claim,) = await claim_due(ledger, limit=5)
    assert (await ledger.message(claim.message_no)).certificate_number == "VN-2"
    (waiting,) = await ledger.find_messages((await certificate_of(ledger, "VN-1")).message_id)
    assert waiting.cause == "corridor suspended by anna"
    await ledger.settle([delivered(claim)])
    assert await ledger.next_due_s(TH) is None

    await ledger.resume_corridor(TH, form_d, **how)  # type: ignore[arg-type]

    assert (await claim_one(ledger)).message_no == waiting.message_no
    with pytest.raises(NotAllowed):
        await ledger.resume_corridor(TH, form_d, **how)  # type: ignore[arg-type]


async def test_what_waits_in_a_suspended_corridor_is_set_aside_and_brought_back(
    ledger: Ledger, pool: asyncpg.Pool
) -> None:
    for n in range(3):
        await ledger.submit(a_certificate(f"VN-{n}"))
    await ledger.submit(a_certificate("VN-9", form=RCEP))
    held = await message_no_of(ledger, (await ledger.submit(a_certificate("VN-8"))).message_id)
    await ledger.operate("hold", held, who="op", reason=None, at=AT)
    form_d, how = FormId("atiga/form-d"), {"who": "op", "reason": None, "at": AT}
    await ledger.suspend_corridor(TH, form_d, outgoing_only=False, **how)  # type: ignore[arg-type]

    await ledger.sort_out_corridors()
    aside = "SELECT count(*) FROM delivery WHERE due_at = 'infinity' AND status = 'ready_to_send'"
    before = await pool.fetchval(aside)
    (claim,) = await claim_due(ledger, limit=9)
    await ledger.settle([delivered(claim)])
    await ledger.resume_corridor(TH, form_d, **how)  # type: ignore[arg-type]

    assert (before, await pool.fetchval(aside)) == (3, 0)
    assert len(await claim_due(ledger, limit=9)) == 3
    assert (await ledger.message(held)).delivery is _S.ON_HOLD
