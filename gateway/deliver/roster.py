"""
The roster: which lanes this node runs.

Each lane is leased to one node at a time. Every beat a node says that it lives, prolongs its leases, and
takes lanes that nobody runs, up to its fair share of all; one that has more lets the surplus finish and go. A
dead node's lanes are free when its leases run out, a few seconds later.

A node that could not prolong its leases in time ends its lanes before anybody else may take them: attempts
under way are cut, and what was answered is recorded as far as the ledger lets it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from gateway.deliver.lane import Lane
from gateway.deliver.pace import USUAL, Pace, Trouble
from gateway.domain.ids import PartyId
from gateway.store.records import Held, Running

log = structlog.get_logger()


class Leases(Protocol):
    """What a roster needs of the ledger."""

    async def hold_lanes(
        self, node: str, *, parties: Sequence[PartyId], running: Sequence[Running], lease_s: float
    ) -> tuple[list[Held], int]:
        """Prolong the lanes that run and take more; those held now, and the fair share."""
        ...

    async def give_up(self, held: Sequence[Held]) -> None:
        """Let go of lanes."""
        ...

    async def leave(self, node: str) -> None:
        """Let go of all."""
        ...


@dataclass(slots=True)
class _Run:
    """A lane under one lease."""

    held: Held
    task: asyncio.Task[None]
    stop: asyncio.Event
    lost: bool = False


class Roster:
    """
    Runs the lanes that this node holds, until told to stop.

    Args:
        node: the name under which lanes are held; see ``Ledger.hold_lanes``.
    """

    def __init__(
        self, node: str, lanes: Mapping[PartyId, Lane], *, leases: Leases, pace: Pace = USUAL
    ) -> None:
        self._node = node
        self._lanes = lanes
        self._leases = leases
        self._pace = pace
        self._runs: dict[PartyId, _Run] = {}
        self._sure_until = 0.0  # by the monotonic clock: until then our leases hold for certain
        self._trouble = Trouble()
        self._stirred = asyncio.Event()

    @property
    def held(self) -> frozenset[PartyId]:
        """Whose lanes run here now."""
        return frozenset(self._runs)

    def wake(self, party: PartyId) -> None:
        """Something is due to *party*, or it gave a sign of life."""
        if party in self._runs:
            self._lanes[party].wake()

    async def run(self, stopping: asyncio.Event) -> None:
        """Run lanes until *stopping* is set; then let each finish what it has in hand, and leave."""
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(self._end_what_is_not_sure()),
                tasks.create_task(self._stir_when(stopping)),
            ]
            while self._runs or not stopping.is_set():
                self._stirred.clear()
                if stopping.is_set():
                    for run in self._runs.values():
                        run.stop.set()
                await self._beat(tasks, stopping)
                await self._rest()
            for task in beside:
                task.cancel()
        with contextlib.suppress(Exception):  # else the leases run out by themselves
            await self._leases.leave(self._node)

    async def _stir_when(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._stirred.set()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.beat_s):
                await self._stirred.wait()

    async def _beat(self, tasks: asyncio.TaskGroup, stopping: asyncio.Event) -> None:
        began = time.monotonic()
        parties = [] if stopping.is_set() else sorted(self._lanes)
        told = [
            Running(run.held, self._lanes[party].window, self._lanes[party].heard())
            for party, run in self._runs.items()
        ]
        try:
            held, share = await self._leases.hold_lanes(
                self._node, parties=parties, running=told, lease_s=self._pace.lane_lease_s
            )
        except Exception as error:  # whatever ails the ledger, the next beat tries again
            if self._trouble.begins():
                log.error("leases_uncertain", exc_info=error)
            return
        if self._trouble.ends():
            log.info("leases_certain")
        self._sure_until = began + self._pace.lane_lease_s - self._pace.beat_s
        self._end_lost({one.held for one in told} - set(held))
        if stopping.is_set() or time.monotonic() > self._sure_until:  # the answer was too long on its way
            return
        for one in held:
            if one.party not in self._runs:
                self._start(one, tasks)
        self._shed(share)

    def _start(self, held: Held, tasks: asyncio.TaskGroup) -> None:
        stop = asyncio.Event()
        task = tasks.create_task(self._run(held, stop), name=f"lane {held.party}")
        self._runs[held.party] = _Run(held, task, stop)
        # Told by the task itself, for one that is cancelled before its first step runs no line of its own.
        task.add_done_callback(lambda _: self._over(held.party))
        log.info("lane_taken", party=held.party, node=self._node)

    async def _run(self, held: Held, stop: asyncio.Event) -> None:
        """One lane under one lease; when it ended by itself the lane is free for another node."""
        await self._lanes[held.party].run(held, stop)
        with contextlib.suppress(Exception):  # else the lease runs out by itself
            await self._leases.give_up([held])

    def _over(self, party: PartyId) -> None:
        del self._runs[party]
        self._stirred.set()

    def _shed(self, share: int) -> None:
        """Let the lanes above our share finish; their next holder waits for them."""
        staying = [run for run in self._runs.values() if not run.stop.is_set()]
        for run in staying[share:]:
            run.stop.set()

    def _end_lost(self, lost: set[Held]) -> None:
        for run in self._runs.values():
            if run.held in lost and not run.lost:
                run.lost = True
                log.warning("lane_lost", party=run.held.party, node=self._node)
                run.task.cancel()

    async def _end_what_is_not_sure(self) -> None:
        while True:
            left_s = self._sure_until - time.monotonic()
            if left_s <= 0 and self._runs:
                self._end_lost({run.held for run in self._runs.values()})
            await asyncio.sleep(max(left_s, self._pace.beat_s / 4))
