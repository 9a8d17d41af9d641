"""
Whose certificate sealed it, and whether it may. Steps 4 and 5 of the numbered verification.

Windows and validity dates are compared at every call, with both clocks in the text; whether a certificate
chains to an anchor does not depend on the time once both are valid, so that is worked out once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from gateway.domain.clock import rfc3339
from gateway.domain.corridor import RegisteredCertificate
from gateway.domain.errors import CannotTell, Fault, SealRefused
from gateway.domain.revocation import told

_COMPARE_CLOCKS = "Compare the clocks, and the certificate's window in the party's file."
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion)


def registered_certificate(
    der: bytes, registered: Sequence[RegisteredCertificate], at: datetime
) -> RegisteredCertificate:
    """
    Step 4: the certificate in the seal is a registered one, and one of its windows covers *at*; and of step 5
    that it was not revoked by then.

    Args:
        der: the certificate as it came with the message; it proves nothing by itself.
        registered: those of the party that should have sealed; windows may overlap.

    Raises:
        SealRefused: with G02; where time is the cause the text tells every window and our clock.
        CannotTell: the party's policy wants a fresh revocation list, and there is none.
    """
    known = [each for each in registered if each.der == der]
    if not known:
        raise _refused(
            f"The certificate in the seal ({_told(der)}) is none of those registered for the sender",
            step=4,
            action="Register the certificate before sealing with it, or seal with a registered one.",
        )
    for each in known:
        if each.covers(at):
            _refuse_revoked(each, at)
            _refuse_unvouched(each, at)
            return each
    windows = ", ".join(f"{rfc3339(each.valid_from)} to {rfc3339(each.valid_to)}" for each in known)
    raise _refused(
        f"The certificate in the seal ({_told(der)}) is registered for {windows};"
        f" our clock says {rfc3339(at)}",
        step=4,
        action=_COMPARE_CLOCKS,
    )


def _refuse_revoked(registered: RegisteredCertificate, at: datetime) -> None:
    """The part of step 5 that is told by the authority's revocation list."""
    if registered.revoked_at is not None and registered.is_revoked(at):
        raise _refused(
            f"The certificate in the seal ({name_of(registered.certificate)}) was revoked by its authority at"
            f" {rfc3339(registered.revoked_at)}; our clock says {rfc3339(at)}",
            step=5,
            action="Seal with another registered certificate.",
        )


def _refuse_unvouched(registered: RegisteredCertificate, at: datetime) -> None:
    """The part of step 5 that a hard policy adds: without a fresh list nobody knows."""
    if not registered.is_vouched_for(at):
        raise CannotTell(
            f"Whether the certificate ({name_of(registered.certificate)}) was revoked cannot be told"
            f" without a fresh list of its authority: {told(registered.listed)};"
            f" our clock says {rfc3339(at)}",
            step=5,
            action="Send it again; we ask for the authority's list meanwhile.",
        )


def check_chain(certificate: x509.Certificate, anchor: x509.Certificate, at: datetime) -> None:
    """
    Step 5: the certificate chains to *anchor*, may sign documents, and both are valid at *at*.

    Subject alternative names and extended key usages are not asked of a seal. The anchor need not be
    self-signed, and may be the certificate itself. Revocation was looked at in ``registered_certificate``.

    Raises:
        SealRefused: with G02.
    """
    for what, each in (("certificate in the seal", certificate), ("anchor", anchor)):
        begins, ends = _validity(each)
        if not begins <= at <= ends:
            raise _refused(
                f"The {what} ({name_of(each)}) is valid from {rfc3339(begins)} to {rfc3339(ends)};"
                f" our clock says {rfc3339(at)}",
                step=5,
                action=_COMPARE_CLOCKS,
            )
    if fault := usage_fault(certificate) or chain_fault(certificate, anchor):
        raise _refused(f"The certificate in the seal ({name_of(certificate)}) {fault}", step=5)


@lru_cache(maxsize=4096)
def usage_fault(certificate: x509.Certificate) -> str | None:
    """Why the certificate may not seal documents, or None: its KeyUsage must have digitalSignature."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return "has no KeyUsage; digitalSignature is asked"
    except UNREADABLE:
        return "has extensions that cannot be read"
    return None if usage.digital_signature else "has a KeyUsage without digitalSignature"


@lru_cache(maxsize=4096)
def chain_fault(certificate: x509.Certificate, anchor: x509.Certificate) -> str | None:
    """Why the certificate does not chain to *anchor*, or None; dates apart, which the caller has compared."""
    if certificate == anchor:
        return None
    both_valid = max(_validity(certificate)[0], _validity(anchor)[0])
    try:
        verifier = (
            PolicyBuilder()
            .store(Store([anchor]))
            .time(both_valid)
            .extension_policies(ca_policy=_ISSUES, ee_policy=ExtensionPolicy.permit_all())
            .build_client_verifier()
        )
        verifier.verify(certificate, [])
    except (VerificationError, *UNREADABLE):
        return f"does not chain to the anchor ({name_of(anchor)})"
    return None


def name_of(certificate: x509.Certificate) -> str:
    """Subject and the beginning of the SHA-256 fingerprint, for people."""
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()[:16]
    try:
        return f"{certificate.subject.rfc4514_string()[:120]}, SHA-256 {fingerprint}"
    except UNREADABLE:
        return f"SHA-256 {fingerprint}"


def load_der(der: bytes) -> x509.Certificate | None:
    """The certificate in *der*, or None where it is none."""
    try:
        return x509.load_der_x509_certificate(der)
    except UNREADABLE:
        return None


def _told(der: bytes) -> str:
    certificate = load_der(der)
    return name_of(certificate) if certificate is not None else "which cannot be read"


def _validity(certificate: x509.Certificate) -> tuple[datetime, datetime]:
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def _may_sign_certificates(
    _policy: Policy, _issuer: x509.Certificate, extension: x509.KeyUsage | None
) -> None:
    if extension is not None and not extension.key_cert_sign:
        raise ValueError("may not sign certificates")


def _refused(text: str, *, step: int, action: str | None = None) -> SealRefused:
    return SealRefused(text, step=step, code=Fault.SIGNER, action=action)


# That the issuer's basicConstraints assert cA is asked by the library itself, once they must be present.
_ISSUES = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign_certificates)
)
