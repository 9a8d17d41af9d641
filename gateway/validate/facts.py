"""What the ledger needs to know of a certificate; read from the document after, or in spite of, judging."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway.domain.form import Form
from gateway.domain.ids import CertificateNumber, FormId
from gateway.domain.message import CertificateFacts
from gateway.validate.places import content_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedFacts:
    """What can be read of a certificate that may be full of faults; None for what cannot."""

    form: FormId
    number: CertificateNumber | None
    exporting_country: str | None
    importing_country: str | None
    exporter: str | None
    issue_date: date | None


def facts_of(document: etree._Element, form: Form) -> CertificateFacts:
    """
    The facts of a certificate that was judged and has no error.

    White space around and inside texts is collapsed, as the schema's tokens are compared.
    """
    prefix = f"{{{form.namespace}}}"

    def text(*names: str) -> str:
        return _collapsed(document.find("/".join(prefix + name for name in names)))

    return CertificateFacts(
        form=form.id,
        number=CertificateNumber(text("CertificateNumber")),
        issuing_country=text("ExportingCountry"),
        exporting_country=text("ExportingCountry"),
        importing_country=text("ImportingCountry"),
        exporter=text("Exporter", "Name"),
        issue_date=date.fromisoformat(text("CertifiedTrueCopyOf", "IssueDate") or text("IssueDate")),
        replaces=_number(text("Replaces", "Number")),
        certified_copy_of=_number(text("CertifiedTrueCopyOf", "Number")),
    )


def claimed_facts(document: etree._Element, form: Form) -> ClaimedFacts:
    """The facts of a certificate that was refused, as far as they can be read; nothing is vouched for."""
    prefix = f"{{{form.namespace}}}"

    def text(*names: str) -> str | None:
        return _collapsed(document.find("/".join(prefix + name for name in names))) or None

    return ClaimedFacts(
        form=form.id,
        number=_number(text("CertificateNumber") or ""),
        exporting_country=text("ExportingCountry"),
        importing_country=text("ImportingCountry"),
        exporter=text("Exporter", "Name"),
        issue_date=_day(text("IssueDate") or ""),
    )


def _collapsed(element: etree._Element | None) -> str:
    return "" if element is None else " ".join(content_of(element).split())


def _number(text: str) -> CertificateNumber | None:
    return CertificateNumber(text) if text else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
