"""
The envelope of every message: a UN/CEFACT Standard Business Document (SBDH 1.3) around one business document.

Reading is strict, because a header that two readers understand differently cannot be answered for: what the
schema asks for stands there once and in its order, ids have their syntax, and where the business document
says the same thing again both must agree. The seal is not looked at here; ``trust`` does that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from lxml import etree

from gateway.domain.clock import rfc3339
from gateway.domain.errors import Unreadable
from gateway.domain.ids import (
    CertificateNumber,
    ConversationId,
    MessageId,
    PartyId,
    conversation_id,
    form_id,
    message_id,
    party_id,
)
from gateway.domain.message import Header
from gateway.domain.sequence import (
    WHITE,
    Sequence,
    filled,
    is_element,
    refuse_text,
    text_of,
    unreadable,
)
from gateway.domain.status import MessageType
from gateway.domain.xml import readable_path

SBDH = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
ROOT = f"{{{SBDH}}}StandardBusinessDocument"
HEADER = f"{{{SBDH}}}StandardBusinessDocumentHeader"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
AUTHORITY = "urn:eco-gateway:party"
HEADER_VERSION = "1.0"

CONVERSATION = "CONVERSATIONID"
FORM = "FORM"
CERTIFICATE_NUMBER = "CERTIFICATENUMBER"
REF_TO_MESSAGE = "REFTOMESSAGEID"
REHEARSAL = "REHEARSAL"

_HEADER = Sequence(
    SBDH, "HeaderVersion", "Sender", "Receiver", "DocumentIdentification", "Manifest?", "BusinessScope"
)
_PARTNER = Sequence(SBDH, "Identifier", "ContactInformation*")
_IDENTIFICATION = Sequence(
    SBDH, "Standard", "TypeVersion", "InstanceIdentifier", "Type", "MultipleType?", "CreationDateAndTime"
)
_SCOPE_NAME = f"{{{SBDH}}}Scope"
_SCOPE = Sequence(
    SBDH, "Type", "InstanceIdentifier", "Identifier?", "CorrelationInformation*", "BusinessService*"
)

_ABOUT_ONE_CERTIFICATE = frozenset(
    {
        MessageType.CERTIFICATE,
        MessageType.CANCELLATION,
        MessageType.CUSTOMS_RESPONSE,
        MessageType.VERIFICATION_REQUEST,
        MessageType.VERIFICATION_REPLY,
        MessageType.VERIFICATION_RESULT,
    }
)
_ANSWERS = frozenset(
    {
        MessageType.ACKNOWLEDGEMENT,
        MessageType.CUSTOMS_RESPONSE,
        MessageType.VERIFICATION_REPLY,
        MessageType.STATUS_REPLY,
    }
)
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
)
_OWN_NAMESPACE = re.compile(r"urn:eco-gateway:.+:([0-9]+(?:\.[0-9]+)*)")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """
    What a message says of itself, for an answer to it; nothing here has been proved.

    Each part is None unless it stands there exactly once and has its syntax. A rehearsal says so.
    """

    message_id: MessageId | None = None
    conversation_id: ConversationId | None = None
    sender: PartyId | None = None
    receiver: PartyId | None = None
    created_at: datetime | None = None
    is_rehearsal: bool = False


def is_envelope(root: etree._Element) -> bool:
    """Whether *root* is a Standard Business Document, and so a whole message."""
    return root.tag == ROOT


def read_header(root: etree._Element) -> Header:
    """
    Read the header of a whole message, sealed or with its Signature taken off.

    Raises:
        Unreadable: the header is incomplete or ambiguous, an id has not its syntax, there is not exactly one
            business document, or header and business document contradict each other.
    """
    head, document = _parts(root)
    parts = _HEADER.read(head)
    if (version := text_of(parts["HeaderVersion"])) != HEADER_VERSION:
        raise unreadable(f"HeaderVersion is {version[:20]!r}, not {HEADER_VERSION}", parts["HeaderVersion"])
    identification = _IDENTIFICATION.read(parts["DocumentIdentification"])
    scopes = _scopes(parts["BusinessScope"])
    header = Header(
        sender=_party(parts["Sender"]),
        receiver=_party(parts["Receiver"]),
        standard=filled(identification["Standard"]),
        type_version=filled(identification["TypeVersion"]),
        message_id=_read(identification["InstanceIdentifier"], message_id),
        type=_type(identification["Type"]),
        created_at=_read(identification["CreationDateAndTime"], _instant),
        conversation_id=_read(_scope(scopes, CONVERSATION), conversation_id),
        form=_read(_scope(scopes, FORM), form_id),
        certificate_number=_certificate_number(scopes),
        ref_to_message_id=_read(scopes[REF_TO_MESSAGE], message_id) if REF_TO_MESSAGE in scopes else None,
        rehearsed_at=_read(scopes[REHEARSAL], _instant) if REHEARSAL in scopes else None,
    )
    _check_complete(header)
    _check_agreement(header, document)
    return header


def business_document(root: etree._Element) -> etree._Element:
    """
    The one business document in the envelope, still in its place.

    Raises:
        Unreadable: *root* is no Standard Business Document, or it holds none or more than one.
    """
    return _parts(root)[1]


def write_envelope(header: Header, document: etree._Element) -> etree._Element:
    """
    Put *document* under *header*; ready to be sealed.

    *document* is moved, not copied. Without its Signature the result is valid against the UN/CEFACT schema.

    Returns:
        The root of the whole message.
    """
    root = etree.Element(ROOT, nsmap={None: SBDH})
    head = _add(root, "StandardBusinessDocumentHeader")
    _add(head, "HeaderVersion", HEADER_VERSION)
    for role, party in (("Sender", header.sender), ("Receiver", header.receiver)):
        _add(_add(head, role), "Identifier", party).set("Authority", AUTHORITY)
    identification = _add(head, "DocumentIdentification")
    _add(identification, "Standard", header.standard)
    _add(identification, "TypeVersion", header.type_version)
    _add(identification, "InstanceIdentifier", header.message_id)
    _add(identification, "Type", header.type.value)
    _add(identification, "CreationDateAndTime", rfc3339(header.created_at))
    business_scope = _add(head, "BusinessScope")
    for name, value in (
        (CONVERSATION, header.conversation_id),
        (FORM, header.form),
        (CERTIFICATE_NUMBER, header.certificate_number),
        (REF_TO_MESSAGE, header.ref_to_message_id),
        (REHEARSAL, None if header.rehearsed_at is None else rfc3339(header.rehearsed_at)),
    ):
        if value is not None:
            scope = _add(business_scope, "Scope")
            _add(scope, "Type", name)
            _add(scope, "InstanceIdentifier", value)
    document.tail = None
    root.append(document)
    return root


def claimed(root: etree._Element | None) -> Claimed:
    """
    What can be made out of a header that may be incomplete; never raises.

    Args:
        root: the root as received, or None where the bytes could not even be parsed.
    """
    if root is None or root.tag != ROOT:
        return Claimed()
    head = f"{{{SBDH}}}StandardBusinessDocumentHeader"
    identification = f"{head}/{{{SBDH}}}DocumentIdentification"
    every_scope = root.findall(f"{head}/{{{SBDH}}}BusinessScope/{{{SBDH}}}Scope")
    scopes = [scope for scope in every_scope if scope.findtext(f"{{{SBDH}}}Type") == CONVERSATION]
    is_ping = root.findtext(f"{identification}/{{{SBDH}}}Type") == MessageType.PING
    return Claimed(
        message_id=_claim(root.findall(f"{identification}/{{{SBDH}}}InstanceIdentifier"), message_id),
        conversation_id=_claim(
            [value for scope in scopes for value in scope.iterfind(f"{{{SBDH}}}InstanceIdentifier")],
            conversation_id,
        ),
        sender=_claim(root.findall(f"{head}/{{{SBDH}}}Sender/{{{SBDH}}}Identifier"), party_id),
        receiver=_claim(root.findall(f"{head}/{{{SBDH}}}Receiver/{{{SBDH}}}Identifier"), party_id),
        created_at=_claim(root.findall(f"{identification}/{{{SBDH}}}CreationDateAndTime"), _instant),
        is_rehearsal=is_ping and any(scope.findtext(f"{{{SBDH}}}Type") == REHEARSAL for scope in every_scope),
    )


def _claim(found: list[etree._Element], read: Callable[[str], T]) -> T | None:
    if len(found) != 1:
        return None
    try:
        return read(text_of(found[0]))
    except Unreadable:
        return None


def _check_complete(header: Header) -> None:
    if header.certificate_number is None and header.type in _ABOUT_ONE_CERTIFICATE:
        raise Unreadable(f"A {header.type} needs the scope {CERTIFICATE_NUMBER}")
    if header.ref_to_message_id is None and header.type in _ANSWERS:
        raise Unreadable(f"A {header.type} needs the scope {REF_TO_MESSAGE}")
    if header.rehearsed_at is not None and header.type is not MessageType.PING:
        raise Unreadable(f"A {header.type} has no scope {REHEARSAL}: only a ping is a rehearsal")


def _check_agreement(header: Header, document: etree._Element) -> None:
    """Whatever header and business document both say must be the same."""
    namespace = _namespace(document)
    if namespace != header.standard:
        raise unreadable(
            f"Standard is {_shown(header.standard)}, but the business document is in {_shown(namespace)}",
            document,
        )
    own = _OWN_NAMESPACE.fullmatch(header.standard)
    if own is not None and own[1] != header.type_version:
        raise Unreadable(f"TypeVersion is {header.type_version[:20]!r}, but Standard is version {own[1]}")
    check_said(header, document)


def check_said(header: Header, document: etree._Element) -> None:
    """
    Whether *document*, in canonical form, says of itself what *header* says of it.

    Raises:
        Unreadable: they name different certificates, or refer to different messages.
    """
    _agree(document, "CertificateNumber", CERTIFICATE_NUMBER, header.certificate_number)
    if header.ref_to_message_id is not None:
        _agree(document, "RefToMessageId", REF_TO_MESSAGE, header.ref_to_message_id)


def _agree(document: etree._Element, name: str, scope: str, said: str | None) -> None:
    for element in document.iterchildren(f"{{{_namespace(document)}}}{name}"):
        inside = " ".join(text_of(element).split())
        if inside != said:
            raise unreadable(
                f"The scope {scope} is {_shown(said)}, but the business document says {_shown(inside)}",
                element,
            )


def _parts(root: etree._Element) -> tuple[etree._Element, etree._Element]:
    """The header and the business document."""
    if root.tag != ROOT:
        raise unreadable(f"The root is {str(root.tag)[:120]}, not StandardBusinessDocument of {SBDH}", root)
    nodes = list(root)
    refuse_text(root, nodes)
    inside = [node for node in nodes if is_element(node) and node.tag != SIGNATURE]
    if not inside or inside[0].tag != HEADER:
        raise unreadable("StandardBusinessDocumentHeader must stand first", root)
    if len(inside) == 1:
        raise unreadable("There is no business document beside the header", root)
    if len(inside) > 2:
        raise unreadable("There must be one header and one business document, nothing else", inside[2])
    if _namespace(inside[1]) in ("", SBDH):
        raise unreadable("The business document must be in a namespace of its own", inside[1])
    return inside[0], inside[1]


def _namespace(element: etree._Element) -> str:
    name = str(element.tag)
    return name[1:].partition("}")[0] if name[0] == "{" else ""


def _scopes(business_scope: etree._Element) -> Mapping[str, etree._Element]:
    """The value of every scope by its name."""
    nodes = list(business_scope)
    refuse_text(business_scope, nodes)
    scopes: dict[str, etree._Element] = {}
    for scope in filter(is_element, nodes):
        if scope.tag != _SCOPE_NAME:
            raise unreadable(f"{readable_path(scope)} is not known here", scope)
        parts = _SCOPE.read(scope)
        name = filled(parts["Type"])
        if name in scopes:
            raise unreadable(f"The scope {name[:80]} stands more than once", scope)
        scopes[name] = parts["InstanceIdentifier"]
    return scopes


def _scope(scopes: Mapping[str, etree._Element], name: str) -> etree._Element:
    if name not in scopes:
        raise Unreadable(f"BusinessScope has no {name}")
    return scopes[name]


def _certificate_number(scopes: Mapping[str, etree._Element]) -> CertificateNumber | None:
    if CERTIFICATE_NUMBER not in scopes:
        return None
    text = filled(scopes[CERTIFICATE_NUMBER])
    if text != " ".join(text.split()):
        raise unreadable(
            f"{CERTIFICATE_NUMBER} has white space that does not belong", scopes[CERTIFICATE_NUMBER]
        )
    return CertificateNumber(text)


def _party(partner: etree._Element) -> PartyId:
    identifier = _PARTNER.read(partner)["Identifier"]
    if (authority := identifier.get("Authority")) != AUTHORITY:
        raise unreadable(
            f"The Authority of {readable_path(partner)} is {_shown(authority)}, not {AUTHORITY}", identifier
        )
    return _read(identifier, party_id)


def _type(element: etree._Element) -> MessageType:
    text = filled(element)
    try:
        return MessageType(text)
    except ValueError:
        raise unreadable(f"Type is {text[:80]!r}, which is no kind of message", element) from None


def _instant(text: str) -> datetime:
    """An ``xs:dateTime`` with a zone, whichever; in UTC."""
    text = text.strip(WHITE)
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        raise Unreadable(f"not a date and time: {text[:40]!r}")
    if found[1] is None:
        raise Unreadable(f"no time zone: {text[:40]!r}")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(f"no such date and time: {text[:40]!r}") from None


def _read(element: etree._Element, read: Callable[[str], T]) -> T:
    try:
        return read(text_of(element))
    except Unreadable as error:
        raise unreadable(f"{readable_path(element)}: {error}", element) from None


def _shown(text: str | None) -> str:
    return "missing" if text is None else repr(text[:80])


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{SBDH}}}{name}")
    element.text = text
    return element
