"""
``python -m bench``: how many certificates a second, and what each costs, beside a straight line.

    judge certificates
    start PostgreSQL -> for each scenario: two gateways -> reference, ours, reference, ours, … -> medians

Progress and tables for people go to standard error; the last line on standard output is one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.certificates import BothWays, Certificates
from bench.database import Server, server
from bench.figures import Check, Pair, Scenario, details, summary
from bench.gateways import Neighbourhood, neighbourhood
from bench.ground import Ground
from bench.judging import measure
from bench.options import CHECKS, Options, read_options
from bench.plotting import picture
from bench.processes import machine
from bench.profiling import read_profile, sampled
from bench.reference import StraightLine, straight_line
from bench.run import Bench
from bench.stages import stages
from bench.telling import Teller, median_cpu
from bench.together import BenchmarkFailed
from gateway.trust.make import Kind

WARM_UP = 200


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
        pairs: dict[str, list[Pair]] = {}
        if self._options.scenarios or self._options.checks:
            self._teller.say("Starting PostgreSQL")
            async with server(self._work / "database") as postgresql:
                report["machine"] = machine(postgresql.version)
                if self._options.scenarios:
                    report["runs"] = await self._runs(postgresql, pairs)
                if self._options.checks:
                    report["checks"] = [check.summary() for check in await self._checks(postgresql)]
        self._keep(report, pairs)
        return report

    async def _runs(self, postgresql: Server, pairs: dict[str, list[Pair]]) -> list[dict[str, Any]]:
        reference = await asyncio.to_thread(straight_line, self._teller.say)
        began = time.monotonic()
        database = await postgresql.create("reference")
        runs = []
        for place, scenario in enumerate(self._options.scenarios, 1):
            until = began + 60 * self._options.minutes * place / len(self._options.scenarios)
            measured = await self._measure(scenario, reference, postgresql, database, until)
            pairs[scenario.name] = measured
            run = summary(scenario, self._options.certificates, reference.name, measured)
            runs.append(run)
            if not scenario.both_ways:  # there each gateway is sender and receiver
                pure = await asyncio.to_thread(stages, scenario.items, Kind(scenario.algorithm))
                run["stages_ms"] = pure.table(median_cpu(measured))
                self._teller.stages(scenario.name, run["stages_ms"])
        return runs

    async def _checks(self, postgresql: Server) -> list[Check]:
        options = self._options
        ground = Ground(
            work=self._work,
            server=postgresql,
            say=self._teller.say,
            certificates=options.certificates,
            rounds=options.pairs,
            stored=options.stored,
            backlog=options.backlog,
            carried=options.carried,
        )
        checks = []
        for name in options.checks:
            self._teller.say(f"{name}: starting")
            checks.append(await CHECKS[name](ground))
            self._teller.check(checks[-1])
        return checks

    async def _measure(
        self, scenario: Scenario, reference: StraightLine, postgresql: Server, database: str, until: float
    ) -> list[Pair]:
        count = self._options.certificates
        today = datetime.now(UTC).date()
        certificates = (
            BothWays(scenario.items, today) if scenario.both_ways else Certificates(scenario.items, today)
        )
        self._teller.say(f"{scenario.name}: starting two gateways; certificates of {certificates.size} bytes")
        async with neighbourhood(
            self._work / scenario.name,
            postgresql,
            name=scenario.name.replace("-", "_"),
            acknowledgements=scenario.answered,
            signing=Kind(scenario.algorithm),
        ) as gateways:
            await postgresql.slow_commits(scenario.commit_takes_ms)
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
            await postgresql.slow_commits(0)
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
        certificates: Certificates | BothWays,
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
        if (keep := self._options.keep) is not None:
            runs = [{**run, "pairs": details(pairs[run["name"]])} for run in report.get("runs", [])]
            keep.parent.mkdir(parents=True, exist_ok=True)
            keep.write_text(json.dumps({**report, "runs": runs}, indent=1) + "\n", "utf-8")
            keep.with_suffix(".svg").write_bytes(picture(report))


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
