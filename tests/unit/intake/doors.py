"""A national API over HTTP on loopback, with simple rooms behind: rows from a list, a desk of one mind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

import trustme
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestClient, TestServer
from cryptography import x509

from gateway.domain.audit import LogFault, Wrong
from gateway.domain.caller import EVERYTHING, Caller, Role, Sight
from gateway.domain.corridor import Party, Patience, RegisteredCertificate
from gateway.domain.errors import Finding, NotAllowed, NotFound, UnknownCursor
from gateway.domain.ids import FormId, MessageId, PartyId
from gateway.domain.merkle import leaf_hash
from gateway.domain.status import DeliveryStatus, Direction, MessageType
from gateway.domain.words import Language
from gateway.identity.grants import Grants
from gateway.identity.proving import development_tokens, prover
from gateway.intake import shapes
from gateway.intake.callers import NotProven
from gateway.intake.desk import LogDesk, NationalDesk, Pinged, Rehearsed, Taken, Verdict
from gateway.intake.national import create_national_app, table
from gateway.intake.routes import PREFIX, Call
from gateway.intake.serving import Limits, Parts
from gateway.store.audit import AuditPage
from gateway.store.event_log import Inclusion, TreeHead
from gateway.store.ledger import Ledger
from gateway.store.records import (
    CertificateRow,
    EventRow,
    InboxRow,
    LaneRest,
    LaneRow,
    MessageRow,
    PartyState,
    RefusedSubmission,
    Story,
    SubmittedCertificate,
)
from tests.unit.intake.rows import FORM, HOME, NOW, NUMBER, TH, a_certificate, a_message, a_story, an_event

TAKEN = SubmittedCertificate(
    first=True, message_id=MessageId("m1@vn.moit"), certificate_number=NUMBER, form=FORM, receiver=TH
)


class DeskThatTakesAll(NationalDesk):
    """Takes everything, remembers it, and answers the first time with 202."""

    def __init__(self) -> None:
        self.submitted: list[tuple[bytes, str, Caller]] = []
        self.said: list[tuple[str, Any]] = []

    async def submit(self, content: bytes, content_type: str, caller: Caller) -> SubmittedCertificate:
        first = all(content != known for known, _, _ in self.submitted)
        self.submitted.append((content, content_type, caller))
        return SubmittedCertificate(
            first=first,
            message_id=TAKEN.message_id,
            certificate_number=NUMBER,
            form=FORM,
            receiver=TH,
        )

    async def judge(self, content: bytes, content_type: str, languages: Sequence[Language] = ()) -> Verdict:
        return Verdict(form=FORM, findings=())

    async def cancel(self, certificate: CertificateRow, reason: str, caller: Caller) -> Taken:
        return self._taken("cancellation", reason)

    async def answer(self, message: MessageRow, verb: str, body: Any, caller: Caller) -> Taken:
        return self._taken(verb, body)

    def _taken(self, verb: str, body: Any) -> Taken:
        self.said.append((verb, body))
        return Taken(
            first=len(self.said) == 1,
            message_id=MessageId("a1@vn.moit"),
            certificate_number=NUMBER,
            form=FormId(FORM),
            receiver=TH,
        )


class DeskThatRefuses(DeskThatTakesAll):
    """Refuses everything with one error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def submit(self, content: bytes, content_type: str, caller: Caller) -> SubmittedCertificate:
        raise self._error

    async def judge(self, content: bytes, content_type: str, languages: Sequence[Language] = ()) -> Verdict:
        return Verdict(form=None, findings=(Finding(code="S01", text="Not well-formed", line=1),))

    async def cancel(self, certificate: CertificateRow, reason: str, caller: Caller) -> Taken:
        raise self._error

    async def answer(self, message: MessageRow, verb: str, body: Any, caller: Caller) -> Taken:
        raise self._error


class LedgerOfRows(Ledger):
    """Gives the rows it was given; of the laws of the real one it keeps sight and cursors."""

    def __init__(
        self,
        *,
        certificates: Sequence[CertificateRow] = (),
        messages: Sequence[MessageRow] = (),
        events: Sequence[EventRow] = (),
        refused: Sequence[RefusedSubmission] = (),
    ) -> None:
        self.rows = list(certificates)
        self.mail = list(messages)
        self.happened = list(events)
        self.refusals = list(refused)
        self.states: dict[PartyId, PartyState] = {}
        self.asked: dict[str, Any] = {}

    async def certificates(  # its other filters are only remembered
        self, *, sight: Sight = EVERYTHING, after: str | None = None, limit: int = 50, **asked: Any
    ) -> tuple[list[CertificateRow], str | None]:
        self.asked = asked
        if after is not None:
            raise UnknownCursor(after)
        keys = {"number": "number", "issuing_country": "issuing_country", "direction": "direction"}
        found = [
            row
            for row in self.rows
            if sight.sees(row.direction, row.organisation)
            and all(getattr(row, field) == asked[key] for key, field in keys.items() if asked.get(key))
        ]
        return found[:limit], None

    async def story(self, certificate_no: int) -> Story:
        row = next(row for row in self.rows if row.certificate_no == certificate_no)
        return a_story(*(m for m in self.mail if m.certificate_no == certificate_no), certificate=row)

    async def story_of_message(self, message_no: int) -> Story:
        row = await self.message(message_no)
        return a_story(row, certificate=None, events=(an_event("1", who="alice"),))

    async def find_messages(self, message_id: str, party: str | None = None) -> list[MessageRow]:
        return [row for row in self.mail if row.message_id == message_id and party in (None, row.party)]

    async def message(self, message_no: int) -> MessageRow:
        return next(row for row in self.mail if row.message_no == message_no)

    async def document(self, message_no: int, kind: str = "wire") -> bytes | None:
        return b"<Bytes/>" if message_no else None

    async def said(self, message_no: int) -> bytes | None:
        return await self.document(message_no)

    async def inbox(
        self,
        *,
        after: str | None,
        limit: int,
        type: MessageType | None = None,  # noqa: A002  (the ledger calls it so)
        sight: Sight = EVERYTHING,
    ) -> tuple[list[InboxRow], str]:
        rows = [
            InboxRow(cursor=str(row.message_no), message=row)
            for row in self.mail
            if row.direction is Direction.IN and type in (None, row.type)
        ]
        return rows[:limit], rows[-1].cursor if rows else "0"

    async def events(
        self, *, after: str | None, limit: int, sight: Sight = EVERYTHING
    ) -> tuple[list[EventRow], str]:
        if after is not None and not after.isdigit():
            raise UnknownCursor(after)
        rows = [row for row in self.happened if int(row.cursor) > int(after or 0)][:limit]
        return rows, rows[-1].cursor if rows else after or "0"

    async def refused_submissions(
        self, *, after: str | None, limit: int, organisation: str | None = None
    ) -> tuple[list[RefusedSubmission], str | None]:
        return [row for row in self.refusals if organisation in (None, row.organisation)][:limit], None

    async def refused_submission(self, submission_id: UUID) -> tuple[RefusedSubmission, bytes] | None:
        found = [row for row in self.refusals if row.submission_id == submission_id]
        return (found[0], b"{}") if found else None

    async def operate(
        self, verb: str, message_no: int, *, who: str, reason: str | None, at: datetime
    ) -> MessageRow:
        row = await self.message(message_no)
        if row.delivery is DeliveryStatus.WITHDRAWN:
            raise NotAllowed(f"{row.delivery} does not allow {verb}")
        self.asked = {"verb": verb, "who": who, "reason": reason}
        return row

    async def suspend(
        self, party: PartyId, *, who: str, reason: str | None, outgoing_only: bool, at: datetime, **_: Any
    ) -> PartyState:
        if party in self.states:
            raise NotAllowed(f"{party} is suspended already")
        self.states[party] = PartyState(
            party=party, suspended_by=who, suspended_at=at, reason=reason, outgoing_only=outgoing_only
        )
        return self.states[party]

    async def resume(self, party: PartyId, *, who: str, reason: str | None, at: datetime) -> PartyState:
        if self.states.pop(party, None) is None:
            raise NotAllowed(f"{party} is not suspended")
        return PartyState(party=party)

    async def party_states(self) -> dict[PartyId, PartyState]:
        return self.states

    async def lanes(self, at: datetime) -> list[LaneRow]:
        waiting = {"ready_to_send": 2}
        return [
            LaneRow(
                party=TH,
                waiting=2,
                oldest_s=12.5,
                by_age={"5min": 2},
                by_status=waiting,
                next_due_s=0.0,
                holder="here 127.0.0.1:8080 1a2b3c4d",
                window=4,
                rest=LaneRest(failures=2, cause="T01: no", rest_s=7.5),
                heard_s=None,
                cause=None,
            )
        ]


class LogOfOneEvent(LogDesk):
    """A log with one leaf, which is proved by nothing."""

    entry = '{"event" : 1}'

    async def head(self) -> TreeHead:
        root = leaf_hash(self.entry.encode())
        return TreeHead(size=1, root=root, at=NOW, sealed=b"<TreeHead/>")

    async def inclusion(self, event: str, size: int | None) -> Inclusion:
        if event != "1":
            raise UnknownCursor(event)
        root = leaf_hash(self.entry.encode())
        return Inclusion(entry=self.entry, leaf=0, size=size or 1, root=root, proof=())

    async def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        if (first, second) != (1, 1):
            raise NotFound("There is no such tree.")
        return ()

    async def consistency_document(self, first: int, second: int) -> bytes:
        await self.consistency(first, second)
        return b"<ConsistencyProof/>"

    async def audit(self, begin: int) -> AuditPage:
        fault = LogFault(wrong=Wrong.REMOVED, leaf=0, event=1, text="event 1 (leaf 0) is gone")
        return AuditPage(size=1, leaves=1, faults=(fault,), heads=(), following=None)


def full_ledger() -> LedgerOfRows:
    """A certificate sent and one received, each with its message."""
    return LedgerOfRows(
        certificates=[
            a_certificate(),
            a_certificate(certificate_no=2, direction=Direction.IN, number="TH-1", issuing_country="TH"),
        ],
        messages=[
            a_message(),
            a_message(
                message_no=2,
                message_id=MessageId("in/1@th.customs"),
                direction=Direction.IN,
                certificate_no=2,
                certificate_number="TH-1",
                delivery=None,
            ),
        ],
        events=[an_event("1"), an_event("2", "receipt:stored")],
    )


def everybody(token: str) -> Caller:
    """Tokens for tests: ``issuer+customs@DGFT``; anything else proves nobody."""
    names, _, organisation = token.partition("@")
    try:
        roles = frozenset(Role(name) for name in names.split("+") if name != "nobody")
    except ValueError:
        raise NotProven(token) from None
    return Caller(subject=names, roles=roles, organisation=organisation or None)


def as_(who: str) -> dict[str, str]:
    """The header with which *who* calls."""
    return {"Authorization": f"Bearer {who}"}


@cache
def th_customs() -> Party:
    """A party with real certificates, made for this run."""
    ca = trustme.CA()
    certificate = x509.load_pem_x509_certificate(ca.issue_cert("th.example").cert_chain_pems[0].bytes())
    anchor = x509.load_pem_x509_certificate(ca.cert_pem.bytes())
    window = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC))
    registered = RegisteredCertificate(
        file="th.pem", certificate=certificate, valid_from=window[0], valid_to=window[1]
    )
    return Party(
        id=TH,
        name="Thai Customs",
        country="TH",
        transport="eco-https/1",
        endpoint="https://th.example:8443/exchange/v1/messages",
        anchor=anchor,
        tls_anchor=anchor,
        sign=(registered,),
        tls=(registered,),
        patience=Patience(
            waits=(timedelta(seconds=5),),
            receipt_within=timedelta(seconds=30),
            acknowledgement_within=timedelta(hours=4),
        ),
        messages=frozenset(MessageType),
        acknowledgements=True,
        national_acknowledgements=True,
    )


@dataclass(frozen=True)
class BlankPage:
    name: str
    body: bytes = b"%PDF-blank"


class PaperThatIsBlank:
    """In two languages."""

    languages = (Language("en"), Language("th"))

    async def printed(self, row: CertificateRow, language: Language) -> BlankPage:
        return BlankPage(f"{row.certificate_no}_{language}.pdf")


async def no_evidence(row: MessageRow) -> bytes:
    return b"PK about " + row.message_id.encode()


async def figures() -> bytes:
    return b"eco_gateway_up 1\n"


class ServerAsInProduction(TestServer):
    """Lets a handler learn of a lost client by its body; the test server by itself cancels the handler."""

    async def _make_runner(self, **kwargs: Any) -> web.BaseRunner:
        return await super()._make_runner(**{**kwargs, "handler_cancellation": False, "lingering_time": 1.0})


def taken_in(server: BaseTestServer) -> int:
    """How many requests have come in so far."""
    assert server.runner is not None
    assert server.runner.server is not None
    return server.runner.server.requests_count


def open_at(server: BaseTestServer) -> int:
    """How many connections are open."""
    assert server.runner is not None
    assert server.runner.server is not None
    return len(server.runner.server.connections)


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what will happen; a test's own time limit ends it otherwise."""
    while not happened():  # noqa: ASYNC110  (a server has no event for it)
        await asyncio.sleep(0.01)


async def nothing_to_do() -> None:
    """Nobody else goes by what was decided."""


async def answered_at_once(party: PartyId, who: str) -> Pinged:
    return Pinged(party=party, at=NOW, answered=True, cause=None, took_ms=12)


async def rehearsed_at_once(party: PartyId, who: str) -> list[Rehearsed]:
    common: dict[str, Any] = {
        "file": f"{party}.pem",
        "fingerprint": "ab" * 32,
        "as_of": NOW,
        "answered": True,
    }
    return [
        Rehearsed(use="sign", counts=True, **common),
        Rehearsed(use="tls", counts=False, step=4, cause="G02: unknown", **common),
    ]


@contextlib.asynccontextmanager
async def national_door(
    *,
    desk: NationalDesk | None = None,
    ledger: Ledger | None = None,
    log: LogDesk | None = None,
    stopping: asyncio.Event | None = None,
    ready: Callable[[], bool] = lambda: True,
    limits: Limits | None = None,
    changed: Callable[[float], Any] = asyncio.sleep,
    away: tuple[type[Exception], ...] = (),
) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of a national API that listens on loopback; a stream still open at the end is told to end."""
    ended = stopping or asyncio.Event()
    app = create_national_app(
        home=HOME,
        desk=desk or DeskThatTakesAll(),
        ledger=ledger or full_ledger(),
        log=log or LogOfOneEvent(),
        prove=prover(development_tokens(everybody), Grants()),
        clock=lambda: NOW,
        ready=ready,
        metrics=figures,
        ping=answered_at_once,
        rehearse=rehearsed_at_once,
        content_of=lambda row, document: {"bytes": len(document), "type": row.type},
        evidence=no_evidence,
        check_address=lambda row: f"https://check.example/verify/{row.certificate_no}",
        paper=PaperThatIsBlank(),
        registry_view=lambda: {TH: th_customs()},
        stopping=ended,
        decided=nothing_to_do,
        limits=limits,
        changed=changed,
        away=away,
    )
    async with TestClient(ServerAsInProduction(app)) as client:
        try:
            yield client
        finally:
            ended.set()


XML = {"Content-Type": "application/xml"}
JSON = {"Content-Type": "application/json"}
ONE = f"{PREFIX}/certificates/VN/form-rcep/{quote(NUMBER, safe='')}"
ARRIVED = f"{PREFIX}/inbox/{quote('in/1@th.customs', safe='')}"
SENT = f"{PREFIX}/messages/{quote('m1@vn.moit', safe='')}"


def parts() -> Parts:
    return Parts(
        home=HOME,
        desk=DeskThatTakesAll(),
        ledger=full_ledger(),
        log=LogOfOneEvent(),
        clock=lambda: NOW,
        parties=lambda: {TH: th_customs()},
        content_of=lambda *_: None,
        ping=answered_at_once,
        rehearse=rehearsed_at_once,
        decided=nothing_to_do,
        changed=asyncio.sleep,
        notices=dict,
        stopping=asyncio.Event(),
        limits=Limits(),
        evidence=no_evidence,
        check_address=lambda row: f"https://check.example/verify/{row.certificate_no}",
        paper=PaperThatIsBlank(),
    )


CALLS = table(parts())
NAMES = [call.name for call in CALLS]
PLACES = {
    "issuing_country": "VN",
    "form": "form-rcep",
    "number": NUMBER,
    "id": "m1@vn.moit",
    "name": "a-system",
}


def path_of(call: Call, places: dict[str, str] = PLACES) -> str:
    return PREFIX + call.path.format(**{name: quote(value, safe="") for name, value in places.items()})


async def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status == status
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = await response.json(content_type=None)
    shapes.Problem.model_validate(body)
    assert body["status"] == status
    return body
