"""
The cluster drill, seeded: ``make drill ARGS="--seed 7"``.

Two gateways exchange certificates on a replicated PostgreSQL (Patroni, etcd, HAProxy) whose primary is
killed under load: alone, together with a node, and while nothing reaches its standby any more; a node is
killed alone, too. Progress goes to standard error; the last line on standard output is one JSON report, kept
in bench/results/ as well. Exit status 1 when anything was lost, doubled or told differently on the two sides,
or when the kills met nothing; 2 when a program that the cluster is made of is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.drill.cluster import cluster, left_behind
from tests.drill.drill import Drill
from tests.drill.programs import Programs, find_programs
from tests.exchange.crash import workplace

RESULTS = Path(__file__).parents[2] / "bench" / "results"


def main() -> int:
    """Run the drill and keep its report."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.drill", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("--seed", type=int, default=20261122, help="decides order and moments")
    parser.add_argument(
        "--asynchronous", action="store_true", help="no commit waits for the standby: shows what is lost then"
    )
    asked = parser.parse_args()
    programs, words = find_programs()
    if programs is None:
        sys.stderr.write(f"{words}\n")
        return 2
    with workplace() as work:
        report = asyncio.run(drill(work, programs, seed=asked.seed, synchronous=not asked.asynchronous))
        report["faults"] += [f"left behind: {process}" for process in left_behind(work)]
    report["ok"] = is_good(report)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"drill-{report['date']}.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    sys.stdout.write(json.dumps(report) + "\n")
    return 0 if report["ok"] else 1


async def drill(work: Path, programs: Programs, *, seed: int, synchronous: bool) -> dict[str, Any]:
    """One drill; its report without the verdict."""
    began = time.monotonic()
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # what was started is ended
    _say(f"Starting PostgreSQL under Patroni, etcd and HAProxy (seed {seed})")
    async with cluster(work, programs, synchronous=synchronous) as servers:
        await servers.create("sender", "receiver")
        _say(f"  whole after {time.monotonic() - began:.1f} s; starting three nodes")
        drilled = Drill(work, seed, servers, _say)
        evidence = await drilled.carry()
        _say(f"{evidence.accepted} certificates settled and compared: {len(evidence.faults)} faults")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "seed": seed,
        "synchronous": synchronous,
        **asdict(drilled.story),
        "lane_moved_s": drilled.moves.seconds,
        **asdict(evidence),
        "seconds": round(time.monotonic() - began, 1),
    }


def is_good(report: Mapping[str, Any]) -> bool:
    """Whether nothing was lost or doubled, and the kills met what they were meant to meet."""
    met = report["accepted"] and report["met_sending"]
    if report["synchronous"]:
        met = met and report["stalled_commits"]
    return bool(met) and not report["faults"]


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


if __name__ == "__main__":
    sys.exit(main())
