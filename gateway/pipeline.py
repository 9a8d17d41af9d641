"""
The way of a message, from the first byte to the commit. Read it aloud.

Out, for a certificate that a national system hands in:

    read -> judge -> find the corridor -> translate -> wrap, seal -> commit with the delivery it owes -> 202

In, for a message that a party's gateway brings:

    check the seal -> judge -> seal our receipt and our acknowledgement -> commit all of it -> receipt

Nobody is answered before the commit, so a crash at any line loses nothing that was acknowledged. Everything
between reading and sealing is a pure function and runs in a worker thread: out in ``preparing``, in in
``opening``. What is said about a certificate after it was sent goes the same ways and moves the ledger in
``answers``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, assert_never

from lxml import etree

from gateway.acknowledge.signals import exception, exception_of, status_of, without_seal
from gateway.answers.desk import AnswerDesk
from gateway.answers.incoming import Incoming
from gateway.answers.outgoing import Outgoing
from gateway.answers.re_exports import ReExports
from gateway.domain.about import is_about
from gateway.domain.caller import Caller
from gateway.domain.envelope import Claimed, claimed
from gateway.domain.errors import (
    CannotTell,
    Fault,
    Finding,
    IdRepeated,
    NumberTaken,
    Refused,
)
from gateway.domain.ids import FormId, PartyId, family_of
from gateway.domain.message import (
    Arrived,
    CertificateFacts,
    Submission,
)
from gateway.domain.status import Direction, MessageType
from gateway.domain.words import ENGLISH, Language
from gateway.domain.xml import read_xml
from gateway.intake.content import content_digest
from gateway.intake.desk import SubmissionRefused, Taken, Verdict, WireAnswer
from gateway.opening import Opening
from gateway.preparing import Preparing
from gateway.rooms import Opened, Rooms
from gateway.store.ledger import Ledger
from gateway.store.records import (
    Admitted,
    CertificateKey,
    CertificateRow,
    IdReused,
    IssuedReceipt,
    MessageRow,
    NewCertificate,
    NumberHeld,
    Repeated,
    SubmittedCertificate,
)
from gateway.trust.sealer import SealedSignal
from gateway.validate.facts import ClaimedFacts
from gateway.workers import Workers

SUSPENDED_FOR_S = 300


class Pipeline:
    """
    The order of the rooms. The doors call it; it calls each room once.

    Args:
        workers: do what is pure and takes time.
        alive: a party gave a sign of life.
        suspended: whether an operator stopped what comes from this party; in this form, once it is known.
    """

    def __init__(
        self,
        rooms: Rooms,
        ledger: Ledger,
        *,
        workers: Workers,
        alive: Callable[[PartyId], None],
        suspended: Callable[[PartyId, FormId | None], bool],
    ) -> None:
        self._rooms = rooms
        self._ledger = ledger
        self._workers = workers
        self._alive = alive
        self._suspended = suspended
        desk = AnswerDesk(rooms, ledger, workers)
        self._preparing = Preparing(rooms)
        self._opening = Opening(rooms, desk)
        self.incoming = Incoming(desk)
        self.outgoing = Outgoing(desk)
        self._re_exports = ReExports(rooms, ledger)

    # ---- out: what a national system hands in ------------------------------------------------------------

    async def submit(self, content: bytes, content_type: str, caller: Caller) -> SubmittedCertificate:
        """
        Take a certificate to the point where we answer for it; a lane delivers it from there.

        Raises:
            SubmissionRefused: refused, and kept with its findings.
        """
        submission = Submission(
            content=content,
            content_type=content_type,
            organisation=caller.organisation,
            actor=caller.subject,
            at=self._rooms.clock(),
        )
        try:
            new = await self._workers.do(self._preparing.prepare, submission)
            is_about(new.sealed.header.conversation_id)
            if new.document is not None:
                return await self._submit_back_to_back(new)
            return await self._ledger.submit(new)
        except Refused as refused:
            return await self._refuse_submission(submission, refused)

    async def _submit_back_to_back(self, new: NewCertificate) -> SubmittedCertificate:
        """What it takes from its originals is reserved first, and given back where nothing is written."""
        key = CertificateKey(
            direction=Direction.OUT,
            issuing_country=new.facts.issuing_country,
            family=family_of(new.facts.form),
            number=new.facts.number,
        )
        if (first := await self._ledger.find_submitted(key, new.content_digest)) is not None:
            return first
        reserved = await self._re_exports.reserve(new)
        try:
            taken = await self._ledger.submit(reserved)
        except NumberTaken:
            await self._re_exports.release(new.sealed.header.message_id)
            raise
        if not taken.first:
            await self._re_exports.release(new.sealed.header.message_id)
        return taken

    async def judge(self, content: bytes, content_type: str, languages: Sequence[Language] = ()) -> Verdict:
        """Judge a certificate as a submission would be, and store nothing; see ``NationalDesk.judge``."""
        known = self._rooms.registry.record_schema.words
        language = next((one for one in languages if one in known), ENGLISH)
        return await self._workers.do(self._preparing.verdict, content, content_type, language)

    async def cancel(self, certificate: CertificateRow, reason: str, caller: Caller) -> Taken:
        """Ask the receiver to cancel a certificate of ours; see ``Outgoing.cancel``."""
        return await self.outgoing.cancel(certificate, reason, caller)

    async def answer(self, message: MessageRow, verb: str, body: Any, caller: Caller) -> Taken:
        """Send what the national system says about a message from abroad; see ``Outgoing.answer``."""
        return await self.outgoing.answer(message, MessageType(verb), body, caller)

    async def _refuse_submission(self, submission: Submission, refused: Refused) -> SubmittedCertificate:
        """The first answer when this very content was taken before; else the refusal is kept and told."""
        claims = await self._workers.do(self._preparing.claims, submission)
        if claims is not None and (key := _key_of(claims)) is not None:
            digest = await self._workers.do(content_digest, submission.content, submission.content_type)
            try:
                if (first := await self._ledger.find_submitted(key, digest)) is not None:
                    return first
            except NumberTaken as taken:
                refused = taken
        submission_id = await self._ledger.refuse_submission(
            content=submission.content,
            content_type=submission.content_type,
            findings=refused.findings,
            form=claims.form if claims else None,
            certificate_number=claims.number if claims else None,
            organisation=submission.organisation,
            actor=submission.actor,
            at=submission.at,
        )
        raise SubmissionRefused(str(submission_id), refused.code, refused.findings) from refused

    # ---- in: what a party brings -------------------------------------------------------------------------

    async def admit(self, arrived: Arrived) -> WireAnswer:
        """Check, judge and commit a message from abroad, then answer with our receipt; or refuse it."""
        if self._suspended(arrived.client, None):
            return await self._not_now(arrived, "The exchange with you is suspended by an operator")
        try:
            opened = await self._workers.do(self._opening.open, arrived)
            is_about(opened.checked.header.conversation_id)
            if self._suspended(arrived.client, form := opened.checked.header.form):
                text = f"The exchange of {form} with you is suspended by an operator"
                return await self._not_now(arrived, text)
            if opened.checked.header.rehearsed_at is not None:  # judged like any other, and then nothing
                return WireAnswer(status=HTTPStatus.OK, body=opened.receipt.body)
            await self._commit(opened)
        except CannotTell as unsure:
            return await self._not_now(arrived, str(unsure))
        except Refused as refused:
            return await self._refuse_message(arrived, refused)
        self._alive(arrived.client)
        return WireAnswer(status=HTTPStatus.OK, body=opened.receipt.body)

    async def _not_now(self, arrived: Arrived, text: str) -> WireAnswer:
        status, code = HTTPStatus.SERVICE_UNAVAILABLE, Fault.ASKED_TO_WAIT
        return await self._refuse_unopened(arrived.client, status, code, text, digest=arrived.digest)

    async def refuse_unread(self, client: PartyId, status: int, code: str, text: str) -> WireAnswer:
        """A signed refusal for a body that was not read."""
        return await self._refuse_unopened(client, status, code, text, digest=None)

    async def _refuse_unopened(
        self, client: PartyId, status: int, code: str, text: str, *, digest: bytes | None
    ) -> WireAnswer:
        root = exception_of(
            (Finding(code=code, text=text),),
            received=None,
            digest=digest,
            home=self._rooms.home.id,
            party=client,
            at=self._rooms.clock(),
        )
        signal = await self._sealed_for(client, root)
        wait = SUSPENDED_FOR_S if code == Fault.ASKED_TO_WAIT else None
        return WireAnswer(status=status, body=signal.body, code=code, retry_after_s=wait)

    async def _commit(self, opened: Opened) -> None:
        """One transaction for all that an arrived message brings; an id that came before writes nothing."""
        if opened.facts is None:
            await self.incoming.admit(opened)
            return
        admission = await self._ledger.admit_certificate(
            opened.inbound(opened.findings),
            opened.facts,
            opened.acknowledged,
            content_digest=opened.content_digest,
        )
        match admission:
            case Admitted():
                if admission.awaited or opened.facts.replaces is not None:
                    await self.incoming.certificate_came(opened.checked.header, opened.facts)
            case Repeated():  # perhaps we ended before all of it was done, and before we answered
                await self.incoming.certificate_came(opened.checked.header, opened.facts)
                raise IdRepeated("This message came before")
            case IdReused():
                raise IdRepeated("This message id came before, for other content")
            case NumberHeld():
                await self.incoming.admit(opened.refused(_number_held(opened.facts)))
            case _:
                assert_never(admission)

    async def _refuse_message(self, arrived: Arrived, refused: Refused) -> WireAnswer:
        """The first receipt when these very bytes were taken before; else the refusal is kept and told."""
        claims = await self._workers.do(_claims_of, arrived.body, self._rooms.limit)
        if claims.message_id is not None and claims.sender == arrived.client and not claims.is_rehearsal:
            first = await self._ledger.issued_receipt(arrived.client, claims.message_id)
            if first is not None and first.digest == arrived.digest:
                return WireAnswer(
                    status=HTTPStatus.OK, body=await self._again(arrived.client, first), repeat=True
                )
        now = self._rooms.clock()
        root = exception(
            refused,
            received=claims,
            digest=arrived.digest,
            home=self._rooms.home.id,
            party=arrived.client,
            at=now,
        )
        signal = await self._sealed_for(arrived.client, root)
        if not claims.is_rehearsal:
            await self._ledger.refuse_inbound(
                party=arrived.client,
                message_id=claims.message_id,
                body=arrived.body,
                answer=signal.body,
                findings=refused.findings,
                at=now,
            )
        return WireAnswer(status=status_of(refused), body=signal.body, code=refused.code)

    async def _again(self, party: PartyId, first: IssuedReceipt) -> bytes:
        """The first receipt, byte for byte; sealed anew when its certificate's window has closed."""
        if self._rooms.clock() < first.signer_until:
            return first.body
        return (await self._sealed_for(party, without_seal(first.body))).body

    async def _sealed_for(self, party: PartyId, signal: etree._Element) -> SealedSignal:
        profile = self._rooms.registry.parties[party].seal
        return await self._workers.do(self._rooms.sealer.signal, signal, profile)


def _key_of(claims: ClaimedFacts) -> CertificateKey | None:
    if claims.number is None or claims.exporting_country is None:
        return None
    return CertificateKey(
        direction=Direction.OUT,
        issuing_country=claims.exporting_country,
        family=family_of(claims.form),
        number=claims.number,
    )


def _claims_of(raw: bytes, limit: int) -> Claimed:
    try:
        return claimed(read_xml(raw, limit=limit))
    except Refused:
        return claimed(None)


def _number_held(facts: CertificateFacts) -> Finding:
    return Finding(
        code=Fault.NUMBER_TAKEN.value,
        text=f"Certificate {facts.number} of {facts.issuing_country} came before with other content",
        action="Give a changed certificate a number of its own, and cancel or replace the former.",
    )
