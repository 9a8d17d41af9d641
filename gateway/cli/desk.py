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
from gateway.domain.xml import read_xml
from gateway.registry.codes import load_codes
from gateway.registry.folder import Folder
from gateway.registry.forms import load_forms
from gateway.registry.zones import load_zones
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

    Raises:
        Misconfigured: a form, a code list or a schema is faulty.
    """

    def __init__(self, folder: Folder) -> None:
        self.forms = load_forms(folder)
        self._judge = Judge(self.forms, load_codes(folder))
        self._exchange = ExchangeSchema(_exchange_xsd(folder))
        self._zones = load_zones(folder)

    def judge(self, raw: bytes, on: date | datetime, form: Form | None = None) -> Judgement:
        """
        Everything that is to be said against *raw*; of a seal nothing is said.

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
        if header.type is not MessageType.CERTIFICATE and form is None:
            return header.form, self._exchange.judge(document, header.type)
        wanted = form or self.forms.get(header.form)
        if wanted is None:
            raise FormNotAgreed(f"No form is called {header.form}; known are {', '.join(sorted(self.forms))}")
        return wanted.id, self._certificate(document, wanted, on)

    def _document(
        self, root: etree._Element, on: date | datetime, form: Form | None
    ) -> tuple[FormId | None, tuple[Finding, ...]]:
        if form is None and etree.QName(root).namespace == EXCHANGE:
            return None, self._exchange.judge(root)
        wanted = form or form_of(root, self.forms)
        return wanted.id, self._certificate(root, wanted, on)

    def _certificate(self, document: etree._Element, form: Form, on: date | datetime) -> tuple[Finding, ...]:
        if isinstance(on, datetime):
            on = self._zones.day(claimed_facts(document, form).exporting_country, on)
        return self._judge.judge(document, form, on)


def _exchange_xsd(folder: Folder) -> Path:
    if (path := folder.find(EXCHANGE_XSD)) is None:
        raise Misconfigured((RegistryFault(EXCHANGE_XSD, "-", "no such file"),))
    return path
