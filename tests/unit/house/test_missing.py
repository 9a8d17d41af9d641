"""A run says what it left out; a run of the gate leaves nothing out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.missing import PROGRAMS, needs, program
from tests.unit.house.tree import ROOT

TWO_TESTS = """
from pathlib import Path
from tests import missing

missing.PROGRAMS["abacus"] = missing.Program("counting by hand", "abacus-tools", lambda: PLACE)

@missing.needs("abacus")
def test_counted_by_hand(): pass

def test_counted_anyhow(): pass
"""


def run(folder: Path, *, place: str, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_two.py").write_text(TWO_TESTS.replace("PLACE", place))
    (folder / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.missing", "-p", "no:cacheprovider", "-q", str(folder)],
        cwd=ROOT,
        env={**os.environ, "CI": ci, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_program_is_named_with_what_went_without_it(tmp_path: Path) -> None:
    done = run(tmp_path, place="None", ci="")

    assert "1 test because abacus is missing (counting by hand; Debian package abacus-tools)" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout
    assert done.returncode == 0


def test_the_gate_fails_when_anything_was_left_out(tmp_path: Path) -> None:
    done = run(tmp_path, place="None", ci="true")

    assert "a run that leaves anything out has failed" in done.stdout
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


def test_the_gate_passes_when_all_is_there(tmp_path: Path) -> None:
    done = run(tmp_path, place="Path('/')", ci="true")

    assert "left out" not in done.stdout
    assert done.returncode == 0


def test_a_program_nobody_described_cannot_be_needed() -> None:
    with pytest.raises(KeyError):
        needs("no-such-program")


@pytest.mark.parametrize("package", [known.package for known in PROGRAMS.values() if known.package])
def test_what_is_needed_is_installed_by_the_gate(package: str) -> None:
    assert package in (ROOT / ".ci/run").read_text()


def test_a_forgotten_mark_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = PROGRAMS["xmlsec1"].__class__("a try", "a-package", lambda: None)
    monkeypatch.setitem(PROGRAMS, "abacus", absent)

    with pytest.raises(LookupError, match="mark the test"):
        program("abacus")
