"""Keys in tokens: officers' cards, hardware security modules, whatever has a PKCS #11 library."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache

import pkcs11
from pkcs11.exceptions import (
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    UserAlreadyLoggedIn,
)
from pkcs11.types import SignMixin

from gateway.domain.errors import KeyUnusable
from gateway.domain.seals import SignatureMethod
from gateway.signers.uri import KeyUri

_PIN_FAULTS = (PinIncorrect, PinInvalid, PinLenRange, PinExpired, PinLocked)


class _PinRefused(KeyUnusable):
    """Asking again would do harm."""


class _Library:
    """
    A PKCS #11 library, one for all keys that it reaches, by whichever path.

    python-pkcs11 starts a library (C_Initialize) without asking it to guard itself against threads; SoftHSM
    then leaves its own locks away, and two calls at a time end the process. So every call holds *calls*.

    Some libraries find a token that was away only when they are started anew; that ends every session.
    *started* counts the starts: a session of an earlier one is worth nothing.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self.calls = threading.Lock()
        self.started = 0

    def start_anew(self, unless_after: int) -> None:
        """Start the library anew, unless somebody did so after the start that the caller used."""
        with self.calls:
            if self.started == unless_after:
                self.started += 1
                pkcs11.lib(self._module).reinitialize()

    def tokens(self) -> Iterator[pkcs11.Token]:
        """Those that are there, for whoever holds *calls*; one that is broken hides no other."""
        for slot in pkcs11.lib(self._module).get_slots(token_present=True):
            with suppress(PKCS11Error):
                yield slot.get_token()


_library = lru_cache(maxsize=None)(_Library)  # keys are opened one after another, so there is one a path


def library_at(module: str) -> _Library:
    """The one library behind a path."""
    return _library(os.path.realpath(module))


class TokenKey:
    """
    A private key in a token. Each thread has a session of its own; the login is the whole process's.

    Args:
        pin: gives the PIN; asked at each login and kept nowhere.
    """

    def __init__(self, uri: KeyUri, method: SignatureMethod, pin: Callable[[], str]) -> None:
        self._uri = uri
        self._method = method
        self._pin = pin
        self._local = threading.local()
        self._library = library_at(uri.module)
        self._refused: bytes | None = None

    def ask(self, octets: bytes) -> bytes:
        """
        The value of a SignatureValue over *octets*; not verified.

        A session may have ended without a word since it was used last, or the library lost the token; so a
        failure is met, once, with a library started anew.

        Raises:
            KeyUnusable: the token is not there, does not let us in, has no such key, or fails.
        """
        started = self._library.started
        try:
            return self._signed(octets)
        except _PinRefused:
            raise
        except (PKCS11Error, KeyUnusable):
            self._start_anew(started)
        try:
            return self._signed(octets)
        except PKCS11Error as error:
            raise KeyUnusable(f"the token does not sign: {_words(error)}") from None

    def _start_anew(self, started: int) -> None:
        try:
            self._library.start_anew(started)
        except PKCS11Error as error:
            raise KeyUnusable(f"the library does not start: {_words(error)}") from None

    def _signed(self, octets: bytes) -> bytes:
        with self._library.calls:
            key = self._key()
            match self._method:
                case SignatureMethod.RSA_SHA256:
                    return bytes(key.sign(octets, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS))
                case SignatureMethod.ECDSA_SHA256:  # gives r and s side by side, as XML-DSig wants them
                    return bytes(key.sign(hashlib.sha256(octets).digest(), mechanism=pkcs11.Mechanism.ECDSA))

    def _key(self) -> SignMixin:
        known: tuple[int, SignMixin] | None = getattr(self._local, "key", None)
        if known is None or known[0] != self._library.started:
            known = self._local.key = (self._library.started, self._opened())
        return known[1]

    def _opened(self) -> SignMixin:
        token = self._token()
        session = self._session(token)
        uri = self._uri
        key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=uri.label, id=uri.id)
        if not isinstance(key, SignMixin):
            raise KeyUnusable("the token's key cannot sign")
        return key

    def _session(self, token: pkcs11.Token) -> pkcs11.Session:
        """A session that is logged in. A refused PIN is never tried again, for tokens lock themselves."""
        pin = self._pin()
        digest = hashlib.sha256(pin.encode()).digest()
        if digest == self._refused:
            raise _PinRefused("the token refused the PIN, which is not tried again until another is there")
        try:
            return token.open(user_pin=pin)
        except UserAlreadyLoggedIn:
            return token.open()
        except _PIN_FAULTS as error:
            self._refused = digest
            raise _PinRefused(f"the token refuses the PIN: {_words(error)}") from None

    def _token(self) -> pkcs11.Token:
        found = list(self._tokens())
        if len(found) != 1:
            raise KeyUnusable(f"{len(found) or 'no'} tokens are as the URI says, where one should be")
        return found[0]

    def _tokens(self) -> Iterator[pkcs11.Token]:
        uri = self._uri
        for token in self._library.tokens():
            wanted = (
                (uri.token, token.label),
                (uri.serial, token.serial.decode(errors="replace").strip()),
                (uri.manufacturer, token.manufacturer_id),
                (uri.model, token.model),
            )
            if all(want is None or want == has for want, has in wanted):
                yield token


def _words(error: PKCS11Error) -> str:
    """What the library says: the name of its error, and its text where there is one."""
    return f"{type(error).__name__} {error}".strip()
