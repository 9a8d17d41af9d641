"""
What callers of the national API are told when something is wrong: RFC 9457, always with ``findings``.

Handlers raise; one middleware answers. What a stranger may learn is the status and no more; what we broke
ourselves is told by an id that stands in the log beside the reason.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.domain.errors import (
    Fault,
    Finding,
    KeyUnusable,
    NotAllowed,
    NotFound,
    Refused,
    UnknownCursor,
)
from gateway.intake.bodies import ClientGone, TooSlow, WrongType
from gateway.intake.callers import NotProven
from gateway.intake.capacity import Busy
from gateway.intake.desk import SubmissionRefused
from gateway.intake.views import findings_view

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_S = 5

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Problem(Exception):
    """
    An answer that is not the one the caller hoped for.

    Attributes:
        detail: one sentence for whoever reads it.
        code: from the exception catalogue, where a rule stands behind it.
        members: further members of the problem object.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        findings: Sequence[Finding] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.code = code
        self.findings = tuple(findings)
        self.headers = dict(headers or {})
        self.members = dict(members or {})

    def response(self) -> web.Response:
        """The answer as it goes out."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.code is not None:
            body["code"] = self.code
        body |= self.members
        body["findings"] = findings_view(self.findings)
        return web.Response(
            status=self.status,
            body=json.dumps(body, ensure_ascii=False).encode(),
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )


def not_proven() -> Problem:
    """No credential that holds; a stranger is not told why."""
    detail = "A bearer token of this gateway's issuer is needed."
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})


def not_yours() -> Problem:
    """The caller's roles do not reach this far."""
    return Problem(HTTPStatus.FORBIDDEN, "None of your roles may do this.")


def bad_parameter(detail: str) -> Problem:
    """Something in the query cannot be read."""
    return Problem(HTTPStatus.BAD_REQUEST, detail)


def come_back_later(detail: str, after_s: int = RETRY_AFTER_S) -> Problem:
    """Not now; the caller may try again by itself."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(after_s)})


def problem_of(error: Exception) -> Problem | None:
    """The answer to an error of the house; None for one that nobody raised on purpose."""
    match error:
        case Problem():
            return error
        case NotProven():
            return not_proven()
        case SubmissionRefused():
            members = {"submission_id": error.submission_id}
            return _refused(_status_of(error.code), error, members)
        case Refused():
            return _refused(_status_of(error.code), error, {})
        case NotFound():
            return Problem(HTTPStatus.NOT_FOUND, str(error) or "No such thing.")
        case NotAllowed():
            found = [Finding(code=error.code, text=str(error))] if error.code else []
            return Problem(HTTPStatus.CONFLICT, str(error), code=error.code, findings=found)
        case UnknownCursor():
            return bad_parameter("after: this cursor was never given out.")
        case WrongType():
            return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error))
        case Busy():
            return come_back_later(str(error), error.retry_after_s)
        case KeyUnusable():
            return come_back_later("Our signing key does not answer, so nothing was taken; please come back.")
        case TooSlow():
            return Problem(HTTPStatus.REQUEST_TIMEOUT, str(error), headers={"Connection": "close"})
        case web.HTTPException():
            return _of_http(error)
        case _:
            return None


def _refused(status: int, error: Refused | SubmissionRefused, members: Mapping[str, Any]) -> Problem:
    return Problem(status, str(error), code=error.code, findings=error.findings, members=members)


def _status_of(code: str) -> int:
    match code:
        case Fault.NUMBER_TAKEN.value:
            return HTTPStatus.CONFLICT
        case Fault.TOO_LARGE.value:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        case _:
            return HTTPStatus.UNPROCESSABLE_ENTITY


def _of_http(error: web.HTTPException) -> Problem | None:
    """What the router itself found: no such path, no such method."""
    if error.status < HTTPStatus.BAD_REQUEST:
        return None
    kept = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    detail = "No such thing." if error.status == HTTPStatus.NOT_FOUND else f"{error.reason}."
    return Problem(error.status, detail, headers=kept)


def problems(away: tuple[type[Exception], ...]) -> Middleware:
    """
    Make the middleware that answers every error as a problem.

    Args:
        away: errors that say the database cannot be reached; their answer is 503, not 500.
    """

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ClientGone:
            return web.Response(status=HTTPStatus.BAD_REQUEST)  # reaches nobody
        except away as error:
            log.warning("database_away", reason=str(error))
            return come_back_later("The database cannot be reached; please come back.").response()
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                problem = _ours()
                log.exception(
                    "request_broke",
                    error_id=problem.members["error_id"],
                    method=request.method,
                    route=_route(request),
                )
            return problem.response()

    return answer


def _ours() -> Problem:
    """What we broke ourselves; the reason stands in the log, under the id."""
    detail = "Something broke here. It is logged under the error id."
    members = {"error_id": secrets.token_hex(8)}
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, members=members)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "" if resource is None else resource.canonical
