"""A page of the ledger: one transaction in which a caller reads under lock, judges, and writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from gateway.domain.errors import Finding, NotAllowed
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId
from gateway.domain.message import Sealed
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    Direction,
)
from gateway.store.connect import Connection
from gateway.store.operating import operate
from gateway.store.records import (
    CertificateKey,
    CertificateRow,
    CustomsEntry,
    CustomsRow,
    MessageRow,
    NewInbound,
    ReExportRow,
)
from gateway.store.rows import certificate_row, customs_row, findings_json, message_row, spoken_of
from gateway.store.statements import queries

_NO_SUCH_LIFE_MOVE = "EG002"


class Page:
    """One transaction. Rows read with ``lock_`` stay as they are until it ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._owed_to: set[PartyId] = set()

    @property
    def owed_to(self) -> frozenset[PartyId]:
        """The parties to which this page owes something new."""
        return frozenset(self._owed_to)

    async def write_outbound(
        self,
        sealed: Sealed,
        *,
        certificate_no: int | None,
        organisation: str | None,
        actor: str,
        at: datetime,
        content: bytes | None = None,
    ) -> int:
        """
        Write an outbound message and the delivery it owes to its receiver; returns its message_no.

        The move of the delivery is the only event; what the message does to a certificate is told by the
        verbs that do it.

        Args:
            content: what the national system handed in, kept as ``submitted``.
        """
        header = sealed.header
        dialect, canonical = spoken_of(sealed)
        message_no: int = await queries.write_outbound(
            self._connection,
            party=header.receiver,
            message_id=header.message_id,
            conversation_id=header.conversation_id,
            type=header.type,
            form=header.form,
            certificate_no=certificate_no,
            certificate_number=header.certificate_number,
            ref_to_message_id=header.ref_to_message_id,
            digest=sealed.digest,
            created_at=header.created_at,
            at=at,
            organisation=organisation,
            actor=actor,
            wire=sealed.body,
            submitted=content,
            dialect=dialect,
            canonical=canonical,
        )
        self._owed_to.add(header.receiver)
        return message_no

    async def resend(self, message: MessageRow, *, who: str, reason: str | None, at: datetime) -> None:
        """Send the identical bytes again, if its delivery is over; what is still on its way comes anyway."""
        if await operate(self._connection, "resend", message.message_no, who=who, reason=reason, at=at):
            self._owed_to.add(message.party)

    async def write_inbound(self, inbound: NewInbound, *, certificate_no: int | None) -> int | None:
        """
        Write an inbound message, its exact bytes and our receipt for it.

        Returns:
            its message_no, or None when this sender used the id before: ask ``issued_receipt`` then.
        """
        header = inbound.sealed.header
        dialect, canonical = spoken_of(inbound.sealed)
        message_no: int | None = await queries.write_inbound(
            self._connection,
            party=header.sender,
            message_id=header.message_id,
            conversation_id=header.conversation_id,
            type=header.type,
            form=header.form,
            certificate_no=certificate_no,
            certificate_number=header.certificate_number,
            ref_to_message_id=header.ref_to_message_id,
            digest=inbound.sealed.digest,
            created_at=header.created_at,
            at=inbound.at,
            valid=inbound.valid,
            findings=findings_json(inbound.findings),
            wire=inbound.sealed.body,
            dialect=dialect,
            canonical=canonical,
            receipt=inbound.receipt,
            signer_until=inbound.receipt_signer_until,
        )
        return message_no

    async def lock_certificate(self, key: CertificateKey) -> CertificateRow | None:
        """The certificate under *key*, locked."""
        return await self._locked(
            await queries.lock_certificate(
                self._connection,
                number=key.number,
                family=key.family,
                issuing_country=key.issuing_country,
                direction=key.direction,
            )
        )

    async def lock_certificate_by_message(
        self, direction: Direction, party: PartyId, message_id: MessageId
    ) -> CertificateRow | None:
        """The certificate that the message with this id is about, locked."""
        return await self._locked(
            await queries.lock_certificate_by_message(
                self._connection, message_id=message_id, party=party, direction=direction
            )
        )

    async def _locked(self, certificate_no: int | None) -> CertificateRow | None:
        if certificate_no is None:
            return None
        row = await queries.certificate(self._connection, certificate_no=certificate_no)
        return certificate_row(row)

    async def find_messages(self, message_id: MessageId, party: PartyId) -> list[MessageRow]:
        """The messages of this party with this id, as ``Ledger.find_messages`` gives them."""
        rows = queries.messages_by_id(self._connection, message_id=message_id)
        found = [message_row(row) async for row in rows]
        return [message for message in found if message.party == party]

    async def messages_of(self, certificate_no: int) -> list[MessageRow]:
        """Every message about the certificate, oldest first."""
        rows = queries.messages_of_certificate(self._connection, certificate_no=certificate_no)
        return [message_row(row) async for row in rows]

    async def may_have_arrived(self, message_no: int) -> bool:
        """Whether an attempt to deliver it may have been heard, whatever became of it afterwards."""
        perhaps: bool = await queries.may_have_arrived(self._connection, message_no=message_no)
        return perhaps

    async def said(self, message_no: int) -> bytes | None:
        """
        What a message says in canonical form: the document alone, or the whole message that holds it.

        None where the time for which its documents are kept is over.
        """
        body: bytes | None = await queries.said(self._connection, message_no=message_no)
        return body

    async def replaced_by(self, key: CertificateKey, party: PartyId) -> CertificateNumber | None:
        """The certificate of the same party that replaces the one under *key*, if it came before."""
        number: CertificateNumber | None = await queries.replaced_by(
            self._connection,
            number=key.number,
            family=key.family,
            issuing_country=key.issuing_country,
            direction=key.direction,
            party=party,
        )
        return number

    # ---- back-to-back certificates ---------------------------------------------------------------------

    async def lock_re_exports(self, family: FormId) -> None:
        """Reckon alone what certificates of this form re-export, until the page ends."""
        await queries.lock_re_exports(self._connection, family=family)

    async def original(self, family: FormId, number: str, issuing_country: str | None) -> int | None:
        """The certificate from abroad that stands under this number, if we know it."""
        row = await queries.original(
            self._connection, number=number, family=family, issuing_country=issuing_country
        )
        return None if row is None else int(row["certificate_no"])

    async def said_of(self, certificate_no: int) -> bytes | None:
        """What a certificate says now, None where it is kept no more; see ``said``."""
        return await self.said(await queries.carried_by(self._connection, certificate_no=certificate_no))

    async def re_exports(self, originals: Sequence[int]) -> list[ReExportRow]:
        """What counts of the certificates that take from one of *originals*."""
        rows = queries.re_exports(self._connection, originals=originals)
        return [ReExportRow(**dict(row)) async for row in rows]

    async def reserve_re_export(
        self, message_id: MessageId, originals: Sequence[int], goods: list[dict[str, Any]]
    ) -> None:
        """A certificate that is about to be submitted takes *goods* from *originals*."""
        await queries.reserve_re_export(
            self._connection, message_id=message_id, originals=originals, goods=goods
        )

    async def release_re_export(self, message_id: MessageId) -> None:
        """It was not submitted after all."""
        await queries.release_re_export(self._connection, message_id=message_id)

    async def move_life(
        self,
        certificate_no: int,
        to: CertificateLife,
        *,
        before: CertificateLife | None,
        at: datetime,
        who: str,
    ) -> None:
        """
        Move the certificate's life; *before* is what a refused cancellation puts back.

        Raises:
            NotAllowed: its life cannot move so; the page is spoilt and must be left.
        """
        try:
            await queries.move_life(
                self._connection, certificate_no=certificate_no, life=to, life_before=before, at=at, who=who
            )
        except asyncpg.PostgresError as error:
            if error.sqlstate == _NO_SUCH_LIFE_MOVE:
                raise NotAllowed(str(error)) from error
            raise

    async def acknowledge(
        self,
        message_no: int,
        *,
        certificate_no: int | None,
        outcome: AcknowledgementOutcome,
        by: AcknowledgedBy,
        findings: Sequence[Finding],
        at: datetime,
        carried_by: int | None,
    ) -> None:
        """
        Keep an acknowledgement about *message_no*, ours or theirs.

        When the message carries a certificate, that certificate's acknowledgement follows; the national
        system's replaces the gateway's, never the other way round.
        """
        await queries.acknowledge(
            self._connection,
            message_no=message_no,
            certificate_no=certificate_no,
            outcome=outcome,
            by=by,
            findings=findings_json(findings),
            at=at,
            carried_by=carried_by,
        )

    async def customs_entries(self, certificate_no: int) -> tuple[CustomsRow, ...]:
        """Its customs entries, as they were said; the last said of an (item, declaration) counts."""
        rows = queries.customs_entries(self._connection, certificate_no=certificate_no)
        return tuple([customs_row(row) async for row in rows])

    async def add_customs_entries(
        self,
        certificate_no: int,
        message_no: int,
        entries: Sequence[CustomsEntry],
        *,
        summary: CustomsOutcome,
        at: datetime,
    ) -> None:
        """
        Keep the entries of one customs response and the certificate's new summary.

        One event for each outcome among the entries, with the items it concerns and the summary.
        """
        await queries.add_customs_entries(
            self._connection,
            certificate_no=certificate_no,
            message_no=message_no,
            at=at,
            summary=summary,
            items=[entry.item for entry in entries],
            outcomes=[entry.outcome for entry in entries],
            quantities=[entry.quantity for entry in entries],
            units=[entry.unit for entry in entries],
            declarations=[entry.declaration for entry in entries],
            dates=[entry.date for entry in entries],
            reasons=[entry.reason for entry in entries],
            legal_bases=[entry.legal_basis for entry in entries],
        )

    async def put_in_inbox(self, message_no: int) -> None:
        """Show an inbound message in the inbox; once per message."""
        await queries.put_in_inbox(self._connection, message_no=message_no)

    async def park(self, message_no: int, *, patience_s: float) -> None:
        """Keep an answer or cancellation whose certificate is unknown, to be matched when it comes."""
        await queries.park(self._connection, message_no=message_no, patience_s=patience_s)

    async def parked(
        self, party: PartyId, conversation: ConversationId
    ) -> tuple[tuple[MessageRow, bytes, bytes | None], ...]:
        """
        The conversation's parked messages, locked, oldest first.

        Returns:
            each with its bytes, and with what it says where it came in a dialect.
        """
        locked = queries.lock_parked(self._connection, party=party, conversation_id=conversation)
        numbers = [row["message_no"] async for row in locked]
        if not numbers:
            return ()
        rows = queries.messages_with_bytes(self._connection, message_nos=numbers)
        return tuple([(message_row(row), row["body"], row["canonical"]) async for row in rows])

    async def unpark(self, message_no: int, *, certificate_no: int | None) -> None:
        """A parked message was matched (or its patience ended): it waits no longer."""
        await queries.unpark(self._connection, message_no=message_no, certificate_no=certificate_no)

    async def event(
        self,
        what: str,
        *,
        at: datetime,
        message_no: int | None = None,
        certificate_no: int | None = None,
        party: PartyId | None = None,
        who: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Append an event that no other verb writes by itself; *what* is ``layer:value``."""
        await queries.append_event(
            self._connection,
            at=at,
            what=what,
            message_no=message_no,
            certificate_no=certificate_no,
            party=party,
            who=who,
            detail=detail,
        )
