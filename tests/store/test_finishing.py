"""Work that a cancellation must not cut."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store.finishing import finished


async def test_what_is_not_cancelled_just_returns() -> None:
    assert await finished(asyncio.sleep(0, "done")) == "done"


async def test_its_errors_are_the_callers() -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await finished(fail())


async def cancel_in_the_middle(task: asyncio.Task[None], begun: asyncio.Event) -> None:
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("error", [None, LookupError()])
async def test_a_cancellation_waits_for_the_work(error: Exception | None) -> None:
    begun, end = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(0.02)
        end.set()
        if error is not None:
            raise error

    task = asyncio.create_task(finished(work()))
    await cancel_in_the_middle(task, begun)

    assert task.cancelled()
    assert end.is_set()


async def test_work_that_takes_too_long_is_cancelled_after_all() -> None:
    begun, cut = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    task = asyncio.create_task(finished(work(), within_s=0.01))
    await cancel_in_the_middle(task, begun)

    assert task.cancelled()
    assert cut.is_set()
