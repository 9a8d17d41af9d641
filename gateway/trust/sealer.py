"""Our own seal: which of our keys signs now, and what a whole sealed message is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from gateway.domain.clock import Clock
from gateway.domain.envelope import write_envelope
from gateway.domain.message import Header, Sealed
from gateway.trust.keys import OwnKeys
from gateway.trust.seal import seal


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSignal:
    """A receipt or an exception, sealed; *until* is when the window of the certificate in it closes."""

    body: bytes
    until: datetime


class Sealer:
    """Seals with whichever of our signing keys is in its window now."""

    def __init__(self, keys: OwnKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def message(self, header: Header, document: etree._Element) -> Sealed:
        """Wrap *document* under *header* and seal the whole; *document* is moved into the envelope."""
        body = seal(write_envelope(header, document), self._keys.sign_key(self._clock()))
        return Sealed(header=header, body=body, digest=hashlib.sha256(body).digest())

    def signal(self, root: etree._Element) -> SealedSignal:
        """Seal a bare signal: our receipt or our refusal."""
        key = self._keys.sign_key(self._clock())
        return SealedSignal(body=seal(root, key), until=key.certificate.valid_to)
