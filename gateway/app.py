"""The composition root: the only module that names concrete parts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import aiohttp
import structlog
from aiohttp import web

from gateway.acknowledge.bodies import read_body
from gateway.acknowledge.reading import read_answer
from gateway.acknowledge.schema import ExchangeSchema
from gateway.acknowledge.shown import body_to_json, number
from gateway.answers.desk import AnswerDesk
from gateway.answers.pings import Pings
from gateway.answers.rehearsals import Rehearsals
from gateway.console.app import create_console
from gateway.console.serving import Parts as ConsoleParts
from gateway.deliver.lane import Lane
from gateway.deliver.pace import Pace
from gateway.deliver.roster import Roster
from gateway.deliver.silence import Silence
from gateway.deliver.transports.https import HttpsTransport
from gateway.domain.answer import Answer
from gateway.domain.clock import Clock
from gateway.domain.corridor import Maintenance, Party
from gateway.domain.deadline import WEEKENDS_FREE
from gateway.domain.errors import KeyUnusable, Misconfigured, NotAllowed, RegistryFault
from gateway.domain.ids import FormId, PartyId
from gateway.domain.status import MessageType
from gateway.identity.provider import Provider
from gateway.identity.who import Identity, development_identity, issuer_identity
from gateway.intake.callers import verifier
from gateway.intake.capacity import Capacity
from gateway.intake.exchange import create_exchange_app
from gateway.intake.issuer import public_jwk
from gateway.intake.national import create_national_app, installed_version
from gateway.intake.notices import Notice, notice_of
from gateway.intake.serving import Limits, capacity_of
from gateway.notify.teller import Teller
from gateway.observe.counted import CountedDebts, CountedExchange, CountedNational, TimedJudge
from gateway.observe.credentials import CredentialsWatch
from gateway.observe.event_log import LogKeeper
from gateway.observe.evidence import EvidenceRoom
from gateway.observe.four_eyes import FourEyes
from gateway.observe.handshakes import HandshakeWatch
from gateway.observe.logs import set_up
from gateway.observe.metrics import Metrics
from gateway.observe.revocation import RevocationWatch, stale
from gateway.observe.specimens import SpecimenWatch
from gateway.observe.traces import Traces
from gateway.pipeline import Pipeline
from gateway.public.app import PREFIX as CHECK
from gateway.public.app import Parts as CheckParts
from gateway.public.app import alone, create_check
from gateway.public.codes import Codes, load_codes
from gateway.public.paper import Papers
from gateway.public.printing import Printing
from gateway.registry.folder import Folder, over_shipped
from gateway.registry.load import Registry, load_registry
from gateway.registry.parties import LiveParties
from gateway.rooms import Rooms
from gateway.settings import Address, Settings, is_guarded
from gateway.signers.elsewhere import KeyElsewhere
from gateway.signers.files import open_key
from gateway.store.bell import Changes
from gateway.store.connect import AWAY, connect
from gateway.store.embedded import embedded
from gateway.store.housekeeping import retentions
from gateway.store.identity import identity
from gateway.store.ledger import Ledger
from gateway.store.migrate import migrate
from gateway.store.operating import BY_ITSELF
from gateway.store.records import CertificateRow, CheckedReceipt, Claim, MessageRow, PartyState
from gateway.translate.dialects import Dialects
from gateway.translate.documents import Translator
from gateway.trust.check import check_seal, said_in
from gateway.trust.credentials import Credentials
from gateway.trust.keys import OwnKey, OwnKeys, load_keys
from gateway.trust.sealer import Sealer
from gateway.trust.tls import party_of, scheduled_party_of
from gateway.validate.records import record_of
from gateway.validate.shape import Records
from gateway.watch.law import Law
from gateway.watch.watcher import Watcher
from gateway.workers import Workers

log = structlog.get_logger()

SUSPENSIONS_EVERY_S = 1.0
SUSPENSIONS_REST_S = 0.05
SIGNS_OF_LIFE_EVERY_S = 1.0
PARKED_EVERY_S = 5.0
LOG_EVERY_S = 1.0
CREDENTIALS_EVERY_S = 2.0
EXPIRY_EVERY_S = 600.0
LISTS_EVERY_S = 5.0
SPECIMENS_EVERY_S = 1.0
PLAN_EVERY_S = 1.0
ACTIONS_EVERY_S = 1.0
HOUSEKEEPING_EVERY_S = 60.0
WATCH_EVERY_S = 1.0
WEBHOOKS_EVERY_S = 1.0
PING_LOOK_EVERY_S = 1.0
DAYS_EVERY_S = 10.0


class _Overtime(Exception):
    """Raised inside the task group to end it when the grace period is over."""


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
            asyncio.run(_look_first(settings, eyes, clock))
            settings = settings.model_copy(update={"roles": eyes.roles})
        registry, home = _registry(settings, laid_down if eyes is None else eyes.folder)
        others = [party for party in registry.parties.values() if party.id != home.id]
        keys = load_keys(settings.keys_folder, home, clock(), others, open_elsewhere=open_key)
        metrics = Metrics()
        # Whatever does not compile is told before the database is touched.
        rooms = furnish(settings, registry, home, keys, clock, metrics)
        asyncio.run(_serve(settings, rooms, keys, metrics, eyes))
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


class Node:
    """One gateway process: its doors, its lanes, and what goes on beside them."""

    def __init__(
        self,
        settings: Settings,
        rooms: Rooms,
        keys: OwnKeys,
        metrics: Metrics,
        ledger: Ledger,
        workers: Executor,
        stopping: asyncio.Event,
        eyes: FourEyes | None = None,
    ) -> None:
        self._settings = settings
        self._eyes = eyes
        self._registry = rooms.registry
        self._home = rooms.home
        self._dialects = rooms.dialects
        self._clock = rooms.clock
        self._ledger = ledger
        self._workers = workers
        self._stopping = stopping
        self._metrics = metrics
        self._traces = _traces(settings, rooms.home.id)
        self._lanes: dict[PartyId, Lane] = {}
        self._transports: dict[PartyId, HttpsTransport] = {}
        self._roster = Roster("", {}, leases=ledger)
        self._states: Mapping[PartyId, PartyState] = {}
        self._notices: Mapping[PartyId, Notice] = {}
        self._changes = Changes()
        self._rung = asyncio.Event()
        self._looking = asyncio.Lock()
        self._signs: set[PartyId] = set()
        self._doors: dict[str, Capacity] = {}
        self._retention = retentions(rooms.registry.corridors.values(), rooms.home.id)
        self._ready = False
        parties = rooms.registry.parties
        assert isinstance(parties, LiveParties)
        self._credentials = Credentials(
            rooms.registry.folder,
            settings.keys_folder,
            parties=parties,
            home=rooms.home.id,
            keys=keys,
            clock=rooms.clock,
            open_elsewhere=open_key,
        )
        self._watch = CredentialsWatch(self._credentials, ledger, rooms.clock, settings.roles)
        self._specimens = SpecimenWatch(rooms.specimens, ledger)
        self._log = LogKeeper(
            ledger=ledger,
            parties=parties,
            home=rooms.home.id,
            sealer=rooms.sealer,
            clock=rooms.clock,
            workers=workers,
        )
        self._evidence = EvidenceRoom(
            ledger=ledger,
            log=self._log,
            registry=rooms.registry,
            home=rooms.home.id,
            sealer=rooms.sealer,
            clock=rooms.clock,
            workers=workers,
        )
        judges = Workers(workers, settings.threads)
        self._pipeline = Pipeline(
            rooms,
            ledger,
            workers=judges,
            alive=self._signs.add,
            suspended=self._takes_nothing,
        )
        self._pings = Pings(
            AnswerDesk(rooms, ledger, judges),
            judges,
            send=lambda claim: self._transports[claim.party].send(claim),
            read=lambda claim, answer: self._read_answer(claim.party, claim, answer),
        )
        self._rehearsals = Rehearsals(
            AnswerDesk(rooms, ledger, judges),
            judges,
            keys,
            send=self._send_rehearsal,
            read=lambda claim, answer: self._read_answer(claim.party, claim, answer),
        )
        self._silence = Silence(self._lanes, wanted=self._exchanged_with, ask=self._pings.ask)

    @property
    def _others(self) -> list[Party]:
        return list(self._credentials.others.values())

    async def run(self, stack: AsyncExitStack) -> None:
        """Serve until ``stopping`` is set; then finish what is in hand within the grace period."""
        await self._look_for_suspensions()
        for party in self._others:
            self._lanes[party.id] = await self._lane(party, stack)
        if self._traces is not None:
            stack.push_async_callback(self._compute, self._traces.close)
        node = stack.enter_context(identity(self._settings.data, self._settings.listen))
        self._roster = Roster(node, self._lanes, leases=self._ledger)
        await self._watch.begin(node)
        lists = await self._lists(stack)
        await self._specimens.look()
        await self._open_doors(stack)
        self._ready = True
        log.info(
            "node_started",
            home=self._home.id,
            api=str(self._settings.listen),
            exchange=str(self._settings.exchange_listen),
            development_issuer=self._settings.development_issuer,
        )
        try:
            await self._work(lists)
        except* _Overtime:
            log.warning("grace_ended", grace_s=self._settings.grace_s)
        log.info("node_stopped", home=self._home.id)

    async def _work(self, lists: RevocationWatch) -> None:
        named = [host.strip() for host in self._settings.webhook_hosts.split(",") if host.strip()]
        async with Teller(self._ledger, self._clock, named=named) as teller, asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(self._ledger.listen(self._hear)),
                tasks.create_task(self._watch_suspensions()),
                tasks.create_task(self._every(SIGNS_OF_LIFE_EVERY_S, self._wake_who_lives)),
                tasks.create_task(self._every(PING_LOOK_EVERY_S, self._silence.ping_the_silent)),
                tasks.create_task(self._every(PARKED_EVERY_S, self._pipeline.incoming.give_up_parked)),
                tasks.create_task(self._every(LOG_EVERY_S, self._log.grow)),
                tasks.create_task(self._every(CREDENTIALS_EVERY_S, self._look_at_credentials)),
                tasks.create_task(self._every(EXPIRY_EVERY_S, self._watch.warn)),
                tasks.create_task(self._every(LISTS_EVERY_S, lists.look)),
                tasks.create_task(self._every(SPECIMENS_EVERY_S, self._specimens.look)),
                tasks.create_task(self._every(self._settings.log_head_s, self._log.seal_head)),
                tasks.create_task(self._every(PLAN_EVERY_S, self._keep_to_the_plan)),
                tasks.create_task(self._every(ACTIONS_EVERY_S, self._work_off_actions)),
                tasks.create_task(self._every(WATCH_EVERY_S, self._watcher().step)),
                tasks.create_task(self._every(WEBHOOKS_EVERY_S, teller.look)),
                tasks.create_task(self._every(HOUSEKEEPING_EVERY_S, self._housekeep)),
                tasks.create_task(self._every(DAYS_EVERY_S, self._ledger.fold_days)),
            ]
            running = tasks.create_task(self._roster.run(self._stopping), name="roster")
            await self._stopping.wait()
            self._ready = False
            log.info("node_stopping", home=self._home.id)
            _, late = await asyncio.wait([running], timeout=self._settings.grace_s)
            for task in beside:
                task.cancel()
            if late:
                raise _Overtime

    # ---- parts -------------------------------------------------------------------------------------------

    async def _lane(self, party: Party, stack: AsyncExitStack) -> Lane:
        window = self._settings.lane_window
        transport = await stack.enter_async_context(
            HttpsTransport(party, tls=partial(self._credentials.client, party.id), connections=window)
        )
        self._transports[party.id] = transport
        return Lane(
            party,
            ledger=CountedDebts(self._ledger, self._metrics, self._traces),
            transport=transport,
            read_answer=partial(self._read_answer, party.id),
            clock=self._clock,
            executor=self._workers,
            pace=Pace(window_most=window),
        )

    def _read_answer(self, name: PartyId, claim: Claim, answer: Answer) -> CheckedReceipt:
        party, now = self._registry.parties[name], self._clock()
        return read_answer(
            claim,
            answer,
            party=party,
            home=self._home.id,
            open_seal=lambda raw: check_seal(
                raw, registered=party.sign, anchor=party.anchor, profiles=party.seals, at=now
            ),
            at=now,
        )

    async def _open_doors(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        limits = Limits(
            body_bytes=settings.max_message_bytes,
            visits=settings.calls_in_hand,
            visits_bytes=settings.bytes_in_hand,
        )
        for door in ("national", "exchange"):
            self._doors[door] = capacity_of(limits, partial(self._metrics.turned_away, door))
        who = await self._identity(stack)
        codes = await load_codes(self._ledger)
        printing = self._printing(codes)
        national = create_national_app(
            home=self._home.id,
            desk=CountedNational(self._pipeline, self._metrics, self._traces),
            ledger=self._ledger,
            log=self._log,
            prove=who.prove,
            clock=self._clock,
            ready=lambda: self._ready,
            metrics=self._exposition,
            content_of=self._content_of,
            evidence=self._evidence.export,
            ping=self._pings.ping,
            rehearse=self._rehearsals.rehearse,
            registry_view=lambda: {party.id: party for party in self._others},
            stopping=self._stopping,
            limits=limits,
            decided=self._look_at_decisions,
            changed=self._changes.wait,
            notices=lambda: self._notices,
            capacity=self._doors["national"],
            retention=self._retention,
            away=AWAY,
            check_address=partial(self._check_address, codes),
            paper=printing,
            beside={"/console": self._console(who, printing), CHECK: self._check(codes)},
        )
        exchange = create_exchange_app(
            desk=CountedExchange(self._pipeline, self._metrics, self._traces),
            event_log=self._log,
            party_of=self._party_of,
            scheduled_party_of=self._scheduled_party_of,
            clock=self._clock,
            stopping=self._stopping,
            limits=limits,
            capacity=self._doors["exchange"],
            away=AWAY,
        )
        handshakes = HandshakeWatch(self._metrics)
        await _open(
            stack, exchange, settings.exchange_listen, self._credentials.server(handshakes.refused), limits
        )
        await _open(stack, national, settings.listen, who.tls, limits)
        if settings.check_listen is not None:
            await _open(stack, alone(self._check(codes)), settings.check_listen, who.tls, limits)

    def _check_address(self, codes: Codes, row: CertificateRow) -> str:
        """Where anybody checks a certificate of ours."""
        return f"{self._settings.public_check_url}{CHECK}/{codes.code_of(row.certificate_no)}"

    def _printing(self, codes: Codes) -> Printing:
        return Printing(
            self._home.id,
            self._ledger,
            self._registry,
            Papers(self._registry, demonstration=self._demonstration),
            check_address=partial(self._check_address, codes),
            clock=self._clock,
            compute=self._compute,
        )

    def _check(self, codes: Codes) -> web.Application:
        parts = CheckParts(
            home=self._home,
            registry=self._registry,
            ledger=self._ledger,
            clock=self._clock,
            codes=codes,
            demonstration=self._demonstration,
            counted=self._metrics.checked,
            compute=self._compute,
        )
        return create_check(parts, away=AWAY)

    @property
    def _demonstration(self) -> bool:
        """Whether identities are for development, so that nothing here is real."""
        return self._settings.issuer is None or self._settings.issuer.startswith("http://")

    async def _compute(self, task: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._workers, task)

    def _console(self, identity: Identity, paper: Printing) -> web.Application:
        settings = self._settings
        demonstration = self._demonstration
        named = "Demonstration: development identities" if demonstration else "Production"
        parts = ConsoleParts(
            home=self._home,
            registry=self._registry,
            ledger=self._ledger,
            clock=self._clock,
            identity=identity,
            environment=settings.environment or named,
            paper=paper,
            law=self._law(),
            demonstration=demonstration,
            browser_url=settings.browser_url,
            decided=self._look_for_suspensions,
            changed=self._changes.wait,
            stopping=self._stopping,
            workers=self._workers,
            version=installed_version(),
        )
        return create_console(parts, away=AWAY)

    async def _identity(self, stack: AsyncExitStack) -> Identity:
        if self._settings.issuer is None:
            jwk = await self._ledger.setting("development_issuer", public_jwk(self._settings.data))
            assert jwk is not None
            verify = verifier(jwk, self._home.id, self._clock)
            return development_identity(self._settings, self._ledger, self._clock, verify)
        client = await stack.enter_async_context(aiohttp.ClientSession())
        provider = Provider(self._settings.issuer, client)
        return issuer_identity(self._settings, self._ledger, self._clock, self._home.id, provider)

    async def _lists(self, stack: AsyncExitStack) -> RevocationWatch:
        """What is held of revocation lists counts from the first message on; the rest is fetched beside."""
        client = await stack.enter_async_context(aiohttp.ClientSession())
        skew = timedelta(seconds=self._settings.skew_s)
        lists = RevocationWatch(self._credentials, self._ledger, self._clock, client, skew)
        await lists.take_in()
        return lists

    def _party_of(self, peer: bytes) -> PartyId | None:
        return party_of(peer, self._credentials.others, self._clock())

    def _scheduled_party_of(self, peer: bytes) -> tuple[PartyId, datetime] | None:
        return scheduled_party_of(peer, self._credentials.others, self._clock())

    async def _send_rehearsal(self, claim: Claim, tls: OwnKey | None) -> Answer:
        """Put it on the wire as always, or over a connection of its own under another TLS key."""
        if tls is None:
            return await self._transports[claim.party].send(claim)
        context = self._credentials.rehearsing(claim.party, tls)
        party = self._registry.parties[claim.party]
        async with HttpsTransport(party, tls=lambda: context, connections=1) as transport:
            return await transport.send(claim)

    def _content_of(self, message: MessageRow, raw: bytes) -> Any:
        """
        An inbox message as JSON: the box record of a certificate, or the body of an answer.

        None for one whose dialect could not be read; its findings say why.
        """
        document = said_in(raw)
        if self._dialects.spoken_in(document) is not None:
            return None
        if message.type is MessageType.CERTIFICATE:
            return _with_plain_numbers(record_of(document, self._registry.forms[message.form]))
        return body_to_json(read_body(document))

    async def _exposition(self) -> bytes:
        self._metrics.set_backlog(await self._ledger.counts())
        for door, capacity in self._doors.items():
            self._metrics.set_in_hand(door, capacity.in_hand, capacity.bytes_in_hand)
        self._metrics.set_lanes(await self._ledger.lanes(self._clock()))
        self._metrics.set_certificate_expiry(self._registry.parties.values(), self._clock())
        self._metrics.set_revocation_lists(self._registry.parties.values(), self._clock())
        self._metrics.set_signing_keys(
            {
                key.certificate.file: key.private.usable
                for key in self._credentials.keys.sign
                if isinstance(key.private, KeyElsewhere)
            }
        )
        return self._metrics.exposition()

    # ---- what goes on beside the lanes ---------------------------------------------------------------------

    def _hear(self, party: PartyId) -> None:
        self._changes.ring()
        self._rung.set()
        self._roster.wake(party)

    def _law(self) -> Law:
        country = self._home.country
        return Law(
            clocks=self._registry.clocks,
            zone=self._registry.zones.of.get(country, UTC),
            calendar=self._registry.calendars.get(country, WEEKENDS_FREE),
        )

    def _watcher(self) -> Watcher:
        return Watcher(
            self._ledger,
            self._clock,
            self._law(),
            home=self._home.id,
            stale=partial(stale, self._registry.parties),
        )

    async def _every(self, seconds: float, work: Callable[[], Any]) -> None:
        """Do *work* again and again; a database that is away is waited for, a fault of ours is logged."""
        while True:
            try:
                with contextlib.suppress(*AWAY, KeyUnusable):
                    await work()
            except Exception:
                log.exception("round_broke", work=getattr(work, "__name__", "work"))
            await asyncio.sleep(seconds)

    async def _watch_suspensions(self) -> None:
        """A suspension holds at once on the node that was told; the bell rings for much else, too."""
        while True:
            self._rung.clear()
            with contextlib.suppress(*AWAY):
                await self._look_for_suspensions()
            await asyncio.sleep(SUSPENSIONS_REST_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SUSPENSIONS_EVERY_S):
                    await self._rung.wait()

    async def _look_at_credentials(self) -> None:
        if self._eyes is not None:
            await self._eyes.look(self._ledger)
        await self._watch.look()

    async def _look_at_decisions(self) -> None:
        await self._look_for_suspensions()
        await self._specimens.look()

    async def _look_for_suspensions(self) -> None:
        async with self._looking:  # one look after the other, so that the newest stands
            await self._look()

    async def _look(self) -> None:
        self._states = await self._ledger.party_states()
        outages = [state for state in self._states.values() if state.is_outage]
        counts = await self._ledger.counts() if outages else {}
        self._notices = {state.party: notice_of(state, counts.get(state.party, {})) for state in outages}

    def _exchanged_with(self) -> list[PartyId]:
        """The parties whose lanes run here and are not suspended."""
        states = self._states
        return [p for p in self._roster.held if p not in states or states[p].suspended_by is None]

    def _takes_nothing(self, party: PartyId, form: FormId | None) -> bool:
        state = self._states.get(party)
        return state is not None and state.takes_nothing(form)

    async def _keep_to_the_plan(self) -> None:
        """Suspensions end when their time has come; a planned maintenance begins as an outage by itself."""
        now = self._clock()
        await self._ledger.resume_in_time(now)
        await self._ledger.sort_out_corridors()
        for party in self._others:
            for window in party.maintenance:
                if window.covers(now):
                    await self._begin(party.id, window, now)

    async def _begin(self, party: PartyId, window: Maintenance, now: datetime) -> None:
        with contextlib.suppress(NotAllowed):  # begun already, or stopped by an operator
            await self._ledger.suspend(
                party,
                who=BY_ITSELF,
                reason="planned maintenance",
                outgoing_only=True,
                at=now,
                notice=window.notice,
                until=window.end,
                maintained=window.begin,
            )

    async def _housekeep(self) -> None:
        """Documents whose time is over go; what happened since is counted, so that figures are quick."""
        done = await self._ledger.housekeep(self._retention, self._clock())
        if done.certificates:
            log.info("documents_removed", certificates=done.certificates, documents=done.documents)
        await self._ledger.counts()

    async def _work_off_actions(self) -> None:
        await self._ledger.work_off_actions(self._clock())

    async def _wake_who_lives(self) -> None:
        parties = sorted(self._signs)
        self._signs.clear()  # the very set that the pipeline adds to
        for party in parties:
            if party in self._lanes:
                self._lanes[party].sign_of_life()
            await self._ledger.wake(party)


def _with_plain_numbers(value: Any) -> Any:
    """*value* with JSON's own numbers for exact ones."""
    if isinstance(value, dict):
        return {key: _with_plain_numbers(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_with_plain_numbers(entry) for entry in value]
    return number(value) if isinstance(value, Decimal) else value


def _traces(settings: Settings, home: PartyId) -> Traces | None:
    if settings.otlp_endpoint is None:
        return None
    from gateway.observe.spans import open_spans  # takes as long as a quarter of all else

    return open_spans(settings.otlp_endpoint, home=home, version=installed_version())


async def _open(
    stack: AsyncExitStack, app: web.Application, at: Address, tls: ssl.SSLContext | None, limits: Limits
) -> None:
    """
    Open a door. Who is refused while it still sends may finish, for it reads the refusal only then.

    Nothing is unpacked: a Content-Encoding is refused, and a body that does not fit it ends no connection.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=75,
        shutdown_timeout=5,
        lingering_time=limits.body_s,
        auto_decompress=False,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, at.host, at.port, ssl_context=tls).start()
    except OSError as error:
        text = f"cannot listen: {error.strerror or error}; is another node running here?"
        raise Misconfigured((RegistryFault("environment", str(at), text),)) from None
