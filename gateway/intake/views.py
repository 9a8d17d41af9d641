"""The ledger's rows as the JSON that programs read. Pure; key names and order are part of the interface."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from gateway.domain.clock import rfc3339
from gateway.domain.errors import Finding
from gateway.domain.ids import CertificateNumber, FormId, MessageId, PartyId
from gateway.domain.status import Direction
from gateway.intake.standing import Agreed, standing, the_acknowledgement
from gateway.store.records import (
    AcknowledgementRow,
    AttemptRow,
    CertificateRow,
    ChainRow,
    CustomsRow,
    EventRow,
    InboxRow,
    MessageRow,
    ReceiptRow,
    RefusedSubmission,
    Story,
)

Json = dict[str, Any]


def finding_view(finding: Finding) -> Json:
    """A finding; ``step`` only where a check of the seal has a number."""
    view: Json = {
        "code": str(finding.code),
        "severity": str(finding.severity),
        "box": finding.box,
        "path": finding.path,
        "line": finding.line,
        "value": finding.value,
        "text": finding.text,
        "action": finding.action,
    }
    if finding.step is not None:
        view["step"] = finding.step
    return view


def findings_view(findings: Iterable[Finding]) -> list[Json]:
    """All of them, in their order."""
    return [finding_view(finding) for finding in findings]


def taken_view(
    message_id: MessageId, certificate_number: CertificateNumber | None, form: FormId, receiver: PartyId
) -> Json:
    """The answer to whatever became a message."""
    return {
        "message_id": message_id,
        "certificate_number": certificate_number,
        "form": form,
        "receiver": receiver,
    }


def search_view(row: CertificateRow, home: PartyId) -> Json:
    """One hit of a search; the receiver of what came from abroad is *home*."""
    return {
        "certificate_number": row.number,
        "form": row.form,
        "exporting_country": row.exporting_country,
        "importing_country": row.importing_country,
        "receiver": row.party if row.direction is Direction.OUT else home,
        "message_id": row.message_id,
        "issue_date": row.issue_date.isoformat(),
        "life": row.life,
        "delivery": row.delivery,
        "acknowledgement": row.acknowledgement,
        "customs_response": row.customs_response,
        "submitted_at": rfc3339(row.submitted_at),
    }


def track_view(story: Story, agreed: Agreed, home: PartyId) -> Json:
    """A certificate from end to end: where it stands, and the three layers of answer kept apart."""
    certificate = story.certificate
    assert certificate is not None
    stands = standing(story, agreed)
    return {
        "certificate_number": certificate.number,
        "form": certificate.form,
        "exporting_country": certificate.exporting_country,
        "importing_country": certificate.importing_country,
        "life": certificate.life,
        "cause": stands.cause,
        "owner": stands.owner,
        "next_action": stands.next_action,
        "until": _time(stands.until),
        "messages": [_element(message, story, home) for message in story.messages],
        "customs_responses": [customs_view(row) for row in story.customs],
        "events": [{"at": rfc3339(e.at), "what": e.what, "who": e.who} for e in story.events],
        "chain": [chain_view(row) for row in story.chain],
    }


def message_view(row: MessageRow, story: Story, home: PartyId) -> Json:
    """One message: its element of ``track``, and what its header says."""
    out = row.direction is Direction.OUT
    return {
        **_element(row, story, home),
        "certificate_number": row.certificate_number,
        "form": row.form,
        "sender": home if out else row.party,
        "receiver": row.party if out else home,
        "ref_to_message_id": row.ref_to_message_id,
        "conversation_id": row.conversation_id,
        "digest": row.digest.hex(),
        "created_at": rfc3339(row.created_at),
    }


def _element(row: MessageRow, story: Story, home: PartyId) -> Json:
    acknowledgement = the_acknowledgement(story.acknowledgements.get(row.message_no, ()))
    receipt = story.receipts.get(row.message_no)
    if row.direction is Direction.IN:  # whatever is kept was receipted by us, in the same commit
        receipt = ReceiptRow(at=row.recorded_at, digest=row.digest, signer=home)
    return {
        "message_id": row.message_id,
        "type": row.type,
        "direction": row.direction,
        "party": row.party,
        "delivery": row.delivery,
        "receipt": None if receipt is None else receipt_view(receipt),
        "acknowledgement": None if acknowledgement is None else acknowledgement_view(acknowledgement),
        "attempts": [attempt_view(attempt) for attempt in story.attempts.get(row.message_no, ())],
        **({} if row.dialect is None else {"dialect": row.dialect}),
    }


def receipt_view(row: ReceiptRow) -> Json:
    """Layer one: the bytes arrived. Digest: SHA-256, hexadecimal. Signer: their certificate or our id."""
    return {"at": rfc3339(row.at), "digest": row.digest.hex(), "signer": row.signer}


def acknowledgement_view(row: AcknowledgementRow) -> Json:
    """Layer two: the receiver's system read it."""
    return {
        "outcome": row.outcome,
        "by": row.by,
        "at": rfc3339(row.at),
        "findings": findings_view(row.findings),
    }


def customs_view(row: CustomsRow) -> Json:
    """Layer three: what one response says of one item."""
    entry = row.entry
    quantity = None if entry.quantity is None else {"value": _number(entry.quantity), "unit": entry.unit}
    return {
        "item": entry.item,
        "outcome": entry.outcome,
        "quantity": quantity,
        "declaration": entry.declaration,
        "date": None if entry.date is None else entry.date.isoformat(),
        "reason": entry.reason,
        "legal_basis": entry.legal_basis,
        "message_id": row.message_id,
        "at": rfc3339(row.at),
    }


def attempt_view(row: AttemptRow) -> Json:
    """One try to deliver."""
    return {"at": rfc3339(row.at), "outcome": row.outcome, "cause": row.cause, "next_at": _time(row.next_at)}


def chain_view(row: ChainRow) -> Json:
    """Another certificate to which this one is tied."""
    return {"relation": row.relation, "certificate_number": row.certificate_number, "life": row.life}


def event_view(row: EventRow) -> Json:
    """One thing that happened, as the feed tells it."""
    return {
        "cursor": row.cursor,
        "at": rfc3339(row.at),
        "what": row.what,
        "message_id": row.message_id,
        "certificate_number": row.certificate_number,
        "party": row.party,
    }


def told_view(row: EventRow) -> Json:
    """One thing that happened, as a subscriber is told it: an exception or a clock with what it is about."""
    view = event_view(row)
    return {**view, "detail": row.detail} if row.what.startswith(("exception:", "clock:")) else view


def timeline_view(row: EventRow) -> Json:
    """One thing that happened, with who did it, as a message's timeline tells it."""
    return {**event_view(row), "who": row.who}


def arrival_view(row: MessageRow) -> Json:
    """Something that arrived from abroad, without its place in the feed."""
    return {
        "message_id": row.message_id,
        "type": row.type,
        "sender": row.party,
        "form": row.form,
        "certificate_number": row.certificate_number,
        "received_at": rfc3339(row.recorded_at),
        "ref_to_message_id": row.ref_to_message_id,
        "valid": row.valid,
        "findings": findings_view(row.findings),
    }


def inbox_view(row: InboxRow) -> Json:
    """Something that arrived from abroad, as the feed tells it."""
    return {"cursor": row.cursor, **arrival_view(row.message)}


def refused_view(row: RefusedSubmission) -> Json:
    """A submission we refused, without its bytes."""
    return {
        "submission_id": str(row.submission_id),
        "status": "refused",
        "at": rfc3339(row.at),
        "who": row.actor,
        "organisation": row.organisation,
        "form": row.form,
        "certificate_number": row.certificate_number,
        "content_type": row.content_type,
        "findings": findings_view(row.findings),
    }


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _time(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
