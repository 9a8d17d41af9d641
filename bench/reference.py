"""
What our figures are held against: a straight line that does the work of a certificate and nothing else.

``lightspeed.py``, where it lies beside the project, is run as it is, in a virtual environment made from its
own requirements. Elsewhere ``bench.straight`` takes its place. Both run on the benchmark's own server and
print what they measured as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Reference, Scenario
from bench.together import BenchmarkFailed
from bench.tools import ROOT, NotInstalled, installed

LIGHTSPEED = ROOT.parent / "shared" / "bench" / "lightspeed.py"

_CLEARS_UP_WITHIN_S = 20.0


class ReferenceFailed(BenchmarkFailed):
    """The straight line did not come through."""


@dataclass(frozen=True, slots=True)
class StraightLine:
    """
    A program that measures a straight line.

    Attributes:
        command: how it is called, without what depends on the run.
    """

    name: str
    command: Sequence[str]

    async def run(self, scenario: Scenario, certificates: int, *, database: str, storage: str) -> Reference:
        """
        Carry *certificates* through.

        Args:
            database: where it makes a schema of its own, anew each time.
            storage: how the server stores exact bytes, ``lz4`` or ``external``.

        Raises:
            ReferenceFailed: it lost or doubled something, or broke.
        """
        process = await asyncio.create_subprocess_exec(
            *self.command,
            *("--dsn", database, "--count", str(certificates), "--items", str(scenario.items)),
            *("--algorithm", scenario.algorithm, "--concurrency", str(scenario.in_flight)),
            *("--storage", storage),
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("ECO_GATEWAY_")},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C in a terminal reaches it by us, and once
        )
        try:
            told, complaint = await process.communicate()
        except asyncio.CancelledError:
            await _end(process)
            raise
        if process.returncode != 0:
            text = (told + complaint).decode(errors="replace")[-2000:]
            raise ReferenceFailed(f"{self.name} ended with {process.returncode}: {text}")
        return read_report(told)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a straight line as Ctrl-C would, so that it clears up after itself; insist where it does not."""
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), _CLEARS_UP_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def read_report(told: bytes) -> Reference:
    """
    The figures in what a straight line printed.

    Raises:
        ReferenceFailed: it says itself that they count for nothing, or does not say enough.
    """
    try:
        report = json.loads(told)
        good, figures = (
            report["ok"],
            Reference(
                certificates_per_second=report["certs_per_s"],
                p99_ms=report["latency_ms"]["p99"],
                cpu_ms=report["cpu_ms_per_cert"]["total"],
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ReferenceFailed(f"its report cannot be read: {error!r}: {told[:300]!r}") from error
    if good is not True:
        raise ReferenceFailed(f"it lost or doubled something: {told.decode(errors='replace')}")
    return figures


def straight_line(say: Callable[[str], None], lightspeed: Path = LIGHTSPEED) -> StraightLine:
    """The reference for this machine; *say* is told when it is not ``lightspeed.py``, and why."""
    own = StraightLine("straight", [sys.executable, "-m", "bench.straight"])
    if not lightspeed.is_file():
        say("lightspeed.py is not beside the project: the reference is our own straight line")
        return own
    try:
        requirements = lightspeed.with_name("requirements.txt")
        python = installed("lightspeed", f"-r{requirements}") / "python"
    except NotInstalled as error:
        say(f"lightspeed.py cannot run here: the reference is our own straight line ({error})")
        return own
    return StraightLine("lightspeed", [str(python), str(lightspeed), "--signer", "xmlsec"])
