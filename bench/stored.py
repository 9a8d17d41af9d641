"""Whether a certificate costs more where a million messages lie already."""

from __future__ import annotations

from dataclasses import asdict
from statistics import median

from bench.figures import USUAL, Check, Measured
from bench.gateways import neighbourhood
from bench.ground import Ground
from bench.run import Bench
from bench.seeding import seed

NAME = "stored"
AT_MOST = 1.1


async def stored(ground: Ground) -> Check:
    """CPU time a certificate beside a full store, as a multiple of what it is beside an empty one."""

    async def fill(database: str, party: str) -> None:
        ground.say(f"{NAME}: writing {ground.stored} messages into the store of {party}")
        await seed(database, party, ground.stored)

    empty = neighbourhood(ground.work / "empty", ground.server, name="stored_empty")
    full = neighbourhood(ground.work / "full", ground.server, name="stored_full", prepared=fill)
    async with empty as nothing, full as much:
        supply = ground.supply()
        benches = {
            what: Bench(USUAL[0], where, ground.server)
            for what, where in (("empty", nothing), ("full", much))
        }
        for bench in benches.values():
            await bench.catch_up()
            await bench.run(supply.take(ground.certificates // 2 or 1))
        runs: dict[str, list[Measured]] = {what: [] for what in benches}
        for _ in range(ground.rounds):
            for what, bench in benches.items():
                await ground.server.settle()
                runs[what].append(await bench.run(supply.take(ground.certificates)))
    cpu = {what: median(run.cpu_ms.total for run in each) for what, each in runs.items()}
    return Check(
        name=NAME,
        says=f"CPU a certificate with {ground.stored} messages stored, as a multiple of that with none",
        value=cpu["full"] / cpu["empty"],
        at_most=AT_MOST,
        figures={
            "stored": ground.stored,
            "runs": {what: list(map(asdict, each)) for what, each in runs.items()},
        },
    )
