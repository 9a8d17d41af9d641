"""A key that lies elsewhere, whatever reaches it: asked, checked, and left in peace while it is silent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum

import structlog

from gateway.domain.errors import KeyUnusable
from gateway.trust.algorithms import PublicKey, holds

log = structlog.get_logger(__name__)

REST_S = 2.0
"""For so long after a failure nobody asks again: whoever seals meanwhile is told at once; no thread hangs."""


class Place(StrEnum):
    """Where a key may lie that is no file."""

    TOKEN = "token"  # noqa: S105  (no secret)
    SERVICE = "service"


class KeyElsewhere:
    """
    Asks for signatures, from any thread.

    Args:
        name: how the key is called in faults and logs.
        public: the key of the certificate that the signatures are for.
        ask: gives the value of a SignatureValue over the octets it is given.

    Attributes:
        usable: False from a failure on until it signs again.
    """

    def __init__(
        self,
        name: str,
        public: PublicKey,
        ask: Callable[[bytes], bytes],
        *,
        place: Place,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place = place
        self.usable = True
        self._name = name
        self._public = public
        self._ask = ask
        self._monotonic = monotonic
        self._rests_until = 0.0
        self._why = ""
        self._telling = threading.Lock()

    def __repr__(self) -> str:
        return f"KeyElsewhere({self._name!r})"

    def public_key(self) -> PublicKey:
        """The other half, from the certificate."""
        return self._public

    def sign(self, octets: bytes) -> bytes:
        """
        The value of a SignatureValue over *octets*, verified.

        Raises:
            KeyUnusable: it cannot be asked, or what came back is no signature of this key over these octets.
        """
        if self._monotonic() < self._rests_until:
            raise KeyUnusable(self._why)
        try:
            value = self._ask(octets)
            if not holds(self._public, value, octets):
                raise KeyUnusable("what came back is not a signature by the certificate's key")
        except KeyUnusable as fault:
            self._lost(str(fault))
            raise KeyUnusable(self._why) from None
        self._came_back()
        return value

    def _lost(self, why: str) -> None:
        with self._telling:
            self._why = f"{self._name}: {why}"
            self._rests_until = self._monotonic() + REST_S
            if self.usable:
                log.error("signing_key_lost", key=self._name, cause=why)
            self.usable = False

    def _came_back(self) -> None:
        if self.usable:
            return
        with self._telling:
            if not self.usable:
                log.info("signing_key_came_back", key=self._name)
            self.usable = True
