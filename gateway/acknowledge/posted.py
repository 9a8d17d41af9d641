"""
The exchange documents as JSON: what a national system posts, and what it is shown of what arrived.

Shapes are judged here, all faults at once, each with the JSON pointer where it stands. What the ledger
knows better (whether an item is on the certificate, whether so much is left of it) is for ``judging``.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from gateway.acknowledge.bodies import (
    Acknowledgement,
    Attachment,
    Body,
    Cancellation,
    CustomsResponse,
    RetransmissionRequest,
    StatusQuery,
    VerificationKind,
    VerificationReply,
    VerificationRequest,
    VerificationResult,
)
from gateway.acknowledge.scalars import (
    Amount,
    Code,
    Day,
    FileName,
    ItemNumber,
    MediaType,
    Octets,
    OptionalText,
    OptionalWord,
    Text,
    Unit,
    WholeNumber,
)
from gateway.domain.errors import ContentRefused, Fault, Finding, Severity
from gateway.domain.ids import CertificateNumber, MessageId
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome, CustomsOutcome, MessageType
from gateway.store.records import CustomsEntry

MOST_FINDINGS = 50
MOST_ATTACHED = 3 * 1024 * 1024
"""Bytes of all attachments of one verification message."""
PDF = "application/pdf"
_LONGEST_VALUE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """What the address of the call says, and the body does not."""

    certificate_number: CertificateNumber | None
    ref_to_message_id: MessageId
    at: datetime

    @property
    def certificate(self) -> CertificateNumber:
        if self.certificate_number is None:
            raise ContentRefused(
                (
                    Finding(
                        code=Fault.ORPHAN.value, text="the message is about no certificate that is known here"
                    ),
                )
            )
        return self.certificate_number


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Posted(_Shape, ABC):
    @abstractmethod
    def body(self, about: _About) -> Body:
        """The exchange document that says this."""


class _Finding(_Shape):
    code: Code
    text: Text
    severity: Severity | None = None
    box: OptionalWord = None
    path: OptionalWord = None
    line: WholeNumber | None = None
    value: OptionalText = None
    action: OptionalText = None
    step: WholeNumber | None = None

    def finding(self, outcome: AcknowledgementOutcome) -> Finding:
        """Without a severity it is an error where the document was rejected for it, W codes never."""
        grave = outcome is AcknowledgementOutcome.REJECTED and not self.code.startswith("W")
        return Finding(
            code=self.code,
            text=self.text,
            severity=self.severity or (Severity.ERROR if grave else Severity.WARNING),
            box=self.box,
            path=self.path,
            line=self.line,
            value=self.value,
            action=self.action,
            step=self.step,
        )


class _Acknowledgement(_Posted):
    outcome: AcknowledgementOutcome
    findings: list[_Finding] = []

    def body(self, about: _About) -> Body:
        return Acknowledgement(
            certificate_number=about.certificate_number,
            ref_to_message_id=about.ref_to_message_id,
            outcome=self.outcome,
            by=AcknowledgedBy.NATIONAL_SYSTEM,
            at=about.at,
            findings=tuple(finding.finding(self.outcome) for finding in self.findings),
        )


class _Quantity(_Shape):
    value: Amount
    unit: Unit


class _Item(_Shape):
    no: ItemNumber
    outcome: CustomsOutcome
    quantity: _Quantity | None = None
    declaration: OptionalWord = None
    date: Day | None = None
    reason: OptionalText = None
    legal_basis: OptionalText = None

    def entry(self, about: _About) -> CustomsEntry:
        """Without a date it happened on the day it was posted."""
        return CustomsEntry(
            item=self.no,
            outcome=self.outcome,
            quantity=self.quantity.value if self.quantity else None,
            unit=self.quantity.unit if self.quantity else None,
            declaration=self.declaration,
            date=self.date or about.at.date(),
            reason=self.reason,
            legal_basis=self.legal_basis,
        )


class _CustomsResponse(_Posted):
    items: Annotated[list[_Item], Field(min_length=1)]
    office: OptionalWord = None

    def body(self, about: _About) -> Body:
        return CustomsResponse(
            certificate_number=about.certificate,
            ref_to_message_id=about.ref_to_message_id,
            entries=tuple(item.entry(about) for item in self.items),
            office=self.office,
        )


class _Cancellation(_Posted):
    reason: Text
    replaced_by: OptionalWord = None

    def body(self, about: _About) -> Body:
        return Cancellation(
            certificate_number=about.certificate,
            ref_to_message_id=about.ref_to_message_id,
            reason=self.reason,
            replaced_by=CertificateNumber(self.replaced_by) if self.replaced_by else None,
        )


class _RetransmissionRequest(_Posted):
    reason: OptionalText = None

    def body(self, about: _About) -> Body:
        return RetransmissionRequest(
            certificate_number=about.certificate_number,
            ref_to_message_id=about.ref_to_message_id,
            reason=self.reason,
        )


class _StatusQuery(_Posted):
    reason: OptionalText = None

    def body(self, about: _About) -> Body:
        return StatusQuery(
            certificate_number=about.certificate_number,
            ref_to_message_id=about.ref_to_message_id,
            reason=self.reason,
        )


def _pdf_type(kind: str) -> str:
    if kind != PDF:
        raise ValueError(f"must be {PDF}; nothing else is attached")
    return kind


def _pdf(content: bytes) -> bytes:
    if not content.startswith(b"%PDF-"):
        raise ValueError("is not a PDF, whatever it is called")
    return content


class _Attachment(_Shape):
    name: FileName
    type: Annotated[MediaType, AfterValidator(_pdf_type)]
    content: Annotated[Octets, AfterValidator(_pdf)]

    def attachment(self) -> Attachment:
        return Attachment(name=self.name, type=self.type, content=self.content)


class _Verification(_Posted):
    kind: VerificationKind
    due_by: Day | None = None
    attachments: list[_Attachment] = []

    @field_validator("attachments")
    @classmethod
    def _small_enough(cls, attachments: list[_Attachment]) -> list[_Attachment]:
        if sum(len(one.content) for one in attachments) > MOST_ATTACHED:
            raise ValueError(f"must be at most {MOST_ATTACHED:,} bytes in all")
        return attachments

    @property
    def files(self) -> tuple[Attachment, ...]:
        return tuple(attachment.attachment() for attachment in self.attachments)


def _said(words: list[str], known: ValidationInfo, what: str) -> list[str]:
    """Only a visit may be announced, and consented to, without further words."""
    if not words and known.data.get("kind") not in (None, VerificationKind.VISIT):
        raise ValueError(f"must hold {what}")
    return words


class _VerificationRequest(_Verification):
    questions: Annotated[list[Text], Field(validate_default=True)] = []

    @field_validator("questions")
    @classmethod
    def _asks(cls, questions: list[str], known: ValidationInfo) -> list[str]:
        return _said(questions, known, "a question; without one it would be returned as deficient")

    def body(self, about: _About) -> Body:
        return VerificationRequest(
            certificate_number=about.certificate,
            ref_to_message_id=about.ref_to_message_id,
            kind=self.kind,
            due_by=self.due_by,
            attachments=self.files,
            questions=tuple(self.questions),
        )


class _VerificationReply(_Verification):
    answers: Annotated[list[Text], Field(validate_default=True)] = []

    @field_validator("answers")
    @classmethod
    def _answers(cls, answers: list[str], known: ValidationInfo) -> list[str]:
        return _said(answers, known, "an answer")

    def body(self, about: _About) -> Body:
        return VerificationReply(
            certificate_number=about.certificate,
            ref_to_message_id=about.ref_to_message_id,
            kind=self.kind,
            due_by=self.due_by,
            attachments=self.files,
            answers=tuple(self.answers),
        )


class _VerificationResult(_Verification):
    conclusion: Text

    def body(self, about: _About) -> Body:
        return VerificationResult(
            certificate_number=about.certificate,
            ref_to_message_id=about.ref_to_message_id,
            kind=self.kind,
            due_by=self.due_by,
            attachments=self.files,
            conclusion=self.conclusion,
        )


_SHAPES: Mapping[MessageType, type[_Posted]] = MappingProxyType(
    {
        MessageType.ACKNOWLEDGEMENT: _Acknowledgement,
        MessageType.CUSTOMS_RESPONSE: _CustomsResponse,
        MessageType.CANCELLATION: _Cancellation,
        MessageType.RETRANSMISSION_REQUEST: _RetransmissionRequest,
        MessageType.STATUS_QUERY: _StatusQuery,
        MessageType.VERIFICATION_REQUEST: _VerificationRequest,
        MessageType.VERIFICATION_REPLY: _VerificationReply,
        MessageType.VERIFICATION_RESULT: _VerificationResult,
    }
)

POSTABLE = frozenset(_SHAPES)
"""What a national system may post; the rest the gateway writes by itself."""


def body_from_json(
    verb: MessageType,
    content: Any,
    *,
    certificate_number: CertificateNumber | None,
    ref_to_message_id: MessageId,
    at: datetime,
) -> Body:
    """
    Read what a national system posted about a message.

    Args:
        verb: what is posted, one of ``POSTABLE``.
        content: the JSON value, read already.
        certificate_number: of the certificate that the message is about.
        ref_to_message_id: the message it is about.
        at: now; an item without a date happened today.

    Raises:
        ContentRefused: S02 for every fault of the shape, at most 50; D03 when it needs a certificate and the
            message is about none.
    """
    shape = _SHAPES[verb]
    try:
        posted = shape.model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_url=False)[:MOST_FINDINGS]
        raise ContentRefused(tuple(_finding(fault, shape) for fault in faults)) from None
    return posted.body(
        _About(certificate_number=certificate_number, ref_to_message_id=ref_to_message_id, at=at)
    )


def _finding(fault: ErrorDetails, shape: type[BaseModel]) -> Finding:
    key = str(fault["loc"][-1]) if fault["loc"] else "the body"
    return Finding(
        code=Fault.SCHEMA.value,
        text=f"{key}: {_words(fault, key, shape)}",
        path=pointer(*fault["loc"]),
        value=_shown(fault["input"]) if fault["type"] != "missing" else None,
    )


def pointer(*location: int | str) -> str:
    """The JSON pointer (RFC 6901) to a place in a body, ``/items/0/outcome``; the body itself is ``/``."""
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _words(fault: ErrorDetails, key: str, shape: type[BaseModel]) -> str:
    match fault["type"]:
        case "missing":
            return "is missing"
        case "model_type":
            return "must be an object"
        case "list_type":
            return "must be a list"
        case "too_short":
            return "must not be empty"
        case "string_type":
            return "must be a text"
        case "extra_forbidden":
            near = difflib.get_close_matches(key, sorted(_keys(shape)), n=1)
            return f"is not known here; did you mean {near[0]}?" if near else "is not known here"
        case "value_error":
            return str(fault["ctx"]["error"])
        case "enum":
            return f"must be one of {fault['ctx']['expected'].replace(' or ', ', ')}"
        case _:
            return fault["msg"].replace("Input should", "must")


def _keys(shape: type[BaseModel]) -> set[str]:
    """Every key that may stand anywhere in *shape*."""
    keys = set(shape.model_fields)
    for field in shape.model_fields.values():
        for nested in _shapes_in(field.annotation):
            keys |= _keys(nested)
    return keys


def _shapes_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [shape for part in get_args(annotation) for shape in _shapes_in(part)]


def _shown(value: object) -> str | None:
    return None if isinstance(value, dict | list) else str(value)[:_LONGEST_VALUE]
