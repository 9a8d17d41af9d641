"""What was answered 202 survives the killing of either gateway, and arrives exactly once."""

from __future__ import annotations

import pytest

from tests.exchange.crash import SENDER, Crash, workplace
from tests.exchange.takeover import Takeover
from tests.servers import Servers


@pytest.mark.timeout(1200)
async def test_a_killed_gateway_loses_nothing_and_repeats_nothing() -> None:
    with workplace() as work:
        evidence = await Crash(work, seed=20261121).run(rounds=3, certificates=500)

    assert evidence.faults == []
    assert evidence.accepted == 3 * 500
    # Without these the kills would have proved nothing.
    assert evidence.met_sending > 0
    assert evidence.met_unreceipted > 0
    assert evidence.repeats > 0


@pytest.mark.timeout(300)
async def test_of_two_nodes_on_one_database_either_may_be_killed_and_its_lane_moves_within_seconds(
    servers: Servers, server_kind: str
) -> None:
    async with servers.database(server_kind) as url:
        with workplace() as work:
            takeover = Takeover(work, 20261122, {SENDER: url})
            evidence = await takeover.run(rounds=1, certificates=150)

    assert evidence.faults == []
    assert evidence.accepted == 150
    assert evidence.met_sending > 0
    assert len(takeover.moves.seconds) == evidence.kills == 2
    assert max(takeover.moves.seconds) < 20
