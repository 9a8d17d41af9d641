"""The numbered verification told step by step, for people who hold a sealed document and wonder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from lxml import etree

from gateway.domain.clock import rfc3339
from gateway.domain.envelope import is_envelope, read_header
from gateway.domain.errors import Fault, Refused, SealRefused
from gateway.domain.seals import ANY_PROFILE, Canonicalization
from gateway.domain.xml import MAX_MESSAGE_BYTES, read_xml
from gateway.trust.chain import chain_fault, check_chain, load_der, name_of
from gateway.trust.check import embedded_key, rebuilt
from gateway.trust.signature import Signature, allowed, find_signature, signed_octets

TITLES = {
    1: "readable, in measure, header complete",
    2: "one signature over the whole document",
    3: "algorithms and key size allowed",
    4: "certificate known",
    5: "chain, key usage and validity of the certificate",
    6: "signature value and digest",
    7: "what was signed is read back",
    8: "signatory on the specimen list",
    9: "message id and replay window",
}


class CheckVerdict(StrEnum):
    """What became of one step."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not reached"  #: an earlier step failed
    NOT_ASKED = "not asked"  #: it needs what is not at hand: a receiver's ledger, its lists


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One numbered step of the verification, and what was found."""

    step: int
    title: str
    verdict: CheckVerdict
    detail: str


def explain(
    raw: bytes, *, trust: Sequence[x509.Certificate], at: datetime, limit: int = MAX_MESSAGE_BYTES
) -> tuple[list[CheckResult], bytes | None]:
    """
    Verify a whole message, a receipt or any sealed business document, and say what each step found.

    Which way of sealing was agreed is not known here, so each that we know is good.

    Args:
        trust: anchors, or signing certificates that are believed by themselves.
        at: the time to judge the certificate by.

    Returns:
        Every step in order, and the octets that were signed where all of 1 to 7 passed.
    """
    signed: list[bytes] = []
    walk = _walk(raw, trust, at, limit, signed)
    results: list[CheckResult] = []
    try:
        for step, detail in enumerate(walk, start=1):
            results.append(_result(step, CheckVerdict.PASSED, detail))
    except Refused as refusal:
        results.append(_result(len(results) + 1, CheckVerdict.FAILED, f"{refusal.code}: {refusal}"))
        signed.clear()
    results += [_result(step, CheckVerdict.NOT_REACHED, "") for step in range(len(results) + 1, 8)]
    results.append(_result(8, CheckVerdict.NOT_ASKED, "needs the specimen list of the corridor"))
    results.append(_result(9, CheckVerdict.NOT_ASKED, "needs the ledger of the receiver"))
    return results, signed[0] if signed else None


def _walk(
    raw: bytes, trust: Sequence[x509.Certificate], at: datetime, limit: int, signed: list[bytes]
) -> Iterator[str]:
    """Steps 1 to 7 in order; each yields what it found, or raises. Step 6 leaves the octets in *signed*."""
    root = read_xml(raw, limit=limit)
    yield f"{len(raw)} bytes, {_told(root)}"

    signature = find_signature(root, ANY_PROFILE)
    embedded = embedded_key(signature, ())
    yield f"last child of the root, Reference URI='', enveloped-signature and {_shape(signature)}"

    key = allowed(signature, embedded)
    methods = f"{_short(signature.signature_method)}, {_short(signature.document.method)}"
    yield f"{methods}, key of {key.key_size} bits"

    certificate, anchor = _known(signature, trust)
    how = "trusted by itself" if anchor == certificate else f"issued by {name_of(anchor)}"
    yield f"{name_of(certificate)}, {how}"

    check_chain(certificate, anchor, at)
    until = rfc3339(certificate.not_valid_after_utc)
    yield f"may sign, valid until {until}, judged as of {rfc3339(at)}; revocation not looked at"

    octets = signed_octets(root, signature, key, limit=limit)
    signed.append(octets)
    yield f"{len(octets)} octets were signed"

    yield _told(rebuilt(octets))


def _known(
    signature: Signature, trust: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, x509.Certificate]:
    """The certificate in the seal, and the one of *trust* that it is or that issued it."""
    certificate = load_der(signature.certificate)
    assert certificate is not None  # step 2 has read it
    anchors = [each for each in trust if chain_fault(certificate, each) is None]
    if not anchors:
        raise SealRefused(
            f"The certificate in the seal ({name_of(certificate)}) is neither one of the trusted ones"
            " nor issued by one of them",
            step=4,
            code=Fault.SIGNER,
        )
    return certificate, certificate if certificate in anchors else anchors[0]


def _result(step: int, verdict: CheckVerdict, detail: str) -> CheckResult:
    return CheckResult(step=step, title=TITLES[step], verdict=verdict, detail=detail)


def _told(root: etree._Element) -> str:
    if not is_envelope(root):
        return f"document {etree.QName(root).localname}"
    header = read_header(root)
    return f"{header.type} {header.message_id} from {header.sender} to {header.receiver}"


def _shape(signature: Signature) -> str:
    exclusive = signature.canonicalization is Canonicalization.EXCLUSIVE
    properties = "" if signature.properties is None else ", signed properties (XAdES)"
    return f"{'exclusive' if exclusive else 'inclusive'} C14N{properties}"


def _short(identifier: str) -> str:
    return identifier.rpartition("#")[2]
