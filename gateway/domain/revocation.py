"""
Lists on which an authority names the certificates it has revoked (RFC 5280, section 5), and their use.

A list is believed because of its signature, whichever way it came; so it may be fetched over plain HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.clock import rfc3339

_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension)
_UNDERSTOOD = (x509.IssuingDistributionPoint, x509.CRLNumber, x509.AuthorityKeyIdentifier)


@dataclass(frozen=True, kw_only=True)
class RevocationList:
    """
    A list whose signature was checked.

    Attributes:
        source: the file or URL it came from.
        body: its exact octets, DER.
        authority: SHA-256 of the anchor that signed it.
        next_update: until when it counts as fresh; None where it does not say, and then it is never fresh.
        revoked: serial numbers, and since when.
        fetched_at: None for a file.
    """

    source: str
    body: bytes = field(repr=False)
    authority: bytes
    this_update: datetime
    next_update: datetime | None
    revoked: Mapping[int, datetime] = field(repr=False)
    fetched_at: datetime | None = None

    def is_fresh(self, at: datetime) -> bool:
        """Whether the authority's next one was not due yet at *at*."""
        return self.next_update is not None and at < self.next_update


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSource:
    """Where lists are fetched, and how that went last; *tried_at* is None before the first try."""

    url: str
    tried_at: datetime | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationPolicy:
    """
    What a party's file wants of its authority's lists.

    Attributes:
        sources: where they are fetched; none where the operator lays a file down.
        hard: without a fresh list no seal of the party counts; else the last one goes on.
        every: a list is fetched anew when it is so old, or half through its own time.
    """

    sources: tuple[ListSource, ...] = ()
    hard: bool = False
    every: timedelta = timedelta(hours=1)


def read_list(
    raw: bytes, anchors: Iterable[x509.Certificate], *, source: str, fetched_at: datetime | None = None
) -> RevocationList:
    """
    Read a list, PEM or DER, and check who signed it.

    Partial lists (deltas, lists of some reasons or kinds of certificates) and lists that one authority keeps
    for others would let a revoked certificate pass, so they are none for us.

    Raises:
        ValueError: with words for an operator.
    """
    try:
        listed = x509.load_pem_x509_crl(raw) if b"-----BEGIN" in raw[:4096] else x509.load_der_x509_crl(raw)
        fault = _partial(listed)
        signer = next((anchor for anchor in anchors if _signed(listed, anchor)), None)
        revoked = {each.serial_number: each.revocation_date_utc for each in listed}
        this_update, next_update = listed.last_update_utc, listed.next_update_utc
    except _UNREADABLE:
        raise ValueError("is no certificate revocation list") from None
    if fault is not None:
        raise ValueError(fault)
    if signer is None:
        raise ValueError("is not signed by an anchor of this party")
    return RevocationList(
        source=source,
        body=listed.public_bytes(Encoding.DER),
        authority=authority_of(signer),
        this_update=this_update,
        next_update=next_update,
        revoked=revoked,
        fetched_at=fetched_at,
    )


def authority_of(anchor: x509.Certificate) -> bytes:
    """How lists name the anchor that signed them."""
    return anchor.fingerprint(hashes.SHA256())


def newest(lists: Iterable[RevocationList], anchor: x509.Certificate) -> RevocationList | None:
    """The list of *anchor* that counts: the one issued last."""
    own = [each for each in lists if each.authority == authority_of(anchor)]
    return max(own, key=lambda each: each.this_update, default=None)


def distribution_points(certificate: x509.Certificate) -> tuple[str, ...]:
    """Where its authority says that lists about the certificate are found."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, *_UNREADABLE):
        return ()
    names = [name for point in points for name in point.full_name or ()]
    return tuple(name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))


def told(listed: RevocationList | None) -> str:
    """How a list stands that is not fresh, for texts."""
    if listed is None:
        return "none was to be had"
    ends = "names no end" if listed.next_update is None else f"ended {rfc3339(listed.next_update)}"
    return f"the last one is of {rfc3339(listed.this_update)} and {ends}"


def tried(policy: RevocationPolicy, tries: Mapping[str, ListSource]) -> RevocationPolicy:
    """*policy* with how each source did last."""
    return replace(policy, sources=tuple(tries.get(each.url, each) for each in policy.sources))


def _partial(listed: x509.CertificateRevocationList) -> str | None:
    for extension in listed.extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator):
            return "is a delta of another list"
        if isinstance(value, x509.IssuingDistributionPoint) and (
            value.indirect_crl
            or value.only_some_reasons
            or value.only_contains_ca_certs
            or value.only_contains_attribute_certs
        ):
            return "is a list of some certificates only"
        if extension.critical and not isinstance(value, _UNDERSTOOD):
            return f"has a critical extension we do not know ({extension.oid.dotted_string})"
    return None


def _signed(listed: x509.CertificateRevocationList, anchor: x509.Certificate) -> bool:
    key = anchor.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return False
    return listed.issuer == anchor.subject and listed.is_signature_valid(key)
