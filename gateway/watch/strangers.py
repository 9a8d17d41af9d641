"""
What strangers asked of the public check in vain: when it is more than a slip of the finger. Pure.

One number that is asked for again and again may stand on a forged certificate; many numbers, or many codes,
may be somebody who counts through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.domain.ids import PartyId
from gateway.intake.catalogue import Owner
from gateway.store.troubles import AskedRow, Cause
from gateway.watch.troubles import Trouble

NOT_ISSUED = "not-issued"
"""The code of their exceptions."""

WITHIN = timedelta(days=1)
REPEATED = 5  # times that one number is asked for within a day
HOUR = timedelta(hours=1)
MANY = 20  # different numbers within an hour
CODES = 50  # wrong codes within a day

_FORGED = (
    "Ask who shows these certificates: their numbers were never issued here. Warn customs where they turn up."
)
_GUESSED = "Look where the questions come from, and slow that address down in front of the public check."


def strangers(rows: Sequence[AskedRow], home: PartyId, at: datetime) -> list[Trouble]:
    """
    What of it somebody must look at; nothing most of the time.

    Args:
        rows: what was asked for in vain within ``WITHIN``, the latest first.
    """
    numbers = [row for row in rows if row.form]
    found = []
    if repeated := [row for row in numbers if row.times >= REPEATED]:
        first = repeated[0]
        more = f", and {len(repeated) - 1} more numbers" if len(repeated) > 1 else ""
        told = f"{first.form} {first.number} was never issued and was asked for {first.times} times{more}"
        found.append(_trouble(home, Owner.ISSUING_AUTHORITY, _FORGED, told))
    lately = sum(row.last_at > at - HOUR for row in numbers)
    codes = sum(row.times for row in rows if not row.form)
    if lately >= MANY or codes >= CODES:
        told = f"{lately} unknown numbers were asked for within an hour, {codes} unknown codes within a day"
        found.append(_trouble(home, Owner.OPERATOR, _GUESSED, told))
    return found


def _trouble(home: PartyId, owner: Owner, next_action: str, told: str) -> Trouble:
    cause = Cause(code=NOT_ISSUED, party=home, organisation=None, owner=owner.value, next_action=next_action)
    return Trouble(cause=cause, told=f"{NOT_ISSUED}: {told}")
