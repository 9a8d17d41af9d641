"""The first failure ends everything; what goes on beside ends with the work."""

from __future__ import annotations

import asyncio

import pytest

from bench.together import together


class Work:
    """Remembers how it ended."""

    def __init__(self) -> None:
        self.ended: str | None = None

    async def lasts(self, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
            self.ended = "done"
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise

    async def fails(self) -> None:
        await asyncio.sleep(0)
        raise LookupError("first")


async def test_what_goes_on_beside_ends_with_the_work() -> None:
    short, longer, watch = Work(), Work(), Work()

    await together([short.lasts(0), longer.lasts(0.02)], beside=[watch.lasts(3600)])

    assert (short.ended, longer.ended, watch.ended) == ("done", "done", "cancelled")


async def test_the_first_failure_ends_all_and_is_raised() -> None:
    work, watch, bad = Work(), Work(), Work()

    with pytest.raises(LookupError, match="first"):
        await together([work.lasts(3600), bad.fails()], beside=[watch.lasts(3600)])

    assert (work.ended, watch.ended) == ("cancelled", "cancelled")


async def test_a_failure_beside_the_work_ends_it_too() -> None:
    work, bad = Work(), Work()

    with pytest.raises(LookupError, match="first"):
        await together([work.lasts(3600)], beside=[bad.fails()])

    assert work.ended == "cancelled"


async def test_a_cancellation_reaches_everything() -> None:
    work, watch = Work(), Work()
    whole = asyncio.ensure_future(together([work.lasts(3600)], beside=[watch.lasts(3600)]))
    await asyncio.sleep(0.01)

    whole.cancel()

    with pytest.raises(asyncio.CancelledError):
        await whole
    assert (work.ended, watch.ended) == ("cancelled", "cancelled")
