"""
The exchange endpoint: the door for parties abroad, over mutual TLS.

Who is calling is known from the client certificate before a byte of the request's body is read. A certificate
that is nobody's gets no answer at all; one that will be somebody's is answered to rehearsals alone. What can
be refused by the request's head is refused by it. Every answer is signed XML, made by the desk behind, but
for what we broke ourselves, which gets a bare 500, and what comes while the door is full or our key does not
sign, which gets a bare 503; the sender tries again.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from gateway.domain.clock import Clock
from gateway.domain.envelope import claimed
from gateway.domain.errors import Fault, KeyUnusable, Refused, TooLarge
from gateway.domain.ids import PartyId
from gateway.domain.message import Arrived
from gateway.domain.xml import read_xml
from gateway.intake.bodies import XML, ClientGone, TooSlow, WrongType, media_type, read_body, wait_for_leave
from gateway.intake.capacity import VISIT, Busy, Capacity
from gateway.intake.desk import ExchangeDesk, LogDesk, WireAnswer
from gateway.intake.exchange_log import add_log
from gateway.intake.problems import Handler
from gateway.intake.serving import Limits, capacity_of

log = structlog.get_logger(__name__)

PATH = "/exchange/v1/messages"
RETRY_AFTER_S = 5
_PARTY = web.RequestKey("party", PartyId)
_FROM = web.RequestKey("client_from", datetime)


def create_exchange_app(
    *,
    desk: ExchangeDesk,
    event_log: LogDesk,
    party_of: Callable[[bytes], PartyId | None],
    clock: Clock,
    stopping: asyncio.Event,
    scheduled_party_of: Callable[[bytes], tuple[PartyId, datetime] | None] = lambda _: None,
    limits: Limits | None = None,
    capacity: Capacity | None = None,
    away: tuple[type[Exception], ...] = (),
) -> web.Application:
    """
    Build the exchange endpoint; its port is opened with a TLS context that demands client certificates.

    Args:
        event_log: what parties may see of our event log.
        party_of: the party for which a client certificate (DER) is registered now, or whose TLS anchor issued
            it; None when it is nobody's.
        stopping: set to refuse new messages with 503 and Retry-After.
        scheduled_party_of: whose a client certificate will be that is nobody's yet, and from when.
        capacity: how much the door has in hand and may.
        away: errors that say the database cannot be reached; the sender is asked to come back.
    """
    limits = limits or Limits()
    door = _Door(desk, clock, stopping, limits)
    keeper = _doorkeeper(party_of, scheduled_party_of, door, capacity or capacity_of(limits), away)
    app = web.Application(middlewares=[_without_seal, keeper], client_max_size=0)
    app.router.add_post(PATH, door.take, expect_handler=wait_for_leave)
    add_log(app, event_log)
    app.on_response_prepare.append(_plain_headers)
    return app


class _Door:
    """Takes one message, or refuses it by the request's head."""

    def __init__(self, desk: ExchangeDesk, clock: Clock, stopping: asyncio.Event, limits: Limits) -> None:
        self._desk = desk
        self._clock = clock
        self._stopping = stopping
        self._limits = limits

    async def take(self, request: web.Request) -> web.Response:
        """Answer one message from abroad."""
        client = request[_PARTY]
        if self._stopping.is_set():
            return await self.not_now(client, "This node is stopping; send it again")
        if request.content_length is None:
            return await self.refuse(client, HTTPStatus.LENGTH_REQUIRED, "Content-Length is required")
        try:
            media_type(request, {XML})
            body = await read_body(request, limit=self._limits.body_bytes, within_s=self._limits.body_s)
        except WrongType as error:
            return await self.refuse(client, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error))
        except TooLarge as error:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return await self.refuse(client, status, str(error), code=Fault.TOO_LARGE)
        except TooSlow as error:
            return await self.not_now(client, str(error))
        client_from = request.get(_FROM)
        if client_from is not None and not _is_rehearsal(body, self._limits.body_bytes):
            return _hang_up(request)
        arrived = Arrived(
            client=client,
            body=body,
            digest=hashlib.sha256(body).digest(),
            at=self._clock(),
            client_from=client_from,
        )
        return _as_sent(await self._desk.admit(arrived))

    async def not_now(self, client: PartyId, text: str) -> web.Response:
        """The sender shall come back."""
        status = HTTPStatus.SERVICE_UNAVAILABLE
        response = await self.refuse(client, status, text, code=Fault.ASKED_TO_WAIT)
        response.headers[hdrs.RETRY_AFTER] = str(RETRY_AFTER_S)  # not as long as for a suspension
        return response

    async def refuse(
        self, client: PartyId, status: int, text: str, *, code: Fault = Fault.UNREADABLE
    ) -> web.Response:
        """Refuse a message that was not read; its connection ends, for a body may still be on its way."""
        response = _as_sent(await self._desk.refuse_unread(client, status, code.value, text))
        response.force_close()
        return response


def _doorkeeper(
    party_of: Callable[[bytes], PartyId | None],
    scheduled_party_of: Callable[[bytes], tuple[PartyId, datetime] | None],
    door: _Door,
    capacity: Capacity,
    away: tuple[type[Exception], ...],
) -> Middleware:
    @web.middleware
    async def keep(request: web.Request, handler: Handler) -> web.StreamResponse:
        shown = _shown(request)
        client = None if shown is None else party_of(shown)
        coming = None if shown is None or client is not None else scheduled_party_of(shown)
        if coming is not None and request.path == PATH:
            client, request[_FROM] = coming
        if client is None:
            log.warning("client_unknown", remote=request.remote)
            return _hang_up(request)
        request[_PARTY] = client
        try:
            with capacity.visit(client) as visit:
                request[VISIT] = visit
                return await handler(request)
        except Busy as busy:
            return _busy(busy)
        except web.HTTPException as error:
            refusal = await door.refuse(client, error.status, f"{error.reason}: POST {PATH} is the one call")
            if hdrs.ALLOW in error.headers:
                refusal.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
            return refusal
        except ClientGone:
            return web.Response(status=HTTPStatus.BAD_REQUEST)  # reaches nobody
        except away as error:
            log.warning("database_away", reason=str(error))
            return await door.not_now(client, "The ledger cannot be reached; send it again")
        except KeyUnusable:
            raise
        except Exception:
            log.exception("exchange_broke", party=client)
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)

    return keep


@web.middleware
async def _without_seal(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What cannot be sealed is not answered; nothing was kept, and the sender comes back."""
    try:
        return await handler(request)
    except KeyUnusable:
        return _later(RETRY_AFTER_S)


def _busy(busy: Busy) -> web.Response:
    """Not sealed: a seal costs what is short now, and a 503 is heeded without one."""
    return _later(busy.retry_after_s)


def _later(after_s: int) -> web.Response:
    headers = {hdrs.RETRY_AFTER: str(after_s)}
    response = web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)
    response.force_close()
    return response


def _shown(request: web.Request) -> bytes | None:
    """The client's certificate, DER."""
    transport = request.transport
    tls = None if transport is None else transport.get_extra_info("ssl_object")
    if not isinstance(tls, ssl.SSLObject):
        return None
    return tls.getpeercert(binary_form=True) or None


def _is_rehearsal(body: bytes, limit: int) -> bool:
    """Whether the message says of itself that it is one."""
    try:
        return claimed(read_xml(body, limit=limit)).is_rehearsal
    except Refused:
        return False


def _hang_up(request: web.Request) -> web.Response:
    """End the connection without an answer; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    response = web.Response(status=HTTPStatus.FORBIDDEN)
    response.force_close()
    return response


def _as_sent(answer: WireAnswer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body, headers={hdrs.CONTENT_TYPE: XML})
    if answer.repeat:
        response.headers["Eco-Repeat"] = "true"
    if answer.retry_after_s is not None:
        response.headers[hdrs.RETRY_AFTER] = str(answer.retry_after_s)
    return response


async def _plain_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers[hdrs.SERVER] = "eco-gateway"
