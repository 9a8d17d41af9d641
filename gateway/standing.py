"""How the parties stand with us: who is suspended, and what senders are told of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from gateway.domain.clock import Clock
from gateway.domain.corridor import Maintenance, Party
from gateway.domain.errors import NotAllowed
from gateway.domain.ids import FormId, PartyId
from gateway.intake.notices import Notice, notice_of
from gateway.store.connect import AWAY
from gateway.store.ledger import Ledger
from gateway.store.operating import BY_ITSELF
from gateway.store.records import PartyState

LOOK_EVERY_S = 1.0
REST_S = 0.05


class Standing:
    """
    What the ledger last said of every party, held in memory for the doors.

    Args:
        others: the parties that we exchange with, as they are now.
    """

    def __init__(self, ledger: Ledger, clock: Clock, others: Callable[[], Iterable[Party]]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._others = others
        self._states: Mapping[PartyId, PartyState] = {}
        self._rung = asyncio.Event()
        self._looking = asyncio.Lock()
        self.notices: Mapping[PartyId, Notice] = {}

    def ring(self) -> None:
        """Something changed; whoever watches looks again."""
        self._rung.set()

    def is_suspended(self, party: PartyId) -> bool:
        """Whether nothing at all goes to *party*."""
        return party in self._states and self._states[party].suspended_by is not None

    def takes_nothing(self, party: PartyId, form: FormId | None) -> bool:
        """Whether what is meant for *party*, in *form*, is not even taken in."""
        state = self._states.get(party)
        return state is not None and state.takes_nothing(form)

    async def watch(self) -> None:
        """A suspension holds at once on the node that was told; the bell rings for much else, too."""
        while True:
            self._rung.clear()
            with contextlib.suppress(*AWAY):
                await self.look()
            await asyncio.sleep(REST_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._rung.wait()

    async def look(self) -> None:
        """Read how every party stands; one look after the other, so that the newest counts."""
        async with self._looking:
            self._states = await self._ledger.party_states()
            outages = [state for state in self._states.values() if state.is_outage]
            counts = await self._ledger.counts() if outages else {}
            self.notices = {state.party: notice_of(state, counts.get(state.party, {})) for state in outages}

    async def keep_to_the_plan(self) -> None:
        """Suspensions end when their time has come; a planned maintenance begins as an outage by itself."""
        now = self._clock()
        await self._ledger.resume_in_time(now)
        await self._ledger.sort_out_corridors()
        for party in self._others():
            for window in party.maintenance:
                if window.covers(now):
                    await self._begin(party.id, window, now)

    async def _begin(self, party: PartyId, window: Maintenance, now: datetime) -> None:
        with contextlib.suppress(NotAllowed):  # begun already, or stopped by an operator
            await self._ledger.suspend(
                party,
                who=BY_ITSELF,
                reason="planned maintenance",
                outgoing_only=True,
                at=now,
                notice=window.notice,
                until=window.end,
                maintained=window.begin,
            )
