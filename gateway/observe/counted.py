"""The desks and the lanes' ledger with a counter at each: figures come from the moves themselves."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from http import HTTPStatus
from typing import Any

from lxml import etree

from gateway.deliver.lane import Debts
from gateway.domain.caller import Caller
from gateway.domain.errors import Finding
from gateway.domain.form import EditionWindow, Form
from gateway.domain.ids import FormId, PartyId
from gateway.domain.message import Arrived
from gateway.domain.words import ENGLISH, Language
from gateway.intake.desk import (
    ExchangeDesk,
    NationalDesk,
    SubmissionRefused,
    Taken,
    Verdict,
    WireAnswer,
)
from gateway.observe.metrics import Metrics
from gateway.observe.traces import Traces, traced
from gateway.registry.codes import CodeLists
from gateway.store.records import CertificateRow, MessageRow, Outcome, SubmittedCertificate
from gateway.validate.judge import Judge


class CountedNational:
    """A national desk whose submissions are counted."""

    def __init__(self, desk: NationalDesk, metrics: Metrics, traces: Traces | None = None) -> None:
        self._desk = desk
        self._metrics = metrics
        self._traces = traces

    async def submit(self, content: bytes, content_type: str, caller: Caller) -> SubmittedCertificate:
        """See ``NationalDesk.submit``."""
        try:
            taken = await traced(
                self._traces,
                "submit",
                partial(self._desk.submit, content, content_type, caller),
                lambda taken: ({"message_id": taken.message_id, "receiver": taken.receiver}, None),
            )
        except SubmissionRefused as refused:
            self._metrics.submitted("refused", refused.code)
            raise
        self._metrics.submitted("accepted" if taken.first else "repeated")
        return taken

    async def judge(self, content: bytes, content_type: str, languages: Sequence[Language] = ()) -> Verdict:
        """See ``NationalDesk.judge``."""
        return await self._desk.judge(content, content_type, languages)

    async def cancel(self, certificate: CertificateRow, reason: str, caller: Caller) -> Taken:
        """See ``NationalDesk.cancel``."""
        return await self._desk.cancel(certificate, reason, caller)

    async def answer(self, message: MessageRow, verb: str, body: Any, caller: Caller) -> Taken:
        """See ``NationalDesk.answer``."""
        return await self._desk.answer(message, verb, body, caller)


class CountedExchange:
    """An exchange desk whose arrivals are counted."""

    def __init__(self, desk: ExchangeDesk, metrics: Metrics, traces: Traces | None = None) -> None:
        self._desk = desk
        self._metrics = metrics
        self._traces = traces

    async def admit(self, arrived: Arrived) -> WireAnswer:
        """See ``ExchangeDesk.admit``."""
        answer = await traced(
            self._traces,
            "admit",
            partial(self._desk.admit, arrived),
            lambda answer: ({"party": arrived.client, "status": str(answer.status)}, answer.code or None),
        )
        if answer.status != HTTPStatus.OK:
            self._metrics.arrived(arrived.client, "refused", answer.code)
        else:
            self._metrics.arrived(arrived.client, "repeated" if answer.repeat else "accepted")
        return answer

    async def refuse_unread(self, client: PartyId, status: int, code: str, text: str) -> WireAnswer:
        """See ``ExchangeDesk.refuse_unread``."""
        self._metrics.arrived(client, "refused", code)
        return await self._desk.refuse_unread(client, status, code, text)


class CountedDebts:
    """A lane's ledger whose settled attempts are counted."""

    def __init__(self, ledger: Debts, metrics: Metrics, traces: Traces | None = None) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._traces = traces
        self.claim = ledger.claim
        self.next_due_s = ledger.next_due_s
        self.rest = ledger.rest
        self.resting = ledger.resting

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """See ``Ledger.settle``."""
        counted = await self._ledger.settle(outcomes)
        for outcome, counts in zip(outcomes, counted, strict=True):
            if counts:
                self._metrics.attempted(outcome)
            if self._traces is not None:
                _tell_attempt(self._traces, outcome)
        return counted


def _tell_attempt(traces: Traces, outcome: Outcome) -> None:
    claim = outcome.claim
    facts = {
        "party": claim.party,
        "message_id": claim.message_id,
        "type": claim.type.value,
        "attempt": str(claim.attempts + 1),
        "status": outcome.status.value,
    }
    traces.tell(
        "deliver",
        claim.conversation_id,
        took_s=outcome.took_ms / 1_000,
        facts=facts,
        fault=outcome.cause,
        abroad=True,
    )


class TimedJudge(Judge):
    """A judge who is timed."""

    def __init__(self, forms: Mapping[FormId, Form], codes: CodeLists, metrics: Metrics) -> None:
        super().__init__(forms, codes)
        self._metrics = metrics

    def judge(
        self,
        document: etree._Element,
        form: Form,
        on: date,
        language: Language = ENGLISH,
        editions: tuple[EditionWindow, ...] = (),
    ) -> tuple[Finding, ...]:
        """See ``Judge.judge``."""
        began = time.perf_counter()
        findings = super().judge(document, form, on, language, editions)
        self._metrics.judged(time.perf_counter() - began)
        return findings
