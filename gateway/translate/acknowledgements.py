"""Acknowledgements as the exchange document of that name: what dialects write from and read to."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from lxml import etree

from gateway.domain.acknowledgement import Acknowledgement
from gateway.domain.clock import rfc3339_exact
from gateway.domain.errors import ContentRefused, Fault, Finding, Severity, Unreadable
from gateway.domain.ids import CertificateNumber, message_id
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome

EXCHANGE_VERSION = "1.0"
EXCHANGE = f"urn:eco-gateway:exchange:{EXCHANGE_VERSION}"
NAME = "Acknowledgement"

_NS = f"{{{EXCHANGE}}}"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBER_AT_MOST = 9
_CATALOGUE = re.compile("[TSGDCBW][0-9]{2}")


def element_of(body: Acknowledgement) -> etree._Element:
    """*body* as its exchange document; findings under codes that are not ours are put under one that is."""
    root = etree.Element(_NS + NAME, nsmap={None: EXCHANGE})
    for name, value in (
        ("CertificateNumber", body.certificate_number),
        ("RefToMessageId", body.ref_to_message_id),
        ("Outcome", body.outcome.value),
        ("By", body.by.value),
        ("At", rfc3339_exact(body.at)),
    ):
        if value is not None:
            etree.SubElement(root, _NS + name).text = _clean(value)
    for finding in map(in_catalogue, body.findings):
        element = etree.SubElement(root, f"{_NS}Finding")
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
    number = root.findtext(f"{_NS}CertificateNumber")
    try:
        return Acknowledgement(
            certificate_number=None if number is None else CertificateNumber(number),
            ref_to_message_id=message_id(_needed(root, "RefToMessageId")),
            outcome=AcknowledgementOutcome(_needed(root, "Outcome")),
            by=AcknowledgedBy(_needed(root, "By")),
            at=_instant(_needed(root, "At")),
            findings=tuple(_finding(element) for element in root.iterchildren(f"{_NS}Finding")),
        )
    except (ValueError, Unreadable) as error:
        finding = Finding(code=Fault.SCHEMA.value, text=f"{error}.", path=f"/{NAME}")
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
    if not (text := root.findtext(_NS + name)):
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


def in_catalogue(finding: Finding) -> Finding:
    """
    *finding* under a code of the exception catalogue; a party's own code goes into its words.

    Others have codes of their own, or none; what they say must be shown all the same.
    """
    if _CATALOGUE.fullmatch(finding.code):
        return finding
    code = Fault.MINOR if finding.severity is Severity.WARNING else Fault.SCHEMA
    text = f"{finding.code}: {finding.text}" if finding.code else finding.text
    return replace(finding, code=code.value, text=text)
