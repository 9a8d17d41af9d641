"""Signatures with nothing in them yet, for a signer that is not ours to fill."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.conformance.forge import DS, ENVELOPED, EXCLUSIVE, RSA_SHA256, SHA256
from tests.conformance.xmlsec1 import XADES

CERTIFICATE = "<X509Data><X509Certificate/></X509Data>"
TIME = "<x:SigningTime>2026-11-21T21:39:59Z</x:SigningTime>"
_TYPE = "http://uri.etsi.org/01903#SignedProperties"


def named(certificate: x509.Certificate, *, version: str = "V2") -> str:
    """How signed properties name the certificate that made the seal."""
    digest = b64encode(certificate.fingerprint(hashes.SHA256())).decode()
    number = (
        ""
        if version
        else f"<x:IssuerSerial><X509IssuerName>{certificate.issuer.rfc4514_string()}</X509IssuerName>"
        f"<X509SerialNumber>{certificate.serial_number}</X509SerialNumber></x:IssuerSerial>"
    )
    return (
        f'<x:SigningCertificate{version}><x:Cert><x:CertDigest><DigestMethod Algorithm="{SHA256}"/>'
        f"<DigestValue>{digest}</DigestValue></x:CertDigest>{number}</x:Cert></x:SigningCertificate{version}>"
    )


@dataclass(frozen=True, kw_only=True)
class Template:
    """
    A Signature as it is asked for; the defaults are those of the wire profile.

    Attributes:
        properties: what a XAdES seal says of itself; None for a seal that is none.
        behind: what stands behind the signed properties.
    """

    prefix: str = "ds"
    form: str = EXCLUSIVE
    document_form: str | None = None
    method: str = RSA_SHA256
    digest: str = SHA256
    uri: str = ""
    transforms: Sequence[str] | None = None
    in_transforms: str = ""
    key_info: str = CERTIFICATE
    properties: str | None = None
    properties_first: bool = False
    refers_to_properties: bool = True
    behind: str = ""
    twice: bool = False
    object: str = ""
    gap: str = "\n  "

    def into(self, document: bytes) -> bytes:
        """*document* with this Signature before its closing tag."""
        before, closing, end = document.rpartition(b"</")
        return before + self._written().encode() + b"\n" + closing + end

    def _written(self) -> str:
        name = "" if self.properties is None else ' Id="seal"'
        text = self.gap.join(
            [
                f"<Signature{self._scope()}{name}>",
                f'<SignedInfo><CanonicalizationMethod Algorithm="{self.form}"/>',
                f'<SignatureMethod Algorithm="{self.method}"/>',
                *self._references(),
                f"</SignedInfo><SignatureValue/><KeyInfo>{self.key_info}</KeyInfo>{self._objects()}</Signature>",
            ]
        )
        p = f"{self.prefix}:" if self.prefix else ""
        for name in _NAMES:
            text = text.replace(f"<{name}", f"<{p}{name}").replace(f"</{name}", f"</{p}{name}")
        return text

    def _scope(self) -> str:
        return f' xmlns{":" + self.prefix if self.prefix else ""}="{DS}"'

    def _references(self) -> list[str]:
        transforms = self.transforms or (ENVELOPED, self.document_form or self.form)
        found = [self._reference(f'URI="{self.uri}"', transforms)] * (2 if self.twice else 1)
        if self.properties is not None and self.refers_to_properties:
            found.append(self._reference(f'Type="{_TYPE}" URI="#properties"', [self.form]))
        return found[::-1] if self.properties_first else found

    def _reference(self, attributes: str, transforms: Sequence[str]) -> str:
        steps = self.gap.join(f'<Transform Algorithm="{each}"/>' for each in transforms)
        return (
            f"<Reference {attributes}><Transforms>{steps}{self.in_transforms}</Transforms>"
            f'<DigestMethod Algorithm="{self.digest}"/><DigestValue/></Reference>'
        )

    def _objects(self) -> str:
        if self.properties is None:
            return self.object
        return (
            f'<Object><x:QualifyingProperties xmlns:x="{XADES}" Target="#seal">'
            '<x:SignedProperties Id="properties"><x:SignedSignatureProperties>'
            f"{self.properties}</x:SignedSignatureProperties></x:SignedProperties>{self.behind}"
            f"</x:QualifyingProperties></Object>{self.object}"
        )


_NAMES = (
    "Signature>",
    "Signature ",
    "SignedInfo",
    "CanonicalizationMethod",
    "SignatureMethod",
    "SignatureValue",
    "Reference",
    "Transform",
    "DigestMethod",
    "DigestValue",
    "KeyInfo",
    "KeyName",
    "KeyValue",
    "X509",
    "XPath",
    "Object",
)
