"""Whether a party that is dead, and one that is slow, hold up the eight that are neither."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.auditing import RunFailed, faults_of_delivery, newest_certificates
from bench.certificates import EXPORTING, FORM_ID, Certificates, Submission
from bench.figures import USUAL, Check
from bench.gateways import SENDER, Gateway, GatewayDown
from bench.ground import ITEMS, Ground
from bench.run import Load
from bench.watching import Watch
from gateway.demo.country import Neighbours, free_addresses, write_registry

NAME = "parties"
AT_LEAST = 0.8
HEALTHY = ("TH", "MY", "SG", "ID", "PH", "KH", "MM", "BN")
DEAD, SLOW = "LA", "AU"
SLOW_S = 5.0


async def parties(ground: Ground) -> Check:
    """The rate of eight healthy parties beside a dead and a slow one, as a share of their rate alone."""
    folder = ground.work / "parties"
    neighbours = _neighbours()
    addresses = free_addresses(neighbours.countries)
    write_registry(folder / "registry", folder / "keys", neighbours, addresses)
    sender = Gateway(SENDER, addresses[SENDER], folder, await ground.server.create("parties_sender"))
    async with _doors(folder), AsyncExitStack() as stack:
        stack.push_async_callback(sender.stop)
        await sender.start()
        supplies = _supplies()
        await _rate(sender, _turns(supplies, HEALTHY, ground.certificates // 2))
        alone = [
            await _rate(sender, _turns(supplies, HEALTHY, ground.certificates)) for _ in range(ground.rounds)
        ]
        owed = max(2, ground.certificates // 10)
        await _owe(sender, _turns(supplies, (DEAD, SLOW), 2 * owed))
        beside = [
            await _rate(sender, _turns(supplies, HEALTHY, ground.certificates)) for _ in range(ground.rounds)
        ]
    return Check(
        name=NAME,
        says=f"rate of eight parties beside a dead and a slow ({SLOW_S:.0f} s) one, as a share of it alone",
        value=median(beside) / median(alone),
        at_least=AT_LEAST,
        figures={
            "owed_to_each_of_the_two": owed,
            "alone_per_second": [round(rate, 1) for rate in alone],
            "beside_per_second": [round(rate, 1) for rate in beside],
        },
    )


def _party(country: str) -> str:
    return f"{country}.CUSTOMS"


def _neighbours() -> Neighbours:
    countries = {SENDER: EXPORTING} | {_party(country): country for country in (*HEALTHY, DEAD, SLOW)}
    return Neighbours(
        countries=countries,
        forms={FORM_ID: set(countries.values())},
        options="acknowledgements = false",
    )


def _supplies() -> dict[str, Certificates]:
    today = datetime.now(UTC).date()
    return {country: Certificates(ITEMS, today, importing=country) for country in (*HEALTHY, DEAD, SLOW)}


def _turns(supplies: Mapping[str, Certificates], countries: Sequence[str], count: int) -> list[Submission]:
    """*count* certificates, a country after the other."""
    each = max(1, count // len(countries))
    rows = zip(*(supplies[country].take(each) for country in countries), strict=True)
    return [submission for row in rows for submission in row]


async def _rate(sender: Gateway, submissions: Sequence[Submission]) -> float:
    """Certificates a second from submission to the stored receipt."""
    async with AsyncExitStack() as stack:
        load = await _load(stack, sender)
        await load.carry(submissions)
        async with sender.connection() as connection:
            sent = await newest_certificates(connection, len(submissions))
    if faults := faults_of_delivery(load.taken, sent, answered=False):
        raise RunFailed("; ".join(faults))
    return len(submissions) / load.seconds


async def _owe(sender: Gateway, submissions: Sequence[Submission]) -> None:
    async with AsyncExitStack() as stack:
        load = await _load(stack, sender)
        await load.hand_in(submissions)


async def _load(stack: AsyncExitStack, sender: Gateway) -> Load:
    watch = await stack.enter_async_context(Watch(sender.database, answered=False))
    connections = [await stack.enter_async_context(sender.connection()) for _ in range(USUAL[0].in_flight)]
    return Load(connections, watch, sender.pid)


@asynccontextmanager
async def _doors(folder: Path) -> AsyncIterator[None]:
    """A process that answers for all but the dead one."""
    homes = [*map(_party, HEALTHY), f"{_party(SLOW)}={SLOW_S}"]
    words = [word for home in homes for word in ("--home", home)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.doors", str(folder), *words), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        if await process.stdout.readline() != b"ready\n":
            raise GatewayDown("the parties' doors did not open")
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
