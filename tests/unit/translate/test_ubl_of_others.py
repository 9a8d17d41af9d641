"""UBL documents of others are read as far as they go; what is missing is told and not invented."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from lxml import etree

from gateway.domain.errors import FormNotAgreed
from gateway.domain.xml import read_xml
from gateway.registry.folder import SHIPPED
from gateway.translate.ubl.missing import OF_AN_ITEM, OF_THE_CERTIFICATE
from gateway.validate.records import record_of
from tests.data.shipped import RCEP, forms
from tests.data.ubl import FOREIGN, dialect, foreign, foreign_without, refused

XS = "{http://www.w3.org/2001/XMLSchema}"

# ---- what is there is read -------------------------------------------------------------------------------


def test_a_document_of_others_is_read_as_a_record() -> None:
    certificate, form = dialect().read(foreign(), forms())

    record = record_of(certificate, form)

    assert form.id == RCEP
    assert record["exporter"] == {
        "name": "Straits Rubber Sdn. Bhd.",
        "address": ["12 Jalan Pelabuhan", "Port Klang 42000", "Selangor"],
        "country": "MY",
        "registration": "199001012345",
    }
    assert record["consignee"]["name"] == "Thai Lotus Trading Co., Ltd."
    assert record["exporting_country"] == "MY"
    assert record["remarks"] == "First remark. Second remark."
    assert record["signatory"] == "officer-7"


def test_an_item_of_others_is_read_from_the_places_that_are_left() -> None:
    record = record_of(*dialect().read(foreign(), forms()))

    (item,) = record["items"]

    assert item["description"] == "Gloves of vulcanised rubber"
    assert item["hs"] == "401519"
    assert item["producer"] == {"name": "Kinabalu Gloves"}


def test_what_actually_happened_counts_before_what_was_planned() -> None:
    transport = record_of(*dialect().read(foreign(), forms()))["transport"]

    assert transport["departure_date"] == "2026-09-16"
    assert transport["port_of_loading"] == "Port Klang"


def test_an_invoice_that_points_at_no_item_is_one_of_every_item() -> None:
    record = record_of(*dialect().read(foreign(), forms()))

    assert record["items"][0]["invoices"] == [{"number": "INV-9", "date": "2026-09-10"}]


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("ticks", id="a-status-that-is-no-mark-of-ours"),
        pytest.param("back_to_back", id="an-original-that-is-no-certificate"),
        pytest.param("third_party_invoice", id="an-invoice-without-an-issuer"),
        pytest.param("producer", id="a-producer-of-one-item"),
        pytest.param("declaration", id="an-endorser-that-is-not-the-exporter"),
    ],
)
def test_nothing_is_made_of_what_means_something_else(key: str) -> None:
    assert key not in record_of(*dialect().read(foreign(), forms()))


def test_packages_shared_by_several_items_are_counted_for_none() -> None:
    record = record_of(*dialect().read(foreign(), forms()))

    assert record["items"][0]["packages"] == {"kind": "CT"}


def test_a_mode_of_transport_that_we_do_not_know_is_left_for_judging() -> None:
    record = record_of(*dialect().read(foreign(), forms()))

    assert record["transport"]["mode"] == "7"


# ---- which form ------------------------------------------------------------------------------------------


def test_a_form_without_a_version_is_the_one_in_force_on_the_issue_date() -> None:
    _, form = dialect().read(foreign(), forms())

    assert form is forms()[RCEP]


def test_a_form_that_was_not_yet_in_force_is_the_youngest() -> None:
    _, form = dialect().read(foreign("2026-09-14</b:IssueDate>", "1999-09-14</b:IssueDate>"), forms())

    assert form is forms()[RCEP]


@pytest.mark.parametrize(
    ("find", "put"),
    [
        pytest.param("rcep/form-rcep", "rcep/form-z", id="unknown"),
        pytest.param("rcep/form-rcep", "rcep/form-rcep/9.9", id="unknown-version"),
        pytest.param("<b:CustomizationID>rcep/form-rcep</b:CustomizationID>", "", id="not-named"),
    ],
)
def test_a_form_that_is_not_known_is_not_guessed(find: str, put: str) -> None:
    with pytest.raises(FormNotAgreed, match="CustomizationID"):
        dialect().read(foreign(find, put), forms())


# ---- what is missing -------------------------------------------------------------------------------------

APPLICATION = "/CertificateOfOrigin/CertificateOfOriginApplication"


@pytest.mark.parametrize(
    ("gone", "path", "box"),
    [
        pytest.param(
            r"<a:ExporterParty>.*</a:ExporterParty>", "/CertificateOfOrigin/ExporterParty", "1", id="exporter"
        ),
        pytest.param(
            r"<b:RegistrationName>[^<]*</b:RegistrationName>",
            "/CertificateOfOrigin/ExporterParty/PartyName/Name",
            "1",
            id="name",
        ),
        pytest.param(
            r"<a:ImporterParty>.*</a:ImporterParty>",
            f"{APPLICATION}/Shipment/Consignment/ConsigneeParty",
            "2",
            id="consignee",
        ),
        pytest.param(
            r"<a:FinalDestinationCountry>.*</a:FinalDestinationCountry>",
            f"{APPLICATION}/Shipment/Consignment/FinalDestinationCountry/IdentificationCode",
            "15",
            id="importing-country",
        ),
        pytest.param(
            r"<b:IssueDate>2026-09-14</b:IssueDate>", "/CertificateOfOrigin/IssueDate", "16", id="date"
        ),
        pytest.param(
            r"<a:GoodsItem>\s*<b:SequenceNumberID>1</b:SequenceNumberID>\s*<b:Gross.*?</a:GoodsItem>",
            f"{APPLICATION}/Shipment/GoodsItem",
            "6",
            id="items",
        ),
        pytest.param(
            r"<b:Description>[^<]*</b:Description>",
            f"{APPLICATION}/Shipment/GoodsItem/Description",
            "8",
            id="description",
        ),
        pytest.param(
            r"<a:CommodityClassification>.*</a:CommodityClassification>",
            f"{APPLICATION}/Shipment/GoodsItem/Item/CommodityClassification/CommodityCode",
            "9",
            id="hs",
        ),
        pytest.param(
            r"<b:GrossWeightMeasure[^<]*</b:GrossWeightMeasure>",
            f"{APPLICATION}/Shipment/GoodsItem/GrossWeightMeasure",
            "12",
            id="weight",
        ),
    ],
)
def test_what_is_missing_is_told_with_its_place_and_box(gone: str, path: str, box: str) -> None:
    (finding,) = refused(foreign_without(gone))

    assert (finding.path, finding.box) == (path, box)
    assert "is missing" in finding.text


def test_all_that_is_missing_is_told_at_once() -> None:
    found = refused(
        foreign_without(r"<a:ImporterParty>.*</a:ImporterParty>", r"<b:Description>[^<]*</b:Description>")
    )

    assert len(found) == 2


def test_a_missing_part_of_one_of_several_items_is_told_with_its_position() -> None:
    item = re.search(r"<a:GoodsItem>\s*<b:SequenceNumberID>1</b:Seq.*?</a:GoodsItem>", FOREIGN, re.DOTALL)
    assert item is not None
    second = (
        item[0]
        .replace("ID>1<", "ID>2<")
        .replace("<b:Description>Gloves of vulcanised rubber</b:Description>", "")
    )
    document = read_xml(FOREIGN.replace(item[0], item[0] + second, 1).encode())

    (finding,) = refused(document)

    assert finding.path == f"{APPLICATION}/Shipment/GoodsItem[2]/Description"


def test_an_invoice_that_points_at_an_item_that_is_not_there_is_told() -> None:
    place = "<b:XPath>//cac:Shipment/cac:GoodsItem[cbc:SequenceNumberID='7']</b:XPath>"
    document = foreign(
        "<b:DocumentTypeCode>380</b:DocumentTypeCode>", f"<b:DocumentTypeCode>380</b:DocumentTypeCode>{place}"
    )

    (finding,) = refused(document)

    assert finding.path == f"{APPLICATION}/SupportingDocumentReference[1]/XPath"
    assert finding.value == "//cac:Shipment/cac:GoodsItem[cbc:SequenceNumberID='7']"


def test_what_is_needed_is_what_the_xsd_of_every_form_demands() -> None:
    root = etree.parse(SHIPPED / "schemas/common/certificate.xsd").getroot()
    types = {str(kind.get("name")): kind for kind in root.iterchildren(f"{XS}complexType")}

    def demanded(name: str, *below: str, path: str = "") -> Iterator[str]:
        for particle in types[name].findall(f"{XS}sequence/*"):
            if particle.tag == f"{XS}choice":
                yield " or ".join(dict.fromkeys(str(e.get("name")) for e in particle.iter(f"{XS}element")))
            elif particle.get("minOccurs") != "0":
                yield f"{path}{particle.get('name')}"
                if particle.get("type") in below:
                    yield from demanded(str(particle.get("type")), path=f"{path}{particle.get('name')}/")

    items = [*demanded("Item")]
    certificate = [name for name in demanded("Certificate", "Trader", "Items") if name != "Items"]
    assert [" or ".join(need.element) for need in OF_AN_ITEM] == items
    assert [" or ".join(need.element) for need in OF_THE_CERTIFICATE] == certificate
