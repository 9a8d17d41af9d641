"""Lists are fetched beside the exchange, for all nodes; a party's file says whether they must be fresh."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509

from gateway.demo.country import Address
from gateway.domain.corridor import Party
from gateway.domain.errors import CannotTell, SealRefused
from gateway.domain.ids import PartyId
from gateway.observe.evidence_check import check_evidence
from gateway.observe.revocation import MOST_BYTES, RevocationWatch, stale
from gateway.registry.folder import Folder
from gateway.registry.parties import LiveParties, load_parties
from gateway.store.ledger import Ledger
from gateway.trust.check import check_seal
from gateway.trust.credentials import Credentials
from gateway.trust.keys import OwnKey, load_keys
from gateway.trust.seal import seal
from gateway.watch.watcher import Watcher
from tests.exchange.pair import NOON, TH, VN, Pair, Papers, is_acknowledged, pair
from tests.messages import a_message
from tests.revocation import DAY, Publisher, published, revocation_list
from tests.servers import Servers

HOUR = timedelta(hours=1)


class House:
    """VN.MOIT at home, and TH.CUSTOMS, whose authority publishes its list."""

    def __init__(self, work: Path, ledger: Ledger, publisher: Publisher, fail: str = "soft") -> None:
        self.work, self.ledger, self.publisher = work, ledger, publisher
        self.now = NOON
        self.papers = Papers(TH)
        for papers in (Papers(VN), self.papers):
            papers.write(work, Address(api=1, exchange=8443))
        wants_lists(work, TH, publisher.url, fail)

    def clock(self) -> datetime:
        return self.now

    def node(self, client: aiohttp.ClientSession) -> tuple[Credentials, RevocationWatch]:
        """A node of VN.MOIT as it starts."""
        folder, keys = Folder((self.work / "registry",)), self.work / "keys" / VN
        parties = LiveParties(load_parties(folder))
        credentials = Credentials(
            folder,
            keys,
            parties=parties,
            home=PartyId(VN),
            keys=load_keys(keys, parties[PartyId(VN)], NOON),
            clock=self.clock,
        )
        return credentials, RevocationWatch(credentials, self.ledger, self.clock, client, HOUR / 12)

    def judge(self, credentials: Credentials) -> None:
        """Check a seal of TH.CUSTOMS as of now."""
        party = credentials.others[PartyId(TH)]
        own = OwnKey(private=self.papers.sign[0].issued.private, certificate=party.sign[0])
        raw = seal(a_message(), own)
        check_seal(raw, registered=party.sign, anchor=party.anchor, at=self.now)

    def published(self, *revoked: x509.Certificate, issued: datetime = NOON - HOUR) -> bytes:
        return revocation_list(self.papers.anchor, *revoked, issued=issued)


def wants_lists(work: Path, party: str, url: str, fail: str) -> None:
    """Add to the party's file where its lists are."""
    file = work / f"registry/mappings/parties/{party.lower()}.toml"
    policy = f'[revocation]\nurls = ["{url}"]\nfail = "{fail}"\n'
    file.write_text(f"{file.read_text('utf-8')}{policy}", "utf-8")


def held(credentials: Credentials) -> Party:
    return credentials.others[PartyId(TH)]


def fault_of(credentials: Credentials) -> str | None:
    policy = held(credentials).revocation
    assert policy is not None
    return policy.sources[0].fault


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with published() as publisher:
        yield publisher


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def house(tmp_path: Path, ledger: Ledger, publisher: Publisher) -> House:
    return House(tmp_path, ledger, publisher)


async def test_what_the_authority_publishes_counts_at_once_and_is_told(
    house: House, client: aiohttp.ClientSession
) -> None:
    credentials, lists = house.node(client)
    house.publisher.gives = house.published(house.papers.sign[0].issued.certificate)

    await lists.look()

    with pytest.raises(SealRefused, match="was revoked by its authority at") as refused:
        house.judge(credentials)
    assert (refused.value.step, refused.value.code) == (5, "G02")
    events, _ = await house.ledger.events(after=None, limit=10)
    assert [event.what for event in events] == ["revocation:taken"]


async def test_a_list_is_fetched_once_for_all_nodes_and_outlives_its_source_and_a_restart(
    house: House, client: aiohttp.ClientSession
) -> None:
    (_, first), (other, second) = house.node(client), house.node(client)
    house.publisher.gives = house.published(house.papers.sign[0].issued.certificate)
    await first.look()
    house.publisher.gives = None
    await second.look()
    house.now += 2 * HOUR
    restarted, third = house.node(client)

    await third.look()

    assert (house.publisher.asked, fault_of(restarted)) == (2, "it answers 404")
    for credentials in (other, restarted):
        with pytest.raises(SealRefused, match="was revoked"):
            house.judge(credentials)


async def test_a_reading_of_the_files_keeps_what_was_fetched(
    house: House, client: aiohttp.ClientSession
) -> None:
    credentials, lists = house.node(client)
    house.publisher.gives = house.published()
    await lists.look()
    before = held(credentials)

    assert credentials.reread() == ()
    assert held(credentials).lists == before.lists != ()


STRANGER = Papers(TH)


@pytest.mark.parametrize(
    ("gives", "fault"),
    [
        pytest.param(revocation_list(STRANGER.anchor, issued=NOON), "not signed by an anchor", id="stranger"),
        pytest.param(b"<html>", "is no certificate revocation list", id="no-list"),
        pytest.param(b"0" * (MOST_BYTES + 1), "more than 16777216 bytes", id="too-large"),
        pytest.param(None, "it answers 404", id="missing"),
    ],
)
async def test_what_is_not_the_authoritys_list_changes_nothing_and_is_told_once(
    house: House, client: aiohttp.ClientSession, gives: bytes | None, fault: str
) -> None:
    credentials, lists = house.node(client)
    house.publisher.gives = house.published()
    await lists.look()
    good = held(credentials).lists
    house.publisher.gives = gives

    for _ in range(2):
        house.now += 2 * HOUR
        await lists.look()

    assert fault in str(fault_of(credentials))
    assert held(credentials).lists == good
    events, _ = await house.ledger.events(after=None, limit=10)
    assert [event.what for event in events] == ["revocation:taken", "revocation:failed"]


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        pytest.param({"issued": NOON - 2 * HOUR}, "older than the one", id="older"),
        pytest.param({"issued": NOON + DAY}, "but our clock says", id="of-tomorrow"),
        pytest.param({"issued": NOON, "partial": x509.DeltaCRLIndicator(1)}, "is a delta", id="delta"),
    ],
)
async def test_a_list_of_the_authority_that_would_take_something_back_is_not_taken(
    house: House, client: aiohttp.ClientSession, made: dict[str, object], fault: str
) -> None:
    credentials, lists = house.node(client)
    house.publisher.gives = house.published(house.papers.sign[0].issued.certificate)
    await lists.look()
    house.publisher.gives = revocation_list(house.papers.anchor, **made)  # type: ignore[arg-type]
    house.now += 2 * HOUR

    await lists.look()

    assert fault in str(fault_of(credentials))
    with pytest.raises(SealRefused, match="was revoked"):
        house.judge(credentials)


async def test_a_redirect_leads_nowhere(house: House, client: aiohttp.ClientSession) -> None:
    credentials, lists = house.node(client)
    house.publisher.gives = web.Response(status=302, headers={"Location": house.publisher.url})

    await lists.look()

    assert (house.publisher.asked, fault_of(credentials)) == (1, "it answers 302")


async def test_without_a_fresh_list_a_soft_policy_goes_on(
    house: House, client: aiohttp.ClientSession
) -> None:
    credentials, lists = house.node(client)
    house.publisher.gives = house.published()
    await lists.look()
    house.now += 2 * DAY

    house.judge(credentials)


async def test_without_a_fresh_list_a_hard_policy_puts_off(
    tmp_path: Path, ledger: Ledger, publisher: Publisher, client: aiohttp.ClientSession
) -> None:
    house = House(tmp_path, ledger, publisher, "hard")
    credentials, lists = house.node(client)
    house.publisher.gives = house.published()
    with pytest.raises(CannotTell, match="none was to be had; our clock says 2026-09-10T12:00:00"):
        house.judge(credentials)
    await lists.look()
    house.judge(credentials)
    house.now += DAY

    with pytest.raises(CannotTell, match=r"ended 2026-09-11T11.*clock says 2026-09-11T12") as unsure:
        house.judge(credentials)
    assert (unsure.value.step, unsure.value.code) == (5, "T03")


async def test_a_stale_list_is_an_exception_until_a_fresh_one_is_there(
    house: House, client: aiohttp.ClientSession
) -> None:
    credentials, lists = house.node(client)
    watcher = Watcher(
        house.ledger, house.clock, home=PartyId(VN), stale=lambda at: stale(credentials.others, at)
    )

    async def states() -> list[str]:
        await watcher.step()
        events, _ = await house.ledger.events(after=None, limit=50)
        return [e.what for e in events if e.what.startswith("exception:")]

    assert await states() == ["exception:opened"]
    assert await states() == ["exception:opened"]
    house.publisher.gives = house.published()
    await lists.look()
    assert await states() == ["exception:opened", "exception:closed"]
    house.now += DAY
    assert await states() == ["exception:opened", "exception:closed", "exception:opened"]


class Demanding(Papers):
    """A party of which lists are wanted, and which is tried again at once."""

    def __init__(self, party: str, url: str) -> None:
        super().__init__(party)
        self._url = url

    def write(self, work: Path, address: Address) -> None:
        super().write(work, address)
        wants_lists(work, self.party, self._url, "hard")
        file = work / f"registry/mappings/parties/{self.party.lower()}.toml"
        file.write_text(file.read_text("utf-8").replace("1, 2, 5, 10]", "1]"), "utf-8")


@pytest.mark.timeout(120)
async def test_nothing_is_lost_while_the_list_of_a_hard_party_is_late(
    servers: Servers, tmp_path: Path
) -> None:
    """TH.CUSTOMS cannot tell, VN.MOIT is asked to come again, and does; the list is in the evidence."""
    async with published() as publishes_vn, published() as publishes_th:
        papers = [Demanding(VN, publishes_vn.url), Demanding(TH, publishes_th.url)]
        publishes_th.gives = revocation_list(papers[1].anchor, issued=NOON - HOUR, fresh_for=99 * DAY)
        async with pair(tmp_path, servers, papers) as both:
            await both.vn.submit("VN-LATE-1")
            await both.vn.until("VN-LATE-1", _was_put_off)
            publishes_vn.gives = revocation_list(papers[0].anchor, issued=NOON - HOUR, fresh_for=99 * DAY)
            both.clock.put_forward(HOUR)
            await both.vn.until("VN-LATE-1", is_acknowledged)

            await _shows_how_fresh(both)
            await _both_lists_are_in_the_evidence(both)


async def _shows_how_fresh(both: Pair) -> None:
    """By the API, and as a figure; the list of the other side is of an hour ago and good for 99 days."""
    listed = await both.vn.call("GET", "parties")
    (shown,) = [party["revocation"] for party in listed["items"] if party["id"] == TH]
    assert (shown["fail"], shown["stale"]) == ("hard", None)
    assert [(each["is_fresh"], each["revoked"]) for each in shown["lists"]] == [(True, 0)]
    assert shown["lists"][0]["fresh_until"].startswith("2026-12-18T11:00")
    async with both.vn.session.get(f"{both.vn.address.url}/metrics", headers=both.vn.headers) as answer:
        lines = (await answer.text()).splitlines()
    named = f'eco_revocation_list_fresh_seconds{{party="{TH}"}}'
    (reach,) = [line for line in lines if line.startswith(named)]
    assert 97 * DAY.total_seconds() < float(reach.split()[-1]) < 99 * DAY.total_seconds()


def _was_put_off(story: dict[str, Any]) -> bool:
    causes = [attempt["cause"] or "" for each in story["messages"] for attempt in each["attempts"]]
    return any("T03" in cause for cause in causes)


async def _both_lists_are_in_the_evidence(both: Pair) -> None:
    """Each node takes a list at its own next look, so ours may come after the other side has it."""
    wanted, found = ["revocation list TH.CUSTOMS", "revocation list VN.MOIT"], list[str]()
    for _ in range(200):
        if (found := await _list_checks(both)) == wanted:
            break
        await asyncio.sleep(0.2)
    assert found == wanted


async def _list_checks(both: Pair) -> list[str]:
    checks = check_evidence(await both.evidence("VN-LATE-1"), ())
    assert all(check.good for check in checks), checks
    return [check.what for check in checks if "list" in check.what]
