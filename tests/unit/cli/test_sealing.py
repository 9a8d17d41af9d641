"""``sign`` and ``verify`` on files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.trust.make import certificate_pem, key_pem
from tests.keys import party_keys
from tests.messages import CERTIFICATE, a_sealed_message
from tests.unit.cli.program import Program

DAY = "2026-11-21"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a document, a key, its certificate and its anchor."""
    keys = party_keys("VN.MOIT")
    (tmp_path / "document.xml").write_text(CERTIFICATE, "utf-8")
    (tmp_path / "sign.key").write_bytes(key_pem(keys.sign.private))
    (tmp_path / "sign.pem").write_bytes(certificate_pem(keys.sign.certificate))
    (tmp_path / "anchor.pem").write_bytes(certificate_pem(keys.anchor.certificate))
    return tmp_path


def signed(program: Program, desk: Path) -> Path:
    output = desk / "sealed.xml"
    program(
        "sign",
        desk / "document.xml",
        "--key",
        desk / "sign.key",
        "--certificate",
        desk / "sign.pem",
        "-o",
        output,
    )
    return output


@pytest.mark.parametrize("trusted", ["anchor.pem", "sign.pem"])
def test_what_was_signed_verifies(program: Program, desk: Path, trusted: str) -> None:
    ended = program("verify", signed(program, desk), "--trust", desk / trusted, "--at", DAY)

    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert [line[0] for line in lines] == list("123456789")
    assert [line.split()[1] for line in lines[:7]] == ["passed"] * 7


def test_a_flipped_byte_is_told_by_its_check(program: Program, desk: Path) -> None:
    sealed = signed(program, desk)
    sealed.write_bytes(sealed.read_bytes().replace(b"Sao Mai", b"Sao Mbi"))

    ended = program("verify", sealed, "--trust", desk / "anchor.pem", "--at", DAY, "-o", desk / "out.xml")

    assert ended.status == 1
    assert f"{sealed}: check 6 failed: G01" in ended.err
    assert not (desk / "out.xml").exists()


def test_only_what_was_signed_is_written(program: Program, desk: Path) -> None:
    sealed = signed(program, desk)
    sealed.write_bytes(
        sealed.read_bytes().replace(b"</CertificateOfOrigin>", b"</CertificateOfOrigin><!-- x -->")
    )

    ended = program("verify", sealed, "--trust", desk / "anchor.pem", "--at", DAY, "-o", desk / "out.xml")

    assert ended.status == 0
    written = (desk / "out.xml").read_bytes()
    assert b"Sao Mai" in written
    assert b"Signature" not in written
    assert b"<!--" not in written


def test_a_whole_message_verifies_too(program: Program, desk: Path) -> None:
    (desk / "message.xml").write_bytes(a_sealed_message(party_keys("VN.MOIT").own))

    ended = program(
        "verify", desk / "message.xml", "--trust", desk / "anchor.pem", "--at", "2026-11-21T21:40:00Z"
    )

    assert ended.status == 0
    assert "from VN.MOIT to TH.CUSTOMS" in ended.out


def test_another_partys_certificate_is_not_trusted(program: Program, desk: Path) -> None:
    (desk / "other.pem").write_bytes(certificate_pem(party_keys("MY.CUSTOMS").anchor.certificate))

    ended = program("verify", signed(program, desk), "--trust", desk / "other.pem", "--at", DAY)

    assert ended.status == 1
    assert "check 4 failed: G02" in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["verify", "document.xml", "--trust", "nowhere.pem"], "nowhere.pem", id="no-trust"),
        pytest.param(["verify", "nowhere.xml", "--trust", "anchor.pem"], "nowhere.xml", id="no-file"),
        pytest.param(
            ["verify", "document.xml", "--trust", "document.xml"], "no PEM certificate", id="no-pem"
        ),
        pytest.param(["verify", "document.xml"], "--trust", id="nothing-to-trust"),
        pytest.param(["verify", "document.xml", "--trust", "sign.pem", "--at", "soon"], "--at", id="no-time"),
        pytest.param(
            ["sign", "document.xml", "--key", "sign.pem", "--certificate", "sign.pem", "-o", "o"],
            "--key",
            id="no-key",
        ),
        pytest.param(
            ["sign", "document.xml", "--key", "sign.key", "--certificate", "anchor.pem", "-o", "o"],
            "another key",
            id="not-its-certificate",
        ),
        pytest.param(
            ["sign", "document.xml", "--key", "a", "--certificate", "b", "--profile", "as4", "-o", "o"],
            "eco-https/1",
            id="no-such-profile",
        ),
    ],
)
def test_wrong_use_is_exit_2(
    program: Program, desk: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(desk)

    ended = program(*arguments)

    assert (ended.status, ended.out) == (2, "")
    assert words in ended.err


def test_what_is_no_xml_cannot_be_signed(program: Program, desk: Path) -> None:
    (desk / "document.xml").write_text("no XML")

    ended = program(
        "sign",
        desk / "document.xml",
        "--key",
        desk / "sign.key",
        "--certificate",
        desk / "sign.pem",
        "-o",
        desk / "o",
    )

    assert ended.status == 1
    assert "S01" in ended.err
    assert not (desk / "o").exists()
