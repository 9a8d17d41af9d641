"""Findings as they travel: the one shape for exceptions, acknowledgements and JSON."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from gateway.domain.errors import Finding, Severity

EXCHANGE = "urn:eco-gateway:exchange:1.0"
"""Namespace of every exchange document and of the findings inside an exception."""

EXCHANGE_VERSION = "1.0"

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_NUMBER = 9


def xml_text(text: str) -> str:
    """*text* with a replacement character for each one that XML 1.0 cannot carry."""
    return _NOT_XML.sub("\ufffd", text)


def is_xml_text(text: str) -> bool:
    """Whether XML 1.0 can carry *text* unchanged."""
    return _NOT_XML.search(text) is None


def add_finding(parent: etree._Element, finding: Finding) -> None:
    """Append *finding* to *parent* as a ``Finding`` element; absent parts are left out."""
    element = etree.SubElement(parent, f"{{{EXCHANGE}}}Finding", code=finding.code, severity=finding.severity)
    for name, value in (
        ("step", finding.step),
        ("path", finding.path),
        ("line", finding.line),
        ("box", finding.box),
        ("value", finding.value),
        ("action", finding.action),
    ):
        if value is not None:
            element.set(name, xml_text(str(value)))
    element.text = xml_text(finding.text)


def read_finding(element: etree._Element) -> Finding:
    """
    Read a ``Finding`` element.

    Never fails: who sent it may keep our schema loosely, and what it says must still be shown. A severity
    we do not know counts as an error; a number that is none is left out.
    """
    return Finding(
        code=element.get("code", "").strip(),
        severity=Severity.WARNING if element.get("severity") == Severity.WARNING else Severity.ERROR,
        text=text_of(element),
        step=_number(element.get("step")),
        path=element.get("path"),
        line=_number(element.get("line")),
        box=element.get("box"),
        value=element.get("value"),
        action=element.get("action"),
    )


def finding_json(finding: Finding) -> dict[str, Any]:
    """The finding as the API tells it; absent parts are left out."""
    told = {
        "code": finding.code,
        "severity": finding.severity.value,
        "box": finding.box,
        "path": finding.path,
        "line": finding.line,
        "value": finding.value,
        "text": finding.text,
        "action": finding.action,
        "step": finding.step,
    }
    return {key: value for key, value in told.items() if value is not None}


def text_of(element: etree._Element) -> str:
    """All character data directly in *element*; a comment in the middle neither counts nor cuts."""
    return (element.text or "") + "".join(child.tail or "" for child in element)


def _number(text: str | None) -> int | None:
    stripped = (text or "").strip()
    if not stripped.isascii() or not stripped.isdigit() or len(stripped) > _LONGEST_NUMBER:
        return None
    return int(stripped)
