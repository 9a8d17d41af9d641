"""Work that a cancellation must not cut: a commit that was begun has an outcome, and we wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

COMMIT_WITHIN_S = 10.0


async def finished(work: Coroutine[Any, Any, Result], *, within_s: float | None = COMMIT_WITHIN_S) -> Result:
    """
    Do *work* to its end even when cancelled meanwhile; the cancellation goes on afterwards.

    A cancelled query would be cancelled in the server too, and a commit that waits for a standby would then
    be told as done without being safe.

    Args:
        within_s: how long after a cancellation the work may still take; then it is cancelled as well.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        _, late = await asyncio.wait([task], timeout=within_s)
        if late:
            task.cancel()
            await asyncio.wait([task])
        elif not task.cancelled():
            task.exception()  # read, so that nobody complains that it was not
        raise
