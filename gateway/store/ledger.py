"""
The ledger: what the gateway answers for, written before anybody is answered.

Two ways to write. The hot ways of a certificate are one statement each (``submit``, ``admit_certificate``,
``claim``, ``settle``). Everything rarer happens on a *page*: one transaction in which a caller reads under
lock, judges with pure functions, and writes. A page left with an error leaves no trace.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from gateway.domain.errors import Finding
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId
from gateway.domain.message import Sealed
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.store.records import (
    AcknowledgementRow,
    CertificateKey,
    CertificateRow,
    Claim,
    CustomsEntry,
    CustomsRow,
    EventRow,
    InboxRow,
    IssuedReceipt,
    LaneRow,
    MessageRow,
    NewCertificate,
    NewInbound,
    Outcome,
    PartyState,
    RefusedSubmission,
    Story,
    SubmittedCertificate,
)


class Page:
    """One transaction. Rows read with ``lock_`` stay as they are until it ends."""

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
        """Write an outbound message and the delivery it owes to its receiver; returns its message_no."""
        raise NotImplementedError

    async def write_inbound(self, inbound: NewInbound, *, certificate_no: int | None) -> int | None:
        """
        Write an inbound message, its exact bytes and our receipt for it.

        Returns:
            its message_no, or None when this sender used the id before: ask ``issued_receipt`` then.
        """
        raise NotImplementedError

    async def lock_certificate(self, key: CertificateKey) -> CertificateRow | None:
        """The certificate under *key*, locked."""
        raise NotImplementedError

    async def lock_certificate_by_message(
        self, direction: Direction, party: PartyId, message_id: MessageId
    ) -> CertificateRow | None:
        """The certificate that the message with this id is about, locked."""
        raise NotImplementedError

    async def move_life(
        self, certificate_no: int, to: CertificateLife, *, before: CertificateLife | None, at: datetime, who: str
    ) -> None:
        """Move the certificate's life; *before* is what a refused cancellation puts back."""
        raise NotImplementedError

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
        raise NotImplementedError

    async def customs_entries(self, certificate_no: int) -> tuple[CustomsRow, ...]:
        """All customs entries of the certificate, oldest first; the latest for an (item, declaration) counts."""
        raise NotImplementedError

    async def add_customs_entries(
        self,
        certificate_no: int,
        message_no: int,
        entries: Sequence[CustomsEntry],
        *,
        summary: CustomsOutcome,
        at: datetime,
    ) -> None:
        """Keep the entries of one customs response and the certificate's new summary."""
        raise NotImplementedError

    async def put_in_inbox(self, message_no: int) -> None:
        """Show an inbound message in the inbox; once per message."""
        raise NotImplementedError

    async def park(self, message_no: int, *, patience_s: float) -> None:
        """Keep an answer or cancellation whose certificate is unknown, to be matched when it comes."""
        raise NotImplementedError

    async def parked(self, party: PartyId, conversation: ConversationId) -> tuple[tuple[MessageRow, bytes], ...]:
        """The conversation's parked messages with their bytes, locked, oldest first."""
        raise NotImplementedError

    async def unpark(self, message_no: int, *, certificate_no: int | None) -> None:
        """A parked message was matched (or its patience ended): it waits no longer."""
        raise NotImplementedError

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
        """Append an event that no other verb writes by itself."""
        raise NotImplementedError


class Ledger:
    """The database behind verbs of the house; knows the pool, the named queries, and nothing of forms."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """Open a transaction; committed on leaving, shielded from cancellation once the commit began."""
        raise NotImplementedError
        yield

    # ---- a certificate's hot way -------------------------------------------------------------------------

    async def submit(self, new: NewCertificate) -> SubmittedCertificate:
        """
        Write a judged and sealed certificate with its delivery, once.

        The key is issuing country, form without version, number. The same content again gives the first
        answer; a number whose acknowledgement was rejected, or whose message was withdrawn, may come again.

        Raises:
            NumberTaken: the number stands with other content.
        """
        raise NotImplementedError

    async def find_submitted(self, key: CertificateKey, content_digest: bytes) -> SubmittedCertificate | None:
        """
        The first answer to this very content, if it was taken before.

        Raises:
            NumberTaken: the number stands with other content.
        """
        raise NotImplementedError

    async def refuse_submission(
        self,
        *,
        content: bytes,
        content_type: str,
        findings: Sequence[Finding],
        form: str | None,
        certificate_number: str | None,
        organisation: str | None,
        actor: str,
        at: datetime,
    ) -> UUID:
        """Keep a refused submission with its bytes and findings; returns its submission_id."""
        raise NotImplementedError

    async def issued_receipt(self, sender: PartyId, message_id: MessageId) -> IssuedReceipt | None:
        """The receipt we gave this sender for this id, if we took it."""
        raise NotImplementedError

    async def refuse_inbound(
        self,
        *,
        party: PartyId,
        message_id: MessageId | None,
        body: bytes,
        answer: bytes,
        findings: Sequence[Finding],
        at: datetime,
    ) -> None:
        """Keep what we refused on the wire, with our signed answer."""
        raise NotImplementedError

    async def claim(self, party: PartyId, *, lease_s: float, limit: int) -> list[Claim]:
        """
        Lease up to *limit* of the party's due deliveries, oldest first, at most one a conversation.

        A conversation's next message is due only when all before it are final or delivered. A lease that
        ran out counts as due. A suspended party has nothing due.
        """
        raise NotImplementedError

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """
        Record attempts: attempt rows, moves, receipts, in one transaction.

        Returns:
            for each outcome whether it counted; False when another worker holds the delivery now (its fence
            is newer). A checked receipt always counts, unless a refusal was recorded before.
        """
        raise NotImplementedError

    async def next_due_s(self, party: PartyId) -> float | None:
        """Seconds until the party's next delivery falls due (0 when one is), None when nothing waits."""
        raise NotImplementedError

    async def wake(self, party: PartyId) -> int:
        """The party gave a sign of life: its waiting deliveries fall due now, with fresh patience."""
        raise NotImplementedError

    # ---- operators ---------------------------------------------------------------------------------------

    async def operate(
        self, verb: str, message_no: int, *, who: str, reason: str | None, at: datetime
    ) -> MessageRow:
        """
        ``hold``, ``release``, ``resend`` or ``withdraw`` one delivery.

        Raises:
            NotAllowed: the delivery's status does not allow it.
        """
        raise NotImplementedError

    async def suspend(
        self, party: PartyId, *, who: str, reason: str | None, outgoing_only: bool, at: datetime
    ) -> PartyState:
        """
        Stop a party's lane until resumed.

        Raises:
            NotAllowed: it is suspended already.
        """
        raise NotImplementedError

    async def resume(self, party: PartyId, *, who: str, reason: str | None, at: datetime) -> PartyState:
        """
        Start a suspended party's lane again.

        Raises:
            NotAllowed: it is not suspended.
        """
        raise NotImplementedError

    async def party_states(self) -> dict[PartyId, PartyState]:
        """What operators decided about each party; parties never touched are not in it."""
        raise NotImplementedError

    async def lanes(self, at: datetime) -> list[LaneRow]:
        """Each party's backlog by status and age."""
        raise NotImplementedError

    # ---- reading -----------------------------------------------------------------------------------------

    async def certificates(
        self,
        *,
        number: str | None = None,
        form: str | None = None,
        receiver: str | None = None,
        status: str | None = None,
        first_day: date | None = None,
        last_day: date | None = None,
        direction: Direction | None = None,
        organisation: str | None = None,
        issuing_country: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> tuple[list[CertificateRow], str | None]:
        """
        Search, newest first, keyset pages.

        Args:
            form: long with or without version, or the middle part.
            status: any value of delivery, acknowledgement, customs response or life.

        Raises:
            UnknownCursor: *after* was never given out.
        """
        raise NotImplementedError

    async def story(self, certificate_no: int) -> Story:
        """All about one certificate."""
        raise NotImplementedError

    async def story_of_message(self, message_no: int) -> Story:
        """All about one message; that of its certificate when it has one is in ``story``."""
        raise NotImplementedError

    async def find_messages(self, message_id: str, party: str | None = None) -> list[MessageRow]:
        """The messages with this id, usually one; two parties may have used the same."""
        raise NotImplementedError

    async def message(self, message_no: int) -> MessageRow:
        """
        One message.

        Raises:
            NotFound: no such message.
        """
        raise NotImplementedError

    async def document(self, message_no: int, kind: str = "wire") -> bytes | None:
        """Exact bytes: ``wire`` as sent or received, ``submitted``, ``receipt`` theirs, ``issued_receipt`` ours."""
        raise NotImplementedError

    async def inbox(
        self, *, after: str | None, limit: int, type: MessageType | None = None, organisation: str | None = None
    ) -> tuple[list[InboxRow], str]:
        """
        What arrived, oldest first, after the cursor. Only grows at its end, whatever the order of commits.

        Args:
            organisation: only what concerns certificates of this organisation.

        Raises:
            UnknownCursor: *after* was never given out.
        """
        raise NotImplementedError

    async def events(
        self, *, after: str | None, limit: int, organisation: str | None = None, direction: Direction | None = None
    ) -> tuple[list[EventRow], str]:
        """
        Every status move, oldest first, after the cursor; grows only at its end.

        Raises:
            UnknownCursor: *after* was never given out.
        """
        raise NotImplementedError

    async def refused_submissions(
        self, *, after: str | None, limit: int, organisation: str | None = None
    ) -> tuple[list[RefusedSubmission], str | None]:
        """Refused submissions, newest first, keyset pages."""
        raise NotImplementedError

    async def refused_submission(self, submission_id: UUID) -> tuple[RefusedSubmission, bytes] | None:
        """One refused submission with its bytes."""
        raise NotImplementedError

    async def overdue_parked(self) -> list[int]:
        """message_no of parked messages whose patience ended (D03)."""
        raise NotImplementedError

    async def counts(self) -> dict[str, dict[str, int]]:
        """For metrics: deliveries by party and status, cheaply."""
        raise NotImplementedError

    async def setting(self, name: str, value: str | None = None) -> str | None:
        """Read a kept setting; with *value*, keep it if none is kept yet and return what counts."""
        raise NotImplementedError
