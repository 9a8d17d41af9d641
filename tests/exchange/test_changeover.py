"""Both sides change their signing and TLS certificates under load, apart by the clock; nothing fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from tests.exchange.pair import NOON, TH, VN, Pair, Papers, Side, is_acknowledged, pair
from tests.servers import Servers

HOUR = timedelta(hours=1)
BUSY = 2  # senders at a time


class Load:
    """Certificates sent without a break until told to stop."""

    def __init__(self, both: Pair) -> None:
        self._both = both
        self._stop = asyncio.Event()
        self.sent: list[str] = []

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(self._send(lane)) for lane in range(BUSY)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def grown_by(self, more: int) -> None:
        """Wait until so many more have been acknowledged."""
        target = len(self.sent) + more
        async with asyncio.timeout(40):
            while len(self.sent) < target:  # noqa: ASYNC110  (a list has no event)
                await asyncio.sleep(0.05)

    async def _send(self, lane: int) -> None:
        number = 0
        while not self._stop.is_set():
            name = f"VN-CHANGE-{lane}-{number}"
            await self._both.vn.submit(name)
            await self._both.vn.until(name, is_acknowledged)
            self.sent.append(name)
            number += 1


async def failed_attempts(both: Pair) -> list[str]:
    """Whatever went wrong with any attempt of either side."""
    causes = []
    for side in (both.vn, both.th):
        connection = await asyncpg.connect(side.database)
        try:
            rows = await connection.fetch("SELECT cause FROM attempt WHERE outcome <> 'delivered'")
            refused = await connection.fetch("SELECT findings FROM refused_message")
        finally:
            await connection.close()
        causes += [row["cause"] for row in rows] + [row["findings"] for row in refused]
    return causes


async def signers(both: Pair) -> set[str]:
    """The certificates in the seals of all that VN.MOIT sent, one each."""
    connection = await asyncpg.connect(both.vn.database)
    try:
        rows = await connection.fetch(
            "SELECT body FROM document d JOIN message m USING (message_no)"
            " WHERE d.kind = 'wire' AND m.direction = 'out'"
        )
    finally:
        await connection.close()
    return {row["body"].split(b"X509Certificate>")[1].decode() for row in rows}


@pytest.mark.timeout(120)
async def test_windows_that_follow_one_another_change_over_by_the_clock(
    servers: Servers, tmp_path: Path
) -> None:
    """Everything is registered beforehand, hours apart; each old window closes while messages travel."""
    papers = [Papers(VN), Papers(TH)]
    for each, opens in zip(papers, (NOON + HOUR, NOON + 3 * HOUR), strict=True):
        each.sign = [each.sign[0].until(opens + 2 * HOUR), each.for_seals(opens, NOON + 999 * HOUR)]
        each.tls = [each.tls[0].until(opens + 2 * HOUR), each.for_tls(opens, NOON + 999 * HOUR)]
    async with pair(tmp_path, servers, papers) as both, Load(both) as load:
        for _ in range(11):
            await load.grown_by(1)
            both.clock.put_forward(HOUR / 2)
        await load.grown_by(2)

        assert both.clock() > NOON + 5 * HOUR
        assert await failed_attempts(both) == []
        assert len(await signers(both)) == 2


@pytest.mark.timeout(120)
async def test_files_laid_down_are_taken_over_without_a_restart(servers: Servers, tmp_path: Path) -> None:
    """The new certificates are used once both sides have read them and their windows have opened."""
    papers = {party: Papers(party) for party in (VN, TH)}
    async with pair(tmp_path, servers, list(papers.values())) as both, Load(both) as load:
        await load.grown_by(2)
        for party, mine in papers.items():
            mine.sign.append(mine.for_seals(NOON + HOUR, NOON + 999 * HOUR))
            mine.tls.append(mine.for_tls(NOON + HOUR, NOON + 999 * HOUR))
            mine.write(tmp_path, both.addresses[party])
        await has_reloaded(both.vn, TH)
        await has_reloaded(both.th, VN)
        both.clock.put_forward(2 * HOUR)
        await load.grown_by(4)

        assert await failed_attempts(both) == []
        assert len(await signers(both)) == 2


async def has_reloaded(side: Side, other: str) -> None:
    """Wait until the side has read the new certificates of the other."""
    async with asyncio.timeout(40):
        while True:
            parties = {each["id"]: each for each in (await side.call("GET", "parties"))["items"]}
            if len(parties[other]["certificates"]) == 4:
                return
            await asyncio.sleep(0.1)
