"""A benchmark in small: real gateways, a real server, a straight line beside them."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.certificates import BothWays, Certificates
from bench.database import server
from bench.drain import drain
from bench.figures import SCENARIOS, Scenario
from bench.gateways import RECEIVER, SENDER, neighbourhood
from bench.ground import Ground
from bench.reference import StraightLine
from bench.run import Bench
from bench.seeding import seed
from gateway.domain.status import Direction
from gateway.store.connect import connect
from gateway.store.ledger import Ledger

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
async def test_certificates_go_both_ways_at_once_on_a_slow_disk(work: Path) -> None:
    both = Scenario(name="both", answered=False, in_flight=4, both_ways=True)
    certificates = BothWays(2, datetime.now(UTC).date())
    async with (
        server(work / "database") as postgresql,
        neighbourhood(work / "run", postgresql, name="run") as gateways,
    ):
        await postgresql.slow_commits(2)
        bench = Bench(both, gateways, postgresql)
        await bench.catch_up()

        measured = await bench.run(certificates.take(21))

    assert measured.certificates_per_second > 0


@pytest.mark.timeout(180)
async def test_a_backlog_drains_when_its_party_is_back(work: Path) -> None:
    async with server(work / "database") as postgresql:
        ground = Ground(
            work=work,
            server=postgresql,
            say=lambda _: None,
            certificates=8,
            rounds=1,
            stored=1,
            backlog=20,
            carried=1,
        )
        drained = await drain(ground)

    assert drained.figures["backlog"] == 20
    assert drained.value > 0


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("party", "direction"), [(SENDER, Direction.OUT), (RECEIVER, Direction.IN)])
async def test_a_seeded_store_shows_what_it_has_seen(work: Path, party: str, direction: Direction) -> None:
    async with server(work / "database") as postgresql:
        database = await postgresql.create("seeded")
        await seed(database, party, 50)
        pool = await connect(database)
        rows, _ = await Ledger(pool).certificates(direction=direction, limit=100)
        await pool.close()

    assert len(rows) == 50


@pytest.mark.timeout(180)
async def test_our_own_straight_line_comes_through(work: Path) -> None:
    line = StraightLine("straight", [sys.executable, "-m", "bench.straight"])
    async with server(work / "database") as postgresql:
        database = await postgresql.create("reference")
        storage = await postgresql.storage()
        figures = await line.run(ANSWERED, 20, database=database, storage=storage)

    assert figures.certificates_per_second > 0
    assert figures.cpu_ms > 0
