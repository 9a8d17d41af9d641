"""An acknowledgement goes through UBL's ApplicationResponse and comes back as it went in."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

import pytest
from hypothesis import given, settings
from lxml import etree

from gateway.domain.acknowledgement import Acknowledgement
from gateway.domain.errors import ContentRefused, Finding, Severity
from gateway.domain.ids import CertificateNumber, MessageId
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome
from gateway.domain.xml import read_xml
from gateway.registry.folder import SHIPPED
from gateway.translate.ubl.names import CERTIFICATE, cbc
from tests.data.ubl import dialect, travelled
from tests.unit.acknowledge.made import acknowledgements

MAINDOC = SHIPPED / "schemas/ubl/2.1/maindoc/UBL-ApplicationResponse-2.1.xsd"
AT = datetime(2026, 11, 21, 21, 34, 40, 123000, UTC)


@lru_cache
def oasis() -> etree.XMLSchema:
    """The XSD of OASIS, compiled without any of our code."""
    return etree.XMLSchema(etree.parse(MAINDOC))


def rejected() -> Acknowledgement:
    return Acknowledgement(
        certificate_number=CertificateNumber("VN-TH 26/02/00006"),
        ref_to_message_id=MessageId("m-1@vn.moit"),
        outcome=AcknowledgementOutcome.REJECTED,
        by=AcknowledgedBy.GATEWAY,
        at=AT,
        findings=(Finding(code="C04", text="FobValue is missing", path="/CertificateOfOrigin", line=7),),
    )


def response(find: str = "", put: str = "") -> etree._Element:
    """Our response to a rejected certificate, with every *find* replaced."""
    text = etree.tostring(dialect().write_acknowledgement(rejected()), encoding="unicode")
    assert find in text
    return read_xml(text.replace(find, put).encode())


def refused(document: etree._Element) -> tuple[Finding, ...]:
    with pytest.raises(ContentRefused) as caught:
        dialect().read_acknowledgement(document)
    return caught.value.findings


@settings(deadline=None)
@given(acknowledgements)
def test_an_acknowledgement_comes_back_as_it_went_in(body: Acknowledgement) -> None:
    sent = travelled(dialect().write_acknowledgement(body))

    assert dialect().speaks(sent)
    assert dialect().read_acknowledgement(sent) == body


@settings(deadline=None)
@given(acknowledgements)
def test_what_is_written_fits_the_schema_of_oasis(body: Acknowledgement) -> None:
    sent = travelled(dialect().write_acknowledgement(body))

    assert oasis().validate(sent), oasis().error_log


def test_a_finding_comes_back_with_all_its_details() -> None:
    whole = Finding(
        code="W02",
        text="Two\nlines",
        severity=Severity.WARNING,
        box="9",
        path="/CertificateOfOrigin/Items/Item[2]/HarmonizedSystemCode",
        line=42,
        value="61091000",
        action="Nothing.",
        step=3,
    )
    body = dataclasses.replace(rejected(), findings=(whole,))

    assert dialect().read_acknowledgement(travelled(dialect().write_acknowledgement(body))).findings == (
        whole,
    )


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        pytest.param(AcknowledgementOutcome.ACCEPTED, "AP", id="accepted"),
        pytest.param(AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS, "CA", id="conditionally"),
        pytest.param(AcknowledgementOutcome.REJECTED, "RE", id="rejected"),
    ],
)
def test_an_outcome_is_a_code_of_edifact_4343(outcome: AcknowledgementOutcome, code: str) -> None:
    body = dataclasses.replace(rejected(), outcome=outcome)

    sent = dialect().write_acknowledgement(body)

    assert [element.text for element in sent.iter(cbc("ResponseCode"))] == [code]


def test_characters_that_xml_cannot_carry_are_replaced() -> None:
    body = dataclasses.replace(rejected(), findings=(Finding(code="S02", text="a\x00b", value="\ud800"),))

    (finding,) = dialect().read_acknowledgement(travelled(dialect().write_acknowledgement(body))).findings

    assert (finding.text, finding.value) == ("a\ufffdb", "\ufffd")


# ---- responses of others ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "at"),
    [
        pytest.param("21:34:40", AT.replace(microsecond=0), id="without-a-zone"),
        pytest.param("21:34:40.5Z", AT.replace(microsecond=500_000), id="a-part-of-a-second"),
        pytest.param(
            "21:34:40+07:00",
            AT.replace(microsecond=0, tzinfo=timezone(timedelta(hours=7))),
            id="in-another-zone",
        ),
    ],
)
def test_the_time_of_others_is_understood(time: str, at: datetime) -> None:
    assert dialect().read_acknowledgement(response("21:34:40.123Z", time)).at == at


def test_reasons_in_words_and_by_line_are_shown_without_a_code() -> None:
    description = "</cbc:ResponseCode><cbc:Description>No such importer</cbc:Description>"
    line = (
        "<cac:LineResponse><cac:LineReference><cbc:LineID>2</cbc:LineID></cac:LineReference>"
        "<cac:Response><cbc:Description>Not this item</cbc:Description></cac:Response></cac:LineResponse>"
        "</cac:DocumentResponse>"
    )
    text = etree.tostring(response("</cbc:ResponseCode>", description), encoding="unicode")
    document = read_xml(text.replace("</cac:DocumentResponse>", line).encode())

    found = dialect().read_acknowledgement(document).findings

    assert [(finding.code, finding.text) for finding in found] == [
        ("C04", "FobValue is missing"),
        ("", "No such importer"),
        ("", "Not this item"),
    ]


def test_a_detail_that_we_do_not_know_or_that_is_no_number_is_left_out() -> None:
    document = response("<cbc:Description>7</cbc:Description>", "<cbc:Description>seven</cbc:Description>")

    (finding,) = dialect().read_acknowledgement(document).findings

    assert finding.line is None


def test_a_preference_certificate_is_a_certificate_too() -> None:
    assert (
        dialect().read_acknowledgement(response(">861<", ">864<")).certificate_number == "VN-TH 26/02/00006"
    )


@pytest.mark.parametrize(
    ("find", "put", "path"),
    [
        pytest.param(">RE<", ">AB<", "DocumentResponse/Response/ResponseCode", id="outcome-unknown"),
        pytest.param(
            '<cbc:ResponseCode listID="UNCL4343">RE</cbc:ResponseCode>',
            "",
            "DocumentResponse/Response/ResponseCode",
            id="no-outcome",
        ),
        pytest.param("<cbc:IssueTime>21:34:40.123Z</cbc:IssueTime>", "", "IssueTime", id="no-time"),
        pytest.param("2026-11-21", "12026-11-21", "IssueTime", id="a-year-of-five-digits"),
        pytest.param(
            "<cbc:ID>m-1@vn.moit</cbc:ID>",
            "<cbc:ID>m-1</cbc:ID>",
            "DocumentResponse/DocumentReference/ID",
            id="no-id",
        ),
        pytest.param("acknowledged-by", "gln", "SenderParty/PartyIdentification/ID", id="in-what-capacity"),
        pytest.param(">gateway<", ">somebody<", "SenderParty/PartyIdentification/ID", id="capacity-unknown"),
    ],
)
def test_what_a_response_does_not_say_is_told(find: str, put: str, path: str) -> None:
    (finding,) = refused(response(find, put))

    assert (finding.code, finding.path) == ("S02", f"/ApplicationResponse/{path}")


def test_a_response_to_a_certificate_alone_does_not_say_which_message() -> None:
    document = response("<cac:DocumentReference><cbc:ID>m-1@vn.moit</cbc:ID></cac:DocumentReference>", "")

    (finding,) = refused(document)

    assert finding.path == "/ApplicationResponse/DocumentResponse/DocumentReference/ID"


def test_all_that_is_not_said_is_told_at_once() -> None:
    text = etree.tostring(response(">RE<", ">AB<"), encoding="unicode")

    assert len(refused(read_xml(text.replace(">gateway<", ">x<").encode()))) == 2


def test_a_response_to_no_document_is_refused() -> None:
    document = response()
    for answer in document.findall("{*}DocumentResponse"):
        document.remove(answer)

    (finding,) = refused(document)

    assert finding.path == "/ApplicationResponse/DocumentResponse"


def test_what_does_not_fit_the_schema_of_oasis_is_refused() -> None:
    (finding,) = refused(response("<cbc:IssueDate>2026-11-21</cbc:IssueDate>", ""))

    assert "IssueDate" in finding.text


def test_a_certificate_is_no_response() -> None:
    (finding,) = refused(etree.Element(f"{{{CERTIFICATE}}}CertificateOfOrigin"))

    assert finding.text == "The root element is CertificateOfOrigin, not ApplicationResponse of UBL 2.1."
