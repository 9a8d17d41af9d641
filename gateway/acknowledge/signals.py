"""
The answer on the wire: a bare ebBP 2.0.4 signal, written here without its seal and read back after it.

A **receipt** (``ReceiptAcknowledgement``) says that the bytes were kept, an **exception** that the message
was refused. Both are sealed like a message; without the ``ds:Signature`` they fit the OASIS schema.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Protocol
from urllib.parse import unquote

from lxml import etree

from gateway.acknowledge.elements import instant
from gateway.acknowledge.findings import EXCHANGE, add_finding, read_finding, text_of, xml_text
from gateway.domain.clock import rfc3339, rfc3339_exact
from gateway.domain.errors import (
    CannotTell,
    ContentRefused,
    Fault,
    Finding,
    FormNotAgreed,
    IdRepeated,
    NotForUs,
    NumberTaken,
    OutsideClock,
    Refused,
    SealRefused,
    Severity,
    TooLarge,
    Unreadable,
)
from gateway.domain.ids import ConversationId, MessageId, PartyId
from gateway.domain.message import Header

SIGNALS = "http://docs.oasis-open.org/ebxml-bp/ebbp-signals-2.0"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
PARTY_TYPE = "urn:eco-gateway:party"
UNKNOWN = "unknown"
"""Stands for a message id that could not be read."""

MOST_FINDINGS = 50
"""How many findings one exception tells; ``total`` says how many there were."""

STATUS: Mapping[type[Refused], HTTPStatus] = MappingProxyType(
    {
        Refused: HTTPStatus.BAD_REQUEST,
        Unreadable: HTTPStatus.BAD_REQUEST,
        TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ContentRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
        SealRefused: HTTPStatus.FORBIDDEN,
        CannotTell: HTTPStatus.SERVICE_UNAVAILABLE,
        NotForUs: HTTPStatus.FORBIDDEN,
        IdRepeated: HTTPStatus.CONFLICT,
        NumberTaken: HTTPStatus.UNPROCESSABLE_ENTITY,
        OutsideClock: HTTPStatus.UNPROCESSABLE_ENTITY,
        FormNotAgreed: HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""The HTTP status of each refusal; a test holds it to the error tree."""

UNREAD: Mapping[HTTPStatus, Fault] = MappingProxyType(
    {
        HTTPStatus.LENGTH_REQUIRED: Fault.UNREADABLE,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Fault.TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: Fault.UNREADABLE,
        HTTPStatus.TOO_MANY_REQUESTS: Fault.ASKED_TO_WAIT,
        HTTPStatus.SERVICE_UNAVAILABLE: Fault.ASKED_TO_WAIT,
    }
)
"""The statuses that the door gives before it reads the body, each with its code."""


class Named(Protocol):
    """What is known of the message an exception is about: its header, or as much as could be read."""

    @property
    def message_id(self) -> MessageId | None:
        """Its id, None when unreadable."""

    @property
    def created_at(self) -> datetime | None:
        """When it was created, by its sender's clock."""

    @property
    def conversation_id(self) -> ConversationId | None:
        """The conversation it belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptSignal:
    """A receipt as it was read; nothing in it was compared with anything yet."""

    message_id: str
    digest: bytes
    at: datetime | None  # None when it gave no readable time
    sender: str | None
    receiver: str | None
    reference: str  # of the message's part, ``mid:<message id>``

    @property
    def is_consistent(self) -> bool:
        """Whether the part it vouches for is the message it names; a ``mid:`` may be percent-encoded."""
        return f"mid:{self.message_id}" in (self.reference, unquote(self.reference))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionSignal:
    """An exception as it was read."""

    message_id: str  # ``unknown`` when the other side could not read it
    digest: bytes | None  # of the body they received; None when they did not read it
    code: str
    text: str
    findings: tuple[Finding, ...]


def status_of(refused: Refused) -> HTTPStatus:
    """The HTTP status with which *refused* is answered."""
    return next(STATUS[kind] for kind in type(refused).__mro__ if kind in STATUS)


def receipt(header: Header, digest: bytes, *, home: PartyId, at: datetime) -> etree._Element:
    """
    Write the receipt for a kept message, unsealed.

    Args:
        header: of the message received.
        digest: SHA-256 over the octets of the HTTP request body.
        home: who we are.
        at: now.
    """
    root = _signal(
        "ReceiptAcknowledgement",
        message_id=header.message_id,
        created_at=header.created_at,
        conversation_id=header.conversation_id,
        sender=home,
        receiver=header.sender,
        at=at,
    )
    information = etree.SubElement(root, f"{{{SIGNALS}}}NonRepudiationInformation")
    part = etree.SubElement(information, f"{{{SIGNALS}}}MessagePartNRInformation")
    _add_reference(part, digest, uri=f"mid:{header.message_id}")
    return root


def exception(
    refused: Refused,
    *,
    received: Named | None,
    digest: bytes | None,
    home: PartyId,
    party: PartyId,
    at: datetime,
) -> etree._Element:
    """
    Write the exception for a refused message, unsealed.

    Args:
        received: the header, or as much of it as could be read; None when nothing could.
        digest: SHA-256 over the received body; None only when the body was not read.
        home: who we are.
        party: whose client certificate brought the message.
        at: now.
    """
    return exception_of(refused.findings, received=received, digest=digest, home=home, party=party, at=at)


def exception_of(
    findings: Sequence[Finding],
    *,
    received: Named | None,
    digest: bytes | None,
    home: PartyId,
    party: PartyId,
    at: datetime,
) -> etree._Element:
    """Write the exception that tells *findings*, at least one; see ``exception``."""
    first = next((finding for finding in findings if finding.severity is Severity.ERROR), findings[0])
    root = _signal(
        "Exception",
        message_id=(received.message_id if received else None) or UNKNOWN,
        created_at=received.created_at if received else None,
        conversation_id=received.conversation_id if received else None,
        sender=home,
        receiver=party,
        at=at,
    )
    kind, value = exception_type(first.code)
    _add(_add(root, "ExceptionType"), kind, value)
    _add(root, "Reason", first.code)
    _add(root, "ExceptionMessage", first.text or first.code)
    _add_findings(root, findings, digest)
    return root


def exception_type(code: str) -> tuple[str, str]:
    """The kind of ebBP exception and its value for a code of the catalogue."""
    if code in (Fault.NO_CORRIDOR, Fault.TLS):
        return "ReceiptException", "Authorization"
    if code == Fault.ASKED_TO_WAIT:
        return "AcceptanceException", "Performance"
    by_layer = {"S": "Syntax", "G": "Signature", "D": "Sequence"}
    if (value := by_layer.get(code[:1])) is not None:
        return "ReceiptException", value
    return "AcceptanceException", "Business"


def without_seal(raw: bytes) -> etree._Element:
    """
    One of our own signals with its seal taken off, to be sealed anew with the same content.

    Args:
        raw: what we sealed ourselves before; never bytes of others.
    """
    root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))
    for signature in root.findall(f"{{{DSIG}}}Signature"):
        root.remove(signature)
    return root


def read_receipt(root: etree._Element) -> ReceiptSignal:
    """
    Read a receipt whose seal holds.

    Raises:
        Unreadable: it is no receipt, or vouches for anything but one message by SHA-256.
    """
    if root.tag != f"{{{SIGNALS}}}ReceiptAcknowledgement":
        raise Unreadable(f"not a receipt but {_name(root)}")
    references = root.findall(
        f"{{{SIGNALS}}}NonRepudiationInformation/{{{SIGNALS}}}MessagePartNRInformation/{{{DSIG}}}Reference"
    )
    if len(references) != 1:
        raise Unreadable(f"a receipt vouches for one message part, this one for {len(references)}")
    digest = _digest_in(references[0])
    if digest is None:
        raise Unreadable("the receipt has no readable SHA-256 digest")
    return ReceiptSignal(
        message_id=_text(root, "OriginalMessageIdentifier"),
        digest=digest,
        at=_instant(_text(root, "ThisMessageDateTime")),
        sender=_text(root, "FromPartyInfo") or None,
        receiver=_text(root, "ToPartyInfo") or None,
        reference=references[0].get("URI", ""),
    )


def read_exception(root: etree._Element) -> ExceptionSignal:
    """
    Read an exception whose seal holds.

    Without ``Findings`` its reason and message are its one finding.

    Raises:
        Unreadable: it is no exception, or its digest cannot be read.
    """
    if root.tag != f"{{{SIGNALS}}}Exception":
        raise Unreadable(f"not an exception but {_name(root)}")
    code, text = _text(root, "Reason"), _text(root, "ExceptionMessage")
    told = tuple(
        read_finding(element) for element in root.findall(f"{{{EXCHANGE}}}Findings/{{{EXCHANGE}}}Finding")
    )
    return ExceptionSignal(
        message_id=_text(root, "OriginalMessageIdentifier"),
        digest=_received_digest(root),
        code=code,
        text=text or code,
        findings=told or (Finding(code=code, text=text or code),),
    )


def _signal(
    name: str,
    *,
    message_id: str,
    created_at: datetime | None,
    conversation_id: ConversationId | None,
    sender: PartyId,
    receiver: PartyId,
    at: datetime,
) -> etree._Element:
    """The head of a signal; a message whose time could not be read is dated now."""
    root = etree.Element(f"{{{SIGNALS}}}{name}", nsmap={None: SIGNALS, "ds": DSIG})
    _add(root, "OriginalMessageIdentifier", message_id)
    _add(root, "OriginalMessageDateTime", rfc3339_exact(created_at) if created_at else rfc3339(at))
    _add(root, "ThisMessageDateTime", rfc3339(at))
    _add(root, "FromPartyInfo", sender).set("type", PARTY_TYPE)
    _add(root, "ToPartyInfo", receiver).set("type", PARTY_TYPE)
    if conversation_id is not None:
        _add(root, "CollaborationIdentifier", conversation_id)
    return root


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{SIGNALS}}}{name}")
    element.text = None if text is None else xml_text(text)
    return element


def _add_findings(root: etree._Element, findings: Sequence[Finding], digest: bytes | None) -> None:
    element = etree.SubElement(
        root, f"{{{EXCHANGE}}}Findings", attrib={"total": str(len(findings))}, nsmap={"eco": EXCHANGE}
    )
    if digest is not None:
        _add_reference(etree.SubElement(element, f"{{{EXCHANGE}}}Received"), digest)
    for finding in findings[:MOST_FINDINGS]:
        add_finding(element, finding)


def _add_reference(parent: etree._Element, digest: bytes, *, uri: str | None = None) -> None:
    reference = etree.SubElement(parent, f"{{{DSIG}}}Reference")
    if uri is not None:
        reference.set("URI", uri)
    etree.SubElement(reference, f"{{{DSIG}}}DigestMethod", Algorithm=SHA256)
    etree.SubElement(reference, f"{{{DSIG}}}DigestValue").text = base64.b64encode(digest).decode()


def _received_digest(root: etree._Element) -> bytes | None:
    reference = root.find(f"{{{EXCHANGE}}}Findings/{{{EXCHANGE}}}Received/{{{DSIG}}}Reference")
    if reference is None:
        return None
    if (digest := _digest_in(reference)) is None:
        raise Unreadable("the exception has no readable SHA-256 digest")
    return digest


def _digest_in(reference: etree._Element) -> bytes | None:
    method = reference.find(f"{{{DSIG}}}DigestMethod")
    value = reference.find(f"{{{DSIG}}}DigestValue")
    if method is None or value is None or method.get("Algorithm") != SHA256:
        return None
    try:
        return base64.b64decode("".join(text_of(value).split()), validate=True)
    except ValueError:
        return None


def _text(root: etree._Element, name: str) -> str:
    element = root.find(f"{{{SIGNALS}}}{name}")
    return "" if element is None else text_of(element).strip()


def _name(root: etree._Element) -> str:
    return etree.QName(root).localname


def _instant(text: str) -> datetime | None:
    try:
        return instant(text)
    except ValueError:
        return None
