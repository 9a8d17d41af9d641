from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.seals import DigestMethod, SignatureMethod
from gateway.trust.algorithms import holds, method_for, public_key_of
from gateway.trust.keys import OwnKey
from gateway.trust.make import Kind
from tests.keys import party_keys, private_key

RSA = party_keys("VN.MOIT").own
ECDSA = party_keys("MY.CUSTOMS", kind=Kind.ECDSA).own


@pytest.mark.parametrize(
    ("key", "method"),
    [
        pytest.param(private_key(Kind.RSA), SignatureMethod.RSA_SHA256, id="rsa"),
        pytest.param(private_key(Kind.RSA).public_key(), SignatureMethod.RSA_SHA256, id="rsa-public"),
        pytest.param(private_key(Kind.ECDSA), SignatureMethod.ECDSA_SHA256, id="p-256"),
        pytest.param(
            ec.generate_private_key(ec.SECP384R1()),
            "an elliptic curve key on secp384r1; only P-256 is allowed",
            id="p-384",
        ),
        pytest.param(
            ed25519.Ed25519PrivateKey.generate(), "neither an RSA nor an elliptic curve key", id="ed25519"
        ),
        pytest.param(None, "neither an RSA nor an elliptic curve key", id="none"),
    ],
)
def test_a_key_has_its_method_or_a_reason(key: object, method: str) -> None:
    assert method_for(key) == method


def test_a_certificate_about_a_point_beside_the_curve_has_no_key() -> None:
    der = ECDSA.certificate.der
    point = ECDSA.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    broken = x509.load_der_x509_certificate(der.replace(point, point[:-1] + bytes([point[-1] ^ 1])))

    assert public_key_of(broken) is None


@pytest.mark.parametrize("key", [RSA, ECDSA], ids=["rsa", "ecdsa"])
@given(octets=st.binary(max_size=50), other=st.binary(max_size=50))
@settings(max_examples=40, deadline=None)
def test_a_signature_holds_for_its_octets_alone(key: OwnKey, octets: bytes, other: bytes) -> None:
    public = key.private.public_key()

    value = key.sign(octets)

    assert holds(public, value, octets)
    assert holds(public, value, other) == (octets == other)


@pytest.mark.parametrize("key", [RSA, ECDSA], ids=["rsa", "ecdsa"])
@given(value=st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_garbage_holds(key: OwnKey, value: bytes) -> None:
    assert not holds(key.private.public_key(), value, b"octets")


@pytest.mark.parametrize(("method", "length"), list(zip(DigestMethod, (32, 48, 64), strict=True)))
def test_a_digest_has_its_length(method: DigestMethod, length: int) -> None:
    assert len(method.of(b"")) == length
