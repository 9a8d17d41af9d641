"""What answers both ways share: sealing a letter about a certificate, and its quantity ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from lxml import etree

from gateway.acknowledge.bodies import (
    TYPES,
    Acknowledgement,
    Body,
    CustomsResponse,
    VerificationReply,
    VerificationRequest,
    VerificationResult,
    write_body,
)
from gateway.acknowledge.findings import EXCHANGE, EXCHANGE_VERSION
from gateway.acknowledge.judging import Where, judge_customs_response, outcome_of
from gateway.acknowledge.units import factors_of
from gateway.acknowledge.utilisation import Issued, issued_quantities, summary_of
from gateway.domain.errors import Fault, Finding
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId, new_message_id
from gateway.domain.message import Header, Sealed
from gateway.domain.status import AcknowledgedBy, MessageType
from gateway.rooms import Rooms
from gateway.route.corridors import dialect_between
from gateway.store.ledger import Ledger
from gateway.store.page import Page
from gateway.store.records import CertificateRow
from gateway.trust.check import said_in
from gateway.workers import Workers

_VERIFICATION: Mapping[type[Body], str] = MappingProxyType(
    {VerificationRequest: "requested", VerificationReply: "replied", VerificationResult: "concluded"}
)
GATEWAY = "gateway"
"""Stands as ``who`` for what the gateway does by itself."""


class AnswerDesk:
    """Writes letters and keeps the quantity ledger; the caller holds the page."""

    def __init__(self, rooms: Rooms, ledger: Ledger, workers: Workers) -> None:
        self.rooms = rooms
        self.ledger = ledger
        self._workers = workers
        self._factors = factors_of(rooms.registry.conversions.items())

    def letter(
        self,
        body: Body,
        *,
        to: PartyId,
        form: FormId,
        conversation: ConversationId,
        certificate: CertificateNumber | None,
        about: MessageId | None,
        acknowledged: MessageType | None = None,
        answered: etree._Element | None = None,
    ) -> Sealed:
        """
        Write and seal *body* as a message to *to*; takes a millisecond of CPU.

        Args:
            acknowledged: the type of the message that is acknowledged.
            answered: its document, as it travelled.

        Raises:
            ContentRefused: what the dialect of the corridor cannot hold.
        """
        home = self.rooms.home.id
        header = Header(
            sender=home,
            receiver=to,
            standard=EXCHANGE,
            type_version=EXCHANGE_VERSION,
            message_id=new_message_id(home),
            type=TYPES[type(body)],
            created_at=self.rooms.clock(),
            conversation_id=conversation,
            form=form,
            certificate_number=certificate,
            ref_to_message_id=about,
        )
        dialect = dialect_between(
            self.rooms.registry.corridors,
            sender=home,
            receiver=to,
            form=form,
            kind=header.type,
            acknowledged=acknowledged,
        )
        return self.rooms.sealed(self.rooms.written(header, write_body(body), dialect, answered))

    def acknowledgement(
        self, header: Header, findings: tuple[Finding, ...], answered: etree._Element | None = None
    ) -> Sealed:
        """Our gateway's acknowledgement of the message under *header*, sealed; *answered* is its document."""
        body = Acknowledgement(
            certificate_number=header.certificate_number,
            ref_to_message_id=header.message_id,
            outcome=outcome_of(findings),
            by=AcknowledgedBy.GATEWAY,
            at=self.rooms.clock(),
            findings=findings,
        )
        return self.letter(
            body,
            to=header.sender,
            form=header.form,
            conversation=header.conversation_id,
            certificate=header.certificate_number,
            about=header.message_id,
            acknowledged=header.type,
            answered=answered,
        )

    async def send(
        self,
        page: Page,
        body: Body,
        *,
        to: PartyId,
        form: FormId,
        conversation: ConversationId,
        certificate: CertificateNumber | None,
        about: MessageId | None,
        certificate_no: int | None,
        organisation: str | None,
        who: str,
        acknowledged: MessageType | None = None,
    ) -> tuple[Sealed, int]:
        """Seal *body* in a worker thread, write it with its delivery; returns it and its message_no."""
        sealed = await self._workers.do(
            lambda: self.letter(
                body,
                to=to,
                form=form,
                conversation=conversation,
                certificate=certificate,
                about=about,
                acknowledged=acknowledged,
            )
        )
        return sealed, await self._write(page, sealed, certificate_no, organisation, who)

    async def write_acknowledgement(
        self,
        page: Page,
        header: Header,
        findings: tuple[Finding, ...],
        certificate_no: int | None,
        answered: etree._Element | None,
    ) -> int:
        """Seal and write our gateway's acknowledgement with its delivery; returns its message_no."""
        sealed = await self._workers.do(lambda: self.acknowledgement(header, findings, answered))
        return await self._write(page, sealed, certificate_no, None, GATEWAY)

    async def _write(
        self, page: Page, sealed: Sealed, certificate_no: int | None, organisation: str | None, who: str
    ) -> int:
        return await page.write_outbound(
            sealed,
            certificate_no=certificate_no,
            organisation=organisation,
            actor=who,
            at=sealed.header.created_at,
        )

    async def against_ledger(
        self, page: Page, certificate: CertificateRow, body: CustomsResponse, said_at: datetime, where: Where
    ) -> tuple[Finding, ...]:
        """What speaks against a customs response: the quantities issued, what was used before, its life."""
        issued = await self._issued(page, certificate)
        if issued is None:
            return (_past_keeping(certificate),)
        return judge_customs_response(
            certificate,
            issued=issued,
            kept=await page.customs_entries(certificate.certificate_no),
            new=body.entries,
            said_at=said_at,
            factors=self._factors,
            where=where,
        )

    async def keep_entries(
        self,
        page: Page,
        certificate: CertificateRow,
        message_no: int,
        body: CustomsResponse,
        *,
        said_at: datetime,
        at: datetime,
    ) -> None:
        """
        Keep a customs response and what it makes of the certificate as a whole.

        Args:
            said_at: when its message was written; what was said later stands, though it came before.
        """
        kept = await page.customs_entries(certificate.certificate_no)
        before = tuple(row.entry for row in kept if row.said_at <= said_at)
        after = tuple(row.entry for row in kept if row.said_at > said_at)
        entries = (*before, *body.entries, *after)
        await page.add_customs_entries(
            certificate.certificate_no,
            message_no,
            body.entries,
            summary=summary_of(await self._issued(page, certificate) or {}, entries, self._factors),
            at=at,
        )

    async def tell_verification(
        self, page: Page, body: Body, message_no: int, certificate_no: int | None, who: str
    ) -> None:
        """A verification was asked for, replied to or concluded, by us or by the other side."""
        if (what := _VERIFICATION.get(type(body))) is not None:
            await page.event(
                f"verification:{what}",
                at=self.rooms.clock(),
                message_no=message_no,
                certificate_no=certificate_no,
                who=who,
            )

    async def _issued(self, page: Page, certificate: CertificateRow) -> Issued | None:
        """What the certificate itself says of each item; None where its documents are not kept any more."""
        said = await page.said(certificate.message_no)
        return None if said is None else issued_quantities(said_in(said))


def _past_keeping(certificate: CertificateRow) -> Finding:
    return Finding(
        code=Fault.NOT_IN_FORCE,
        text=f"the time for which the documents of certificate {certificate.number} are kept is over",
        action="Clarify with the authority that issued it.",
    )
