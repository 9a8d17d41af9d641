"""
Development keys, made at run time: for the demo, the benchmark and tests, never for a country.

What comes out has the shape the wire profile asks for: signing certificates with KeyUsage digitalSignature,
TLS certificates for both ends of a connection with the names and addresses they answer to.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import assert_never
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.domain.corridor import Party
from gateway.trust.algorithms import SMALLEST_RSA_BITS
from gateway.trust.keys import PrivateKey

_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


_BOTH_ENDS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


class Kind(StrEnum):
    """The kinds of key a party may have."""

    RSA = "rsa"  #: 2048 bits
    ECDSA = "ecdsa"  #: P-256


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A private key and the certificate made for it."""

    private: PrivateKey
    certificate: x509.Certificate

    def __repr__(self) -> str:
        return f"Issued({self.certificate.subject.rfc4514_string()!r})"


def make_key(kind: Kind) -> PrivateKey:
    """Make a private key."""
    match kind:
        case Kind.RSA:
            return rsa.generate_private_key(public_exponent=65537, key_size=SMALLEST_RSA_BITS)
        case Kind.ECDSA:
            return ec.generate_private_key(ec.SECP256R1())
        case _:
            assert_never(kind)


def make_anchor(
    common_name: str,
    country: str,
    *,
    valid_from: datetime,
    valid_to: datetime,
    private: PrivateKey | None = None,
) -> Issued:
    """
    Make a self-signed anchor that issues certificates and nothing else.

    Args:
        private: its key; a new P-256 key where none is given.
    """
    private = private or make_key(Kind.ECDSA)
    builder = _builder(common_name, country, private, valid_from, valid_to)
    builder = builder.issuer_name(_subject(common_name, country))
    builder = _extended(
        builder, private.public_key(), private.public_key(), usages={"key_cert_sign", "crl_sign"}
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return Issued(private=private, certificate=builder.sign(private, hashes.SHA256()))


def issue_sign(
    anchor: Issued,
    common_name: str,
    country: str,
    *,
    valid_from: datetime,
    valid_to: datetime,
    private: PrivateKey | None = None,
) -> Issued:
    """Issue a signing certificate; its key is a new RSA key where none is given."""
    private = private or make_key(Kind.RSA)
    builder = _builder(common_name, country, private, valid_from, valid_to)
    return _issued(anchor, builder, private, {"digital_signature", "content_commitment"})


def issue_tls(
    anchor: Issued,
    common_name: str,
    country: str,
    *,
    hosts: Sequence[str],
    valid_from: datetime,
    valid_to: datetime,
    private: PrivateKey | None = None,
) -> Issued:
    """
    Issue a certificate for either end of a TLS connection; its key is a new P-256 key where none is given.

    Args:
        hosts: the host names and IP addresses under which the server is called.
    """
    private = private or make_key(Kind.ECDSA)
    builder = _builder(common_name, country, private, valid_from, valid_to)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_host(each) for each in hosts]), critical=False
    )
    builder = builder.add_extension(_BOTH_ENDS, critical=False)
    return _issued(anchor, builder, private, {"digital_signature"})


def make_request(party: Party, use: str, private: PrivateKey) -> bytes:
    """
    The request (PKCS #10, PEM) with which an authority issues *party* a certificate for *private*.

    Args:
        use: ``sign`` or ``tls``; a request for TLS names the host of the party's endpoint.
    """
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        _subject(f"{party.id} {use}", party.country)
    )
    usage = x509.KeyUsage(**{name: name == "digital_signature" for name in _KEY_USAGES})
    builder = builder.add_extension(usage, critical=True)
    if use == "tls":
        host = urlsplit(party.endpoint).hostname or ""
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host)]), critical=False)
        builder = builder.add_extension(_BOTH_ENDS, critical=False)
    return builder.sign(private, hashes.SHA256()).public_bytes(Encoding.PEM)


def key_pem(private: PrivateKey) -> bytes:
    """The key as unencrypted PKCS #8 PEM."""
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """The certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM)


def write_key(path: Path, private: PrivateKey) -> None:
    """
    Write a new key file that only its owner can read, from its first byte on.

    Raises:
        FileExistsError: a file of this name is there; keys are never written over.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key_pem(private))


def write_certificate(path: Path, certificate: x509.Certificate) -> None:
    """Write a certificate file."""
    path.write_bytes(certificate_pem(certificate))


def _builder(
    common_name: str, country: str, private: PrivateKey, valid_from: datetime, valid_to: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(common_name, country))
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid_from)
        .not_valid_after(valid_to)
    )


def _issued(
    anchor: Issued, builder: x509.CertificateBuilder, private: PrivateKey, usages: set[str]
) -> Issued:
    builder = builder.issuer_name(anchor.certificate.subject)
    builder = _extended(builder, private.public_key(), anchor.private.public_key(), usages=usages)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return Issued(private=private, certificate=builder.sign(anchor.private, hashes.SHA256()))


def _extended(
    builder: x509.CertificateBuilder,
    own: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    issuer: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    *,
    usages: set[str],
) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(**{name: name in usages for name in _KEY_USAGES})
    return (
        builder.add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)
    )


def _subject(common_name: str, country: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
