"""Keys in tokens seal as keys in files do; a token that is dead seals nothing and says why."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lxml import etree
from structlog.testing import capture_logs

from gateway.domain.errors import KeyUnusable, Misconfigured
from gateway.signers import elsewhere
from gateway.signers.elsewhere import KeyElsewhere
from gateway.signers.files import open_key
from gateway.signers.token import library_at
from gateway.trust.check import check_seal
from gateway.trust.keys import OwnKey, load_keys
from gateway.trust.make import Kind, write_key
from gateway.trust.seal import seal
from tests.keys import PartyKeys, party_keys, private_key
from tests.messages import NOW, a_message
from tests.missing import needs
from tests.unit.signers.tokens import MODULE, Token, Tokens

pytestmark = needs("softhsm2")

VN = party_keys("VN.MOIT")
MY = party_keys("MY.CUSTOMS", kind=Kind.ECDSA)


def write_file(folder: Path, keys: PartyKeys, token: Token, *, pin: str | None = None, **uri: str) -> Path:
    """A file that says where the key is, and the PIN beside it."""
    secret = folder / "pin"
    secret.touch(0o600)
    secret.write_text(f"{token.pin if pin is None else pin}\n", "utf-8")
    path = folder / "sign-hsm.toml"
    where = f'[pkcs11]\nuri = "{token.uri(**uri)}"\npin_file = "pin"\n'
    path.write_text(f'certificate = "{keys.registered_sign.file}"\n{where}', "utf-8")
    return path


def opened(folder: Path, keys: PartyKeys, token: Token, *, pin: str | None = None, **uri: str) -> OwnKey:
    (key,) = open_key(write_file(folder, keys, token, pin=pin, **uri), [keys.registered_sign])
    return key


def check(raw: bytes, keys: PartyKeys) -> None:
    check_seal(raw, registered=[keys.registered_sign], anchor=keys.anchor.certificate, at=NOW)


@pytest.mark.parametrize("keys", [VN, MY], ids=["rsa", "p-256"])
def test_a_key_in_a_token_seals(tmp_path: Path, tokens: Tokens, keys: PartyKeys) -> None:
    key = opened(tmp_path, keys, tokens.with_key(keys.sign.private))

    check(seal(a_message(), key), keys)


def test_threads_seal_side_by_side(tmp_path: Path, tokens: Tokens) -> None:
    key = opened(tmp_path, MY, tokens.with_key(MY.sign.private))

    def many(number: int) -> list[bytes]:
        return [seal(etree.fromstring(f"<r>{number}-{each}</r>"), key) for each in range(5)]

    with ThreadPoolExecutor(4) as threads:
        sealed = [raw for made in threads.map(many, range(8)) for raw in made]

    assert len(set(sealed)) == 40
    for raw in sealed:
        check(raw, MY)


def test_a_library_that_is_reached_by_two_paths_is_one(tmp_path: Path) -> None:
    """Its calls are made one at a time, and two would not know of each other."""
    (tmp_path / "libsofthsm2.so").symlink_to(MODULE)

    assert library_at(str(tmp_path / "libsofthsm2.so")) is library_at(str(MODULE))


def test_keys_in_files_and_in_tokens_stand_side_by_side(tmp_path: Path, tokens: Tokens) -> None:
    write_key(tmp_path / "tls-1.key", VN.tls.private)
    write_file(tmp_path, VN, tokens.with_key(VN.sign.private))

    own = load_keys(tmp_path, VN.party(), NOW, open_elsewhere=open_key)

    check(seal(a_message(), own.sign_key(NOW)), VN)


def test_a_dead_token_seals_nothing_and_one_that_comes_back_goes_on(
    tmp_path: Path, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "REST_S", 0.0)
    token = tokens.with_key(VN.sign.private)
    key = opened(tmp_path, VN, token)
    seal(a_message(), key)
    away = tmp_path / "away"

    with capture_logs() as lines:
        token.folder.rename(away)
        for _ in range(2):
            with pytest.raises(KeyUnusable, match=r"^sign-hsm\.toml: "):
                seal(a_message(), key)
        assert isinstance(key.private, KeyElsewhere)
        assert not key.private.usable
        away.rename(token.folder)
        check(seal(a_message(), key), VN)

    assert [line["event"] for line in lines] == ["signing_key_lost", "signing_key_came_back"]
    assert key.private.usable


@pytest.mark.parametrize(
    ("pin", "label", "told"),
    [
        pytest.param("999999", "seal", "PinIncorrect", id="wrong-pin"),
        pytest.param(None, "other", "NoSuchKey", id="no-such-key"),
    ],
)
def test_what_the_token_refuses_is_told_without_the_pin(
    tmp_path: Path, tokens: Tokens, pin: str | None, label: str, told: str
) -> None:
    token = tokens.with_key(VN.sign.private)
    key = opened(tmp_path, VN, token, pin=pin, label=label)

    with pytest.raises(KeyUnusable, match=told) as caught:
        seal(a_message(), key)

    assert (pin or token.pin) not in f"{caught.value!r} {key!r} {key.private!r}"


def test_a_pin_that_was_refused_is_not_tried_again_until_it_is_another(
    tmp_path: Path, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "REST_S", 0.0)
    token = tokens.with_key(VN.sign.private)
    key = opened(tmp_path, VN, token, pin="999999")

    with pytest.raises(KeyUnusable, match="refuses the PIN"):
        seal(a_message(), key)
    with pytest.raises(KeyUnusable, match="not tried again"):
        seal(a_message(), key)

    (tmp_path / "pin").write_text(token.pin, "utf-8")
    check(seal(a_message(), key), VN)


def test_a_token_that_is_not_there_is_told(tmp_path: Path, tokens: Tokens) -> None:
    key = opened(tmp_path, VN, Token(label="nobody", pin="1", folder=tmp_path))

    with pytest.raises(KeyUnusable, match="no tokens are as the URI says"):
        seal(a_message(), key)


def test_the_key_of_another_certificate_seals_nothing(tmp_path: Path, tokens: Tokens) -> None:
    key = opened(tmp_path, VN, tokens.with_key(private_key(Kind.RSA, 77)))

    with pytest.raises(KeyUnusable, match="not a signature by the certificate's key"):
        seal(a_message(), key)


def spoilt(text: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.write_text(path.read_text("utf-8").replace('pin_file = "pin"', text), "utf-8")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(lambda path: (path.parent / "pin").chmod(0o644), "pin is readable by others", id="mode"),
        pytest.param(lambda path: (path.parent / "pin").unlink(), "pin cannot be read", id="no-pin"),
        pytest.param(spoilt('pin_env = "NOT_SET_HERE"'), "NOT_SET_HERE is not set", id="no-variable"),
        pytest.param(spoilt(""), "pin_file or pin_env, one of them", id="pin-nowhere"),
        pytest.param(spoilt('pin_file = "pin"\npin_env = "A"'), "one of them", id="pin-twice"),
        pytest.param(spoilt('pin = "1234"'), "pkcs11.pin: unknown key", id="pin-itself"),
    ],
)
def test_a_faulty_file_is_told_before_anything_is_asked(
    tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    path = write_file(tmp_path, VN, Token(label="eco", pin="1234", folder=tmp_path))
    spoil(path)

    with pytest.raises(Misconfigured, match=told):
        list(open_key(path, [VN.registered_sign]))
