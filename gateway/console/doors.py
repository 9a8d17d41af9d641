"""
What stands before every page: who is it, may they, does the form come from us; and what goes with each.

A part that a visitor's roles do not reach answers 404 like one that does not exist. Nothing is run that
we did not serve ourselves: no script or style in a page, none from elsewhere.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from gateway.console.serving import VISITOR, Pages, Parts, see
from gateway.console.visitor import Part, Visitor
from gateway.domain.errors import NotAllowed, NotFound, UnknownCursor

log = structlog.get_logger(__name__)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Refused(Exception):
    """Not done, and why, for the person who asked; the page they came from shows it."""

    def __init__(self, text: str, status: int = HTTPStatus.CONFLICT) -> None:
        super().__init__(text)
        self.status = status


class Guard(NamedTuple):
    """What a page asks of its visitor: a part, and perhaps to have signed in just now."""

    part: Part
    fresh: bool


def gate(parts: Parts, pages: Pages, guarded: Mapping[web.AbstractRoute, Guard]) -> Middleware:
    """Make the middleware that lets a request through to its page, or answers for it."""

    @web.middleware
    async def keep(request: web.Request, handler: Handler) -> web.StreamResponse:
        guard = guarded.get(request.match_info.route)
        if request.match_info.http_exception is None and guard is None:
            return await handler(request)  # the door itself, and the files
        visitor = await visitor_of(parts, request)
        if visitor is None:
            return _to_the_door(request, pages)
        if guard is None or not visitor.may(guard.part):
            return pages.missing(visitor)
        if request.method == "POST":
            await _is_ours(parts, request, visitor)
        request[VISITOR] = visitor
        if guard.fresh and not visitor.is_fresh(parts.clock()):
            return _once_more(request)
        return await handler(request)

    return keep


def errors(parts: Parts, pages: Pages, away: tuple[type[Exception], ...]) -> Middleware:
    """Make the middleware that turns what went wrong into a page."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        visitor: Visitor | None = None
        try:
            return await handler(request)
        except (NotFound, UnknownCursor, web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return pages.missing(request.get(VISITOR))
        except Refused as refused:
            return _told(pages, request, refused.status, str(refused))
        except NotAllowed as error:
            return _told(pages, request, HTTPStatus.CONFLICT, str(error))
        except away as error:
            log.warning("database_away", reason=str(error))
            return _told(pages, request, HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer.")
        except web.HTTPException:
            raise
        except Exception:
            error_id = secrets.token_hex(8)
            log.exception(
                "request_broke", error_id=error_id, method=request.method, route=str(request.rel_url.path)
            )
            text = f"Something broke here. It stands in the log under {error_id}."
            return pages.page("told.html", visitor, status=500, heading="Not done", text=text)

    return answer


def _told(pages: Pages, request: web.Request, status: int, text: str) -> web.Response:
    return pages.page("told.html", request.get(VISITOR), status=status, heading="Not done", text=text)


async def visitor_of(parts: Parts, request: web.Request, *, prolong: bool = True) -> Visitor | None:
    """Who is signed in, by the cookie of the request; None for nobody."""
    session_id = request.cookies.get(parts.cookie)
    if not session_id:
        return None
    session = await parts.identity.sign_ins.session(session_id, prolong=prolong)
    return None if session is None else Visitor(session, session_id)


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """What goes with every answer of the console."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


def _to_the_door(request: web.Request, pages: Pages) -> web.StreamResponse:
    if request.method in ("GET", "HEAD") and "text/event-stream" not in request.headers.get(hdrs.ACCEPT, ""):
        return see(f"/console/sign-in?next={quote(request.path_qs, safe='')}")
    text = "Your session has ended, so nothing was done. Sign in, then do it again."
    return pages.page("told.html", None, status=HTTPStatus.UNAUTHORIZED, heading="Signed out", text=text)


def _once_more(request: web.Request) -> web.StreamResponse:
    """What asks for a fresh sign-in is shown after one; a form that comes too late does nothing."""
    if request.method in ("GET", "HEAD"):
        return see(f"/console/sign-in?again=yes&next={quote(request.path_qs, safe='')}")
    text = (
        "You signed in too long ago for this, so nothing was done. Open the form again: it lets you sign in."
    )
    raise Refused(text, HTTPStatus.FORBIDDEN)


async def _is_ours(parts: Parts, request: web.Request, visitor: Visitor) -> None:
    """Whether a form was sent from one of our own pages, to this very visitor."""
    origin = request.headers.get(hdrs.ORIGIN)
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    form = await request.post()
    token = str(form.get("form_token", ""))
    if (
        (origin is not None and origin != parts.browser_url)
        or site != "same-origin"
        or not hmac.compare_digest(token.encode(), visitor.form_token.encode())
    ):
        raise Refused("This form did not come from a page of this console.", HTTPStatus.FORBIDDEN)
