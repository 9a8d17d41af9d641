"""How one node is started: everything that may be wrong is found before its doors open."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import structlog
import uvloop

from gateway.acknowledge.schema import ExchangeSchema
from gateway.domain.clock import Clock
from gateway.domain.corridor import Party
from gateway.domain.errors import KeyUnusable, Misconfigured, RegistryFault
from gateway.node import Node
from gateway.observe.counted import TimedJudge
from gateway.observe.four_eyes import FourEyes
from gateway.observe.logs import set_up
from gateway.observe.metrics import Metrics
from gateway.registry.folder import Folder, over_shipped
from gateway.registry.load import Registry, load_registry
from gateway.registry.parties import LiveParties
from gateway.rooms import Rooms
from gateway.settings import Settings, is_guarded
from gateway.signers.elsewhere import KeyElsewhere
from gateway.signers.files import open_key
from gateway.store.connect import connect
from gateway.store.embedded import embedded
from gateway.store.ledger import Ledger
from gateway.store.migrate import migrate
from gateway.translate.dialects import Dialects
from gateway.translate.documents import Translator
from gateway.trust.keys import OwnKeys, load_keys
from gateway.trust.sealer import Sealer
from gateway.validate.shape import Records

log = structlog.get_logger()


def serve_forever(settings: Settings) -> int:
    """
    Run one node until SIGTERM or SIGINT.

    Returns:
        0 after an orderly stop, 1 when the configuration forbids to start; every fault is told then.
    """
    clock = settings.make_clock()
    set_up(level=settings.log_level, format=settings.log_format, clock=clock)
    try:
        laid_down = over_shipped(settings.registry)
        eyes = None
        if settings.four_eyes:
            eyes = FourEyes(laid_down, settings.roles, settings.data / "approved", clock)
            uvloop.run(_look_first(settings, eyes, clock))
            settings = settings.model_copy(update={"roles": eyes.roles})
        registry, home = _registry(settings, laid_down if eyes is None else eyes.folder)
        others = [party for party in registry.parties.values() if party.id != home.id]
        keys = load_keys(settings.keys_folder, home, clock(), others, open_elsewhere=open_key)
        metrics = Metrics()
        # Whatever does not compile is told before the database is touched.
        rooms = furnish(settings, registry, home, keys, clock, metrics)
        uvloop.run(_serve(settings, rooms, keys, metrics, eyes))
    except Misconfigured as error:
        for fault in error.faults:
            sys.stderr.write(f"{fault}\n")
        return 1
    return 0


async def _look_first(settings: Settings, eyes: FourEyes, clock: Clock) -> None:
    """Find out what was approved before anything else of the registry is read."""
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(_database(settings))
        await migrate(dsn)
        pool = await connect(dsn, connections=2)
        stack.push_async_callback(pool.close)
        await eyes.look(Ledger(pool, clock))


def _registry(settings: Settings, folder: Folder) -> tuple[Registry, Party]:
    if settings.home is None:
        raise Misconfigured((RegistryFault("environment", "ECO_GATEWAY_HOME", "which party are we?"),))
    if settings.issuer is not None and not is_guarded(settings.browser_url):
        text = "browsers sign in there, so it must begin with https://"
        raise Misconfigured((RegistryFault("environment", "ECO_GATEWAY_PUBLIC_URL", text),))
    registry = load_registry(folder)
    if (home := registry.parties.get(settings.home)) is None:
        text = f"no party {settings.home} under mappings/parties/"
        raise Misconfigured((RegistryFault("environment", "ECO_GATEWAY_HOME", text),))
    return registry, home


def furnish(
    settings: Settings, registry: Registry, home: Party, keys: OwnKeys, clock: Clock, metrics: Metrics
) -> Rooms:
    """
    Put the rooms together; every schema, rule, mapping and dialect is compiled here.

    Raises:
        Misconfigured: one of them does not compile.
    """
    exchange = registry.folder.find("schemas/exchange/1.0/exchange.xsd")
    assert exchange is not None
    return Rooms(
        home=home,
        registry=replace(registry, parties=LiveParties(registry.parties)),
        judge=TimedJudge(registry.forms, registry.codes, metrics),
        records=Records(registry.record_schema, registry.forms.values()),
        translator=Translator(registry.folder),
        dialects=Dialects(registry.folder, registry.forms),
        exchange=ExchangeSchema(exchange),
        sealer=Sealer(keys, clock),
        clock=clock,
        skew=timedelta(seconds=settings.skew_s),
        replay_window=timedelta(seconds=settings.replay_window_s),
        limit=settings.max_message_bytes,
    )


async def _serve(
    settings: Settings, rooms: Rooms, keys: OwnKeys, metrics: Metrics, eyes: FourEyes | None
) -> None:
    stopping = asyncio.Event()
    _stop_on_signals(stopping)
    for warning in keys.warnings:
        log.warning("key_without_certificate", text=warning)
    await asyncio.to_thread(_try_keys, keys)
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(_database(settings))
        await migrate(dsn)
        pool = await connect(dsn, connections=settings.database_connections)
        stack.push_async_callback(pool.close)
        workers = stack.enter_context(ThreadPoolExecutor(settings.threads, thread_name_prefix="judge"))
        ledger = Ledger(pool, rooms.clock)
        node = Node(settings, rooms, keys, metrics, ledger, workers, stopping, eyes)
        await node.run(stack)


def _try_keys(keys: OwnKeys) -> None:
    """Ask each key that lies elsewhere once: whether it signs is then in the log from the first moment on."""
    for key in keys.sign:
        if isinstance(key.private, KeyElsewhere):
            with contextlib.suppress(KeyUnusable):
                key.sign(b"a node starts")


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[str]:
    if settings.database is not None:
        yield settings.database.get_secret_value()
        return
    async with embedded(settings.data) as dsn:
        yield dsn


def _stop_on_signals(stopping: asyncio.Event) -> None:
    """The first signal asks to stop, the second stops at once."""

    def stop() -> None:
        if stopping.is_set():
            os._exit(130)
        stopping.set()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)
