"""What every call of the national API is served with, and how the thing a path names is found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web

from gateway.domain.caller import Caller, Sight
from gateway.domain.clock import Clock
from gateway.domain.corridor import Party
from gateway.domain.errors import NotFound
from gateway.domain.ids import PartyId, family_of
from gateway.domain.status import Direction
from gateway.domain.words import Language
from gateway.domain.xml import MAX_MESSAGE_BYTES
from gateway.intake.capacity import Capacity
from gateway.intake.desk import LogDesk, NationalDesk, Pinged, Rehearsed, Taken
from gateway.intake.notices import Notice
from gateway.intake.problems import Problem
from gateway.intake.roles import Right, sight_of
from gateway.intake.routes import MOST, Query, is_plain
from gateway.intake.standing import Agreed
from gateway.intake.views import taken_view
from gateway.store.housekeeping import Retention
from gateway.store.ledger import Ledger
from gateway.store.records import CertificateRow, MessageRow, SubmittedCertificate

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the doors take."""

    body_bytes: int = MAX_MESSAGE_BYTES  #: one document
    head_s: float = 30  #: for the handshake and the first whole head of a connection, seconds
    body_s: float = 60  #: for the whole body to arrive, seconds
    batch_bytes: int = 64 * MIB  #: a batch as it is sent
    batch_unpacked_bytes: int = 256 * MIB  #: a ZIP batch unpacked
    batch_items: int = 1000
    batch_in_flight: int = 8  #: items of one batch judged at a time
    silence_s: float = 15  #: of an event stream, before a comment shows that it lives
    visits: int = 512  #: calls that a door has in hand at a time
    visits_bytes: int = 256 * MIB  #: of their bodies together
    turns: int = 32  #: bodies that a door has judged and written at a time


class Printed(Protocol):
    """A PDF and how its file is called."""

    @property
    def name(self) -> str:
        """Of the file, in letters that every file system takes."""

    @property
    def body(self) -> bytes:
        """The PDF."""


class Paper(Protocol):
    """Prints certificates as people read them."""

    @property
    def languages(self) -> Sequence[Language]:
        """The languages in which it prints, English first."""

    async def printed(self, row: CertificateRow, language: Language) -> Printed:
        """
        The certificate as a PDF, its labels in *language*.

        Raises:
            NotFound: nobody has laid out its form, or its documents are kept no longer.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    What the calls are served with.

    Attributes:
        parties: the parties we exchange with, as the registry has them now.
        content_of: what an inbox message says, as JSON; run in a worker thread.
        ping: asks a party, for whom, whether it is there.
        rehearse: asks a party, for whom, whether our certificates would count there.
        decided: makes this node go at once by what somebody has just decided or imported.
        changed: returns when the ledger may have changed, at the latest after the seconds given.
        notices: the outages of parties as they are now.
        retention: how long documents are kept, corridor by corridor.
        stopping: set when the process is about to end.
        evidence: the bundle about a message and its conversation.
        check_address: where anybody checks a certificate of ours.
        paper: prints certificates.
    """

    home: PartyId
    desk: NationalDesk
    ledger: Ledger
    log: LogDesk
    clock: Clock
    parties: Callable[[], Mapping[PartyId, Party]]
    content_of: Callable[[MessageRow, bytes], Any]
    ping: Callable[[PartyId, str], Awaitable[Pinged]]
    rehearse: Callable[[PartyId, str], Awaitable[Sequence[Rehearsed]]]
    decided: Callable[[], Awaitable[None]]
    changed: Callable[[float], Awaitable[None]]
    notices: Callable[[], Mapping[PartyId, Notice]]
    stopping: asyncio.Event
    limits: Limits
    evidence: Callable[[MessageRow], Awaitable[bytes]]
    check_address: Callable[[CertificateRow], str]
    paper: Paper
    retention: Sequence[Retention] = ()


def capacity_of(limits: Limits, turned_away: Callable[[str], None] = lambda _: None) -> Capacity:
    """What a door may have in hand by these *limits*."""
    return Capacity(
        most=limits.visits, most_bytes=limits.visits_bytes, at_once=limits.turns, turned_away=turned_away
    )


def answer(body: Mapping[str, Any], status: int = HTTPStatus.OK) -> web.Response:
    """A JSON answer."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    return web.Response(status=status, body=raw, content_type="application/json")


def taken_answer(parts: Parts, taken: SubmittedCertificate | Taken) -> dict[str, Any]:
    """What became a message; with the notice of the receiver's outage while there is one."""
    view = taken_view(taken.message_id, taken.certificate_number, taken.form, taken.receiver)
    notice = parts.notices().get(taken.receiver)
    return view if notice is None else {**view, "notice": notice.view}


async def find_certificate(
    parts: Parts, request: web.Request, caller: Caller, right: Right, *, direction: Direction | None = None
) -> CertificateRow:
    """
    The certificate that the path names, if the caller sees it.

    Raises:
        NotFound: there is none, or not for this caller.
    """
    country, form, number = (_named(request, part) for part in ("issuing_country", "form", "number"))
    rows, _ = await parts.ledger.certificates(
        number=number,
        form=form,
        issuing_country=country,
        direction=direction,
        sight=sight_of(caller, right),
        limit=1,
    )
    if not rows:
        raise NotFound("No such certificate.")
    return rows[0]


async def find_message(
    parts: Parts, request: web.Request, caller: Caller, right: Right, *, direction: Direction | None = None
) -> MessageRow:
    """
    The message that the path names, if the caller sees it.

    Raises:
        NotFound: there is none, not for this caller, or it went the other way than *direction*.
        Problem: 409, several parties used this id and the query does not say which is meant.
    """
    sight = sight_of(caller, right)
    party = Query(request).text("party")
    rows = await parts.ledger.find_messages(_named(request, "id"))
    seen = [row for row in rows if await _is_seen(parts.ledger, row, sight)]
    if party is not None:
        seen = [row for row in seen if party == _sender(row, parts.home)] or [
            row for row in seen if party == row.party
        ]
    meant = [row for row in seen if direction in (None, row.direction)]
    if not meant:
        raise NotFound("No such message.")
    if len(meant) > 1:
        raise _several(meant, parts.home)
    return meant[0]


async def agreed(parts: Parts) -> Agreed:
    """What must be known beside a story to say where it stands."""
    parties = parts.parties()

    def acknowledgement_within(party: PartyId) -> timedelta | None:
        known = parties.get(party)
        return None if known is None else known.patience.acknowledgement_within

    return Agreed(suspended=await parts.ledger.party_states(), acknowledgement_within=acknowledgement_within)


def _named(request: web.Request, part: str) -> str:
    value = request.match_info[part]
    if not is_plain(value):
        raise NotFound("No such thing.")
    return value


async def _is_seen(ledger: Ledger, row: MessageRow, sight: Sight) -> bool:
    """By the certificate the message is about, else by the message itself; customs see what came in."""
    if sight.everything or (sight.received and row.direction is Direction.IN):
        return True
    if row.certificate_no is None or row.certificate_number is None:
        return sight.sees(row.direction, row.organisation)
    found, _ = await ledger.certificates(
        number=row.certificate_number, form=family_of(row.form), sight=sight, limit=MOST
    )
    return any(certificate.certificate_no == row.certificate_no for certificate in found)


def _sender(row: MessageRow, home: PartyId) -> PartyId:
    return home if row.direction is Direction.OUT else row.party


def _several(rows: list[MessageRow], home: PartyId) -> Problem:
    which = [
        {
            "message_id": row.message_id,
            "party": _sender(row, home),
            "type": row.type,
            "direction": row.direction,
        }
        for row in rows
    ]
    return Problem(
        HTTPStatus.CONFLICT,
        "Several parties used this message id; say with ?party= which is meant.",
        members={"messages": which},
    )
