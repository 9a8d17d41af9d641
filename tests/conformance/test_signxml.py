"""signxml, an implementation on the same parser but with its own ways, agrees with ours."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
)
from signxml.exceptions import InvalidDigest, InvalidInput, InvalidSignature
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from gateway.domain.errors import SealRefused
from gateway.domain.xml import read_xml
from gateway.trust.check import check_seal
from gateway.trust.make import certificate_pem
from gateway.trust.seal import seal
from tests.conformance.sealed import MY, VN
from tests.documents import ASCII_NAMES, xml_documents
from tests.keys import PartyKeys
from tests.messages import NOW, a_message

PINNED = SignatureConfiguration(
    location="./",
    expect_references=1,
    signature_methods=frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256}),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
)
PARTIES = pytest.mark.parametrize("keys", [VN, MY], ids=["rsa", "ecdsa"])


def verified(raw: bytes, keys: PartyKeys) -> bytes:
    result = XMLVerifier().verify(raw, x509_cert=keys.sign.certificate, expect_config=PINNED)
    assert not isinstance(result, list)
    return result.signed_data


@given(raw=xml_documents(names=ASCII_NAMES), keys=st.sampled_from([VN, MY]))
@settings(max_examples=80, deadline=None)
def test_signxml_verifies_whatever_we_seal_and_reads_the_same(raw: bytes, keys: PartyKeys) -> None:
    sealed = seal(read_xml(raw), keys.own)

    octets = verified(sealed, keys)

    content = check_seal(sealed, registered=[keys.registered_sign], anchor=keys.anchor.certificate, at=NOW)
    assert octets == content.octets


@PARTIES
def test_signxml_refuses_what_we_refuse(keys: PartyKeys) -> None:
    altered = seal(a_message(), keys.own).replace(b"Trousers", b"Tr0users")

    with pytest.raises((InvalidDigest, InvalidSignature, InvalidInput)):
        verified(altered, keys)
    with pytest.raises(SealRefused):
        check_seal(altered, registered=[keys.registered_sign], anchor=keys.anchor.certificate, at=NOW)


@PARTIES
@given(raw=xml_documents(names=ASCII_NAMES))
@settings(max_examples=40, deadline=None)
def test_we_verify_whatever_signxml_seals(keys: PartyKeys, raw: bytes) -> None:
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=SignatureMethod.RSA_SHA256 if keys is VN else SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )

    sealed = signer.sign(
        read_xml(raw), key=keys.sign.private, cert=certificate_pem(keys.sign.certificate).decode()
    )

    content = check_seal(
        etree.tostring(sealed), registered=[keys.registered_sign], anchor=keys.anchor.certificate, at=NOW
    )
    assert content.certificate == keys.registered_sign
