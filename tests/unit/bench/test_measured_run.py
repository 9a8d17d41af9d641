"""A benchmark in small: real gateways, a real server, a straight line beside them."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.certificates import Certificates
from bench.database import server
from bench.figures import SCENARIOS
from bench.gateways import neighbourhood
from bench.reference import StraightLine
from bench.run import Bench

ANSWERED = next(scenario for scenario in SCENARIOS if scenario.answered)


@pytest.fixture
def work() -> Iterator[Path]:
    """A folder that the server's own account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="eco-gateway-bench-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.timeout(180)
async def test_all_that_was_handed_in_is_answered_and_what_it_cost_is_known(work: Path) -> None:
    certificates = Certificates(3, datetime.now(UTC).date())
    async with server(work / "database") as postgresql:
        acknowledged = neighbourhood(work / "run", postgresql, name="run", acknowledgements=True)
        async with acknowledged as gateways:
            bench = Bench(ANSWERED, gateways, postgresql)
            await bench.run(certificates.take(20))

            measured = await bench.run(certificates.take(20))

    assert 0 < measured.p50_ms <= measured.p99_ms
    assert measured.certificates_per_second > 0
    assert min(measured.cpu_ms.sender, measured.cpu_ms.receiver, measured.cpu_ms.postgresql) > 0
    assert measured.rss_mb > 20


@pytest.mark.timeout(180)
async def test_our_own_straight_line_comes_through(work: Path) -> None:
    line = StraightLine("straight", [sys.executable, "-m", "bench.straight"])
    async with server(work / "database") as postgresql:
        database = await postgresql.create("reference")
        storage = await postgresql.storage()
        figures = await line.run(ANSWERED, 20, database=database, storage=storage)

    assert figures.certificates_per_second > 0
    assert figures.cpu_ms > 0
