from __future__ import annotations

import stat
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.trust.chain import chain_fault, usage_fault
from gateway.trust.make import Kind, certificate_pem, make_key, write_certificate, write_key
from tests.keys import party_keys, private_key

VN = party_keys("VN.MOIT")


def test_a_signing_certificate_chains_and_may_sign() -> None:
    assert chain_fault(VN.sign.certificate, VN.anchor.certificate) is None
    assert usage_fault(VN.sign.certificate) is None


def test_a_tls_certificate_serves_both_ends_under_its_names() -> None:
    extensions = VN.tls.certificate.extensions

    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value

    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1"), ip_address("::1")]
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_key_file_is_its_owner_s_alone_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "sign-1.key"

    write_key(path, VN.sign.private)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_pem_private_key(path.read_bytes(), None).public_key() == VN.sign.private.public_key()
    with pytest.raises(FileExistsError):
        write_key(path, VN.tls.private)


def test_a_certificate_file_holds_the_certificate(tmp_path: Path) -> None:
    write_certificate(tmp_path / "a.pem", VN.sign.certificate)

    assert x509.load_pem_x509_certificate((tmp_path / "a.pem").read_bytes()) == VN.sign.certificate
    assert certificate_pem(VN.sign.certificate).startswith(b"-----BEGIN CERTIFICATE-----")


def test_keys_are_of_the_size_the_seal_asks_for() -> None:
    assert private_key(Kind.RSA).key_size == 2048
    assert make_key(Kind.ECDSA).key_size == 256


def test_what_was_issued_says_nothing_of_its_key() -> None:
    assert repr(VN.sign) == "Issued('CN=VN.MOIT sign,C=VN')"
