"""Two gateways that agreed on another seal than the wire profile's own exchange everything under it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from cryptography import x509

from gateway.observe.evidence_check import check_evidence
from tests.exchange.pair import TH, VN, Papers, pair
from tests.servers import Servers

XADES = b"QualifyingProperties"


async def test_messages_receipts_and_acknowledgements_are_sealed_as_agreed(
    tmp_path: Path, servers: Servers
) -> None:
    papers = [Papers(party, seals="xades-bes") for party in (VN, TH)]
    async with pair(tmp_path, servers, papers) as both:
        await both.exchange("VN-XADES-1")
        bundle = await both.evidence("VN-XADES-1")

    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        sealed = {
            name: archive.read(name)
            for name in archive.namelist()
            if name.startswith("messages/") and name.endswith(".xml")
        }
    assert len(sealed) == 4  # certificate and acknowledgement, each with its receipt
    assert [name for name, raw in sealed.items() if XADES not in raw] == []
    anchors: list[x509.Certificate] = [each.anchor.certificate for each in papers]
    assert [check for check in check_evidence(bundle, anchors) if not check.good] == []
