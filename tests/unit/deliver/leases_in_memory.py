"""Leases without a database: what several rosters see of each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.ids import PartyId
from gateway.store.records import Held, Running


@dataclass
class Lease:
    """One lane, as its row would stand."""

    holder: str | None = None
    fence: int = 0
    until: float = 0.0


class LeasesInMemory:
    """Hands out lanes as the ledger does; can be away from some nodes."""

    def __init__(self) -> None:
        self.lanes: dict[PartyId, Lease] = {}
        self.nodes: dict[str, float] = {}
        self.away_from: set[str] = set()
        self._fence = 0

    def holder(self, party: PartyId) -> str | None:
        """Who holds a lane now."""
        lease = self.lanes.get(party, Lease())
        return lease.holder if lease.until > time.monotonic() else None

    async def hold_lanes(
        self, node: str, *, parties: Sequence[PartyId], running: Sequence[Running], lease_s: float
    ) -> tuple[list[Held], int]:
        await asyncio.sleep(0)
        if node in self.away_from:
            raise ConnectionError("the database is away")
        now = time.monotonic()
        self.nodes[node] = now + lease_s
        held = [one.held for one in running if self._is_its(node, one.held)]
        for one in held:
            self.lanes[one.party].until = now + lease_s
        alive = sum(until > now for until in self.nodes.values())
        share = -(-len(parties) // alive)
        for party in parties:
            lease = self.lanes.setdefault(party, Lease())
            free = lease.holder in (None, node) or lease.until <= now
            if free and len(held) < share and party not in {one.party for one in held}:
                held.append(self._take(node, party, now + lease_s))
        return held, share

    async def give_up(self, held: Sequence[Held]) -> None:
        await asyncio.sleep(0)
        for one in held:
            if self.lanes[one.party].fence == one.fence:
                self.lanes[one.party].holder = None

    async def leave(self, node: str) -> None:
        await asyncio.sleep(0)
        self.nodes.pop(node, None)
        for lease in self.lanes.values():
            if lease.holder == node:
                lease.holder = None

    def _is_its(self, node: str, held: Held) -> bool:
        lease = self.lanes[held.party]
        return (lease.holder, lease.fence) == (node, held.fence)

    def _take(self, node: str, party: PartyId, until: float) -> Held:
        self._fence += 1
        self.lanes[party] = Lease(node, self._fence, until)
        return Held(party, self._fence)
