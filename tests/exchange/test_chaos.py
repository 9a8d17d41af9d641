"""Fifty seeded runs of all that can go wrong, and deaths at appointed points: nothing lost, nothing twice."""

from __future__ import annotations

import functools
import random
from pathlib import Path

import pytest

from tests.exchange.chaos import TH, VN, chaos
from tests.exchange.walk import Walk
from tests.servers import Servers

RUNS = 10
POINTS = 4  # of some three hundred; all of them are walked in ``make soak``


@pytest.mark.timeout(180)
@pytest.mark.parametrize("first", range(0, 50, RUNS))
async def test_runs_through_chaos_lose_double_and_forge_nothing(
    tmp_path: Path, servers: Servers, server_kind: str, first: int
) -> None:
    async with chaos(tmp_path, functools.partial(servers.database, server_kind)) as both:
        faults = [fault for seed in range(first, first + RUNS) for fault in await both.run(seed)]
        deaths = sum(both.side(party).deaths for party in (VN, TH))

    assert faults == []
    assert deaths >= 4  # else it proved little


@pytest.mark.timeout(180)
async def test_dying_at_any_point_of_delivery_and_receipt_loses_and_doubles_nothing(
    tmp_path: Path, servers: Servers, server_kind: str
) -> None:
    async with chaos(tmp_path, functools.partial(servers.database, server_kind)) as both:
        walk = Walk(both)
        points = await walk.points()
        walked = await walk.through(random.sample(points, POINTS))

    assert walked.faults == []
    assert walked.hit >= 1  # a point that is reached by chance alone may be missed
    assert len(points) > 150
    assert any("settle" in point.name for point in points)
    assert any("admit_certificates" in point.name for point in points)
