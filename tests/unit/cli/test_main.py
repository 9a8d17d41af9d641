"""The program as a whole: its commands, and how a run ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.main import COMMANDS, run
from gateway.domain.errors import Misconfigured, NotFound, RegistryFault
from gateway.settings import variables
from tests.unit.cli.program import Program


def in_a_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ECO_GATEWAY_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        capture_output=True,
        text=True,
        env=kept | environment,
        timeout=50,
    )


def test_every_command_is_listed(program: Program) -> None:
    ended = program("--help")

    listed = re.findall(r"^  ([a-z]+)  ", ended.out.partition("Commands:")[2], re.MULTILINE)
    assert ended.status == 0
    assert set(listed) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_at_80_columns(program: Program, command: str) -> None:
    ended = program(command, "--help")

    assert (ended.status, ended.err) == (0, "")
    assert max(len(line) for line in ended.out.splitlines()) <= 80


def test_nothing_typed_shows_the_help_and_is_wrong_use(program: Program) -> None:
    ended = program()

    assert ended.status == 2
    assert "Commands:" in ended.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["trakc"], "Did you mean 'track'?", id="command"),
        pytest.param(["track"], "CERTIFICATE_NUMBER", id="argument"),
        pytest.param(["track", "x", "--colour"], "--colour", id="option"),
    ],
)
def test_what_is_mistyped_is_exit_2_and_one_sentence(
    program: Program, arguments: list[str], words: str
) -> None:
    ended = program(*arguments)

    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("eco-gateway: ")
    assert words in ended.err


def test_serve_has_a_flag_for_every_setting(program: Program) -> None:
    text = program("serve", "--help").out

    assert all(f"{variable.flag} " in text for variable in variables())


def test_serve_tells_every_fault_as_file_key_fault(program: Program) -> None:
    ended = program("serve", "--skew-s", "-1", "--listen", "nowhere")

    assert ended.status == 2
    assert [line.split(": ")[:2] for line in ended.err.splitlines()] == [
        ["command line", "--listen"],
        ["command line", "--skew-s"],
    ]


def test_serve_without_a_home_ends_before_anything_is_made(tmp_path: Path) -> None:
    ended = in_a_process("serve", "--data", str(tmp_path / "var"))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "environment: ECO_GATEWAY_HOME: which party are we?\n"
    assert not (tmp_path / "var").exists()


def test_a_fault_of_the_environment_is_not_wrong_use(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECO_GATEWAY_LISTEN", "nowhere")

    ended = program("serve")

    assert ended.status == 1
    assert ended.err.startswith("environment: ECO_GATEWAY_LISTEN: ")


def test_a_command_of_the_callers_own_runs_beside_ours(capsys: pytest.CaptureFixture[str]) -> None:
    def greet() -> int:
        return 7

    assert run(["greet"], {"greet": greet}) == 7


def test_what_a_room_refuses_is_a_sentence_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise NotFound("there is no such thing")

    def misconfigured() -> int:
        raise Misconfigured((RegistryFault("a.toml", "key", "is wrong"), RegistryFault("b.toml", "-", "too")))

    assert run(["fail"], {"fail": fail}) == 1
    assert capsys.readouterr().err == "eco-gateway: there is no such thing\n"
    assert run(["it"], {"it": misconfigured}) == 1
    assert capsys.readouterr().err == "a.toml: key: is wrong\nb.toml: -: too\n"


def test_a_bug_is_shown_in_full() -> None:
    def broken() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(["broken"], {"broken": broken})


def test_the_process_ends_with_the_status_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("no XML")

    assert in_a_process("check").returncode == 0
    assert in_a_process("validate", str(tmp_path / "a.xml")).returncode == 1
    assert in_a_process("validate", str(tmp_path / "b.xml")).returncode == 2


def test_the_demonstration_stands_beside_the_commands() -> None:
    ended = in_a_process("demo", "--help")

    assert ended.returncode == 0
    assert "--certificates" in ended.stdout
    assert "--keep" in ended.stdout


def test_a_poor_locale_ends_no_command(tmp_path: Path) -> None:
    name = tmp_path / "ฟอร์ม.xml"
    name.write_text("<ฟอร์ม/>", "utf-8")

    ended = in_a_process("validate", str(name), "--json", PYTHONIOENCODING="ascii")

    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
