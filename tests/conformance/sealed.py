"""One good sealed message, how it is checked, and a forger who does the same with a flaw."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from lxml import etree

from gateway.domain.corridor import RegisteredCertificate
from gateway.trust.check import SealedContent, check_seal
from gateway.trust.make import Kind
from gateway.trust.seal import seal
from tests.conformance.forge import Forgery
from tests.keys import party_keys
from tests.messages import NOW, a_message

VN = party_keys("VN.MOIT")
MY = party_keys("MY.CUSTOMS", kind=Kind.ECDSA)
MESSAGE = etree.tostring(a_message(), encoding="unicode")
SEALED = seal(a_message(), VN.own)


def good(**flaw: object) -> Forgery:
    """As the wire profile asks for it, but for *flaw*."""
    forgery = Forgery(private=VN.sign.private, certificates=[VN.sign.certificate])
    return dataclasses.replace(forgery, **flaw)  # type: ignore[arg-type]


def check(raw: bytes, *certificates: RegisteredCertificate, at: datetime = NOW) -> SealedContent:
    known = certificates or (VN.registered_sign,)
    return check_seal(raw, registered=known, anchor=VN.anchor.certificate, at=at)
