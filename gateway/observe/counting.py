"""
The doors' desks and the lanes' ledger, counted: a call goes through unchanged and leaves its figures behind.

``app`` puts these between the parts, so that neither doors nor lanes nor pipeline know of figures.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from gateway.deliver.lane import Debts
from gateway.domain.caller import Caller
from gateway.domain.ids import PartyId
from gateway.domain.message import Arrived
from gateway.intake.desk import ExchangeDesk, NationalDesk, SubmissionRefused, Taken, Verdict, WireAnswer
from gateway.observe.metrics import Metrics
from gateway.store.records import CertificateRow, Claim, MessageRow, Outcome, SubmittedCertificate


class CountedDebts:
    """A lane's ledger; counts the attempts whose outcome it took."""

    def __init__(self, debts: Debts, metrics: Metrics) -> None:
        self._debts = debts
        self._metrics = metrics

    async def claim(self, party: PartyId, *, lease_s: float, limit: int) -> list[Claim]:
        """As the ledger does."""
        return await self._debts.claim(party, lease_s=lease_s, limit=limit)

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """As the ledger does; an outcome that another process was faster with is not counted."""
        counted = await self._debts.settle(outcomes)
        for outcome, counts in zip(outcomes, counted, strict=True):
            if counts:
                self._metrics.attempted(outcome)
        return counted

    async def next_due_s(self, party: PartyId) -> float | None:
        """As the ledger does."""
        return await self._debts.next_due_s(party)


class CountedNationalDesk:
    """The national API's desk; counts what is handed in, and times what is only judged."""

    def __init__(self, desk: NationalDesk, metrics: Metrics) -> None:
        self._desk = desk
        self._metrics = metrics

    async def submit(self, content: bytes, content_type: str, caller: Caller) -> SubmittedCertificate:
        """As the desk does; an error that is no refusal is not counted, the caller tries again."""
        try:
            taken = await self._desk.submit(content, content_type, caller)
        except SubmissionRefused as refused:
            self._metrics.submitted("refused", refused.code)
            raise
        self._metrics.submitted("accepted" if taken.first else "repeated")
        return taken

    async def judge(self, content: bytes, content_type: str) -> Verdict:
        """As the desk does."""
        began = time.perf_counter()
        verdict = await self._desk.judge(content, content_type)
        self._metrics.judged(time.perf_counter() - began)
        return verdict

    async def cancel(self, certificate: CertificateRow, reason: str, caller: Caller) -> Taken:
        """As the desk does."""
        return await self._desk.cancel(certificate, reason, caller)

    async def answer(self, message: MessageRow, verb: str, body: Any, caller: Caller) -> Taken:
        """As the desk does."""
        return await self._desk.answer(message, verb, body, caller)


class CountedExchangeDesk:
    """The exchange endpoint's desk; counts what parties bring and what became of it."""

    def __init__(self, desk: ExchangeDesk, metrics: Metrics) -> None:
        self._desk = desk
        self._metrics = metrics

    async def admit(self, arrived: Arrived) -> WireAnswer:
        """As the desk does."""
        return self._count(arrived.client, await self._desk.admit(arrived))

    async def refuse_unread(self, client: PartyId, status: int, code: str, text: str) -> WireAnswer:
        """As the desk does."""
        return self._count(client, await self._desk.refuse_unread(client, status, code, text))

    def _count(self, client: PartyId, answer: WireAnswer) -> WireAnswer:
        if answer.status == 200:
            self._metrics.arrived(client, "repeated" if answer.repeat else "accepted")
        else:
            self._metrics.arrived(client, "refused", answer.code)
        return answer
