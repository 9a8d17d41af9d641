"""What the home side says: cancellations of its own certificates, and answers to what came from abroad."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from gateway.acknowledge.bodies import Acknowledgement, Body, Cancellation, CustomsResponse
from gateway.acknowledge.judging import in_json, is_acknowledged, judge_cancellation
from gateway.acknowledge.lives import when_cancellation_is_asked
from gateway.acknowledge.posted import POSTABLE, body_from_json
from gateway.answers.desk import AnswerDesk
from gateway.domain.caller import Caller
from gateway.domain.errors import ContentRefused, Fault, NotAllowed, NotFound
from gateway.domain.ids import PartyId
from gateway.domain.message import Header
from gateway.domain.status import (
    AcknowledgementOutcome,
    CertificateLife,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.intake.desk import Taken
from gateway.rooms import has_error
from gateway.store.page import Page
from gateway.store.records import CertificateRow, MessageRow

_T = MessageType
_ANSWERED_BY: Mapping[MessageType, frozenset[MessageType]] = MappingProxyType(
    {
        _T.CUSTOMS_RESPONSE: frozenset({_T.CERTIFICATE}),
        _T.RETRANSMISSION_REQUEST: frozenset({_T.CERTIFICATE}),
        _T.VERIFICATION_REQUEST: frozenset({_T.CERTIFICATE}),
        _T.VERIFICATION_REPLY: frozenset({_T.VERIFICATION_REQUEST}),
        _T.VERIFICATION_RESULT: frozenset({_T.CERTIFICATE, _T.VERIFICATION_REPLY}),
    }
)  # what each answer is an answer to; those not named here answer whatever came


class Outgoing:
    """Sends what the home side says, one page a message."""

    def __init__(self, desk: AnswerDesk) -> None:
        self._desk = desk
        self._rooms = desk.rooms
        self._ledger = desk.ledger

    async def cancel(self, certificate: CertificateRow, reason: str, caller: Caller) -> Taken:
        """
        Ask the receiver to cancel a certificate of ours; asked again while pending, nothing changes.

        Raises:
            NotAllowed: B06 items are utilised already, B03 it is cancelled or replaced already or never
                reached the receiver, or the receiver takes no cancellations.
        """
        self._check_agreed(certificate.party, MessageType.CANCELLATION)
        async with self._ledger.page() as page:
            locked = await page.lock_certificate_by_message(
                Direction.OUT, certificate.party, certificate.message_id
            )
            if locked is None:
                raise NotFound("no such certificate")
            if locked.life is CertificateLife.CANCEL_PENDING:
                return await self._first_cancellation(page, locked)
            if await _never_arrived(page, locked):
                raise NotAllowed(_nothing_to_cancel(locked), code=Fault.NOT_IN_FORCE.value)
            kept = await page.customs_entries(locked.certificate_no)
            if findings := judge_cancellation(locked, kept):
                raise NotAllowed(findings[0].text, code=findings[0].code)
            move = when_cancellation_is_asked(locked)
            assert move is not None, "what may be cancelled may be asked for"
            sealed, _ = await self._desk.send(
                page,
                Cancellation(
                    certificate_number=locked.number, ref_to_message_id=locked.message_id, reason=reason
                ),
                to=locked.party,
                form=locked.form,
                conversation=locked.conversation_id,
                certificate=locked.number,
                about=locked.message_id,
                certificate_no=locked.certificate_no,
                organisation=locked.organisation,
                who=caller.subject,
            )
            await page.move_life(
                locked.certificate_no,
                move.to,
                before=move.before,
                at=sealed.header.created_at,
                who=caller.subject,
            )
        return _taken(sealed.header)

    async def answer(self, message: MessageRow, verb: MessageType, posted: Any, caller: Caller) -> Taken:
        """
        Send what the national system says about a message from abroad.

        Raises:
            ContentRefused: the body has faults; all are findings.
            NotAllowed: B02, B03, or the message or the party does not take this answer.
        """
        self._check_agreed(message.party, verb)
        _check_answerable(message, verb)
        now = self._rooms.clock()
        body = body_from_json(
            verb,
            posted,
            certificate_number=message.certificate_number,
            ref_to_message_id=message.message_id,
            at=self._rooms.registry.zones.local(self._rooms.home.country, now),
        )
        try:
            return await self._say(message, body, caller, now)
        except NotAllowed as refused:
            if refused.code in (Fault.OVER_UTILISED, Fault.NOT_IN_FORCE):
                await self._tell_refused(message, refused, caller, now)
            raise

    async def _say(self, message: MessageRow, body: Body, caller: Caller, now: datetime) -> Taken:
        """Judge and send *body*, with its effects on our own ledger."""
        async with self._ledger.page() as page:
            certificate = await page.lock_certificate_by_message(
                Direction.IN, message.party, message.message_id
            )
            if isinstance(body, CustomsResponse):
                await self._check_customs_response(page, certificate, body, now)
            sealed, message_no = await self._desk.send(
                page,
                body,
                to=message.party,
                form=message.form,
                conversation=message.conversation_id,
                certificate=message.certificate_number,
                about=message.message_id,
                certificate_no=message.certificate_no,
                organisation=caller.organisation,
                who=caller.subject,
                acknowledged=message.type if isinstance(body, Acknowledgement) else None,
            )
            if isinstance(body, Acknowledgement):
                await page.acknowledge(
                    message.message_no,
                    certificate_no=message.certificate_no,
                    outcome=body.outcome,
                    by=body.by,
                    findings=body.findings,
                    at=now,
                    carried_by=message_no,
                )
            if isinstance(body, CustomsResponse) and certificate is not None:
                said_at = sealed.header.created_at
                await self._desk.keep_entries(page, certificate, message_no, body, said_at=said_at, at=now)
            await self._desk.tell_verification(page, body, message_no, message.certificate_no, caller.subject)
        return _taken(sealed.header)

    async def _tell_refused(
        self, message: MessageRow, refused: NotAllowed, caller: Caller, now: datetime
    ) -> None:
        """Customs said what the ledger refuses: the caller is told, and so is who must settle it."""
        async with self._ledger.page() as page:
            await page.event(
                "answer:refused",
                at=now,
                message_no=message.message_no,
                certificate_no=message.certificate_no,
                who=caller.subject,
                detail={"code": refused.code, "text": str(refused)},
            )

    def _check_agreed(self, party: PartyId, verb: MessageType) -> None:
        known = self._rooms.registry.parties.get(party)
        if known is None:
            raise NotAllowed(f"{party} is no longer in the registry", code=Fault.NO_CORRIDOR.value)
        if verb not in known.messages:
            raise NotAllowed(f"{party} has not agreed to take a {verb}", code=Fault.FORM_NOT_AGREED.value)
        if verb is MessageType.ACKNOWLEDGEMENT and not known.national_acknowledgements:
            raise NotAllowed(f"{party} takes no acknowledgements of the national system")

    async def _check_customs_response(
        self, page: Page, certificate: CertificateRow | None, body: CustomsResponse, now: datetime
    ) -> None:
        if certificate is None:
            raise NotAllowed("no certificate of this message is known", code=Fault.ORPHAN.value)
        findings = await self._desk.against_ledger(page, certificate, body, now, in_json)
        if not has_error(findings):
            return
        first = next(finding for finding in findings if has_error((finding,)))
        if first.code in (Fault.OVER_UTILISED, Fault.NOT_IN_FORCE):
            raise NotAllowed(first.text, code=first.code)
        raise ContentRefused(findings)

    async def _first_cancellation(self, page: Page, certificate: CertificateRow) -> Taken:
        rows = await page.messages_of(certificate.certificate_no)
        first = [row for row in rows if row.type is MessageType.CANCELLATION][-1]
        return Taken(
            first=False,
            message_id=first.message_id,
            certificate_number=certificate.number,
            form=certificate.form,
            receiver=certificate.party,
        )


async def _never_arrived(page: Page, certificate: CertificateRow) -> bool:
    """Whether the receiver cannot have the certificate; a cancellation would be about nothing there."""
    match certificate.delivery:
        case DeliveryStatus.REFUSED:
            return True
        case DeliveryStatus.WITHDRAWN:
            return not await page.may_have_arrived(certificate.message_no)
        case _:
            return False


def _nothing_to_cancel(certificate: CertificateRow) -> str:
    return (
        f"certificate {certificate.number} was {certificate.delivery} and never reached {certificate.party}:"
        " there is nothing to cancel, and its number may be submitted again"
    )


def _check_answerable(message: MessageRow, verb: MessageType) -> None:
    """An acknowledgement is not acknowledged, and what the gateway itself rejected has no second answer."""
    if message.direction is not Direction.IN or verb not in POSTABLE:
        raise NotFound("no such message in the inbox")
    if verb is MessageType.ACKNOWLEDGEMENT and not is_acknowledged(
        message.type, AcknowledgementOutcome.ACCEPTED
    ):
        raise NotAllowed(f"a message of type {message.type} is not acknowledged")
    if message.type not in _ANSWERED_BY.get(verb, MessageType):
        raise NotAllowed(f"a message of type {message.type} is not answered with a {verb}")
    if message.valid is False:
        raise NotAllowed("the gateway has rejected this message already; its sender has the findings")


def _taken(header: Header) -> Taken:
    return Taken(
        first=True,
        message_id=header.message_id,
        certificate_number=header.certificate_number,
        form=header.form,
        receiver=header.receiver,
    )
