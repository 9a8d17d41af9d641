"""
The ``ds:Signature`` in a document: found, read and verified. Steps 2, 3 and 6 of the numbered verification.

What is accepted is narrower than XML-DSig by far, and on purpose: one shape a profile, over the whole
document, leaves no room for a signature over something else than what is read.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from gateway.domain.errors import SealRefused
from gateway.domain.seals import ECO_HTTPS, Canonicalization, DigestMethod, SealProfile, SignatureMethod
from gateway.domain.xml import MAX_MESSAGE_BYTES
from gateway.trust.algorithms import PublicKey, holds, method_for
from gateway.trust.canonical import canonical, canonical_part, refuse_costly

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
ENVELOPED = f"{DS}enveloped-signature"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
SIGNATURE = f"{{{DS}}}Signature"

_SIGNATURE = ("SignedInfo", "SignatureValue", "KeyInfo")
_WHITE = " \t\r\n"
_NO_WHITE = str.maketrans("", "", _WHITE)
_KEY_HINTS = frozenset({f"{{{DS}}}KeyName", f"{{{DS}}}KeyValue"})
_SIGNING_CERTIFICATE = frozenset({f"{{{XADES}}}SigningCertificate", f"{{{XADES}}}SigningCertificateV2"})
# A policy (XAdES-EPES) would have to be judged, so it is not among those that are let pass unread.
_SIGNATURE_PROPERTIES = _SIGNING_CERTIFICATE | {
    f"{{{XADES}}}{name}{version}"
    for name in ("SigningTime", "SignatureProductionPlace", "SignerRole")
    for version in ("", "V2")
}
_X509_DATA = f"{{{DS}}}X509Data"
_X509_CERTIFICATE = f"{{{DS}}}X509Certificate"
_X509_HINTS = frozenset({f"{{{DS}}}X509IssuerSerial", f"{{{DS}}}X509SubjectName", f"{{{DS}}}X509SKI"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Digested:
    """What a Reference says of its target: by which method it was digested, and to what."""

    method: str
    digest: bytes

    def is_of(self, octets: bytes) -> bool:
        """Whether it is the digest of *octets*; its method was found allowed before."""
        return DigestMethod(self.method).of(octets) == self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedProperties:
    """
    What a XAdES seal says of itself.

    Attributes:
        reference: what the SignedInfo says of them.
        certificate: the digest of the certificate that made the seal.
    """

    element: etree._Element
    reference: Digested
    certificate: Digested


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The one signature of a document, its shape already found good; nothing in it has been verified."""

    element: etree._Element
    signed_info: etree._Element
    profiles: Sequence[SealProfile]  # those whose shape it has; at least one
    signature_method: str
    document: Digested
    value: bytes
    certificate: bytes  # DER, as it came with the message; a hint which registered one to use, no more
    properties: SignedProperties | None = None

    @property
    def canonicalization(self) -> Canonicalization:
        """In which form all of it was signed."""
        return self.profiles[0].canonicalization

    @property
    def digests(self) -> list[Digested]:
        """Every digest in it."""
        own = self.properties
        return [self.document] if own is None else [self.document, own.reference, own.certificate]


def find_signature(root: etree._Element, profiles: Sequence[SealProfile] = (ECO_HTTPS,)) -> Signature:
    """
    Step 2: the document has one signature, last child of the root, over all of it, of the shape of a profile.

    Its Reference to the document is ``URI=""`` under the enveloped-signature transform and the profile's
    canonicalisation, nothing else; it holds exactly one certificate and no comment. A XAdES seal has one
    Object with its signed properties, and a second Reference to them; any other has no Object. What KeyInfo
    may say besides (KeyName, KeyValue, issuer and serial) is never read.

    Raises:
        SealRefused: any of that is not so.
        TooLarge: the canonical form of the profile would cost too much.
    """
    element = _the_one(root)
    _attributes(element, "Id")
    xades = any(profile.xades for profile in profiles) and len(element) > len(_SIGNATURE)
    signed_info, value, key_info, *objects = _children(element, *_SIGNATURE, *["Object"] * xades)
    _attributes(signed_info, "Id")
    canonicalization, method, reference, *more = _children(
        signed_info, "CanonicalizationMethod", "SignatureMethod", "Reference", *["Reference"] * xades
    )
    form = _algorithm(canonicalization)
    fitting = [profile for profile in profiles if profile.fits(form, xades=xades)]
    if not fitting:
        raise _refused(f"CanonicalizationMethod and Object are not those of {_names(profiles)}")
    if form == Canonicalization.INCLUSIVE:
        refuse_costly(root)
    if more and reference.get("URI") != "":
        reference, more = more[0], [reference]
    return Signature(
        element=element,
        signed_info=signed_info,
        profiles=fitting,
        signature_method=_algorithm(method),
        document=_digested(reference, "", [ENVELOPED, form]),
        value=_octets(value),
        certificate=_certificate(key_info),
        properties=_properties(element, more[0], objects[0], form) if more else None,
    )


def allowed(signature: Signature, key: PublicKey | None) -> PublicKey:
    """
    Step 3: a profile allows signature and digest algorithms, and the key is large enough for them.

    Args:
        key: of the certificate in the seal; None where it is of no kind we know.

    Returns:
        What to verify with.

    Raises:
        SealRefused: one of them is not allowed.
    """
    method = signature.signature_method
    profiles = [profile for profile in signature.profiles if method in profile.methods]
    if not profiles:
        raise _refused(f"SignatureMethod {method[:120]!r} is not allowed", step=3)
    for each in signature.digests:
        profiles = [profile for profile in profiles if each.method in profile.digests]
        if not profiles:
            raise _refused(f"DigestMethod {each.method[:120]!r} is not allowed", step=3)
    fitting = method_for(key)
    if key is None or not isinstance(fitting, SignatureMethod):
        raise _refused(f"The certificate in the seal holds {fitting}", step=3)
    if fitting != method:
        raise _refused("SignatureMethod does not go with the key of the certificate in the seal", step=3)
    return key


def signed_octets(
    root: etree._Element,
    signature: Signature,
    key: PublicKey,
    *,
    limit: int = MAX_MESSAGE_BYTES,
) -> bytes:
    """
    Step 6: the signature value verifies, and each digest is that of what it stands for.

    The signature is taken off *root*. The value is verified first: the whole document is canonicalised only
    for whoever can sign.

    Returns:
        The canonical octets that were signed. Read nothing but these.

    Raises:
        SealRefused: the value or a digest is wrong.
        TooLarge: the canonical form grows beyond all measure.
    """
    form = signature.canonicalization
    if not holds(key, signature.value, canonical_part(signature.signed_info, form)):
        raise _refused(
            "The signature value does not verify: it was made with another key, or altered", step=6
        )
    if (own := signature.properties) is not None:
        if not own.reference.is_of(canonical_part(own.element, form)):
            raise _refused("The digest does not match: the signed properties were altered", step=6)
        if not own.certificate.is_of(signature.certificate):
            raise _refused("The signed properties name another certificate than the one in the seal", step=6)
    _take_off(root, signature.element)
    octets = canonical(root.getroottree(), form, limit=limit)
    if not signature.document.is_of(octets):
        raise _refused("The digest does not match: the document was altered after it was sealed", step=6)
    return octets


def _the_one(root: etree._Element) -> etree._Element:
    found = list(root.iter(SIGNATURE))
    if not found:
        raise _refused("There is no Signature")
    if len(found) > 1:
        raise _refused(f"There are {len(found)} Signatures, exactly one is allowed")
    element = found[0]
    if element.getparent() is not root or next(element.itersiblings(etree.Element), None) is not None:
        raise _refused("The Signature is not the last child of the root")
    if next(element.iter(etree.Comment, etree.ProcessingInstruction), None) is not None:
        raise _refused("A comment or processing instruction stands inside the Signature")
    return element


def _digested(reference: etree._Element, uri: str, transforms: Sequence[str], *allowed: str) -> Digested:
    """What a Reference says that covers *uri*, the whole document where it is empty, and nothing else."""
    _attributes(reference, "URI", "Id", *allowed)
    if reference.get("URI") != uri:
        raise _refused(f"A Reference has not URI='{uri}': the signature is not over what it should be")
    transforming, method, digest = _children(reference, "Transforms", "DigestMethod", "DigestValue")
    _attributes(transforming)
    steps = _children(transforming, *["Transform"] * len(transforms))
    if [_algorithm(each) for each in steps] != list(transforms):
        raise _refused(f"The transforms are not {' and '.join(transforms)}")
    return Digested(method=_algorithm(method), digest=_octets(digest))


def _properties(
    signature: etree._Element, reference: etree._Element, holder: etree._Element, form: str
) -> SignedProperties:
    """The signed properties of a XAdES seal, found by where they stand and never by an id."""
    _attributes(holder, "Id")
    (qualifying,) = _children(holder, "QualifyingProperties", namespace=XADES)
    _attributes(qualifying, "Id", "Target")
    (properties,) = _children(qualifying, "SignedProperties", namespace=XADES)
    _attributes(properties, "Id")
    if not signature.get("Id") or qualifying.get("Target") != f"#{signature.get('Id')}":
        raise _refused("QualifyingProperties are not about this Signature")
    if not properties.get("Id") or reference.get("Type") != SIGNED_PROPERTIES:
        raise _refused(f"No Reference is of the Type {SIGNED_PROPERTIES}")
    return SignedProperties(
        element=properties,
        reference=_digested(reference, f"#{properties.get('Id')}", [form], "Type"),
        certificate=_named_certificate(properties),
    )


def _named_certificate(properties: etree._Element) -> Digested:
    """Which certificate the signed properties say made the seal: the first, in either way of naming it."""
    of_signature = properties.find(f"{{{XADES}}}SignedSignatureProperties")
    known = () if of_signature is None else of_signature
    named = [each for each in known if each.tag in _SIGNING_CERTIFICATE]
    digest = named[0].find(f"{{{XADES}}}Cert/{{{XADES}}}CertDigest") if len(named) == 1 else None
    if digest is None or any(each.tag not in _SIGNATURE_PROPERTIES for each in known):
        raise _refused(
            "The signed properties do not say by which certificate alone, or ask for more than we know"
        )
    method, value = _children(digest, "DigestMethod", "DigestValue")
    return Digested(method=_algorithm(method), digest=_octets(value))


def _children(parent: etree._Element, *names: str, namespace: str = DS) -> list[etree._Element]:
    """The children of *parent*: exactly *names* in this order, nothing but white space between."""
    nodes = list(parent)
    if [node.tag for node in nodes] != [f"{{{namespace}}}{name}" for name in names]:
        inside = ", ".join(etree.QName(node).localname for node in nodes[:8]) or "nothing"
        raise _refused(f"{_name(parent)} must hold {', '.join(names)}, but holds {inside}")
    if _has_text(parent, nodes):
        raise _refused(f"Text stands between the elements of {_name(parent)}")
    return nodes


def _attributes(element: etree._Element, *allowed: str) -> None:
    if any(name not in allowed for name in element.attrib):
        raise _refused(f"{_name(element)} has an attribute that is not allowed")


def _algorithm(element: etree._Element) -> str:
    _children(element)
    _attributes(element, "Algorithm")
    return element.get("Algorithm", "")


def _octets(element: etree._Element) -> bytes:
    """The octets of a Base64 text; white space is taken, sloppy padding is not."""
    _attributes(element, "Id")
    text = (element.text or "").translate(_NO_WHITE)
    try:
        octets = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if len(element) or not octets or b64encode(octets) != text.encode("ascii", "replace"):
        raise _refused(f"{_name(element)} is not Base64")
    return octets


def _certificate(key_info: etree._Element) -> bytes:
    _attributes(key_info, "Id")
    found: list[etree._Element] = []
    for entry in key_info:
        if entry.tag == _X509_DATA:
            found += [each for each in entry if each.tag not in _X509_HINTS]
        elif entry.tag not in _KEY_HINTS:
            raise _refused(f"KeyInfo holds {_name(entry)}, which is not allowed")
    if len(found) != 1 or found[0].tag != _X509_CERTIFICATE:
        raise _refused("KeyInfo must hold exactly one X509Certificate")
    return _octets(found[0])


def _take_off(root: etree._Element, element: etree._Element) -> None:
    """Remove *element* alone from *root*; the text behind it is signed and stays."""
    if element.tail:
        before = element.getprevious()
        if before is None:
            root.text = (root.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
        element.tail = None
    root.remove(element)


def _has_text(parent: etree._Element, nodes: list[etree._Element]) -> bool:
    between = parent.text or ""
    for node in nodes:
        between += node.tail or ""
    return bool(between.strip(_WHITE))


def _names(profiles: Sequence[SealProfile]) -> str:
    return " or ".join(profile.name for profile in profiles)


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname[:80]


def _refused(text: str, *, step: int = 2) -> SealRefused:
    return SealRefused(text, step=step)
