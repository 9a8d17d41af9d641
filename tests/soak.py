"""
The long counts, seeded: ``make soak ARGS="--rounds 30 --seed 7"``.

Prints one JSON report on standard output and keeps it in bench/results/ under its date; exit status 1 when
anything that was counted came out wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
import sys
import tempfile
import time
import traceback
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.domain.caller import Role
from tests.exchange.chaos import chaos
from tests.exchange.crash import Crash, Evidence, workplace
from tests.exchange.exploring import explore
from tests.exchange.mutations import survivors
from tests.exchange.pair import pair
from tests.exchange.test_answers_model import World, sequences
from tests.exchange.walk import Walk, Walked
from tests.fuzzing.run import fuzz_side_by_side
from tests.pictures import walk_as
from tests.servers import Servers, default_kind
from tests.year.__main__ import live_through

RESULTS = Path(__file__).parents[1] / "bench" / "results"


def main() -> int:
    """Run the counts that were asked for and keep the report."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=30, help="rounds of killing")
    parser.add_argument("--certificates", type=int, default=500, help="certificates a round")
    parser.add_argument("--seed", type=int, default=20261121, help="decides victims and moments")
    parser.add_argument("--chaos", type=int, default=1_000, help="runs through chaos, in this process")
    parser.add_argument(
        "--every", type=int, default=1, help="of the points at which gateways die, every so many; 1 is all"
    )
    parser.add_argument("--mutations", type=int, default=5_000, help="bundles of evidence spoilt in one byte")
    parser.add_argument(
        "--sequences", type=int, default=10_000, help="of answers, against the model of the law"
    )
    parser.add_argument("--year", type=int, default=20_000, help="certificates of the simulated year")
    parser.add_argument("--fuzz", type=int, default=1_000_000, help="documents made up by the fuzzer")
    parser.add_argument("--calls", type=int, default=100, help="of each call of the national API, made up")
    asked = parser.parse_args()
    began = time.monotonic()
    with workplace() as work:
        evidence = asyncio.run(Crash(work, asked.seed).run(asked.rounds, asked.certificates))
    took_s = round(time.monotonic() - began, 1)
    chaotic, walked = asyncio.run(_chaos(asked.chaos, asked.seed, asked.every))
    unnoticed = asyncio.run(survivors(asked.mutations, asked.seed))
    unlawful = _unlawful(asked.sequences, asked.seed)
    lived = asyncio.run(live_through(asked.year, asked.seed))
    undescribed = asyncio.run(_undescribed(asked.calls))
    opened, unsound = asyncio.run(walk_as(list(Role)))
    with tempfile.TemporaryDirectory() as folder:
        fuzzed = fuzz_side_by_side(
            Path(folder), runs=asked.fuzz, seed=asked.seed, processes=os.cpu_count() or 1
        )
    report: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "crash": {**vars(asked), **asdict(evidence), "seconds": took_s},
        "chaos": {"runs": asked.chaos, "faults": chaotic},
        "deaths": asdict(walked),
        "evidence": {"mutations": asked.mutations, "unnoticed": unnoticed},
        "answers": {"sequences": asked.sequences, "fault": unlawful},
        "year": asdict(lived),
        "calls": {"of_each": asked.calls, "faults": undescribed},
        "console": {"pages_opened": opened, "faults": unsound},
        "fuzzing": asdict(fuzzed),
    }
    report["ok"] = _is_good(evidence, asked.rounds * asked.certificates) and not (
        chaotic
        or walked.faults
        or walked.missed
        or unnoticed
        or unlawful
        or lived.faults
        or undescribed
        or fuzzed.found
        or unsound
    )
    _keep(report)
    sys.stdout.write(json.dumps(report) + "\n")
    return 0 if report["ok"] else 1


async def _chaos(runs: int, seed: int, every: int) -> tuple[list[str], Walked]:
    """What so many runs through chaos came to, the first fault ends them; then deaths at each point."""
    servers = Servers()
    faults: list[str] = []
    try:
        with workplace() as work:
            async with chaos(work, functools.partial(servers.database, default_kind())) as both:
                for number in range(runs):
                    if faults := await both.run(seed + number):
                        break
                walk = Walk(both)
                return faults, await walk.through((await walk.points())[::every])
    finally:
        await asyncio.to_thread(servers.close)


async def _undescribed(examples: int) -> list[str]:
    """What so many made-up calls of each kind were answered that the API's description does not say."""
    servers = Servers()
    try:
        with workplace() as work:
            async with pair(work, servers) as both:
                await both.exchange("VN-SOAK-1")
                document = await both.vn.call("GET", "openapi.json")
                side = both.vn
                return await asyncio.to_thread(
                    explore, document, side.address.url, side.headers, examples=examples
                )
    finally:
        await asyncio.to_thread(servers.close)


def _unlawful(count: int, seed: int) -> str | None:
    """Where so many sequences of answers first differ from the model of the law."""
    servers = Servers()
    try:
        with tempfile.TemporaryDirectory() as folder:
            world = World(servers, Path(folder))
            try:
                sequences(world, count, seed)
            except AssertionError as difference:
                return "".join(traceback.format_exception(difference))
            finally:
                world.close()
    finally:
        servers.close()
    return None


def _is_good(evidence: Evidence, expected: int) -> bool:
    met = evidence.met_sending and evidence.met_unreceipted and evidence.repeats
    return not evidence.faults and evidence.accepted == expected and bool(met)


def _keep(report: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"soak-{report['date']}.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
