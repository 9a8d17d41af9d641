"""What a node reads that it did not read before is told file by file, running or restarted."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.country import Address
from gateway.domain.ids import PartyId
from gateway.observe.credentials import CredentialsWatch
from gateway.registry.folder import Folder
from gateway.registry.parties import LiveParties, load_parties
from gateway.store.ledger import Ledger
from gateway.trust.credentials import Credentials
from gateway.trust.keys import load_keys
from tests.exchange.pair import NOON, TH, VN, Papers

ADDRESS = Address(api=1, exchange=8443)


class House:
    """VN.MOIT's node, as often as it is started."""

    def __init__(self, work: Path, ledger: Ledger) -> None:
        self.work, self.ledger = work, ledger
        self.papers = {party: Papers(party) for party in (VN, TH)}
        for papers in self.papers.values():
            papers.write(work, ADDRESS)
        self.roles = work / "roles.toml"
        self.roles.write_text('[roles]\noperator = ["ops"]\n')

    def clock(self) -> datetime:
        return NOON

    async def started(self, name: str = "one") -> CredentialsWatch:
        folder, keys = Folder((self.work / "registry",)), self.work / "keys" / VN
        parties = LiveParties(load_parties(folder))
        own = load_keys(keys, parties[PartyId(VN)], NOON)
        credentials = Credentials(folder, keys, parties=parties, home=PartyId(VN), keys=own, clock=self.clock)
        watch = CredentialsWatch(credentials, self.ledger, self.clock, self.roles)
        await watch.begin(name)
        return watch

    async def told(self) -> list[dict[str, Any]]:
        events, _ = await self.ledger.events(after=None, limit=50)
        return [event.detail or {} for event in events if event.what == "operator:configured"]


@pytest.fixture
def house(tmp_path: Path, ledger: Ledger) -> House:
    return House(tmp_path, ledger)


async def test_a_restart_with_the_same_files_is_no_change(house: House) -> None:
    await house.started()
    await house.started()
    await house.started("another")

    assert await house.told() == []


async def test_what_changed_while_a_node_was_down_is_told_by_hash(house: House) -> None:
    await house.started()
    file = house.work / "registry/mappings/parties/th.customs.toml"
    file.write_text(file.read_text("utf-8") + "# reviewed\n", "utf-8")
    (house.work / "registry/certs/trust/stray.pem").write_bytes(b"")
    house.roles.write_text('[roles]\nadministrator = ["ops"]\n')

    await house.started()
    (house.work / "registry/certs/trust/stray.pem").unlink()
    await house.started()

    first, second = await house.told()
    assert first["files"] == {
        "mappings/parties/th.customs.toml": hashlib.sha256(file.read_bytes()).hexdigest(),
        "certs/trust/stray.pem": hashlib.sha256(b"").hexdigest(),
        "roles": hashlib.sha256(house.roles.read_bytes()).hexdigest(),
    }
    assert (second["was"], second["files"]) == (first["is"], {"certs/trust/stray.pem": None})


async def test_a_running_node_tells_of_what_it_takes_over(house: House) -> None:
    watch = await house.started()
    mine = house.papers[VN]
    mine.sign.append(mine.for_seals(NOON + timedelta(hours=1), NOON + timedelta(days=99)))
    mine.write(house.work, ADDRESS)

    await watch.look()

    (told,) = await house.told()
    changed = [name for name in told["files"] if name.startswith("key for sign")]
    assert changed == ["key for sign: vn.moit.sign-2.pem"]
    assert "certs/trust/vn.moit.sign-2.pem" in told["files"]
