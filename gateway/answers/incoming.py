"""What parties say about certificates. An answer whose certificate is unknown is parked until it comes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from lxml import etree

from gateway.acknowledge.bodies import (
    Acknowledgement,
    Body,
    Cancellation,
    CustomsResponse,
    Ping,
    RetransmissionRequest,
    StatusQuery,
    StatusReply,
    VerificationReply,
    VerificationRequest,
    VerificationResult,
    read_body,
)
from gateway.acknowledge.judging import (
    in_xml,
    is_acknowledged,
    is_kept_from_abroad,
    judge_belonging,
    judge_cancellation,
    outcome_of,
)
from gateway.acknowledge.lives import (
    LifeMove,
    when_cancellation_is_acknowledged,
    when_cancellation_is_judged,
    when_replacement_is_accepted,
)
from gateway.acknowledge.utilisation import standing
from gateway.answers.desk import GATEWAY, AnswerDesk
from gateway.domain.envelope import read_header
from gateway.domain.errors import Fault, Finding, IdRepeated, Severity
from gateway.domain.ids import CertificateNumber, MessageId, PartyId, family_of
from gateway.domain.message import CertificateFacts, Header
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    Direction,
    MessageType,
)
from gateway.rooms import Opened
from gateway.store.page import Page
from gateway.store.records import CertificateKey, CertificateRow, MessageRow
from gateway.trust.check import reread, said_in
from gateway.validate.facts import facts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judgement:
    """What a message from abroad is about, and what speaks against it."""

    certificate: CertificateRow | None = None
    target: MessageRow | None = None  # of ours, which is acknowledged, or asked for again
    findings: tuple[Finding, ...] = ()
    orphan: bool = False

    @property
    def certificate_no(self) -> int | None:
        return None if self.certificate is None else self.certificate.certificate_no


class Incoming:
    """Brings in what parties say, one page a message."""

    def __init__(self, desk: AnswerDesk) -> None:
        self._desk = desk
        self._rooms = desk.rooms
        self._ledger = desk.ledger

    async def admit(self, opened: Opened) -> None:
        """
        Commit a message whose seal holds, with its effects and our receipt for it.

        Raises:
            IdRepeated: the id was used before; whether for the same bytes is for the caller to see.
        """
        header = opened.checked.header
        if await self._take_everyday(opened):
            return
        async with self._ledger.page() as page:
            judgement = await self._judge(page, header, opened.body, opened.findings)
            message_no = await page.write_inbound(
                opened.inbound(judgement.findings), certificate_no=judgement.certificate_no
            )
            if message_no is None:
                raise IdRepeated("This message id came before, for other content")
            if header.type is not MessageType.PING:
                await page.put_in_inbox(message_no)
            if judgement.orphan:
                patience = self._rooms.registry.parties[header.sender].patience
                await page.park(message_no, patience_s=patience.acknowledgement_within.total_seconds())
            else:
                document = opened.checked.document
                await self._conclude(page, message_no, header, opened.body, judgement, document)

    async def _take_everyday(self, opened: Opened) -> bool:
        """Take an everyday acknowledgement of a certificate; False where it is more, and needs a page."""
        header, body = opened.checked.header, opened.body
        if not isinstance(body, Acknowledgement) or opened.spoken is not None:
            return False
        if (about := _reference(header, body)) is None:
            return False
        return await self._ledger.admit_acknowledgement(
            opened.inbound(()), about=about, outcome=body.outcome, by=body.by, findings=body.findings
        )

    async def certificate_came(self, header: Header, facts: CertificateFacts) -> None:
        """
        A certificate was taken: what it replaces is replaced, what was parked in its conversation is judged.

        Where the one that replaces it came first, it is replaced at once. It may be told so again, as it is
        when the sender repeats itself because we ended before we answered.
        """
        key = CertificateKey(
            direction=Direction.IN,
            issuing_country=facts.issuing_country,
            family=family_of(facts.form),
            number=facts.number,
        )
        async with self._ledger.page() as page:
            if facts.replaces is not None:
                former = replace(key, number=facts.replaces)
                await self._replace(page, former, by=facts.number, party=header.sender)
            if (newer := await page.replaced_by(key, header.sender)) is not None:
                await self._replace(page, key, by=newer, party=header.sender)
            for row, raw, canonical in await page.parked(header.sender, header.conversation_id):
                parked, body = _reopened(raw, canonical)
                judgement = await self._judge(page, parked, body, ())
                if not judgement.orphan:
                    await page.unpark(row.message_no, certificate_no=judgement.certificate_no)
                    await self._conclude(page, row.message_no, parked, body, judgement)

    async def give_up_parked(self) -> list[PartyId]:
        """
        Tell the senders of parked messages whose patience ended that nobody knows their certificate (D03).

        Returns:
            the parties that are owed an acknowledgement now.
        """
        told = []
        for message_no in await self._ledger.overdue_parked():
            raw = await self._ledger.document(message_no)
            assert raw is not None
            header, body = _reopened(raw, await self._ledger.document(message_no, "canonical"))
            async with self._ledger.page() as page:
                parked = await page.parked(header.sender, header.conversation_id)
                if message_no not in {row.message_no for row, _, _ in parked}:
                    continue  # somebody else was faster
                judgement = await self._judge(page, header, body, ())
                if judgement.orphan:
                    judgement = _Judgement(findings=(_unknown(header, body),))
                await page.unpark(message_no, certificate_no=judgement.certificate_no)
                await self._conclude(page, message_no, header, body, judgement)
            told.append(header.sender)
        return told

    async def _judge(
        self, page: Page, header: Header, body: Body | None, findings: tuple[Finding, ...]
    ) -> _Judgement:
        """Find what *body* is about, under lock, and judge it; an unfit one is about nothing."""
        if body is None or isinstance(body, Ping):
            return _Judgement(findings=findings)
        about = _reference(header, body)
        certificate = await self._certificate(page, header, about)
        target = None if about is None else await self._ours(page, header.sender, about)
        if isinstance(body, Acknowledgement):
            return _Judgement(certificate=certificate, target=target, orphan=target is None)
        if certificate is None:
            if isinstance(body, StatusQuery | RetransmissionRequest):  # who asks is told now
                return _Judgement(findings=(_unknown(header, body),))
            return _Judgement(orphan=True)
        if findings := judge_belonging(header, certificate):
            return _Judgement(findings=findings)
        if isinstance(body, Cancellation):
            kept = await page.customs_entries(certificate.certificate_no)
            findings = judge_cancellation(certificate, kept)
        elif isinstance(body, CustomsResponse):
            findings = await self._desk.against_ledger(page, certificate, body, header.created_at, in_xml)
            if is_kept_from_abroad(findings):  # what was used there was used: told, and kept all the same
                findings = tuple(replace(finding, severity=Severity.WARNING) for finding in findings)
        elif isinstance(body, RetransmissionRequest) and target is None:
            target = await self._ours(page, header.sender, certificate.message_id)
        return _Judgement(certificate=certificate, target=target, findings=findings)

    async def _conclude(
        self,
        page: Page,
        message_no: int,
        header: Header,
        body: Body | None,
        judgement: _Judgement,
        document: etree._Element | None = None,
    ) -> None:
        """The effects of a judged message, and our acknowledgement of it; *document* as it travelled."""
        outcome = outcome_of(judgement.findings)
        if body is not None and outcome is not AcknowledgementOutcome.REJECTED:
            await self._take_effect(page, message_no, header, body, judgement)
        if is_acknowledged(header.type, outcome):
            await self._acknowledge(page, message_no, header, judgement, outcome, document)

    async def _take_effect(
        self, page: Page, message_no: int, header: Header, body: Body, judgement: _Judgement
    ) -> None:
        now, certificate = self._rooms.clock(), judgement.certificate
        match body:
            case Acknowledgement():
                await self._take_acknowledgement(page, message_no, header, body, judgement)
            case CustomsResponse():
                assert certificate is not None
                await self._desk.keep_entries(
                    page, certificate, message_no, body, said_at=header.created_at, at=now
                )
            case Cancellation():
                assert certificate is not None
                move = when_cancellation_is_judged(certificate, judgement.findings)
                await self._move(page, certificate, move, header.sender)
            case StatusQuery():
                assert certificate is not None
                await self._reply_status(page, header, certificate)
            case RetransmissionRequest():  # the identical bytes once more (ATIGA Annex 8 Rule 29(3))
                if judgement.target is not None:
                    await page.resend(judgement.target, who=header.sender, reason=body.reason, at=now)
            case VerificationRequest() | VerificationReply() | VerificationResult():
                number = judgement.certificate_no
                await self._desk.tell_verification(page, body, message_no, number, header.sender)
            case StatusReply() | Ping():
                pass  # for people to read: the inbox shows it
            case _:
                assert_never(body)

    async def _take_acknowledgement(
        self, page: Page, message_no: int, header: Header, body: Acknowledgement, judgement: _Judgement
    ) -> None:
        target, certificate = judgement.target, judgement.certificate
        assert target is not None
        await page.acknowledge(
            target.message_no,
            certificate_no=target.certificate_no,
            outcome=body.outcome,
            by=body.by,
            findings=body.findings,
            at=self._rooms.clock(),
            carried_by=message_no,
        )
        if certificate is None:
            return
        if target.type is MessageType.CANCELLATION:
            move = when_cancellation_is_acknowledged(certificate, body.outcome)
            await self._move(page, certificate, move, header.sender)
        if target.type is MessageType.CERTIFICATE and body.outcome is not AcknowledgementOutcome.REJECTED:
            await self._replace_former(page, target, certificate)

    async def _replace_former(self, page: Page, target: MessageRow, certificate: CertificateRow) -> None:
        """Our *certificate* was accepted: what it replaces, as it says itself, is replaced by that."""
        raw = await page.said(target.message_no)
        if raw is None or b"Replaces" not in raw:  # spares almost every certificate the reading
            return
        form = self._rooms.registry.forms[target.form]
        if (former := facts_of(said_in(raw), form).replaces) is not None:
            key = CertificateKey(
                direction=Direction.OUT,
                issuing_country=certificate.issuing_country,
                family=family_of(certificate.form),
                number=former,
            )
            await self._replace(page, key, by=certificate.number, party=target.party)

    async def _replace(
        self, page: Page, key: CertificateKey, *, by: CertificateNumber, party: PartyId
    ) -> None:
        """The certificate under *key* is replaced, if we know it as one exchanged with *party*."""
        former = await page.lock_certificate(key)
        if former is not None and former.party == party and former.number != by:
            move = when_replacement_is_accepted(former, AcknowledgementOutcome.ACCEPTED)
            await self._move(page, former, move, party)

    async def _move(
        self, page: Page, certificate: CertificateRow, move: LifeMove | None, who: PartyId
    ) -> None:
        """Move the life of *certificate*, if there is a move."""
        if move is not None:
            await page.move_life(
                certificate.certificate_no, move.to, before=move.before, at=self._rooms.clock(), who=who
            )

    async def _reply_status(self, page: Page, header: Header, certificate: CertificateRow) -> None:
        kept = await page.customs_entries(certificate.certificate_no)
        reply = StatusReply(
            life=certificate.life,
            certificate_number=certificate.number,
            delivery=certificate.delivery,
            acknowledgement=certificate.acknowledgement,
            entries=tuple(standing(row.entry for row in kept).values()),
        )
        await self._desk.send(
            page,
            reply,
            to=header.sender,
            form=header.form,
            conversation=header.conversation_id,
            certificate=certificate.number,
            about=header.message_id,
            certificate_no=certificate.certificate_no,
            organisation=certificate.organisation,
            who=GATEWAY,
        )

    async def _acknowledge(
        self,
        page: Page,
        message_no: int,
        header: Header,
        judgement: _Judgement,
        outcome: AcknowledgementOutcome,
        document: etree._Element | None,
    ) -> None:
        """Our gateway's acknowledgement: kept always, sent where the party's file wants it."""
        carried_by = None
        if self._rooms.registry.parties[header.sender].acknowledgements:
            carried_by = await self._desk.write_acknowledgement(
                page, header, judgement.findings, judgement.certificate_no, document
            )
        await page.acknowledge(
            message_no,
            certificate_no=judgement.certificate_no,
            outcome=outcome,
            by=AcknowledgedBy.GATEWAY,
            findings=judgement.findings,
            at=self._rooms.clock(),
            carried_by=carried_by,
        )

    async def _certificate(
        self, page: Page, header: Header, about: MessageId | None
    ) -> CertificateRow | None:
        """The certificate a message is about, locked: by the message it refers to, else by its number."""
        if about is None:
            return await self._certificate_by_number(page, header)
        for direction in (Direction.OUT, Direction.IN):
            found = await page.lock_certificate_by_message(direction, header.sender, about)
            if found is not None:
                return found
        return None

    async def _certificate_by_number(self, page: Page, header: Header) -> CertificateRow | None:
        """The certificate that went to this party, or came from it, under the number in *header*."""
        if header.certificate_number is None:
            return None
        theirs = self._rooms.registry.parties[header.sender].country
        for direction, country in ((Direction.OUT, self._rooms.home.country), (Direction.IN, theirs)):
            key = CertificateKey(
                direction=direction,
                issuing_country=country,
                family=family_of(header.form),
                number=header.certificate_number,
            )
            found = await page.lock_certificate(key)
            if found is not None and found.party == header.sender:
                return found
        return None

    async def _ours(self, page: Page, party: PartyId, message_id: MessageId) -> MessageRow | None:
        rows = await page.find_messages(message_id, party)
        return next((row for row in rows if row.direction is Direction.OUT), None)


def _reopened(raw: bytes, canonical: bytes | None) -> tuple[Header, Body]:
    """A message that was checked and judged when it arrived: its header, and what it says."""
    return read_header(reread(raw)), read_body(said_in(canonical or raw))


def _reference(header: Header, body: Body) -> MessageId | None:
    """Which message *body* is about; the header need not repeat it."""
    if isinstance(body, StatusReply | Ping):
        return header.ref_to_message_id
    return body.ref_to_message_id or header.ref_to_message_id


def _unknown(header: Header, body: Body) -> Finding:
    return Finding(
        code=Fault.ORPHAN.value,
        text=f"No certificate is known to which this {header.type} could belong"
        f" (it refers to {_reference(header, body) or 'no message'})",
        action="Send the certificate first, or refer to the message that carried it.",
    )
