"""Doing things at once, so that the first failure ends them all and is what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

Work = Coroutine[Any, Any, None]


class BenchmarkFailed(Exception):
    """Figures that count for nothing, and why; every foreseen failure of a benchmark is one."""


async def together(works: Iterable[Work], *, beside: Iterable[Work] = ()) -> None:
    """
    Do all *works*; what goes on *beside* them ends with them.

    Raises:
        Exception: what failed first; all the others have been cancelled.
    """
    left = {asyncio.ensure_future(work) for work in works}
    others = {asyncio.ensure_future(work) for work in beside}
    everything = left | others
    try:
        while left:
            done, _ = await asyncio.wait(left | others, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            left -= done
            others -= done
    finally:
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
