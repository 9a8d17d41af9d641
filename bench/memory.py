"""Whether a node grows with what it has carried."""

from __future__ import annotations

from bench.figures import USUAL, Check
from bench.gateways import neighbourhood
from bench.ground import Ground
from bench.processes import rss_mb
from bench.run import Bench

NAME = "memory"
AT_MOST = 1.2
TENTHS = 10


async def memory(ground: Ground) -> Check:
    """Memory of a node at the end, as a multiple of what it was after a tenth; of both nodes the worse."""
    held: dict[str, list[float]] = {"sender": [], "receiver": []}
    async with neighbourhood(ground.work / "memory", ground.server, name="memory") as gateways:
        bench, supply = Bench(USUAL[0], gateways, ground.server), ground.supply()
        for tenth in range(1, TENTHS + 1):
            await bench.run(supply.take(max(1, ground.carried // TENTHS)))
            for side, gateway in (("sender", gateways.sender), ("receiver", gateways.receiver)):
                held[side].append(round(rss_mb(gateway.pid), 1))
            ground.say(
                f"{NAME}: {tenth * ground.carried // TENTHS} carried, "
                f"{held['sender'][-1]} and {held['receiver'][-1]} MiB"
            )
    return Check(
        name=NAME,
        says=f"memory of a node after {ground.carried} certificates, as a multiple of that after a tenth",
        value=max(each[-1] / each[0] for each in held.values()),
        at_most=AT_MOST,
        figures={"certificates": ground.carried, "rss_mb": held},
    )
