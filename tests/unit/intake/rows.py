"""Rows as the ledger would give them, each with a plain default for everything a test does not speak of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.domain.errors import Finding
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.store.records import (
    AcknowledgementRow,
    AttemptRow,
    CertificateRow,
    CustomsEntry,
    CustomsRow,
    EventRow,
    MessageRow,
    PartyState,
    ReceiptRow,
    Story,
)

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME = PartyId("VN.MOIT")
TH = PartyId("TH.CUSTOMS")
NUMBER = CertificateNumber("VN-TH 26/02/00006")
FORM = FormId("rcep/form-rcep/1.0")

_CERTIFICATE = CertificateRow(
    certificate_no=1,
    direction=Direction.OUT,
    form=FORM,
    number=NUMBER,
    issuing_country="VN",
    exporting_country="VN",
    importing_country="TH",
    party=TH,
    exporter="Mekong Fisheries",
    issue_date=date(2026, 11, 20),
    organisation=None,
    life=CertificateLife.IN_FORCE,
    life_before=None,
    message_no=1,
    message_id=MessageId("m1@vn.moit"),
    conversation_id=ConversationId("c1@vn.moit"),
    delivery=DeliveryStatus.DELIVERED,
    acknowledgement=None,
    customs_response=None,
    submitted_at=NOW,
)
_MESSAGE = MessageRow(
    message_no=1,
    direction=Direction.OUT,
    party=TH,
    message_id=MessageId("m1@vn.moit"),
    conversation_id=ConversationId("c1@vn.moit"),
    type=MessageType.CERTIFICATE,
    form=FORM,
    certificate_no=1,
    certificate_number=NUMBER,
    ref_to_message_id=None,
    digest=bytes(32),
    created_at=NOW,
    recorded_at=NOW,
    valid=True,
    findings=(),
    organisation=None,
    delivery=DeliveryStatus.DELIVERED,
    cause=None,
    parked=False,
)


def a_certificate(**changes: Any) -> CertificateRow:
    return replace(_CERTIFICATE, **changes)


def a_message(**changes: Any) -> MessageRow:
    return replace(_MESSAGE, **changes)


def an_arrival(**changes: Any) -> MessageRow:
    given: dict[str, Any] = {"direction": Direction.IN, "delivery": None}
    return a_message(**(given | changes))


def a_story(*messages: MessageRow, certificate: CertificateRow | None = _CERTIFICATE, **parts: Any) -> Story:
    nothing: dict[str, Any] = {
        "attempts": {},
        "receipts": {},
        "acknowledgements": {},
        "customs": (),
        "events": (),
    }
    return Story(certificate=certificate, messages=messages, **(nothing | parts))


def an_attempt(**changes: Any) -> AttemptRow:
    row = AttemptRow(
        at=NOW, outcome="retry", cause="T01: cannot connect to th:8443: refused", next_at=NOW + HOUR
    )
    return replace(row, **changes)


def a_receipt() -> ReceiptRow:
    return ReceiptRow(at=NOW, digest=bytes(range(32)), signer="CN=TH.CUSTOMS sign")


def an_acknowledgement(
    outcome: AcknowledgementOutcome,
    *findings: Finding,
    by: AcknowledgedBy = AcknowledgedBy.GATEWAY,
    message_no: int = 1,
) -> AcknowledgementRow:
    return AcknowledgementRow(
        message_no=message_no, outcome=outcome, by=by, findings=findings, at=NOW, carried_by=None
    )


ACCEPTED = an_acknowledgement(AcknowledgementOutcome.ACCEPTED)


def a_customs_row(outcome: CustomsOutcome, **changes: Any) -> CustomsRow:
    entry = replace(CustomsEntry(item=1, outcome=outcome), **changes)
    return CustomsRow(entry=entry, message_no=9, message_id=MessageId("r1@th.customs"), at=NOW, said_at=NOW)


def an_event(cursor: str, what: str = "delivery:delivered", **changes: Any) -> EventRow:
    row = EventRow(
        cursor=cursor,
        at=NOW,
        what=what,
        message_id=MessageId("m1@vn.moit"),
        certificate_number=NUMBER,
        party=TH,
        who=None,
        detail=None,
    )
    return replace(row, **changes)


def suspended(by: str = "alice") -> PartyState:
    return PartyState(party=TH, suspended_by=by, suspended_at=NOW, reason="audit", outgoing_only=False)
