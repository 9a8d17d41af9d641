"""
Mutual TLS between parties: whom we believe when we connect, whom we let in, and which party that is.

Each party has an anchor of its own, so who is let in does not depend on any public list of authorities.
OpenSSL judges chains, names and dates, by the real clock; which party a certificate stands for, and whether
its window is open, is judged here, by the clock passed in.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.clock import rfc3339
from gateway.domain.corridor import Party
from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.ids import PartyId
from gateway.domain.revocation import newest, told
from gateway.trust.chain import load_der
from gateway.trust.keys import OwnKey

Refusal = Callable[[ssl.SSLError], None]


def client_context(own: OwnKey, party: Party) -> ssl.SSLContext:
    """
    How we call *party*: under our certificate, believing its TLS anchor and nobody else, by its host name.

    Raises:
        Misconfigured: our key does not lie in a file, or OpenSSL does not take it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _ready(context, own, [party.tls_anchor])


def server_context(own: OwnKey, parties: Iterable[Party]) -> ssl.SSLContext:
    """
    How parties call us: only with a certificate that one of them registered or one of their anchors issued.

    Raises:
        Misconfigured: our key does not lie in a file, or OpenSSL does not take it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    trusted: list[x509.Certificate] = []
    for party in parties:
        trusted += [party.tls_anchor, *(each.certificate for each in party.tls)]
    return _ready(context, own, trusted)


def watched(refused: Refusal) -> type[ssl.SSLObject]:
    """The kind of connection of a context that tells *refused* of each handshake that fails."""

    class Watched(ssl.SSLObject):
        """Says why nobody came in; the event loop would drop it in silence."""

        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                refused(error)
                raise

    return Watched


def judged(fault_of: Callable[[bytes], str | None]) -> type[ssl.SSLObject]:
    """
    The kind of connection of a context that hands the server's certificate to *fault_of* at each handshake.

    No message is sent over a connection of which it tells a fault; OpenSSL has judged all else by then.
    """

    class Judged(ssl.SSLObject):
        """Gives up where the certificate does not count."""

        def do_handshake(self) -> None:
            super().do_handshake()
            fault = fault_of(self.getpeercert(binary_form=True) or b"")
            if fault is not None:
                refused = ssl.SSLCertVerificationError(fault)
                refused.verify_message = fault
                raise refused

    return Judged


def server_fault(peer: bytes, party: Party, at: datetime) -> str | None:
    """
    Why the certificate that *party*'s server shows does not count by the lists we hold; None where it does.

    Under a hard policy it counts only while the list is fresh; where an authority of their own gives *party*
    its TLS certificates, once there has been a list of it.
    """
    listed = newest(party.lists, party.tls_anchor)
    certificate = load_der(peer)
    if listed is not None and certificate is not None:
        since = listed.revoked.get(certificate.serial_number)
        if since is not None and since <= at:
            return f"certificate revoked at {rfc3339(since)}; our clock says {rfc3339(at)}"
    is_hard = party.revocation is not None and party.revocation.hard
    is_wanted = listed is not None or party.tls_anchor == party.anchor
    if is_hard and is_wanted and (listed is None or not listed.is_fresh(at)):
        unknown = "whether the certificate was revoked cannot be told without a fresh list of its authority"
        return f"{unknown}: {told(listed)}; our clock says {rfc3339(at)}"
    return None


def party_of(peer: bytes | None, parties: Mapping[PartyId, Party], at: datetime) -> PartyId | None:
    """
    Which party a TLS client is, or None where it is none, or could be more than one.

    A certificate that a party registered is that party's while its window is open, and nobody's when it has
    closed or its authority revoked it. Any other is the party's whose TLS anchor issued it, unless revoked;
    where two parties have the same anchor only a registered certificate tells them apart.

    Args:
        peer: the certificate the client showed, DER.
    """
    if peer is None:
        return None
    registered = [(party, each) for party in parties.values() for each in party.tls if each.der == peer]
    if registered:
        good = (party for party, each in registered if each.covers(at) and not each.is_revoked(at))
        return _only({party.id for party in good})
    issuing = (party for party in parties.values() if _issued(peer, party.tls_anchor))
    return _only({party.id for party in issuing if not _is_revoked(peer, party, at)})


def scheduled_party_of(
    peer: bytes, parties: Mapping[PartyId, Party], at: datetime
) -> tuple[PartyId, datetime] | None:
    """
    Whose registered TLS certificate *peer* will be, and from when; None where it is nobody's or counts now.

    Whoever shows it can rehearse with it, and do nothing else.
    """
    coming = [
        (each.valid_from, party.id)
        for party in parties.values()
        for each in party.tls
        if each.der == peer and each.valid_from > at and not each.is_revoked(each.valid_from)
    ]
    if _only({party for _, party in coming}) is None:
        return None
    begins, party = min(coming)
    return party, begins


def _only(ids: set[PartyId]) -> PartyId | None:
    return next(iter(ids)) if len(ids) == 1 else None


def _is_revoked(der: bytes, party: Party, at: datetime) -> bool:
    """Whether the authority's list names one that the party did not register."""
    listed = newest(party.lists, party.tls_anchor)
    certificate = None if listed is None else load_der(der)
    since = None if certificate is None or listed is None else listed.revoked.get(certificate.serial_number)
    return since is not None and since <= at


@lru_cache(maxsize=4096)
def _issued(der: bytes, anchor: x509.Certificate) -> bool:
    certificate = load_der(der)
    if certificate is None:
        return False
    if certificate == anchor:
        return True
    try:
        certificate.verify_directly_issued_by(anchor)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _ready(context: ssl.SSLContext, own: OwnKey, trusted: Iterable[x509.Certificate]) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # An anchor need not be self-signed, and may be the very certificate that is shown.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # First, for it forgets what a library beside us left in OpenSSL's queue of errors, such as a token's of a
    # wrong PIN; loading what we trust would take the last of them for its own.
    _show(context, own)
    for each in dict.fromkeys(trusted):
        context.load_verify_locations(cadata=each.public_bytes(Encoding.DER))
    return context


def _show(context: ssl.SSLContext, own: OwnKey) -> None:
    """Load our certificate and key from files, as OpenSSL wants them: the key stays in its own."""
    if own.file is None:
        raise _fault(own.certificate.file, "its key does not lie in a file")
    with tempfile.TemporaryDirectory(prefix="eco-gateway-") as folder:
        certificate = Path(folder) / "certificate.pem"
        certificate.write_bytes(own.certificate.certificate.public_bytes(Encoding.PEM))
        try:
            context.load_cert_chain(certificate, own.file)
        except (ssl.SSLError, OSError) as error:
            raise _fault(own.file.name, f"OpenSSL does not take it: {error}") from None


def _fault(file: str, fault: str) -> Misconfigured:
    return Misconfigured((RegistryFault(file, "-", fault),))
