"""``token``: the JWT and a newline, nothing else."""

from __future__ import annotations

import json
import stat
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.program import Program


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Program) -> Program:
    """The program where home and data folder are set."""
    monkeypatch.setenv("ECO_GATEWAY_HOME", "VN.MOIT")
    monkeypatch.setenv("ECO_GATEWAY_DATA", str(tmp_path / "var"))
    return program


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    read: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def test_only_the_token_is_printed(ready: Program) -> None:
    ended = ready("token", "--role", "operator")

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.count("\n") == 1
    assert ended.out.count(".") == 2


def test_it_says_who_for_whom_and_how_long(ready: Program) -> None:
    ended = ready("token", "--role", "issuer", "--role", "customs", "--organisation", "VCCI", "--ttl", "60")

    found = claims(ended.out)
    assert found["aud"] == "VN.MOIT"
    assert found["roles"] == ["customs", "issuer"]
    assert found["org"] == "VCCI"
    assert found["exp"] - found["iat"] == 60


def test_flags_outrank_the_environment(ready: Program, tmp_path: Path) -> None:
    ended = ready("token", "--role", "auditor", "--home", "TH.CUSTOMS", "--data", tmp_path / "other")

    assert claims(ended.out)["aud"] == "TH.CUSTOMS"
    [key] = (tmp_path / "other").iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_it_follows_the_clock(ready: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECO_GATEWAY_CLOCK", "2030-01-01T00:00:00Z")

    assert 0 <= claims(ready("token", "--role", "operator").out)["iat"] - 1893456000 < 60


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--role", "king"], "king", id="no-such-role"),
        pytest.param([], "--role", id="no-role"),
        pytest.param(["--role", "operator", "--ttl", "0"], "--ttl", id="no-time"),
        pytest.param(["--role", "operator", "--home", "nobody"], "--home", id="no-party"),
    ],
)
def test_wrong_use_is_exit_2(ready: Program, arguments: list[str], words: str) -> None:
    ended = ready("token", *arguments)

    assert (ended.status, ended.out) == (2, "")
    assert words in ended.err


def test_without_a_home_it_asks_for_one(program: Program) -> None:
    ended = program("token", "--role", "operator")

    assert ended.status == 2
    assert "ECO_GATEWAY_HOME" in ended.err


def test_beside_a_real_issuer_there_are_none(ready: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECO_GATEWAY_ISSUER", "https://login.example")

    ended = ready("token", "--role", "operator")

    assert (ended.status, ended.out) == (1, "")
    assert "https://login.example" in ended.err
