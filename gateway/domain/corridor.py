"""Parties and the corridors between them, as the registry read them from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.dialect import DialectName
from gateway.domain.form import EditionWindow
from gateway.domain.ids import FormId, PartyId, family_of
from gateway.domain.status import MessageType


@dataclass(frozen=True, kw_only=True)
class RegisteredCertificate:
    """
    A certificate a party has registered, with the window in which we honour it.

    Windows of one party may overlap: inside the overlap each of them is good.

    Attributes:
        revoked_at: since when the authority's revocation list does not let it count; None: it does.
    """

    file: str
    certificate: x509.Certificate
    valid_from: datetime
    valid_to: datetime
    revoked_at: datetime | None = None

    @cached_property
    def fingerprint(self) -> bytes:
        """SHA-256 over the DER form; how certificates are compared."""
        return self.certificate.fingerprint(hashes.SHA256())

    @cached_property
    def der(self) -> bytes:
        """The certificate as it travels in a seal."""
        return self.certificate.public_bytes(Encoding.DER)

    def covers(self, at: datetime) -> bool:
        """Whether our window for it, first instant included, contains *at*."""
        return self.valid_from <= at < self.valid_to

    def is_revoked(self, at: datetime) -> bool:
        """Whether it was revoked by *at*; what it sealed before still stands."""
        return self.revoked_at is not None and self.revoked_at <= at


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """
    How long we try, and how long we wait for answers, before somebody is told.

    Attributes:
        waits: between the attempts for one message; n waits allow n + 1 attempts.
        longest_rest: how long a closed door is not knocked at again for any message, at most.
        ping_after: a party that was silent for so long is pinged; None for never.
    """

    waits: tuple[timedelta, ...]
    receipt_within: timedelta
    acknowledgement_within: timedelta
    longest_rest: timedelta = timedelta(seconds=30)
    ping_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A time, first instant included, in which the party told us that it will not answer."""

    begin: datetime
    end: datetime
    notice: str  # what senders are told meanwhile

    def covers(self, at: datetime) -> bool:
        """Whether it is under way at *at*."""
        return self.begin <= at < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """
    An authority we exchange with, or the home party itself.

    Attributes:
        forms: those it implements, each with its version or without for every version; None for all. It may
            notify that it implements only some (ATIGA Annex 8 Rule 27(2)).
        maintenance: when it plans to be down.
    """

    id: PartyId
    name: str
    country: str
    transport: str
    endpoint: str
    anchor: x509.Certificate
    tls_anchor: x509.Certificate
    sign: tuple[RegisteredCertificate, ...]
    tls: tuple[RegisteredCertificate, ...]
    patience: Patience
    messages: frozenset[MessageType]
    acknowledgements: bool
    national_acknowledgements: bool
    forms: frozenset[FormId] | None = None
    revoked: Mapping[int, datetime] = field(default_factory=dict)  # serial numbers, and since when
    maintenance: tuple[Maintenance, ...] = ()

    def implements(self, form: FormId) -> bool:
        """Whether the party can do something with a certificate in *form*, which names its version."""
        return self.forms is None or form in self.forms or family_of(form) in self.forms


@dataclass(frozen=True, slots=True, kw_only=True)
class Corridor:
    """
    A directed agreement: this form, from this party, to that one. Answers travel it backwards.

    Attributes:
        max_items: most items on a certificate that travels it; None where the form's limit stands.
        editions: Harmonized System editions taken here, oldest first; empty where the form's windows hold.
        certificates_in: the dialect in which the receiver wants what goes along; None for canonical form.
        answers_in: the dialect in which the receiver answers; None for canonical form.
        keep_documents: how long the exact bytes of its messages are kept after the last one; None for good.
    """

    sender: Party
    receiver: Party
    accepts: FormId  # what the national system hands in
    delivers: FormId  # what leaves
    max_items: int | None = None
    editions: tuple[EditionWindow, ...] = ()
    certificates_in: DialectName | None = None
    answers_in: DialectName | None = None
    keep_documents: timedelta | None = None

    def dialect_from(self, sender: PartyId) -> DialectName | None:
        """The dialect of what *sender*, who stands at one of its ends, writes."""
        return self.certificates_in if sender == self.sender.id else self.answers_in
