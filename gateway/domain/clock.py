"""Time is passed in. One clock a process; a drill may start it at another instant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def real_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def clock_from(start: datetime) -> Clock:
    """A clock that stood at *start* when this was called and runs on at real speed."""
    shift: timedelta = start - datetime.now(UTC)
    return lambda: datetime.now(UTC) + shift


def rfc3339(at: datetime) -> str:
    """*at* in UTC with milliseconds and ``Z``, as we write every time of our own."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_exact(at: datetime) -> str:
    """*at* in UTC with ``Z`` and every digit it has: a time of somebody else's is told as it was."""
    return (
        rfc3339(at) if at.microsecond % 1000 == 0 else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    )
