"""What waits for somebody: one row a cause, not one a message; who has taken it, and what they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import urlencode

from aiohttp import hdrs, web

from gateway.console.doors import Refused
from gateway.console.serving import VISITOR, Pages, Parts, see
from gateway.console.visitor import Visitor
from gateway.console.words import Chip, Family
from gateway.domain.errors import Fault, NotFound
from gateway.domain.status import DeliveryStatus
from gateway.store.exceptions import ExceptionItem, ExceptionNote, ExceptionRow

SAMPLE = 5
MOST = 200
REFUSED_SINCE = timedelta(days=30)
#: Causes that a resending cures, with the state in which their messages stand.
RESENT = MappingProxyType({Fault.PATIENCE_USED_UP.value: DeliveryStatus.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause as it is shown."""

    row: ExceptionRow
    chip: Chip
    title: str
    items: Sequence[ExceptionItem]
    resend: str | None  # the query of what a resending would take


class ExceptionPages:
    """The work queue."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    async def queue(self, request: web.Request) -> web.Response:
        """Every open cause, the oldest first; or those that are gone."""
        visitor: Visitor = request[VISITOR]
        given = {name: request.query.get(name, "") for name in ("owner", "party", "tab")}
        rows, _ = await self._parts.ledger.exceptions(
            is_open=given["tab"] != "gone",
            owner=given["owner"] or None,
            party=given["party"] or None,
            taken_by=visitor.caller.subject if given["tab"] == "mine" else None,
            limit=MOST,
        )
        owners = {row.owner for row in rows} | ({given["owner"]} if given["owner"] else set())
        return self._pages.page(
            "exceptions.html",
            visitor,
            here="/console/exceptions",
            causes=[await self._cause(row) for row in rows],
            waiting=sum(row.waiting for row in rows),
            owners=sorted(owners),
            parties=sorted(self._parts.others),
            given=given,
        )

    async def one(self, request: web.Request) -> web.Response:
        """One cause: all that suffers from it, and what people did about it."""
        number = _number(request)
        row, notes = await self._parts.ledger.exception(number)
        items, _ = await self._parts.ledger.exception_items(number, limit=MOST)
        cause = await self._cause(row)
        return self._pages.page(
            "exception.html",
            request[VISITOR],
            here="/console/exceptions",
            cause=cause,
            items=items,
            notes=_newest_first(notes),
        )

    async def act(self, request: web.Request) -> web.Response:
        """Take it, hand it back, write a note, or close it."""
        visitor: Visitor = request[VISITOR]
        number, verb = _number(request), request.match_info["verb"]
        form = await request.post()
        words = str(form.get("words", "")).strip()[:2000] or None
        if verb in ("note", "close") and words is None:
            raise Refused("Say what; it is kept. Nothing was done.", HTTPStatus.UNPROCESSABLE_ENTITY)
        who, at, ledger = visitor.caller.subject, self._parts.clock(), self._parts.ledger
        if verb == "take":
            await ledger.take_exception(number, who=who, at=at, words=words)
        elif verb == "hand-back":
            await ledger.hand_back_exception(number, who=who, at=at, words=words)
        elif verb == "note":
            await ledger.note_exception(number, who=who, at=at, words=words or "")
        else:
            await ledger.close_exception(number, who=who, at=at, reason=words or "")
        return see(f"/console/exceptions/{number}")

    async def refused(self, request: web.Request) -> web.Response:
        """What parties sent and we refused on the wire."""
        rows = await self._parts.ledger.refused_messages(self._parts.clock() - REFUSED_SINCE)
        return self._pages.page("refused.html", request[VISITOR], here="/console/exceptions", rows=rows)

    async def refused_bytes(self, request: web.Request) -> web.Response:
        """The exact bytes of one of them, or of our answer."""
        number, which = request.match_info["number"], request.match_info["which"]
        found = await self._parts.ledger.refused_message(int(number)) if number.isdecimal() else None
        if found is None or which not in ("message", "answer"):
            raise NotFound("No such bytes.")
        name = f'attachment; filename="refused-{number}.{which}.xml"'
        return web.Response(
            body=found[which == "answer"],
            content_type="application/octet-stream",
            headers={hdrs.CONTENT_DISPOSITION: name},
        )

    async def _cause(self, row: ExceptionRow) -> Cause:
        items, _ = await self._parts.ledger.exception_items(row.exception_no, is_open=True, limit=SAMPLE)
        status = RESENT.get(row.code)
        return Cause(
            row=row,
            chip=Chip(Family.BAD if row.is_open else Family.QUIET, row.code),
            title=f"{row.party}: {row.cause.partition(': ')[2] or row.cause}",
            items=items,
            resend=None if status is None else urlencode({"party": row.party, "status": status}),
        )


def _newest_first(notes: Sequence[ExceptionNote]) -> list[ExceptionNote]:
    return sorted(notes, key=lambda note: note.at, reverse=True)


def _number(request: web.Request) -> int:
    text = request.match_info["number"]
    if not (text.isascii() and text.isdecimal() and len(text) < 18):
        raise NotFound("No such exception.")
    return int(text)
