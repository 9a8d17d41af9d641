from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.errors import SealRefused
from gateway.trust.chain import (
    chain_fault,
    check_chain,
    load_der,
    name_of,
    registered_certificate,
    usage_fault,
)
from gateway.trust.make import Kind, issue_sign, make_anchor
from tests.keys import BEGINS, ENDS, party_keys, private_key, registered
from tests.messages import NOW

VN = party_keys("VN.MOIT")
ISSUER = private_key(Kind.ECDSA, 50)
LEAF = private_key(Kind.ECDSA, 51)


def built(
    *,
    issuer: str = "anchor",
    subject: str = "anchor",
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    private: object = ISSUER,
) -> x509.Certificate:
    key = ISSUER if private is ISSUER else LEAF
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(ENDS)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(ISSUER, hashes.SHA256())


def usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


CA = (x509.BasicConstraints(ca=True, path_length=None), False)
NO_CA = (x509.BasicConstraints(ca=False, path_length=None), True)
SIGNS_CERTIFICATES = (usage(key_cert_sign=True), False)
SIGNS_DOCUMENTS = (usage(digital_signature=True), False)
OF_ITS_OWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


@pytest.mark.parametrize(
    "anchor",
    [
        pytest.param(built(extensions=(CA,)), id="bare"),
        pytest.param(built(extensions=(CA, SIGNS_CERTIFICATES)), id="with-key-usage"),
        pytest.param(built(issuer="root", extensions=(CA,)), id="not-self-signed"),
        pytest.param(built(extensions=(CA, (OF_ITS_OWN, False))), id="with-an-extension-of-its-own"),
    ],
)
def test_a_certificate_chains_to_its_anchor_without_names_and_usages(anchor: x509.Certificate) -> None:
    leaf = built(subject="leaf", private=LEAF)

    assert chain_fault(leaf, anchor) is None


def test_an_anchor_may_be_the_certificate_itself() -> None:
    itself = built(extensions=(SIGNS_DOCUMENTS,))

    check_chain(itself, itself, NOW)


@pytest.mark.parametrize(
    "anchor",
    [
        pytest.param(built(), id="no-basic-constraints"),
        pytest.param(built(extensions=(NO_CA,)), id="no-authority"),
        pytest.param(built(extensions=(CA, SIGNS_DOCUMENTS)), id="may-not-sign-certificates"),
        pytest.param(built(extensions=(CA, (OF_ITS_OWN, True))), id="critical-and-unknown"),
        pytest.param(built(subject="other", issuer="other", extensions=(CA,)), id="of-another-name"),
        pytest.param(VN.anchor.certificate, id="another-party-s"),
    ],
)
def test_what_may_not_issue_is_no_anchor(anchor: x509.Certificate) -> None:
    assert "does not chain" in (chain_fault(built(subject="leaf", private=LEAF), anchor) or "")


def test_an_anchor_past_its_time_holds_nothing() -> None:
    anchor = make_anchor("old", "VN", valid_from=BEGINS, valid_to=NOW - timedelta(days=1))
    leaf = issue_sign(anchor, "leaf", "VN", valid_from=BEGINS, valid_to=ENDS, private=LEAF)

    with pytest.raises(SealRefused, match=r"The anchor .* our clock says 2026-11-21") as refused:
        check_chain(leaf.certificate, anchor.certificate, NOW)

    assert refused.value.step == 5


def test_a_past_document_is_judged_by_the_certificates_of_its_own_time() -> None:
    anchor = make_anchor("old", "VN", valid_from=BEGINS, valid_to=NOW - timedelta(days=1))
    leaf = issue_sign(anchor, "leaf", "VN", valid_from=BEGINS, valid_to=NOW - timedelta(days=2), private=LEAF)

    check_chain(leaf.certificate, anchor.certificate, NOW - timedelta(days=3))


def test_both_ends_of_a_validity_are_inside() -> None:
    certificate = VN.sign.certificate

    check_chain(certificate, VN.anchor.certificate, certificate.not_valid_before_utc)
    check_chain(certificate, VN.anchor.certificate, certificate.not_valid_after_utc)


def test_a_window_begins_with_its_first_instant_and_ends_before_its_last() -> None:
    windowed = registered(VN.sign, valid_from=NOW, valid_to=NOW + timedelta(days=1))

    assert registered_certificate(windowed.der, [windowed], NOW) is windowed
    with pytest.raises(SealRefused):
        registered_certificate(windowed.der, [windowed], NOW + timedelta(days=1))


def test_a_certificate_that_is_not_registered_is_named() -> None:
    with pytest.raises(SealRefused, match=r"CN=VN\.MOIT sign,C=VN, SHA-256 [0-9a-f]{16}") as refused:
        registered_certificate(VN.registered_sign.der, [], NOW)

    assert refused.value.action is not None


def test_bytes_that_are_no_certificate_are_none() -> None:
    assert load_der(b"\x30\x00") is None


def test_extensions_that_cannot_be_read_are_a_fault() -> None:
    broken = built(
        extensions=((x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.15"), b"\x00\x01\x02"), False),)
    )

    assert usage_fault(broken) == "has extensions that cannot be read"


def test_a_name_that_is_long_is_cut() -> None:
    assert len(name_of(built(subject="x" * 64))) < 160


def test_a_name_that_cannot_be_read_leaves_the_fingerprint() -> None:
    der = built(subject="to be spoilt").public_bytes(Encoding.DER).replace(b"to be spoilt", b"\xff" * 12)

    assert name_of(x509.load_der_x509_certificate(der)).startswith("SHA-256 ")


def test_a_certificate_of_a_version_nobody_knows_is_none() -> None:
    der = VN.sign.certificate.public_bytes(Encoding.DER)
    version = der.index(bytes.fromhex("a003020102"))

    assert load_der(der[: version + 4] + b"\x6a" + der[version + 5 :]) is None
