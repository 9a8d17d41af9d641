"""The numbered verification told step by step, for people who hold a sealed document and wonder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from lxml import etree

from gateway.domain.clock import rfc3339
from gateway.domain.envelope import is_envelope, read_header
from gateway.domain.errors import Fault, Refused, SealRefused
from gateway.domain.xml import MAX_MESSAGE_BYTES, read_xml
from gateway.trust.algorithms import DigestMethod, PublicKey
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


class _Examination:
    """One document on its way through the steps; each step leaves behind what the next needs."""

    def __init__(self, raw: bytes, trust: Sequence[x509.Certificate], at: datetime, limit: int) -> None:
        self._raw = raw
        self._trust = trust
        self._at = at
        self._limit = limit
        self.octets: bytes | None = None

    def steps(self) -> tuple[Callable[[], str], ...]:
        """Steps 1 to 7 in order; each says what it found, or raises."""
        return (self._open, self._find, self._allow, self._know, self._chain, self._verify, self._read_back)

    def _open(self) -> str:
        self._root = read_xml(self._raw, limit=self._limit)
        return f"{len(self._raw)} bytes, {_told(self._root)}"

    def _find(self) -> str:
        self._signature: Signature = find_signature(self._root)
        return "last child of the root, Reference URI='', enveloped-signature and exclusive C14N"

    def _allow(self) -> str:
        key = embedded_key(self._signature, ())
        self._key: PublicKey
        self._digest_method: DigestMethod
        self._key, self._digest_method = allowed(self._signature, key)
        methods = f"{_short(self._signature.signature_method)}, {_short(self._digest_method)}"
        return f"{methods}, key of {self._key.key_size} bits"

    def _know(self) -> str:
        certificate = load_der(self._signature.certificate)
        if certificate is None:
            raise SealRefused("The certificate in the seal cannot be read", step=4, code=Fault.SIGNER)
        anchors = [each for each in self._trust if chain_fault(certificate, each) is None]
        if not anchors:
            raise SealRefused(
                f"The certificate in the seal ({name_of(certificate)}) is neither one of the trusted ones"
                " nor issued by one of them",
                step=4,
                code=Fault.SIGNER,
            )
        self._certificate = certificate
        self._anchor = certificate if certificate in anchors else anchors[0]
        how = "trusted by itself" if self._anchor == certificate else f"issued by {name_of(self._anchor)}"
        return f"{name_of(certificate)}, {how}"

    def _chain(self) -> str:
        check_chain(self._certificate, self._anchor, self._at)
        until = rfc3339(self._certificate.not_valid_after_utc)
        judged = f"judged as of {rfc3339(self._at)}; revocation not looked at"
        return f"may sign, valid until {until}, {judged}"

    def _verify(self) -> str:
        self.octets = signed_octets(
            self._root, self._signature, self._key, self._digest_method, limit=self._limit
        )
        return f"{len(self.octets)} octets were signed"

    def _read_back(self) -> str:
        assert self.octets is not None
        return _told(rebuilt(self.octets))


def explain(
    raw: bytes, *, trust: Sequence[x509.Certificate], at: datetime, limit: int = MAX_MESSAGE_BYTES
) -> tuple[list[CheckResult], bytes | None]:
    """
    Verify a whole message, a receipt or any sealed business document, and say what each step found.

    Args:
        trust: anchors, or signing certificates that are believed by themselves.
        at: the time to judge the certificate by.

    Returns:
        Every step in order, and the octets that were signed where all of 1 to 7 passed.
    """
    examination = _Examination(raw, trust, at, limit)
    results: list[CheckResult] = []
    failed = False
    for step, run in enumerate(examination.steps(), start=1):
        if failed:
            results.append(_result(step, CheckVerdict.NOT_REACHED, ""))
            continue
        try:
            results.append(_result(step, CheckVerdict.PASSED, run()))
        except Refused as refusal:
            failed = True
            results.append(_result(step, CheckVerdict.FAILED, f"{refusal.code}: {refusal}"))
    results.append(_result(8, CheckVerdict.NOT_ASKED, "needs the specimen list of the corridor"))
    results.append(_result(9, CheckVerdict.NOT_ASKED, "needs the ledger of the receiver"))
    return results, None if failed else examination.octets


def _result(step: int, verdict: CheckVerdict, detail: str) -> CheckResult:
    return CheckResult(step=step, title=TITLES[step], verdict=verdict, detail=detail)


def _told(root: etree._Element) -> str:
    if not is_envelope(root):
        return f"document {etree.QName(root).localname}"
    header = read_header(root)
    return f"{header.type} {header.message_id} from {header.sender} to {header.receiver}"


def _short(identifier: str) -> str:
    return identifier.rpartition("#")[2]
