"""TLS contexts for both ends of a connection between VN.MOIT and a party that stands on 127.0.0.1."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.trust import tls
from tests.keys import PartyKeys, party_keys

HOME = "VN.MOIT"
ABROAD = "TH.CUSTOMS"


def server_context(folder: Path, party: PartyKeys | None = None) -> ssl.SSLContext:
    """The side of *party*, TH.CUSTOMS if not said, which lets in VN.MOIT. Its key is written to *folder*."""
    keys = party or party_keys(ABROAD)
    return tls.server_context(keys.own_tls(folder), [party_keys(HOME).party()])


def client_context(folder: Path, party: PartyKeys | None = None) -> ssl.SSLContext:
    """The side of VN.MOIT, which believes *party*, TH.CUSTOMS if not said. Its key is written to *folder*."""
    keys = party or party_keys(ABROAD)
    return tls.client_context(party_keys(HOME).own_tls(folder), keys.party())


def stranger_context(*, certified: bool) -> ssl.SSLContext:
    """A client that believes TH.CUSTOMS, with a certificate nobody ever heard of, or with none at all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=party_keys(ABROAD).anchor.certificate.public_bytes(Encoding.DER))
    if certified:
        trustme.CA().issue_cert("stranger.example").configure_cert(context)
    return context
