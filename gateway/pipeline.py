"""
The way of a message, from the first byte to the commit. Read it aloud.

Out, for a certificate that a national system hands in:

    read -> judge -> find the corridor -> translate -> wrap, seal -> commit with the delivery it owes -> 202

In, for a message that a party's gateway brings:

    check the seal -> judge -> seal our receipt and our acknowledgement -> commit all of it -> receipt

Nobody is answered before the commit, so a crash at any line loses nothing that was acknowledged. Everything
between reading and sealing is a pure function and runs in a worker thread. What is said about a certificate
after it was sent goes the same ways and moves the ledger in ``answers``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, assert_never

from lxml import etree

from gateway.acknowledge.bodies import read_body
from gateway.acknowledge.signals import exception, exception_of, receipt, status_of, without_seal
from gateway.answers.desk import AnswerDesk
from gateway.answers.incoming import Incoming
from gateway.answers.outgoing import Outgoing
from gateway.domain.caller import Caller
from gateway.domain.corridor import Corridor
from gateway.domain.envelope import Claimed, claimed
from gateway.domain.errors import (
    ContentRefused,
    Fault,
    Finding,
    FormNotAgreed,
    IdRepeated,
    NumberTaken,
    Refused,
    Unreadable,
)
from gateway.domain.form import Form
from gateway.domain.ids import FormId, PartyId, family_of, new_conversation_id, new_message_id, version_of
from gateway.domain.message import (
    Arrived,
    CertificateFacts,
    Checked,
    Header,
    Judged,
    Submission,
    Translated,
)
from gateway.domain.status import Direction, MessageType
from gateway.domain.words import ENGLISH, Language
from gateway.domain.xml import read_xml
from gateway.intake.content import JSON, content_digest
from gateway.intake.desk import SubmissionRefused, Taken, Verdict, WireAnswer
from gateway.rooms import Opened, Rooms, canonical_bytes, has_error
from gateway.route.belonging import strangers
from gateway.route.corridors import accepted_to, agreed_way, corridor_for, over_item_limit
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
from gateway.trust.check import check_message
from gateway.validate.facts import ClaimedFacts, claimed_facts, facts_of
from gateway.validate.judge import form_of
from gateway.validate.records import compose, form_of_record
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
        self._desk = AnswerDesk(rooms, ledger, workers)
        self.incoming = Incoming(self._desk)
        self.outgoing = Outgoing(self._desk)

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
            content_digest=content_digest(content, content_type),
            organisation=caller.organisation,
            actor=caller.subject,
            at=self._rooms.clock(),
        )
        try:
            return await self._ledger.submit(await self._workers.do(self._prepare, submission))
        except Refused as refused:
            return await self._refuse_submission(submission, refused)

    async def judge(self, content: bytes, content_type: str, languages: Sequence[Language] = ()) -> Verdict:
        """Judge a certificate as a submission would be, and store nothing; see ``NationalDesk.judge``."""
        known = self._rooms.registry.record_schema.words
        language = next((one for one in languages if one in known), ENGLISH)
        return await self._workers.do(self._verdict, content, content_type, language)

    async def cancel(self, certificate: CertificateRow, reason: str, caller: Caller) -> Taken:
        """Ask the receiver to cancel a certificate of ours; see ``Outgoing.cancel``."""
        return await self.outgoing.cancel(certificate, reason, caller)

    async def answer(self, message: MessageRow, verb: str, body: Any, caller: Caller) -> Taken:
        """Send what the national system says about a message from abroad; see ``Outgoing.answer``."""
        return await self.outgoing.answer(message, MessageType(verb), body, caller)

    def _prepare(self, submission: Submission) -> NewCertificate:
        """Everything between the bytes and the commit; pure, so it runs in a worker thread."""
        document, form = self._read(submission.content, submission.content_type)
        judged = self._judged(document, form, submission.at)
        translated = self._translated(judged, submission.at)
        return NewCertificate(
            facts=judged.facts,
            sealed=self._rooms.sealed(translated.letter),
            content=submission.content,
            content_digest=submission.content_digest,
            warnings=judged.warnings,
            organisation=submission.organisation,
            actor=submission.actor,
            at=submission.at,
        )

    def _read(
        self, content: bytes, content_type: str, language: Language = ENGLISH
    ) -> tuple[etree._Element, Form]:
        """The certificate as XML, whichever way it was handed in, and its form."""
        forms = self._rooms.registry.forms
        if content_type == JSON:
            record = self._rooms.records.read(content, language)
            accepted = accepted_to(
                self._rooms.registry.corridors,
                sender=self._rooms.home.id,
                importing_country=record["importing_country"],
            )
            form = form_of_record(record, forms, accepted)
            return compose(record, form), form
        document = read_xml(content, limit=self._rooms.limit)
        if (dialect := self._rooms.dialects.spoken_in(document)) is not None:
            return dialect.read(document, forms)
        return document, form_of(document, forms)

    def _judged(self, document: etree._Element, form: Form, at: datetime) -> Judged:
        findings = self._findings(document, form, at)
        if has_error(findings):
            raise ContentRefused(findings)
        return Judged(document=document, facts=facts_of(document, form), warnings=findings)

    def _findings(
        self, document: etree._Element, form: Form, at: datetime, language: Language = ENGLISH
    ) -> tuple[Finding, ...]:
        """All that speaks against the document, whether there is a corridor for it, and its limit."""
        claims = claimed_facts(document, form)
        corridor: Corridor | None = None
        missing: tuple[Finding, ...] = ()
        try:
            corridor = self._corridor_for(form, claims.importing_country or "")
        except ContentRefused as refused:
            missing = refused.findings
        findings = self._against(document, form, self._day(claims, at), corridor, language)
        findings += strangers(claims, document, exporting=self._rooms.home.country)
        if any(finding.code == Fault.NO_CORRIDOR and has_error((finding,)) for finding in findings):
            return findings
        return (*findings, *missing)

    def _against(
        self,
        document: etree._Element,
        form: Form,
        on: date,
        corridor: Corridor | None,
        language: Language = ENGLISH,
    ) -> tuple[Finding, ...]:
        """What form, code lists and *corridor* have against the document."""
        judge = self._rooms.judge
        if corridor is None:
            return judge.judge(document, form, on, language)
        findings = judge.judge(document, form, on, language, corridor.editions)
        if any(finding.code == Fault.TOO_LARGE for finding in findings):
            return findings
        return (*findings, *over_item_limit(document, form, corridor))

    def _corridor_for(self, form: Form, importing_country: str) -> Corridor:
        registry = self._rooms.registry
        return corridor_for(
            registry.corridors,
            registry.parties,
            sender=self._rooms.home.id,
            form=form.id,
            importing_country=importing_country,
            members=form.parties or None,
        )

    def _translated(self, judged: Judged, at: datetime) -> Translated:
        """
        The certificate as its corridor delivers it.

        Raises:
            ContentRefused: what the other form or the dialect cannot hold.
        """
        forms, home = self._rooms.registry.forms, self._rooms.home.id
        corridor = self._corridor_for(forms[judged.facts.form], judged.facts.importing_country)
        document = self._rooms.translator.translate(judged.document, corridor.accepts, corridor.delivers)
        form = forms[corridor.delivers]
        header = Header(
            sender=home,
            receiver=corridor.receiver.id,
            standard=form.namespace,
            type_version=version_of(form.id),
            message_id=new_message_id(home),
            type=MessageType.CERTIFICATE,
            created_at=at,
            conversation_id=new_conversation_id(home),
            form=form.id,
            certificate_number=judged.facts.number,
        )
        letter = self._rooms.written(header, document, corridor.certificates_in)
        return Translated(judged=judged, letter=letter)

    def _verdict(self, content: bytes, content_type: str, language: Language) -> Verdict:
        form = receiver = None
        findings: tuple[Finding, ...] = ()
        now = self._rooms.clock()
        try:
            document, form = self._read(content, content_type, language)
            findings = self._findings(document, form, now, language)
            receiver = self._receiver(claimed_facts(document, form))
            if not has_error(findings):
                judged = Judged(document=document, facts=facts_of(document, form), warnings=findings)
                self._translated(judged, now)
        except Refused as refused:
            findings += refused.findings
        return Verdict(form=form.id if form else None, findings=findings, receiver=receiver)

    def _receiver(self, claims: ClaimedFacts) -> PartyId | None:
        """Whom a certificate that says so is sent to, if anybody takes it."""
        form = self._rooms.registry.forms[claims.form]
        try:
            return self._corridor_for(form, claims.importing_country or "").receiver.id
        except ContentRefused:
            return None

    async def _refuse_submission(self, submission: Submission, refused: Refused) -> SubmittedCertificate:
        """The first answer when this very content was taken before; else the refusal is kept and told."""
        claims = await self._workers.do(self._claims, submission)
        if claims is not None and (key := _key_of(claims)) is not None:
            try:
                if (first := await self._ledger.find_submitted(key, submission.content_digest)) is not None:
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

    def _claims(self, submission: Submission) -> ClaimedFacts | None:
        """What can be read of a refused submission."""
        try:
            document, form = self._read(submission.content, submission.content_type)
        except Refused:
            return None
        return claimed_facts(document, form)

    # ---- in: what a party brings -------------------------------------------------------------------------

    async def admit(self, arrived: Arrived) -> WireAnswer:
        """Check, judge and commit a message from abroad, then answer with our receipt; or refuse it."""
        if self._suspended(arrived.client, None):
            return await self._not_now(arrived, "The exchange with you is suspended by an operator")
        try:
            opened = await self._workers.do(self._open, arrived)
            if self._suspended(arrived.client, form := opened.checked.header.form):
                text = f"The exchange of {form} with you is suspended by an operator"
                return await self._not_now(arrived, text)
            await self._commit(opened)
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
        signal = await self._workers.do(self._rooms.sealer.signal, root)
        wait = SUSPENDED_FOR_S if code == Fault.ASKED_TO_WAIT else None
        return WireAnswer(status=status, body=signal.body, code=code, retry_after_s=wait)

    def _open(self, arrived: Arrived) -> Opened:
        """Everything between the bytes and the commit; pure, so it runs in a worker thread."""
        rooms = self._rooms
        checked = check_message(
            arrived,
            parties=rooms.registry.parties,
            home=rooms.home.id,
            skew=rooms.skew,
            replay_window=rooms.replay_window,
            limit=rooms.limit,
        )
        agreed = self._agreed(checked)
        understood = rooms.understood(checked)
        signal = receipt(checked.header, arrived.digest, home=rooms.home.id, at=rooms.clock())
        opened = Opened(
            checked=checked,
            findings=understood.findings,
            facts=None,
            body=None,
            receipt=rooms.sealer.signal(signal),
            spoken=understood.spoken,
        )
        if understood.document is None:
            return opened
        if checked.header.type is MessageType.CERTIFICATE:
            return self._open_certificate(opened, understood.document, agreed)
        findings = rooms.exchange.judge(understood.document, checked.header.type)
        return replace(opened, findings=findings, body=None if findings else read_body(understood.document))

    def _open_certificate(self, opened: Opened, document: etree._Element, agreed: Corridor | None) -> Opened:
        header = opened.checked.header
        form, sender = self._rooms.registry.forms[header.form], self._rooms.registry.parties[header.sender]
        claims = claimed_facts(document, form)
        findings = self._against(document, form, self._day(claims, opened.checked.arrived.at), agreed)
        findings += strangers(claims, document, exporting=sender.country, importing=self._rooms.home.country)
        facts = None if has_error(findings) else facts_of(document, form)
        acknowledgement = None
        if facts is not None and sender.acknowledgements:
            acknowledgement = self._desk.acknowledgement(header, findings)
        return replace(
            opened,
            findings=findings,
            facts=facts,
            content_digest=hashlib.sha256(canonical_bytes(document)).digest(),
            acknowledgement=acknowledgement,
        )

    def _agreed(self, checked: Checked) -> Corridor | None:
        """The corridor that has agreed the form, if the message needs one, and we its type; else S03."""
        registry, header = self._rooms.registry, checked.header
        agreed = agreed_way(
            registry.corridors,
            sender=header.sender,
            receiver=header.receiver,
            form=header.form,
            kind=header.type,
        )
        form = registry.forms.get(header.form)
        is_canonical = self._rooms.dialects.spoken_in(checked.document) is None
        if (
            header.type is MessageType.CERTIFICATE
            and is_canonical
            and form
            and form.namespace != header.standard
        ):
            raise Unreadable(f"FORM is {header.form}, but the document is in {header.standard[:200]!r}")
        if header.type not in self._rooms.home.messages:
            raise FormNotAgreed(f"{self._rooms.home.id} takes no {header.type}")
        return agreed

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
        if claims.message_id is not None and claims.sender == arrived.client:
            first = await self._ledger.issued_receipt(arrived.client, claims.message_id)
            if first is not None and first.digest == arrived.digest:
                return WireAnswer(status=HTTPStatus.OK, body=await self._again(first), repeat=True)
        now = self._rooms.clock()
        root = exception(
            refused,
            received=claims,
            digest=arrived.digest,
            home=self._rooms.home.id,
            party=arrived.client,
            at=now,
        )
        signal = await self._workers.do(self._rooms.sealer.signal, root)
        await self._ledger.refuse_inbound(
            party=arrived.client,
            message_id=claims.message_id,
            body=arrived.body,
            answer=signal.body,
            findings=refused.findings,
            at=now,
        )
        return WireAnswer(status=status_of(refused), body=signal.body, code=refused.code)

    async def _again(self, first: IssuedReceipt) -> bytes:
        """The first receipt, byte for byte; sealed anew when its certificate's window has closed."""
        if self._rooms.clock() < first.signer_until:
            return first.body
        return (await self._workers.do(self._rooms.sealer.signal, without_seal(first.body))).body

    # ---- both ----------------------------------------------------------------------------------------------

    def _day(self, claims: ClaimedFacts, at: datetime) -> date:
        """The day by which a certificate is judged: the one it is where the certificate was issued."""
        return self._rooms.registry.zones.day(claims.exporting_country, at)


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
