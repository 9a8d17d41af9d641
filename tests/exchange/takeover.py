"""Two nodes of one database under load; whichever runs the lane is killed, and the other goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.demo.country import Country, free_addresses
from tests.exchange.crash import RECEIVER, SENDER, Crash, Evidence, NationalSystem

_HOLDER = "SELECT holder FROM lane WHERE party = $1 AND lease_until > now()"


@dataclass
class Moves:
    """How long the lane had no node after each kill, in seconds."""

    seconds: list[float] = field(default_factory=list)


class Takeover(Crash):
    """
    The sender runs as two processes on one PostgreSQL, which this class does not own.

    Args:
        databases: by party; the sender's is among them.
    """

    def __init__(self, work: Path, seed: int, databases: Mapping[str, str], *, kills: int = 2) -> None:
        super().__init__(work, seed, databases=databases)
        self._kills = kills
        self.moves = Moves()
        self._second = Country(
            SENDER,
            free_addresses(["second"])["second"],
            registry=work / "registry",
            keys=work / "keys" / SENDER,
            data=work / "vn",  # shared, and so is the key of the tokens; its name is its own
            database=databases[SENDER],
        )

    async def run(self, rounds: int, certificates: int) -> Evidence:
        """As ``Crash.run``, with the second node beside the first."""
        try:
            await self._second.start()
            return await super().run(rounds, certificates)
        finally:
            await self._second.stop()

    def _nodes(self, party: str) -> list[Country]:
        first = super()._nodes(party)
        return [*first, self._second] if party == SENDER else first

    async def _kill_either(self, receiver: NationalSystem) -> None:
        for _ in range(self._kills):
            await asyncio.sleep(self._random.uniform(0.3, 1.0))
            await self._kill_holder()

    async def _kill_holder(self) -> None:
        """Kill the node that runs the lane, and start it again once the other runs it."""
        victim = await self._holder()
        await victim.kill()
        killed_at = time.monotonic()
        self._evidence.kills += 1
        await self._look(SENDER)
        while (await self._holder()) is victim:  # noqa: ASYNC110  (told by the database)
            await asyncio.sleep(0.05)
        self.moves.seconds.append(round(time.monotonic() - killed_at, 2))
        await victim.start()

    async def _holder(self) -> Country:
        """The node that runs the lane now; waits until one does."""
        while True:
            for row in await self._ask(SENDER, _HOLDER, RECEIVER):
                for country in self._nodes(SENDER):
                    if f":{country.address.api} " in row["holder"]:
                        return country
            await asyncio.sleep(0.02)
