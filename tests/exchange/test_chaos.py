"""Fifty seeded runs of all that can go wrong: none lost, none twice, no receipt for what was not kept."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tests.exchange.chaos import TH, VN, chaos
from tests.servers import Servers

RUNS = 10


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
