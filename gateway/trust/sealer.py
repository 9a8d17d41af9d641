"""Our own seal: which of our keys signs now, and what a whole sealed message is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from gateway.domain.clock import Clock
from gateway.domain.envelope import write_envelope
from gateway.domain.message import Header, Sealed
from gateway.domain.seals import ECO_HTTPS, SealProfile
from gateway.trust.keys import OwnKey, OwnKeys
from gateway.trust.seal import seal


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSignal:
    """A receipt or an exception, sealed; *until* is when the window of the certificate in it closes."""

    body: bytes
    until: datetime


class Sealer:
    """Seals with whichever of our signing keys is in its window now, as was agreed with who shall read it."""

    def __init__(self, keys: OwnKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def message(
        self,
        header: Header,
        document: etree._Element,
        profile: SealProfile = ECO_HTTPS,
        key: OwnKey | None = None,
    ) -> Sealed:
        """
        Wrap *document* under *header* and seal the whole; *document* is moved into the envelope.

        Args:
            key: which of ours, for a rehearsal; else the one of the hour.
        """
        body, _ = self._sealed(write_envelope(header, document), profile, key)
        return Sealed(header=header, body=body, digest=hashlib.sha256(body).digest())

    def signal(self, root: etree._Element, profile: SealProfile = ECO_HTTPS) -> SealedSignal:
        """Seal a bare signal: our receipt or our refusal."""
        body, key = self._sealed(root, profile)
        return SealedSignal(body=body, until=key.certificate.valid_to)

    def _sealed(
        self, root: etree._Element, profile: SealProfile, key: OwnKey | None = None
    ) -> tuple[bytes, OwnKey]:
        now = self._clock()
        key = key or self._keys.sign_key(now, profile.methods)
        return seal(root, key, profile, at=now), key
