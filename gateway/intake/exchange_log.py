"""Our event log as parties see it: its sealed head, and the proof that it only grew since one they keep."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import hdrs, web

from gateway.domain.errors import LogBroken, NotFound
from gateway.intake.bodies import XML
from gateway.intake.desk import LogDesk

HEAD = "/exchange/v1/log/head"
CONSISTENCY = "/exchange/v1/log/consistency"


def add_log(app: web.Application, log: LogDesk) -> None:
    """Add both calls to the exchange endpoint; they tell nothing about any event."""

    async def head(_: web.Request) -> web.Response:
        try:
            return _xml((await log.head()).sealed)
        except NotFound as error:
            return _told(HTTPStatus.NOT_FOUND, str(error))

    async def consistency(request: web.Request) -> web.Response:
        first, second = (request.query.get(name, "") for name in ("first", "second"))
        if not all(size.isascii() and size.isdigit() and len(size) <= 18 for size in (first, second)):
            return _told(HTTPStatus.BAD_REQUEST, "first and second: the sizes of two heads")
        try:
            return _xml(await log.consistency_document(int(first), int(second)))
        except NotFound as error:
            return _told(HTTPStatus.NOT_FOUND, str(error))
        except LogBroken:
            return _told(HTTPStatus.SERVICE_UNAVAILABLE, "The log cannot prove anything now")

    app.router.add_get(HEAD, head)
    app.router.add_get(CONSISTENCY, consistency)


def _xml(body: bytes) -> web.Response:
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: XML})


def _told(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n")
