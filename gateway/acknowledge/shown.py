"""What arrived, as the JSON in which a national system would have posted it; what is absent is left out."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, assert_never

from gateway.acknowledge.bodies import (
    Acknowledgement,
    Attachment,
    Body,
    Cancellation,
    CustomsResponse,
    Ping,
    RetransmissionRequest,
    StatusQuery,
    StatusReply,
    VerificationReply,
    VerificationRequest,
    VerificationResult,
)
from gateway.acknowledge.findings import finding_json
from gateway.store.records import CustomsEntry

Json = dict[str, Any]


def body_to_json(body: Body) -> Json:
    """*body* as the API shows it; whom and what it is about stands beside it."""
    match body:
        case Acknowledgement():
            return {"outcome": body.outcome.value, "findings": [finding_json(f) for f in body.findings]}
        case CustomsResponse():
            return {"items": [entry_json(entry) for entry in body.entries], **_given(office=body.office)}
        case Cancellation():
            return {"reason": body.reason, **_given(replaced_by=body.replaced_by)}
        case RetransmissionRequest() | StatusQuery():
            return _given(reason=body.reason)
        case StatusReply():
            return {
                "life": body.life.value,
                **_given(delivery=body.delivery and body.delivery.value),
                **_given(acknowledgement=body.acknowledgement and body.acknowledgement.value),
                "items": [entry_json(entry) for entry in body.entries],
            }
        case VerificationRequest():
            return _verification(body, questions=list(body.questions))
        case VerificationReply():
            return _verification(body, answers=list(body.answers))
        case VerificationResult():
            return _verification(body, conclusion=body.conclusion)
        case Ping():
            return _given(note=body.note)
        case _:
            assert_never(body)


def entry_json(entry: CustomsEntry) -> Json:
    """One item of a customs response."""
    return {
        "no": entry.item,
        "outcome": entry.outcome.value,
        **_given(
            quantity=None
            if entry.quantity is None
            else {"value": number(entry.quantity), "unit": entry.unit},
            declaration=entry.declaration,
            date=entry.date and entry.date.isoformat(),
            reason=entry.reason,
            legal_basis=entry.legal_basis,
        ),
    }


def number(value: Decimal) -> int | float:
    """A quantity as a JSON number; exact to 15 digits."""
    return int(value) if value == value.to_integral_value() else float(value)


def _verification(
    body: VerificationRequest | VerificationReply | VerificationResult, **said: list[str] | str
) -> Json:
    return {
        "kind": body.kind.value,
        **said,
        **_given(due_by=body.due_by and body.due_by.isoformat()),
        "attachments": _attachments(body.attachments),
    }


def _attachments(attachments: Sequence[Attachment]) -> list[Json]:
    return [
        {"name": one.name, "type": one.type, "content": base64.b64encode(one.content).decode()}
        for one in attachments
    ]


def _given(**values: Any) -> Json:
    return {key: value for key, value in values.items() if value is not None}
