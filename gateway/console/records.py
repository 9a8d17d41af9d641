"""What stands written: the audit page, the reports, and who is signed in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from aiohttp import web

from gateway.console.doors import Refused
from gateway.console.messages import LIMIT
from gateway.console.serving import VISITOR, Pages, Parts, see
from gateway.console.tables import csv_file
from gateway.console.visitor import Visitor
from gateway.domain.caller import Role
from gateway.domain.errors import NotFound
from gateway.domain.ids import FormId, PartyId
from gateway.domain.status import AcknowledgedBy, Direction, MessageType
from gateway.store.overview import DayCount

_MONTH = re.compile(r"(\d{4})-(\d\d)")

_THEIR_GATEWAY, _THEIR_SYSTEM = AcknowledgedBy.GATEWAY, AcknowledgedBy.NATIONAL_SYSTEM
_GOOD = ("acknowledgement:accepted", "acknowledgement:accepted_with_warnings")
_REJECTED = ("acknowledgement:rejected",)

#: The columns of the monthly report: name, the events it counts, and whose word of an acknowledgement.
COLUMNS = (
    ("Delivered", ("delivery:delivered",), ""),
    ("Refused", ("delivery:refused",), ""),
    ("Expired", ("delivery:expired",), ""),
    ("Gateway accepts", _GOOD, _THEIR_GATEWAY),
    ("Gateway rejects", _REJECTED, _THEIR_GATEWAY),
    ("System accepts", _GOOD, _THEIR_SYSTEM),
    ("System rejects", _REJECTED, _THEIR_SYSTEM),
    ("Cancelled", ("life:cancelled",), ""),
    ("Replaced", ("life:replaced",), ""),
    ("Used in full", ("customs-response:utilised",), ""),
    ("Used in part", ("customs-response:partially_utilised",), ""),
    ("Denied", ("customs-response:preference_denied",), ""),
    ("Under verification", ("customs-response:under_verification",), ""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One corridor in the report."""

    party: PartyId
    form: FormId
    side: Direction
    figures: tuple[int, ...]


class RecordPages:
    """Audit, reports, sessions."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    # ---- audit -------------------------------------------------------------------------------------------

    async def audit(self, request: web.Request) -> web.Response:
        """What happened, newest first; an operator sees what people did by its own acts alone."""
        visitor: Visitor = request[VISITOR]
        given = {name: request.query.get(name, "") for name in ("who", "party", "what", "people")}
        asked = {name: value for name, value in given.items() if value}
        people = asked.get("people") == "yes"
        who = asked.get("who")
        if visitor.caller.roles.isdisjoint({Role.AUDITOR, Role.ADMINISTRATOR}) and (people or who):
            who = visitor.caller.subject
        events = await self._parts.ledger.history(
            before=request.query.get("before"),
            people=people,
            who=who,
            party=PartyId(asked["party"]) if "party" in asked else None,
            what=asked.get("what"),
            limit=LIMIT + 1,
        )
        older = None
        if len(events) > LIMIT:
            older = f"?{urlencode(asked | {'before': events[LIMIT - 1].cursor})}"
        return self._pages.page(
            "audit.html",
            visitor,
            here="/console/audit",
            events=events[:LIMIT],
            given=given,
            asked=asked,
            parties=sorted(self._parts.others),
            older=older,
        )

    # ---- reports -----------------------------------------------------------------------------------------

    async def report(self, request: web.Request) -> web.StreamResponse:
        """One month, by corridor; as a page or as CSV."""
        first = _month(request.query.get("month"), self._parts.clock())
        last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        await self._parts.ledger.fold_days()
        lines = lines_of(await self._parts.ledger.days(first, last))
        if request.query.get("as") == "csv":
            return _csv(first, lines, self._parts.home.id)
        totals = tuple(sum(line.figures[i] for line in lines) for i in range(len(COLUMNS)))
        return self._pages.page(
            "report.html",
            request[VISITOR],
            here="/console/reports",
            first=first,
            lines=lines,
            totals=totals,
            columns=[name for name, _, _ in COLUMNS],
            earlier=(first - timedelta(days=1)).strftime("%Y-%m"),
            later=(last + timedelta(days=1)).strftime("%Y-%m"),
            is_open=last >= self._parts.clock().astimezone(UTC).date(),
        )

    # ---- sessions ----------------------------------------------------------------------------------------

    async def sessions(self, request: web.Request) -> web.Response:
        """Who is signed in: oneself, and for an administrator everybody."""
        visitor: Visitor = request[VISITOR]
        subject = None if self._sees_all(visitor) else visitor.caller.subject
        rows = await self._parts.ledger.sessions(subject=subject, at=self._parts.clock())
        return self._pages.page("sessions.html", visitor, here="/console/sessions", rows=rows)

    async def end(self, request: web.Request) -> web.Response:
        """End a session; one's own ends at once, anybody's for an administrator."""
        visitor: Visitor = request[VISITOR]
        form = await request.post()
        number = str(form.get("session", ""))
        if not number.isdigit():
            raise NotFound("No such session.")
        subject = None if self._sees_all(visitor) else visitor.caller.subject
        ended = await self._parts.ledger.end_session(
            int(number), who=visitor.caller.subject, subject=subject, at=self._parts.clock()
        )
        if not ended:
            raise Refused("This session has ended already.")
        return see("/console/sessions")

    async def sign_out(self, request: web.Request) -> web.Response:
        """End one's own session."""
        visitor: Visitor = request[VISITOR]
        who = visitor.caller.subject
        await self._parts.ledger.end_session(
            visitor.session.session_no, who=who, subject=who, at=self._parts.clock()
        )
        response = see("/console/sign-in")
        response.del_cookie(self._parts.cookie, path="/")
        return response

    def _sees_all(self, visitor: Visitor) -> bool:
        return Role.ADMINISTRATOR in visitor.caller.roles


def lines_of(counts: Iterable[DayCount]) -> list[Line]:
    """The report's lines, from what was counted."""
    found: dict[tuple[PartyId, FormId, Direction], Counter[tuple[str, str]]] = {}
    for one in counts:
        if one.type is MessageType.CERTIFICATE or one.what.startswith("customs-response:"):
            corridor = found.setdefault((one.party, one.form, one.side), Counter())
            corridor[one.what, one.said_by] += one.count
    return [
        Line(
            party=party,
            form=form,
            side=side,
            figures=tuple(sum(figures[what, by] for what in some) for _, some, by in COLUMNS),
        )
        for (party, form, side), figures in sorted(found.items())
        if form
    ]


def _csv(first: date, lines: Iterable[Line], home: PartyId) -> web.Response:
    head = ["month", "home", "party", "about", "form", *(name.lower() for name, _, _ in COLUMNS)]
    month = f"{first:%Y-%m}"
    cells = [[month, home, line.party, _about(line), line.form, *line.figures] for line in lines]
    return csv_file(f"{home}-{month}", head, cells)


def _about(line: Line) -> str:
    return "issued here" if line.side is Direction.OUT else "issued abroad"


def _month(text: str | None, now: datetime) -> date:
    found = _MONTH.fullmatch(text or f"{now.astimezone(UTC):%Y-%m}")
    if found is None or not 1 <= int(found[2]) <= 12 or not 2000 <= int(found[1]) <= 2200:
        raise Refused("A month is written like 2026-11.", 422)
    return date(int(found[1]), int(found[2]), 1)
