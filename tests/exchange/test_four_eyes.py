"""What changes whom we believe waits for two people, over restarts and on every node."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.demo.country import Address, free_addresses
from gateway.domain.caller import Role
from gateway.domain.ids import PartyId
from gateway.domain.merkle import leaf_hash, root_by_inclusion
from gateway.identity.grants import load_grants
from gateway.observe.four_eyes import FourEyes, in_words
from gateway.registry.folder import over_shipped
from gateway.registry.load import load_registry
from gateway.registry.parties import load_parties
from gateway.store.ledger import Ledger
from tests.exchange.nodes import bearer, node, node_settings
from tests.exchange.pair import NOON, TH, VN, Papers, write_corridor

HOUR = timedelta(hours=1)
ADMINISTRATOR, OTHER = (Role.ADMINISTRATOR,), (Role.ADMINISTRATOR, Role.OPERATOR)


class House:
    """The files of VN.MOIT, and who guards them."""

    def __init__(self, work: Path, ledger: Ledger, address: Address | None = None) -> None:
        self.work, self.ledger = work, ledger
        self.address = address or Address(api=1, exchange=8443)
        self.papers = {party: Papers(party) for party in (VN, TH)}
        self.write()
        write_corridor(work)

    def write(self) -> None:
        for papers in self.papers.values():
            papers.write(self.work, self.address)

    def schedule(self) -> None:
        """Lay down another signing certificate of TH.CUSTOMS."""
        th = self.papers[TH]
        th.sign.append(th.for_seals(NOON + HOUR, NOON + 999 * HOUR))
        self.write()

    def guard(self, name: str = "one") -> FourEyes:
        """As a node has it that starts."""
        laid_down = over_shipped(self.work / "registry")
        return FourEyes(laid_down, self.work / "roles.toml", self.work / name, lambda: NOON)

    async def waiting(self) -> str:
        """The one change that waits."""
        (change,) = await self.ledger.trust_changes()
        return change.sha256

    async def approve(self, *who: str) -> None:
        change = await self.waiting()
        for each in who:
            await self.ledger.approve_trust(change, who=each, reason=None, at=NOON + HOUR)

    def seals(self, eyes: FourEyes) -> int:
        """How many signing certificates of TH.CUSTOMS count."""
        return len(load_parties(eyes.folder)[PartyId(TH)].sign)


@pytest.fixture
def house(tmp_path: Path, ledger: Ledger) -> House:
    (tmp_path / "roles.toml").write_text('[roles]\noperator = ["ops"]\n')
    return House(tmp_path, ledger)


async def test_what_was_there_first_counts_and_a_change_waits_over_a_restart(house: House) -> None:
    first = house.guard()
    await first.look(house.ledger)
    house.schedule()
    (house.work / "roles.toml").write_text('[roles]\nadministrator = ["everybody"]\n')
    await first.look(house.ledger)

    restarted = house.guard("two")
    await restarted.look(house.ledger)

    for eyes in (first, restarted):
        assert house.seals(eyes) == 1
        assert eyes.roles is not None
        assert "everybody" not in eyes.roles.read_text("utf-8")
    (change,) = await house.ledger.trust_changes()
    assert '+administrator = ["everybody"]' in change.words
    assert "certs/trust/th.customs.sign-2.pem: new" in change.words


async def test_roles_that_two_people_approved_count_after_a_restart_and_are_in_the_log(house: House) -> None:
    eyes = house.guard()
    await eyes.look(house.ledger)
    (house.work / "roles.toml").write_text('[roles]\nadministrator = ["chiefs"]\n')
    await eyes.look(house.ledger)
    await house.approve("anna", "binh")

    restarted = house.guard("two")
    await restarted.look(house.ledger)

    assert restarted.roles is not None
    chief = load_grants(restarted.roles).person({"sub": "chi", "roles": ["chiefs"]})
    assert chief.caller.roles == {Role.ADMINISTRATOR}
    events, _ = await house.ledger.events(after=None, limit=50)
    assert [event.what for event in events][1:] == [
        "operator:trust-proposed",
        "operator:trust-approved",
        "operator:trust-approved",
    ]
    assert [event.who for event in events][2:] == ["anna", "binh"]
    assert await house.ledger.log.grow() == len(events)
    for event in events:
        proved = await house.ledger.log.inclusion(event.cursor)
        hashed = leaf_hash(proved.entry.encode())
        assert root_by_inclusion(proved.leaf, proved.size, hashed, proved.proof) == proved.root


async def test_a_party_that_nobody_approved_is_none_even_at_the_start(house: House) -> None:
    await house.guard().look(house.ledger)
    Papers("MY.CUSTOMS").write(house.work, house.address)

    restarted = house.guard("two")
    await restarted.look(house.ledger)

    assert sorted(load_parties(restarted.folder)) == [TH, VN]


async def test_every_node_takes_over_what_two_people_approved(house: House) -> None:
    nodes = [house.guard("one"), house.guard("two")]
    await nodes[0].look(house.ledger)
    house.schedule()
    await nodes[0].look(house.ledger)

    await house.approve("anna")
    await nodes[1].look(house.ledger)
    assert house.seals(nodes[1]) == 1

    await house.approve("binh")
    for each in nodes:
        await each.look(house.ledger)
        assert house.seals(each) == 2


async def test_going_back_to_what_was_in_force_must_be_approved_anew(house: House) -> None:
    eyes = house.guard()
    await eyes.look(house.ledger)
    house.schedule()
    await eyes.look(house.ledger)
    await house.approve("anna", "binh")
    await eyes.look(house.ledger)
    (house.work / "registry/certs/trust/th.customs.sign-2.pem").unlink()
    house.papers[TH].sign.pop()
    house.write()

    await eyes.look(house.ledger)

    assert house.seals(eyes) == 2
    await house.approve("anna")
    await eyes.look(house.ledger)
    assert house.seals(eyes) == 2
    await house.ledger.approve_trust(await house.waiting(), who="binh", reason=None, at=NOON + 2 * HOUR)
    await eyes.look(house.ledger)
    assert house.seals(eyes) == 1


async def test_a_machine_whose_files_lag_behind_proposes_nothing(house: House, tmp_path: Path) -> None:
    here, there = house.guard(), House(tmp_path / "there", house.ledger)
    there.papers = house.papers
    there.write()
    (there.work / "roles.toml").write_bytes((house.work / "roles.toml").read_bytes())
    lagging = there.guard()
    for eyes in (here, lagging):
        await eyes.look(house.ledger)
    house.schedule()
    await here.look(house.ledger)
    await house.approve("anna", "binh")

    await lagging.look(house.ledger)

    assert (await house.ledger.trust_changes(), house.seals(lagging)) == ([], 2)


async def test_what_was_rejected_waits_no_longer_and_is_not_taken(house: House) -> None:
    eyes = house.guard()
    await eyes.look(house.ledger)
    house.schedule()
    await eyes.look(house.ledger)

    await house.ledger.reject_trust(await house.waiting(), who="anna", reason="not ours", at=NOON)
    await eyes.look(house.ledger)

    assert (await house.ledger.trust_changes(), house.seals(eyes)) == ([], 1)
    events, _ = await house.ledger.events(after=None, limit=50)
    assert [event.what for event in events] == [
        "operator:trust-proposed",
        "operator:trust-proposed",
        "operator:trust-rejected",
    ]


async def test_faulty_files_are_not_even_proposed(house: House) -> None:
    eyes = house.guard()
    await eyes.look(house.ledger)
    file = house.work / "registry/mappings/parties/th.customs.toml"
    file.write_text(file.read_text("utf-8").replace("endpoint", "endpiont"), "utf-8")

    await eyes.look(house.ledger)

    assert await house.ledger.trust_changes() == []


def test_a_change_is_told_in_words() -> None:
    before = {"mappings/parties/a.toml": b'id = "A"\nname = "x"\n', "certs/trust/a.pem": b"-"}
    after = {"mappings/parties/a.toml": b'id = "A"\nname = "y"\n'}

    assert list(in_words(before, after)) == [
        "certs/trust/a.pem: gone",
        "- no certificate",
        "mappings/parties/a.toml: changed",
        '-name = "x"',
        '+name = "y"',
    ]


@pytest.mark.timeout(120)
async def test_a_running_node_waits_for_two_different_people(
    tmp_path: Path, ledger: Ledger, database_url: str
) -> None:
    address = free_addresses([VN])[VN]
    house = House(tmp_path, ledger, address)
    eyes = FourEyes(over_shipped(tmp_path / "registry"), None, tmp_path / "kept", lambda: NOON)
    await eyes.look(ledger)
    settings = node_settings(VN, address, tmp_path, clock=NOON)
    registry = load_registry(eyes.folder)

    async with (
        node(settings, registry, database_url, eyes=eyes),
        aiohttp.ClientSession(f"{address.url}/api/v1/") as session,
    ):

        async def call(method: str, path: str, roles: tuple[Role, ...] = OTHER) -> tuple[int, Any]:
            async with session.request(method, path, headers=bearer(settings, *roles)) as answer:
                return answer.status, await answer.json()

        async def until(path: str, enough: int) -> list[dict[str, Any]]:
            async with asyncio.timeout(40):
                while True:
                    _, body = await call("GET", path)
                    items: list[dict[str, Any]] = body["items"]
                    if len(items[0]["certificates"] if path == "parties" and items else items) >= enough:
                        return items
                    await asyncio.sleep(0.1)

        house.schedule()
        (change,) = await until("changes", 1)
        approve = f"changes/{change['id']}/approve"
        assert (await call("POST", approve, ADMINISTRATOR))[1]["state"] == "waits for another person"
        assert (await call("POST", approve, ADMINISTRATOR))[0] == 409
        assert len((await until("parties", 1))[0]["certificates"]) == 2
        assert (await call("POST", approve, OTHER))[1]["state"] == "in force"
        assert len((await until("parties", 3))[0]["certificates"]) == 3
