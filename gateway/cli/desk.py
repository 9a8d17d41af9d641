"""Judging on a desk: the same rooms that a node judges with, without a node."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from lxml import etree

from gateway.acknowledge.findings import EXCHANGE
from gateway.acknowledge.schema import ExchangeSchema
from gateway.domain.envelope import business_document, is_envelope, read_header
from gateway.domain.errors import Finding, FormNotAgreed, Misconfigured, Refused, RegistryFault
from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.domain.status import MessageType
from gateway.domain.words import ENGLISH, Language
from gateway.domain.xml import read_xml
from gateway.registry.codes import load_codes
from gateway.registry.folder import Folder
from gateway.registry.forms import load_forms
from gateway.registry.zones import load_zones
from gateway.translate.dialects import Dialects
from gateway.validate.facts import claimed_facts
from gateway.validate.judge import Judge, form_of

EXCHANGE_XSD = "schemas/exchange/1.0/exchange.xsd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is to be said of one file; *form* is None where it cannot be told."""

    form: FormId | None
    findings: tuple[Finding, ...]


class Desk:
    """
    Judges business documents and whole messages.

    Args:
        language: of what is said about certificates; English where a form does not have it.

    Raises:
        Misconfigured: a form, a code list or a schema is faulty.
    """

    def __init__(self, folder: Folder, language: Language = ENGLISH) -> None:
        self.forms = load_forms(folder)
        self._judge = Judge(self.forms, load_codes(folder))
        self._exchange = ExchangeSchema(_exchange_xsd(folder))
        self._zones = load_zones(folder)
        self._language = language
        self._dialects = Dialects(folder, self.forms)

    def judge_file(self, raw: bytes, on: date | datetime, form: Form | None = None) -> tuple[Judgement, ...]:
        """A judgement of each certificate in a file of EDIFACT; of any other file one, see ``judge``."""
        try:
            found = self._dialects.in_file(raw)
        except Refused as refused:
            return (Judgement(form=None, findings=refused.findings),)
        if found is None:
            return (self.judge(raw, on, form),)
        return tuple(self._judgement(document, own, on, form) for document, own in found)

    def judge(self, raw: bytes, on: date | datetime, form: Form | None = None) -> Judgement:
        """
        Everything that is to be said against *raw*, in XML; of a seal nothing is said.

        A certificate in a dialect is read first, and its canonical form is judged.

        Args:
            on: the day to judge by; of an instant, the day it is in the exporting country.
            form: the form it must be; None takes the one that it says itself.
        """
        known: FormId | None = None if form is None else form.id
        try:
            root = read_xml(raw)
            if is_envelope(root):
                known, findings = self._message(root, on, form)
            else:
                known, findings = self._document(root, on, form)
        except Refused as refused:
            return Judgement(form=known, findings=refused.findings)
        return Judgement(form=known, findings=findings)

    def _message(
        self, root: etree._Element, on: date | datetime, form: Form | None
    ) -> tuple[FormId, tuple[Finding, ...]]:
        header = read_header(root)
        document = business_document(root)
        if (dialect := self._dialects.spoken_in(document)) is not None:
            document = self._dialects.from_wire(dialect, document, header)
        if header.type is not MessageType.CERTIFICATE and form is None:
            return header.form, self._exchange.judge(document, header.type)
        wanted = form or self.forms.get(header.form)
        if wanted is None:
            raise FormNotAgreed(f"No form is called {header.form}; known are {', '.join(sorted(self.forms))}")
        return wanted.id, self._certificate(document, wanted, on)

    def _document(
        self, root: etree._Element, on: date | datetime, form: Form | None
    ) -> tuple[FormId | None, tuple[Finding, ...]]:
        if (dialect := self._dialects.spoken_in(root)) is not None:
            document, own = dialect.read(root, self.forms)
            judgement = self._judgement(document, own, on, form)
            return judgement.form, judgement.findings
        if form is None and etree.QName(root).namespace == EXCHANGE:
            return None, self._exchange.judge(root)
        wanted = form or form_of(root, self.forms)
        return wanted.id, self._certificate(root, wanted, on)

    def _judgement(
        self, document: etree._Element, own: Form, on: date | datetime, form: Form | None
    ) -> Judgement:
        """Of a certificate on the form *own*, which must be on *form* if there is one."""
        wanted = form or own
        return Judgement(form=wanted.id, findings=self._certificate(document, wanted, on))

    def _certificate(self, document: etree._Element, form: Form, on: date | datetime) -> tuple[Finding, ...]:
        if isinstance(on, datetime):
            on = self._zones.day(claimed_facts(document, form).exporting_country, on)
        return self._judge.judge(document, form, on, self._language)


def _exchange_xsd(folder: Folder) -> Path:
    if (path := folder.find(EXCHANGE_XSD)) is None:
        raise Misconfigured((RegistryFault(EXCHANGE_XSD, "-", "no such file"),))
    return path
