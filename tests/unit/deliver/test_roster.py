from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from gateway.deliver.attempt import Transport
from gateway.deliver.lane import Lane
from gateway.deliver.pace import Pace
from gateway.deliver.roster import Roster
from gateway.domain.ids import PartyId
from gateway.domain.status import DeliveryStatus
from gateway.store.records import Held, Running
from tests.unit.deliver.leases_in_memory import LeasesInMemory
from tests.unit.deliver.ledger_in_memory import LedgerInMemory
from tests.unit.deliver.parties import NOW, TH, a_party
from tests.unit.deliver.transports import TransportThatDelivers, TransportThatWaits, believe
from tests.unit.deliver.waiting import until

S = DeliveryStatus
PARTIES = [PartyId(f"P{n}.CUSTOMS") for n in range(5)]
QUICK = Pace(beat_s=0.05, lane_lease_s=0.4, poll_s=0.05, least_rest_s=0.002, last_record_s=0.1)


def a_roster(
    node: str,
    leases: LeasesInMemory,
    *,
    ledger: LedgerInMemory | None = None,
    transport: Transport | None = None,
    parties: list[PartyId] = PARTIES,
) -> Roster:
    lanes = {
        party: Lane(
            a_party(party),
            ledger=ledger or LedgerInMemory(),
            transport=transport or TransportThatDelivers(),
            read_answer=believe,
            clock=lambda: NOW,
            pace=QUICK,
        )
        for party in parties
    }
    return Roster(node, lanes, leases=leases, pace=QUICK)


@asynccontextmanager
async def running(*rosters: Roster) -> AsyncIterator[list[asyncio.Event]]:
    stops = [asyncio.Event() for _ in rosters]
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        for roster, stop in zip(rosters, stops, strict=True):
            tasks.create_task(roster.run(stop))
        yield stops
        for stop in stops:
            stop.set()


async def test_a_node_alone_runs_every_lane_and_lets_go_when_it_ends() -> None:
    leases = LeasesInMemory()
    roster = a_roster("a", leases)

    async with running(roster):
        await until(lambda: roster.held == frozenset(PARTIES))

    assert roster.held == frozenset()
    assert {lease.holder for lease in leases.lanes.values()} == {None}


async def test_a_second_node_gets_its_share_and_no_lane_runs_twice() -> None:
    leases = LeasesInMemory()
    a, b = a_roster("a", leases), a_roster("b", leases)

    async with running(a, b):
        await until(lambda: (len(a.held), len(b.held)) in ((3, 2), (2, 3)))

        assert not a.held & b.held


async def test_a_node_that_leaves_hands_its_lanes_over() -> None:
    leases = LeasesInMemory()
    a, b = a_roster("a", leases), a_roster("b", leases)

    async with running(a, b) as stops:
        await until(lambda: a.held and b.held)
        stops[0].set()
        await until(lambda: b.held == frozenset(PARTIES))


async def test_a_node_without_ledger_ends_its_lanes_before_another_takes_them() -> None:
    leases, silent = LeasesInMemory(), TransportThatWaits()
    ledger = LedgerInMemory()
    ledger.owe(1)
    a = a_roster("a", leases, ledger=ledger, transport=silent, parties=[TH])
    b = a_roster("b", leases, parties=[TH])

    with capture_logs():
        async with running(a):
            await silent.sending.wait()
            leases.away_from.add("a")
            async with running(b):
                await until(lambda: b.held)
                held_by_a = a.held
            leases.away_from.clear()
            silent.release.set()

    assert held_by_a == frozenset()


async def test_a_lane_that_another_node_took_is_ended_here() -> None:
    leases = LeasesInMemory()
    a = a_roster("a", leases, parties=[TH])

    with capture_logs() as logs:
        async with running(a):
            await until(lambda: a.held)
            leases.lanes[TH].holder, leases.lanes[TH].fence = "b", 99
            leases.lanes[TH].until += 60
            await until(lambda: not a.held)

    told = [line["event"] for line in logs if line["event"].startswith("lane_")]
    assert told == ["lane_taken", "lane_lost"]


async def test_a_ledger_that_stumbles_costs_no_lane() -> None:
    leases = LeasesInMemory()
    a = a_roster("a", leases)

    with capture_logs() as logs:
        async with running(a):
            await until(lambda: a.held)
            leases.away_from.add("a")
            await until(lambda: any(line["event"] == "leases_uncertain" for line in logs))
            leases.away_from.clear()
            await until(lambda: any(line["event"] == "leases_certain" for line in logs))

    assert "lane_lost" not in [line["event"] for line in logs]


async def test_a_stopping_node_keeps_its_leases_until_its_attempts_are_recorded() -> None:
    leases, ledger, slow = LeasesInMemory(), LedgerInMemory(), TransportThatWaits()
    [row] = ledger.owe(1)
    a = a_roster("a", leases, ledger=ledger, transport=slow, parties=[TH])

    async with running(a) as stops:
        await slow.sending.wait()
        stops[0].set()
        await asyncio.sleep(1.5 * QUICK.lane_lease_s)
        holder = leases.holder(TH)
        slow.release.set()

    assert holder == "a"
    assert row.status is S.DELIVERED


async def test_a_commit_wakes_the_lane_that_runs_here() -> None:
    leases, ledger = LeasesInMemory(), LedgerInMemory()
    a = a_roster("a", leases, ledger=ledger, parties=[TH])

    async with running(a):
        await until(lambda: ledger.claim_sizes)
        ledger.owe(1)
        a.wake(TH)
        a.wake(PARTIES[0])
        await ledger.all_over()


@pytest.mark.parametrize("nodes", [3, 5, 7])
async def test_any_number_of_nodes_runs_each_lane_once(nodes: int) -> None:
    leases = LeasesInMemory()
    rosters = [a_roster(f"n{n}", leases) for n in range(nodes)]

    async with running(*rosters):
        await until(lambda: sum(len(roster.held) for roster in rosters) == len(PARTIES))
        await until(lambda: max(len(roster.held) for roster in rosters) <= -(-len(PARTIES) // nodes))


class LeasesThatBreakOff(LeasesInMemory):
    """The first lane that is handed out is cancelled before it takes a step."""

    broken_off: int = 0

    async def hold_lanes(
        self, node: str, *, parties: Sequence[PartyId], running: Sequence[Running], lease_s: float
    ) -> tuple[list[Held], int]:
        answer = await super().hold_lanes(node, parties=parties, running=running, lease_s=lease_s)
        if not self.broken_off:
            asyncio.get_running_loop().call_soon(self._break_off)
        return answer

    def _break_off(self) -> None:
        for task in asyncio.all_tasks():
            if task.get_name().startswith("lane "):
                self.broken_off += task.cancel()


async def test_a_lane_that_is_lost_before_its_first_step_is_taken_again() -> None:
    leases, transport, ledger = LeasesThatBreakOff(), TransportThatDelivers(), LedgerInMemory()
    ledger.owe(1)

    async with running(a_roster("a", leases, ledger=ledger, transport=transport, parties=[TH])):
        await until(lambda: leases.broken_off > 0)
        await until(lambda: len(transport.sent) == 1)


class LeasesThatComeLate(LeasesInMemory):
    """The first answer is on its way for longer than the lease."""

    late: bool = True

    async def hold_lanes(
        self, node: str, *, parties: Sequence[PartyId], running: Sequence[Running], lease_s: float
    ) -> tuple[list[Held], int]:
        answer = await super().hold_lanes(node, parties=parties, running=running, lease_s=lease_s)
        if self.late:
            self.late = False
            await asyncio.sleep(lease_s)
        return answer


async def test_a_lease_that_ran_out_on_its_way_to_us_starts_no_lane() -> None:
    leases, slow, ledger = LeasesThatComeLate(), TransportThatWaits(), LedgerInMemory()
    ledger.owe(1)

    with capture_logs() as logs:
        async with running(a_roster("a", leases, ledger=ledger, transport=slow, parties=[TH])):
            await slow.sending.wait()
            await asyncio.sleep(QUICK.beat_s)
            slow.release.set()

    assert [entry["event"] for entry in logs if entry["event"].startswith("lane_")] == ["lane_taken"]
