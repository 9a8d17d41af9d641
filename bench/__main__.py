"""
``python -m bench``: how many certificates a second, and what each costs, beside a straight line.

    judge certificates
    start PostgreSQL -> for each scenario: two gateways -> reference, ours, reference, ours, … -> medians

Progress and tables for people go to standard error; the last line on standard output is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.certificates import Certificates
from bench.database import Server, server
from bench.figures import SCENARIOS, Pair, Scenario, details, summary
from bench.gateways import Neighbourhood, neighbourhood
from bench.judging import measure
from bench.processes import machine
from bench.profiling import read_profile, sampled
from bench.reference import StraightLine, straight_line
from bench.run import Bench
from bench.telling import Teller, median_cpu
from bench.together import BenchmarkFailed

WARM_UP = 200
JUDGING = "judging"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    What was asked for.

    Attributes:
        certificates: in each measured run.
        pairs: how often reference and gateways take turns.
        judging: whether what judging costs is measured as well.
        keep: where the figures of every pair are kept as well.
        minutes: no pair is begun that would end later, but each scenario gets one in any case.
        profile: whether to say where the CPU time goes, by one more run of each scenario.
    """

    scenarios: Sequence[Scenario]
    judging: bool
    certificates: int
    pairs: int
    minutes: int
    keep: Path | None
    profile: bool


def read_options(arguments: Sequence[str]) -> Options:
    """Read the command line; wrong use ends the process with status 2."""
    names = [*(scenario.name for scenario in SCENARIOS), JUDGING]
    parser = argparse.ArgumentParser(prog="bench", description="Measure two gateways beside a straight line.")
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=names, help=f"one of {', '.join(names)}"
    )
    parser.add_argument("--certificates", type=_count, default=2000, metavar="N", help="in each run (2000)")
    parser.add_argument("--pairs", type=_count, default=3, metavar="N", help="runs of each side (3)")
    parser.add_argument(
        "--keep-json", type=Path, metavar="PATH", help="keep every pair's figures in this file"
    )
    parser.add_argument(
        "--minutes", type=_count, default=4, metavar="N", help="begin no pair that would end later (4)"
    )
    parser.add_argument("--profile", action="store_true", help="say where the CPU time goes, by one more run")
    given = parser.parse_args(arguments)
    return Options(
        scenarios=[scenario for scenario in SCENARIOS if not given.only or scenario.name in given.only],
        judging=not given.only or JUDGING in given.only,
        certificates=given.certificates,
        pairs=given.pairs,
        minutes=given.minutes,
        keep=given.keep_json,
        profile=given.profile,
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


class Benchmark:
    """All scenarios, one after the other; ``work`` is a folder of its own that holds everything it writes."""

    def __init__(self, options: Options, work: Path, teller: Teller) -> None:
        self._options = options
        self._work = work
        self._teller = teller
        self._pair_took_s = 0.0

    async def run(self) -> dict[str, Any]:
        """
        Measure everything.

        Raises:
            BenchmarkFailed: figures that count for nothing, and why.
        """
        report: dict[str, Any] = {}
        if self._options.judging:
            judging = measure()
            self._teller.judging(judging)
            report["judging"] = judging.summary()
        if self._options.scenarios:
            report |= await self._runs()
        return report

    async def _runs(self) -> dict[str, Any]:
        reference = await asyncio.to_thread(straight_line, self._teller.say)
        self._teller.say("Starting PostgreSQL")
        began = time.monotonic()
        pairs: dict[str, list[Pair]] = {}
        async with server(self._work / "database") as postgresql:
            database = await postgresql.create("reference")
            for place, scenario in enumerate(self._options.scenarios, 1):
                until = began + 60 * self._options.minutes * place / len(self._options.scenarios)
                pairs[scenario.name] = await self._measure(scenario, reference, postgresql, database, until)
            facts = machine(postgresql.version)
        count = self._options.certificates
        runs = [summary(each, count, reference.name, pairs[each.name]) for each in self._options.scenarios]
        report = {"machine": facts, "runs": runs}
        self._keep(report, pairs)
        return report

    async def _measure(
        self, scenario: Scenario, reference: StraightLine, postgresql: Server, database: str, until: float
    ) -> list[Pair]:
        count = self._options.certificates
        certificates = Certificates(scenario.items, datetime.now(UTC).date())
        self._teller.say(f"{scenario.name}: starting two gateways; certificates of {certificates.size} bytes")
        async with neighbourhood(
            self._work / scenario.name,
            postgresql,
            name=scenario.name.replace("-", "_"),
            acknowledgements=scenario.answered,
        ) as gateways:
            ours = Bench(scenario, gateways, postgresql)
            storage = await postgresql.storage()
            pairs: list[Pair] = []
            while self._has_time_for_a_pair(len(pairs), until):
                began = time.monotonic()
                line = await reference.run(scenario, count, database=database, storage=storage)
                submissions = certificates.take(count)
                await postgresql.settle()
                await ours.run(certificates.take(WARM_UP))
                pairs.append(Pair(await ours.run(submissions), line))
                self._pair_took_s = time.monotonic() - began
                self._teller.pair(scenario.name, len(pairs), pairs[-1])
            if self._options.profile:
                await self._profile(scenario, ours, gateways, certificates, pairs)
        return pairs

    def _has_time_for_a_pair(self, done: int, until: float) -> bool:
        if done in (0, self._options.pairs):
            return done == 0
        enough = time.monotonic() + self._pair_took_s <= until
        if not enough:
            self._teller.say(f"No time for more than {done} of {self._options.pairs} pairs (see --minutes)")
        return enough

    async def _profile(
        self,
        scenario: Scenario,
        ours: Bench,
        gateways: Neighbourhood,
        certificates: Certificates,
        pairs: Sequence[Pair],
    ) -> None:
        self._teller.say(f"{scenario.name}: once more, under the profiler")
        submissions = certificates.take(self._options.certificates)
        files = [self._work / scenario.name / f"{side}.folded" for side in ("sender", "receiver")]
        pids = (gateways.sender.pid, gateways.receiver.pid)
        await ours.run(submissions, meanwhile=sampled(dict(zip(files, pids, strict=True))))
        cpu = median_cpu(pairs)
        for file, cost in zip(files, (cpu.sender, cpu.receiver), strict=True):
            with file.open(encoding="utf-8", errors="replace") as folded:
                self._teller.profile(f"{scenario.name}, {file.stem}", read_profile(folded), cost)

    def _keep(self, report: dict[str, Any], pairs: dict[str, list[Pair]]) -> None:
        if self._options.keep is not None:
            runs = [{**run, "pairs": details(pairs[run["name"]])} for run in report["runs"]]
            self._options.keep.write_text(json.dumps({**report, "runs": runs}, indent=1) + "\n", "utf-8")


def main() -> int:
    """Run the benchmark; 0 when every run's figures count, else 1."""
    options = read_options(sys.argv[1:])
    teller = Teller()
    with tempfile.TemporaryDirectory(prefix="eco-gateway-bench-") as folder:
        work = Path(folder)
        work.chmod(0o711)  # as root, PostgreSQL runs as somebody else and must reach its data folder
        try:
            report = asyncio.run(Benchmark(options, work, teller).run())
        except BenchmarkFailed as failed:
            teller.say(f"FAILED: {failed}")
            return 1
        except KeyboardInterrupt:
            return 130
    if "runs" in report:
        teller.runs(report["runs"])
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
