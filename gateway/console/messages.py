"""Lists of certificates and messages, and the one search box."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from urllib.parse import quote, urlencode

from aiohttp import web

from gateway.console.doors import Refused
from gateway.console.serving import VISITOR, Pages, Parts, see
from gateway.console.tables import csv_file
from gateway.console.visitor import Visitor
from gateway.console.words import (
    acknowledgement_chip,
    customs_chip,
    delivery_chip,
    form_name,
    iso,
    life_chip,
)
from gateway.domain.caller import Sight
from gateway.domain.errors import NotFound
from gateway.domain.ids import FormId, PartyId, family_of
from gateway.domain.status import (
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
)
from gateway.intake.roles import Right, sight_of
from gateway.store.records import CertificateRow, MessageRow

LIMIT = 50
_MOST_LINES = 10_000  # of a table to take away
_MOST = 260
WAITING = frozenset(
    {
        DeliveryStatus.READY_TO_SEND,
        DeliveryStatus.SENDING,
        DeliveryStatus.AWAITING_RETRY,
        DeliveryStatus.AWAITING_RECEIPT,
    }
)
LAYERS: Mapping[str, type[DeliveryStatus | AcknowledgementOutcome | CustomsOutcome | CertificateLife]] = (
    MappingProxyType(
        {
            "Receipt": DeliveryStatus,
            "Acknowledgement": AcknowledgementOutcome,
            "Customs response": CustomsOutcome,
            "Life of the certificate": CertificateLife,
        }
    )
)


def sight(visitor: Visitor, right: Right = Right.READ) -> Sight:
    """What the visitor sees of the ledger."""
    return sight_of(visitor.caller, right)


def certificate_path(row: CertificateRow) -> str:
    """The page of a certificate; a number may have gone out and come in."""
    middle = family_of(row.form).split("/")[1]
    number = quote(row.number, safe="")
    return f"/console/certificates/{row.issuing_country}/{middle}/{number}?direction={row.direction}"


def message_path(row: MessageRow) -> str:
    """The page of a message."""
    return f"/console/messages/{quote(row.message_id, safe='')}?party={quote(row.party)}"


class MessagePages:
    """The lists."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    async def search(self, request: web.Request) -> web.Response:
        """Certificates by any of the filters, newest first."""
        visitor = request[VISITOR]
        given = {name: request.query.get(name, "") for name in _FILTERS}
        asked = {name: value for name, value in given.items() if value}
        receiver, direction = self._ends(asked)
        rows, following = await self._parts.ledger.certificates(
            number=asked.get("number"),
            form=asked.get("form"),
            receiver=receiver,
            status=asked.get("status"),
            first_day=_day(asked.get("from")),
            last_day=_day(asked.get("to")),
            direction=direction,
            sight=sight(visitor),
            after=request.query.get("after"),
            limit=LIMIT,
        )
        older = None if following is None else f"?{urlencode(asked | {'after': following})}"
        return self._pages.page(
            "messages.html",
            visitor,
            here="/console/messages",
            rows=[self.line(row) for row in rows],
            given=given,
            words=self._words(asked),
            older=older,
            layers=LAYERS,
            families=sorted({family_of(form) for form in self._parts.registry.forms}),
            parties=sorted(self._parts.others),
        )

    async def find(self, request: web.Request) -> web.Response:
        """What the search box found: one hit opens it, several are listed with what matched."""
        visitor = request[VISITOR]
        asked = " ".join(unicodedata.normalize("NFKC", request.query.get("q", "")).split())[:_MOST]
        if not asked:
            return see("/console/messages")
        hits: dict[str, tuple[str, str]] = {}
        for number in dict.fromkeys((asked, asked.upper())):
            rows, _ = await self._parts.ledger.certificates(number=number, sight=sight(visitor), limit=20)
            for row in rows:
                what = "sent" if row.direction is Direction.OUT else "received"
                told = f"{form_name(row.form)} {row.number}, {what}, party {row.party}"
                hits[certificate_path(row)] = ("certificate number", told)
        for message in await self._parts.ledger.find_messages(asked):
            if await self.is_seen(message, sight(visitor)):
                told = f"{message.type} of {message.party}, {message.direction}"
                hits[message_path(message)] = ("message id", told)
        if len(hits) == 1:
            return see(next(iter(hits)))
        return self._pages.page("found.html", visitor, asked=asked, hits=hits)

    async def waiting(self, request: web.Request) -> web.Response:
        """Deliveries to one party that wait or stand in trouble; as a page, or all of them as CSV."""
        visitor = request[VISITOR]
        party = self._parts.others.get(PartyId(request.query.get("party", "")))
        if party is None:
            raise NotFound("No such party.")
        chosen = request.query.get("status")
        statuses = {_status(chosen)} if chosen else WAITING
        form = FormId(request.query["form"]) if request.query.get("form") else None
        as_csv = request.query.get("as") == "csv"
        rows = await self._parts.ledger.deliveries(
            statuses,
            party.id,
            form=form,
            code=request.query.get("code") or None,
            before=_number(request.query.get("before")),
            limit=_MOST_LINES if as_csv else LIMIT + 1,
        )
        if as_csv:
            return _waiting_csv(party.id, rows)
        query = {name: request.query.get(name, "") for name in _OF_DELIVERIES}
        asked = {name: value for name, value in query.items() if value}
        older = None
        if len(rows) > LIMIT:
            older = f"?{urlencode(asked | {'before': str(rows[LIMIT - 1].message_no)})}"
        return self._pages.page(
            "waiting.html",
            visitor,
            here="/console/messages",
            party=party,
            rows=[
                (row, message_path(row), delivery_chip(row.delivery)) for row in rows[:LIMIT] if row.delivery
            ],
            query=query,
            asked=urlencode(asked),
            statuses=sorted(statuses),
            older=older,
        )

    async def is_seen(self, row: MessageRow, seen: Sight) -> bool:
        """Whether a message is in the visitor's sight: by the certificate it is about, else by itself."""
        if seen.everything or (seen.received and row.direction is Direction.IN):
            return True
        if row.certificate_no is None or row.certificate_number is None:
            return seen.sees(row.direction, row.organisation)
        found, _ = await self._parts.ledger.certificates(
            number=row.certificate_number, form=family_of(row.form), sight=seen, limit=LIMIT
        )
        return any(one.certificate_no == row.certificate_no for one in found)

    def line(self, row: CertificateRow) -> Mapping[str, object]:
        """One row of a list, its three layers apart."""
        return {
            "row": row,
            "path": certificate_path(row),
            "delivery": None if row.delivery is None else delivery_chip(row.delivery),
            "acknowledgement": acknowledgement_chip(row.acknowledgement),
            "customs": customs_chip(row.customs_response),
            "life": life_chip(row.life),
        }

    def _ends(self, given: Mapping[str, str]) -> tuple[str | None, Direction | None]:
        """By party: what went there, and with direction ``in`` nothing but what came in."""
        direction = Direction(given["direction"]) if given.get("direction") in set(Direction) else None
        receiver = given.get("party")
        return (None, direction) if direction is Direction.IN else (receiver, direction)

    def _words(self, given: Mapping[str, str]) -> list[tuple[str, str]]:
        """Each filter in words, with the address of the list without it."""
        return [
            (
                f"{_FILTERS[name]}: {value.replace('_', ' ')}",
                f"?{urlencode({k: v for k, v in given.items() if k != name})}",
            )
            for name, value in given.items()
        ]


_FILTERS = MappingProxyType(
    {
        "number": "Number",
        "form": "Form",
        "party": "Sent to",
        "status": "State",
        "direction": "Direction",
        "from": "From",
        "to": "To",
    }
)
_OF_DELIVERIES = ("party", "form", "status", "code")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _waiting_csv(party: PartyId, rows: Iterable[MessageRow]) -> web.Response:
    head = ("certificate", "type", "form", "party", "since", "delivery", "cause", "message_id")
    cells = [
        (
            row.certificate_number or "",
            row.type,
            row.form,
            party,
            iso(row.recorded_at),
            row.delivery or "",
            row.cause or "",
            row.message_id,
        )
        for row in rows
    ]
    return csv_file(f"waiting-{party}", head, cells)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Refused(f"{text[:20]!r} is no day; write it like 2026-11-21.", 422)


def _status(text: str) -> DeliveryStatus:
    try:
        return DeliveryStatus(text)
    except ValueError:
        raise NotFound("No such status.") from None


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 2**63 - 1
