"""
The exchange documents: everything a message can be that is not a certificate.

Each is a frozen record here and an element of ``urn:eco-gateway:exchange:1.0``, named like the record, on the
wire. ``write_body`` and ``read_body`` are each other's inverse (times to the millisecond). As JSON they are
in ``posted``; whether an element fits its XSD is for ``schema`` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import TypedDict, assert_never

from lxml import etree

from gateway.acknowledge.elements import (
    certificate_number,
    collapse,
    day,
    every,
    instant,
    needed,
    octets,
    put,
    put_day,
    put_entry,
    put_octets,
    reference,
    text,
    word,
)
from gateway.acknowledge.elements import entry as read_entry
from gateway.acknowledge.findings import EXCHANGE, add_finding, read_finding, text_of
from gateway.domain.acknowledgement import Acknowledgement as Acknowledgement  # the other rooms' name for it
from gateway.domain.clock import rfc3339
from gateway.domain.errors import ContentRefused, Fault, Finding, Unreadable
from gateway.domain.ids import CertificateNumber, MessageId
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    DeliveryStatus,
    MessageType,
)
from gateway.store.records import CustomsEntry


class VerificationKind(StrEnum):
    """How customs asks whether a certificate is what it says (ATIGA Annex 8 Rules 18, 19)."""

    RETROACTIVE_CHECK = "retroactive-check"
    VISIT = "visit"
    AUTHENTICITY = "authenticity"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomsResponse:
    """Layer 3: what became of items at the border; every entry has its date."""

    certificate_number: CertificateNumber
    ref_to_message_id: MessageId
    entries: tuple[CustomsEntry, ...]
    office: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """The issuing authority takes a certificate back."""

    certificate_number: CertificateNumber
    ref_to_message_id: MessageId
    reason: str
    replaced_by: CertificateNumber | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inquiry:
    certificate_number: CertificateNumber | None = None
    ref_to_message_id: MessageId | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetransmissionRequest(_Inquiry):
    """Customs asks for a message again; answered with the identical bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusQuery(_Inquiry):
    """How does it stand?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReply:
    """How it stands, in the three layers and the certificate's life."""

    life: CertificateLife
    certificate_number: CertificateNumber | None = None
    delivery: DeliveryStatus | None = None
    acknowledgement: AcknowledgementOutcome | None = None
    entries: tuple[CustomsEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a verification."""

    name: str
    type: str  # media type
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verification:
    certificate_number: CertificateNumber
    ref_to_message_id: MessageId
    kind: VerificationKind
    due_by: date | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRequest(_Verification):
    """Customs asks the issuing authority."""

    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReply(_Verification):
    """The issuing authority answers."""

    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationResult(_Verification):
    """What customs concludes."""

    conclusion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Are you there? The receipt is the answer."""

    note: str | None = None


Verification = VerificationRequest | VerificationReply | VerificationResult
Body = (
    Acknowledgement
    | CustomsResponse
    | Cancellation
    | RetransmissionRequest
    | StatusQuery
    | StatusReply
    | Verification
    | Ping
)

TYPES: Mapping[type[Body], MessageType] = MappingProxyType(
    {
        Acknowledgement: MessageType.ACKNOWLEDGEMENT,
        CustomsResponse: MessageType.CUSTOMS_RESPONSE,
        Cancellation: MessageType.CANCELLATION,
        RetransmissionRequest: MessageType.RETRANSMISSION_REQUEST,
        StatusQuery: MessageType.STATUS_QUERY,
        StatusReply: MessageType.STATUS_REPLY,
        VerificationRequest: MessageType.VERIFICATION_REQUEST,
        VerificationReply: MessageType.VERIFICATION_REPLY,
        VerificationResult: MessageType.VERIFICATION_RESULT,
        Ping: MessageType.PING,
    }
)
"""Which message carries which document; all types of message but ``certificate``."""

ROOTS: Mapping[MessageType, str] = MappingProxyType(
    {message_type: record.__name__ for record, message_type in TYPES.items()}
)
"""The root element of each type of message that is no certificate."""


def write_body(body: Body) -> etree._Element:
    """Write *body* as its exchange document."""
    root = etree.Element(f"{{{EXCHANGE}}}{type(body).__name__}", nsmap={None: EXCHANGE})
    match body:
        case Acknowledgement():
            _put_reference(root, body)
            put(root, "Outcome", body.outcome)
            put(root, "By", body.by)
            put(root, "At", rfc3339(body.at))
            for finding in body.findings:
                add_finding(root, finding)
        case CustomsResponse():
            _put_reference(root, body)
            put(root, "Office", body.office)
            for entry in body.entries:
                put_entry(root, entry)
        case Cancellation():
            _put_reference(root, body)
            put(root, "Reason", body.reason)
            put(root, "ReplacedBy", body.replaced_by)
        case RetransmissionRequest() | StatusQuery():
            _put_reference(root, body)
            put(root, "Reason", body.reason)
        case StatusReply():
            put(root, "CertificateNumber", body.certificate_number)
            put(root, "Life", body.life)
            put(root, "Delivery", body.delivery)
            put(root, "Acknowledgement", body.acknowledgement)
            for entry in body.entries:
                put_entry(root, entry)
        case VerificationRequest() | VerificationReply() | VerificationResult():
            _put_verification(root, body)
        case Ping():
            put(root, "Note", body.note)
        case _:
            assert_never(body)
    return root


def read_body(root: etree._Element) -> Body:
    """
    Read an exchange document that fits its schema.

    Raises:
        ContentRefused: S02; it is no document we know, or was not held against its schema before.
    """
    name = etree.QName(root)
    reader = _READERS.get(name.localname) if name.namespace == EXCHANGE else None
    if reader is None:
        raise ContentRefused((_unfit(f"{name.localname} is no document of the exchange"),))
    try:
        return reader(root)
    except (ValueError, Unreadable) as error:
        raise ContentRefused((_unfit(f"{name.localname} does not fit its schema: {error}"),)) from error


def _put_reference(
    root: etree._Element,
    body: Acknowledgement
    | CustomsResponse
    | Cancellation
    | RetransmissionRequest
    | StatusQuery
    | Verification,
) -> None:
    put(root, "CertificateNumber", body.certificate_number)
    put(root, "RefToMessageId", body.ref_to_message_id)


def _put_verification(root: etree._Element, body: Verification) -> None:
    _put_reference(root, body)
    put(root, "Kind", body.kind)
    match body:
        case VerificationRequest():
            for question in body.questions:
                put(root, "Question", question)
        case VerificationReply():
            for answer in body.answers:
                put(root, "Answer", answer)
        case VerificationResult():
            put(root, "Conclusion", body.conclusion)
        case _:
            assert_never(body)
    put_day(root, "DueBy", body.due_by)
    for attachment in body.attachments:
        element = etree.SubElement(
            root, f"{{{EXCHANGE}}}Attachment", name=attachment.name, type=attachment.type
        )
        put_octets(element, attachment.content)


def _read_acknowledgement(root: etree._Element) -> Acknowledgement:
    return Acknowledgement(
        certificate_number=certificate_number(root),
        ref_to_message_id=needed(reference(root), "RefToMessageId"),
        outcome=AcknowledgementOutcome(needed(word(root, "Outcome"), "Outcome")),
        by=AcknowledgedBy(needed(word(root, "By"), "By")),
        at=instant(needed(word(root, "At"), "At")),
        findings=tuple(read_finding(element) for element in every(root, "Finding")),
    )


def _read_customs_response(root: etree._Element) -> CustomsResponse:
    return CustomsResponse(
        certificate_number=needed(certificate_number(root), "CertificateNumber"),
        ref_to_message_id=needed(reference(root), "RefToMessageId"),
        entries=tuple(read_entry(element) for element in every(root, "ItemOutcome")),
        office=word(root, "Office"),
    )


def _read_cancellation(root: etree._Element) -> Cancellation:
    return Cancellation(
        certificate_number=needed(certificate_number(root), "CertificateNumber"),
        ref_to_message_id=needed(reference(root), "RefToMessageId"),
        reason=needed(text(root, "Reason"), "Reason"),
        replaced_by=certificate_number(root, "ReplacedBy"),
    )


def _read_retransmission_request(root: etree._Element) -> RetransmissionRequest:
    return RetransmissionRequest(
        certificate_number=certificate_number(root),
        ref_to_message_id=reference(root),
        reason=text(root, "Reason"),
    )


def _read_status_query(root: etree._Element) -> StatusQuery:
    return StatusQuery(
        certificate_number=certificate_number(root),
        ref_to_message_id=reference(root),
        reason=text(root, "Reason"),
    )


def _read_status_reply(root: etree._Element) -> StatusReply:
    delivery, acknowledgement = word(root, "Delivery"), word(root, "Acknowledgement")
    return StatusReply(
        certificate_number=certificate_number(root),
        life=CertificateLife(needed(word(root, "Life"), "Life")),
        delivery=None if delivery is None else DeliveryStatus(delivery),
        acknowledgement=None if acknowledgement is None else AcknowledgementOutcome(acknowledgement),
        entries=tuple(read_entry(element) for element in every(root, "ItemOutcome")),
    )


class _Common(TypedDict):
    certificate_number: CertificateNumber
    ref_to_message_id: MessageId
    kind: VerificationKind
    due_by: date | None
    attachments: tuple[Attachment, ...]


def _common(root: etree._Element) -> _Common:
    return _Common(
        certificate_number=needed(certificate_number(root), "CertificateNumber"),
        ref_to_message_id=needed(reference(root), "RefToMessageId"),
        kind=VerificationKind(needed(word(root, "Kind"), "Kind")),
        due_by=day(root, "DueBy"),
        attachments=tuple(
            Attachment(
                name=collapse(element.get("name", "")),
                type=collapse(element.get("type", "")),
                content=octets(element),
            )
            for element in every(root, "Attachment")
        ),
    )


def _read_verification_request(root: etree._Element) -> VerificationRequest:
    questions = tuple(text_of(element) for element in every(root, "Question"))
    return VerificationRequest(**_common(root), questions=questions)


def _read_verification_reply(root: etree._Element) -> VerificationReply:
    answers = tuple(text_of(element) for element in every(root, "Answer"))
    return VerificationReply(**_common(root), answers=answers)


def _read_verification_result(root: etree._Element) -> VerificationResult:
    return VerificationResult(**_common(root), conclusion=needed(text(root, "Conclusion"), "Conclusion"))


def _read_ping(root: etree._Element) -> Ping:
    return Ping(note=text(root, "Note"))


def _unfit(words: str) -> Finding:
    return Finding(code=Fault.SCHEMA.value, text=words)


_READERS: Mapping[str, Callable[[etree._Element], Body]] = MappingProxyType(
    {
        "Acknowledgement": _read_acknowledgement,
        "CustomsResponse": _read_customs_response,
        "Cancellation": _read_cancellation,
        "RetransmissionRequest": _read_retransmission_request,
        "StatusQuery": _read_status_query,
        "StatusReply": _read_status_reply,
        "VerificationRequest": _read_verification_request,
        "VerificationReply": _read_verification_reply,
        "VerificationResult": _read_verification_result,
        "Ping": _read_ping,
    }
)
