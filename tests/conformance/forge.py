"""
A signer that does as it is told: any shape, any algorithm, and the mathematics right all the same.

A flaw made with it is the only thing wrong with the document, so what refuses it has seen that flaw.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
EXCLUSIVE_WITH_COMMENTS = f"{EXCLUSIVE}WithComments"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_11 = "http://www.w3.org/2006/12/xml-c14n11"
ENVELOPED = f"{DS}enveloped-signature"
RSA_SHA1 = f"{DS}rsa-sha1"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
HMAC_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
SHA1 = f"{DS}sha1"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"

_DIGESTS = {SHA1: "sha1", SHA256: "sha256", SHA384: "sha384", SHA512: "sha512"}
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    RSA_SHA1: hashes.SHA1,
    RSA_SHA256: hashes.SHA256,
    RSA_SHA512: hashes.SHA512,
}

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, kw_only=True)
class Forgery:
    """How the Signature is written; the defaults are what the wire profile asks for."""

    private: Private
    certificates: Sequence[x509.Certificate]
    prefix: str = "ds"
    gap: str = ""  # between the elements of the Signature
    uri: str = ""
    references: int = 1
    transforms: Sequence[str] = (ENVELOPED, EXCLUSIVE)
    in_last_transform: str = ""
    canonicalization: str = EXCLUSIVE
    in_canonicalization: str = ""
    digest_method: str = SHA256
    signature_method: str = RSA_SHA256
    in_signature_method: str = ""
    in_signed_info: str = ""
    key_info: str | None = None  # in place of the certificates
    in_key_info: str = ""
    object: str = ""
    attributes: str = ""

    def of(self, document: str) -> bytes:
        """*document*, without XML declaration, sealed in this way."""
        root = etree.fromstring(document)
        digest = hashlib.new(_DIGESTS[self.digest_method], _canonical(root, self.transforms[-1])).digest()
        sealed = self._spliced(document, b64encode(digest).decode(), "VALUE")
        signed_info = etree.fromstring(sealed).find(f".//{{{DS}}}SignedInfo")
        assert signed_info is not None
        value = self._sign(_canonical(signed_info, self.canonicalization))
        return self._spliced(document, b64encode(digest).decode(), b64encode(value).decode()).encode()

    def _spliced(self, document: str, digest: str, value: str) -> str:
        before, closing, end = document.rpartition("</")
        return f"{before}{self._signature(digest, value)}{closing}{end}"

    def _signature(self, digest: str, value: str) -> str:
        p = f"{self.prefix}:" if self.prefix else ""
        scope = f"xmlns:{self.prefix}" if self.prefix else "xmlns"
        transforms = self.gap.join(
            f'<{p}Transform Algorithm="{each}">{self._inside(number)}</{p}Transform>'
            for number, each in enumerate(self.transforms)
        )
        reference = self.gap.join(
            [
                f'<{p}Reference URI="{self.uri}"><{p}Transforms>{transforms}</{p}Transforms>',
                f'<{p}DigestMethod Algorithm="{self.digest_method}"/>',
                f"<{p}DigestValue>{self.gap}{digest}{self.gap}</{p}DigestValue></{p}Reference>",
            ]
        )
        signed_info = self.gap.join(
            [
                f"<{p}SignedInfo>",
                f'<{p}CanonicalizationMethod Algorithm="{self.canonicalization}">{self.in_canonicalization}'
                f"</{p}CanonicalizationMethod>",
                f'<{p}SignatureMethod Algorithm="{self.signature_method}">{self.in_signature_method}'
                f"</{p}SignatureMethod>",
                *[reference] * self.references,
                f"{self.in_signed_info}</{p}SignedInfo>",
            ]
        )
        return self.gap.join(
            [
                f'<{p}Signature {scope}="{DS}"{self.attributes}>',
                signed_info,
                f"<{p}SignatureValue>{self._folded(value)}</{p}SignatureValue>",
                f"<{p}KeyInfo>{self._key_info(p)}</{p}KeyInfo>{self.object}</{p}Signature>",
            ]
        )

    def _inside(self, number: int) -> str:
        return self.in_last_transform if number == len(self.transforms) - 1 else ""

    def _folded(self, text: str) -> str:
        return self.gap.join(text[start : start + 64] for start in range(0, len(text), 64))

    def _key_info(self, p: str) -> str:
        if self.key_info is not None:
            return self.key_info
        certificates = "".join(
            f"<{p}X509Certificate>{b64encode(each.public_bytes(Encoding.DER)).decode()}</{p}X509Certificate>"
            for each in self.certificates
        )
        return f"{self.in_key_info}<{p}X509Data>{certificates}</{p}X509Data>"

    def _sign(self, octets: bytes) -> bytes:
        if self.signature_method == HMAC_SHA256:
            # The key confusion: what everybody knows, the certificate, taken for the secret.
            return hmac.digest(self.certificates[0].public_bytes(Encoding.DER), octets, "sha256")
        if isinstance(self.private, rsa.RSAPrivateKey):
            hash_of = _HASHES.get(self.signature_method, hashes.SHA256)
            return self.private.sign(octets, padding.PKCS1v15(), hash_of())
        size = (self.private.key_size + 7) // 8
        r, s = utils.decode_dss_signature(self.private.sign(octets, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _canonical(element: etree._Element, algorithm: str) -> bytes:
    if algorithm.endswith("c14n11"):
        algorithm = INCLUSIVE
    return etree.tostring(
        element,
        method="c14n",
        exclusive=algorithm.startswith(EXCLUSIVE),
        with_comments=algorithm.endswith("WithComments"),
    )
