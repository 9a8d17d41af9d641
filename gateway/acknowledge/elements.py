"""Write and read the small parts of which exchange documents are made; readers raise ``ValueError``."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from lxml import etree

from gateway.acknowledge.findings import EXCHANGE, text_of, xml_text
from gateway.domain.ids import CertificateNumber, MessageId, message_id
from gateway.domain.status import CustomsOutcome
from gateway.store.records import CustomsEntry

T = TypeVar("T")


def put(parent: etree._Element, name: str, text: str | None) -> None:
    """Append an element with *text*; nothing when there is none."""
    if text is not None:
        etree.SubElement(parent, f"{{{EXCHANGE}}}{name}").text = xml_text(text)


def put_day(parent: etree._Element, name: str, day: date | None) -> None:
    """Append an element with *day*; nothing when there is none."""
    put(parent, name, None if day is None else day.isoformat())


def put_octets(parent: etree._Element, content: bytes) -> None:
    """Fill *parent* with *content* in Base64."""
    parent.text = base64.b64encode(content).decode()


def put_entry(parent: etree._Element, entry: CustomsEntry) -> None:
    """Append *entry* as an ``ItemOutcome``."""
    element = etree.SubElement(parent, f"{{{EXCHANGE}}}ItemOutcome", item=str(entry.item))
    put(element, "Outcome", entry.outcome)
    if entry.quantity is not None:
        quantity = etree.SubElement(element, f"{{{EXCHANGE}}}Quantity", unit=entry.unit or "")
        quantity.text = format(entry.quantity, "f")
    put(element, "Declaration", entry.declaration)
    put_day(element, "Date", entry.date)
    put(element, "Reason", entry.reason)
    put(element, "LegalBasis", entry.legal_basis)


def every(parent: etree._Element, name: str) -> list[etree._Element]:
    """All children called *name*."""
    return parent.findall(f"{{{EXCHANGE}}}{name}")


def text(parent: etree._Element, name: str) -> str | None:
    """The text of the child called *name* as it stands; None when it is not there."""
    element = parent.find(f"{{{EXCHANGE}}}{name}")
    return None if element is None else text_of(element)


def word(parent: etree._Element, name: str) -> str | None:
    """The same with white space collapsed, as ``xs:token`` is compared."""
    found = text(parent, name)
    return None if found is None else collapse(found)


def collapse(words: str) -> str:
    """*words* with single spaces between them and none around."""
    return " ".join(words.split())


def needed(value: T | None, name: str) -> T:
    """*value*, which the schema promises."""
    if value is None:
        raise ValueError(f"{name} is missing")
    return value


def certificate_number(parent: etree._Element, name: str = "CertificateNumber") -> CertificateNumber | None:
    """A certificate's number, where there is one."""
    found = word(parent, name)
    return None if found is None else CertificateNumber(found)


def reference(parent: etree._Element) -> MessageId | None:
    """
    The id of the message this is about, where there is one.

    Raises:
        Unreadable: it has not the syntax of one.
    """
    found = word(parent, "RefToMessageId")
    return None if found is None else message_id(found)


def day(parent: etree._Element, name: str) -> date | None:
    """A calendar day; a zone behind it means nothing."""
    found = word(parent, name)
    return None if found is None else date.fromisoformat(found[:10])


def instant(words: str) -> datetime:
    """A moment in UTC; without a zone it was meant so."""
    at = datetime.fromisoformat(words)
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{words} is before or after all time") from None


def octets(element: etree._Element) -> bytes:
    """What an element holds in Base64."""
    return base64.b64decode("".join(text_of(element).split()), validate=True)


def entry(element: etree._Element) -> CustomsEntry:
    """Read an ``ItemOutcome``."""
    quantity = element.find(f"{{{EXCHANGE}}}Quantity")
    return CustomsEntry(
        item=int(element.get("item", "")),
        outcome=CustomsOutcome(needed(word(element, "Outcome"), "Outcome")),
        quantity=None if quantity is None else _amount(text_of(quantity)),
        unit=None if quantity is None else collapse(quantity.get("unit", "")),
        declaration=word(element, "Declaration"),
        date=needed(day(element, "Date"), "Date"),
        reason=text(element, "Reason"),
        legal_basis=text(element, "LegalBasis"),
    )


def _amount(words: str) -> Decimal:
    try:
        return Decimal(words.strip())
    except InvalidOperation:
        raise ValueError(f"{words[:40]!r} is no quantity") from None
