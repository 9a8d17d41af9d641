"""
Seal a document: XML-DSig, enveloped, exclusive canonical form, one key, one certificate.

The document is canonicalised once, and that form itself is what travels: it is the very octets that were
digested, so nothing can come between what was signed and what is sent. The SignedInfo is written in canonical
form too, and the Signature is put before the closing tag of the root.
"""

from __future__ import annotations

import copy
from base64 import b64encode
from dataclasses import replace
from typing import Any

from lxml import etree
from signxml.algorithms import DigestAlgorithm
from signxml.algorithms import SignatureMethod as Method
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from gateway.domain.errors import SealRefused
from gateway.domain.xml import MAX_MESSAGE_BYTES, read_xml
from gateway.trust.algorithms import DigestMethod
from gateway.trust.canonical import EXCLUSIVE, canonical
from gateway.trust.keys import OwnKey
from gateway.trust.signature import DS, ENVELOPED, SIGNATURE, find_signature

_EXPECTED = SignatureConfiguration(
    location="./",
    expect_references=1,
    signature_methods=frozenset({Method.RSA_SHA256, Method.ECDSA_SHA256}),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
)

DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>\n"

_SCOPE = f' xmlns:ds="{DS}"'
_SIGNED_INFO = (
    "<ds:SignedInfo{scope}>"
    f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod>'
    '<ds:Reference URI=""><ds:Transforms>'
    f'<ds:Transform Algorithm="{ENVELOPED}"></ds:Transform>'
    f'<ds:Transform Algorithm="{EXCLUSIVE}"></ds:Transform>'
    "</ds:Transforms>"
    f'<ds:DigestMethod Algorithm="{DigestMethod.SHA256}"></ds:DigestMethod>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)
_SIGNATURE = (
    f"<ds:Signature{_SCOPE}>"
    "{signed_info}<ds:SignatureValue>{value}</ds:SignatureValue>"
    "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    "</ds:Signature>"
)


def seal(root: etree._Element, key: OwnKey, *, limit: int = MAX_MESSAGE_BYTES) -> bytes:
    """
    Seal the document under *root* with *key*; *root* stays as it is.

    Comments, and whatever stands outside the root, are not sealed and do not travel.

    Returns:
        The whole sealed document, to be stored and sent as it is: nothing may be written anew after sealing.

    Raises:
        SealRefused: it is sealed already, or has no canonical form.
        TooLarge: its canonical form grows beyond all measure.
    """
    octets = canonical(_alone(root), limit=limit)
    if next(root.iter(SIGNATURE), None) is not None:
        raise SealRefused("The document carries a Signature already", step=2)
    digest = DigestMethod.SHA256.of(octets)
    parts = {"method": key.method.value, "digest": b64encode(digest).decode()}
    signed = _SIGNED_INFO.format(scope=_SCOPE, **parts).encode()
    sealed = _assembled(octets, parts, value=key.sign(signed), certificate=key.certificate.der)
    if digest[0] == 0:
        _check_own(key, sealed)
    return sealed


def is_as_sealed(raw: bytes, octets: bytes) -> bool:
    """
    Whether *raw* is, byte for byte, what ``seal`` makes of the signed *octets*, with the value it carries.

    XML may be written in many ways that mean the same and have the same seal; this tells our own one.
    """
    signature = find_signature(read_xml(raw, limit=len(raw)))
    parts = {"method": signature.signature_method, "digest": b64encode(signature.digest).decode()}
    return raw == _assembled(octets, parts, value=signature.value, certificate=signature.certificate)


def _assembled(octets: bytes, parts: dict[str, str], *, value: bytes, certificate: bytes) -> bytes:
    signature = _SIGNATURE.format(
        signed_info=_SIGNED_INFO.format(scope="", **parts),
        value=b64encode(value).decode(),
        certificate=b64encode(certificate).decode(),
    )
    end = octets.rindex(b"</")
    return b"".join((DECLARATION, octets[:end], signature.encode(), octets[end:]))


def _alone(root: etree._Element) -> etree._ElementTree[etree._Element]:
    """A tree of *root* and nothing beside it; an element taken from elsewhere still has its old tree."""
    beside = (root.getparent(), root.getprevious(), root.getnext(), root.tail)
    if any(each is not None for each in beside):
        root = copy.deepcopy(root)
        root.tail = None
    return etree.ElementTree(root)


class _Verifier(XMLVerifier):
    """The library's verifier, which between two of its readings would lose names beyond ASCII."""

    def _tostring(self, xml_node: etree._Element, **options: Any) -> bytes:
        return etree.tostring(xml_node, encoding="UTF-8", **options)


def _check_own(key: OwnKey, sealed: bytes) -> None:
    """One seal in 256 is verified by a library that is not ours, so that no flaw of our own stays hidden."""
    certificate = key.certificate.certificate
    # Whether the certificate is valid now is not asked here: the key was chosen by the process's own clock.
    expected = replace(_EXPECTED, verification_time=certificate.not_valid_before_utc)
    try:
        _Verifier().verify(sealed, x509_cert=certificate, expect_config=expected)
    except SignXMLException as error:
        raise RuntimeError(f"{key!r} made a seal that does not verify: {error}") from error
