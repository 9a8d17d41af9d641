from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from gateway.domain.errors import Misconfigured
from gateway.trust.keys import OwnKeys, load_keys, parse_key, read_key
from gateway.trust.make import Kind, issue_sign, key_pem, write_key
from tests.keys import BEGINS, ENDS, party_keys, private_key, registered
from tests.messages import NOW

VN = party_keys("VN.MOIT")
HOUR = timedelta(hours=1)
SPARE = issue_sign(
    VN.anchor, "spare", "VN", valid_from=BEGINS, valid_to=ENDS, private=private_key(Kind.ECDSA, 3)
)


def faults_of(folder: Path, **changes: object) -> list[str]:
    with pytest.raises(Misconfigured) as refused:
        load_keys(folder, replace(VN.party(), **changes), NOW)  # type: ignore[arg-type]
    return [str(fault) for fault in refused.value.faults]


def test_keys_find_their_certificates_by_public_key(tmp_path: Path) -> None:
    VN.write_keys(tmp_path)

    own = load_keys(tmp_path, VN.party(), NOW)

    assert own.sign_key(NOW).certificate == VN.registered_sign
    assert own.tls_key(NOW).certificate == VN.registered_tls
    assert own.tls_key(NOW).file == tmp_path / "tls-1.key"
    assert own.warnings == ()


def test_a_key_without_certificate_is_a_warning(tmp_path: Path) -> None:
    VN.write_keys(tmp_path)
    write_key(tmp_path / "sign-next.key", SPARE.private)
    write_key(tmp_path / "other.key", SPARE.private)

    own = load_keys(tmp_path, VN.party(), NOW)

    assert own.warnings == ("sign-next.key: no sign certificate of VN.MOIT has this public key",)


def test_a_signing_key_is_no_tls_key(tmp_path: Path) -> None:
    write_key(tmp_path / "sign-1.key", VN.sign.private)
    write_key(tmp_path / "tls-1.key", VN.sign.private)

    (fault,) = faults_of(tmp_path)

    assert fault.startswith("tls-*.key: VN.MOIT: no key here belongs to a tls certificate of VN.MOIT")


def test_of_several_open_windows_the_one_that_began_last_counts() -> None:
    early = replace(VN.own, certificate=registered(VN.sign, valid_to=NOW + HOUR))
    late = replace(
        VN.own, private=SPARE.private, certificate=registered(SPARE, valid_from=NOW - HOUR, valid_to=ENDS)
    )
    own = OwnKeys(home=VN.party(), sign=(late, early), tls=())

    assert own.sign_key(NOW - 2 * HOUR) is early
    assert own.sign_key(NOW) is late
    assert own.sign_key(NOW + 2 * HOUR) is late


def test_no_open_window_is_told_with_every_window(tmp_path: Path) -> None:
    VN.write_keys(tmp_path)
    closed = registered(VN.sign, file="old.pem", valid_to=NOW)
    coming = registered(SPARE, file="new.pem", valid_from=NOW + HOUR)

    (fault,) = faults_of(tmp_path, sign=(closed, coming))

    assert fault.startswith("sign-*.key: VN.MOIT: no key here")
    assert "old.pem from 2020-01-01T00:00:00.000Z to 2026-11-21T21:40:00.000Z (its key is here)" in fault
    assert "new.pem from 2026-11-21T22:40:00.000Z" in fault
    assert "(its key is not here)" in fault


def test_an_empty_folder_lacks_both(tmp_path: Path) -> None:
    assert [fault.partition(":")[0] for fault in faults_of(tmp_path)] == ["sign-*.key", "tls-*.key"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601], ids=oct)
def test_a_key_others_may_read_is_a_fault(tmp_path: Path, mode: int) -> None:
    VN.write_keys(tmp_path)
    (tmp_path / "sign-1.key").chmod(mode)

    assert f"sign-1.key: mode: readable by others (mode {mode:04o}); make it 0600" in faults_of(tmp_path)


@pytest.mark.parametrize("mode", [0o600, 0o400], ids=oct)
def test_a_key_of_its_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    VN.write_keys(tmp_path)
    (tmp_path / "sign-1.key").chmod(mode)

    assert load_keys(tmp_path, VN.party(), NOW).warnings == ()


def test_a_key_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "sign-1.key").symlink_to(tmp_path / "nowhere")

    with pytest.raises(Misconfigured, match=r"sign-1\.key: -: cannot be read: No such file"):
        read_key(tmp_path / "sign-1.key")


RSA = private_key(Kind.RSA)


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        pytest.param(b"", "no unencrypted PKCS #8", id="empty"),
        pytest.param(
            RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
            "no unencrypted PKCS #8",
            id="traditional",
        ),
        pytest.param(
            RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
            "no unencrypted PKCS #8",
            id="encrypted",
        ),
        pytest.param(key_pem(RSA)[:200], "not readable", id="cut-short"),
        pytest.param(
            key_pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
            "an RSA key of 1024 bits; at least 2048",
            id="rsa-1024",
        ),
        pytest.param(key_pem(ec.generate_private_key(ec.SECP384R1())), "only P-256", id="p-384"),
        pytest.param(
            ed25519.Ed25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "neither an RSA nor an elliptic curve key",
            id="ed25519",
        ),
    ],
)
def test_what_is_no_key_of_ours_is_a_fault_that_shows_nothing_of_it(pem: bytes, told: str) -> None:
    with pytest.raises(Misconfigured, match=told) as refused:
        parse_key(pem, "sign-1.key")

    assert "BEGIN PRIVATE KEY-----\n" not in str(refused.value)
    assert pem[40:80].decode() not in str(refused.value) or not pem


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    for name in ("sign-1.key", "sign-2.key", "tls-1.key"):
        (tmp_path / name).touch(mode=0o600)

    names = [fault.partition(":")[0] for fault in faults_of(tmp_path)]

    assert names == ["sign-1.key", "sign-2.key", "tls-1.key", "sign-*.key", "tls-*.key"]
