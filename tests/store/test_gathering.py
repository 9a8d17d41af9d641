"""Writing together what comes together; each caller hears of his own, once it is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from gateway.store.gathering import MOST, WRITERS, Gathered


class Paper:
    """Somewhere to write numbers, doubled; it can be wet, and takes no negative ones."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()
        self.dry = asyncio.Event()
        self.dry.set()

    async def write(self, numbers: Sequence[int]) -> list[int]:
        """Write them, or none of them."""
        self.batches.append(list(numbers))
        self.begun.set()
        await self.dry.wait()
        if min(numbers) < 0:
            raise asyncpg.UniqueViolationError("a negative number")
        if 404 in numbers:
            raise asyncpg.ConnectionDoesNotExistError("gone")
        return [2 * number for number in numbers]


async def test_a_lonely_caller_waits_for_nobody() -> None:
    paper = Paper()

    assert await Gathered(paper.write).add(4) == 8
    assert paper.batches == [[4]]


async def test_what_comes_while_the_writers_are_busy_is_written_together() -> None:
    paper = Paper()
    gathered = Gathered(paper.write)
    paper.dry.clear()
    first = [asyncio.create_task(gathered.add(n)) for n in range(WRITERS)]
    await paper.begun.wait()
    rest = [asyncio.create_task(gathered.add(n)) for n in range(10, 30)]
    await asyncio.sleep(0)

    paper.dry.set()

    assert await asyncio.gather(*first, *rest) == [2 * n for n in (*range(WRITERS), *range(10, 30))]
    assert len(paper.batches) <= 3


async def test_a_batch_that_takes_long_does_not_hold_up_the_rest() -> None:
    paper = Paper()
    gathered = Gathered(paper.write)
    paper.dry.clear()
    slow = asyncio.create_task(gathered.add(1))
    await paper.begun.wait()
    paper.begun.clear()
    behind = asyncio.create_task(gathered.add(2))

    async with asyncio.timeout(30):
        await paper.begun.wait()
    still_wet = not slow.done()
    paper.dry.set()

    assert still_wet
    assert [await slow, await behind] == [2, 4]
    assert paper.batches == [[1], [2]]


async def test_a_batch_has_its_measure() -> None:
    paper = Paper()
    gathered = Gathered(paper.write)

    await asyncio.gather(*(gathered.add(n) for n in range(3 * MOST)))

    assert max(map(len, paper.batches)) == MOST


async def test_what_cannot_be_written_fails_for_itself_alone() -> None:
    gathered = Gathered(Paper().write)

    answers = await asyncio.gather(*(gathered.add(n) for n in (1, -2, 3)), return_exceptions=True)

    assert isinstance(answers[1], asyncpg.UniqueViolationError)
    assert (answers[0], answers[2]) == (2, 6)


async def test_when_the_database_goes_all_are_told_and_nothing_is_written_again() -> None:
    paper = Paper()
    gathered = Gathered(paper.write)

    answers = await asyncio.gather(*(gathered.add(n) for n in (1, 404, 3)), return_exceptions=True)

    assert all(isinstance(answer, asyncpg.ConnectionDoesNotExistError) for answer in answers)
    assert len(paper.batches) == 1
    assert await gathered.add(5) == 10


async def test_a_caller_cancelled_while_it_is_written_waits_for_the_end() -> None:
    paper = Paper()
    gathered = Gathered(paper.write)
    paper.dry.clear()
    caller = asyncio.create_task(gathered.add(1))
    await paper.begun.wait()

    caller.cancel()
    await asyncio.sleep(0)
    still_there = not caller.done()
    paper.dry.set()

    with pytest.raises(asyncio.CancelledError):
        await caller
    assert still_there
    assert paper.batches == [[1]]


async def test_who_comes_the_moment_the_writers_fall_idle_is_not_forgotten() -> None:
    paper = Paper()
    gathered = Gathered(paper.write)
    paper.dry.clear()

    async def after_the_writers() -> int:
        await paper.dry.wait()
        return await gathered.add(99)

    first = []
    for n in range(WRITERS):
        paper.begun.clear()
        first.append(asyncio.create_task(gathered.add(n)))
        await paper.begun.wait()
    last = asyncio.create_task(after_the_writers())
    await asyncio.sleep(0)
    paper.dry.set()

    async with asyncio.timeout(10):
        assert await last == 198
    assert await asyncio.gather(*first) == [2 * n for n in range(WRITERS)]
