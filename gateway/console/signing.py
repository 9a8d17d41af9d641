"""The console's door: by an identity provider, or by a token where there is only the development issuer."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import hdrs, web

from gateway.console.doors import visitor_of
from gateway.console.serving import Pages, Parts, see
from gateway.identity.grants import Person
from gateway.identity.limits import RateLimit
from gateway.identity.signing_in import From, SignInRefused, inside
from gateway.intake.callers import NotProven
from gateway.store.sessions import AT_MOST, SIGN_IN_WITHIN

A_MINUTE = 60
_MOST = 200


class Door:
    """The pages that a stranger may see."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._limit = RateLimit(A_MINUTE)
        self._in_hand = f"{parts.cookie}-sign-in"

    async def page(self, request: web.Request) -> web.Response:
        """Where one signs in."""
        wanted, again = inside(request.query.get("next")), _again(request)
        if not again and await visitor_of(self._parts, request) is not None:
            return see(wanted)
        return self._shown(wanted, again=again)

    async def begin(self, request: web.Request) -> web.Response:
        """Off to the identity provider."""
        if (slow := self._too_often(request)) is not None:
            return slow
        wanted = inside(request.query.get("next"))
        try:
            begun = await self._parts.identity.sign_ins.begin(wanted, again=_again(request))
        except SignInRefused as refused:
            return self._shown(wanted, str(refused), HTTPStatus.SERVICE_UNAVAILABLE)
        response = see(begun.url)
        self._set(response, self._in_hand, begun.browser, int(SIGN_IN_WITHIN.total_seconds()))
        return response

    async def back(self, request: web.Request) -> web.Response:
        """Back from the identity provider."""
        if (slow := self._too_often(request)) is not None:
            return slow
        try:
            opened = await self._parts.identity.sign_ins.finish(
                state=request.query.get("state", ""),
                code=request.query.get("code", ""),
                instead=_said_instead(request),
                browser=request.cookies.get(self._in_hand, ""),
                came=_from(request),
            )
        except SignInRefused as refused:
            return self._shown("/console/", str(refused), HTTPStatus.FORBIDDEN)
        response = see(opened.return_to)
        response.del_cookie(self._in_hand, path="/")
        return await self._let_in(request, response, opened.session_id)

    async def by_token(self, request: web.Request) -> web.Response:
        """In by a bearer token of the development issuer; there is no such way where a real one is set."""
        prove = self._parts.identity.token_of_development
        if prove is None:
            return self._pages.missing(None)
        if (slow := self._too_often(request)) is not None:
            return slow
        form = await request.post()
        wanted = inside(str(form.get("next", "")))
        if request.headers.get(hdrs.ORIGIN, self._parts.browser_url) != self._parts.browser_url:
            return self._shown(wanted, "This form came from elsewhere.", HTTPStatus.FORBIDDEN)
        try:
            caller = await prove(str(form.get("token", "")).strip())
            person = Person(caller=caller, name=caller.subject)
            session_id = await self._parts.identity.sign_ins.admit(
                person, "development issuer", _from(request)
            )
        except NotProven as error:
            await self._parts.identity.sign_ins.refused(str(error), _from(request))
            text = f"This token does not hold: {error}."
            return self._shown(wanted, text, HTTPStatus.UNPROCESSABLE_ENTITY)
        except SignInRefused as refused:
            return self._shown(wanted, str(refused), HTTPStatus.FORBIDDEN)
        return await self._let_in(request, see(wanted), session_id)

    def _shown(
        self, wanted: str, fault: str | None = None, status: int = HTTPStatus.OK, *, again: bool = False
    ) -> web.Response:
        return self._pages.page(
            "sign-in.html",
            None,
            status=status,
            wanted=wanted,
            fault=fault,
            again=again,
            provider=self._parts.identity.provider,
            development=self._parts.identity.token_of_development is not None,
        )

    async def _let_in(self, request: web.Request, response: web.Response, session_id: str) -> web.Response:
        """Open the door; the session that this browser had ends, for nobody holds its cookie any more."""
        if (former := await visitor_of(self._parts, request, prolong=False)) is not None:
            who = former.caller.subject
            await self._parts.ledger.end_session(
                former.session.session_no, who=who, subject=who, at=self._parts.clock()
            )
        self._set(response, self._parts.cookie, session_id, int(AT_MOST.total_seconds()))
        return response

    def _set(self, response: web.Response, name: str, value: str, max_age: int) -> None:
        secure = self._parts.browser_url.startswith("https://")
        response.set_cookie(
            name, value, path="/", httponly=True, samesite="Lax", secure=secure, max_age=max_age
        )

    def _too_often(self, request: web.Request) -> web.Response | None:
        if self._limit.allows(request.remote or ""):
            return None
        text = "Too many sign-ins from this address; wait a minute."
        response = self._shown("/console/", text, HTTPStatus.TOO_MANY_REQUESTS)
        response.headers[hdrs.RETRY_AFTER] = "60"
        return response


def _again(request: web.Request) -> bool:
    """Whether somebody who is signed in is asked once more who they are."""
    return request.query.get("again") == "yes"


def _said_instead(request: web.Request) -> str:
    """Why the provider gave no code, in its words."""
    why = request.query.get("error_description") or request.query.get("error") or "without a code"
    return why[:_MOST]


def _from(request: web.Request) -> From:
    return From(address=request.remote or "", agent=request.headers.get(hdrs.USER_AGENT, "")[:_MOST])
