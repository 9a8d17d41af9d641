"""
What is done to a certificate between the bytes that a national system hands in and the commit.

Read, judge, find the corridor, translate, write in the receiver's dialect, seal. All of it is pure and runs
in a worker thread.
"""

from __future__ import annotations

from datetime import datetime

from lxml import etree

from gateway.acknowledge.re_exports import originals_of
from gateway.domain.corridor import Corridor
from gateway.domain.errors import ContentRefused, Fault, Finding, Refused
from gateway.domain.form import Form
from gateway.domain.ids import PartyId, new_conversation_id, new_message_id, version_of
from gateway.domain.message import Header, Judged, Submission, Translated
from gateway.domain.status import MessageType
from gateway.domain.words import ENGLISH, Language
from gateway.domain.xml import read_xml
from gateway.intake.content import JSON, content_digest
from gateway.intake.desk import Verdict
from gateway.rooms import Rooms, has_error
from gateway.route.belonging import strangers
from gateway.route.corridors import accepted_to, corridor_for
from gateway.store.records import NewCertificate
from gateway.validate.facts import ClaimedFacts, claimed_facts, facts_of
from gateway.validate.judge import form_of
from gateway.validate.records import compose, form_of_record


class Preparing:
    """The pure part of the way out."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def prepare(self, submission: Submission) -> NewCertificate:
        """
        Read, judge, translate and seal what a national system handed in; nothing is kept yet.

        Raises:
            Refused: everything that speaks against it, what its receiver's dialect cannot hold included.
        """
        document, form = self._read(submission.content, submission.content_type)
        judged = self._judged(document, form, submission.at)
        translated = self._translated(judged, submission.at)
        return NewCertificate(
            facts=judged.facts,
            sealed=self._rooms.sealed(translated.letter),
            content=submission.content,
            content_digest=content_digest(submission.content, submission.content_type),
            warnings=judged.warnings,
            organisation=submission.organisation,
            actor=submission.actor,
            at=submission.at,
            document=judged.document if originals_of(judged.document) else None,
        )

    def verdict(self, content: bytes, content_type: str, language: Language) -> Verdict:
        """What ``prepare`` would say of it, in *language*."""
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

    def claims(self, submission: Submission) -> ClaimedFacts | None:
        """What can be read of a refused submission."""
        try:
            document, form = self._read(submission.content, submission.content_type)
        except Refused:
            return None
        return claimed_facts(document, form)

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
            corridor = self._corridor_for(form, claims.importing_country or "", language)
        except ContentRefused as refused:
            missing = refused.findings
        findings = self._rooms.against(document, form, corridor, claims=claims, at=at, language=language)
        findings += strangers(claims, document, form.words_in(language), exporting=self._rooms.home.country)
        if any(finding.code == Fault.NO_CORRIDOR and has_error((finding,)) for finding in findings):
            return findings
        return (*findings, *missing)

    def _corridor_for(self, form: Form, importing_country: str, language: Language = ENGLISH) -> Corridor:
        registry = self._rooms.registry
        return corridor_for(
            registry.corridors,
            registry.parties,
            sender=self._rooms.home.id,
            form=form.id,
            importing_country=importing_country,
            members=form.parties or None,
            words=form.words_in(language),
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

    def _receiver(self, claims: ClaimedFacts) -> PartyId | None:
        """Whom a certificate that says so is sent to, if anybody takes it."""
        form = self._rooms.registry.forms[claims.form]
        try:
            return self._corridor_for(form, claims.importing_country or "").receiver.id
        except ContentRefused:
            return None
