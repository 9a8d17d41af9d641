"""
Seals made by xmlsec1 at test time, each with the verdict it must get here, and why.

``python -m tests.conformance.vectors`` prints the table of docs/seals.md.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.domain.seals import SealProfile
from gateway.trust.make import Kind, certificate_pem, issue_sign
from tests.conformance import forge, xmlsec1
from tests.conformance.forge import ENVELOPED, EXCLUSIVE, INCLUSIVE
from tests.conformance.sealed import MY, SHIPPED, VN
from tests.conformance.templates import TIME, Template, named
from tests.keys import BEGINS, ENDS, PartyKeys, private_key
from tests.messages import a_message

ECO = "eco-https/1"
INC = "xmldsig-inclusive"
P256 = "xmldsig-p256"
BES = "xades-bes"

Sign = Callable[[Path, bytes], bytes]

_MESSAGE = etree.tostring(a_message())
_WITH_LANGUAGE = _MESSAGE.replace(
    b" xmlns", b' xml:lang="vi" xml:space="preserve" xmlns:unused="urn:u" xmlns', 1
)
_P384 = ec.generate_private_key(ec.SECP384R1())


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """
    One sealed document.

    Attributes:
        step: the number of the check that refuses it; None for one that is accepted.
        altered: what is done to it after it was sealed.
    """

    name: str
    agreed: str
    why: str
    template: Template
    step: int | None = None
    document: bytes = _MESSAGE
    sign: Sign | None = None
    altered: tuple[bytes, bytes] | None = None
    keys: PartyKeys = VN

    @property
    def profile(self) -> SealProfile:
        return SHIPPED[self.agreed]

    @property
    def verdict(self) -> str:
        return "accepted" if self.step is None else f"refused, step {self.step}"

    def made(self, folder: Path) -> bytes:
        """The sealed document."""
        template = self.template.into(self.document)
        raw = self.sign(folder, template) if self.sign else xmlsec1.sign(folder, template, self.keys)
        if self.altered is not None:
            assert raw.count(self.altered[0]) == 1
            raw = raw.replace(*self.altered)
        return raw


def _by_secret(folder: Path, template: bytes) -> bytes:
    """HMAC under the public certificate, which a reader might take for the key."""
    return xmlsec1.sign_by_secret(folder, template, VN.sign.certificate.public_bytes(Encoding.DER))


def _with_chain(folder: Path, template: bytes) -> bytes:
    pems = (certificate_pem(VN.sign.certificate), certificate_pem(VN.anchor.certificate))
    return xmlsec1.sign_with(folder, template, VN.sign.private, *pems)


def _by_another_rsa_key(folder: Path, template: bytes) -> bytes:
    return xmlsec1.sign_with(folder, template, private_key(Kind.RSA, 77))


def _under_another_certificate(folder: Path, template: bytes) -> bytes:
    other = issue_sign(VN.anchor, "VN other", "VN", valid_from=BEGINS, valid_to=ENDS, private=VN.sign.private)
    return xmlsec1.sign_with(folder, template, VN.sign.private, certificate_pem(other.certificate))


def _by_p384(folder: Path, template: bytes) -> bytes:
    return xmlsec1.sign_with(folder, template, _P384)


_EMBEDDED = (
    "<X509Data><X509Certificate>"
    f"{b64encode(VN.sign.certificate.public_bytes(Encoding.DER)).decode()}"
    "</X509Certificate></X509Data>"
)
_OWN = named(VN.sign.certificate)
_ECDSA = forge.ECDSA_SHA256
_POLICY = "<x:SignaturePolicyIdentifier><x:SignaturePolicyImplied/></x:SignaturePolicyIdentifier>"
_XPATH = (
    '<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><XPath>true()</XPath></Transform>'
)


def _bes(**changes: object) -> Template:
    return Template(**{"form": INCLUSIVE, "properties": TIME + _OWN} | changes)  # type: ignore[arg-type]


GOOD = (
    Vector(name="exclusive", agreed=ECO, why="what the wire profile asks for", template=Template()),
    Vector(
        name="exclusive, no prefix",
        agreed=ECO,
        why="prefixes mean nothing; Java's API writes none",
        template=Template(prefix=""),
    ),
    Vector(
        name="exclusive, ECDSA P-256",
        agreed=ECO,
        why="both kinds of key are good unless a profile says otherwise",
        template=Template(method=_ECDSA),
        keys=MY,
    ),
    Vector(
        name="exclusive, SHA-384",
        agreed=ECO,
        why="as strong as what we write ourselves",
        template=Template(digest=forge.SHA384),
    ),
    Vector(name="exclusive, SHA-512", agreed=ECO, why="likewise", template=Template(digest=forge.SHA512)),
    Vector(
        name="exclusive, CRLF and tabs in the Signature",
        agreed=ECO,
        why="white space between its elements carries nothing",
        template=Template(gap="\r\n\t"),
    ),
    Vector(
        name="exclusive, root with xml:lang",
        agreed=ECO,
        why="exclusive form hands nothing down to the SignedInfo",
        template=Template(),
        document=_WITH_LANGUAGE,
    ),
    Vector(
        name="P-256 where it alone is agreed",
        agreed=P256,
        why="that is what was agreed",
        template=Template(method=_ECDSA),
        keys=MY,
    ),
    Vector(name="inclusive", agreed=INC, why="that is what was agreed", template=Template(form=INCLUSIVE)),
    Vector(
        name="inclusive, no prefix",
        agreed=INC,
        why="the SignedInfo is in the default namespace of its own Signature, which must not be taken away",
        template=Template(form=INCLUSIVE, prefix=""),
    ),
    Vector(
        name="inclusive, root with xml:lang and an unused namespace",
        agreed=INC,
        why="C14N 1.0 hands both down to the SignedInfo",
        template=Template(form=INCLUSIVE),
        document=_WITH_LANGUAGE,
    ),
    Vector(
        name="inclusive, no prefix, root with xml:lang",
        agreed=INC,
        why="both at once",
        template=Template(form=INCLUSIVE, prefix=""),
        document=_WITH_LANGUAGE,
    ),
    Vector(name="XAdES-BES", agreed=BES, why="that is what was agreed", template=_bes()),
    Vector(name="XAdES-BES, no prefix", agreed=BES, why="as above", template=_bes(prefix="")),
    Vector(
        name="XAdES-BES, root with xml:lang",
        agreed=BES,
        why="the signed properties inherit it too",
        template=_bes(),
        document=_WITH_LANGUAGE,
    ),
    Vector(
        name="XAdES-BES, SigningCertificate of the older version",
        agreed=BES,
        why="TS 101 903 and EN 319 132 name the certificate in two ways; its issuer and number are not read",
        template=_bes(properties=TIME + named(VN.sign.certificate, version="")),
    ),
    Vector(
        name="XAdES-BES without a time",
        agreed=BES,
        why="the time is the sealer's own word and not needed",
        template=_bes(properties=_OWN),
    ),
    Vector(
        name="XAdES-BES, properties referred to first",
        agreed=BES,
        why="the order of the two References says nothing",
        template=_bes(properties_first=True),
    ),
    Vector(
        name="XAdES-BES by ECDSA P-256",
        agreed=BES,
        why="both kinds of key",
        template=_bes(method=_ECDSA, properties=TIME + named(MY.sign.certificate)),
        keys=MY,
    ),
)

OTHER_PROFILE = (
    Vector(
        name="inclusive, agreed exclusive",
        agreed=ECO,
        step=2,
        why="not what was agreed",
        template=Template(form=INCLUSIVE),
    ),
    Vector(
        name="exclusive, agreed inclusive", agreed=INC, step=2, why="not what was agreed", template=Template()
    ),
    Vector(
        name="XAdES-BES, agreed without", agreed=INC, step=2, why="an Object was not agreed", template=_bes()
    ),
    Vector(
        name="no properties, agreed XAdES-BES",
        agreed=BES,
        step=2,
        why="the time and certificate that were agreed are missing",
        template=Template(form=INCLUSIVE),
    ),
    Vector(name="RSA, agreed P-256", agreed=P256, step=3, why="an algorithm not agreed", template=Template()),
    Vector(
        name="document exclusive, SignedInfo inclusive",
        agreed=INC,
        step=2,
        why="one form for all that is signed",
        template=Template(form=INCLUSIVE, document_form=EXCLUSIVE),
    ),
)

WEAK = (
    Vector(
        name="C14N 1.1", agreed=INC, step=2, why="in no profile", template=Template(form=forge.INCLUSIVE_11)
    ),
    Vector(
        name="exclusive with comments",
        agreed=ECO,
        step=2,
        why="comments are never content",
        template=Template(form=forge.EXCLUSIVE_WITH_COMMENTS),
    ),
    Vector(
        name="RSA-SHA1", agreed=ECO, step=3, why="SHA-1 is broken", template=Template(method=forge.RSA_SHA1)
    ),
    Vector(
        name="SHA-1 digest", agreed=ECO, step=3, why="SHA-1 is broken", template=Template(digest=forge.SHA1)
    ),
    Vector(
        name="RSA-SHA512",
        agreed=ECO,
        step=3,
        why="good, but in no profile: few algorithms, well tested",
        template=Template(method=forge.RSA_SHA512),
    ),
    Vector(
        name="HMAC under the public certificate",
        agreed=ECO,
        step=3,
        why="anybody could have made it",
        template=Template(method=forge.HMAC_SHA256, key_info=_EMBEDDED),
        sign=_by_secret,
    ),
    Vector(
        name="ECDSA P-384 with the certificate of another key",
        agreed=ECO,
        step=3,
        why="the method does not go with the certificate's key",
        template=Template(method=_ECDSA, key_info=_EMBEDDED),
        sign=_by_p384,
    ),
)

SHAPE = (
    Vector(
        name="two References to the document",
        agreed=ECO,
        step=2,
        why="one thing is signed, once",
        template=Template(twice=True),
    ),
    Vector(
        name="a third transform (XPath)",
        agreed=ECO,
        step=2,
        why="a transform decides what is signed",
        template=Template(in_transforms=_XPATH),
    ),
    Vector(
        name="enveloped-signature alone",
        agreed=INC,
        step=2,
        why="the canonical form must be said",
        template=Template(form=INCLUSIVE, transforms=(ENVELOPED,)),
    ),
    Vector(
        name="an Object beside",
        agreed=ECO,
        step=2,
        why="a place to hide another document",
        template=Template(object="<Object>1</Object>"),
    ),
    Vector(
        name="KeyValue alone",
        agreed=ECO,
        step=2,
        why="a key that nobody vouches for",
        template=Template(key_info="<KeyValue/>"),
    ),
    Vector(
        name="the whole chain in KeyInfo",
        agreed=ECO,
        step=2,
        why="which of them made the seal would be a guess",
        template=Template(),
        sign=_with_chain,
    ),
    Vector(
        name="XAdES: properties that no Reference covers",
        agreed=BES,
        step=2,
        why="they could be exchanged",
        template=_bes(refers_to_properties=False),
    ),
    Vector(
        name="XAdES: unsigned properties",
        agreed=BES,
        step=2,
        why="nobody sealed them; time-stamps are in no profile yet",
        template=_bes(behind="<x:UnsignedProperties/>"),
    ),
    Vector(
        name="XAdES: a signature policy",
        agreed=BES,
        step=2,
        why="a policy that we do not know cannot be kept",
        template=_bes(properties=TIME + _OWN + _POLICY),
    ),
    Vector(
        name="XAdES: no certificate named",
        agreed=BES,
        step=2,
        why="BES is what names it",
        template=_bes(properties=TIME),
    ),
    Vector(
        name="XAdES: a second Object",
        agreed=BES,
        step=2,
        why="a place to hide another document",
        template=_bes(object="<Object>1</Object>"),
    ),
)

ALTERED = (
    Vector(
        name="text altered",
        agreed=INC,
        step=6,
        why="the digest of the document",
        template=Template(form=INCLUSIVE),
        altered=(b"Trousers", b"Tr0users"),
    ),
    Vector(
        name="XAdES: time altered",
        agreed=BES,
        step=6,
        why="the digest of the signed properties",
        template=_bes(),
        altered=(b"21:39:59Z<", b"21:39:58Z<"),
    ),
    Vector(
        name="inclusive, xml:lang of the root altered",
        agreed=INC,
        step=6,
        why="the SignedInfo inherits it, so its value fails first",
        template=Template(form=INCLUSIVE),
        document=_WITH_LANGUAGE,
        altered=(b'xml:lang="vi"', b'xml:lang="th"'),
    ),
    Vector(
        name="XAdES: another certificate named",
        agreed=BES,
        step=6,
        why="the certificate in KeyInfo was exchanged, or the seal is for another key",
        template=_bes(properties=TIME + named(MY.sign.certificate)),
    ),
    Vector(
        name="the value by another key than the certificate's",
        agreed=ECO,
        step=6,
        why="whoever holds the certificate did not make it",
        template=Template(key_info=_EMBEDDED),
        sign=_by_another_rsa_key,
    ),
    Vector(
        name="certificate registered for nobody",
        agreed=ECO,
        step=4,
        why="a certificate proves nothing by itself",
        template=Template(),
        sign=_under_another_certificate,
    ),
)

VECTORS = (*GOOD, *OTHER_PROFILE, *WEAK, *SHAPE, *ALTERED)


def table() -> str:
    """The vectors as the page shows them."""
    rows = [f"| {v.name} | `{v.agreed}` | {v.verdict} | {v.why} |" for v in VECTORS]
    return "\n".join(["| seal | agreed | verdict | why |", "|---|---|---|---|", *rows])


if __name__ == "__main__":
    print(table())
