"""What national systems post as answers, as shapes for the description; the desk behind judges what came."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel

from gateway.domain.errors import Severity
from gateway.domain.status import AcknowledgementOutcome, CustomsOutcome, MessageType


class PostedFinding(BaseModel):
    """A finding as a national system posts it."""

    code: str
    text: str
    severity: Severity = Severity.ERROR
    box: str | None = None
    path: str | None = None
    line: int | None = None
    value: str | None = None
    action: str | None = None


class PostedAcknowledgement(BaseModel):
    """Whether the national system accepts a message."""

    outcome: AcknowledgementOutcome
    findings: list[PostedFinding] = []


class PostedQuantity(BaseModel):
    """What this declaration used, in the item's unit or one that UNECE Rec 20 converts."""

    value: float
    unit: str


class PostedItem(BaseModel):
    """What became of one item."""

    no: int
    outcome: CustomsOutcome
    quantity: PostedQuantity | None = None
    declaration: str | None = None
    date: str | None = None
    reason: str | None = None
    legal_basis: str | None = None


class PostedCustomsResponse(BaseModel):
    """What became of items at the border."""

    items: list[PostedItem]


ANSWER_BODIES: Mapping[MessageType, type[BaseModel]] = MappingProxyType(
    {
        MessageType.ACKNOWLEDGEMENT: PostedAcknowledgement,
        MessageType.CUSTOMS_RESPONSE: PostedCustomsResponse,
    }
)
