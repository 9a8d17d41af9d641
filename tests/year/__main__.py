"""
The simulated year by itself: ``python -m tests.year --certificates 20000 --seed 20261122``.

Prints what it came to as JSON and keeps it in bench/results/ under its date; exit status 1 when anything
differs from the plan.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from gateway.store.connect import connect
from tests.servers import Servers, default_kind
from tests.year.run import Lived, Year

RESULTS = Path(__file__).parents[2] / "bench" / "results"


def main() -> int:
    """Live through one and keep the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.year")
    parser.add_argument("--certificates", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=20261122)
    asked = parser.parse_args()
    lived = asyncio.run(live_through(asked.certificates, asked.seed))
    day = datetime.now(UTC).date().isoformat()
    report = json.dumps({"date": day, "seed": asked.seed, **asdict(lived)}, indent=1) + "\n"
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"year-{day}.json").write_text(report, "utf-8")
    sys.stdout.write(report)
    return 1 if lived.faults else 0


async def live_through(count: int, seed: int) -> Lived:
    """What a year of so many certificates came to."""
    servers = Servers()
    try:
        async with servers.database(default_kind()) as url:
            pool = await connect(url, connections=5, at_least=1)
            try:
                return await Year(pool, count, seed).live()
            finally:
                pool.terminate()
    finally:
        await asyncio.to_thread(servers.close)


if __name__ == "__main__":
    sys.exit(main())
