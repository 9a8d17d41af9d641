"""What a door has in hand: never more than it may, whoever comes, and a place for the others is left."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.capacity import Busy, Capacity


def capacity(most: int = 8, most_bytes: int = 1_000, at_once: int = 2) -> tuple[Capacity, list[str]]:
    told: list[str] = []
    return Capacity(most=most, most_bytes=most_bytes, at_once=at_once, turned_away=told.append), told


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 400)), max_size=30))
def test_no_more_is_held_than_may_be_and_nothing_is_left_behind(calls: list[tuple[str, int]]) -> None:
    door, _ = capacity()

    with ExitStack() as stack:
        for client, size in calls:
            with suppress(Busy):
                stack.enter_context(door.visit(client)).take(size)
            assert door.in_hand <= 8
            assert door.bytes_in_hand <= 1_000

    assert (door.in_hand, door.bytes_in_hand) == (0, 0)


def test_one_client_has_half_of_the_places_and_the_others_the_rest() -> None:
    door, told = capacity()

    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(door.visit("flood"))
        with pytest.raises(Busy):
            stack.enter_context(door.visit("flood"))
        for client in "abcd":
            stack.enter_context(door.visit(client))
        with pytest.raises(Busy) as busy:
            stack.enter_context(door.visit("e"))
        assert 1 <= busy.value.retry_after_s <= 4

    assert told == ["share", "full"]


def test_one_client_has_half_of_the_bytes_and_the_others_the_rest() -> None:
    door, told = capacity()

    with door.visit("large") as one, door.visit("other") as other, door.visit("third") as third:
        one.take(500)
        with pytest.raises(Busy):
            one.take(1)
        other.take(400)
        with pytest.raises(Busy):
            third.take(101)
        third.take(100)

    assert told == ["share", "bytes"]


async def test_turns_come_in_order_and_are_given_back_whatever_happens() -> None:
    door, _ = capacity(at_once=1)
    order: list[int] = []

    async def call(number: int) -> None:
        with door.visit(f"client {number}") as visit:
            await visit.turn()
            await visit.turn()  # it has it already
            order.append(number)
            await asyncio.sleep(0)
            raise OSError

    ended = await asyncio.gather(*(call(number) for number in range(5)), return_exceptions=True)

    assert order == [0, 1, 2, 3, 4]
    assert {type(error) for error in ended} == {OSError}


async def test_who_goes_away_while_it_waits_for_its_turn_takes_none() -> None:
    door, _ = capacity(at_once=1)

    async def call() -> None:
        with door.visit("b") as visit:
            await visit.turn()

    with door.visit("a") as first:
        await first.turn()
        waiting = asyncio.create_task(call())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    async with asyncio.timeout(5):
        await call()
