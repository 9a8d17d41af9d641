"""
The wire profile as somebody abroad would write it from its page alone: messages, seals and signals.

Nothing here comes from the gateway: strings, lxml for canonical form, ``cryptography`` for keys. What is read
back from an answer is checked as the page says, and a plain AssertionError tells what is not so.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from tests.exchange.foreign_keys import Issued

SBDH = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
SIGNALS = "http://docs.oasis-open.org/ebxml-bp/ebbp-signals-2.0"
EXCHANGE = "urn:eco-gateway:exchange:1.0"
RCEP = "urn:eco-gateway:rcep:form-rcep:1.0"
DS = "http://www.w3.org/2000/09/xmldsig#"
ENVELOPED = f"{DS}enveloped-signature"
C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
RSA = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
DIGESTS = {
    SHA256: "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
NS = {"b": SBDH, "s": SIGNALS, "e": EXCHANGE, "ds": DS}


def new_id(domain: str) -> str:
    return f"{secrets.token_hex(12)}@{domain.lower()}"


def in_utc(at: datetime | None = None) -> str:
    return (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One message before it is sealed: what its header says and the document in it."""

    sender: str
    receiver: str
    kind: str
    document: str
    form: str = "rcep/form-rcep/1.0"
    standard: str = EXCHANGE
    version: str = "1.0"
    number: str | None = None
    about: str | None = None
    conversation: str = field(default_factory=lambda: new_id("co.abroad"))
    id: str = field(default_factory=lambda: new_id("abroad"))
    created: str = field(default_factory=in_utc)

    def but(self, **changes: Any) -> Letter:
        return replace(self, **changes)

    @property
    def scopes(self) -> dict[str, str]:
        named = {
            "CONVERSATIONID": self.conversation,
            "FORM": self.form,
            "CERTIFICATENUMBER": self.number,
            "REFTOMESSAGEID": self.about,
        }
        return {name: value for name, value in named.items() if value is not None}

    def xml(self) -> str:
        authority = 'Authority="urn:eco-gateway:party"'
        scopes = "".join(
            f"<Scope><Type>{name}</Type><InstanceIdentifier>{value}</InstanceIdentifier></Scope>\n"
            for name, value in self.scopes.items()
        )
        return (
            f'<StandardBusinessDocument xmlns="{SBDH}">\n<StandardBusinessDocumentHeader>\n'
            "<HeaderVersion>1.0</HeaderVersion>\n"
            f"<Sender><Identifier {authority}>{self.sender}</Identifier></Sender>\n"
            f"<Receiver><Identifier {authority}>{self.receiver}</Identifier></Receiver>\n"
            f"<DocumentIdentification><Standard>{self.standard}</Standard>"
            f"<TypeVersion>{self.version}</TypeVersion>"
            f"<InstanceIdentifier>{self.id}</InstanceIdentifier><Type>{self.kind}</Type>"
            f"<CreationDateAndTime>{self.created}</CreationDateAndTime></DocumentIdentification>\n"
            f"<BusinessScope>\n{scopes}</BusinessScope>\n"
            f"</StandardBusinessDocumentHeader>\n{self.document}\n</StandardBusinessDocument>"
        )


def seal(text: str, by: Issued, *, prefix: str = "ds", method: str = SHA256, gap: str = "") -> bytes:
    """Put an enveloped signature before the closing tag of *text*; the rest stays as it is, byte for byte."""
    p, xmlns = (f"{prefix}:", f"xmlns:{prefix}") if prefix else ("", "xmlns")
    algorithm = RSA if isinstance(by.private, rsa.RSAPrivateKey) else ECDSA
    root = etree.fromstring(text.encode())
    digest = hashlib.new(DIGESTS[method], _canonical(root)).digest()
    info = gap.join(
        [
            f'<{p}CanonicalizationMethod Algorithm="{C14N}"/>',
            f'<{p}SignatureMethod Algorithm="{algorithm}"/>',
            f'<{p}Reference URI=""><{p}Transforms><{p}Transform Algorithm="{ENVELOPED}"/>',
            f'<{p}Transform Algorithm="{C14N}"/></{p}Transforms><{p}DigestMethod Algorithm="{method}"/>',
            f"<{p}DigestValue>{_base64(digest)}</{p}DigestValue></{p}Reference>",
        ]
    )
    head = f'<{p}SignedInfo {xmlns}="{DS}">{info}</{p}SignedInfo>'
    value = _base64(_sign(by, _canonical(etree.fromstring(head))))
    certificate = _base64(by.certificate.public_bytes(Encoding.DER))
    signature = gap.join(
        [
            f'<{p}Signature {xmlns}="{DS}"><{p}SignedInfo>{info}</{p}SignedInfo>',
            f"<{p}SignatureValue>{value}</{p}SignatureValue>",
            f"<{p}KeyInfo><{p}X509Data><{p}X509Certificate>{certificate}</{p}X509Certificate></{p}X509Data>",
            f"</{p}KeyInfo></{p}Signature>",
        ]
    )
    before, closing, after = text.rpartition("</")
    return f"{before}{signature}{closing}{after}".encode()


def opened(raw: bytes, certificate: x509.Certificate) -> etree._Element:
    """What stands in *raw* without its seal, once the seal was found to be that of *certificate*."""
    root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))
    signatures = root.findall(".//ds:Signature", NS)
    assert len(signatures) == 1
    signature = signatures[0]
    assert signature.getparent() is root
    assert root[-1] is signature
    assert [etree.QName(child).localname for child in signature] == [
        "SignedInfo",
        "SignatureValue",
        "KeyInfo",
    ]
    assert not list(signature.iter(etree.Comment))
    _assert_methods(signature, certificate)
    shown = _one(signature, "ds:KeyInfo/ds:X509Data/ds:X509Certificate")
    assert base64.b64decode(shown) == certificate.public_bytes(Encoding.DER)
    info = signature[0]
    _assert_signed(certificate, base64.b64decode(_one(signature, "ds:SignatureValue")), _canonical(info))
    digest_name = DIGESTS[signature.findall(".//ds:DigestMethod", NS)[0].get("Algorithm", "")]
    told = base64.b64decode(_one(info, "ds:Reference/ds:DigestValue"))
    root.remove(signature)
    assert hashlib.new(digest_name, _canonical(root)).digest() == told
    return root


def _assert_methods(signature: etree._Element, certificate: x509.Certificate) -> None:
    info = signature[0]
    assert [each.get("Algorithm") for each in info.findall("ds:CanonicalizationMethod", NS)] == [C14N]
    expected = RSA if isinstance(certificate.public_key(), rsa.RSAPublicKey) else ECDSA
    assert [each.get("Algorithm") for each in info.findall("ds:SignatureMethod", NS)] == [expected]
    references = info.findall("ds:Reference", NS)
    assert [each.get("URI") for each in references] == [""]
    transforms = references[0].findall("ds:Transforms/ds:Transform", NS)
    assert [each.get("Algorithm") for each in transforms] == [ENVELOPED, C14N]
    assert not [child for each in transforms for child in each]


def _sign(by: Issued, octets: bytes) -> bytes:
    if isinstance(by.private, rsa.RSAPrivateKey):
        return by.private.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    r, s = utils.decode_dss_signature(by.private.sign(octets, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _assert_signed(certificate: x509.Certificate, value: bytes, octets: bytes) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(value, octets, padding.PKCS1v15(), hashes.SHA256())
        return
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert len(value) == 64
    r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
    key.verify(utils.encode_dss_signature(r, s), octets, ec.ECDSA(hashes.SHA256()))


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _one(element: etree._Element, path: str) -> str:
    found = element.findall(path, NS)
    assert len(found) == 1, f"{len(found)} {path}"
    return "".join(found[0].itertext()).strip()


# ---- a message as it is read ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A message of somebody else's, as its header says; *raw* is what came."""

    raw: bytes
    header: dict[str, str]
    scopes: dict[str, str]
    document: etree._Element

    @property
    def id(self) -> str:
        return self.header["InstanceIdentifier"]

    @property
    def kind(self) -> str:
        return self.header["Type"]

    @property
    def number(self) -> str | None:
        return self.scopes.get("CERTIFICATENUMBER")

    @property
    def about(self) -> str | None:
        return self.scopes.get("REFTOMESSAGEID")

    def text(self, name: str) -> str:
        return _one(self.document, f"{{*}}{name}")


def heard(raw: bytes) -> Heard:
    """Read the header of a message; its seal is for ``opened``."""
    root = etree.fromstring(raw)
    identification = root.find(".//b:DocumentIdentification", NS)
    assert identification is not None
    scopes = root.findall(".//b:Scope", NS)
    documents = [child for child in root if etree.QName(child).namespace not in (SBDH, DS)]
    assert len(documents) == 1
    return Heard(
        raw=raw,
        header={etree.QName(child).localname: child.text or "" for child in identification}
        | {name: _one(root, f".//b:{name}/b:Identifier") for name in ("Sender", "Receiver")},
        scopes={_one(scope, "b:Type"): _one(scope, "b:InstanceIdentifier") for scope in scopes},
        document=documents[0],
    )


# ---- signals: what is answered on the wire -------------------------------------------------------------


def receipt(
    raw: bytes, *, by: str, digest: bytes | None = None, about: str | None = None, at: str | None = None
) -> str:
    """The receipt of party *by* for the message in *raw*, not sealed yet."""
    message = heard(raw)
    name = about or message.id
    return (
        f'<ReceiptAcknowledgement xmlns="{SIGNALS}" xmlns:ds="{DS}">{_head(message, name, by, at)}'
        "<NonRepudiationInformation><MessagePartNRInformation>"
        f'<ds:Reference URI="mid:{name}">{_digest(digest or hashlib.sha256(raw).digest())}</ds:Reference>'
        "</MessagePartNRInformation></NonRepudiationInformation></ReceiptAcknowledgement>"
    )


def refusal(
    raw: bytes,
    *,
    by: str,
    code: str,
    text: str = "No",
    about: str | None = None,
    digest: bytes | None = None,
    with_digest: bool = True,
) -> str:
    """The exception of party *by* about the message in *raw*, or what else is said of it."""
    message = heard(raw)
    octets = digest or hashlib.sha256(raw).digest()
    received = f"<e:Received><ds:Reference>{_digest(octets)}</ds:Reference></e:Received>"
    kind = "<ReceiptException>Syntax</ReceiptException>"
    if code == "T03":
        kind = "<AcceptanceException>Performance</AcceptanceException>"
    return (
        f'<Exception xmlns="{SIGNALS}" xmlns:ds="{DS}">{_head(message, about or message.id, by, None)}'
        f"<ExceptionType>{kind}</ExceptionType>"
        f"<Reason>{code}</Reason><ExceptionMessage>{text}</ExceptionMessage>"
        f'<e:Findings xmlns:e="{EXCHANGE}" total="1">{received if with_digest else ""}'
        f'<e:Finding code="{code}" severity="error">{text}</e:Finding></e:Findings></Exception>'
    )


def _head(message: Heard, about: str, by: str, at: str | None) -> str:
    party = 'type="urn:eco-gateway:party"'
    return (
        f"<OriginalMessageIdentifier>{about}</OriginalMessageIdentifier>"
        f"<OriginalMessageDateTime>{message.header['CreationDateAndTime']}</OriginalMessageDateTime>"
        f"<ThisMessageDateTime>{at or in_utc()}</ThisMessageDateTime>"
        f"<FromPartyInfo {party}>{by}</FromPartyInfo>"
        f"<ToPartyInfo {party}>{message.header['Sender']}</ToPartyInfo>"
        f"<CollaborationIdentifier>{message.scopes['CONVERSATIONID']}</CollaborationIdentifier>"
    )


def _digest(octets: bytes) -> str:
    return f'<ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue>{_base64(octets)}</ds:DigestValue>'


@dataclass(frozen=True, kw_only=True)
class Signal:
    """A receipt or an exception whose seal held."""

    root: etree._Element

    @property
    def name(self) -> str:
        return etree.QName(self.root).localname

    def __getitem__(self, name: str) -> str:
        return _one(self.root, f"s:{name}")

    def has(self, name: str) -> bool:
        return self.root.find(f"s:{name}", NS) is not None

    @property
    def exception_type(self) -> tuple[str, str]:
        kinds = [
            (etree.QName(each).localname, each.text or "")
            for each in self.root.findall("s:ExceptionType/*", NS)
        ]
        assert len(kinds) == 1
        return kinds[0]

    @property
    def findings(self) -> list[dict[str, str]]:
        found = self.root.findall("e:Findings/e:Finding", NS)
        return [{**each.attrib, "text": each.text or ""} for each in found]

    @property
    def total(self) -> int:
        return int(self.root.findall("e:Findings", NS)[0].attrib["total"])

    @property
    def digest(self) -> bytes | None:
        """SHA-256 of the body that came there; None where the signal does not say."""
        references = list(self._references())
        if not references:
            return None
        assert len(references) == 1
        assert references[0].find("ds:Transforms", NS) is None
        assert [each.get("Algorithm") for each in references[0].findall("ds:DigestMethod", NS)] == [SHA256]
        return base64.b64decode(_one(references[0], "ds:DigestValue"))

    @property
    def part(self) -> str | None:
        """URI of the message part a receipt vouches for."""
        return next(self._references()).get("URI")

    def _references(self) -> Iterator[etree._Element]:
        yield from self.root.findall(
            "s:NonRepudiationInformation/s:MessagePartNRInformation/ds:Reference", NS
        )
        yield from self.root.findall("e:Findings/e:Received/ds:Reference", NS)


def read_signal(raw: bytes, certificate: x509.Certificate) -> Signal:
    """Read an answer after its seal was found to be that of *certificate*."""
    return Signal(root=opened(raw, certificate))
