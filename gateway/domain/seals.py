"""How documents are sealed between us and a party: algorithms, and the profiles that allow some of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


class Canonicalization(StrEnum):
    """In which form octets are signed; both without comments. Each member's value is its W3C identifier."""

    EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"  #: with the namespaces that are used
    INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"  #: C14N 1.0, with all that are in scope


class SignatureMethod(StrEnum):
    """How the SignedInfo is signed. Each member's value is its W3C identifier."""

    RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"  #: PKCS #1 v1.5, at least 2048 bits
    ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"  #: P-256, the value is raw r||s


class DigestMethod(StrEnum):
    """How what is signed is digested. Each member's value is its W3C identifier."""

    SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
    SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
    SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"

    def of(self, octets: bytes) -> bytes:
        """The digest of *octets*."""
        match self:
            case DigestMethod.SHA256:
                return hashlib.sha256(octets).digest()
            case DigestMethod.SHA384:
                return hashlib.sha384(octets).digest()
            case DigestMethod.SHA512:
                return hashlib.sha512(octets).digest()
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealProfile:
    """
    A way to seal that two parties have agreed upon.

    Attributes:
        canonicalization: of the document, of the SignedInfo and of the signed properties alike.
        xades: whether the seal says its time and its certificate in signed properties (XAdES-BES).
        methods: those that are taken; we sign with a key of ours that one of them goes with.
        digests: those that are taken; we digest with SHA-256.
    """

    name: str
    canonicalization: Canonicalization = Canonicalization.EXCLUSIVE
    xades: bool = False
    methods: frozenset[SignatureMethod] = frozenset(SignatureMethod)
    digests: frozenset[DigestMethod] = frozenset(DigestMethod)

    def fits(self, canonicalization: str, *, xades: bool) -> bool:
        """Whether a signature of this outer shape may be of this profile."""
        return canonicalization == self.canonicalization and xades == self.xades


ECO_HTTPS = SealProfile(name="eco-https/1")
"""The wire profile's own: what holds between parties that agreed on nothing else."""

ANY_PROFILE: Sequence[SealProfile] = tuple(
    SealProfile(name="any", canonicalization=form, xades=xades)
    for form in Canonicalization
    for xades in (False, True)
)
"""For whoever reads a seal without knowing what was agreed when it was made."""
