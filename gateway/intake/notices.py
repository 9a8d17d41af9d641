"""What senders are told while a party is out: the notice of the outage, and how much waits already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.clock import rfc3339
from gateway.domain.status import DeliveryStatus
from gateway.store.records import PartyState

_WAITING = (
    DeliveryStatus.READY_TO_SEND,
    DeliveryStatus.SENDING,
    DeliveryStatus.AWAITING_RETRY,
    DeliveryStatus.AWAITING_RECEIPT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    An outage as senders see it.

    Attributes:
        by: who declared it; ``gateway`` for a maintenance that the party had planned.
        until: when it ends by itself; None where an operator will end it.
        waiting: messages that wait for the party, as last counted.
    """

    text: str
    by: str
    since: datetime
    until: datetime | None
    waiting: int

    @property
    def view(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "text": self.text,
            "by": self.by,
            "since": rfc3339(self.since),
            "until": None if self.until is None else rfc3339(self.until),
            "waiting": self.waiting,
        }


def notice_of(state: PartyState, counts: Mapping[str, int]) -> Notice:
    """The notice of a party that is out; *counts* are its deliveries by status."""
    assert state.notice is not None, state
    assert state.suspended_by is not None, state
    assert state.suspended_at is not None, state
    return Notice(
        text=state.notice,
        by=state.suspended_by,
        since=state.suspended_at,
        until=state.until,
        waiting=sum(counts.get(status, 0) for status in _WAITING),
    )
