"""Say what a UBL document lacks of what no certificate can do without; nothing is invented in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from gateway.domain.errors import Fault, Finding
from gateway.domain.form import Form
from gateway.translate.ubl.schema import MOST_FINDINGS

_APPLICATION = "/CertificateOfOrigin/CertificateOfOriginApplication"
_SHIPMENT = f"{_APPLICATION}/Shipment"
_CONSIGNMENT = f"{_SHIPMENT}/Consignment"


@dataclass(frozen=True, slots=True)
class Need:
    """
    Something that every certificate has.

    Attributes:
        element: path below the certificate's root, or below an item; any one of several names is enough.
        place: where UBL has it: path in the document, or below the goods item.
    """

    element: tuple[str, ...]
    place: str


_TRADER = (
    ("Name", "PartyName/Name"),
    ("Address", "PostalAddress/AddressLine/Line"),
    ("Country", "PostalAddress/Country/IdentificationCode"),
)

OF_THE_CERTIFICATE = (
    Need(("CertificateNumber",), "/CertificateOfOrigin/ID"),
    Need(("ExportingCountry",), f"{_SHIPMENT}/ExportCountry/IdentificationCode"),
    Need(("ImportingCountry",), f"{_CONSIGNMENT}/FinalDestinationCountry/IdentificationCode"),
    Need(("IssueDate",), "/CertificateOfOrigin/IssueDate"),
    Need(("Exporter",), "/CertificateOfOrigin/ExporterParty"),
    *(Need((f"Exporter/{name}",), f"/CertificateOfOrigin/ExporterParty/{place}") for name, place in _TRADER),
    Need(("Consignee",), f"{_CONSIGNMENT}/ConsigneeParty"),
    *(Need((f"Consignee/{name}",), f"{_CONSIGNMENT}/ConsigneeParty/{place}") for name, place in _TRADER),
    Need(("Items/Item",), f"{_SHIPMENT}/GoodsItem"),
)
OF_AN_ITEM = (
    Need(("Number",), "SequenceNumberID"),
    Need(("Description",), "Description"),
    Need(("HarmonizedSystemCode",), "Item/CommodityClassification/CommodityCode"),
    Need(("GrossWeight", "NetWeight", "Quantity"), "GrossWeightMeasure"),
)


def missing(certificate: etree._Element, form: Form) -> tuple[Finding, ...]:
    """
    What *certificate*, read from a UBL document, lacks (S02), at most 50 findings; empty if nothing.

    Each names the place in the UBL document where it is looked for, and the box of the form.
    """
    found = [*_lacking(certificate, form, OF_THE_CERTIFICATE, f"/{form.root}", "")]
    items = certificate.findall(_below(form, "Items/Item"))
    for number, item in enumerate(items, start=1):
        above = f"{_SHIPMENT}/GoodsItem[{number}]/" if len(items) > 1 else f"{_SHIPMENT}/GoodsItem/"
        found += _lacking(item, form, OF_AN_ITEM, f"/{form.root}/Items/Item", above)
    return tuple(found[:MOST_FINDINGS])


def _lacking(
    parent: etree._Element, form: Form, needs: tuple[Need, ...], path: str, above: str
) -> Iterator[Finding]:
    """
    What *parent* has not of *needs*; what lies below something that is gone is told with it.

    Args:
        path: of *parent* on the form, to find the box.
        above: what goes before the place of a need in the UBL document.
    """
    gone: set[str] = set()
    for need in needs:
        if need.element[0].partition("/")[0] in gone:
            continue
        if all(parent.find(_below(form, name)) is None for name in need.element):
            gone.add(need.element[0])
            yield _lack(need, form.box_of(f"{path}/{need.element[0]}"), above + need.place)


def _below(form: Form, path: str) -> str:
    return "/".join(f"{{{form.namespace}}}{name}" for name in path.split("/"))


def _lack(need: Need, box: str | None, place: str) -> Finding:
    name = " or ".join(element.replace("/", " ") for element in need.element)
    return Finding(
        code=Fault.SCHEMA.value,
        text=f"{name} is missing: nothing stands in {place}.",
        path=place,
        box=box,
        action=f"Give it as {need.place.rpartition('/')[2]}.",
    )
