"""``parties add``: judged before anything is written, nothing replaced without leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.registry.folder import over_shipped
from gateway.registry.parties import load_parties
from gateway.trust.make import certificate_pem, key_pem
from tests.keys import party_keys
from tests.unit.cli.program import Program

TOML = """
id = "TH.CUSTOMS"
name = "Thai Customs"
country = "TH"
endpoint = "https://gateway.th.example:8443/exchange/v1/messages"
anchor = "th.customs.anchor.pem"
[[sign]]
certificate = "th.customs.sign.pem"
from = 2026-01-01T00:00:00Z
to = 2027-03-01T00:00:00Z
[[tls]]
certificate = "th.customs.tls.pem"
from = 2026-01-01T00:00:00Z
to = 2027-03-01T00:00:00Z
"""


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """What a neighbour sent: a party's file with its certificates beside it."""
    folder = tmp_path / "given"
    folder.mkdir()
    party_keys("TH.CUSTOMS").write_certificates(folder)
    (folder / "thai.toml").write_text(TOML)
    return folder / "thai.toml"


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    return tmp_path / "registry"


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_party_and_its_certificates_are_copied(program: Program, given: Path, registry: Path) -> None:
    ended = program("parties", "add", given, "--registry", registry)

    assert ended.status == 0
    assert files(registry) == {
        "mappings/parties/th.customs.toml",
        "certs/trust/th.customs.anchor.pem",
        "certs/trust/th.customs.sign.pem",
        "certs/trust/th.customs.tls.pem",
    }
    assert set(load_parties(over_shipped(registry))) == {"TH.CUSTOMS"}


def test_fingerprints_are_told_and_that_a_restart_is_needed(
    program: Program, given: Path, registry: Path
) -> None:
    ended = program("parties", "add", given, "--registry", registry)

    assert party_keys("TH.CUSTOMS").registered_sign.fingerprint.hex() in ended.out
    assert "sign[0] th.customs.sign.pem" in ended.out
    assert "restarted" in ended.err


def test_the_registry_comes_from_the_environment_too(
    program: Program, given: Path, registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECO_GATEWAY_REGISTRY", str(registry))

    assert program("parties", "add", given).status == 0
    assert (registry / "mappings/parties/th.customs.toml").is_file()


def test_without_a_registry_of_our_own_it_is_wrong_use(program: Program, given: Path) -> None:
    ended = program("parties", "add", given)

    assert ended.status == 2
    assert "--registry or ECO_GATEWAY_REGISTRY" in ended.err


@pytest.mark.parametrize(
    ("find", "put", "fault"),
    [
        pytest.param(
            "anchor =", "anker =", "thai.toml: anker: unknown key; did you mean 'anchor'?", id="key"
        ),
        pytest.param(
            "sign.pem", "sing.pem", "sign[0].certificate: no file certs/trust/th.customs.sing.pem", id="file"
        ),
        pytest.param(
            "th.customs.tls", "../th.customs.tls", "tls[0].certificate: must be the name", id="folder"
        ),
        pytest.param('"TH"', '"Thailand"', "country:", id="country"),
    ],
)
def test_a_faulty_party_is_refused_and_nothing_is_written(
    program: Program, given: Path, registry: Path, find: str, put: str, fault: str
) -> None:
    given.write_text(TOML.replace(find, put, 1))

    ended = program("parties", "add", given, "--registry", registry)

    assert (ended.status, ended.out) == (1, "")
    assert fault in ended.err
    assert not registry.exists()


def test_a_certificate_of_another_anchor_is_refused(program: Program, given: Path, registry: Path) -> None:
    other = party_keys("MY.CUSTOMS").sign.certificate
    (given.parent / "th.customs.sign.pem").write_bytes(certificate_pem(other))

    ended = program("parties", "add", given, "--registry", registry)

    assert ended.status == 1
    assert "th.customs.sign.pem is not signed by the anchor" in ended.err


def test_a_private_key_is_never_taken_in(program: Program, given: Path, registry: Path) -> None:
    keys = party_keys("TH.CUSTOMS")
    (given.parent / "th.customs.sign.pem").write_bytes(
        certificate_pem(keys.sign.certificate) + key_pem(keys.sign.private)
    )

    ended = program("parties", "add", given, "--registry", registry)

    assert ended.status == 1
    assert "holds a private key" in ended.err
    assert not registry.exists()


def test_the_same_again_changes_nothing(program: Program, given: Path, registry: Path) -> None:
    program("parties", "add", given, "--registry", registry)

    assert program("parties", "add", given, "--registry", registry).status == 0


def test_other_content_needs_leave(program: Program, given: Path, registry: Path) -> None:
    program("parties", "add", given, "--registry", registry)
    given.write_text(TOML.replace("Thai Customs", "Thai Customs Department"))

    refused = program("parties", "add", given, "--registry", registry)
    kept = (registry / "mappings/parties/th.customs.toml").read_text()
    replaced = program("parties", "add", given, "--registry", registry, "--replace")

    assert refused.status == 1
    assert "mappings/parties/th.customs.toml: stands there with other content" in refused.err
    assert kept == TOML
    assert replaced.status == 0
    assert "Department" in (registry / "mappings/parties/th.customs.toml").read_text()


def test_a_party_that_stands_under_another_name_is_replaced_in_its_place(
    program: Program, given: Path, registry: Path
) -> None:
    program("parties", "add", given, "--registry", registry)
    place = registry / "mappings/parties/th.customs.toml"
    place.rename(place.with_name("neighbour.toml"))
    given.write_text(TOML.replace("Thai Customs", "Thai Customs Department"))

    ended = program("parties", "add", given, "--registry", registry, "--replace")

    assert ended.status == 0
    assert [path.name for path in place.parent.iterdir()] == ["neighbour.toml"]


def test_a_file_that_is_not_there_is_wrong_use(program: Program, registry: Path) -> None:
    assert program("parties", "add", "nowhere.toml", "--registry", registry).status == 2
