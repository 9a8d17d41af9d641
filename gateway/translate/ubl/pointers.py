"""
What points at the items of a UBL document from elsewhere in it: their packages and their invoices.

An invoice names its item by an XPath, as text: it is compared and never run. A handling unit names the number
of the item it packs.
"""

from __future__ import annotations

from collections import Counter

from lxml import etree

from gateway.domain.errors import Fault, Finding
from gateway.domain.xml import readable_path
from gateway.translate.ubl.names import cac, cbc
from gateway.translate.ubl.schema import MOST_ELEMENTS, MOST_FINDINGS

INVOICE = "380"
"""UN/EDIFACT 1001: commercial invoice."""

ITEM_OF_AN_INVOICE = "//cac:Shipment/cac:GoodsItem[cbc:SequenceNumberID='{}']"
"""The XPath by which an invoice says of which item it is, as both stylesheets have it."""

_APPLICATION = cac("CertificateOfOriginApplication")
_SHIPMENT = f"{_APPLICATION}/{cac('Shipment')}"
_UNITS = f"{_SHIPMENT}/{cac('TransportHandlingUnit')}/{cac('GoodsItem')}/{cbc('SequenceNumberID')}"


def swollen(document: etree._Element) -> tuple[Finding, ...]:
    """
    Refuse (S04) a *document* whose items, packages and invoices point at each other too often.

    It is small, but what it says is not: a thousand items with a thousand invoices each are a million.
    """
    numbers = _numbers(document)
    packed = Counter(map(_said, document.iterfind(_UNITS)))
    pointing = Counter(
        _said(place) for invoice in _invoices(document) for place in invoice.iterfind(cbc("XPath"))
    )
    of_all = sum(1 for invoice in _invoices(document) if invoice.find(cbc("XPath")) is None)
    told = sum(packed[number] + pointing[ITEM_OF_AN_INVOICE.format(number)] + of_all for number in numbers)
    if told <= MOST_ELEMENTS:
        return ()
    text = (
        f"Its items have more than {MOST_ELEMENTS} packages and invoices in all: no certificate has as many."
    )
    return (Finding(code=Fault.TOO_LARGE.value, text=text, action="Give each invoice the item it is of."),)


def astray(document: etree._Element) -> tuple[Finding, ...]:
    """The invoices (S02) of *document* that point at items which are not there; they would be lost."""
    known = {ITEM_OF_AN_INVOICE.format(number) for number in _numbers(document)}
    found = []
    for invoice in _invoices(document):
        places = invoice.findall(cbc("XPath"))
        if places and known.isdisjoint(map(_said, places)):
            found.append(_strayed(places[0]))
    return tuple(found[:MOST_FINDINGS])


def _numbers(document: etree._Element) -> list[str]:
    """The number of each item; empty for one that has none."""
    items = document.iterfind(f"{_SHIPMENT}/{cac('GoodsItem')}")
    return [_said(item.find(cbc("SequenceNumberID"))) for item in items]


def _invoices(document: etree._Element) -> list[etree._Element]:
    references = document.iterfind(f"{_APPLICATION}/{cac('SupportingDocumentReference')}")
    return [one for one in references if _said(one.find(cbc("DocumentTypeCode"))).strip() == INVOICE]


def _said(element: etree._Element | None) -> str:
    """The text of *element* as a stylesheet reads it: a comment neither counts nor cuts."""
    return "" if element is None else "".join(element.itertext())


def _strayed(place: etree._Element) -> Finding:
    return Finding(
        code=Fault.SCHEMA.value,
        text="The invoice points at no item.",
        path=readable_path(place),
        line=place.sourceline,
        value=_said(place)[:200] or None,
        action=f"Write {ITEM_OF_AN_INVOICE.format(1)} for item 1, or no XPath for all items.",
    )
