"""
Fuzzing in processes of their own, for the fuzzer ends its process, and what they did.

``python -m tests.fuzzing.run --runs 1000000`` counts to a million on every core and prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzed:
    """
    What a run came to.

    Attributes:
        peak_memory_mb: of one process.
        slowest_s: the most CPU that one document took.
        corpus: documents that are kept because each reached what no other did, the kept ones among them.
        found: the end of what the fuzzer said about its find; None where there is none.
    """

    executions: int
    peak_memory_mb: int
    slowest_s: float
    corpus: int
    found: str | None


def fuzz_side_by_side(work: Path, *, runs: int, seed: int, processes: int) -> Fuzzed:
    """So many documents in all, by processes that know nothing of each other and differ by their seed."""

    def one(number: int) -> Fuzzed:
        share = runs // processes + (number < runs % processes)
        return fuzz(work / str(number), runs=share, seed=seed + number)

    with ThreadPoolExecutor(processes) as pool:
        parts = list(pool.map(one, range(processes)))
    return Fuzzed(
        executions=sum(part.executions for part in parts),
        peak_memory_mb=max(part.peak_memory_mb for part in parts),
        slowest_s=max(part.slowest_s for part in parts),
        corpus=sum(part.corpus for part in parts),
        found="\n".join(part.found for part in parts if part.found is not None) or None,
    )


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
    slowest = work / "slowest"
    corpus = re.findall(r" corp: (\d+)/", said)
    return Fuzzed(
        executions=_figure(said, "number_of_executed_units"),
        peak_memory_mb=_figure(said, "peak_rss_mb"),
        slowest_s=float(slowest.read_text("ascii")) if slowest.exists() else 0.0,
        corpus=int(corpus[-1]) if corpus else 0,
        found=said[-4_000:] if done.returncode else None,
    )


def _figure(said: str, name: str) -> int:
    found = re.search(rf"stat::{name}:\s+(\d+)", said)
    return int(found[1]) if found else 0


def main() -> int:
    """Fuzz as was asked, say what came of it; exit status 1 when something was found."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzzing.run", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--runs", type=int, default=1_000_000, help="documents in all")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=20261121, help="of the first; the next has the next")
    parser.add_argument("--work", type=Path, default=Path("var/fuzzing"), help="for finds and what grew")
    asked = parser.parse_args()
    began = time.monotonic()
    fuzzed = fuzz_side_by_side(asked.work, runs=asked.runs, seed=asked.seed, processes=asked.processes)
    report = {
        "seed": asked.seed,
        "processes": asked.processes,
        **asdict(fuzzed),
        "seconds": round(time.monotonic() - began, 1),
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0 if fuzzed.found is None else 1


if __name__ == "__main__":
    sys.exit(main())
