"""Pinging parties that were silent for as long as their files say; whoever runs the lane asks."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Collection, Mapping

from gateway.deliver.lane import Lane
from gateway.deliver.verdict import Failure
from gateway.domain.ids import PartyId
from gateway.domain.status import MessageType


class Silence:
    """
    Watches for parties of which nothing is heard.

    Args:
        wanted: the parties whose lanes run here and are not suspended.
        ask: pings one; says why no receipt came.
    """

    def __init__(
        self,
        lanes: Mapping[PartyId, Lane],
        *,
        wanted: Callable[[], Collection[PartyId]],
        ask: Callable[[PartyId], Awaitable[Failure | None]],
    ) -> None:
        self._lanes = lanes
        self._wanted = wanted
        self._ask = ask
        self._pinged_at: dict[PartyId, float] = {}

    async def ping_the_silent(self) -> None:
        """One look; tells each lane what came of its party's ping."""
        due = [lane for party in self._wanted() if self._is_silent(lane := self._lanes[party])]
        await asyncio.gather(*(self._ping(lane) for lane in due))

    async def _ping(self, lane: Lane) -> None:
        self._pinged_at[lane.party.id] = time.monotonic()
        lane.pinged(await self._ask(lane.party.id))

    def _is_silent(self, lane: Lane) -> bool:
        after = lane.party.patience.ping_after
        if after is None or MessageType.PING not in lane.party.messages:
            return False
        since_ping_s = time.monotonic() - self._pinged_at.get(lane.party.id, -math.inf)
        return min(lane.silent_s, since_ping_s) >= after.total_seconds()
