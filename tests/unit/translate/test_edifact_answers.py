"""Acknowledgements as APERAK and CONTRL, customs responses as CUSRES, cancellations as SANCRT; and back."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.acknowledge.bodies import (
    Cancellation,
    CustomsResponse,
    read_body,
    write_body,
)
from gateway.domain.acknowledgement import Acknowledgement
from gateway.domain.errors import ContentRefused, Finding, Severity
from gateway.domain.ids import CertificateNumber, MessageId
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome, CustomsOutcome
from gateway.store.records import CustomsEntry
from gateway.translate.edifact.carried import unwrap
from gateway.translate.edifact.envelope import Envelope
from tests.unit.translate.edifact_shipped import (
    SANCRT,
    a_certificate,
    canonical,
    dialect,
    examined,
    segments_of,
)
from tests.unit.translate.schema_documents import tokens

REFERENCE = MessageId("abc@vn.moit")
AT = datetime(2026, 11, 21, 10, 11, 12, tzinfo=UTC)
REFUSED = Acknowledgement(
    certificate_number=CertificateNumber("VN-TH 26/02/00006"),
    ref_to_message_id=REFERENCE,
    outcome=AcknowledgementOutcome.REJECTED,
    by=AcknowledgedBy.GATEWAY,
    at=AT,
    findings=(
        Finding(
            code="C04",
            text="FOB value is missing.",
            box="9",
            path="/CertificateOfOrigin/Items/Item[2]/FobValue",
            line=31,
            value="RVC",
            action="Give it.",
        ),
        Finding(code="W01", text="Not asked.", severity=Severity.WARNING, step=3),
    ),
)

names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=120)
references = st.builds("{}@{}".format, names, names).map(MessageId)
numbers = tokens(1, 80).map(CertificateNumber)
words = tokens(1, 3000)
days = st.dates(date(1900, 1, 1))
instants = st.integers(-2_208_000_000_000_000, 32_000_000_000_000_000).map(
    lambda at: datetime.fromtimestamp(0, timezone(timedelta(hours=7))) + timedelta(microseconds=at)
)
findings = st.builds(
    Finding,
    code=st.from_regex("[TSGDCBW][0-9]{2}", fullmatch=True),
    text=words,
    severity=st.sampled_from(Severity),
    box=st.none() | tokens(1, 10),
    path=st.none() | tokens(1, 600),
    line=st.none() | st.integers(1, 999_999_999),
    value=st.none() | tokens(1, 200),
    action=st.none() | words,
    step=st.none() | st.integers(1, 99),
)
acknowledgements = st.builds(
    Acknowledgement,
    certificate_number=st.none() | numbers,
    ref_to_message_id=references,
    outcome=st.sampled_from(AcknowledgementOutcome),
    by=st.sampled_from(AcknowledgedBy),
    at=instants,
    findings=st.lists(findings, max_size=4).map(tuple),
)
entries = st.builds(
    CustomsEntry,
    item=st.integers(1, 99999),
    outcome=st.sampled_from(CustomsOutcome),
    date=days,
    quantity=st.none() | st.decimals(0, 9_999_999_999, places=6),
    unit=st.just("KGM"),
    declaration=st.none() | tokens(1, 60),
    reason=st.none() | words,
    legal_basis=st.none() | words,
).map(lambda entry: entry if entry.quantity is not None else _without_unit(entry))
responses = st.builds(
    CustomsResponse,
    certificate_number=numbers,
    ref_to_message_id=references,
    entries=st.lists(entries, min_size=1, max_size=4).map(tuple),
    office=st.none() | tokens(1, 300),
)
cancellations = st.builds(
    Cancellation,
    certificate_number=numbers,
    ref_to_message_id=references,
    reason=words,
    replaced_by=st.none() | numbers,
)


def _without_unit(entry: CustomsEntry) -> CustomsEntry:
    return CustomsEntry(
        item=entry.item,
        outcome=entry.outcome,
        date=entry.date,
        declaration=entry.declaration,
        reason=entry.reason,
        legal_basis=entry.legal_basis,
    )


def refusal(run: Callable[[], object]) -> str:
    with pytest.raises(ContentRefused) as caught:
        run()
    return caught.value.findings[0].text


# ---- APERAK ----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(acknowledgements)
def test_any_acknowledgement_comes_back_as_it_went(body: Acknowledgement) -> None:
    assert dialect().read_acknowledgement(dialect().write_acknowledgement(body)) == body


@settings(max_examples=20, deadline=None)
@given(acknowledgements)
def test_an_answer_in_latin_1_is_never_left_out_for_its_letters(body: Acknowledgement) -> None:
    back = dialect().read_acknowledgement(dialect("UNOC").write_acknowledgement(body))

    assert (back.outcome, back.at, len(back.findings)) == (body.outcome, body.at, len(body.findings))


def test_a_refusal_is_an_error_message_with_a_finding_a_group() -> None:
    octets = unwrap(dialect("UNOC").write_acknowledgement(REFUSED))

    assert segments_of(octets)[1:] == [
        "UNH+1+APERAK:D:01B:UN:ECO1",
        "BGM+313++11+RE",
        "DTM+137:20261121101112:204",
        "DOC+861+VN-TH 26/02/00006",
        "RFF+ACW:abc@vn.moit",
        "NAD+MS+GATEWAY:ECO-BY:ZZZ",
        "ERC+C04:ECO-FINDING:ZZZ",
        "FTX+AAO++ERROR:ECO-SEVERITY:ZZZ+FOB value is missing.",
        "RFF+AWL",
        "FTX+ACB++PATH+/CertificateOfOrigin/Items/Item[2]/FobValue",
        "FTX+ACB++LINE+31",
        "FTX+ACB++BOX+9",
        "FTX+AED+++RVC",
        "FTX+ACB++ACTION+Give it.",
        "ERC+W01:ECO-FINDING:ZZZ",
        "FTX+AAO++WARNING:ECO-SEVERITY:ZZZ+Not asked.",
        "RFF+AWL",
        "FTX+ACB++STEP+3",
        "UNT+19+1",
        segments_of(octets)[-1],
    ]


@pytest.mark.parametrize(
    ("outcome", "begins"),
    [
        pytest.param(AcknowledgementOutcome.ACCEPTED, "BGM+312++11+AP", id="accepted"),
        pytest.param(AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS, "BGM+312++11+CA", id="with-warnings"),
        pytest.param(AcknowledgementOutcome.REJECTED, "BGM+313++11+RE", id="rejected"),
    ],
)
def test_the_outcome_is_the_response_type(outcome: AcknowledgementOutcome, begins: str) -> None:
    body = Acknowledgement(
        certificate_number=None,
        ref_to_message_id=REFERENCE,
        outcome=outcome,
        by=AcknowledgedBy.GATEWAY,
        at=AT,
    )

    assert segments_of(unwrap(dialect().write_acknowledgement(body)))[2] == begins


def test_an_answer_goes_to_the_party_that_coined_the_message() -> None:
    octets = unwrap(dialect().write_acknowledgement(REFUSED))

    assert segments_of(octets)[0].startswith("UNB+UNOW:4+UNKNOWN+VN.MOIT+20261121:1011+")


def test_an_answer_goes_where_its_envelope_says() -> None:
    envelope = Envelope(sender="TH.CUSTOMS", recipient="VN.MOIT", reference="7")

    octets = unwrap(dialect().write_acknowledgement(REFUSED, envelope=envelope))

    assert segments_of(octets)[0] == "UNB+UNOW:4+TH.CUSTOMS+VN.MOIT+19700101:0000+7"


@pytest.mark.parametrize(
    ("find", "put", "told"),
    [
        pytest.param("RFF+ACW:abc@vn.moit'", "RFF+ACW:abc'", "not a message id", id="no-id"),
        pytest.param("+11+RE'", "+11'", "Outcome is missing", id="no-outcome"),
        pytest.param("+RE'", "+XX'", "'XX' is not in acknowledgement-outcomes", id="unknown-outcome"),
        pytest.param(":204'", ":999'", "no moment in the format '999'", id="unknown-format"),
    ],
)
def test_an_aperak_that_says_no_acknowledgement_is_refused(find: str, put: str, told: str) -> None:
    octets = unwrap(dialect().write_acknowledgement(REFUSED)).decode()
    assert find in octets

    assert told in refusal(lambda: dialect().read_acknowledgement(carried(octets.replace(find, put))))


def carried(text: str) -> etree._Element:
    document = dialect().write(*a_certificate())
    document.text = b64encode(text.encode()).decode()
    return document


# ---- CONTRL ----------------------------------------------------------------------------------------------

BROKEN = SANCRT.replace("UNT+27", "UNT+2").replace("LOC+35", "LOC+35355")


def test_what_is_unsound_as_edifact_is_refused_by_contrl() -> None:
    answer = dialect().write_acknowledgement(REFUSED, about=carried(BROKEN))

    assert segments_of(unwrap(answer))[1:-2] == [
        "UNH+1+CONTRL:4:1:UN",
        "UCI+REF7+ID+VN+7",
        "UCM+1+SANCRT:D:01B:UN+4+29+UNT+2",
        "UCS+4",
        "UCD+39+2",
    ]


def test_contrl_of_syntax_version_three_has_its_own_form() -> None:
    answer = dialect("UNOC").write_acknowledgement(REFUSED, about=carried(BROKEN))

    assert segments_of(unwrap(answer))[1] == "UNH+1+CONTRL:D:3:UN"
    assert examined(unwrap(answer)).faults == []


def test_what_is_sound_as_edifact_is_refused_by_aperak() -> None:
    answer = dialect().write_acknowledgement(REFUSED, about=carried(SANCRT))

    assert dialect().read_acknowledgement(answer) == REFUSED


def test_contrl_is_read_into_findings_at_the_same_places() -> None:
    answer = dialect().write_acknowledgement(REFUSED, about=carried(BROKEN))

    back = dialect().read_acknowledgement(answer, REFERENCE, REFUSED.certificate_number)

    assert (back.outcome, back.by) == (AcknowledgementOutcome.REJECTED, AcknowledgedBy.GATEWAY)
    assert (back.ref_to_message_id, back.certificate_number) == (REFERENCE, REFUSED.certificate_number)
    assert {finding.path for finding in back.findings} == {
        "/Interchange/Message[1]/Element[1]",
        "/Interchange/Message[1]/Segment[4]/Element[1]",
    }
    assert "Control count does not match" in back.findings[0].text
    assert "Data element too long: message 1 segment 4 data element 1" in back.findings[1].text


def test_contrl_about_a_sound_interchange_accepts_it() -> None:
    answer = carried(dialect().contrl(SANCRT.encode()).decode())

    back = dialect().read_acknowledgement(answer, REFERENCE)

    assert (back.outcome, back.findings) == (AcknowledgementOutcome.ACCEPTED, ())


def test_contrl_about_the_interchange_as_a_whole_is_read_too() -> None:
    answer = carried(dialect().contrl(b"garbage").decode())

    (finding,) = dialect().read_acknowledgement(answer, REFERENCE).findings

    assert (finding.code, finding.path, finding.value) == ("S01", "/Interchange", "UNB")


def test_contrl_needs_to_be_told_what_it_is_about() -> None:
    answer = dialect().write_acknowledgement(REFUSED, about=carried(BROKEN))

    assert "the header must" in refusal(lambda: dialect().read_acknowledgement(answer))


# ---- CUSRES and cancellations ----------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(responses)
def test_any_customs_response_comes_back_as_it_went(body: CustomsResponse) -> None:
    document = write_body(body)

    back = dialect().read_customs_response(dialect().write_customs_response(document))

    assert canonical(back) == canonical(document)


@settings(max_examples=20, deadline=None)
@given(cancellations)
def test_any_cancellation_comes_back_as_it_went(body: Cancellation) -> None:
    document = write_body(body)

    back = dialect().read_cancellation(dialect().write_cancellation(document))

    assert canonical(back) == canonical(document)


def test_a_cancellation_is_a_certificate_with_the_function_one() -> None:
    body = Cancellation(
        certificate_number=CertificateNumber("A-1"), ref_to_message_id=REFERENCE, reason="Lost"
    )

    octets = unwrap(dialect().write_cancellation(write_body(body)))

    assert segments_of(octets)[1:-2] == [
        "UNH+1+SANCRT:D:01B:UN:ECO1",
        "BGM+861+A-1+1",
        "RFF+ACW:abc@vn.moit",
        "FTX+ACD+++Lost",
    ]


def test_a_certificate_is_no_cancellation() -> None:
    assert "not 1, cancellation" in refusal(lambda: dialect().read_cancellation(carried(SANCRT)))


def test_a_certificate_is_no_customs_response() -> None:
    assert "not CUSRES.D.01B" in refusal(lambda: dialect().read_customs_response(carried(SANCRT)))


def test_an_interchange_with_two_answers_is_refused() -> None:
    octets = unwrap(dialect().write_acknowledgement(REFUSED)).decode()
    message = octets[octets.index("UNH") : octets.index("UNZ")]
    two = octets.replace(message, message + message.replace("UNH+1", "UNH+2").replace("+19+1'", "+19+2'"))

    text = refusal(lambda: dialect().read_acknowledgement(carried(two.replace("UNZ+1", "UNZ+2"))))

    assert "2 messages are in one interchange" in text


def test_a_response_that_latin_1_does_not_hold_is_refused() -> None:
    body = CustomsResponse(
        certificate_number=CertificateNumber("A-1"),
        ref_to_message_id=REFERENCE,
        entries=(CustomsEntry(item=1, outcome=CustomsOutcome.UTILISED, date=AT.date(), reason="ใช้แล้ว"),),
    )

    assert "cannot be written in ISO 8859-1" in refusal(
        lambda: dialect("UNOC").write_customs_response(write_body(body))
    )
    assert (
        read_body(dialect().read_customs_response(dialect().write_customs_response(write_body(body)))) == body
    )
