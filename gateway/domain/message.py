"""
One message, seen at each step of its way, and the facts the ledger keeps about it.

A step's type can be made only from the one before, so a document that was never judged
cannot be sealed and a message that was never sealed cannot be committed: the type checker says so.

Outbound: ``Submission`` -> ``Judged`` -> ``Translated`` -> ``Sealed`` -> committed.
Inbound:  ``Arrived`` -> ``Checked`` (trust) -> ``Judged`` -> committed with our receipt.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from lxml import etree

from gateway.domain.corridor import RegisteredCertificate
from gateway.domain.dialect import Spoken
from gateway.domain.errors import Finding
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId
from gateway.domain.status import MessageType


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the Standard Business Document Header says; see the wire profile ``eco-https/1``."""

    sender: PartyId
    receiver: PartyId
    standard: str  # namespace of the business document's root
    type_version: str
    message_id: MessageId
    type: MessageType
    created_at: datetime
    conversation_id: ConversationId
    form: FormId
    certificate_number: CertificateNumber | None = None
    ref_to_message_id: MessageId | None = None
    rehearsed_at: datetime | None = None  # of a ping: would its certificates count at that time?


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """
    What the ledger needs to know of a certificate to find and follow it; read from the document.

    Attributes:
        issue_date: from which it is valid; a certified true copy bears the original's, and lives no longer
            (ATIGA Annex 8 Rule 12).
    """

    form: FormId  # with version
    number: CertificateNumber
    issuing_country: str
    exporting_country: str
    importing_country: str
    exporter: str
    issue_date: date
    replaces: CertificateNumber | None = None
    certified_copy_of: CertificateNumber | None = None


class ClaimedEnds(Protocol):
    """The two countries that a certificate names, as far as they can be read."""

    @property
    def exporting_country(self) -> str | None:
        """Where it was issued."""

    @property
    def importing_country(self) -> str | None:
        """Where its preference is claimed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a national system handed in: the bytes as they came, and the certificate they hold."""

    content: bytes
    content_type: str
    organisation: str | None
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A business document without errors; warnings stay with it."""

    document: etree._Element
    facts: CertificateFacts
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A document as it travels, under its header and not sealed yet; *spoken* where that is in a dialect."""

    header: Header
    document: etree._Element
    spoken: Spoken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """A judged certificate in the form and the dialect that its corridor delivers."""

    judged: Judged
    letter: Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """
    A whole message, sealed: these bytes are stored, sent and resent as they are.

    Attributes:
        spoken: what it says, where it travels in a dialect.
    """

    header: Header
    body: bytes
    digest: bytes  # SHA-256 over *body*
    spoken: Spoken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """
    A request body at the exchange endpoint, and the party whose client certificate brought it.

    Attributes:
        client_from: when that certificate begins to count, where it does not count yet; see ``rehearsed_at``.
    """

    client: PartyId
    body: bytes
    digest: bytes
    at: datetime
    client_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A message whose seal holds; *document* was cut from what was signed."""

    arrived: Arrived
    header: Header
    document: etree._Element
    certificate: RegisteredCertificate
