"""
The national API: the door for the systems at home.

A call meets, in this order: the middleware that turns every error into a problem; the question whether we
are stopping; who is calling (401); whether the path and method exist (404, 405); whether one of the caller's
roles may do this (403); whether every parameter is known (400); and only then its handler, which looks at
path and body. Open to strangers are the two health checks alone.

Beside the API the same port carries what has a doorkeeper of its own: the console and the public check.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from gateway.domain.caller import Caller
from gateway.domain.clock import Clock
from gateway.domain.corridor import Party
from gateway.domain.ids import PartyId
from gateway.intake.actions import Actions
from gateway.intake.batch import Batch
from gateway.intake.bodies import wait_for_leave
from gateway.intake.capacity import VISIT, Capacity
from gateway.intake.certificates import Certificates
from gateway.intake.changes import Changes
from gateway.intake.desk import LogDesk, NationalDesk, Pinged, Rehearsed
from gateway.intake.events import Events
from gateway.intake.exceptions import Exceptions
from gateway.intake.housekeeping import Housekeeping
from gateway.intake.inbox import Inbox
from gateway.intake.log import Log
from gateway.intake.messages import Messages
from gateway.intake.notices import Notice
from gateway.intake.openapi import describe
from gateway.intake.parties import Parties
from gateway.intake.problems import Handler, come_back_later, not_yours, problems
from gateway.intake.refused import Refused
from gateway.intake.reports import Reports
from gateway.intake.roles import Right, may
from gateway.intake.routes import CALLER, PREFIX, Answer, Call, Query
from gateway.intake.serving import Limits, Paper, Parts, answer, capacity_of
from gateway.intake.specimens import Specimens
from gateway.intake.webhooks import Webhooks
from gateway.store.housekeeping import Retention
from gateway.store.ledger import Ledger
from gateway.store.records import CertificateRow, MessageRow

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OPEN = frozenset({"/health/live", "/health/ready"})


def create_national_app(
    *,
    home: PartyId,
    desk: NationalDesk,
    ledger: Ledger,
    log: LogDesk,
    prove: Callable[[web.Request], Awaitable[Caller]],
    clock: Clock,
    ready: Callable[[], bool],
    metrics: Callable[[], Awaitable[bytes]],
    content_of: Callable[[MessageRow, bytes], Any],
    evidence: Callable[[MessageRow], Awaitable[bytes]],
    check_address: Callable[[CertificateRow], str],
    paper: Paper,
    ping: Callable[[PartyId, str], Awaitable[Pinged]],
    rehearse: Callable[[PartyId, str], Awaitable[Sequence[Rehearsed]]],
    registry_view: Callable[[], Mapping[PartyId, Party]],
    stopping: asyncio.Event,
    decided: Callable[[], Awaitable[None]],
    limits: Limits | None = None,
    changed: Callable[[float], Awaitable[None]] = asyncio.sleep,
    notices: Callable[[], Mapping[PartyId, Notice]] = dict,
    capacity: Capacity | None = None,
    retention: Sequence[Retention] = (),
    away: tuple[type[Exception], ...] = (),
    beside: Mapping[str, web.Application] = MappingProxyType({}),
) -> web.Application:
    """
    Build the national API; the caller opens its port.

    Args:
        prove: finds out who calls, or raises ``NotProven``.
        ready: whether registry, database and both ports are good.
        metrics: the exposition, in Prometheus' text format.
        content_of: what an inbox message says, as JSON; run in a worker thread.
        evidence: the bundle about a message and its conversation.
        check_address: where anybody checks a certificate of ours.
        paper: prints certificates.
        ping: asks a party, for whom, whether it is there.
        rehearse: asks a party, for whom, whether our certificates would count there.
        registry_view: the parties we exchange with, as they are registered now.
        stopping: set to refuse new calls and to end streams.
        decided: makes this node go at once by what somebody has just decided or imported.
        changed: returns when the ledger may have changed, at the latest after the seconds given.
        notices: the outages of parties, to be told to who sends to them.
        capacity: how much the door has in hand and may; event streams do not count.
        retention: how long documents are kept, corridor by corridor.
        away: errors that say the database cannot be reached.
        beside: by the path they stand under, applications that keep their own doors.
    """
    parts = Parts(
        home=home,
        desk=desk,
        ledger=ledger,
        log=log,
        clock=clock,
        parties=registry_view,
        content_of=content_of,
        ping=ping,
        rehearse=rehearse,
        decided=decided,
        changed=changed,
        notices=notices,
        retention=retention,
        stopping=stopping,
        limits=limits or Limits(),
        evidence=evidence,
        check_address=check_address,
        paper=paper,
    )
    under_prefix = table(parts)
    known: dict[web.AbstractRoute, Call] = {}
    app = web.Application(
        middlewares=[
            problems(away),
            _doorkeeper(
                prove,
                stopping,
                known,
                tuple(f"{path}/" for path in beside),
                capacity or capacity_of(parts.limits),
            ),
        ],
        client_max_size=parts.limits.batch_bytes,
    )
    for call in under_prefix:
        known[_add(app, replace(call, path=PREFIX + call.path))] = call
    scrape = _metrics(metrics)
    known[_add(app, scrape)] = scrape
    _add_health(app, ready, stopping)
    for path, other in beside.items():
        app.add_subapp(path, other)
    app.on_response_prepare.append(_plain_headers)
    return app


def table(parts: Parts) -> tuple[Call, ...]:
    """Every call under the prefix; the description of all of them is the last."""
    rooms = (
        Certificates,
        Batch,
        Messages,
        Actions,
        Inbox,
        Events,
        Exceptions,
        Webhooks,
        Reports,
        Refused,
        Parties,
        Log,
        Specimens,
        Changes,
        Housekeeping,
    )
    calls = tuple(call for room in rooms for call in room(parts).calls())
    description: dict[str, Any] = {}

    async def openapi(_: web.Request, __: Caller) -> web.Response:
        return answer(description)

    this = Call(
        method="GET",
        path="/openapi.json",
        right=Right.DESCRIBE,
        serve=openapi,
        name="describe",
        meaning="This description.",
        answers={200: Answer("OpenAPI 3.1.")},
    )
    description |= describe((*calls, this), version=installed_version())
    return (*calls, this)


def installed_version() -> str:
    """The version of this gateway, as it was installed."""
    try:
        return version("eco-gateway")
    except PackageNotFoundError:
        return "unreleased"


def _add(app: web.Application, call: Call) -> web.AbstractRoute:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await call.serve(request, request[CALLER])

    path = re.sub(r"\{(\w+)\}", r"{\1:[^/]+}", call.path)  # by itself the router takes no braces in a value
    return app.router.add_route(call.method, path, serve, expect_handler=wait_for_leave)


def _doorkeeper(
    prove: Callable[[web.Request], Awaitable[Caller]],
    stopping: asyncio.Event,
    known: Mapping[web.AbstractRoute, Call],
    beside: tuple[str, ...],
    capacity: Capacity,
) -> Middleware:
    @web.middleware
    async def keep(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in _OPEN or f"{request.path}/".startswith(beside):
            return await handler(request)
        if stopping.is_set():
            raise come_back_later("This node is stopping; please come back.")
        caller = await prove(request)
        call = known.get(request.match_info.route)
        if call is None:
            return await handler(request)
        if not may(caller, call.right):
            raise not_yours()
        Query(request).only(call.query)
        request[CALLER] = caller
        if call.is_stream:
            return await handler(request)
        with capacity.visit(f"{caller.subject} {caller.organisation}") as visit:
            request[VISIT] = visit
            return await handler(request)

    return keep


def _metrics(metrics: Callable[[], Awaitable[bytes]]) -> Call:
    async def scrape(_: web.Request, __: Caller) -> web.Response:
        return web.Response(body=await metrics(), headers={hdrs.CONTENT_TYPE: METRICS_TYPE})

    return Call(
        method="GET",
        path="/metrics",
        right=Right.METRICS,
        serve=scrape,
        name="metrics",
        meaning="Figures for Prometheus.",
        answers={200: Answer("The exposition.", media_type="text/plain")},
    )


def _add_health(app: web.Application, ready: Callable[[], bool], stopping: asyncio.Event) -> None:
    async def live(_: web.Request) -> web.Response:
        return answer({"status": "live"})

    async def is_ready(_: web.Request) -> web.Response:
        good = ready() and not stopping.is_set()
        return answer({"status": "ready" if good else "not ready"}, 200 if good else 503)

    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", is_ready)


async def _plain_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers[hdrs.SERVER] = "eco-gateway"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
