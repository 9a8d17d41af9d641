"""
One flaw a fixture, named for it. Each is refused at the step that is there to see it.

The flawed signatures are good in every other respect: made with the right key over the right octets.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from lxml import etree

from gateway.domain.corridor import RegisteredCertificate
from gateway.domain.errors import SealRefused
from gateway.trust.check import check_seal
from gateway.trust.keys import OwnKey
from gateway.trust.make import Issued, Kind
from gateway.trust.seal import seal
from tests.conformance import forge
from tests.conformance.forge import DS, Forgery, Private
from tests.conformance.sealed import MESSAGE, MY, SEALED, VN, check, good
from tests.keys import BEGINS, ENDS, private_key, registered
from tests.messages import NOW, NUMBER, a_message


def certified(
    private: Private,
    *,
    usage: bool | None = True,
    valid_from: datetime = BEGINS,
    valid_to: datetime = ENDS,
    anchor: Issued = VN.anchor,
) -> x509.Certificate:
    """A certificate of VN's anchor about *private*; *usage* None leaves KeyUsage out, False out of it."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "VN.MOIT forged")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(anchor.certificate.subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid_from)
        .not_valid_after(valid_to)
    )
    if usage is not None:
        key_usage = x509.KeyUsage(usage, not usage, *[False] * 7)
        builder = builder.add_extension(key_usage, critical=True)
    return builder.sign(anchor.private, hashes.SHA256())


def sealed_under(certificate: x509.Certificate, private: Private = VN.sign.private, **flaw: object) -> bytes:
    return good(private=private, certificates=[certificate], **flaw).of(MESSAGE)


def known(certificate: x509.Certificate) -> RegisteredCertificate:
    return registered(Issued(private=VN.sign.private, certificate=certificate))


@pytest.mark.parametrize(
    "forgery",
    [
        pytest.param(good(), id="prefixed"),
        pytest.param(good(prefix=""), id="unprefixed"),
        pytest.param(good(prefix="", gap="\n  "), id="unprefixed-indented"),
        pytest.param(good(gap="\r\n\t "), id="indented"),
        pytest.param(good(digest_method=forge.SHA384), id="sha-384"),
        pytest.param(good(digest_method=forge.SHA512), id="sha-512"),
        pytest.param(good(attributes=' Id="s"'), id="id"),
        pytest.param(good(in_key_info="<ds:KeyName>any</ds:KeyName>"), id="key-name"),
    ],
)
def test_without_a_flaw_it_is_accepted(forgery: Forgery) -> None:
    assert check(forgery.of(MESSAGE)).certificate == VN.registered_sign


@pytest.mark.parametrize(
    "flaw",
    [
        pytest.param({"uri": "#id"}, id="reference-to-an-id"),
        pytest.param({"uri": "#xpointer(/)"}, id="xpointer"),
        pytest.param({"uri": "http://example.org/"}, id="reference-to-the-network"),
        pytest.param({"references": 2}, id="two-references"),
        pytest.param({"references": 0}, id="no-reference"),
        pytest.param({"transforms": [forge.EXCLUSIVE]}, id="no-enveloped-transform"),
        pytest.param({"transforms": [forge.EXCLUSIVE, forge.ENVELOPED]}, id="transforms-turned-round"),
        pytest.param(
            {"transforms": [forge.ENVELOPED, forge.ENVELOPED, forge.EXCLUSIVE]}, id="extra-transform"
        ),
        pytest.param({"transforms": [forge.ENVELOPED, forge.INCLUSIVE]}, id="inclusive-c14n"),
        pytest.param({"transforms": [forge.ENVELOPED, forge.INCLUSIVE_11]}, id="c14n-1.1"),
        pytest.param(
            {"transforms": [forge.ENVELOPED, forge.EXCLUSIVE_WITH_COMMENTS]}, id="c14n-with-comments"
        ),
        pytest.param(
            {"in_last_transform": f'<i:InclusiveNamespaces xmlns:i="{forge.EXCLUSIVE}" PrefixList="xs"/>'},
            id="inclusive-namespaces",
        ),
        pytest.param({"in_last_transform": "<ds:XPath>1</ds:XPath>"}, id="xpath"),
        pytest.param({"canonicalization": forge.INCLUSIVE}, id="inclusive-signed-info"),
        pytest.param({"canonicalization": forge.EXCLUSIVE_WITH_COMMENTS}, id="signed-info-with-comments"),
        pytest.param(
            {"in_canonicalization": f'<i:InclusiveNamespaces xmlns:i="{forge.EXCLUSIVE}" PrefixList="a"/>'},
            id="inclusive-namespaces-in-signed-info",
        ),
        pytest.param({"in_signature_method": "<ds:HMACOutputLength>0</ds:HMACOutputLength>"}, id="truncated"),
        pytest.param({"in_signed_info": "<!-- -->"}, id="comment-in-signed-info"),
        pytest.param({"in_signed_info": "<?a?>"}, id="instruction-in-signed-info"),
        pytest.param({"in_signed_info": "text"}, id="text-in-signed-info"),
        pytest.param({"object": "<ds:Object>1</ds:Object>"}, id="object"),
        pytest.param({"object": "<!-- -->"}, id="comment-in-signature"),
        pytest.param({"attributes": ' xml:lang="vi"'}, id="attribute"),
        pytest.param({"certificates": []}, id="no-certificate"),
        pytest.param({"certificates": [VN.sign.certificate] * 2}, id="two-certificates"),
        pytest.param({"certificates": [VN.sign.certificate, VN.anchor.certificate]}, id="whole-chain"),
        pytest.param(
            {"key_info": "<ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue>"},
            id="key-value-alone",
        ),
        pytest.param({"key_info": '<ds:RetrievalMethod URI="http://example.org/"/>'}, id="retrieval-method"),
        pytest.param(
            {"key_info": "<ds:X509Data><ds:X509Certificate>!</ds:X509Certificate></ds:X509Data>"},
            id="certificate-not-base64",
        ),
        pytest.param(
            {"key_info": "<ds:X509Data><ds:X509Certificate/></ds:X509Data>"}, id="certificate-empty"
        ),
        pytest.param(
            {"key_info": "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>"},
            id="certificate-that-is-none",
        ),
    ],
)
def test_a_signature_of_another_shape_fails_step_2(flaw: dict[str, object]) -> None:
    raw = good(**flaw).of(MESSAGE)

    with pytest.raises(SealRefused) as refused:
        check(raw)

    assert (refused.value.step, refused.value.code) == (2, "G01")


SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)
P384 = ec.generate_private_key(ec.SECP384R1())


@pytest.mark.parametrize(
    ("private", "flaw"),
    [
        pytest.param(VN.sign.private, {"signature_method": forge.RSA_SHA1}, id="rsa-sha1"),
        pytest.param(VN.sign.private, {"signature_method": forge.RSA_SHA512}, id="rsa-sha512"),
        pytest.param(VN.sign.private, {"signature_method": forge.HMAC_SHA256}, id="hmac"),
        pytest.param(VN.sign.private, {"signature_method": ""}, id="no-method"),
        pytest.param(VN.sign.private, {"signature_method": forge.ECDSA_SHA256}, id="method-of-another-key"),
        pytest.param(VN.sign.private, {"digest_method": forge.SHA1}, id="sha1-digest"),
        pytest.param(SMALL, {}, id="rsa-1024"),
        pytest.param(P384, {"signature_method": forge.ECDSA_SHA256}, id="p-384"),
    ],
)
@pytest.mark.parametrize("is_known", [True, False], ids=["registered", "unregistered"])
def test_an_algorithm_that_is_not_allowed_fails_step_3(
    private: Private, flaw: dict[str, object], is_known: bool
) -> None:
    certificate = certified(private)
    raw = sealed_under(certificate, private, **flaw)

    with pytest.raises(SealRefused) as refused:
        check(raw, known(certificate) if is_known else VN.registered_sign)

    assert (refused.value.step, refused.value.code) == (3, "G01")


def test_a_certificate_with_a_key_nobody_knows_fails_step_3() -> None:
    own = ed25519.Ed25519PrivateKey.generate()
    certificate = certified(own)  # type: ignore[arg-type]

    with pytest.raises(SealRefused, match="neither an RSA nor an elliptic curve key") as refused:
        check(sealed_under(certificate), known(certificate))

    assert refused.value.step == 3


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("window", "told"),
    [
        pytest.param((NOW - 9 * DAY, NOW), "2026-11-21T21:40:00.000Z; our clock says", id="closed-just-now"),
        pytest.param((NOW + DAY, NOW + 9 * DAY), "is registered for 2026-11-22", id="not-open-yet"),
    ],
)
def test_a_closed_window_fails_step_4_and_both_clocks_are_told(
    window: tuple[datetime, datetime], told: str
) -> None:
    closed = registered(VN.sign, valid_from=window[0], valid_to=window[1])

    with pytest.raises(SealRefused, match=told) as refused:
        check(SEALED, closed)

    assert (refused.value.step, refused.value.code) == (4, "G02")


def test_one_of_several_windows_is_enough() -> None:
    closed = registered(VN.sign, valid_from=BEGINS, valid_to=NOW)
    opened = registered(VN.sign, valid_from=NOW, valid_to=ENDS)

    assert check(SEALED, closed, opened).certificate is opened


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(lambda: seal(a_message(), MY.own), id="another-party-s"),
        pytest.param(lambda: sealed_under(certified(VN.sign.private)), id="same-anchor-not-registered"),
        pytest.param(
            lambda: seal(a_message(), OwnKey(private=VN.anchor.private, certificate=registered(VN.anchor))),
            id="the-anchor-itself",
        ),
    ],
)
def test_a_certificate_that_is_not_registered_fails_step_4(raw: Callable[[], bytes]) -> None:
    with pytest.raises(SealRefused) as refused:
        check(raw())

    assert (refused.value.step, refused.value.code) == (4, "G02")


@pytest.mark.parametrize(
    ("certificate", "told"),
    [
        pytest.param(lambda: certified(VN.sign.private, usage=None), "has no KeyUsage", id="no-key-usage"),
        pytest.param(
            lambda: certified(VN.sign.private, usage=False), "without digitalSignature", id="other-usage"
        ),
        pytest.param(
            lambda: certified(VN.sign.private, valid_to=NOW - DAY), "our clock says 2026-11-21", id="expired"
        ),
        pytest.param(
            lambda: certified(VN.sign.private, valid_from=NOW + DAY), "valid from 2026-11-22", id="not-yet"
        ),
        pytest.param(
            lambda: certified(VN.sign.private, anchor=MY.anchor), "does not chain", id="another-anchor"
        ),
        pytest.param(
            lambda: certified(
                VN.sign.private, anchor=Issued(private=MY.sign.private, certificate=VN.anchor.certificate)
            ),
            "does not chain",
            id="anchor-in-name-only",
        ),
    ],
)
def test_a_registered_certificate_that_must_not_seal_fails_step_5(
    certificate: Callable[[], x509.Certificate], told: str
) -> None:
    flawed = certificate()

    with pytest.raises(SealRefused, match=told) as refused:
        check(sealed_under(flawed), known(flawed))

    assert (refused.value.step, refused.value.code) == (5, "G02")


def altered(find: str, put: str) -> bytes:
    assert SEALED.count(find.encode()) >= 1
    return SEALED.replace(find.encode(), put.encode(), 1)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        pytest.param(lambda: altered("Trousers", "Tr0users"), "digest", id="text"),
        pytest.param(lambda: altered("Trousers", "<?x?>Trousers"), "digest", id="instruction-injected"),
        pytest.param(lambda: altered(' number="1"', ' number="2"'), "digest", id="attribute"),
        pytest.param(lambda: altered("<HeaderVersion", "\n<HeaderVersion"), "digest", id="white-space"),
        pytest.param(lambda: altered("VN.MOIT", "VN.MOET"), "digest", id="sender"),
        pytest.param(lambda: SEALED.replace(b"</ds:Signature>", b"</ds:Signature> "), "digest", id="behind"),
        pytest.param(lambda: SEALED.replace(b"\n<Standard", b"\n<?a?><Standard"), "digest", id="around"),
        pytest.param(lambda: good(private=private_key(Kind.RSA, 77)).of(MESSAGE), "value", id="another-key"),
        pytest.param(lambda: other_value(b"\x00"), "value", id="short-value"),
        pytest.param(lambda: other_value(bytes(256)), "value", id="zero-value"),
    ],
)
def test_what_was_altered_fails_step_6(raw: Callable[[], bytes], told: str) -> None:
    with pytest.raises(SealRefused, match=told) as refused:
        check(raw())

    assert (refused.value.step, refused.value.code) == (6, "G01")


@pytest.mark.parametrize("size", [0, 63, 64, 65], ids=str)
def test_an_ecdsa_value_of_nothing_fails(size: int) -> None:
    root = etree.fromstring(seal(a_message(), MY.own))
    value = root.find(f".//{{{DS}}}SignatureValue")
    assert value is not None
    value.text = b64encode(bytes(size)).decode()

    with pytest.raises(SealRefused):
        check_seal(
            etree.tostring(root), registered=[MY.registered_sign], anchor=MY.anchor.certificate, at=NOW
        )


def other_value(value: bytes) -> bytes:
    root = etree.fromstring(SEALED)
    element = root.find(f".//{{{DS}}}SignatureValue")
    assert element is not None
    element.text = b64encode(value).decode()
    return etree.tostring(root)


def test_a_comment_injected_into_sealed_text_cuts_nothing() -> None:
    raw = altered(f"{NUMBER}</CertificateNumber>", "VN-TH 26<!-- x -->/02/00006</CertificateNumber>")

    content = check(raw)

    assert content.root.findtext(".//{*}CertificateNumber") == NUMBER


def test_an_instruction_inside_sealed_text_cuts_nothing() -> None:
    text = MESSAGE.replace(f"{NUMBER}</Cert", "VN-TH 26<?x y?>/02/00006</Cert")
    assert "<?x y?>" in text

    content = check(good().of(text))

    assert content.root.findtext(".//{*}CertificateNumber") == NUMBER
