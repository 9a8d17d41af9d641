"""There is always something to be held against, and what it says is not taken on trust."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.figures import SCENARIOS, Reference
from bench.reference import ReferenceFailed, StraightLine, read_report, straight_line
from bench.tools import NotInstalled, installed

REPORT = {
    "ok": True,
    "certs_per_s": 700.5,
    "latency_ms": {"p50": 20.1, "p99": 40.2},
    "cpu_ms_per_cert": {"total": 2.4},
}


def printing(report: dict[str, Any], *, status: int = 0) -> StraightLine:
    """A straight line that prints this report, whatever it is asked."""
    program = f"import sys, json; print(json.dumps({report!r})); sys.exit({status})"
    return StraightLine("a line", [sys.executable, "-c", program])


def test_a_report_is_read() -> None:
    figures = read_report(json.dumps(REPORT, indent=1).encode())

    assert figures == Reference(certificates_per_second=700.5, p99_ms=40.2, cpu_ms=2.4)


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(REPORT | {"ok": False}, id="not-well"),
        pytest.param(REPORT | {"latency_ms": None}, id="no-latency"),
        pytest.param({"ok": True}, id="nothing-said"),
    ],
)
def test_figures_that_count_for_nothing_are_refused(report: dict[str, Any]) -> None:
    with pytest.raises(ReferenceFailed):
        read_report(json.dumps(report).encode())


def test_a_report_that_is_no_json_is_refused() -> None:
    with pytest.raises(ReferenceFailed, match="cannot be read"):
        read_report(b"all is well")


async def test_a_line_that_ends_well_is_believed() -> None:
    figures = await printing(REPORT).run(SCENARIOS[0], 10, database="postgresql:///", storage="external")

    assert figures.certificates_per_second == 700.5


async def test_a_line_that_breaks_is_told_with_what_it_said() -> None:
    with pytest.raises(ReferenceFailed, match=r"a line ended with 1: .*700"):
        await printing(REPORT, status=1).run(SCENARIOS[0], 10, database="postgresql:///", storage="external")


async def test_a_line_that_is_cut_short_clears_up_first(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    program = (
        "import pathlib, signal, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        f"folder = pathlib.Path({str(folder)!r})\n"
        "try:\n folder.mkdir()\n time.sleep(3600)\nfinally: folder.rmdir()\n"
    )
    line = StraightLine("a line", [sys.executable, "-c", program])
    run = asyncio.ensure_future(line.run(SCENARIOS[0], 10, database="postgresql:///", storage="external"))
    async with asyncio.timeout(30):
        while not folder.exists():  # noqa: ASYNC110  (another process makes it)
            await asyncio.sleep(0.01)

    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        await run
    assert not folder.exists()


def test_without_lightspeed_our_own_straight_line_takes_its_place(tmp_path: Path) -> None:
    told: list[str] = []

    line = straight_line(told.append, lightspeed=tmp_path / "lightspeed.py")

    assert line.name == "straight"
    assert line.command[1:] == ["-m", "bench.straight"]
    assert "our own straight line" in told[0]


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment into which nothing can be installed."""
    programs = tmp_path / "environment" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    (programs / "python").chmod(0o755)
    return tmp_path / "environment"


def test_what_cannot_be_installed_is_told_with_the_reason(environment: Path) -> None:
    with pytest.raises(NotInstalled, match="no network"):
        installed("abacus", "abacus==1", folder=environment)


def test_what_is_installed_is_not_installed_again(environment: Path) -> None:
    (environment / "bin" / "python").write_text("#!/bin/sh\n")
    first = installed("abacus", "abacus==1", folder=environment)
    (environment / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")

    assert installed("abacus", "abacus==1", folder=environment) == first


def test_other_requirements_are_installed_anew(environment: Path, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("abacus==1\n")
    (environment / "bin" / "python").write_text("#!/bin/sh\n")
    installed("abacus", f"-r{requirements}", folder=environment)
    (environment / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    requirements.write_text("abacus==2\n")

    with pytest.raises(NotInstalled):
        installed("abacus", f"-r{requirements}", folder=environment)
