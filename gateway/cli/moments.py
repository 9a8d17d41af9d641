"""By which moment a command judges: the one that was typed, else now by the process's clock."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time

from gateway.cli.failures import WrongUse
from gateway.settings import read_instant, read_settings


def judged_on(text: str | None) -> date | datetime:
    """
    Read ``--at`` as a day, which is the day everywhere, or as an instant; now when nothing was typed.

    Raises:
        WrongUse: *text* is neither.
        Misconfigured: nothing was typed and the configured clock is faulty.
    """
    with suppress(ValueError):
        return date.fromisoformat(text or "")
    return judged_at(text)


def judged_at(text: str | None) -> datetime:
    """
    Read ``--at``: an RFC 3339 instant with its zone, or a day, which is its noon in UTC.

    Raises:
        WrongUse: *text* is neither.
        Misconfigured: nothing was typed and the configured clock is faulty.
    """
    if text is None:
        return read_settings().make_clock()()
    try:
        return datetime.combine(date.fromisoformat(text), time(12), UTC)
    except ValueError:
        pass
    try:
        return read_instant(text)
    except ValueError as error:
        raise WrongUse(f"--at: {error}, or a day such as 2026-11-21") from None
