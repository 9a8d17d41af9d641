"""
The ``ds:Signature`` in a document: found, read and verified. Steps 2, 3 and 6 of the numbered verification.

What is accepted is narrower than XML-DSig by far, and on purpose: one shape, over the whole document, leaves
no room for a signature over something else than what is read.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass

from lxml import etree

from gateway.domain.errors import SealRefused
from gateway.domain.xml import MAX_MESSAGE_BYTES
from gateway.trust.algorithms import DigestMethod, PublicKey, SignatureMethod, holds, method_for
from gateway.trust.canonical import EXCLUSIVE, canonical, canonical_part

DS = "http://www.w3.org/2000/09/xmldsig#"
ENVELOPED = f"{DS}enveloped-signature"
SIGNATURE = f"{{{DS}}}Signature"

_WHITE = " \t\r\n"
_NO_WHITE = str.maketrans("", "", _WHITE)
_KEY_HINTS = frozenset({f"{{{DS}}}KeyName", f"{{{DS}}}KeyValue"})
_X509_DATA = f"{{{DS}}}X509Data"
_X509_CERTIFICATE = f"{{{DS}}}X509Certificate"
_X509_HINTS = frozenset({f"{{{DS}}}X509IssuerSerial", f"{{{DS}}}X509SubjectName", f"{{{DS}}}X509SKI"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The one signature of a document, its shape already found good; nothing in it has been verified."""

    element: etree._Element
    signed_info: etree._Element
    signature_method: str
    digest_method: str
    digest: bytes
    value: bytes
    certificate: bytes  # DER, as it came with the message; a hint which registered one to use, no more


def find_signature(root: etree._Element) -> Signature:
    """
    Step 2: the document has exactly one signature, last child of the root, over all of it.

    Its one Reference is ``URI=""`` under the enveloped-signature transform and exclusive canonicalisation,
    nothing else; it holds exactly one certificate, no Object and no comment. What KeyInfo may say besides
    (KeyName, KeyValue, issuer and serial) is never read.

    Raises:
        SealRefused: any of that is not so.
    """
    element = _the_one(root)
    _attributes(element, "Id")
    signed_info, value, key_info = _children(element, "SignedInfo", "SignatureValue", "KeyInfo")
    _attributes(signed_info, "Id")
    canonicalization, signature_method, reference = _children(
        signed_info, "CanonicalizationMethod", "SignatureMethod", "Reference"
    )
    if _algorithm(canonicalization) != EXCLUSIVE:
        raise _refused(f"CanonicalizationMethod is not {EXCLUSIVE}")
    digest_method, digest = _reference(reference)
    return Signature(
        element=element,
        signed_info=signed_info,
        signature_method=_algorithm(signature_method),
        digest_method=_algorithm(digest_method),
        digest=_octets(digest),
        value=_octets(value),
        certificate=_certificate(key_info),
    )


def allowed(signature: Signature, key: PublicKey | None) -> tuple[PublicKey, DigestMethod]:
    """
    Step 3: signature and digest algorithms are allowed, and the key is large enough for them.

    Args:
        key: of the certificate in the seal; None where it is of no kind we know.

    Returns:
        What to verify with.

    Raises:
        SealRefused: one of them is not allowed.
    """
    if signature.signature_method not in tuple(SignatureMethod):
        raise _refused(f"SignatureMethod {signature.signature_method[:120]!r} is not allowed", step=3)
    if signature.digest_method not in tuple(DigestMethod):
        raise _refused(f"DigestMethod {signature.digest_method[:120]!r} is not allowed", step=3)
    fitting = method_for(key)
    if key is None or not isinstance(fitting, SignatureMethod):
        raise _refused(f"The certificate in the seal holds {fitting}", step=3)
    if fitting != signature.signature_method:
        raise _refused("SignatureMethod does not go with the key of the certificate in the seal", step=3)
    return key, DigestMethod(signature.digest_method)


def signed_octets(
    root: etree._Element,
    signature: Signature,
    key: PublicKey,
    method: DigestMethod,
    *,
    limit: int = MAX_MESSAGE_BYTES,
) -> bytes:
    """
    Step 6: the signature value verifies, and the digest is that of the document.

    The signature is taken off *root*. The value is verified first: the whole document is canonicalised only
    for whoever can sign.

    Returns:
        The canonical octets that were signed. Read nothing but these.

    Raises:
        SealRefused: the value or the digest is wrong.
        TooLarge: the canonical form grows beyond all measure.
    """
    if not holds(key, signature.value, canonical_part(signature.signed_info)):
        raise _refused(
            "The signature value does not verify: it was made with another key, or altered", step=6
        )
    _take_off(root, signature.element)
    octets = canonical(root.getroottree(), limit=limit)
    if method.of(octets) != signature.digest:
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


def _reference(reference: etree._Element) -> tuple[etree._Element, etree._Element]:
    """DigestMethod and DigestValue of a Reference that covers the whole document and nothing else."""
    _attributes(reference, "URI", "Id")
    if reference.get("URI") != "":
        raise _refused("The Reference has not URI='': the signature is not over the whole document")
    transforms, digest_method, digest = _children(reference, "Transforms", "DigestMethod", "DigestValue")
    _attributes(transforms)
    found = [_algorithm(each) for each in _children(transforms, "Transform", "Transform")]
    if found != [ENVELOPED, EXCLUSIVE]:
        raise _refused(f"The transforms are not {ENVELOPED} and {EXCLUSIVE}")
    return digest_method, digest


def _children(parent: etree._Element, *names: str) -> list[etree._Element]:
    """The children of *parent*: exactly *names* in this order, nothing but white space between."""
    nodes = list(parent)
    if [node.tag for node in nodes] != [f"{{{DS}}}{name}" for name in names]:
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


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname[:80]


def _refused(text: str, *, step: int = 2) -> SealRefused:
    return SealRefused(text, step=step)
