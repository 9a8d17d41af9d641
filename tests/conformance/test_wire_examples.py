"""Messages and answers that somebody else sealed, at their own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from lxml import etree

from gateway.domain.corridor import RegisteredCertificate
from gateway.domain.envelope import is_envelope, read_header
from gateway.domain.errors import SealRefused
from gateway.domain.status import MessageType
from gateway.trust.check import SealedContent, check_seal
from gateway.trust.explain import CheckVerdict
from gateway.trust.offline import verify_file
from tests.conformance import xmlsec1
from tests.missing import needs

EXAMPLES = Path(__file__).parent / "wire-examples"
THEN = datetime(2026, 11, 21, 21, 34, 41, tzinfo=UTC)
SEALED = pytest.mark.parametrize(
    ("name", "party"),
    [
        pytest.param("message.xml", "VN.MOIT", id="message"),
        pytest.param("receipt.xml", "TH.CUSTOMS", id="receipt"),
        pytest.param("exception.xml", "TH.CUSTOMS", id="exception"),
        pytest.param("exception-unreadable.xml", "TH.CUSTOMS", id="exception-unreadable"),
    ],
)


def certificate(name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((EXAMPLES / name).read_bytes())


def check(raw: bytes, party: str, at: datetime = THEN) -> SealedContent:
    signing = certificate(f"{party}.sign.pem")
    registered = RegisteredCertificate(
        file=f"{party}.sign.pem",
        certificate=signing,
        valid_from=signing.not_valid_before_utc,
        valid_to=signing.not_valid_after_utc,
    )
    return check_seal(raw, registered=[registered], anchor=certificate(f"{party}.anchor.pem"), at=at)


@SEALED
def test_an_example_verifies_at_its_time(name: str, party: str) -> None:
    content = check((EXAMPLES / name).read_bytes(), party)

    assert content.certificate.file == f"{party}.sign.pem"


@SEALED
def test_an_example_does_not_verify_for_another_party_or_another_time(name: str, party: str) -> None:
    raw = (EXAMPLES / name).read_bytes()
    other = {"VN.MOIT": "TH.CUSTOMS", "TH.CUSTOMS": "VN.MOIT"}[party]

    for who, at in ((other, THEN), (party, THEN + timedelta(days=900)), (party, THEN - timedelta(days=90))):
        with pytest.raises(SealRefused):
            check(raw, who, at)


def test_the_example_message_s_header_is_read_from_what_was_signed() -> None:
    content = check((EXAMPLES / "message.xml").read_bytes(), "VN.MOIT")

    header = read_header(content.root)

    assert (header.sender, header.receiver, header.type) == ("VN.MOIT", "TH.CUSTOMS", MessageType.CERTIFICATE)
    assert header.certificate_number == "VN-TH 26/02/00006"
    assert header.created_at == datetime(2026, 11, 21, 21, 34, 40, 844000, tzinfo=UTC)


@SEALED
@pytest.mark.parametrize("trusted", ["anchor", "sign"])
def test_an_example_verifies_on_a_desk(name: str, party: str, trusted: str) -> None:
    pem = (EXAMPLES / f"{party}.{trusted}.pem").read_bytes()

    results, signed = verify_file((EXAMPLES / name).read_bytes(), [pem], THEN)

    assert [each.verdict for each in results[:7]] == [CheckVerdict.PASSED] * 7
    assert signed is not None
    assert is_envelope(etree.fromstring(signed)) == (name == "message.xml")
    assert b"SignatureValue" not in signed


@needs("xmlsec1")
@SEALED
def test_xmlsec1_verifies_the_examples_too(tmp_path: Path, name: str, party: str) -> None:
    raw = (EXAMPLES / name).read_bytes()

    xmlsec1.verify(tmp_path, EXAMPLES / f"{party}.anchor.pem", [raw])
