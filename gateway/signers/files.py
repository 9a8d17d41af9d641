"""Keys that lie elsewhere, as files beside the others: ``sign-*.toml`` in the folder of our keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from gateway.domain.corridor import RegisteredCertificate
from gateway.domain.errors import KeyUnusable, Misconfigured, RegistryFault
from gateway.domain.seals import SignatureMethod
from gateway.registry.read import Strict, read_toml
from gateway.settings import is_guarded
from gateway.signers.elsewhere import KeyElsewhere, Place
from gateway.signers.service import ServiceAddress, ServiceKey
from gateway.signers.token import TokenKey
from gateway.signers.uri import read_uri
from gateway.trust.algorithms import PublicKey, method_for, public_key_of
from gateway.trust.keys import OwnKey


class TokenFile(Strict):
    """Where the key lies in a token, and where its PIN is."""

    uri: str
    pin_file: str | None = None
    pin_env: str | None = None

    @field_validator("uri")
    @classmethod
    def _is_read(cls, value: str) -> str:
        read_uri(value)
        return value

    @model_validator(mode="after")
    def _has_a_pin(self) -> Self:
        if (self.pin_file is None) == (self.pin_env is None):
            raise ValueError("say where the PIN is: pin_file or pin_env, one of them")
        return self


class ServiceFile(Strict):
    """Where the signing service is, what the key is called there, and where our bearer token is."""

    url: str
    credential: str = Field(min_length=1)
    token_file: str | None = None
    token_env: str | None = None
    trust: str | None = None
    timeout_s: float | int = Field(default=5, gt=0, le=60)

    @field_validator("url")
    @classmethod
    def _is_guarded(cls, value: str) -> str:
        if not is_guarded(value):
            raise ValueError("must begin with https://")
        return value

    @model_validator(mode="after")
    def _has_a_token(self) -> Self:
        if (self.token_file is None) == (self.token_env is None):
            raise ValueError("say where the bearer token is: token_file or token_env, one of them")
        return self


class SignerFile(Strict):
    """The shape of a file: the certificate, by its file's name, and either place."""

    certificate: str
    pkcs11: TokenFile | None = None
    service: ServiceFile | None = None

    @model_validator(mode="after")
    def _lies_in_one_place(self) -> Self:
        if (self.pkcs11 is None) == (self.service is None):
            raise ValueError("say where the key lies: [pkcs11] or [service], one of them")
        return self


def open_key(path: Path, registered: Sequence[RegisteredCertificate]) -> Iterator[OwnKey]:
    """
    The key that the file at *path* tells of, once for each window of its certificate. Nothing is asked yet.

    Raises:
        Misconfigured: with the fault of the file, or of what it names; never with a secret.
    """
    file = read_toml(path, path.name, SignerFile)
    windows = [each for each in registered if each.file == file.certificate]
    if not windows:
        return
    key = _opened(path, file, public_key_of(windows[0].certificate))
    for each in windows:
        yield OwnKey(private=key, certificate=each)


def _opened(path: Path, file: SignerFile, public: PublicKey | None) -> KeyElsewhere:
    method = method_for(public)
    if public is None or not isinstance(method, SignatureMethod):
        raise _fault(path, "certificate", f"holds {method}")
    if (token := file.pkcs11) is not None:
        pin = _secret(path, "pin", token.pin_file, token.pin_env)
        ask = TokenKey(read_uri(token.uri), method, pin).ask
        return KeyElsewhere(path.name, public, ask, place=Place.TOKEN)
    service = file.service
    assert service is not None  # the file's shape asks for one of them
    address = ServiceAddress(
        url=urlsplit(service.url),
        credential=service.credential,
        trusted=_trusted(path, service.trust),
        timeout_s=service.timeout_s,
    )
    bearer = _secret(path, "token", service.token_file, service.token_env)
    try:
        ask = ServiceKey(address, method, bearer).ask
    except OSError:
        raise _fault(path, "service.trust", "holds no certificate in PEM") from None
    return KeyElsewhere(path.name, public, ask, place=Place.SERVICE)


def _secret(path: Path, what: str, file: str | None, variable: str | None) -> Callable[[], str]:
    """Reads the secret anew each time; it must be there now, and be its owner's alone."""

    def read() -> str:
        if variable is not None:
            if not (value := os.environ.get(variable, "")):
                raise KeyUnusable(f"the environment variable {variable} is not set")
            return value
        assert file is not None
        place = path.parent / file
        try:
            if stat.S_IMODE(place.stat().st_mode) & 0o077:
                raise KeyUnusable(f"{file} is readable by others; make it 0600")
            return place.read_text("utf-8").strip()
        except OSError as error:
            raise KeyUnusable(f"{file} cannot be read: {error.strerror}") from None

    try:
        read()
    except KeyUnusable as unusable:
        raise _fault(path, f"{what}_env" if variable else f"{what}_file", str(unusable)) from None
    return read


def _trusted(path: Path, file: str | None) -> str | None:
    if file is None:
        return None
    try:
        return (path.parent / file).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        raise _fault(path, "service.trust", f"{file} cannot be read") from None


def _fault(path: Path, key: str, fault: str) -> Misconfigured:
    return Misconfigured((RegistryFault(path.name, key, fault),))
