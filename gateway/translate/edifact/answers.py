"""Acknowledgements as the element that a map reads and writes; it never leaves here, and has no namespace."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lxml import etree

from gateway.domain.acknowledgement import Acknowledgement
from gateway.domain.clock import rfc3339_exact
from gateway.domain.errors import ContentRefused, Fault, Finding, Severity, Unreadable
from gateway.domain.ids import CertificateNumber, message_id
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome
from gateway.translate.edifact.characters import CharacterSet
from gateway.translate.edifact.envelope import UNKNOWN
from gateway.translate.edifact.values import collapsed

ROOT = "Acknowledgement"

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBER_AT_MOST = 9


def element_of(body: Acknowledgement) -> etree._Element:
    """*body* as an element."""
    root = etree.Element(ROOT)
    for name, value in (
        ("CertificateNumber", body.certificate_number),
        ("RefToMessageId", body.ref_to_message_id),
        ("Outcome", body.outcome.value),
        ("By", body.by.value),
        ("At", rfc3339_exact(body.at)),
    ):
        if value is not None:
            etree.SubElement(root, name).text = _clean(value)
    for finding in body.findings:
        element = etree.SubElement(root, "Finding")
        element.text = _clean(finding.text)
        for name, told in (
            ("code", finding.code),
            ("severity", finding.severity.value),
            ("step", finding.step),
            ("path", finding.path),
            ("line", finding.line),
            ("box", finding.box),
            ("value", finding.value),
            ("action", finding.action),
        ):
            if told is not None:
                element.set(name, _clean(str(told)))
    return root


def acknowledgement_of(root: etree._Element) -> Acknowledgement:
    """
    Read what ``element_of`` wrote.

    Raises:
        ContentRefused: S02, something is missing or is none of its kind.
    """
    number = root.findtext("CertificateNumber")
    try:
        return Acknowledgement(
            certificate_number=None if number is None else CertificateNumber(number),
            ref_to_message_id=message_id(_needed(root, "RefToMessageId")),
            outcome=AcknowledgementOutcome(_needed(root, "Outcome")),
            by=AcknowledgedBy(_needed(root, "By")),
            at=_instant(_needed(root, "At")),
            findings=tuple(_finding(element) for element in root.iterchildren("Finding")),
        )
    except (ValueError, Unreadable) as error:
        finding = Finding(code=Fault.SCHEMA.value, text=f"{error}.", path=f"/{ROOT}")
        raise ContentRefused((finding,)) from None


def _finding(element: etree._Element) -> Finding:
    told = element.attrib
    return Finding(
        code=str(told.get("code", "")),
        severity=Severity.WARNING if told.get("severity") == Severity.WARNING else Severity.ERROR,
        text=element.text or "",
        step=_number(element.get("step")),
        path=element.get("path"),
        line=_number(element.get("line")),
        box=element.get("box"),
        value=element.get("value"),
        action=element.get("action"),
    )


def _needed(root: etree._Element, name: str) -> str:
    if not (text := root.findtext(name)):
        raise ValueError(f"{name} is missing")
    return text


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _number(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > _NUMBER_AT_MOST:
        return None
    return int(text)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def domain_of(message_id: str) -> str:
    """The party that coined a message id, as far as it shows."""
    return message_id.rpartition("@")[2].upper() or UNKNOWN


def fit(root: etree._Element, repertoire: CharacterSet) -> None:
    """Write as escapes what *repertoire* does not hold: no answer is left out for its letters."""
    for element in root.iter("*"):
        if element.text:
            element.text = repertoire.fitting(collapsed(element.text))
        for name, value in element.items():
            element.set(name, repertoire.fitting(collapsed(value)))
