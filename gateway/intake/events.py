"""Every status move, as pages by cursor and as a stream of server-sent events that resumes by cursor."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence

from aiohttp import web

from gateway.domain.caller import Caller, Sight
from gateway.intake import shapes
from gateway.intake.problems import bad_parameter
from gateway.intake.roles import Right, sight_of
from gateway.intake.routes import AFTER, PAGE_LIMIT, Answer, Call, Query, is_plain
from gateway.intake.serving import Parts, answer
from gateway.intake.views import event_view
from gateway.store.records import EventRow

LOOK_EVERY_S = 0.5
_AT_ONCE = 100


class Events:
    """The calls about what happened."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def page(self, request: web.Request, caller: Caller) -> web.Response:
        """What happened after the cursor, oldest first."""
        query = Query(request)
        rows, following = await self._parts.ledger.events(
            after=query.text("after"), limit=query.limit(), sight=sight_of(caller, Right.EVENTS)
        )
        return answer({"items": [event_view(row) for row in rows], "next": following})

    async def stream(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """
        Tell what happens as it happens, until the client goes or the process stops.

        A client that reconnects by itself repeats its first address, so where both are given its
        ``Last-Event-ID`` counts and not ``after``.
        """
        after = request.headers.get("Last-Event-ID") or Query(request).text("after")
        if after is not None and not is_plain(after):
            raise bad_parameter("Last-Event-ID: cannot be read.")
        sight = sight_of(caller, Right.EVENTS)
        rows, after = await self._parts.ledger.events(after=after, limit=_AT_ONCE, sight=sight)
        response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            await self._tell(response, rows)
            await self._follow(response, after, sight)
        return response

    async def _follow(self, response: web.StreamResponse, after: str, sight: Sight) -> None:
        silent_since = asyncio.get_running_loop().time()
        while not self._parts.stopping.is_set():
            rows, after = await self._parts.ledger.events(after=after, limit=_AT_ONCE, sight=sight)
            now = asyncio.get_running_loop().time()
            if rows:
                await self._tell(response, rows)
                silent_since = now
            elif now - silent_since >= self._parts.limits.silence_s:
                await response.write(b": still here\n\n")
                silent_since = now
            if len(rows) < _AT_ONCE:
                await self._parts.changed(LOOK_EVERY_S)

    async def _tell(self, response: web.StreamResponse, rows: Sequence[EventRow]) -> None:
        if rows:
            await response.write(b"".join(as_sent(row) for row in rows))

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="GET",
                path="/events",
                right=Right.EVENTS,
                serve=self.page,
                name="readEvents",
                meaning="Every status move, oldest first; grows only at its end.",
                query=(AFTER, PAGE_LIMIT),
                answers={200: Answer("One page; keep its cursor.", shapes.EventPage)},
            ),
            Call(
                method="GET",
                path="/events/stream",
                right=Right.EVENTS,
                serve=self.stream,
                name="streamEvents",
                meaning="Every status move as it happens; resumes by after or Last-Event-ID.",
                query=(AFTER,),
                answers={200: Answer("Server-sent events.", media_type="text/event-stream")},
            ),
        )


def as_sent(row: EventRow) -> bytes:
    """One event as it stands on the stream."""
    data = json.dumps(event_view(row), ensure_ascii=False)
    return f"id: {row.cursor}\nevent: {row.what}\ndata: {data}\n\n".encode()
