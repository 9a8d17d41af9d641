"""Workers: what queues behind busy threads is taken together, and each caller hears of his own task."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from gateway.workers import MOST, Workers


class CountingExecutor(ThreadPoolExecutor):
    """Counts its hops."""

    hops = 0

    def submit(self, *arguments: Any, **more: Any) -> Future[Any]:
        """Count and go."""
        self.hops += 1
        return super().submit(*arguments, **more)


@pytest.fixture
def executor() -> Iterator[CountingExecutor]:
    with CountingExecutor(2) as threads:
        yield threads


async def test_each_caller_gets_what_his_own_task_gives(executor: CountingExecutor) -> None:
    workers = Workers(executor, 2)

    answers = await asyncio.gather(*(workers.do(divmod, n, 7) for n in range(50)))

    assert answers == [divmod(n, 7) for n in range(50)]


async def test_what_comes_together_takes_few_hops(executor: CountingExecutor) -> None:
    workers = Workers(executor, 2)

    await asyncio.gather(*(workers.do(pow, n, 2) for n in range(4 * MOST)))

    assert executor.hops <= MOST


async def test_a_task_that_fails_fails_for_itself_alone(executor: CountingExecutor) -> None:
    workers = Workers(executor, 1)

    answers = await asyncio.gather(*(workers.do(divmod, 1, n) for n in range(3)), return_exceptions=True)

    assert isinstance(answers[0], ZeroDivisionError)
    assert answers[1:] == [(1, 0), (0, 1)]


async def test_a_caller_who_left_does_not_hold_up_the_others(executor: CountingExecutor) -> None:
    workers = Workers(executor, 1)
    go_on = threading.Event()
    first = asyncio.create_task(workers.do(go_on.wait))
    left = asyncio.create_task(workers.do(divmod, 1, 0))
    last = asyncio.create_task(workers.do(divmod, 7, 2))
    await asyncio.sleep(0)

    left.cancel()
    await asyncio.sleep(0)
    go_on.set()

    assert await first
    assert await last == (3, 1)
    assert left.cancelled()


async def test_as_many_work_at_a_time_as_there_are_threads(executor: CountingExecutor) -> None:
    workers = Workers(executor, 2)
    both_here = threading.Barrier(2)

    await asyncio.gather(workers.do(both_here.wait), workers.do(both_here.wait))

    assert not both_here.broken


async def test_once_the_threads_are_ended_every_caller_is_told(executor: CountingExecutor) -> None:
    workers = Workers(executor, 2)
    executor.shutdown()

    with pytest.raises(RuntimeError, match="after shutdown"):
        await workers.do(divmod, 7, 2)


async def test_who_comes_the_moment_the_threads_fall_idle_is_not_forgotten(
    executor: CountingExecutor,
) -> None:
    workers = Workers(executor, 1)

    async with asyncio.timeout(10):
        answers = [await workers.do(divmod, n, 7) for n in range(20)]

    assert answers == [divmod(n, 7) for n in range(20)]
