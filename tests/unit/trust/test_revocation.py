"""What its authority revoked counts no longer from that moment on; what it sealed before still stands."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.demo.country import Address
from gateway.domain.corridor import Party
from gateway.domain.errors import Misconfigured, SealRefused
from gateway.domain.ids import PartyId
from gateway.registry.folder import Folder
from gateway.registry.parties import load_parties
from gateway.trust.check import check_seal
from gateway.trust.keys import OwnKey
from gateway.trust.make import Issued
from gateway.trust.seal import seal
from gateway.trust.tls import party_of
from tests.exchange.pair import NOON, TH, Papers, Window
from tests.keys import BEGINS, ENDS
from tests.messages import a_message

HOUR = timedelta(hours=1)


def revoking(authority: Issued, *revoked: Window, at: datetime = NOON) -> bytes:
    """The authority's list."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.certificate.subject)
    builder = builder.last_update(NOON).next_update(NOON + 24 * HOUR)
    for each in revoked:
        serial = each.issued.certificate.serial_number
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
        builder = builder.add_revoked_certificate(one.build())
    return builder.sign(authority.private, hashes.SHA256()).public_bytes(Encoding.PEM)


def registered(work: Path, papers: Papers, listed: bytes) -> Party:
    """The party as the registry reads it with the list beside its certificates."""
    papers.write(work, Address(api=1, exchange=8443))
    (work / "registry/certs/trust/th.crl").write_bytes(listed)
    file = work / "registry/mappings/parties/th.customs.toml"
    file.write_text(file.read_text("utf-8").replace("endpoint", 'crl = "th.crl"\nendpoint', 1), "utf-8")
    return load_parties(Folder((work / "registry",)))[PartyId(TH)]


def sealed_by(papers: Papers, party: Party) -> bytes:
    own = OwnKey(private=papers.sign[0].issued.private, certificate=party.sign[0])
    return seal(a_message(), own)


def test_a_seal_counts_until_its_certificate_is_revoked(tmp_path: Path) -> None:
    papers = Papers(TH)
    party = registered(tmp_path, papers, revoking(papers.anchor, papers.sign[0]))
    raw = sealed_by(papers, party)

    before = check_seal(raw, registered=party.sign, anchor=party.anchor, at=NOON - HOUR)
    assert before.certificate == party.sign[0]
    with pytest.raises(SealRefused, match=r"was revoked by its authority at 2026-09-10T12:00") as caught:
        check_seal(raw, registered=party.sign, anchor=party.anchor, at=NOON)
    assert (caught.value.code, caught.value.findings[0].step) == ("G02", 5)


def test_a_list_that_names_others_changes_nothing(tmp_path: Path) -> None:
    papers = Papers(TH)
    party = registered(tmp_path, papers, revoking(papers.anchor, papers.for_seals(BEGINS, ENDS)))

    content = check_seal(sealed_by(papers, party), registered=party.sign, anchor=party.anchor, at=NOON)

    assert content.certificate == party.sign[0]


@pytest.mark.parametrize("is_registered", [True, False], ids=["registered", "issued-by-the-anchor"])
def test_a_revoked_client_is_nobody(tmp_path: Path, is_registered: bool) -> None:
    papers = Papers(TH)
    shown = papers.tls[0] if is_registered else papers.for_tls(BEGINS, ENDS)
    party = registered(tmp_path, papers, revoking(papers.anchor, shown))
    der = shown.issued.certificate.public_bytes(Encoding.DER)

    assert party_of(der, {party.id: party}, NOON - HOUR) == TH
    assert party_of(der, {party.id: party}, NOON) is None


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        pytest.param(revoking(Papers(TH).anchor), "th.crl is not signed by an anchor", id="strangers"),
        pytest.param(b"no list", "is no certificate revocation list", id="unreadable"),
    ],
)
def test_a_list_of_nobody_the_party_trusts_is_a_fault(tmp_path: Path, listed: bytes, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        registered(tmp_path, Papers(TH), listed)


def test_a_list_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    papers = Papers(TH)
    registered(tmp_path, papers, revoking(papers.anchor))
    (tmp_path / "registry/certs/trust/th.crl").unlink()

    with pytest.raises(Misconfigured, match=r"crl: no file certs/trust/th\.crl"):
        load_parties(Folder((tmp_path / "registry",)))
