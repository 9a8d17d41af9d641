"""UBL documents that are wrong or mean harm are refused, and stylesheets have no access to anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from gateway.domain.errors import ContentRefused, Misconfigured, Unreadable
from gateway.domain.xml import read_xml
from gateway.registry.folder import SHIPPED, Folder
from gateway.translate.ubl.dialect import UblDialect
from gateway.translate.ubl.names import RESPONSE
from gateway.translate.ubl.stylesheets import FROM_UBL, TO_UBL
from gateway.validate.records import record_of
from tests.data.shipped import RCEP, a_record, forms, written
from tests.data.ubl import FOREIGN, dialect, foreign, refused

APPLICATION = "/CertificateOfOrigin/CertificateOfOriginApplication"
XSL = "http://www.w3.org/1999/XSL/Transform"

# ---- what is wrong ---------------------------------------------------------------------------------------


def test_what_does_not_fit_the_schema_of_oasis_is_told_with_readable_paths() -> None:
    document = foreign("<b:IssueDate>2026-09-14</b:IssueDate>", "<b:IssueDate>yesterday</b:IssueDate>")

    (finding,) = refused(document)

    assert finding.path == "/CertificateOfOrigin/IssueDate"
    assert finding.value == "yesterday"
    assert finding.line == 10
    assert "urn:oasis" not in finding.text


def test_an_element_in_the_wrong_place_is_told_with_what_should_stand_there() -> None:
    document = foreign("<b:ReferenceID>R-1</b:ReferenceID>", "")

    (finding,) = refused(document)

    assert finding.path == f"{APPLICATION}/CertificateType"
    assert "ReferenceID" in finding.text


def test_a_missing_attribute_is_told() -> None:
    (finding,) = refused(foreign(' unitCode="KGM"', ""))

    assert finding.text == "GrossWeightMeasure lacks the attribute unitCode."


@pytest.mark.parametrize("namespace", [RESPONSE, "urn:other"])
def test_another_root_is_refused(namespace: str) -> None:
    (finding,) = refused(etree.Element(f"{{{namespace}}}CertificateOfOrigin"))

    assert finding.path == "/CertificateOfOrigin"


def test_a_certificate_of_a_form_is_no_ubl() -> None:
    assert refused(written(a_record(RCEP)))


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param("<!DOCTYPE x>", id="a-dtd"),
        pytest.param('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', id="an-outer-entity"),
        pytest.param('<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>', id="entities-in-entities"),
    ],
)
def test_a_document_type_is_refused_by_the_reader_and_by_the_dialect(declared: str) -> None:
    raw = re.sub(r"(<o:Cert)", rf"{declared}\1", FOREIGN, count=1).encode()
    parser = etree.XMLParser(resolve_entities=False, no_network=True)

    with pytest.raises(Unreadable):
        read_xml(raw)
    assert (
        refused(etree.fromstring(raw, parser))[0].text == "A document type declaration (DTD) is not allowed."
    )


def test_an_unresolved_entity_is_refused_and_not_followed() -> None:
    document = foreign()
    document.append(etree.Entity("passwd"))

    assert refused(document)


def test_a_monster_is_not_read() -> None:
    line = "<a:AddressLine><b:Line>x</b:Line></a:AddressLine>"

    (finding,) = refused(foreign("<a:AddressLine>", line * 25_001 + "<a:AddressLine>"))

    assert finding.code == "S04"


def test_items_and_invoices_that_multiply_are_refused() -> None:
    item = re.search(r"<a:GoodsItem>\s*<b:SequenceNumberID>1</b:Seq.*?</a:GoodsItem>", FOREIGN, re.DOTALL)
    assert item is not None
    invoice = "<a:SupportingDocumentReference><b:ID>I</b:ID><b:DocumentTypeCode>380</b:DocumentTypeCode>"
    invoices = f"{invoice}</a:SupportingDocumentReference>" * 500
    text = FOREIGN.replace(item[0], item[0] * 500).replace(
        "<a:SupportingDocumentReference>", invoices + "<a:SupportingDocumentReference>", 1
    )

    (finding,) = refused(read_xml(text.encode()))

    assert finding.code == "S04"


def test_items_of_one_number_with_many_packages_are_refused() -> None:
    item = re.search(r"<a:GoodsItem>\s*<b:SequenceNumberID>1</b:Seq.*?</a:GoodsItem>", FOREIGN, re.DOTALL)
    assert item is not None
    number = "<b:SequenceNumberID><!-- no -->1</b:SequenceNumberID>"
    unit = f"<a:TransportHandlingUnit><a:GoodsItem>{number}</a:GoodsItem></a:TransportHandlingUnit>" * 500
    text = FOREIGN.replace(item[0], item[0] * 500).replace(
        "<a:TransportHandlingUnit>", unit + "<a:TransportHandlingUnit>", 1
    )

    (finding,) = refused(read_xml(text.encode()))

    assert finding.code == "S04"


def test_a_document_full_of_faults_tells_the_first_fifty() -> None:
    line = "<a:AddressLine><b:Wrong>x</b:Wrong></a:AddressLine>"

    found = refused(foreign("<a:AddressLine>", line * 2000 + "<a:AddressLine>"))

    assert len(found) == 50


def test_a_stylesheet_that_a_document_names_is_not_run() -> None:
    instruction = '<?xml-stylesheet type="text/xsl" href="file:///etc/passwd"?>'
    document = read_xml(re.sub(r"(<o:Cert)", rf"{instruction}\1", FOREIGN, count=1).encode())

    certificate, _ = dialect().read(document, forms())

    assert certificate.findtext("{*}CertificateNumber") == "MY26-000777"


# ---- our extension in other hands ------------------------------------------------------------------------


def with_extension(at: str, content: str) -> etree._Element:
    part = f'<r:Rest xmlns:r="urn:eco-gateway:ubl:1.0"><r:Part at="{at}">{content}</r:Part></r:Rest>'
    extension = (
        '<e:UBLExtensions xmlns:e="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2">'
        f"<e:UBLExtension><e:ExtensionContent>{part}</e:ExtensionContent></e:UBLExtension></e:UBLExtensions>"
    )
    return foreign("<b:UBLVersionID>", f"{extension}<b:UBLVersionID>")


PRODUCER = f'<Producer xmlns="{forms()[RCEP].namespace}"><Statement>CONFIDENTIAL</Statement></Producer>'


def test_a_part_is_put_where_it_says() -> None:
    certificate, form = dialect().read(with_extension("8", PRODUCER), forms())

    assert record_of(certificate, form)["producer"] == "CONFIDENTIAL"


@pytest.mark.parametrize(
    ("at", "content"),
    [
        pytest.param("99", PRODUCER, id="behind-the-end"),
        pytest.param("50/0", PRODUCER, id="in-nothing"),
        pytest.param("0/0", PRODUCER, id="in-a-text"),
        pytest.param("-1", PRODUCER, id="before-the-start"),
        pytest.param("", PRODUCER, id="nowhere"),
        pytest.param("9999999999", PRODUCER, id="far-away"),
        pytest.param("x", PRODUCER, id="no-number"),
        pytest.param("8", "", id="nothing"),
        pytest.param("8", PRODUCER + PRODUCER, id="two"),
        pytest.param("8", '<Producer xmlns="urn:other"/>', id="of-another-form"),
    ],
)
def test_a_part_without_a_place_is_told(at: str, content: str) -> None:
    (finding,) = refused(with_extension(at, content))

    assert finding.path == ("/CertificateOfOrigin/UBLExtensions/UBLExtension/ExtensionContent/Rest/Part")


def test_extensions_of_others_are_left_alone() -> None:
    document = with_extension("8", "")
    for element in document.iter("{urn:eco-gateway:ubl:1.0}*"):
        element.tag = f"{{urn:other}}{etree.QName(element).localname}"

    certificate, _ = dialect().read(document, forms())

    assert certificate.find("{*}Producer") is None


# ---- the stylesheets have no access ----------------------------------------------------------------------


def registry_with(folder: Path, file: str, body: str) -> Folder:
    """The shipped registry, with a stylesheet of an installation laid over it."""
    path = folder / file
    path.parent.mkdir(parents=True)
    path.write_text(f'<xsl:stylesheet version="1.0" xmlns:xsl="{XSL}">{body}</xsl:stylesheet>', "utf-8")
    return Folder((SHIPPED, folder))


@pytest.mark.parametrize("reach", ["document('{}')", "document('http://127.0.0.1:9/x.xml')"])
def test_a_stylesheet_reads_no_file_and_no_address(tmp_path: Path, reach: str) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<secret>hidden</secret>", "utf-8")
    select = reach.format(secret.as_uri())
    body = f'<xsl:template match="/"><x><xsl:value-of select="{select}"/></x></xsl:template>'
    reaching = UblDialect(registry_with(tmp_path / "own", FROM_UBL, body))

    with pytest.raises(ContentRefused) as caught:
        reaching.read(foreign(), forms())

    assert "hidden" not in str(caught.value.findings)


def test_a_stylesheet_writes_no_file(tmp_path: Path) -> None:
    goal = tmp_path / "written.xml"
    body = (
        '<xsl:template match="/"><e:document xmlns:e="http://exslt.org/common" '
        f'href="{goal}"><x/></e:document></xsl:template>'
    )
    writing = UblDialect(registry_with(tmp_path / "own", TO_UBL, body))

    with pytest.raises(ContentRefused):
        writing.write(written(a_record(RCEP)), forms()[RCEP])

    assert not goal.exists()


def test_a_stylesheet_that_says_something_else_is_found_out(tmp_path: Path) -> None:
    shipped = (SHIPPED / TO_UBL).read_text("utf-8")
    path = tmp_path / TO_UBL
    path.parent.mkdir(parents=True)
    path.write_text(shipped.replace('select="ImportingCountry"', "select=\"'XX'\""), "utf-8")
    lying = UblDialect(Folder((SHIPPED, tmp_path)))

    with pytest.raises(ContentRefused, match="something else"):
        lying.write(written(a_record(RCEP)), forms()[RCEP])


def test_a_stylesheet_that_does_not_compile_is_told_at_the_start(tmp_path: Path) -> None:
    folder = registry_with(tmp_path, FROM_UBL, "<xsl:nonsense/>")

    with pytest.raises(Misconfigured, match=FROM_UBL):
        UblDialect(folder)


def test_a_registry_without_the_files_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        UblDialect(Folder((tmp_path,)))

    assert {fault.file for fault in caught.value.faults} == {TO_UBL, FROM_UBL}
