"""What its authority revoked counts no longer from that moment on; what it sealed before still stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
from gateway.domain.revocation import RevocationPolicy
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
from tests.revocation import revocation_list

HOUR = timedelta(hours=1)


def revoking(authority: Issued, *revoked: Window, at: datetime = NOON) -> bytes:
    """The authority's list."""
    return revocation_list(authority, *(each.issued.certificate for each in revoked), issued=NOON, at=at)


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


def the_policy(work: Path, text: str, points: Sequence[str] = ()) -> RevocationPolicy | None:
    """What the registry makes of *text* in the file of a party whose seals name these distribution points."""
    papers = Papers(TH)
    if points:
        papers.sign = [replace(papers.sign[0], issued=naming(papers, points))]
    papers.write(work, Address(api=1, exchange=8443))
    file = work / "registry/mappings/parties/th.customs.toml"
    file.write_text(f"{file.read_text('utf-8')}[revocation]\n{text}\n", "utf-8")
    return load_parties(Folder((work / "registry",)))[PartyId(TH)].revocation


def naming(papers: Papers, points: Sequence[str]) -> Issued:
    """A signing certificate that says where its authority publishes lists."""
    first = papers.sign[0].issued
    names = [
        x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in points
    ]
    builder = x509.CertificateBuilder(
        issuer_name=first.certificate.issuer,
        subject_name=first.certificate.subject,
        public_key=first.private.public_key(),
        serial_number=7,
        not_valid_before=BEGINS,
        not_valid_after=ENDS,
        extensions=list(first.certificate.extensions),
    ).add_extension(x509.CRLDistributionPoints(names), critical=False)
    return replace(first, certificate=builder.sign(papers.anchor.private, hashes.SHA256()))


def test_a_distribution_point_is_asked_only_where_the_partys_file_names_its_host(tmp_path: Path) -> None:
    points = ["http://crl.th.example/a.crl", "http://169.254.169.254/b", "ldap://crl.th.example/c"]

    policy = the_policy(tmp_path, 'urls = ["https://th.example/d.crl"]\nhosts = ["crl.th.example"]', points)

    assert policy is not None
    assert [each.url for each in policy.sources] == [
        "https://th.example/d.crl",
        "http://crl.th.example/a.crl",
    ]
    assert not policy.hard


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param('fail = "hard"', "says nowhere to find a list", id="nowhere"),
        pytest.param('urls = ["file:///etc/passwd"]', "must be an http:// or https:// URL", id="no-url"),
        pytest.param('urls = ["http://a.example"]\nfail = "never"', "'soft' or 'hard'", id="neither"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_a_fault(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        the_policy(tmp_path, text)
