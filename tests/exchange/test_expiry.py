"""Nodes of one database tell each ending certificate once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.demo.country import Address
from gateway.domain.ids import PartyId
from gateway.observe.credentials import CredentialsWatch
from gateway.registry.folder import Folder
from gateway.registry.parties import LiveParties, load_parties
from gateway.store.ledger import Ledger
from gateway.trust.credentials import Credentials
from gateway.trust.keys import load_keys
from tests.exchange.pair import NOON, TH, VN, Papers

DAY = timedelta(days=1)


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    """TH.CUSTOMS seals with a certificate for ten days more."""
    for papers in (Papers(VN), Papers(TH, begins=NOON - DAY, ends=NOON + 10 * DAY)):
        papers.write(tmp_path, Address(api=1, exchange=8443))
    folder, keys = Folder((tmp_path / "registry",)), tmp_path / "keys" / VN
    parties = LiveParties(load_parties(folder))
    own = load_keys(keys, parties[PartyId(VN)], NOON)
    return Credentials(folder, keys, parties=parties, home=PartyId(VN), keys=own, clock=lambda: NOON)


async def told(ledger: Ledger) -> list[tuple[str | None, int]]:
    events, _ = await ledger.events(after=None, limit=50)
    return [
        (event.party, (event.detail or {})["days"]) for event in events if event.what == "certificate:ending"
    ]


async def test_each_threshold_is_told_once_by_whichever_node_is_first(
    credentials: Credentials, ledger: Ledger
) -> None:
    moment = NOON
    nodes = [CredentialsWatch(credentials, ledger, lambda: moment) for _ in range(2)]
    with capture_logs() as lines:
        for day in (0, 0.5, 2, 3, 8, 9.5, 12):
            moment = NOON + day * DAY
            for node in nodes:
                await node.warn()

    assert await told(ledger) == [(TH, 14), (TH, 7), (TH, 1)]
    assert [line["event"] for line in lines] == ["certificate_ending"] * 3
