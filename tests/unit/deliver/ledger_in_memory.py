"""A ledger without a database: leases, fences, order within a conversation, transitions as in the table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.domain.ids import PartyId
from gateway.domain.status import TRANSITIONS, DeliveryStatus
from gateway.store.records import CheckedReceipt, Claim, Held, LaneRest, Outcome
from tests.unit.deliver.parties import TH, a_claim
from tests.unit.deliver.waiting import until

WAITING = (DeliveryStatus.READY_TO_SEND, DeliveryStatus.AWAITING_RETRY, DeliveryStatus.AWAITING_RECEIPT)
OVER = (
    DeliveryStatus.DELIVERED,
    DeliveryStatus.REFUSED,
    DeliveryStatus.EXPIRED,
    DeliveryStatus.WITHDRAWN,
)


@dataclass
class Row:
    """One delivery, and every status it ever had."""

    claim: Claim
    history: list[DeliveryStatus] = field(default_factory=lambda: [DeliveryStatus.READY_TO_SEND])
    due_at: float = 0.0
    lease_until: float = 0.0
    fence: int = 0
    attempts: int = 0
    waits_used: int = 0
    causes: list[str | None] = field(default_factory=list)
    receipt: CheckedReceipt | None = None

    @property
    def status(self) -> DeliveryStatus:
        return self.history[-1]

    def move(self, to: DeliveryStatus) -> None:
        assert to in TRANSITIONS[self.status], f"{self.status} -> {to} is not in the table"
        self.history.append(to)


class LedgerInMemory:
    """Keeps deliveries as the database would; counts how it was asked."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.claim_sizes: list[int] = []
        self.settle_sizes: list[int] = []
        self.leases_s: set[float] = set()
        self.rests: dict[PartyId, LaneRest] = {}
        self.rested_at = 0.0

    def owe(
        self,
        count: int = 1,
        *,
        party: PartyId = TH,
        conversation: str | None = None,
        body: bytes = b"<message/>",
    ) -> list[Row]:
        rows = []
        for _ in range(count):
            number = len(self.rows) + 1
            row = Row(a_claim(number, party=party, conversation=conversation, body=body))
            self.rows[number] = row
            rows.append(row)
        return rows

    async def rest(self, held: Held, rest: LaneRest) -> None:
        await asyncio.sleep(0)
        self.rests[held.party] = rest
        self.rested_at = time.monotonic()

    async def resting(self, party: PartyId) -> LaneRest:
        await asyncio.sleep(0)
        if (rest := self.rests.get(party)) is None:
            return LaneRest()
        return replace(rest, rest_s=max(0.0, rest.rest_s - (time.monotonic() - self.rested_at)))

    async def claim(self, held: Held, *, lease_s: float, limit: int) -> list[Claim]:
        await asyncio.sleep(0)
        self.leases_s.add(lease_s)
        party = held.party
        claims: list[Claim] = []
        for row in self.rows.values():
            if len(claims) < limit and row.claim.party == party and self._is_due(row):
                claims.append(self._lease(row, lease_s))
        self.claim_sizes.append(len(claims))
        return claims

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        await asyncio.sleep(0)
        self.settle_sizes.append(len(outcomes))
        return [self._settle(outcome) for outcome in outcomes]

    async def next_due_s(self, party: PartyId) -> float | None:
        await asyncio.sleep(0)
        due = [
            row.lease_until if row.status is DeliveryStatus.SENDING else row.due_at
            for row in self.rows.values()
            if row.claim.party == party and row.status not in OVER and not self._is_behind(row)
        ]
        return max(min(due) - time.monotonic(), 0.0) if due else None

    def statuses(self) -> list[DeliveryStatus]:
        return [row.status for row in self.rows.values()]

    async def all_over(self, within_s: float = 20.0) -> None:
        """Wait until every delivery is delivered or final."""
        await until(lambda: all(status in OVER for status in self.statuses()), within_s)

    def _is_due(self, row: Row) -> bool:
        now = time.monotonic()
        due = row.status in WAITING and row.due_at <= now
        left_behind = row.status is DeliveryStatus.SENDING and row.lease_until <= now
        return (due or left_behind) and not self._is_behind(row)

    def _is_behind(self, row: Row) -> bool:
        return any(
            earlier.claim.conversation_id == row.claim.conversation_id and earlier.status not in OVER
            for number, earlier in self.rows.items()
            if number < row.claim.message_no
        )

    def _lease(self, row: Row, lease_s: float) -> Claim:
        row.fence += 1
        row.lease_until = time.monotonic() + lease_s
        if row.status is not DeliveryStatus.SENDING:
            row.move(DeliveryStatus.SENDING)
        row.claim = a_claim(
            row.claim.message_no,
            party=row.claim.party,
            conversation=row.claim.conversation_id,
            body=row.claim.body,
            attempts=row.attempts,
            waits_used=row.waits_used,
            fence=row.fence,
        )
        return row.claim

    def _settle(self, outcome: Outcome) -> bool:
        row = self.rows[outcome.claim.message_no]
        current = row.fence == outcome.claim.fence and row.status is DeliveryStatus.SENDING
        late_receipt = outcome.receipt is not None and row.status not in (
            DeliveryStatus.REFUSED,
            DeliveryStatus.DELIVERED,
        )
        if not current and not late_receipt:
            return False
        row.move(outcome.status)
        row.attempts += 1
        row.waits_used = outcome.waits_used
        row.due_at = time.monotonic() + outcome.due_in_s
        row.causes.append(outcome.cause)
        row.receipt = outcome.receipt
        return True


class LedgerThatGoesAway(LedgerInMemory):
    """Refuses every call while it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.calls_refused = 0

    async def claim(self, held: Held, *, lease_s: float, limit: int) -> list[Claim]:
        self._answer()
        return await super().claim(held, lease_s=lease_s, limit=limit)

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        self._answer()
        return await super().settle(outcomes)

    async def next_due_s(self, party: PartyId) -> float | None:
        self._answer()
        return await super().next_due_s(party)

    def _answer(self) -> None:
        if self.away:
            self.calls_refused += 1
            raise ConnectionError("the database is away")


class LedgerThatCannotWrite(LedgerInMemory):
    """Fails any settling that holds the outcome of one message."""

    def __init__(self, message_no: int) -> None:
        super().__init__()
        self._message_no = message_no

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        if any(outcome.claim.message_no == self._message_no for outcome in outcomes):
            raise ValueError("this outcome cannot be written")
        return await super().settle(outcomes)


class LedgerThatSettlesSlowly(LedgerInMemory):
    """Takes its time to commit, and says when it has begun."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self.settling = asyncio.Event()

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        self.settling.set()
        await asyncio.sleep(self._seconds)
        return await super().settle(outcomes)
