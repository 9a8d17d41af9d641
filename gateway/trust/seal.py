"""
Seal a document: XML-DSig, enveloped, one key, one certificate, in the way that was agreed.

The document is canonicalised once, and that form itself is what travels: it is the very octets that were
digested, so nothing can come between what was signed and what is sent. The Signature is put before the
closing tag of the root. In exclusive canonical form the SignedInfo reads the same wherever it stands, so it
is written in that form; what else is signed is read where it stands, as every receiver will read it.
"""

from __future__ import annotations

import copy
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lxml import etree
from signxml.algorithms import DigestAlgorithm
from signxml.algorithms import SignatureMethod as Method
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from gateway.domain.clock import rfc3339
from gateway.domain.errors import SealRefused
from gateway.domain.seals import ECO_HTTPS, Canonicalization, DigestMethod, SealProfile
from gateway.domain.xml import MAX_MESSAGE_BYTES, read_xml
from gateway.trust.canonical import canonical, canonical_part, inherits_xml_attributes
from gateway.trust.keys import OwnKey
from gateway.trust.signature import (
    DS,
    ENVELOPED,
    SIGNATURE,
    SIGNED_PROPERTIES,
    XADES,
    Signature,
    find_signature,
)

_EXPECTED = SignatureConfiguration(
    location="./",
    expect_references=1,
    signature_methods=frozenset({Method.RSA_SHA256, Method.ECDSA_SHA256}),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
)

DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>\n"

_SCOPE = f' xmlns:ds="{DS}"'
_DIGEST = (
    f'<ds:DigestMethod Algorithm="{DigestMethod.SHA256}"></ds:DigestMethod>'
    "<ds:DigestValue>{}</ds:DigestValue>"
)
_UNKNOWN = b"\0"  # stands for what is not worked out yet


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A Signature before it is written: all that stands in it but its value."""

    profile: SealProfile
    method: str
    digest: bytes
    certificate: bytes
    at: datetime | None = None
    properties_digest: bytes = _UNKNOWN

    def signed_info(self, scope: str = "") -> str:
        form = self.profile.canonicalization
        name = f' Id="{self._id}-document"' if self.profile.xades else ""
        properties = (
            f'<ds:Reference Type="{SIGNED_PROPERTIES}" URI="#{self._id}-properties"><ds:Transforms>'
            f'<ds:Transform Algorithm="{form}"></ds:Transform></ds:Transforms>'
            f"{_DIGEST.format(_base64(self.properties_digest))}</ds:Reference>"
            if self.profile.xades
            else ""
        )
        return (
            f"<ds:SignedInfo{scope}>"
            f'<ds:CanonicalizationMethod Algorithm="{form}"></ds:CanonicalizationMethod>'
            f'<ds:SignatureMethod Algorithm="{self.method}"></ds:SignatureMethod>'
            f'<ds:Reference{name} URI=""><ds:Transforms>'
            f'<ds:Transform Algorithm="{ENVELOPED}"></ds:Transform>'
            f'<ds:Transform Algorithm="{form}"></ds:Transform></ds:Transforms>'
            f"{_DIGEST.format(_base64(self.digest))}</ds:Reference>{properties}</ds:SignedInfo>"
        )

    def signature(self, value: bytes) -> str:
        name = f' Id="{self._id}"' if self.profile.xades else ""
        return (
            f"<ds:Signature{_SCOPE}{name}>{self.signed_info()}"
            f"<ds:SignatureValue>{_base64(value)}</ds:SignatureValue>"
            f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{_base64(self.certificate)}</ds:X509Certificate>"
            f"</ds:X509Data></ds:KeyInfo>{self._object() if self.profile.xades else ''}</ds:Signature>"
        )

    def into(self, octets: bytes, value: bytes = _UNKNOWN) -> bytes:
        """The whole sealed document."""
        end = octets.rindex(b"</")
        return b"".join((DECLARATION, octets[:end], self.signature(value).encode(), octets[end:]))

    @property
    def _id(self) -> str:
        """No other id of the document is the same: it comes from the document's own digest."""
        return f"seal-{self.digest.hex()[:24]}"

    def _object(self) -> str:
        time = f"<xades:SigningTime>{rfc3339(self.at)}</xades:SigningTime>" if self.at else ""
        certificate = _DIGEST.format(_base64(DigestMethod.SHA256.of(self.certificate)))
        return (
            f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#{self._id}">'
            f'<xades:SignedProperties Id="{self._id}-properties"><xades:SignedSignatureProperties>{time}'
            f"<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>{certificate}</xades:CertDigest>"
            "</xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>"
            "<xades:SignedDataObjectProperties>"
            f'<xades:DataObjectFormat ObjectReference="#{self._id}-document">'
            "<xades:MimeType>text/xml</xades:MimeType></xades:DataObjectFormat>"
            "</xades:SignedDataObjectProperties></xades:SignedProperties>"
            "</xades:QualifyingProperties></ds:Object>"
        )


def seal(
    root: etree._Element,
    key: OwnKey,
    profile: SealProfile = ECO_HTTPS,
    *,
    at: datetime | None = None,
    limit: int = MAX_MESSAGE_BYTES,
) -> bytes:
    """
    Seal the document under *root* with *key* as *profile* wants it; *root* stays as it is.

    Comments, and whatever stands outside the root, are not sealed and do not travel.

    Args:
        at: the time that a XAdES seal says it was made; none is said without it.

    Returns:
        The whole sealed document, to be stored and sent as it is: nothing may be written anew after sealing.

    Raises:
        SealRefused: it is sealed already, or has no canonical form.
        TooLarge: its canonical form grows beyond all measure.
        KeyUnusable: the key lies elsewhere and cannot be asked, or answered wrongly.
    """
    octets = canonical(_alone(root), profile.canonicalization, limit=limit)
    if next(root.iter(SIGNATURE), None) is not None:
        raise SealRefused("The document carries a Signature already", step=2)
    digest = DigestMethod.SHA256.of(octets)
    draft = _Draft(profile=profile, method=key.method, digest=digest, certificate=key.certificate.der, at=at)
    draft, signed = _to_sign(draft, octets)
    sealed = draft.into(octets, key.sign(signed))
    if digest[0] == 0:
        _check_own(key, sealed, profile)
    return sealed


def is_as_sealed(raw: bytes, octets: bytes) -> bool:
    """
    Whether *raw* is, byte for byte, what ``seal`` makes of the signed *octets*, with the value it carries.

    XML may be written in many ways that mean the same and have the same seal; this tells our own one.
    """
    signature = find_signature(read_xml(raw, limit=len(raw)))
    draft = _Draft(
        profile=ECO_HTTPS,
        method=signature.signature_method,
        digest=signature.document.digest,
        certificate=signature.certificate,
    )
    return raw == draft.into(octets, signature.value)


def _to_sign(draft: _Draft, octets: bytes) -> tuple[_Draft, bytes]:
    """The draft with everything worked out, and what the key has to sign."""
    form = draft.profile.canonicalization
    if form is Canonicalization.EXCLUSIVE and not draft.profile.xades:
        return draft, draft.signed_info(_SCOPE).encode()
    if (properties := _as_read(draft, octets).properties) is not None:
        digest = DigestMethod.SHA256.of(canonical_part(properties.element, form))
        draft = replace(draft, properties_digest=digest)
    return draft, canonical_part(_as_read(draft, octets).signed_info, form)


def _as_read(draft: _Draft, octets: bytes) -> Signature:
    raw = draft.into(octets)
    return find_signature(read_xml(raw, limit=len(raw)), (draft.profile,))


def _alone(root: etree._Element) -> etree._ElementTree[etree._Element]:
    """A tree of *root* and nothing beside it; an element taken from elsewhere still has its old tree."""
    beside = (root.getparent(), root.getprevious(), root.getnext(), root.tail)
    if any(each is not None for each in beside):
        root = copy.deepcopy(root)
        root.tail = None
    return etree.ElementTree(root)


def _base64(octets: bytes) -> str:
    return b64encode(octets).decode()


class _Verifier(XMLVerifier):
    """The library's verifier, which between two of its readings would lose names beyond ASCII."""

    def _tostring(self, xml_node: etree._Element, **options: Any) -> bytes:
        return etree.tostring(xml_node, encoding="UTF-8", **options)


def _check_own(key: OwnKey, sealed: bytes, profile: SealProfile) -> None:
    """
    One seal in 256 is verified by a library that is not ours, so that no flaw of our own stays hidden.

    But for what it cannot: it lets the SignedInfo inherit no ``xml:`` attributes, which C14N 1.0 asks for.
    """
    if profile.canonicalization is Canonicalization.INCLUSIVE and inherits_xml_attributes(sealed):
        return
    certificate = key.certificate.certificate
    # Whether the certificate is valid now is not asked here: the key was chosen by the process's own clock.
    expected = replace(
        _EXPECTED,
        expect_references=2 if profile.xades else 1,
        verification_time=certificate.not_valid_before_utc,
    )
    try:
        _Verifier().verify(sealed, x509_cert=certificate, expect_config=expected)
    except SignXMLException as error:
        raise RuntimeError(f"{key!r} made a seal that does not verify: {error}") from error
