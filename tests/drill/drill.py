"""Two gateways on the cluster under load; a seed decides in which order its primary and a node are killed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from tests.drill.cluster import Cluster
from tests.exchange.crash import RECEIVER, SENDER, Evidence, NationalSystem
from tests.exchange.takeover import Takeover

PAUSE_S = 0.8  # of each of the sixteen that submit, after an answer: some twenty certificates a second
STALLED_S = 1.5
BETWEEN_S = 1.5
CERTIFICATES = 10_000  # more than are submitted before the last act is over


@dataclass
class Story:
    """What the drill did, and what was seen of it from outside."""

    acts: list[str] = field(default_factory=list)
    unanswered_s: list[float] = field(default_factory=list)  # by act: the longest time without an answer
    stalled_commits: int = 0  # met waiting for a standby that heard nothing any more


def faults_told(log: Path) -> list[str]:
    """What a node logged as a fault of its own; a database that fails over is none."""
    lines = (json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{"))
    return [f"{log.stem}: {line}" for line in lines if line["event"].endswith("_broke")]


class Drill(Takeover):
    """
    Both parties' databases lie on the cluster; the sender runs as two nodes.

    Args:
        say: is told what happens.
    """

    def __init__(self, work: Path, seed: int, cluster: Cluster, say: Callable[[str], None]) -> None:
        super().__init__(work, seed, {SENDER: cluster.url("sender"), RECEIVER: cluster.url("receiver")})
        self.story = Story()
        self._cluster = cluster
        self._say = say
        self._over = False
        self._answered_at = time.monotonic()
        self._longest_s = 0.0

    async def carry(self) -> Evidence:
        """Load from the first act to the last, then everything is settled and compared."""
        evidence = await self.run(rounds=1, certificates=CERTIFICATES)
        evidence.faults += [fault for log in sorted(self._work.glob("??.log")) for fault in faults_told(log)]
        return evidence

    # ---- acts --------------------------------------------------------------------------------------------

    async def _kill_either(self, receiver: NationalSystem) -> None:
        acts: list[Callable[[], Awaitable[None]]] = [
            self._kill_primary,
            self._kill_node,
            self._stall_and_kill_primary,
            self._kill_primary_and_node,
        ]
        self._random.shuffle(acts)
        try:
            for act in acts:
                await asyncio.sleep(BETWEEN_S + self._random.uniform(0, 1))
                await self._do(act)
            await asyncio.sleep(BETWEEN_S)
        finally:
            self._over = True

    async def _do(self, act: Callable[[], Awaitable[None]]) -> None:
        name, began = act.__name__.strip("_").replace("_", " "), time.monotonic()
        self._say(name)
        self._longest_s, self._answered_at = 0.0, began
        await act()
        self.story.acts.append(name)
        self.story.unanswered_s.append(round(max(self._longest_s, time.monotonic() - self._answered_at), 2))
        self._say(
            f"  whole again after {time.monotonic() - began:.1f} s; "
            f"no answer for {self.story.unanswered_s[-1]} s at most"
        )

    async def _kill_primary(self, *, stalled_s: float = 0.0) -> None:
        primary = await self._cluster.until_whole()
        if stalled_s:
            await self._cluster.stall(primary)
            await asyncio.sleep(stalled_s)
            self.story.stalled_commits += await self._cluster.waiting_for_standby(primary)
        await self._cluster.kill(primary)
        self._evidence.kills += 1
        await self._look(SENDER)
        await self._cluster.mend(primary)

    async def _stall_and_kill_primary(self) -> None:
        await self._kill_primary(stalled_s=STALLED_S)

    async def _kill_node(self) -> None:
        await self._kill_holder()

    async def _kill_primary_and_node(self) -> None:
        primary, victim = await self._cluster.until_whole(), await self._holder()
        await asyncio.gather(self._cluster.kill(primary), victim.kill())
        self._evidence.kills += 2
        await asyncio.gather(self._cluster.mend(primary), victim.start())

    # ---- load and looks ----------------------------------------------------------------------------------

    async def _submit(self, sender: NationalSystem, records: Iterator[dict[str, Any]]) -> dict[int, str]:
        return await super()._submit(sender, self._until_over(records))

    def _until_over(self, records: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        while not self._over:
            yield next(records)

    async def _answered(self) -> None:
        now = time.monotonic()
        self._longest_s = max(self._longest_s, now - self._answered_at)
        self._answered_at = now
        await asyncio.sleep(PAUSE_S)

    async def _ask(self, party: str, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """Until the cluster answers."""
        while True:
            try:
                return await super()._ask(party, query, *arguments)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.05)
