"""Whole gateway nodes in this process, each on a database of its own, speaking over real TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp.web_app import _cached_build_middleware

from gateway.app import furnish
from gateway.demo.country import HOST, Address
from gateway.domain.caller import Role
from gateway.domain.clock import Clock
from gateway.domain.ids import PartyId
from gateway.intake.issuer import mint
from gateway.node import Node
from gateway.observe.four_eyes import FourEyes
from gateway.observe.metrics import Metrics
from gateway.registry.load import Registry
from gateway.settings import Address as At
from gateway.settings import Settings
from gateway.signers.files import open_key
from gateway.store.connect import connect
from gateway.store.ledger import Ledger
from gateway.trust.keys import load_keys


@asynccontextmanager
async def node(
    settings: Settings,
    registry: Registry,
    database_url: str,
    *,
    connections: int = 8,
    clock: Clock | None = None,
    eyes: FourEyes | None = None,
) -> AsyncIterator[Node]:
    """A node that serves for as long as the block lasts, by *clock* or else that of its settings."""
    assert settings.home is not None
    clock = clock or settings.make_clock()
    home, stopping = registry.parties[settings.home], asyncio.Event()
    async with AsyncExitStack() as stack:
        pool = await connect(database_url, connections=connections)
        stack.callback(pool.terminate)
        workers = stack.enter_context(ThreadPoolExecutor(1))
        keys = load_keys(settings.keys_folder, home, clock(), open_elsewhere=open_key)
        metrics = Metrics()
        rooms = furnish(settings, registry, home, keys, clock, metrics)
        served = Node(settings, rooms, keys, metrics, Ledger(pool, clock), workers, stopping, eyes)
        running = asyncio.create_task(served.run(stack))
        asked = asyncio.create_task(ready(f"http://{settings.listen}"))
        try:
            await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                asked.cancel()
                await running
            await asked
            yield served
        finally:
            stopping.set()
            await running
            _cached_build_middleware.cache_clear()  # aiohttp would keep every node to the end


async def ready(url: str) -> None:
    """Wait until the node at *url* says it is ready."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            try:
                async with session.get(f"{url}/health/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.02)


def node_settings(party: str, address: Address, work: Path, **more: object) -> Settings:
    """The settings of one party's node; its keys lie under *work*/keys."""
    return Settings.model_validate(
        {
            "home": party,
            "data": work / party.lower(),
            "keys": work / "keys" / party,
            "listen": At(HOST, address.api),
            "exchange_listen": At(HOST, address.exchange),
            "grace_s": 5,
            **more,
        }
    )


def bearer(settings: Settings, *roles: Role) -> dict[str, str]:
    """The header of a caller in these roles, who is bound to no organisation."""
    assert settings.home is not None
    token = mint(settings.data, PartyId(settings.home), roles, None, 3600, settings.make_clock())
    return {"Authorization": f"Bearer {token}"}
