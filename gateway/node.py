"""One gateway process: its doors, its lanes, and what goes on beside them."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from datetime import UTC, timedelta
from functools import partial
from typing import Any

import aiohttp
import structlog

from gateway.acknowledge.reading import read_answer
from gateway.answers.desk import AnswerDesk
from gateway.answers.pings import Pings
from gateway.answers.rehearsals import Rehearsals
from gateway.deliver.lane import Lane
from gateway.deliver.pace import Pace
from gateway.deliver.roster import Roster
from gateway.deliver.silence import Silence
from gateway.deliver.transports.https import HttpsTransport
from gateway.domain.answer import Answer
from gateway.domain.corridor import Party
from gateway.domain.deadline import WEEKENDS_FREE
from gateway.domain.errors import KeyUnusable
from gateway.domain.ids import PartyId
from gateway.doors import Doors
from gateway.intake.national import installed_version
from gateway.notify.teller import Teller
from gateway.observe.counted import CountedDebts
from gateway.observe.credentials import CredentialsWatch
from gateway.observe.event_log import LogKeeper
from gateway.observe.evidence import EvidenceRoom
from gateway.observe.four_eyes import FourEyes
from gateway.observe.metrics import Metrics
from gateway.observe.revocation import RevocationWatch, stale
from gateway.observe.specimens import SpecimenWatch
from gateway.observe.traces import Traces
from gateway.pipeline import Pipeline
from gateway.registry.parties import LiveParties
from gateway.rooms import Rooms
from gateway.settings import Settings
from gateway.signers.elsewhere import KeyElsewhere
from gateway.signers.files import open_key
from gateway.standing import Standing
from gateway.store.bell import Changes
from gateway.store.connect import AWAY
from gateway.store.housekeeping import retentions
from gateway.store.identity import identity
from gateway.store.ledger import Ledger
from gateway.store.records import CheckedReceipt, Claim
from gateway.trust.check import check_seal
from gateway.trust.credentials import Credentials
from gateway.trust.keys import OwnKey, OwnKeys
from gateway.watch.law import Law
from gateway.watch.watcher import Watcher
from gateway.workers import Workers

log = structlog.get_logger()

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
CLOCKS_EVERY_S = 5.0
WEBHOOKS_EVERY_S = 1.0
PING_LOOK_EVERY_S = 1.0
DAYS_EVERY_S = 10.0
ROUNDS_DRIFT = (0.8, 1.2)


class _Overtime(Exception):
    """Raised inside the task group to end it when the grace period is over."""


class Node:
    """Puts the parts of one process together and keeps them going."""

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
        self._clock = rooms.clock
        self._ledger = ledger
        self._workers = workers
        self._stopping = stopping
        self._metrics = metrics
        self._traces = _traces(settings, rooms.home.id)
        self._lanes: dict[PartyId, Lane] = {}
        self._transports: dict[PartyId, HttpsTransport] = {}
        self._roster = Roster("", {}, leases=ledger)
        self._changes = Changes()
        self._standing = Standing(ledger, rooms.clock, lambda: self._others)
        self._signs: set[PartyId] = set()
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
            suspended=self._standing.takes_nothing,
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
        self._doors = Doors(
            settings=settings,
            rooms=rooms,
            ledger=ledger,
            workers=workers,
            pipeline=self._pipeline,
            credentials=self._credentials,
            standing=self._standing,
            log=self._log,
            evidence=self._evidence,
            pings=self._pings,
            rehearsals=self._rehearsals,
            metrics=metrics,
            traces=self._traces,
            changes=self._changes,
            law=self._law(),
            retention=self._retention,
            stopping=stopping,
            is_ready=lambda: self._ready,
            decided=self._look_at_decisions,
            figures=self._exposition,
        )
        self._silence = Silence(self._lanes, wanted=self._exchanged_with, ask=self._pings.ask)

    @property
    def _others(self) -> list[Party]:
        return list(self._credentials.others.values())

    async def run(self, stack: AsyncExitStack) -> None:
        """Serve until ``stopping`` is set; then finish what is in hand within the grace period."""
        await self._standing.look()
        for party in self._others:
            self._lanes[party.id] = await self._lane(party, stack)
        if self._traces is not None:
            stack.push_async_callback(asyncio.to_thread, self._traces.close)
        node = stack.enter_context(identity(self._settings.data, self._settings.listen))
        self._roster = Roster(node, self._lanes, leases=self._ledger)
        await self._watch.begin(node)
        lists = await self._lists(stack)
        await self._specimens.look()
        await self._doors.open(stack)
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
                tasks.create_task(self._standing.watch()),
                tasks.create_task(self._every(SIGNS_OF_LIFE_EVERY_S, self._wake_who_lives)),
                tasks.create_task(self._every(PING_LOOK_EVERY_S, self._silence.ping_the_silent)),
                tasks.create_task(self._every(PARKED_EVERY_S, self._pipeline.incoming.give_up_parked)),
                tasks.create_task(self._every(LOG_EVERY_S, self._log.grow)),
                tasks.create_task(self._every(CREDENTIALS_EVERY_S, self._look_at_credentials)),
                tasks.create_task(self._every(EXPIRY_EVERY_S, self._watch.warn)),
                tasks.create_task(self._every(LISTS_EVERY_S, lists.look)),
                tasks.create_task(self._every(SPECIMENS_EVERY_S, self._specimens.look)),
                tasks.create_task(self._every(self._settings.log_head_s, self._log.seal_head)),
                tasks.create_task(self._every(PLAN_EVERY_S, self._standing.keep_to_the_plan)),
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

    async def _lists(self, stack: AsyncExitStack) -> RevocationWatch:
        """What is held of revocation lists counts from the first message on; the rest is fetched beside."""
        client = await stack.enter_async_context(aiohttp.ClientSession())
        skew = timedelta(seconds=self._settings.skew_s)
        lists = RevocationWatch(self._credentials, self._ledger, self._clock, client, skew)
        await lists.take_in()
        return lists

    async def _send_rehearsal(self, claim: Claim, tls: OwnKey | None) -> Answer:
        """Put it on the wire as always, or over a connection of its own under another TLS key."""
        if tls is None:
            return await self._transports[claim.party].send(claim)
        context = self._credentials.rehearsing(claim.party, tls)
        party = self._registry.parties[claim.party]
        async with HttpsTransport(party, tls=lambda: context, connections=1) as transport:
            return await transport.send(claim)

    async def _exposition(self) -> bytes:
        self._metrics.set_backlog(await self._ledger.counts())
        for door, capacity in self._doors.capacities.items():
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
        self._standing.ring()
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
            clocks_rest=timedelta(seconds=CLOCKS_EVERY_S),
        )

    async def _every(self, seconds: float, work: Callable[[], Any]) -> None:
        """
        Do *work* again and again; a database that is away is waited for, a fault of ours is logged.

        Rests differ a little, so that what began together does not ask for connections together for ever.
        """
        while True:
            try:
                with contextlib.suppress(*AWAY, KeyUnusable):
                    await work()
            except Exception:
                log.exception("round_broke", work=getattr(work, "__name__", "work"))
            await asyncio.sleep(seconds * random.uniform(*ROUNDS_DRIFT))  # noqa: S311  (spreads load)

    async def _look_at_credentials(self) -> None:
        if self._eyes is not None:
            await self._eyes.look(self._ledger)
        await self._watch.look()

    async def _look_at_decisions(self) -> None:
        await self._standing.look()
        await self._specimens.look()

    def _exchanged_with(self) -> list[PartyId]:
        """The parties whose lanes run here and are not suspended."""
        return [party for party in self._roster.held if not self._standing.is_suspended(party)]

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


def _traces(settings: Settings, home: PartyId) -> Traces | None:
    if settings.otlp_endpoint is None:
        return None
    from gateway.observe.spans import open_spans  # takes as long as a quarter of all else

    return open_spans(settings.otlp_endpoint, home=home, version=installed_version())
