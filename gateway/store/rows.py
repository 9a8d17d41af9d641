"""Between the database's records and the rows of ``records``; nothing else knows column names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from gateway.domain.dialect import DialectName
from gateway.domain.errors import Finding, Severity
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId
from gateway.domain.message import Sealed
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
    ActionItem,
    ActionRow,
    ActionState,
    AttemptRow,
    CertificateRow,
    ChainRow,
    Claim,
    CorridorState,
    CustomsEntry,
    CustomsRow,
    EventRow,
    LaneRest,
    LaneRow,
    MessageRow,
    PartyState,
    ReceiptRow,
    RefusedSubmission,
)

_FINDING_FIELDS = ("code", "text", "severity", "box", "path", "line", "value", "action", "step")
_AGES = ("5min", "20min", "1h", "4h", "1d")
_UNFINISHED = ("ready_to_send", "sending", "awaiting_retry", "awaiting_receipt", "on_hold", "expired")


def findings_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as they are kept; what is absent is left out."""
    return [
        {name: value for name in _FINDING_FIELDS if (value := getattr(finding, name)) is not None}
        for finding in findings
    ]


def findings_text(findings: Sequence[Finding]) -> str:
    """Findings as they are kept, for a column of several rows: arrays take no values of our own making."""
    return json.dumps(findings_json(findings), ensure_ascii=False) if findings else "[]"


def spoken_of(sealed: Sealed | None) -> tuple[str | None, bytes | None]:
    """The dialect of a message and what it says in canonical form; nothing where it travels in that."""
    if sealed is None or sealed.spoken is None:
        return None, None
    return sealed.spoken.dialect, sealed.spoken.canonical


def findings_of(kept: Sequence[dict[str, Any]]) -> tuple[Finding, ...]:
    """Findings as they were given."""
    return tuple(Finding(**{**one, "severity": Severity(one["severity"])}) for one in kept)


def certificate_row(row: asyncpg.Record) -> CertificateRow:
    """A certificate."""
    return CertificateRow(
        certificate_no=row["certificate_no"],
        direction=Direction(row["direction"]),
        form=FormId(row["form"]),
        number=CertificateNumber(row["number"]),
        issuing_country=row["issuing_country"],
        exporting_country=row["exporting_country"],
        importing_country=row["importing_country"],
        party=PartyId(row["party"]),
        exporter=row["exporter"],
        issue_date=row["issue_date"],
        organisation=row["organisation"],
        life=CertificateLife(row["life"]),
        life_before=_or_none(CertificateLife, row["life_before"]),
        message_no=row["message_no"],
        message_id=MessageId(row["message_id"]),
        conversation_id=ConversationId(row["conversation_id"]),
        delivery=_or_none(DeliveryStatus, row["delivery"]),
        acknowledgement=_or_none(AcknowledgementOutcome, row["acknowledgement"]),
        customs_response=_or_none(CustomsOutcome, row["customs_response"]),
        submitted_at=row["submitted_at"],
    )


def message_row(row: asyncpg.Record) -> MessageRow:
    """A message without its bytes."""
    return MessageRow(
        message_no=row["message_no"],
        direction=Direction(row["direction"]),
        party=PartyId(row["party"]),
        message_id=MessageId(row["message_id"]),
        conversation_id=ConversationId(row["conversation_id"]),
        type=MessageType(row["type"]),
        form=FormId(row["form"]),
        certificate_no=row["certificate_no"],
        certificate_number=row["certificate_number"],
        ref_to_message_id=row["ref_to_message_id"],
        digest=row["digest"],
        created_at=row["created_at"],
        recorded_at=row["recorded_at"],
        valid=row["valid"],
        findings=findings_of(row["findings"]),
        organisation=row["organisation"],
        delivery=_or_none(DeliveryStatus, row["delivery"]),
        cause=row["cause"],
        parked=row["parked"],
        dialect=_or_none(DialectName, row["dialect"]),
    )


def claim_row(row: asyncpg.Record) -> Claim:
    """A leased delivery with its bytes."""
    return Claim(
        message_no=row["message_no"],
        message_id=MessageId(row["message_id"]),
        conversation_id=ConversationId(row["conversation_id"]),
        type=MessageType(row["type"]),
        party=PartyId(row["party"]),
        body=row["body"],
        digest=row["digest"],
        created_at=row["created_at"],
        attempts=row["attempts"],
        waits_used=row["waits_used"],
        fence=row["fence"],
    )


def attempt_row(row: asyncpg.Record) -> AttemptRow:
    """One try to deliver."""
    return AttemptRow(at=row["at"], outcome=row["outcome"], cause=row["cause"], next_at=row["next_at"])


def receipt_row(row: asyncpg.Record) -> ReceiptRow:
    """Their receipt without its bytes."""
    return ReceiptRow(at=row["at"], digest=row["digest"], signer=row["signer"])


def acknowledgement_row(row: asyncpg.Record) -> AcknowledgementRow:
    """An acknowledgement."""
    return AcknowledgementRow(
        message_no=row["message_no"],
        outcome=AcknowledgementOutcome(row["outcome"]),
        by=AcknowledgedBy(row["acknowledged_by"]),
        findings=findings_of(row["findings"]),
        at=row["at"],
        carried_by=row["carried_by"],
    )


def customs_row(row: asyncpg.Record) -> CustomsRow:
    """What customs said of one item."""
    return CustomsRow(
        entry=CustomsEntry(
            item=row["item"],
            outcome=CustomsOutcome(row["outcome"]),
            quantity=row["quantity"],
            unit=row["unit"],
            declaration=row["declaration"],
            date=row["date"],
            reason=row["reason"],
            legal_basis=row["legal_basis"],
        ),
        message_no=row["message_no"],
        message_id=MessageId(row["message_id"]),
        at=row["at"],
        said_at=row["said_at"],
    )


def chain_row(row: asyncpg.Record) -> ChainRow:
    """A tie to another certificate."""
    return ChainRow(
        relation=row["relation"],
        certificate_number=CertificateNumber(row["number"]),
        life=_or_none(CertificateLife, row["life"]),
    )


def event_row(row: asyncpg.Record, cursor: str) -> EventRow:
    """One thing that happened."""
    return EventRow(
        cursor=cursor,
        at=row["at"],
        what=row["what"],
        message_id=row["message_id"],
        certificate_number=row["certificate_number"],
        party=row["party"],
        who=row["who"],
        detail=row["detail"],
    )


def party_state(row: asyncpg.Record) -> PartyState:
    """What operators decided about a party, its single corridors left out."""
    return PartyState(
        party=PartyId(row["party"]),
        suspended_by=row["suspended_by"],
        suspended_at=row["suspended_at"],
        reason=row["reason"],
        outgoing_only=row["outgoing_only"],
        notice=row["notice"],
        until=row["until"],
    )


def corridor_state(row: asyncpg.Record) -> CorridorState:
    """A suspended corridor."""
    return CorridorState(
        form=FormId(row["form"]),
        suspended_by=row["suspended_by"],
        suspended_at=row["suspended_at"],
        reason=row["reason"],
        outgoing_only=row["outgoing_only"],
    )


def action_row(row: asyncpg.Record) -> ActionRow:
    """One act on many messages."""
    return ActionRow(**{**row, "state": ActionState(row["state"])})


def action_item(row: asyncpg.Record) -> ActionItem:
    """One message of an action's list."""
    fields = {name: row[name] for name in row.keys() if name != "status"}  # noqa: SIM118  (a record)
    return ActionItem(**fields, delivery=DeliveryStatus(row["status"]))


def lane_row(row: asyncpg.Record) -> LaneRow:
    """The backlog of one lane."""
    by_age = {age: row[f"upto_{age}"] for age in _AGES} | {"older": row["older"]}
    return LaneRow(
        party=PartyId(row["party"]),
        waiting=row["waiting"],
        oldest_s=row["oldest_s"],
        by_age=by_age,
        by_status={status: row[status] for status in _UNFINISHED if row[status]},
        next_due_s=row["next_due_s"],
        cause=row["cause"],
        holder=row["holder"],
        window=row["window_size"],
        rest=LaneRest(
            failures=row["failures"], cause=row["failure"], rest_s=row["rest_s"] or 0.0, asked=row["asked"]
        ),
        heard_s=row["heard_s"],
    )


def refused_submission(row: asyncpg.Record) -> RefusedSubmission:
    """A refused submission without its bytes."""
    return RefusedSubmission(
        submission_id=row["submission_id"],
        at=row["at"],
        organisation=row["organisation"],
        actor=row["actor"],
        form=row["form"],
        certificate_number=row["certificate_number"],
        content_type=row["content_type"],
        findings=findings_of(row["findings"]),
    )


def _or_none(choice: Any, value: str | None) -> Any:
    return None if value is None else choice(value)
