"""Parties and the corridors between them, as the registry read them from files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.dialect import DialectName
from gateway.domain.form import EditionWindow
from gateway.domain.ids import FormId, PartyId, family_of
from gateway.domain.revocation import RevocationList, RevocationPolicy, newest, told
from gateway.domain.seals import ECO_HTTPS, SealProfile
from gateway.domain.specimen import Asked
from gateway.domain.status import MessageType


@dataclass(frozen=True, kw_only=True)
class RegisteredCertificate:
    """
    A certificate a party has registered, with the window in which we honour it.

    Windows of one party may overlap: inside the overlap each of them is good.

    Attributes:
        revoked_at: since when the authority's revocation list does not let it count; None: it does.
        needs_list: the party's policy is hard: it counts only while the authority's list is fresh.
        listed: the authority's list that was held against it; None where there is none.
    """

    file: str
    certificate: x509.Certificate
    valid_from: datetime
    valid_to: datetime
    revoked_at: datetime | None = None
    needs_list: bool = False
    listed: RevocationList | None = None

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

    def is_vouched_for(self, at: datetime) -> bool:
        """Whether the policy lets it count at *at* as far as the list's age goes."""
        return not self.needs_list or (self.listed is not None and self.listed.is_fresh(at))


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
        revocation: what its file wants of revocation lists; None where it names none.
        lists: those we hold, of whichever of its authorities.
        maintenance: when it plans to be down.
        seals: the ways to seal agreed with it; each is taken from it, the first is ours towards it.
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
    revocation: RevocationPolicy | None = None
    lists: tuple[RevocationList, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    seals: tuple[SealProfile, ...] = (ECO_HTTPS,)

    @property
    def seal(self) -> SealProfile:
        """How we seal what we send to it."""
        return self.seals[0]

    def implements(self, form: FormId) -> bool:
        """Whether the party can do something with a certificate in *form*, which names its version."""
        return self.forms is None or form in self.forms or family_of(form) in self.forms

    @property
    def wanted_lists(self) -> tuple[tuple[str, RevocationList | None], ...]:
        """
        The newest list for seals and for TLS, as far as its file wants any.

        The authority of its seals must have one; another one's for TLS is looked at once there has been one.
        """
        if self.revocation is None:
            return ()
        seals, tls = newest(self.lists, self.anchor), newest(self.lists, self.tls_anchor)
        alone = (("seals", seals),)
        return alone if tls is None or self.tls_anchor == self.anchor else (*alone, ("TLS", tls))

    def stale_lists(self, at: datetime) -> str | None:
        """What is wrong at *at* with the lists its file wants; None where nothing is."""
        for what, listed in self.wanted_lists:
            if listed is None or not listed.is_fresh(at):
                return f"The revocation list for {what} of {self.id} is not fresh: {told(listed)}"
        return None


def with_lists(party: Party, lists: Iterable[RevocationList]) -> Party:
    """*party* with *lists* held against its certificates, and no others."""
    held = tuple(lists)

    def against(
        some: tuple[RegisteredCertificate, ...], anchor: x509.Certificate
    ) -> tuple[RegisteredCertificate, ...]:
        listed = newest(held, anchor)
        hard = party.revocation is not None and party.revocation.hard
        return tuple(
            replace(
                each,
                revoked_at=None if listed is None else listed.revoked.get(each.certificate.serial_number),
                needs_list=hard,
                listed=listed,
            )
            for each in some
        )

    return replace(
        party,
        lists=held,
        sign=against(party.sign, party.anchor),
        tls=against(party.tls, party.tls_anchor),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Corridor:
    """
    A directed agreement: this form, from this party, to that one. Answers travel it backwards.

    Attributes:
        max_items: most items on a certificate that travels it; None where the form's limit stands.
        editions: Harmonized System editions taken here, oldest first; empty where the form's windows hold.
        certificates_in: the dialect in which the receiver wants what goes along; None for canonical form.
        answers_in: the dialect in which the receiver answers; None for canonical form.
        specimens: what is done where a signatory is not on the specimen list; None where no lists are asked.
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
    specimens: Asked | None = None
    keep_documents: timedelta | None = None

    def dialect_from(self, sender: PartyId) -> DialectName | None:
        """The dialect of what *sender*, who stands at one of its ends, writes."""
        return self.certificates_in if sender == self.sender.id else self.answers_in
