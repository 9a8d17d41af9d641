"""A signing service is a key like any other, and whatever it does wrong seals nothing."""

from __future__ import annotations

import json
import ssl
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.errors import KeyUnusable, Misconfigured
from gateway.signers import elsewhere
from gateway.signers.files import open_key
from gateway.trust.check import check_seal
from gateway.trust.keys import OwnKey
from gateway.trust.make import Kind, certificate_pem
from gateway.trust.seal import seal
from tests.keys import PartyKeys, party_keys, private_key
from tests.messages import NOW, a_message
from tests.unit.signers.signing_server import (
    CREDENTIAL,
    TOKEN,
    Answer,
    Behaviour,
    SigningService,
    signature,
    signing_service,
)

VN = party_keys("VN.MOIT")
MY = party_keys("MY.CUSTOMS", kind=Kind.ECDSA)


@pytest.fixture
def service() -> Iterator[SigningService]:
    with signing_service(VN.sign.private) as running:
        yield running


def opened(folder: Path, keys: PartyKeys, base: str, *more: str) -> OwnKey:
    path = folder / "sign-service.toml"
    lines = [
        f'certificate = "{keys.registered_sign.file}"',
        f'[service]\nurl = "{base}"\ncredential = "{CREDENTIAL}"\ntoken_file = "token"',
        *(more or ("timeout_s = 20",)),
    ]
    path.write_text("\n".join(lines), "utf-8")
    secret = folder / "token"
    secret.touch(0o600)
    secret.write_text(TOKEN, "utf-8")
    (key,) = open_key(path, [keys.registered_sign])
    return key


def check(raw: bytes, keys: PartyKeys) -> None:
    check_seal(raw, registered=[keys.registered_sign], anchor=keys.anchor.certificate, at=NOW)


@pytest.mark.parametrize("keys", [VN, MY], ids=["rsa", "p-256"])
def test_a_key_behind_a_service_seals(tmp_path: Path, keys: PartyKeys) -> None:
    with signing_service(keys.sign.private) as running:
        key = opened(tmp_path, keys, running.base)

        check(seal(a_message(), key), keys)


def test_one_connection_serves_many_seals(tmp_path: Path, service: SigningService) -> None:
    key = opened(tmp_path, VN, service.base)

    for _ in range(5):
        check(seal(a_message(), key), VN)

    assert (service.calls, service.connections) == (5, 1)


def test_the_service_is_believed_by_the_anchor_in_its_file(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "tls.pem").write_bytes(certificate_pem(VN.tls.certificate))
    own = VN.own_tls(tmp_path)
    assert own.file is not None
    tls.load_cert_chain(tmp_path / "tls.pem", own.file)
    (tmp_path / "vn.pem").write_bytes(certificate_pem(VN.anchor.certificate))
    (tmp_path / "my.pem").write_bytes(certificate_pem(MY.anchor.certificate))

    with signing_service(VN.sign.private, tls) as running:
        url = running.base.replace("http://", "https://")
        check(seal(a_message(), opened(tmp_path, VN, url, 'trust = "vn.pem"')), VN)
        with pytest.raises(KeyUnusable, match="cannot be reached: SSLCertVerificationError"):
            seal(a_message(), opened(tmp_path, VN, url, 'trust = "my.pem"'))


def answering(status: int, told: Any) -> Behaviour:
    def behave(_: SigningService, __: dict[str, Any]) -> Answer:
        return status, told if isinstance(told, bytes) else json.dumps(told).encode()

    return behave


def hangs(service: SigningService, _: dict[str, Any]) -> Answer | None:
    service.hold.wait(60)
    return None


def signs_something_else(service: SigningService, _: dict[str, Any]) -> Answer:
    return service.signed(bytes(32))


def signs_with_another_key(_: SigningService, asked: dict[str, Any]) -> Answer:
    value = signature(private_key(Kind.RSA, 77), bytes.fromhex("00" * 32))
    return 200, json.dumps({"signatures": [b64encode(value).decode()]}).encode()


@pytest.mark.parametrize(
    ("behaves", "told"),
    [
        pytest.param(answering(403, {"error": "access_denied"}), "the service answered 403", id="refused"),
        pytest.param(answering(500, b"oops"), "the service answered 500", id="broken"),
        pytest.param(answering(302, b""), "the service answered 302", id="moved"),
        pytest.param(answering(200, b"<html>"), "without a signature", id="no-json"),
        pytest.param(answering(200, {"signatures": []}), "without a signature", id="none"),
        pytest.param(answering(200, {"signatures": ["!"]}), "without a signature", id="not-base64"),
        pytest.param(answering(200, {"signatures": [7]}), "without a signature", id="a-number"),
        pytest.param(answering(200, ["a"]), "without a signature", id="a-list"),
        pytest.param(answering(200, {"signatures": [""]}), "not a signature by", id="empty"),
        pytest.param(answering(200, b" " * 100_000), "without a signature", id="too-much"),
        pytest.param(signs_something_else, "not a signature by", id="of-something-else"),
        pytest.param(signs_with_another_key, "not a signature by", id="by-another-key"),
        pytest.param(lambda *_: None, "cannot be reached", id="hangs-up"),
    ],
)
def test_what_is_no_signature_of_ours_seals_nothing(
    tmp_path: Path, service: SigningService, behaves: Behaviour, told: str
) -> None:
    key = opened(tmp_path, VN, service.base)
    service.behaves = behaves

    with pytest.raises(KeyUnusable, match=told) as caught:
        seal(a_message(), key)

    assert TOKEN not in repr(caught.value)


def test_a_service_that_does_not_answer_is_given_up(tmp_path: Path, service: SigningService) -> None:
    key = opened(tmp_path, VN, service.base, "timeout_s = 0.3")
    service.behaves = hangs

    with pytest.raises(KeyUnusable, match=r"no answer within 0\.3 seconds"):
        seal(a_message(), key)


def test_an_ecdsa_value_that_is_neither_raw_nor_der_seals_nothing(tmp_path: Path) -> None:
    with signing_service(MY.sign.private) as running:
        key = opened(tmp_path, MY, running.base)
        running.behaves = answering(200, {"signatures": ["AAAA"]})

        with pytest.raises(KeyUnusable, match="without a signature"):
            seal(a_message(), key)


def test_nobody_asks_again_at_once_and_then_it_goes_on(tmp_path: Path, service: SigningService) -> None:
    key = opened(tmp_path, VN, service.base)
    assert isinstance(key.private, elsewhere.KeyElsewhere)
    now = 100.0
    resting = elsewhere.KeyElsewhere(
        "sign-service.toml",
        key.private.public_key(),
        key.private._ask,
        place=elsewhere.Place.SERVICE,
        monotonic=lambda: now,
    )
    service.behaves = answering(500, b"")
    for _ in range(3):
        with pytest.raises(KeyUnusable, match="answered 500"):
            resting.sign(b"octets")
    assert service.calls == 1

    service.behaves, now = None, now + elsewhere.REST_S
    resting.sign(b"octets")

    assert (service.calls, resting.usable) == (2, True)


@pytest.mark.parametrize(
    ("base", "more", "told"),
    [
        pytest.param("http://signing.example/csc", "", "must begin with https://", id="in-the-clear"),
        pytest.param("https://signing.example", 'trust = "none.pem"', "none.pem cannot be read", id="no-pem"),
        pytest.param("https://signing.example", 'trust = "token"', "no certificate in PEM", id="bad-pem"),
        pytest.param("https://signing.example", "timeout_s = 0", "greater than 0", id="no-time"),
    ],
)
def test_a_faulty_file_is_told_before_anything_is_asked(
    tmp_path: Path, base: str, more: str, told: str
) -> None:
    with pytest.raises(Misconfigured, match=told):
        opened(tmp_path, VN, base, more)
