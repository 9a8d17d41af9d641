"""
What moves on a page, as server-sent events.

A client that comes back after a cut says the last event it has seen (``Last-Event-ID``); since the pieces say
how things stand and not what changed, it gets all of them then and has missed nothing. Nobody is sent more
than one round a second, and a session that ended ends its stream.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from aiohttp import hdrs, web

from gateway.console.board import BoardPages
from gateway.console.doors import visitor_of
from gateway.console.serving import VISITOR, Parts
from gateway.console.visitor import Part, Visitor

MOST = 200
REST_S = 1.0
SILENCE_S = 15.0
LOOK_AGAIN_S = 5.0
#: Nothing moved, and we are here: named, so that it is heard and nothing is swapped in.
BEAT = b"event: beat\ndata:\n\n"


class Streams:
    """The streams of one node."""

    def __init__(self, parts: Parts, board: BoardPages) -> None:
        self._parts = parts
        self._board = board
        self._open = 0

    async def board(self, request: web.Request) -> web.StreamResponse:
        """The board's pieces, each as often as it changes."""
        if self._open >= MOST:
            return web.Response(status=503, headers={hdrs.RETRY_AFTER: "30"})
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "text/event-stream"})
        response.headers["X-Accel-Buffering"] = "no"
        await response.prepare(request)
        self._open += 1
        try:
            await self._tell(request, response)
        except ConnectionResetError:
            pass
        finally:
            self._open -= 1
        return response

    async def _tell(self, request: web.Request, response: web.StreamResponse) -> None:
        visitor: Visitor | None = request[VISITOR]
        seen = request.headers.get("Last-Event-ID") or request.query.get("after")
        cursor = await self._parts.ledger.newest_event()
        known: Mapping[str, str] = {}
        if seen == cursor and visitor is not None:
            known = await self._board.pieces(visitor.may(Part.ACT))
        await response.write(BEAT)
        spoken = time.monotonic()
        while not self._parts.stopping.is_set():
            visitor = await visitor_of(self._parts, request, prolong=False)
            if visitor is None or not visitor.may(Part.BOARD):
                return
            cursor = await self._parts.ledger.newest_event()
            pieces = await self._board.pieces(visitor.may(Part.ACT))
            if fresh := {key: text for key, text in pieces.items() if known.get(key) != text}:
                await response.write(_event(cursor, fresh))
                known, spoken = pieces, time.monotonic()
            elif time.monotonic() - spoken > SILENCE_S:
                await response.write(BEAT)
                spoken = time.monotonic()
            await asyncio.sleep(REST_S)
            await self._parts.changed(LOOK_AGAIN_S)


def _event(cursor: str, pieces: Mapping[str, str]) -> bytes:
    """One event that puts every piece in its place; without a name, so that it is swapped in."""
    partials = "\n".join(
        f'<hx-partial hx-target="#{key}" hx-swap="outerMorph">{text}</hx-partial>'
        for key, text in pieces.items()
    )
    lines = "".join(f"data: {line}\n" for line in partials.splitlines())
    return f"id: {cursor}\n{lines}\n".encode()
