"""Seal and verify files on a desk, with the same code that the gateway runs: ``sign`` and ``verify``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509

from gateway.domain.corridor import RegisteredCertificate
from gateway.domain.envelope import is_envelope, read_header
from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.seals import ECO_HTTPS, SealProfile
from gateway.domain.xml import read_xml
from gateway.trust.chain import UNREADABLE, usage_fault
from gateway.trust.explain import CheckResult, explain
from gateway.trust.keys import OwnKey, belongs, parse_key
from gateway.trust.seal import seal


def sign_file(
    raw: bytes,
    key_pem: bytes,
    certificate_pem: bytes,
    profile: SealProfile = ECO_HTTPS,
    *,
    at: datetime | None = None,
) -> bytes:
    """
    Seal a business document, or a whole message whose header is checked first.

    Args:
        at: the time that a XAdES seal says it was made.

    Raises:
        Refused: the document is unreadable, sealed already, or a message with a faulty header.
        Misconfigured: key and certificate are unreadable, too weak, or do not belong together, or the profile
            wants another kind of key.
    """
    root = read_xml(raw)
    if is_envelope(root):
        read_header(root)
    private = parse_key(key_pem, "--key")
    certificate = _certificates(certificate_pem, "--certificate")[0]
    if not belongs(private, certificate):
        raise _fault("--certificate", "is about another key")
    if fault := usage_fault(certificate):
        raise _fault("--certificate", fault)
    registered = RegisteredCertificate(
        file="--certificate",
        certificate=certificate,
        valid_from=certificate.not_valid_before_utc,
        valid_to=certificate.not_valid_after_utc,
    )
    key = OwnKey(private=private, certificate=registered)
    if key.method not in profile.methods:
        raise _fault("--key", f"is not of a kind that {profile.name} takes")
    return seal(root, key, profile, at=at)


def verify_file(
    raw: bytes, trust_pems: Iterable[bytes], at: datetime
) -> tuple[list[CheckResult], bytes | None]:
    """
    Verify a whole message or any sealed business document.

    Args:
        trust_pems: anchors or signing certificates; one PEM may hold several.
        at: the time to judge by.

    Returns:
        Every numbered step, and what was signed where all passed.

    Raises:
        Misconfigured: there is nothing to trust in what was given.
    """
    trust = [each for pem in trust_pems for each in _certificates(pem, "--trust")]
    return explain(raw, trust=trust, at=at)


def _certificates(pem: bytes, option: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except UNREADABLE:
        raise _fault(option, "holds no PEM certificate") from None


def _fault(option: str, fault: str) -> Misconfigured:
    return Misconfigured((RegistryFault(option, "-", fault),))
