"""The doors of a node: for national systems and people, for parties abroad, for whoever checks a paper."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web

from gateway.acknowledge.bodies import read_body
from gateway.acknowledge.shown import body_to_json, number
from gateway.answers.pings import Pings
from gateway.answers.rehearsals import Rehearsals
from gateway.console.app import create_console
from gateway.console.serving import Parts as ConsoleParts
from gateway.domain.ids import PartyId
from gateway.domain.status import MessageType
from gateway.identity.provider import Provider
from gateway.identity.who import Identity, development_identity, issuer_identity
from gateway.intake.callers import verifier
from gateway.intake.capacity import Capacity
from gateway.intake.exchange import create_exchange_app
from gateway.intake.issuer import public_jwk
from gateway.intake.national import create_national_app, installed_version
from gateway.intake.opening import open_door
from gateway.intake.serving import Limits, capacity_of
from gateway.observe.counted import CountedExchange, CountedNational
from gateway.observe.event_log import LogKeeper
from gateway.observe.evidence import EvidenceRoom
from gateway.observe.handshakes import HandshakeWatch
from gateway.observe.metrics import Metrics
from gateway.observe.traces import Traces
from gateway.pipeline import Pipeline
from gateway.public.app import PREFIX as CHECK
from gateway.public.app import Parts as CheckParts
from gateway.public.app import alone, create_check
from gateway.public.codes import Codes, load_codes
from gateway.public.paper import Papers
from gateway.public.printing import Printing
from gateway.rooms import Rooms
from gateway.settings import Settings
from gateway.standing import Standing
from gateway.store.bell import Changes
from gateway.store.connect import AWAY
from gateway.store.housekeeping import Retention
from gateway.store.ledger import Ledger
from gateway.store.records import CertificateRow, MessageRow
from gateway.trust.check import said_in
from gateway.trust.credentials import Credentials
from gateway.trust.tls import party_of, scheduled_party_of
from gateway.validate.records import record_of
from gateway.watch.law import Law


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """
    What the doors lead to.

    Attributes:
        is_ready: whether the node takes work.
        decided: to be awaited after an operator's decision, so that it holds before he is answered.
        figures: the exposition of the metrics.
    """

    settings: Settings
    rooms: Rooms
    ledger: Ledger
    workers: Executor
    pipeline: Pipeline
    credentials: Credentials
    standing: Standing
    log: LogKeeper
    evidence: EvidenceRoom
    pings: Pings
    rehearsals: Rehearsals
    metrics: Metrics
    traces: Traces | None
    changes: Changes
    law: Law
    retention: Sequence[Retention]
    stopping: asyncio.Event
    is_ready: Callable[[], bool]
    decided: Callable[[], Awaitable[None]]
    figures: Callable[[], Awaitable[bytes]]
    capacities: dict[str, Capacity] = field(default_factory=dict)

    async def open(self, stack: AsyncExitStack) -> None:
        """
        Open them all; they close with *stack*.

        Raises:
            Misconfigured: another process listens there.
        """
        settings = self.settings
        limits = Limits(
            body_bytes=settings.max_message_bytes,
            visits=settings.calls_in_hand,
            visits_bytes=settings.bytes_in_hand,
        )
        for door in ("national", "exchange"):
            self.capacities[door] = capacity_of(limits, partial(self.metrics.turned_away, door))
        who = await self._identity(stack)
        codes = await load_codes(self.ledger)
        handshakes = HandshakeWatch(self.metrics)
        await open_door(
            stack,
            self._exchange(limits),
            settings.exchange_listen,
            self.credentials.server(handshakes.refused),
            limits,
        )
        await open_door(stack, self._national(who, codes, limits), settings.listen, who.tls, limits)
        if settings.check_listen is not None:
            await open_door(stack, alone(self._check(codes)), settings.check_listen, who.tls, limits)

    def _national(self, who: Identity, codes: Codes, limits: Limits) -> web.Application:
        printing = self._printing(codes)
        return create_national_app(
            home=self.rooms.home.id,
            desk=CountedNational(self.pipeline, self.metrics, self.traces),
            ledger=self.ledger,
            log=self.log,
            prove=who.prove,
            clock=self.rooms.clock,
            ready=self.is_ready,
            metrics=self.figures,
            content_of=self._content_of,
            evidence=self.evidence.export,
            ping=self.pings.ping,
            rehearse=self.rehearsals.rehearse,
            registry_view=lambda: self.credentials.others,
            stopping=self.stopping,
            limits=limits,
            decided=self.decided,
            changed=self.changes.wait,
            notices=lambda: self.standing.notices,
            capacity=self.capacities["national"],
            retention=self.retention,
            away=AWAY,
            check_address=partial(self._check_address, codes),
            paper=printing,
            beside={"/console": self._console(who, printing), CHECK: self._check(codes)},
        )

    def _exchange(self, limits: Limits) -> web.Application:
        return create_exchange_app(
            desk=CountedExchange(self.pipeline, self.metrics, self.traces),
            event_log=self.log,
            party_of=self._party_of,
            scheduled_party_of=self._scheduled_party_of,
            clock=self.rooms.clock,
            stopping=self.stopping,
            limits=limits,
            capacity=self.capacities["exchange"],
            away=AWAY,
        )

    def _check_address(self, codes: Codes, row: CertificateRow) -> str:
        """Where anybody checks a certificate of ours."""
        return f"{self.settings.public_check_url}{CHECK}/{codes.code_of(row.certificate_no)}"

    def _printing(self, codes: Codes) -> Printing:
        return Printing(
            self.rooms.home.id,
            self.ledger,
            self.rooms.registry,
            Papers(self.rooms.registry, demonstration=self._demonstration),
            self.rooms.specimens,
            check_address=partial(self._check_address, codes),
            clock=self.rooms.clock,
            compute=self._compute,
        )

    def _check(self, codes: Codes) -> web.Application:
        parts = CheckParts(
            home=self.rooms.home,
            registry=self.rooms.registry,
            ledger=self.ledger,
            clock=self.rooms.clock,
            codes=codes,
            demonstration=self._demonstration,
            counted=self.metrics.checked,
            compute=self._compute,
        )
        return create_check(parts, away=AWAY)

    @property
    def _demonstration(self) -> bool:
        """Whether identities are for development, so that nothing here is real."""
        return self.settings.issuer is None or self.settings.issuer.startswith("http://")

    async def _compute(self, task: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.workers, task)

    def _console(self, identity: Identity, paper: Printing) -> web.Application:
        settings = self.settings
        demonstration = self._demonstration
        named = "Demonstration: development identities" if demonstration else "Production"
        parts = ConsoleParts(
            home=self.rooms.home,
            registry=self.rooms.registry,
            ledger=self.ledger,
            clock=self.rooms.clock,
            identity=identity,
            environment=settings.environment or named,
            paper=paper,
            law=self.law,
            demonstration=demonstration,
            browser_url=settings.browser_url,
            decided=self.standing.look,
            ping=self.pings.ping,
            changed=self.changes.wait,
            stopping=self.stopping,
            workers=self.workers,
            version=installed_version(),
        )
        return create_console(parts, away=AWAY)

    async def _identity(self, stack: AsyncExitStack) -> Identity:
        if self.settings.issuer is None:
            jwk = await self.ledger.setting("development_issuer", public_jwk(self.settings.data))
            assert jwk is not None
            verify = verifier(jwk, self.rooms.home.id, self.rooms.clock)
            return development_identity(self.settings, self.ledger, self.rooms.clock, verify)
        client = await stack.enter_async_context(aiohttp.ClientSession())
        provider = Provider(self.settings.issuer, client)
        return issuer_identity(self.settings, self.ledger, self.rooms.clock, self.rooms.home.id, provider)

    def _party_of(self, peer: bytes) -> PartyId | None:
        return party_of(peer, self.credentials.others, self.rooms.clock())

    def _scheduled_party_of(self, peer: bytes) -> tuple[PartyId, datetime] | None:
        return scheduled_party_of(peer, self.credentials.others, self.rooms.clock())

    def _content_of(self, message: MessageRow, raw: bytes) -> Any:
        """
        An inbox message as JSON: the box record of a certificate, or the body of an answer.

        None for one whose dialect could not be read; its findings say why.
        """
        document = said_in(raw)
        if self.rooms.dialects.spoken_in(document) is not None:
            return None
        if message.type is MessageType.CERTIFICATE:
            return _with_plain_numbers(record_of(document, self.rooms.registry.forms[message.form]))
        return body_to_json(read_body(document))


def _with_plain_numbers(value: Any) -> Any:
    """*value* with JSON's own numbers for exact ones."""
    if isinstance(value, dict):
        return {key: _with_plain_numbers(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_with_plain_numbers(entry) for entry in value]
    return number(value) if isinstance(value, Decimal) else value
