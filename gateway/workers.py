"""
Threads for what is pure and takes time: reading, judging, sealing, checking.

A hop into a thread and back costs the event loop about as much as reading a header. Where tasks queue behind
busy threads, a thread takes its share of them in one hop and hands all results back together, so what was
worked on together reaches the ledger together as well.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

Result = TypeVar("Result")
Task = Callable[[], Any]

MOST = 8  # tasks in one hop; the first of them waits for the last


class Workers:
    """
    Does pure work in the threads of *executor*; they are the caller's to end.

    Args:
        threads: how many of them may work at a time.
    """

    def __init__(self, executor: Executor, threads: int) -> None:
        self._executor = executor
        self._threads = threads
        self._waiting: deque[tuple[asyncio.Future[Any], Task]] = deque()
        self._hands: set[asyncio.Task[None] | None] = set()

    async def do(self, task: Callable[..., Result], *arguments: Any) -> Result:
        """Run *task* in a thread; gives what it returns, raises what it raises."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, partial(task, *arguments)))
        if len(self._hands) < self._threads:
            self._hands.add(asyncio.create_task(self._work()))
        return await future

    async def _work(self) -> None:
        try:
            await self._work_off()
        finally:  # in the same breath as the last look: who comes next must not count on us
            self._hands.discard(asyncio.current_task())

    async def _work_off(self) -> None:
        while self._waiting:
            share = -(-len(self._waiting) // self._threads)
            taken = [self._waiting.popleft() for _ in range(min(share, MOST))]
            wanted = [(future, task) for future, task in taken if not future.done()]
            for (future, _), outcome in zip(wanted, await self._hop(wanted), strict=True):
                if future.done():
                    continue  # nobody waits any more
                if isinstance(outcome, _Failed):
                    future.set_exception(outcome.error)
                else:
                    future.set_result(outcome)

    async def _hop(self, wanted: Sequence[tuple[asyncio.Future[Any], Task]]) -> list[Any]:
        tasks = [task for _, task in wanted]
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, _all_of, tasks)
        except RuntimeError as error:  # the threads were ended before us
            return [_Failed(error)] * len(tasks)


class _Failed:
    """What a task raised."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _all_of(tasks: Sequence[Task]) -> list[Any]:
    return [_outcome_of(task) for task in tasks]


def _outcome_of(task: Task) -> Any:
    try:
        return task()
    except Exception as error:  # noqa: BLE001  (raised again where the task is awaited)
        return _Failed(error)
