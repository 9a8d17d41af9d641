"""``keys``: files of this machine, judged before they are written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from gateway.demo.country import Address
from gateway.registry.folder import over_shipped
from gateway.registry.parties import load_parties
from gateway.trust.keys import read_key
from gateway.trust.make import certificate_pem, issue_sign, issue_tls
from tests.exchange.pair import NOON, TH, VN, Papers
from tests.keys import BEGINS, ENDS
from tests.unit.cli.program import Ended, Program


@pytest.fixture
def papers(tmp_path: Path) -> dict[str, Papers]:
    made = {party: Papers(party) for party in (VN, TH)}
    for each in made.values():
        each.write(tmp_path, Address(api=1, exchange=8443))
    return made


@pytest.fixture
def at_home(
    program: Program, papers: dict[str, Papers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Program:
    monkeypatch.setenv("ECO_GATEWAY_HOME", VN)
    monkeypatch.setenv("ECO_GATEWAY_REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("ECO_GATEWAY_KEYS", str(tmp_path / "keys" / VN))
    monkeypatch.setenv("ECO_GATEWAY_CLOCK", f"{NOON:%Y-%m-%dT%H:%M:%SZ}")
    return program


def answered(papers: Papers, key: Path, use: str) -> bytes:
    """What an authority makes of the request beside *key*: a certificate for it."""
    asked = x509.load_pem_x509_csr(key.with_suffix(".csr").read_bytes())
    assert asked.is_signature_valid
    name, window = f"{papers.party} {use}", {"valid_from": BEGINS, "valid_to": ENDS}
    private = read_key(key)
    if use == "sign":
        issued = issue_sign(papers.anchor, name, papers.country, private=private, **window)
    else:
        issued = issue_tls(
            papers.anchor, name, papers.country, private=private, hosts=["127.0.0.1"], **window
        )
    assert asked.public_key() == issued.certificate.public_key()
    return certificate_pem(issued.certificate)


def listed(program: Program) -> dict[str, dict[str, object]]:
    ended = program("keys", "list", "--json")
    assert ended.status == 0
    return {row["file"]: row for row in ended.json}


def test_every_certificate_is_listed_with_its_window(at_home: Program) -> None:
    rows = listed(at_home)

    assert {name: (row["status"], row["key"]) for name, row in rows.items()} == {
        "vn.moit.sign-1.pem": ("active", "here"),
        "vn.moit.tls-1.pem": ("active", "here"),
        "th.customs.sign-1.pem": ("active", None),
        "th.customs.tls-1.pem": ("active", None),
    }
    assert "vn.moit.sign-1.pem" in at_home("keys", "list").out


@pytest.mark.parametrize("use", ["sign", "tls"])
def test_a_key_is_made_requested_scheduled_and_the_old_one_retired(
    at_home: Program, papers: dict[str, Papers], tmp_path: Path, use: str
) -> None:
    made = at_home("keys", "new", use, "--name", "2027", "--kind", "ecdsa")
    key, certificate = tmp_path / "keys" / VN / f"{use}-2027.key", tmp_path / "issued.pem"
    certificate.write_bytes(answered(papers[VN], key, use))
    scheduled = at_home("keys", "schedule", certificate, "--from", "2026-09-01T00:00:00Z")
    retired = at_home("keys", "retire", f"vn.moit.{use}-1.pem", "--at", "2026-09-11T00:00:00Z")

    assert [made.status, scheduled.status, retired.status] == [0, 0, 0]
    assert key.stat().st_mode & 0o077 == 0
    party = load_parties(over_shipped(tmp_path / "registry"))[VN]  # type: ignore[index]
    old, new = getattr(party, use)
    assert old.valid_to == datetime(2026, 9, 11, tzinfo=UTC)
    assert (new.valid_from, new.valid_to) == (datetime(2026, 9, 1, tzinfo=UTC), ENDS)
    assert listed(at_home)[new.file]["key"] == "here"


def test_the_last_key_of_ours_is_never_retired(at_home: Program) -> None:
    ended = at_home("keys", "retire", "vn.moit.sign-1.pem")

    assert ended.status == 1
    assert "no other sign certificate with a key here" in ended.err


def test_a_key_is_never_written_over(at_home: Program) -> None:
    ended = at_home("keys", "new", "sign", "--name", "1", "--kind", "ecdsa")

    assert ended.status == 1
    assert "never written over" in ended.err


def scheduling(at_home: Program, certificate: Path, *more: str) -> Ended:
    return at_home("keys", "schedule", certificate, *more)


def test_another_partys_certificate_is_scheduled_by_name(
    at_home: Program, papers: dict[str, Papers], tmp_path: Path
) -> None:
    certificate = tmp_path / "th.pem"
    certificate.write_bytes(certificate_pem(papers[TH].for_seals(BEGINS, ENDS).issued.certificate))

    ended = scheduling(at_home, certificate, "--party", TH, "--use", "sign")
    unsaid = scheduling(at_home, certificate)

    assert (ended.status, unsaid.status) == (0, 2)
    assert len(load_parties(over_shipped(tmp_path / "registry"))[TH].sign) == 2  # type: ignore[index]


def test_a_certificate_of_a_strangers_authority_changes_nothing(
    at_home: Program, papers: dict[str, Papers], tmp_path: Path
) -> None:
    certificate = tmp_path / "th.pem"
    certificate.write_bytes(certificate_pem(Papers(TH).for_seals(BEGINS, ENDS).issued.certificate))
    before = (tmp_path / "registry/mappings/parties/th.customs.toml").read_text("utf-8")

    ended = scheduling(at_home, certificate, "--party", TH, "--use", "sign")

    assert ended.status == 1
    assert "is not signed by the anchor" in ended.err
    assert (tmp_path / "registry/mappings/parties/th.customs.toml").read_text("utf-8") == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["new", "seal", "--name", "x"], "'sign' or 'tls'", id="use"),
        pytest.param(["retire", "no.pem"], "has 0 windows of no.pem", id="no-such-file"),
        pytest.param(
            ["retire", "vn.moit.sign-1.pem", "--at", "soon"], "--at: must be an RFC 3339", id="time"
        ),
        pytest.param(["schedule", "no.pem"], "cannot be read", id="no-file"),
    ],
)
def test_what_cannot_be_meant_is_told(at_home: Program, arguments: list[str], words: str) -> None:
    ended = at_home("keys", *arguments)

    assert ended.status != 0
    assert words in ended.err


def test_without_a_home_nothing_is_ours(program: Program) -> None:
    assert "ECO_GATEWAY_HOME" in program("keys", "list").err


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ('[pkcs11]\nuri = "pkcs11:token=t;object=o?module-path=/none.so"\npin_file = "secret"\n', "token"),
        ('[service]\nurl = "https://h"\ncredential = "c"\ntoken_file = "secret"\n', "service"),
    ],
)
def test_a_key_that_lies_elsewhere_is_listed_and_not_asked(
    at_home: Program, tmp_path: Path, place: str, told: str
) -> None:
    keys = tmp_path / "keys" / VN
    (keys / "sign-1.key").unlink()
    (keys / "secret").touch(0o600)
    (keys / "secret").write_text("4711", "utf-8")
    (keys / "sign-far.toml").write_text(f'certificate = "vn.moit.sign-1.pem"\n{place}', "utf-8")

    assert listed(at_home)["vn.moit.sign-1.pem"]["key"] == told
