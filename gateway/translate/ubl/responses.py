"""
An acknowledgement as a UBL ApplicationResponse, and back.

Who sent it to whom stands in the message's header; UBL wants both parties inside as well, so the sender says
in what capacity it acknowledges, and the receiver is the one whose message it was. Outcomes are codes of
UN/EDIFACT 4343, each finding is a Status of the Response.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeVar

from lxml import etree

from gateway.domain.acknowledgement import Acknowledgement
from gateway.domain.clock import rfc3339_exact
from gateway.domain.errors import ContentRefused, Fault, Finding, Severity, Unreadable
from gateway.domain.ids import CertificateNumber, MessageId, message_id
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome
from gateway.translate.acknowledgements import EXCHANGE
from gateway.translate.ubl.names import AGGREGATE, BASIC, DIALECT, RESPONSE, VERSION, cac, cbc

T = TypeVar("T")

OUTCOMES: Mapping[AcknowledgementOutcome, str] = MappingProxyType(
    {
        AcknowledgementOutcome.ACCEPTED: "AP",
        AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS: "CA",
        AcknowledgementOutcome.REJECTED: "RE",
    }
)
"""Each outcome as UN/EDIFACT 4343 has it: accepted, conditionally accepted, rejected."""

CERTIFICATE_TYPES = ("861", "864")
"""UN/EDIFACT 1001: certificate of origin, preference certificate of origin; we write the first."""

_CAPACITY = "acknowledged-by"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DETAILS = ("box", "path", "value", "action")
_NUMBERS = ("line", "step")
_LONGEST_NUMBER = 9


def write(body: Acknowledgement) -> etree._Element:
    """Write *body* as a UBL ApplicationResponse; characters that XML cannot carry are replaced."""
    root = etree.Element(
        f"{{{RESPONSE}}}ApplicationResponse", nsmap={None: RESPONSE, "cac": AGGREGATE, "cbc": BASIC}
    )
    day, _, time = rfc3339_exact(body.at).partition("T")
    _put(root, "UBLVersionID", VERSION)
    _put(root, "CustomizationID", EXCHANGE)
    _put(root, "ProfileID", DIALECT)
    _put(root, "ID", f"{body.ref_to_message_id}#{body.by}")
    _put(root, "IssueDate", day)
    _put(root, "IssueTime", time)
    sender = etree.SubElement(etree.SubElement(root, cac("SenderParty")), cac("PartyIdentification"))
    _put(sender, "ID", body.by).set("schemeID", _CAPACITY)
    receiver = etree.SubElement(etree.SubElement(root, cac("ReceiverParty")), cac("PartyName"))
    _put(receiver, "Name", f"sender of {body.ref_to_message_id}")
    answer = etree.SubElement(root, cac("DocumentResponse"))
    response = etree.SubElement(answer, cac("Response"))
    _put(response, "ResponseCode", OUTCOMES[body.outcome]).set("listID", "UNCL4343")
    for finding in body.findings:
        _put_finding(response, finding)
    _put(etree.SubElement(answer, cac("DocumentReference")), "ID", body.ref_to_message_id)
    if body.certificate_number is not None:
        certificate = etree.SubElement(answer, cac("DocumentReference"))
        _put(certificate, "ID", body.certificate_number)
        _put(certificate, "DocumentTypeCode", CERTIFICATE_TYPES[0])
    return root


def read(document: etree._Element) -> Acknowledgement:
    """
    Read an ApplicationResponse that fits its schema.

    A reason that stands outside a Status is a finding without a code: what a party says must be shown.

    Raises:
        ContentRefused: S02, it answers not exactly one document, or does not say which, when, by whom or how.
    """
    answers = document.findall(cac("DocumentResponse"))
    if len(answers) != 1:
        text = f"An acknowledgement answers one document, this one {len(answers)}."
        raise ContentRefused((_unfit(text, "/DocumentResponse"),))
    answer = answers[0]
    reader = _Reader()
    at = reader.take(lambda: _instant(document), "IssueTime", "a date and a time")
    by = reader.take(lambda: _capacity(document), "SenderParty/PartyIdentification/ID", _capacities())
    outcome = reader.take(
        lambda: _outcome(answer), "DocumentResponse/Response/ResponseCode", "AP, CA or RE of UN/EDIFACT 4343"
    )
    about = reader.take(
        lambda: _reference(answer), "DocumentResponse/DocumentReference/ID", "a message id, local@domain"
    )
    if at is None or by is None or outcome is None or about is None:
        raise ContentRefused(tuple(reader.findings))
    return Acknowledgement(
        certificate_number=_certificate(answer),
        ref_to_message_id=about,
        outcome=outcome,
        by=by,
        at=at,
        findings=tuple(_findings(answer, outcome)),
    )


class _Reader:
    """Takes one value after the other and keeps what is to be said about those that are not there."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def take(self, read: Callable[[], T], place: str, expected: str) -> T | None:
        """What *read* finds; None, with a finding, if it raises."""
        try:
            return read()
        except (ValueError, OverflowError, Unreadable) as error:
            self.findings.append(
                _unfit(f"{place.rpartition('/')[2]} is not {expected}: {error}.", f"/{place}")
            )
            return None


def _instant(document: etree._Element) -> datetime:
    """The moment of issue; a zone behind the time counts, without one it is UTC."""
    day, time = _word(document, cbc("IssueDate")), _word(document, cbc("IssueTime"))
    if not time:
        raise ValueError("there is no IssueTime")
    at = datetime.fromisoformat(f"{day[:10]}T{time}")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _capacity(document: etree._Element) -> AcknowledgedBy:
    for sender in document.iterfind(f"{cac('SenderParty')}/{cac('PartyIdentification')}/{cbc('ID')}"):
        if sender.get("schemeID") == _CAPACITY:
            return AcknowledgedBy(_collapsed(sender))
    raise ValueError(f"there is none with schemeID {_CAPACITY}")


def _capacities() -> str:
    return " or ".join(AcknowledgedBy)


def _outcome(answer: etree._Element) -> AcknowledgementOutcome:
    code = _word(answer, f"{cac('Response')}/{cbc('ResponseCode')}")
    for outcome, known in OUTCOMES.items():
        if code == known:
            return outcome
    raise ValueError(f"it is {code[:40]!r}")


def _reference(answer: etree._Element) -> MessageId:
    """The message it is about: the reference without a type."""
    for document in answer.iterfind(cac("DocumentReference")):
        if document.find(cbc("DocumentTypeCode")) is None:
            return message_id(_word(document, cbc("ID")))
    raise ValueError("there is no reference without a DocumentTypeCode")


def _certificate(answer: etree._Element) -> CertificateNumber | None:
    for document in answer.iterfind(cac("DocumentReference")):
        if _word(document, cbc("DocumentTypeCode")) in CERTIFICATE_TYPES:
            return CertificateNumber(_word(document, cbc("ID")))
    return None


def _put_finding(response: etree._Element, finding: Finding) -> None:
    status = etree.SubElement(response, cac("Status"))
    _put(status, "ConditionCode", finding.severity)
    _put(status, "StatusReasonCode", finding.code)
    _put(status, "StatusReason", finding.text)
    for name in (*_DETAILS, *_NUMBERS):
        if (value := getattr(finding, name)) is not None:
            condition = etree.SubElement(status, cac("Condition"))
            _put(condition, "AttributeID", name)
            _put(condition, "Description", str(value))


def _findings(answer: etree._Element, outcome: AcknowledgementOutcome) -> Iterator[Finding]:
    """All that is said against the document: as a whole first, then line by line."""
    rejected = outcome is AcknowledgementOutcome.REJECTED
    severity = Severity.ERROR if rejected else Severity.WARNING
    for response in answer.iter(cac("Response")):
        for status in response.iterfind(cac("Status")):
            yield _finding(status)
        for words in response.iterfind(cbc("Description")):
            yield Finding(code="", text=_text(words), severity=severity)


def _finding(status: etree._Element) -> Finding:
    details = {
        _word(condition, cbc("AttributeID")): _text(condition.find(cbc("Description")))
        for condition in status.iterfind(cac("Condition"))
    }
    reasons = status.findall(cbc("StatusReason")) or status.findall(cbc("Description"))
    warns = _word(status, cbc("ConditionCode")) == Severity.WARNING
    return Finding(
        code=_word(status, cbc("StatusReasonCode")),
        text="\n".join(map(_text, reasons)),
        severity=Severity.WARNING if warns else Severity.ERROR,
        box=details.get("box"),
        path=details.get("path"),
        value=details.get("value"),
        action=details.get("action"),
        line=_number(details.get("line")),
        step=_number(details.get("step")),
    )


def _number(words: str | None) -> int | None:
    stripped = (words or "").strip()
    if not stripped.isascii() or not stripped.isdigit() or len(stripped) > _LONGEST_NUMBER:
        return None
    return int(stripped)


def _put(parent: etree._Element, name: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, cbc(name))
    element.text = _NOT_XML.sub("\ufffd", text)
    return element


def _text(element: etree._Element | None) -> str:
    """All character data directly in *element*; a comment in the middle neither counts nor cuts."""
    return "" if element is None else (element.text or "") + "".join(child.tail or "" for child in element)


def _collapsed(element: etree._Element | None) -> str:
    return " ".join(_text(element).split())


def _word(parent: etree._Element, path: str) -> str:
    return _collapsed(parent.find(path))


def _unfit(words: str, place: str) -> Finding:
    return Finding(code=Fault.SCHEMA.value, text=words, path=f"/ApplicationResponse{place}")
