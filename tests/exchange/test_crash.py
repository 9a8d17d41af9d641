"""What was answered 202 survives the killing of either gateway, and arrives exactly once."""

from __future__ import annotations

import pytest

from tests.exchange.crash import Crash, workplace


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
