"""Which algorithm goes with a key, and whether a signature holds under one."""

from __future__ import annotations

from functools import lru_cache
from typing import assert_never

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from gateway.domain.seals import SignatureMethod

SMALLEST_RSA_BITS = 2048
_COORDINATE_BYTES = 32  # P-256

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


def method_for(key: object) -> SignatureMethod | str:
    """
    The method that goes with a key, public or private, or in words why none does.

    RSA from 2048 bits and the curve P-256 are allowed; everything else is not.
    """
    match key:
        case rsa.RSAPublicKey() | rsa.RSAPrivateKey():
            if key.key_size < SMALLEST_RSA_BITS:
                return f"an RSA key of {key.key_size} bits; at least {SMALLEST_RSA_BITS} are asked"
            return SignatureMethod.RSA_SHA256
        case ec.EllipticCurvePublicKey() | ec.EllipticCurvePrivateKey():
            if not isinstance(key.curve, ec.SECP256R1):
                return f"an elliptic curve key on {key.curve.name}; only P-256 is allowed"
            return SignatureMethod.ECDSA_SHA256
        case _:
            return "neither an RSA nor an elliptic curve key"


@lru_cache(maxsize=1024)
def public_key_of(certificate: x509.Certificate) -> PublicKey | None:
    """The certificate's key where it is of a kind we know; loaded once, as that costs more than using it."""
    try:
        key = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else None


def holds(key: PublicKey, value: bytes, octets: bytes) -> bool:
    """Whether *value*, as it stands in a SignatureValue, is the signature of *octets* under *key*."""
    try:
        match key:
            case rsa.RSAPublicKey():
                key.verify(value, octets, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePublicKey():
                if len(value) != 2 * _COORDINATE_BYTES:
                    return False
                key.verify(_as_der(value), octets, ec.ECDSA(hashes.SHA256()))
            case _:
                assert_never(key)
    except InvalidSignature:
        return False
    return True


def raw_ecdsa(der: bytes) -> bytes:
    """An ECDSA signature as XML-DSig writes it: r and s side by side, 32 octets each."""
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")


def _as_der(raw: bytes) -> bytes:
    return utils.encode_dss_signature(
        int.from_bytes(raw[:_COORDINATE_BYTES], "big"), int.from_bytes(raw[_COORDINATE_BYTES:], "big")
    )
