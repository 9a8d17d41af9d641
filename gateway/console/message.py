"""One message: where it stands, what each layer answered, what happened when, its bytes and its seal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from aiohttp import hdrs, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from gateway.console.bytes import shown
from gateway.console.messages import MessagePages, certificate_path, message_path, sight
from gateway.console.serving import VISITOR, Pages, Parts
from gateway.console.visitor import Part, Visitor
from gateway.console.words import (
    NONE_YET,
    Chip,
    Family,
    acknowledgement_chip,
    customs_chip,
    delivery_chip,
    life_chip,
    long_day,
)
from gateway.domain.errors import Finding, NotFound, Refused
from gateway.domain.ids import PartyId
from gateway.domain.status import CustomsOutcome, Direction, MessageType
from gateway.domain.verbs import VERBS
from gateway.domain.xml import read_xml
from gateway.intake.roles import Right, sight_of
from gateway.intake.standing import Agreed, standing, the_acknowledgement
from gateway.store.records import AttemptRow, CertificateRow, EventRow, MessageRow, Story
from gateway.trust.chain import load_der, name_of
from gateway.trust.explain import CheckResult, CheckVerdict, explain
from gateway.trust.signature import find_signature

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "wire": "As it travelled",
        "submitted": "As handed in",
        "receipt": "Their receipt",
        "issued_receipt": "Our receipt",
    }
)
_FEW = 5
_CHECK_FAMILY = MappingProxyType(
    {
        CheckVerdict.PASSED: Family.GOOD,
        CheckVerdict.FAILED: Family.BAD,
        CheckVerdict.NOT_REACHED: Family.QUIET,
        CheckVerdict.NOT_ASKED: Family.QUIET,
    }
)
_TOLD_BY_ATTEMPTS = frozenset(
    {
        "delivery:sending",
        "delivery:awaiting_retry",
        "delivery:awaiting_receipt",
        "delivery:delivered",
        "receipt:stored",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the timeline."""

    at: datetime
    family: Family
    kind: str  # attempts | answers | people
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Who sealed these bytes, and the numbered checks of the seal."""

    facts: tuple[tuple[str, str], ...]
    checks: tuple[tuple[CheckResult, Family], ...]


class OneMessage:
    """The page of one message or certificate, and its bytes."""

    def __init__(self, parts: Parts, pages: Pages, lists: MessagePages) -> None:
        self._parts = parts
        self._pages = pages
        self._lists = lists

    async def certificate(self, request: web.Request) -> web.Response:
        """By the certificate's key: the message that carries it now."""
        return await self._page(
            request, await self._parts.ledger.message((await self._asked(request)).message_no)
        )

    async def preview(self, request: web.Request) -> web.Response:
        """The certificate as people read it, as a PDF."""
        languages = self._parts.paper.languages
        language = next((one for one in languages if one == request.query.get("lang")), languages[0])
        printed = await self._parts.paper.printed(await self._asked(request), language)
        name = {hdrs.CONTENT_DISPOSITION: f'inline; filename="{printed.name}"'}
        return web.Response(body=printed.body, content_type="application/pdf", headers=name)

    async def _asked(self, request: web.Request) -> CertificateRow:
        visitor = request[VISITOR]
        given = request.match_info
        direction = request.query.get("direction")
        rows, _ = await self._parts.ledger.certificates(
            number=given["number"],
            form=given["form"],
            issuing_country=given["country"],
            direction=Direction(direction) if direction in set(Direction) else None,
            sight=sight(visitor),
            limit=1,
        )
        if not rows:
            raise NotFound("No such certificate.")
        return rows[0]

    async def message(self, request: web.Request) -> web.Response:
        """By the message's id."""
        return await self._page(request, await self.found(request, Right.READ))

    async def found(self, request: web.Request, right: Right) -> MessageRow:
        """
        The message that the path names, if the visitor sees it.

        Raises:
            NotFound: there is none, or not for this visitor.
        """
        visitor: Visitor = request[VISITOR]
        party = request.query.get("party")
        rows = await self._parts.ledger.find_messages(request.match_info["id"], party)
        seen = sight_of(visitor.caller, right)
        for row in rows:
            if await self._lists.is_seen(row, seen):
                return row
        raise NotFound("No such message.")

    async def download(self, request: web.Request) -> web.Response:
        """Exact bytes, as they are kept; never shown by the browser as what they claim to be."""
        row = await self.found(request, Right.DOCUMENT)
        kind = request.match_info["kind"]
        raw = await self._parts.ledger.document(row.message_no, kind) if kind in KINDS else None
        if raw is None:
            raise NotFound("No such bytes.")
        name = "".join(c if c.isalnum() else "-" for c in str(row.certificate_number or row.message_id))
        ending = "json" if raw.lstrip()[:1] == b"{" else "xml"
        return web.Response(
            body=raw,
            content_type="application/octet-stream",
            headers={hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}.{kind}.{ending}"'},
        )

    async def _page(self, request: web.Request, row: MessageRow) -> web.Response:
        visitor: Visitor = request[VISITOR]
        ledger = self._parts.ledger
        own = await ledger.story_of_message(row.message_no)
        story = own if row.certificate_no is None else await ledger.story(row.certificate_no)
        only = request.query.get("only", "all")
        entries = [entry for entry in timeline(row, story) if only in ("all", entry.kind)]
        document = await self._document(request, row, visitor, findings_of(row, story))
        verdict = the_acknowledgement(story.acknowledgements.get(row.message_no, ()))
        return self._pages.page(
            "message.html",
            visitor,
            here="/console/messages",
            row=row,
            story=story,
            stands=standing(story if _is_carrier(row, story) else own, await self._agreed()),
            receipt=story.receipts.get(row.message_no),
            attempts=story.attempts.get(row.message_no, ()),
            delivery=None if row.delivery is None else delivery_chip(row.delivery),
            acknowledgement=verdict,
            acknowledgement_chip=_verdict_chip(row, story),
            acknowledged_within=self._within(row.party),
            customs=latest_customs(story),
            customs_chip=_customs_chip(story),
            life=None if story.certificate is None else life_chip(story.certificate.life),
            days=[(day, list(some)) for day, some in groupby(entries, key=lambda entry: long_day(entry.at))],
            only=only,
            verbs=[verb for verb in VERBS if row.delivery in VERBS[verb].allowed],
            conversation=[(one, message_path(one)) for one in story.messages],
            certificate_path=None if story.certificate is None else certificate_path(story.certificate),
            papers=[] if story.certificate is None else self._papers(story.certificate),
            base=f"/console/messages/{quote(row.message_id, safe='')}",
            **document,
        )

    def _papers(self, row: CertificateRow) -> list[tuple[str, str]]:
        """Each language in which it is printed, and where."""
        path, _, query = certificate_path(row).partition("?")
        return [(one, f"{path}/preview?{query}&lang={one}") for one in self._parts.paper.languages]

    async def _document(
        self, request: web.Request, row: MessageRow, visitor: Visitor, findings: Sequence[Finding]
    ) -> dict[str, Any]:
        none: dict[str, Any] = {"kinds": {}, "kind": "wire", "shown": None, "seal": None, "size": 0}
        if not visitor.may(Part.DOCUMENT):
            return none
        kinds = {
            kind: title
            for kind, title in KINDS.items()
            if await self._parts.ledger.document(row.message_no, kind) is not None
        }
        kind = request.query.get("document", "wire")
        raw = await self._parts.ledger.document(row.message_no, kind) if kind in kinds else None
        if raw is None:
            return none | {"kinds": kinds}
        placed = findings if kind in ("wire", "submitted") else ()
        lines_hold = (kind == "submitted") == (row.direction is Direction.OUT)
        seal = await self._parts.compute(self._seal, raw, row, kind)
        rows = await self._parts.compute(lambda: shown(raw, placed, lines_hold=lines_hold))
        return {"kinds": kinds, "kind": kind, "shown": rows, "seal": seal, "size": len(raw)}

    def _seal(self, raw: bytes, row: MessageRow, kind: str) -> Seal | None:
        """The numbered checks, judged by the certificates of the document's own time."""
        if kind == "submitted":
            return None
        ours = (row.direction is Direction.OUT) == (kind == "wire")
        signer = self._parts.home if ours else self._parts.registry.parties.get(row.party)
        if signer is None:
            return None
        trust = [*(one.certificate for one in signer.sign), signer.anchor]
        results, _ = explain(raw, trust=trust, at=row.recorded_at)
        checks = tuple((result, _CHECK_FAMILY[result.verdict]) for result in results)
        return Seal(facts=tuple(_signer_facts(raw)), checks=checks)

    async def _agreed(self) -> Agreed:
        parties = self._parts.others

        def within(party: PartyId) -> timedelta | None:
            known = parties.get(party)
            return None if known is None else known.patience.acknowledgement_within

        return Agreed(suspended=await self._parts.ledger.party_states(), acknowledgement_within=within)

    def _within(self, party: PartyId) -> float | None:
        known = self._parts.others.get(party)
        return None if known is None else known.patience.acknowledgement_within.total_seconds()


def findings_of(row: MessageRow, story: Story) -> list[Finding]:
    """What either side found in this message: ours when we took it, theirs when they judged it."""
    verdict = the_acknowledgement(story.acknowledgements.get(row.message_no, ()))
    found = [*row.findings, *(verdict.findings if verdict is not None else ())]
    return list(dict.fromkeys(found))


def timeline(row: MessageRow, story: Story) -> list[Entry]:
    """Everything that happened to the message and its certificate, newest first."""
    entries = [_attempt(number, one) for number, one in enumerate(story.attempts.get(row.message_no, ()), 1)]
    told = {(attempt.at, attempt.outcome) for attempt in story.attempts.get(row.message_no, ())}
    for event in story.events:
        if event.what in _TOLD_BY_ATTEMPTS and (event.message_id != row.message_id or told):
            continue
        entries.append(_event(event, row))
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return _folded(entries)


def _folded(entries: list[Entry]) -> list[Entry]:
    """Long runs of attempts that failed alike become one line; the first and the last stay."""
    result: list[Entry] = []
    for alike, some in groupby(
        entries, key=lambda entry: (entry.kind == "attempts", entry.family, _cause(entry))
    ):
        run = list(some)
        if alike[0] and len(run) > _FEW:
            middle = run[1:-1]
            title = f"{len(middle)} attempts more, all alike"
            facts = (("Cause", _cause(run[0])),)
            result += [
                run[0],
                Entry(at=middle[0].at, family=run[0].family, kind="attempts", title=title, facts=facts),
                run[-1],
            ]
        else:
            result += run
    return result


def _cause(entry: Entry) -> str:
    return dict(entry.facts).get("Cause", "")


def _attempt(number: int, attempt: AttemptRow) -> Entry:
    titles = {
        "delivered": (Family.GOOD, "delivered, signed receipt checked"),
        "refused": (Family.BAD, "refused by the party"),
    }
    family, words = titles.get(attempt.outcome, (Family.WAIT, "no receipt yet"))
    if attempt.outcome == "retry" and attempt.next_at is None:
        family, words = Family.BAD, "no receipt, and it was the last"
    facts = (("Cause", attempt.cause),) if attempt.cause else ()
    return Entry(
        at=attempt.at,
        family=family,
        kind="attempts",
        title=f"Attempt {number}: {words}",
        facts=facts,
        next_at=attempt.next_at,
    )


_EVENT_FAMILY = MappingProxyType(
    {
        "submission:refused": Family.BAD,
        "acknowledgement:accepted": Family.GOOD,
        "acknowledgement:accepted_with_warnings": Family.WARN,
        "acknowledgement:rejected": Family.BAD,
        "customs-response:utilised": Family.GOOD,
        "customs-response:partially_utilised": Family.WARN,
        "customs-response:preference_denied": Family.BAD,
        "customs-response:under_verification": Family.WAIT,
        "delivery:refused": Family.BAD,
        "delivery:expired": Family.BAD,
        "delivery:on_hold": Family.HELD,
        "delivery:ready_to_send": Family.WAIT,
        "receipt:stored": Family.GOOD,
        "delivery:delivered": Family.GOOD,
        "submission:accepted": Family.GOOD,
    }
)


def _event(event: EventRow, row: MessageRow) -> Entry:
    layer, _, value = event.what.partition(":")
    words = value.replace("_", " ")
    titles = {
        "operator": f"{words.capitalize()} by {event.who}",
        "submission": f"Submission {words} by {event.who}" if event.who else f"Submission {words}",
        "delivery": f"Delivery: {words}",
        "acknowledgement": f"Acknowledgement: {words}",
        "customs-response": f"Customs response: {words}",
        "life": f"Certificate: {words}",
        "receipt": "Receipt stored",
    }
    said = (event.detail or {}).items()
    facts = [(key.replace("_", " ").capitalize(), _told(value)) for key, value in said if key != "from"]
    if event.message_id is not None and event.message_id != row.message_id:
        facts.append(("Message", event.message_id))
    kind = "people" if layer in ("operator", "session") else "answers"
    return Entry(
        at=event.at,
        family=_EVENT_FAMILY.get(event.what, Family.QUIET),
        kind=kind,
        title=titles.get(layer, f"{layer}: {words}"),
        facts=tuple(facts),
    )


def _told(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value)


def latest_customs(story: Story) -> list[tuple[int, Chip, str, str, str]]:
    """Of each item: number, state, quantity used, reason, declaration; what counts of several answers."""
    latest: dict[tuple[int, str | None], object] = {}
    for response in story.customs:
        latest[response.entry.item, response.entry.declaration] = response.entry
    lines = []
    for response in story.customs:
        entry = response.entry
        if latest.get((entry.item, entry.declaration)) is entry:
            used = "" if entry.quantity is None else f"{entry.quantity.normalize():f} {entry.unit or ''}"
            reason = " ".join(part for part in (entry.reason, entry.legal_basis) if part)
            lines.append(
                (entry.item, customs_chip(entry.outcome), used.strip(), reason, entry.declaration or "")
            )
    return sorted(lines, key=lambda line: line[0])


def _customs_chip(story: Story) -> Chip:
    outcome: CustomsOutcome | None = None if story.certificate is None else story.certificate.customs_response
    return customs_chip(outcome)


def _verdict_chip(row: MessageRow, story: Story) -> Chip:
    verdict = the_acknowledgement(story.acknowledgements.get(row.message_no, ()))
    if verdict is None:
        silent = row.type in (MessageType.ACKNOWLEDGEMENT, MessageType.PING)
        return Chip(Family.QUIET, "Not asked for") if silent else NONE_YET
    return acknowledgement_chip(verdict.outcome, len(verdict.findings))


def _is_carrier(row: MessageRow, story: Story) -> bool:
    return story.certificate is not None and story.certificate.message_no == row.message_no


def _signer_facts(raw: bytes) -> Iterable[tuple[str, str]]:
    """What the certificate in the seal says of itself."""
    try:
        certificate: x509.Certificate | None = load_der(find_signature(read_xml(raw)).certificate)
    except Refused:
        return
    if certificate is None:
        return
    yield "Signed by", name_of(certificate)
    yield "Serial", f"{certificate.serial_number:x}"
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    yield "Valid", f"{begin.day} {begin:%b %Y} to {end.day} {end:%b %Y}"
    yield "Fingerprint", certificate.fingerprint(hashes.SHA256()).hex(" ", 2)[:39] + " …"
