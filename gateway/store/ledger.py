"""
The ledger: what the gateway answers for, written before anybody is answered.

Two ways to write. The hot ways of a certificate are one statement each (``submit``, ``admit_certificate``,
``admit_acknowledgement``, ``claim``, ``settle``), for as many as come together. Everything rarer happens on a
*page*: one transaction in which a caller reads under lock, judges with pure functions, and writes. A page
left with an error leaves no trace.

A commit that was begun is never cancelled: a caller that is cancelled meanwhile hears of it afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from gateway.domain.clock import Clock, real_clock
from gateway.domain.errors import Finding, NumberTaken
from gateway.domain.ids import CertificateNumber, FormId, MessageId, PartyId, family_of
from gateway.domain.message import CertificateFacts, Sealed
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome, Direction
from gateway.store.actions import Actions
from gateway.store.audit import AuditPage, audit_page
from gateway.store.bell import Bell
from gateway.store.clocks import Clocks
from gateway.store.configuration import Configuration
from gateway.store.connect import AWAY, Connections, holds_page
from gateway.store.event_log import EventLog
from gateway.store.exceptions import Exceptions
from gateway.store.finishing import finished
from gateway.store.four_eyes import FourEyes
from gateway.store.gathering import Gathered
from gateway.store.housekeeping import Housekeeping
from gateway.store.lanes import Lanes
from gateway.store.operating import Operating
from gateway.store.overview import Overview
from gateway.store.page import Page as Page
from gateway.store.public import PublicCheck
from gateway.store.reading import Reading
from gateway.store.records import (
    Admission,
    Admitted,
    CertificateKey,
    IdReused,
    IssuedReceipt,
    NewCertificate,
    NewInbound,
    NumberHeld,
    Repeated,
    SubmittedCertificate,
)
from gateway.store.reports import Reports
from gateway.store.revocation import RevocationLists
from gateway.store.rows import findings_json, findings_text, spoken_of
from gateway.store.sessions import Sessions
from gateway.store.specimens import SpecimenLists
from gateway.store.statements import queries
from gateway.store.webhooks import Webhooks

_ROUNDS = 5  # of submitting: each round but the first follows a change by somebody else in between


class Ledger(
    Reading,
    Operating,
    Actions,
    Lanes,
    Exceptions,
    Clocks,
    Housekeeping,
    Overview,
    Sessions,
    PublicCheck,
    RevocationLists,
    SpecimenLists,
    Configuration,
    Webhooks,
    Reports,
    FourEyes,
):
    """
    The database behind verbs of the house; knows the pool, the named queries, and nothing of forms.

    Args:
        clock: the time written where a caller gives none (a claim). Waits and leases go by the database's.

    Attributes:
        log: the events as leaves of a Merkle tree.
    """

    def __init__(self, pool: asyncpg.Pool, clock: Clock = real_clock) -> None:
        bell, connections = Bell(), Connections(pool)
        Reading.__init__(self, connections)
        Operating.__init__(self, connections, bell)
        Actions.__init__(self, connections, bell)
        Housekeeping.__init__(self, connections)
        Lanes.__init__(self, connections, bell, clock)
        Exceptions.__init__(self, connections)
        Clocks.__init__(self, connections)
        Overview.__init__(self, connections)
        Sessions.__init__(self, connections)
        Webhooks.__init__(self, connections)
        Reports.__init__(self, connections)
        PublicCheck.__init__(self, connections)
        RevocationLists.__init__(self, connections)
        SpecimenLists.__init__(self, connections)
        Configuration.__init__(self, connections)
        FourEyes.__init__(self, connections)
        self.log = EventLog(connections)
        self._submissions = Gathered(self._write_submissions)
        self._admissions = Gathered(self._write_admissions)
        self._acknowledgements = Gathered(self._write_acknowledgements)

    async def listen(self, hear: Callable[[PartyId], None]) -> None:
        """
        Call *hear* with each party to which something falls due, here or on another node; until cancelled.

        Only a hint: what is lost while the database is away is found by looking.
        """
        await self._bell.listen(self._pool, hear)

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """Open a transaction; committed on leaving, shielded from cancellation once the commit began."""
        async with self._pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            page = Page(connection)
            held = holds_page.set(True)
            try:
                yield page
            except BaseException:
                with contextlib.suppress(*AWAY):  # nothing to roll back where the connection is gone
                    await finished(transaction.rollback())
                raise
            finally:
                holds_page.reset(held)
            await finished(transaction.commit())
        self._bell.ring(page.owed_to)

    # ---- a certificate is submitted ----------------------------------------------------------------------

    async def submit(self, new: NewCertificate) -> SubmittedCertificate:
        """
        Write a judged and sealed certificate with its delivery, once.

        The key is issuing country, form without version, number. The same content again gives the first
        answer; a number whose acknowledgement was rejected, or whose message was withdrawn, may come again
        with other content from the same organisation.

        Raises:
            NumberTaken: the number stands with other content.
        """
        facts = new.facts
        key = _key(facts, Direction.OUT)
        for _ in range(_ROUNDS):
            if await self._submissions.add(new):
                self._bell.ring([new.sealed.header.receiver])
                return SubmittedCertificate(
                    first=True,
                    message_id=new.sealed.header.message_id,
                    certificate_number=facts.number,
                    form=facts.form,
                    receiver=new.sealed.header.receiver,
                )
            if (known := await self.find_submitted(key, new.content_digest)) is not None:
                return known
        raise _number_taken(key)

    async def _write_submissions(self, new: Sequence[NewCertificate]) -> list[bool]:
        """Which of them were written."""
        async with self._pool.acquire() as connection:
            rows = queries.submit(connection, **_as_columns([_submission(each) for each in new]))
            written = {row["position"] async for row in rows}
        return [position in written for position in range(1, len(new) + 1)]

    async def find_submitted(self, key: CertificateKey, content_digest: bytes) -> SubmittedCertificate | None:
        """
        The first answer to this very content, if it was taken before.

        Raises:
            NumberTaken: the number stands with other content.
        """
        async with self._pool.acquire() as connection:
            row = await queries.find_submitted(
                connection,
                number=key.number,
                family=key.family,
                issuing_country=key.issuing_country,
                content_digest=content_digest,
            )
        if row is None:
            return None
        if row["message_id"] is None:
            if row["may_come_again"]:
                return None
            raise _number_taken(key)
        return SubmittedCertificate(
            first=False,
            message_id=MessageId(row["message_id"]),
            certificate_number=CertificateNumber(key.number),
            form=FormId(row["submitted_form"]),
            receiver=PartyId(row["party"]),
        )

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
        async with self._pool.acquire() as connection:
            submission_id: UUID = await finished(
                queries.refuse_submission(
                    connection,
                    at=at,
                    organisation=organisation,
                    actor=actor,
                    form=form,
                    certificate_number=certificate_number,
                    content_type=content_type,
                    findings=findings_json(findings),
                    body=content,
                )
            )
        return submission_id

    # ---- a message arrives -------------------------------------------------------------------------------

    async def issued_receipt(self, sender: PartyId, message_id: MessageId) -> IssuedReceipt | None:
        """The receipt we gave this sender for this id, if we took it."""
        async with self._pool.acquire() as connection:
            row = await queries.issued_receipt(connection, party=sender, message_id=message_id)
        if row is None:
            return None
        return IssuedReceipt(digest=row["digest"], body=row["body"], signer_until=row["signer_until"])

    async def admit_certificate(
        self,
        inbound: NewInbound,
        facts: CertificateFacts,
        acknowledgement: tuple[Sealed, AcknowledgementOutcome] | None,
        *,
        content_digest: bytes,
    ) -> Admission:
        """
        Take a certificate that was found good: message, bytes, receipt, certificate, inbox, verdict, events.

        The same number with the same content under another message id is taken too, and the certificate
        points at the newer message; so is other content where the national system had rejected the former.

        Args:
            acknowledgement: the message that carries our verdict, where the party wants one; without it the
                verdict is kept all the same, with warnings if there are findings.
            content_digest: over the business document in canonical form: what makes its content the same.
        """
        try:
            row = await self._admissions.add(_admission(inbound, facts, acknowledgement, content_digest))
        except asyncpg.UniqueViolationError:
            row = None  # the same id at the same time, and the other was first
        if row is not None:
            if row["answer_no"] is not None:
                self._bell.ring([inbound.sealed.header.sender])
            return Admitted(
                message_no=row["message_no"], certificate_no=row["certificate_no"], awaited=row["awaited"]
            )
        header = inbound.sealed.header
        receipt = await self.issued_receipt(header.sender, header.message_id)
        if receipt is None:
            return NumberHeld()
        return Repeated(receipt=receipt) if receipt.digest == inbound.sealed.digest else IdReused()

    async def _write_admissions(self, rows: Sequence[dict[str, Any]]) -> list[asyncpg.Record | None]:
        """What was taken of each, None where nothing was."""
        async with self._pool.acquire() as connection:
            found = queries.admit_certificates(connection, **_as_columns(rows))
            taken = {row["position"]: row async for row in found}
        return [taken.get(position) for position in range(1, len(rows) + 1)]

    async def admit_acknowledgement(
        self,
        inbound: NewInbound,
        *,
        about: MessageId,
        outcome: AcknowledgementOutcome,
        by: AcknowledgedBy,
        findings: Sequence[Finding],
    ) -> bool:
        """
        Take an acknowledgement that does nothing but say how a certificate of ours was found.

        Returns:
            whether it was taken; False when it needs a page, for it does more, or nobody knows what it is
            *about*, or its id was used before.
        """
        header = inbound.sealed.header
        row = {
            "party": header.sender,
            "message_id": header.message_id,
            "conversation_id": header.conversation_id,
            "form": header.form,
            "certificate_number": header.certificate_number,
            "about": about,
            "digest": inbound.sealed.digest,
            "created_at": header.created_at,
            "at": inbound.at,
            "wire": inbound.sealed.body,
            "receipt": inbound.receipt,
            "signer_until": inbound.receipt_signer_until,
            "outcome": outcome,
            "by": by,
            "findings": findings_text(findings),
        }
        return await self._acknowledgements.add(row)

    async def _write_acknowledgements(self, rows: Sequence[dict[str, Any]]) -> list[bool]:
        """Which of them were taken."""
        async with self._pool.acquire() as connection:
            found = queries.admit_acknowledgements(connection, **_as_columns(rows))
            taken = {row["position"] async for row in found}
        return [position in taken for position in range(1, len(rows) + 1)]

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
        async with self._pool.acquire() as connection:
            await finished(
                queries.refuse_inbound(
                    connection,
                    at=at,
                    party=party,
                    message_id=message_id,
                    findings=findings_json(findings),
                    body=body,
                    answer=answer,
                )
            )

    # ---- the event log -----------------------------------------------------------------------------------

    async def audit(self, begin: int) -> AuditPage:
        """Hold some leaves of the log, from *begin*, against their events; see ``audit_page``."""
        return await audit_page(self._pool, begin)

    # ---- settings ----------------------------------------------------------------------------------------

    async def setting(self, name: str, value: str | None = None) -> str | None:
        """Read a kept setting; with *value*, keep it if none is kept yet and return what counts."""
        async with self._pool.acquire() as connection:
            if value is not None:
                kept: str | None = await finished(queries.keep_setting(connection, name=name, value=value))
                if kept is not None:
                    return kept
            known: str | None = await queries.setting(connection, name=name)
        return known


def _as_columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _submission(new: NewCertificate) -> dict[str, Any]:
    header = new.sealed.header
    dialect, canonical = spoken_of(new.sealed)
    return _facts(new.facts) | {
        "party": header.receiver,
        "organisation": new.organisation,
        "content_digest": new.content_digest,
        "at": new.at,
        "message_id": header.message_id,
        "conversation_id": header.conversation_id,
        "wire_form": header.form,
        "digest": new.sealed.digest,
        "created_at": header.created_at,
        "findings": findings_text(new.warnings),
        "actor": new.actor,
        "wire": new.sealed.body,
        "submitted": new.content,
        "dialect": dialect,
        "canonical": canonical,
    }


def _admission(
    inbound: NewInbound,
    facts: CertificateFacts,
    acknowledgement: tuple[Sealed, AcknowledgementOutcome] | None,
    content_digest: bytes,
) -> dict[str, Any]:
    header = inbound.sealed.header
    answer, outcome = acknowledgement or (None, _outcome(inbound))
    dialect, canonical = spoken_of(inbound.sealed)
    answer_dialect, canonical_answer = spoken_of(answer)
    return _facts(facts) | {
        "party": header.sender,
        "content_digest": content_digest,
        "at": inbound.at,
        "message_id": header.message_id,
        "conversation_id": header.conversation_id,
        "wire_form": header.form,
        "digest": inbound.sealed.digest,
        "created_at": header.created_at,
        "findings": findings_text(inbound.findings),
        "wire": inbound.sealed.body,
        "dialect": dialect,
        "canonical": canonical,
        "receipt": inbound.receipt,
        "signer_until": inbound.receipt_signer_until,
        "outcome": outcome,
        "answer_id": answer and answer.header.message_id,
        "answer_created_at": answer and answer.header.created_at,
        "answer_digest": answer and answer.digest,
        "answer": answer and answer.body,
        "answer_dialect": answer_dialect,
        "canonical_answer": canonical_answer,
    }


def _outcome(inbound: NewInbound) -> AcknowledgementOutcome:
    if inbound.findings:
        return AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS
    return AcknowledgementOutcome.ACCEPTED


def _facts(facts: CertificateFacts) -> dict[str, Any]:
    return {
        "number": facts.number,
        "family": family_of(facts.form),
        "issuing_country": facts.issuing_country,
        "form": facts.form,
        "exporting_country": facts.exporting_country,
        "importing_country": facts.importing_country,
        "exporter": facts.exporter,
        "issue_date": facts.issue_date,
        "replaces": facts.replaces,
        "certified_copy_of": facts.certified_copy_of,
    }


def _key(facts: CertificateFacts, direction: Direction) -> CertificateKey:
    return CertificateKey(
        direction=direction,
        issuing_country=facts.issuing_country,
        family=family_of(facts.form),
        number=facts.number,
    )


def _number_taken(key: CertificateKey) -> NumberTaken:
    return NumberTaken(f"Certificate number {key.number} stands already with other content")
