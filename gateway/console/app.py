"""The console as an application of its own, under ``/console``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.console.acting import Acting
from gateway.console.board import BoardPages
from gateway.console.doors import Guard, add_headers, errors, gate
from gateway.console.exceptions import ExceptionPages
from gateway.console.message import OneMessage
from gateway.console.messages import MessagePages
from gateway.console.parties import PartyPages
from gateway.console.records import RecordPages
from gateway.console.serving import VISITOR, Pages, Parts, file_handler, see
from gateway.console.signing import Door
from gateway.console.stream import Streams
from gateway.console.trust import TrustPages
from gateway.console.verifications import VerificationPages
from gateway.console.visitor import Part

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page or form: who sees it is decided by the part it belongs to.

    Attributes:
        fresh: whether it wants somebody who signed in just now.
    """

    method: str
    path: str
    part: Part
    serve: Serve
    fresh: bool = False


def create_console(parts: Parts, *, away: tuple[type[Exception], ...] = ()) -> web.Application:
    """
    Build the console; it is laid under ``/console`` of the national port.

    Args:
        away: errors that say the database cannot be reached.
    """
    pages = Pages(parts)
    guarded: dict[web.AbstractRoute, Guard] = {}
    app = web.Application(middlewares=[errors(parts, pages, away), gate(parts, pages, guarded)])
    door = Door(parts, pages)
    app.router.add_get("/sign-in", door.page)
    app.router.add_get("/sign-in/begin", door.begin)
    app.router.add_post("/sign-in/token", door.by_token)
    app.router.add_get("/signed-in", door.back)
    app.router.add_get("/static/{digest}/{name}", file_handler(parts))
    for page in table(parts, pages):
        route = app.router.add_route(page.method, page.path, page.serve)
        guarded[route] = Guard(page.part, page.fresh)
    app.on_response_prepare.append(add_headers)
    return app


def table(parts: Parts, pages: Pages) -> tuple[Page, ...]:
    """Every page and form that wants a visitor; the tests of rights are made from it."""
    board = BoardPages(parts, pages)
    lists = MessagePages(parts, pages)
    one = OneMessage(parts, pages, lists)
    act = Acting(parts, pages, one)
    streams = Streams(parts, board)
    exceptions = ExceptionPages(parts, pages)
    parties = PartyPages(parts, pages)
    records = RecordPages(parts, pages)
    verifications = VerificationPages(parts, pages)
    trust = TrustPages(parts, pages)

    async def first(request: web.Request) -> web.StreamResponse:
        visitor = request[VISITOR]
        return await board.board(request) if visitor.may(Part.BOARD) else see(visitor.home)

    return (
        Page("GET", "/", Part.SESSIONS, first),
        Page("GET", "/stream", Part.BOARD, streams.board),
        Page("GET", "/lanes/{party}", Part.BOARD, act.lane),
        Page("GET", "/lanes/{party}/{verb:suspend|resume}", Part.ACT, act.ask_lane),
        Page("POST", "/lanes/{party}/{verb:suspend|resume}", Part.ACT, act.act_lane),
        Page("GET", "/lanes/{party}/outage", Part.ACT, act.ask_outage, fresh=True),
        Page("POST", "/lanes/{party}/outage", Part.ACT, act.declare_outage, fresh=True),
        Page("GET", "/lanes/{party}/ping", Part.ACT, act.ask_ping),
        Page("POST", "/lanes/{party}/ping", Part.ACT, act.ping),
        Page("GET", "/messages", Part.MESSAGES, lists.search),
        Page("GET", "/find", Part.MESSAGES, lists.find),
        Page("GET", "/waiting", Part.BOARD, lists.waiting),
        Page("GET", "/messages/{id}", Part.MESSAGES, one.message),
        Page("GET", "/messages/{id}/document/{kind}", Part.DOCUMENT, one.download),
        Page("GET", "/messages/{id}/{verb}", Part.ACT, act.ask),
        Page("POST", "/messages/{id}/{verb}", Part.ACT, act.act),
        Page("GET", "/certificates/{country}/{form}/{number}", Part.MESSAGES, one.certificate),
        Page("GET", "/certificates/{country}/{form}/{number}/preview", Part.MESSAGES, one.preview),
        Page("GET", "/bulk/{verb}", Part.ACT, act.ask_bulk),
        Page("POST", "/bulk/{verb}", Part.ACT, act.plan),
        Page("GET", "/actions", Part.BOARD, act.actions),
        Page("GET", "/actions/{action}", Part.BOARD, act.action),
        Page("POST", "/actions/{action}/{verb:start|stop}", Part.ACT, act.start_or_stop),
        Page("GET", "/exceptions", Part.EXCEPTIONS, exceptions.queue),
        Page("GET", "/exceptions/refused", Part.EXCEPTIONS, exceptions.refused),
        Page("GET", "/exceptions/{number}", Part.EXCEPTIONS, exceptions.one),
        Page("POST", "/exceptions/{number}/{verb:take|hand-back|note|close}", Part.ACT, exceptions.act),
        Page("GET", "/exceptions/refused/{number}/{which}", Part.DOCUMENT, exceptions.refused_bytes),
        Page("GET", "/verifications", Part.VERIFICATIONS, verifications.all),
        Page("GET", "/parties", Part.PARTIES, parties.all),
        Page("GET", "/parties/{party}", Part.PARTIES, parties.one),
        Page("GET", "/specimens", Part.SPECIMENS, trust.specimens),
        Page("GET", "/specimens/{number}", Part.SPECIMENS, trust.specimen_list),
        Page("GET", "/specimens/pictures/{sha256}", Part.SPECIMENS, trust.picture),
        Page("GET", "/changes", Part.CHANGES, trust.changes),
        Page("GET", "/changes/{change}/{verb:approve|reject}", Part.DECIDE, trust.ask, fresh=True),
        Page("POST", "/changes/{change}/{verb:approve|reject}", Part.DECIDE, trust.decide, fresh=True),
        Page("GET", "/reports", Part.REPORTS, records.report),
        Page("GET", "/audit", Part.AUDIT, records.audit),
        Page("GET", "/sessions", Part.SESSIONS, records.sessions),
        Page("POST", "/sessions", Part.SESSIONS, records.end),
        Page("POST", "/sign-out", Part.SESSIONS, records.sign_out),
    )
