"""Fuzzing in a process of its own, for the fuzzer ends its process, and what it did."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzed:
    """
    What a run came to.

    Attributes:
        found: the end of what the fuzzer said about its find; None where there is none.
    """

    executions: int
    peak_memory_mb: int
    found: str | None


def fuzz(work: Path, *, runs: int = -1, seconds: int = 0, seed: int = 20261121) -> Fuzzed:
    """
    Fuzz for so many documents or so long, whichever ends first.

    A shell stands between, for Linux counts the memory of who starts a process as that process's own peak.
    """
    asked = ("--runs", str(runs), "--seconds", str(seconds), "--seed", str(seed), "--work", str(work))
    done = subprocess.run(
        ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-m", "tests.fuzzing", *asked],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    said = done.stdout + done.stderr
    return Fuzzed(
        executions=_figure(said, "number_of_executed_units"),
        peak_memory_mb=_figure(said, "peak_rss_mb"),
        found=said[-4_000:] if done.returncode else None,
    )


def _figure(said: str, name: str) -> int:
    found = re.search(rf"stat::{name}:\s+(\d+)", said)
    return int(found[1]) if found else 0
