"""
A head of the event log as a sealed document: how many events there are, and the one root over them.

Whoever keeps a head can hold the gateway to it for ever: a proof leads from it to every later head, or else
history was rewritten. A party may fetch heads at the exchange endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from lxml import etree

from gateway.domain.clock import rfc3339_exact
from gateway.domain.corridor import RegisteredCertificate
from gateway.domain.errors import SealRefused, Unreadable
from gateway.domain.xml import read_xml
from gateway.trust.check import SealedContent, check_seal

EXCHANGE = "urn:eco-gateway:exchange:1.0"

_PARTS = ("Log", "Size", "Root", "At")
_SIZE = re.compile(r"[0-9]{1,18}")
_ROOT = re.compile(r"[0-9a-f]{64}")
_MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """What a sealed head says."""

    log: str
    size: int
    root: bytes
    at: datetime


def write_tree_head(head: SignedHead) -> etree._Element:
    """The head as a document, unsealed."""
    root = etree.Element(f"{{{EXCHANGE}}}TreeHead", nsmap={None: EXCHANGE})
    texts = (head.log, str(head.size), head.root.hex(), rfc3339_exact(head.at))
    for name, text in zip(_PARTS, texts, strict=True):
        etree.SubElement(root, f"{{{EXCHANGE}}}{name}").text = text
    return root


def read_tree_head(root: etree._Element) -> SignedHead:
    """
    Read the document under *root*; its seal is not looked at.

    Raises:
        Unreadable: it is no tree head.
    """
    texts = {etree.QName(child).localname: child.text or "" for child in root.iterchildren("{*}*")}
    try:
        if root.tag != f"{{{EXCHANGE}}}TreeHead" or not _SIZE.fullmatch(texts["Size"]):
            raise ValueError
        if not _ROOT.fullmatch(texts["Root"]):
            raise ValueError
        at = datetime.fromisoformat(texts["At"])
        return SignedHead(
            log=texts["Log"],
            size=int(texts["Size"]),
            root=bytes.fromhex(texts["Root"]),
            at=at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC),
        )
    except (KeyError, ValueError):
        raise Unreadable("No tree head: Log, Size, Root and At are asked for") from None


def check_tree_head(
    raw: bytes, *, registered: Sequence[RegisteredCertificate], anchor: x509.Certificate
) -> SignedHead:
    """
    Check the seal of a head, by the certificates of the time it names, and read what was signed.

    Raises:
        Refused: it is no tree head, or its seal does not hold.
    """
    claimed = read_tree_head(read_xml(raw, limit=_MOST_BYTES))
    content: SealedContent = check_seal(
        raw, registered=registered, anchor=anchor, at=claimed.at, limit=_MOST_BYTES
    )
    signed = read_tree_head(content.root)
    if signed != claimed:
        raise SealRefused("The head that was signed is not the head that was received", step=7)
    return signed


def write_consistency_proof(first: int, second: int, proof: Sequence[bytes]) -> etree._Element:
    """A consistency proof as a document; it proves itself, so nobody seals it."""
    root = etree.Element(f"{{{EXCHANGE}}}ConsistencyProof", nsmap={None: EXCHANGE})
    for name, text in (
        ("First", str(first)),
        ("Second", str(second)),
        *(("Hash", each.hex()) for each in proof),
    ):
        etree.SubElement(root, f"{{{EXCHANGE}}}{name}").text = text
    return root
