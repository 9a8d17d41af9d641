"""How fast a backlog leaves once its party is back."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import asyncpg

from bench.auditing import Reader, RunFailed, faults_of_arrival
from bench.figures import USUAL, Check
from bench.gateways import Neighbourhood, neighbourhood
from bench.ground import Ground
from bench.run import Bench, Load
from bench.watching import PATIENCE_S, Stuck, Watch

NAME = "drain"
AT_LEAST = 0.8
LOOK_EVERY_S = 0.1


async def drain(ground: Ground) -> Check:
    """The rate at which a backlog is delivered, as a share of the rate at which certificates are carried."""
    async with neighbourhood(ground.work / "drain", ground.server, name="drain") as gateways:
        bench, supply = Bench(USUAL[0], gateways, ground.server), ground.supply()
        await bench.run(supply.take(ground.certificates // 2 or 1))
        steady = await bench.run(supply.take(ground.certificates))
        await gateways.receiver.stop()
        ground.say(f"{NAME}: {steady.certificates_per_second:.0f}/s; the party goes, {ground.backlog} gather")
        taken = await _gather(ground, gateways)
        await gateways.receiver.start()
        began = time.monotonic()
        rate, first = await _watch(gateways.sender.database, len(taken))
        await _audit(gateways, taken)
    return Check(
        name=NAME,
        says=f"rate at which a backlog of {ground.backlog} is delivered, as a share of the steady rate",
        value=rate / steady.certificates_per_second,
        at_least=AT_LEAST,
        figures={
            "backlog": len(taken),
            "steady_per_second": round(steady.certificates_per_second, 1),
            "drained_per_second": round(rate, 1),
            "first_after_s": round(first - began, 2),
        },
    )


async def _gather(ground: Ground, gateways: Neighbourhood) -> dict[str, str]:
    """Hand in certificates that cannot be delivered now."""
    sender = gateways.sender
    supply = ground.supply()
    supply.take(2 * ground.certificates)  # numbers that were used
    async with AsyncExitStack() as stack:
        watch = await stack.enter_async_context(Watch(sender.database, answered=False))
        connections = [
            await stack.enter_async_context(sender.connection()) for _ in range(USUAL[0].in_flight)
        ]
        load = Load(connections, watch, sender.pid)
        await load.hand_in(supply.take(ground.backlog))
    return load.taken


async def _watch(database: str, count: int) -> tuple[float, float]:
    """Deliveries a second from the last moment at which none had left, and when that was."""
    connection = await asyncpg.connect(database)
    try:
        left, first = count, time.monotonic()
        moved = first
        while left:
            await asyncio.sleep(LOOK_EVERY_S)
            before, left, now = left, await _left(connection), time.monotonic()
            if left == count:
                first = now
            if left < before:
                moved = now
            elif now - moved > PATIENCE_S:
                raise Stuck(f"{left} of a backlog of {count} stay where they are for {PATIENCE_S:.0f} s")
        return count / (time.monotonic() - first), first
    finally:
        await connection.close()


async def _left(connection: asyncpg.Connection) -> int:
    left: int = await connection.fetchval("SELECT count(*) FROM delivery WHERE open")
    return left


async def _audit(gateways: Neighbourhood, taken: dict[str, str]) -> None:
    async with gateways.receiver.connection() as connection:
        arrived = await Reader().at_least(connection, len(taken))
    numbers = set(taken)
    if faults := faults_of_arrival(
        taken, [item for item in arrived if item["certificate_number"] in numbers]
    ):
        raise RunFailed("; ".join(faults))
