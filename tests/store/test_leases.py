"""Who runs a lane: one node at a time, fairly, and never one that was thought dead."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from gateway.domain.ids import PartyId
from gateway.domain.status import DeliveryStatus
from gateway.store.ledger import Ledger
from gateway.store.records import Held, LaneRest, Running
from tests.store.making import MY, TH, a_certificate, delivered, failed, hold, owe

_S = DeliveryStatus
PARTIES = [PartyId(f"P{n}.CUSTOMS") for n in range(5)]


async def beat(
    ledger: Ledger, node: str, held: list[Held], *, lease_s: float = 60, parties: list[PartyId] | None = None
) -> list[Held]:
    running = [Running(one, window=4, heard=False) for one in held]
    now, _ = await ledger.hold_lanes(
        node, parties=PARTIES if parties is None else parties, running=running, lease_s=lease_s
    )
    return now


async def run_out(pool: asyncpg.Pool) -> None:
    """Every lease of a lane is over."""
    await pool.execute("UPDATE lane SET lease_until = now()")


async def test_the_first_node_runs_all_lanes(ledger: Ledger) -> None:
    held = await beat(ledger, "a", [])

    assert {one.party for one in held} == set(PARTIES)
    assert await beat(ledger, "a", held) == held


async def test_two_nodes_end_with_fair_shares_and_no_lane_in_common(ledger: Ledger) -> None:
    a, b = await beat(ledger, "a", []), await beat(ledger, "b", [])
    assert b == []

    running = [Running(one, window=4, heard=True) for one in a]
    _, share = await ledger.hold_lanes("a", parties=PARTIES, running=running, lease_s=60)
    await ledger.give_up(a[share:])
    a, b = await beat(ledger, "a", a[:share]), await beat(ledger, "b", [])

    assert (len(a), len(b)) == (3, 2)
    assert {one.party for one in a} | {one.party for one in b} == set(PARTIES)


async def test_many_nodes_at_once_share_without_overlap(ledger: Ledger) -> None:
    taken = await asyncio.gather(*(beat(ledger, f"n{n}", []) for n in range(6)))

    parties = [one.party for held in taken for one in held]
    assert len(parties) == len(set(parties))


async def test_a_dead_node_s_lanes_are_free_when_its_lease_is_over(ledger: Ledger) -> None:
    dead = await beat(ledger, "a", [], lease_s=0)

    heirs = await beat(ledger, "b", [])

    assert {one.party for one in heirs} == {one.party for one in dead}
    assert min(one.fence for one in heirs) > max(one.fence for one in dead)
    assert await beat(ledger, "a", dead, parties=[]) == []


async def test_a_node_that_starts_anew_has_its_lanes_at_once_under_another_fence(ledger: Ledger) -> None:
    before = await beat(ledger, "a", [])

    after = await beat(ledger, "a", [])

    assert {one.party for one in after} == {one.party for one in before}
    assert min(one.fence for one in after) > max(one.fence for one in before)


async def test_a_node_that_leaves_makes_nobody_wait(ledger: Ledger) -> None:
    await beat(ledger, "a", [])

    await ledger.leave("a")

    assert len(await beat(ledger, "b", [])) == len(PARTIES)


async def test_who_lost_a_lane_claims_nothing(ledger: Ledger) -> None:
    await ledger.submit(a_certificate())
    lost = (await hold(ledger, TH, node="a", lease_s=0))[TH]
    heir = (await hold(ledger, TH, node="b"))[TH]

    assert await ledger.claim(lost, lease_s=60, limit=5) == []
    assert len(await ledger.claim(heir, lease_s=60, limit=5)) == 1


async def test_a_lease_that_ran_out_claims_nothing_though_nobody_took_the_lane(ledger: Ledger) -> None:
    await ledger.submit(a_certificate())
    late = (await hold(ledger, TH, lease_s=0))[TH]

    assert await ledger.claim(late, lease_s=60, limit=5) == []


async def test_what_a_former_holder_had_in_hand_is_due_at_once(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await ledger.submit(a_certificate())
    await ledger.submit(a_certificate("VN-2"))
    former = (await hold(ledger, TH, node="a"))[TH]
    left = await ledger.claim(former, lease_s=3600, limit=1)
    await run_out(pool)
    heir = (await hold(ledger, TH, node="b"))[TH]

    found = await ledger.claim(heir, lease_s=3600, limit=5)

    assert {claim.message_no for claim in left} < {claim.message_no for claim in found}
    assert await ledger.claim(heir, lease_s=3600, limit=5) == []


@pytest.mark.parametrize("status", [_S.AWAITING_RETRY, _S.EXPIRED, _S.REFUSED])
async def test_an_outcome_under_a_lost_lane_counts_not(
    ledger: Ledger, pool: asyncpg.Pool, status: DeliveryStatus
) -> None:
    await ledger.submit(a_certificate())
    former = (await hold(ledger, TH, node="a"))[TH]
    (claim,) = await ledger.claim(former, lease_s=3600, limit=1)
    await run_out(pool)
    await hold(ledger, TH, node="b")

    assert await ledger.settle([failed(claim, status)]) == [False]
    assert (await ledger.message(claim.message_no)).delivery is _S.SENDING


async def test_a_receipt_counts_whoever_brings_it(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await ledger.submit(a_certificate())
    former = (await hold(ledger, TH, node="a"))[TH]
    (claim,) = await ledger.claim(former, lease_s=3600, limit=1)
    await run_out(pool)
    await hold(ledger, TH, node="b")

    assert await ledger.settle([delivered(claim)]) == [True]


async def test_order_in_a_conversation_outlives_the_change_of_holder(
    ledger: Ledger, pool: asyncpg.Pool
) -> None:
    first, second = await owe(ledger, "c@x"), await owe(ledger, "c@x")
    former = (await hold(ledger, TH, node="a"))[TH]
    await ledger.claim(former, lease_s=3600, limit=5)
    await run_out(pool)
    heir = (await hold(ledger, TH, node="b"))[TH]

    (again,) = await ledger.claim(heir, lease_s=3600, limit=5)
    assert again.message_no == first
    await ledger.settle([delivered(again)])
    (following,) = await ledger.claim(heir, lease_s=3600, limit=5)
    assert following.message_no == second


async def test_a_lane_cannot_be_taken_while_its_holder_claims(ledger: Ledger, pool: asyncpg.Pool) -> None:
    """Else a claim could be given out with a greater fence than the lane's new one, and count under it."""
    await hold(ledger, TH, node="a", lease_s=0)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM lane WHERE party = $1 FOR SHARE", TH)

        assert await hold(ledger, TH, node="b") == {}
    assert TH in await hold(ledger, TH, node="b")


# ---- how a party answers ---------------------------------------------------------------------------------


async def test_a_rest_is_found_by_the_next_holder(ledger: Ledger) -> None:
    held = (await hold(ledger, TH))[TH]

    await ledger.rest(held, LaneRest(failures=3, cause="T03: busy", rest_s=90, asked=True))

    rest = await ledger.resting(TH)
    assert (rest.failures, rest.cause, rest.asked) == (3, "T03: busy", True)
    assert 85 < rest.rest_s <= 90
    assert await ledger.resting(MY) == LaneRest()


async def test_who_lost_the_lane_has_no_say_about_its_rest(ledger: Ledger) -> None:
    lost = (await hold(ledger, TH, node="a", lease_s=0))[TH]
    await hold(ledger, TH, node="b")

    await ledger.rest(lost, LaneRest(failures=3, cause="T01: x", rest_s=90))

    assert await ledger.resting(TH) == LaneRest()


async def test_a_sign_of_life_ends_the_rest(ledger: Ledger) -> None:
    held = (await hold(ledger, TH))[TH]
    await ledger.rest(held, LaneRest(failures=3, cause="T01: x", rest_s=90))

    await ledger.wake(TH)

    assert await ledger.resting(TH) == LaneRest()
