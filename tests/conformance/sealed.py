"""One good sealed message, how it is checked, and a forger who does the same with a flaw."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from gateway.acknowledge.signals import exception, receipt
from gateway.domain.corridor import RegisteredCertificate
from gateway.domain.envelope import claimed
from gateway.domain.errors import Unreadable
from gateway.domain.seals import ECO_HTTPS, SealProfile
from gateway.registry.folder import Folder
from gateway.registry.seals import load_seals
from gateway.trust.check import SealedContent, check_seal
from gateway.trust.make import Kind
from gateway.trust.seal import seal
from tests.conformance.forge import Forgery
from tests.keys import PartyKeys, party_keys
from tests.messages import NOW, a_header, a_message

VN = party_keys("VN.MOIT")
MY = party_keys("MY.CUSTOMS", kind=Kind.ECDSA)
MESSAGE = etree.tostring(a_message(), encoding="unicode")
SEALED = seal(a_message(), VN.own)

SHIPPED = load_seals(Folder())
PROFILES = (
    SHIPPED["eco-https/1"],
    SHIPPED["xmldsig-inclusive"],
    SHIPPED["xades-bes"],
    SealProfile(name="xades-exclusive", xades=True),
)
"""Every shape there is; whatever else a profile says leaves some of it out."""


def good(**flaw: object) -> Forgery:
    """As the wire profile asks for it, but for *flaw*."""
    forgery = Forgery(private=VN.sign.private, certificates=[VN.sign.certificate])
    return dataclasses.replace(forgery, **flaw)  # type: ignore[arg-type]


def check(
    raw: bytes,
    *certificates: RegisteredCertificate,
    at: datetime = NOW,
    profiles: Sequence[SealProfile] = (ECO_HTTPS,),
) -> SealedContent:
    known = certificates or (VN.registered_sign,)
    return check_seal(raw, registered=known, anchor=VN.anchor.certificate, at=at, profiles=profiles)


def a_receipt(keys: PartyKeys) -> bytes:
    """The receipt that *keys* would give for the good message."""
    digest = hashlib.sha256(SEALED).digest()
    return seal(receipt(a_header(), digest, home=keys.id, at=NOW), keys.own)


def an_exception(keys: PartyKeys, *, known: bool) -> bytes:
    """The exception with which *keys* would refuse it; *known* False where nothing of it could be read."""
    signal = exception(
        Unreadable("The header has no FORM", line=7),
        received=claimed(a_message() if known else None),
        digest=hashlib.sha256(SEALED).digest(),
        home=keys.id,
        party=VN.id,
        at=NOW,
    )
    return seal(signal, keys.own)
