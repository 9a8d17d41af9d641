"""What the event log costs: CPU a certificate with appending, and without, on two gateways in turns."""

from __future__ import annotations

from dataclasses import asdict
from statistics import median

import asyncpg

from bench.figures import USUAL, Check, Measured
from bench.gateways import Neighbourhood, neighbourhood
from bench.ground import Ground
from bench.run import Bench
from bench.together import BenchmarkFailed

NAME = "appending"
AT_MOST = 1.1

# The tree is told that it has come further than any event will: so it looks, and finds nothing to append.
_OFF = "UPDATE log_position SET place = 9223372036854775807"
# And that it has come to the last event there is: so it appends what comes from now on.
_ON = """
UPDATE log_position
   SET (place, event_no) = (SELECT place, event_no FROM event ORDER BY place DESC, event_no DESC LIMIT 1)
"""
_SIZE = "SELECT size FROM log_position"


async def appending(ground: Ground) -> Check:
    """
    CPU time a certificate with appending, as a multiple of what it is without: the median over all rounds.

    What is appended in the last second of a run is not in its figures; what was left of the one before is.

    Raises:
        BenchmarkFailed: the log grew where it should not, or did not where it should.
    """
    async with neighbourhood(ground.work / "appending", ground.server, name="appending") as gateways:
        bench, supply = Bench(USUAL[0], gateways, ground.server), ground.supply()
        await bench.run(supply.take(ground.certificates // 2 or 1))
        runs: dict[str, list[Measured]] = {"with": [], "without": []}
        leaves = 0
        for number in range(ground.rounds):
            for what in sorted(runs, reverse=number % 2 == 1):  # who goes first takes turns
                await _everywhere(gateways, _ON if what == "with" else _OFF)
                await ground.server.settle()
                before = await _everywhere(gateways, _SIZE)
                runs[what].append(await bench.run(supply.take(ground.certificates)))
                grown = await _everywhere(gateways, _SIZE) - before
                if (grown > 0) != (what == "with"):
                    raise BenchmarkFailed(f"{NAME}: {grown} leaves were appended in a run {what} appending")
                leaves += grown
    rounds = [
        with_it.cpu_ms.total / without.cpu_ms.total
        for with_it, without in zip(runs["with"], runs["without"], strict=True)
    ]
    return Check(
        name=NAME,
        says="CPU a certificate with appending to the event log, as a multiple of that without",
        value=median(rounds),
        at_most=AT_MOST,
        figures={
            "rounds": [round(each, 3) for each in rounds],
            "leaves_a_certificate": round(leaves / (ground.rounds * ground.certificates), 1),
            "runs": {what: list(map(asdict, each)) for what, each in runs.items()},
        },
    )


async def _everywhere(gateways: Neighbourhood, statement: str) -> int:
    """The sum of what *statement* gives in both databases, if anything."""
    found = 0
    for gateway in (gateways.sender, gateways.receiver):
        connection = await asyncpg.connect(gateway.database)
        try:
            found += await connection.fetchval(statement) or 0
        finally:
            await connection.close()
    return found
