"""One act on many messages: the list is frozen, the rate is kept, a stop holds, no message is done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from gateway.domain.errors import NotAllowed, NotFound
from gateway.domain.ids import FormId
from gateway.domain.status import DeliveryStatus
from gateway.store.actions import REFUSED_IN_A_ROW, Filter
from gateway.store.ledger import Ledger
from gateway.store.records import ActionRow, ActionState
from tests.store.making import (
    AT,
    MY,
    RCEP,
    TH,
    a_certificate,
    certificate_of,
    claim_one,
    deliver,
    delivered,
    events_of,
    failed,
    owe,
)

_S = DeliveryStatus


@pytest.fixture
async def filled(ledger: Ledger) -> Ledger:
    """Three to TH, one of them in another form and a day older; one to MY; an answer to TH; one delivered."""
    await deliver(ledger, "VN-0")
    await ledger.submit(a_certificate("VN-1", form=RCEP, at=AT - timedelta(days=1)))
    await ledger.submit(a_certificate("VN-2"))
    await ledger.submit(a_certificate("VN-3"))
    await ledger.submit(a_certificate("VN-4", party=MY))
    await owe(ledger, "an-answer")
    return ledger


async def plan(ledger: Ledger, verb: str = "hold", meant: Any = None, **how: Any) -> ActionRow:
    usual: dict[str, Any] = {"who": "anna", "reason": "outage", "most": 100, "per_second": 100, "at": AT}
    return await ledger.plan_action(verb, meant or Filter(party=TH), **usual | how)


async def worked_off(ledger: Ledger, pool: asyncpg.Pool, ticks: int = 1) -> None:
    """Ticks that follow each other at once: the time between them is taken back."""
    for _ in range(ticks):
        await ledger.work_off_actions(AT)
        await pool.execute("UPDATE action SET ticked_at = '-infinity'")


async def numbers(ledger: Ledger, action: ActionRow) -> list[str | None]:
    return [
        item.certificate_number for item in await ledger.action_items(action.action_no, after=0, limit=99)
    ]


@pytest.mark.parametrize(
    ("verb", "meant", "found"),
    [
        pytest.param("hold", Filter(party=TH), ["VN-1", "VN-2", "VN-3", None], id="party"),
        pytest.param("hold", Filter(), ["VN-1", "VN-2", "VN-3", "VN-4", None], id="all"),
        pytest.param("hold", Filter(form=FormId("rcep/form-rcep")), ["VN-1"], id="form"),
        pytest.param("hold", Filter(last_day=date(2026, 11, 20)), ["VN-1"], id="to"),
        pytest.param("hold", Filter(party=MY, first_day=date(2026, 11, 21)), ["VN-4"], id="from"),
        pytest.param("resend", Filter(party=TH), ["VN-0"], id="delivered"),
        pytest.param("resend", Filter(status="accepted", party=TH), [], id="another-layer"),
        pytest.param("resend", Filter(status="in_force", party=TH), ["VN-0"], id="a-life"),
    ],
)
async def test_a_filter_finds_what_the_verb_may_move(
    filled: Ledger, verb: str, meant: Filter, found: Sequence[str]
) -> None:
    if not found:
        with pytest.raises(NotFound, match="nothing to resend"):
            await plan(filled, verb, meant)
        return
    assert sorted(await numbers(filled, await plan(filled, verb, meant)), key=str) == sorted(found, key=str)


async def test_more_than_the_cap_plans_nothing(filled: Ledger) -> None:
    with pytest.raises(NotAllowed, match="more than 3 messages match"):
        await plan(filled, most=3)

    assert await filled.actions(before=99, limit=9) == []
    assert (await plan(filled, most=4)).count == 4


async def test_the_list_is_frozen_and_each_message_tells_of_the_action(
    filled: Ledger, pool: asyncpg.Pool
) -> None:
    action = await plan(filled)
    await filled.submit(a_certificate("VN-9"))  # too late for the list
    await filled.settle([delivered(await claim_one(filled))])  # the oldest is beyond holding now

    await filled.start_action(action.action_id, who="bert", at=AT)
    await worked_off(filled, pool)

    ended = await filled.action(action.action_id)
    assert (ended.state, ended.done, ended.refused) == (ActionState.DONE, 3, 1)
    items = await filled.action_items(action.action_no, after=0, limit=9)
    assert [item.result == "done" for item in items] == [False, True, True, True]
    assert "is delivered; it must be one of" in (items[0].result or "")
    assert (await certificate_of(filled, "VN-9")).delivery is _S.READY_TO_SEND
    story = await filled.story_of_message(items[1].message_no)
    held = next(event for event in story.events if event.what == "operator:hold")
    assert (held.who, held.detail) == ("bert", {"reason": "outage", "action": str(action.action_id)})


async def test_an_action_is_told_from_plan_to_end(filled: Ledger, pool: asyncpg.Pool) -> None:
    action = await plan(filled)
    await filled.start_action(action.action_id, who="bert", at=AT)
    await worked_off(filled, pool)

    rows, _ = await filled.events(after=None, limit=500)
    acts = [row for row in rows if row.what in ("operator:plan", "operator:start", "operator:done")]
    assert [(row.what, row.who) for row in acts] == [
        ("operator:plan", "anna"),
        ("operator:start", "bert"),
        ("operator:done", "bert"),
    ]
    planned = acts[0].detail or {}
    assert (planned["count"], planned["wanted"], planned["reason"]) == (4, {"party": TH}, "outage")
    assert planned["digest"] == action.digest.hex()


async def test_a_stop_holds_in_the_middle_and_a_start_goes_on(filled: Ledger, pool: asyncpg.Pool) -> None:
    action = await plan(filled, per_second=1)
    await filled.start_action(action.action_id, who="op", at=AT)
    await worked_off(filled, pool, ticks=2)

    stopped = await filled.stop_action(action.action_id, who="carl", reason="enough", at=AT)
    await worked_off(filled, pool, ticks=3)

    assert (stopped.state, stopped.done, stopped.stopped_by, stopped.stopped_for) == (
        ActionState.STOPPED,
        2,
        "carl",
        "enough",
    )
    assert (await filled.action(action.action_id)).done == 2
    await filled.start_action(action.action_id, who="op", at=AT)
    await worked_off(filled, pool, ticks=3)
    assert (await filled.action(action.action_id)).state is ActionState.DONE
    assert (await events_of(filled)).count("operator:hold") == 4


async def test_the_rate_holds_over_all_nodes(filled: Ledger) -> None:
    action = await plan(filled, per_second=1)
    await filled.start_action(action.action_id, who="op", at=AT)

    await asyncio.gather(*(filled.work_off_actions(AT) for _ in range(4)))  # as four nodes would
    await filled.work_off_actions(AT)

    assert (await filled.action(action.action_id)).done == 1


async def test_nodes_that_work_on_the_same_list_do_no_message_twice(
    filled: Ledger, pool: asyncpg.Pool
) -> None:
    action = await plan(filled, per_second=100)
    await filled.start_action(action.action_id, who="op", at=AT)

    async def node() -> None:
        await filled.work_off_actions(AT)

    for _ in range(3):
        await pool.execute("UPDATE action SET ticked_at = '-infinity'")
        await asyncio.gather(node(), node())

    assert (await filled.action(action.action_id)).done == 4
    assert (await events_of(filled)).count("operator:hold") == 4


async def test_a_resending_that_is_refused_again_and_again_stops_by_itself(
    ledger: Ledger, pool: asyncpg.Pool
) -> None:
    count = REFUSED_IN_A_ROW + 3
    for n in range(count):
        await ledger.submit(a_certificate(f"VN-{n}"))
        await ledger.settle([failed(await claim_one(ledger), _S.REFUSED)])
    action = await plan(ledger, "resend", Filter(status="refused"), per_second=1)
    await ledger.start_action(action.action_id, who="op", at=AT)
    for _ in range(REFUSED_IN_A_ROW):
        await worked_off(ledger, pool)
        await ledger.settle([failed(await claim_one(ledger), _S.REFUSED)])

    await worked_off(ledger, pool)

    stopped = await ledger.action(action.action_id)
    assert (stopped.state, stopped.done, stopped.stopped_by) == (
        ActionState.STOPPED,
        REFUSED_IN_A_ROW,
        "gateway",
    )
    assert "refused by their party" in (stopped.stopped_for or "")


async def test_what_cannot_be_started_or_stopped_is_told(filled: Ledger, pool: asyncpg.Pool) -> None:
    action = await plan(filled)

    with pytest.raises(NotAllowed, match="is planned; only a running one"):
        await filled.stop_action(action.action_id, who="op", reason=None, at=AT)
    await filled.start_action(action.action_id, who="op", at=AT)
    again = await filled.start_action(action.action_id, who="op", at=AT)
    await worked_off(filled, pool)

    assert again.state is ActionState.RUNNING
    assert (await events_of(filled)).count("operator:start") == 1
    with pytest.raises(NotAllowed, match="is done"):
        await filled.start_action(action.action_id, who="op", at=AT)
    with pytest.raises(NotFound):
        await filled.action(UUID(int=7))
