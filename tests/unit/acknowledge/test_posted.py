from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.acknowledge.bodies import (
    TYPES,
    Acknowledgement,
    Attachment,
    Body,
    Cancellation,
    CustomsResponse,
    Ping,
    RetransmissionRequest,
    StatusQuery,
    StatusReply,
    VerificationKind,
    VerificationReply,
    VerificationRequest,
    VerificationResult,
    write_body,
)
from gateway.acknowledge.posted import MOST_ATTACHED, MOST_FINDINGS, POSTABLE, body_from_json, pointer
from gateway.acknowledge.schema import ExchangeSchema
from gateway.acknowledge.shown import body_to_json
from gateway.domain.errors import ContentRefused, Finding, Severity
from gateway.domain.ids import CertificateNumber
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    MessageType,
)
from tests.unit.acknowledge.made import (
    acknowledgements,
    cancellations,
    customs_responses,
    retransmission_requests,
    status_queries,
    verification_replies,
    verification_requests,
    verification_results,
)
from tests.unit.acknowledge.samples import ENTRY, ID, NOW, NUMBER, entry, printed

SCHEMA = ExchangeSchema(ENTRY)
ITEM: dict[str, Any] = {"no": 1, "outcome": "utilised"}


def posted(verb: MessageType, content: Any, number: CertificateNumber | None = NUMBER) -> Body:
    return body_from_json(verb, content, certificate_number=number, ref_to_message_id=ID, at=NOW)


def faults(verb: MessageType, content: Any) -> dict[str | None, str]:
    with pytest.raises(ContentRefused) as caught:
        posted(verb, content)
    assert {finding.code for finding in caught.value.findings} == {"S02"}
    return {finding.path: finding.text for finding in caught.value.findings}


def test_an_acknowledgement_is_the_national_systems() -> None:
    finding = {"code": "B01", "severity": "error", "box": "8", "text": "not what was described"}

    body = posted(MessageType.ACKNOWLEDGEMENT, {"outcome": "rejected", "findings": [finding]})

    assert body == Acknowledgement(
        certificate_number=NUMBER,
        ref_to_message_id=ID,
        outcome=AcknowledgementOutcome.REJECTED,
        by=AcknowledgedBy.NATIONAL_SYSTEM,
        at=NOW,
        findings=(Finding(code="B01", text="not what was described", box="8"),),
    )


@pytest.mark.parametrize(
    ("outcome", "code", "severity"),
    [
        ("rejected", "B01", Severity.ERROR),
        ("rejected", "W05", Severity.WARNING),
        ("accepted_with_warnings", "B01", Severity.WARNING),
    ],
)
def test_a_finding_without_severity_is_as_grave_as_its_outcome(
    outcome: str, code: str, severity: Severity
) -> None:
    content = {"outcome": outcome, "findings": [{"code": code, "text": "x"}]}

    body = posted(MessageType.ACKNOWLEDGEMENT, content)

    assert isinstance(body, Acknowledgement)
    assert body.findings[0].severity is severity


def test_an_acknowledgement_may_be_about_no_certificate() -> None:
    body = posted(MessageType.ACKNOWLEDGEMENT, {"outcome": "accepted"}, None)

    assert isinstance(body, Acknowledgement)
    assert (body.certificate_number, body.findings) == (None, ())


def test_a_customs_response_tells_items() -> None:
    item = {
        "no": 2,
        "outcome": "preference_denied",
        "quantity": {"value": 12.5, "unit": "KGM"},
        "declaration": " A1 ",
        "date": "2026-12-03",
        "reason": "woven, not knitted",
        "legal_basis": "RCEP Article 3.25",
    }

    body = posted(MessageType.CUSTOMS_RESPONSE, {"items": [item], "office": "Laem Chabang"})

    assert isinstance(body, CustomsResponse)
    assert body.office == "Laem Chabang"
    (told,) = body.entries
    assert (told.item, told.outcome) == (2, CustomsOutcome.PREFERENCE_DENIED)
    assert (told.quantity, told.unit) == (Decimal("12.5"), "KGM")
    assert (told.declaration, told.date) == ("A1", date(2026, 12, 3))
    assert (told.reason, told.legal_basis) == ("woven, not knitted", "RCEP Article 3.25")


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(ITEM, id="left-out"),
        pytest.param(
            {**ITEM, "quantity": None, "declaration": None, "date": None, "reason": None}, id="null"
        ),
        pytest.param({**ITEM, "declaration": " ", "reason": "", "legal_basis": "\n"}, id="blank"),
    ],
)
def test_what_an_item_does_not_say_is_none_and_it_happened_today(item: dict[str, Any]) -> None:
    body = posted(MessageType.CUSTOMS_RESPONSE, {"items": [item]})

    assert isinstance(body, CustomsResponse)
    assert body.entries == (entry(1, CustomsOutcome.UTILISED),)
    assert body.entries[0].date == NOW.date()


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (1, "1"),
        (0, "0"),
        (1200, "1200"),
        (740.6999999999999, "740.7"),
        (0.1 + 0.2, "0.3"),
        (Decimal("12.3456789"), "12.345679"),
        (9999999999999999, "9999999999999999"),
        (1e15, "1000000000000000"),
    ],
)
def test_a_number_is_taken_to_six_places(value: object, amount: str) -> None:
    item = {**ITEM, "quantity": {"value": value, "unit": "KGM"}}

    body = posted(MessageType.CUSTOMS_RESPONSE, {"items": [item]})

    assert isinstance(body, CustomsResponse)
    assert body.entries[0].quantity == Decimal(amount)


@pytest.mark.parametrize(
    "value",
    [-1, -0.1, True, "5", None, [], 10**16, 1e300, float("inf"), float("nan"), Decimal("12345678901.123456")],
)
def test_a_quantity_that_is_none_is_refused(value: object) -> None:
    item = {**ITEM, "quantity": {"value": value, "unit": "KGM"}}

    assert list(faults(MessageType.CUSTOMS_RESPONSE, {"items": [item]})) == ["/items/0/quantity/value"]


def test_every_fault_is_told_at_once_with_its_place() -> None:
    content = {
        "items": [
            {
                "no": "1",
                "outcome": "maybe",
                "quantity": {"value": "much", "unt": "KGM"},
                "date": "2026-02-30",
            },
            {"no": 0, "outcom": "utilised", "quantity": 5, "date": "today"},
            7,
            {**ITEM, "reason": "\x01", "declaration": 5},
            {**ITEM, "quantity": {"value": 1, "unit": "kilogram"}},
        ],
        "zzz": 1,
    }

    assert faults(MessageType.CUSTOMS_RESPONSE, content) == {
        "/items/0/no": "no: must be a valid integer",
        "/items/0/outcome": "outcome: must be one of 'utilised', 'partially_utilised', 'preference_denied', "
        "'under_verification', 'not_utilised'",
        "/items/0/quantity/value": "value: must be a number",
        "/items/0/quantity/unit": "unit: is missing",
        "/items/0/quantity/unt": "unt: is not known here; did you mean unit?",
        "/items/0/date": "date: is no day of the calendar",
        "/items/1/no": "no: must be greater than or equal to 1",
        "/items/1/outcome": "outcome: is missing",
        "/items/1/outcom": "outcom: is not known here; did you mean outcome?",
        "/items/1/quantity": "quantity: must be an object",
        "/items/1/date": "date: must be a day, written YYYY-MM-DD",
        "/items/2": "2: must be an object",
        "/items/3/reason": "reason: holds a control character that XML cannot carry",
        "/items/3/declaration": "declaration: must be a text",
        "/items/4/quantity/unit": "unit: must be a common code of UNECE Recommendation 20",
        "/zzz": "zzz: is not known here",
    }


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, {"/": "the body: must be an object"}),
        ([], {"/": "the body: must be an object"}),
        ({}, {"/items": "items: is missing"}),
        ({"items": []}, {"/items": "items: must not be empty"}),
        ({"items": {}}, {"/items": "items: must be a list"}),
    ],
)
def test_a_body_of_another_shape_is_told_in_words(content: object, told: dict[str, str]) -> None:
    assert faults(MessageType.CUSTOMS_RESPONSE, content) == told


def test_the_value_that_was_wrong_is_told() -> None:
    with pytest.raises(ContentRefused) as caught:
        posted(MessageType.ACKNOWLEDGEMENT, {"outcome": "x" * 500, "findings": {"a": 1}})

    assert [finding.value for finding in caught.value.findings] == ["x" * 200, None]


def test_at_most_fifty_faults_are_told() -> None:
    with pytest.raises(ContentRefused) as caught:
        posted(MessageType.CUSTOMS_RESPONSE, {"items": [7] * 60})

    assert len(caught.value.findings) == MOST_FINDINGS


def test_a_finding_needs_a_code_of_the_catalogue_and_words() -> None:
    content = {
        "outcome": "rejected",
        "findings": [{"code": "X1", "text": " ", "severity": "dire", "line": 0}],
    }

    assert faults(MessageType.ACKNOWLEDGEMENT, content) == {
        "/findings/0/code": "code: must be a code of the exception catalogue, a letter and two digits",
        "/findings/0/text": "text: must not be empty",
        "/findings/0/severity": "severity: must be one of 'error', 'warning'",
        "/findings/0/line": "line: must be greater than or equal to 1",
    }


def test_a_file_needs_a_name_a_type_and_base64() -> None:
    content = {
        "kind": "visit",
        "attachments": [{"name": "../x", "type": "PDF", "content": "?"}, {"content": 5}],
    }

    assert faults(MessageType.VERIFICATION_REQUEST, content) == {
        "/attachments/0/name": "name: must be a file name without a path",
        "/attachments/0/type": "type: must be a media type such as application/pdf",
        "/attachments/0/content": "content: must be a file in Base64",
        "/attachments/1/name": "name: is missing",
        "/attachments/1/type": "type: is missing",
        "/attachments/1/content": "content: must be a file in Base64",
    }


@pytest.mark.parametrize(
    ("verb", "content"),
    [
        (MessageType.CUSTOMS_RESPONSE, {"items": [ITEM]}),
        (MessageType.CANCELLATION, {"reason": "x"}),
        (MessageType.VERIFICATION_REQUEST, {"kind": "visit"}),
        (MessageType.VERIFICATION_REPLY, {"kind": "visit"}),
        (MessageType.VERIFICATION_RESULT, {"kind": "visit", "conclusion": "x"}),
    ],
)
def test_what_needs_a_certificate_is_refused_without_one(verb: MessageType, content: Any) -> None:
    with pytest.raises(ContentRefused) as caught:
        posted(verb, content, None)

    assert caught.value.code == "D03"


def test_what_the_gateway_writes_by_itself_is_not_posted() -> None:
    assert set(MessageType) - POSTABLE == {
        MessageType.CERTIFICATE,
        MessageType.STATUS_REPLY,
        MessageType.PING,
    }


postable = st.one_of(
    acknowledgements,
    customs_responses,
    cancellations,
    retransmission_requests,
    status_queries,
    verification_requests,
    verification_replies,
    verification_results,
).filter(lambda body: body.ref_to_message_id is not None)


@given(postable)
def test_what_is_shown_as_json_and_posted_again_is_the_same(body: Any) -> None:
    content = json.loads(json.dumps(body_to_json(body)))

    again = body_from_json(
        TYPES[type(body)],
        content,
        certificate_number=body.certificate_number,
        ref_to_message_id=body.ref_to_message_id,
        at=body.at if isinstance(body, Acknowledgement) else NOW,
    )

    if isinstance(body, Acknowledgement):
        assert isinstance(again, Acknowledgement)
        assert (again.outcome, again.findings, again.at) == (body.outcome, body.findings, body.at)
    else:
        assert again == body


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["items", "no", "outcome", "kind"]), inner)
    ),
    max_leaves=8,
)
nearly = st.fixed_dictionaries(
    {},
    optional={
        "no": st.integers(-1, 10**6) | json_values,
        "outcome": st.sampled_from(CustomsOutcome).map(str) | json_values,
        "quantity": st.none()
        | st.fixed_dictionaries(
            {"value": st.integers() | st.floats() | st.text(), "unit": st.sampled_from(["KGM", "kg", ""])}
        ),
        "declaration": st.none() | st.text(),
        "date": st.none() | st.dates().map(str) | st.text(),
        "reason": st.none() | st.text(),
    },
)


@given(st.lists(nearly | json_values, max_size=3))
def test_whatever_is_posted_is_refused_with_findings_or_fits_the_schema(items: list[Any]) -> None:
    try:
        body = posted(MessageType.CUSTOMS_RESPONSE, {"items": items})
    except ContentRefused as refused:
        fits = bool(refused.findings)
    else:
        fits = SCHEMA.judge(printed(write_body(body)), MessageType.CUSTOMS_RESPONSE) == ()

    assert fits


@pytest.mark.parametrize("verb", sorted(POSTABLE))
@given(json_values)
def test_nothing_that_is_posted_breaks_the_reading(verb: MessageType, content: Any) -> None:
    with suppress(ContentRefused):
        posted(verb, content)


def test_a_pointer_escapes_what_it_must() -> None:
    assert pointer("a/b", 0, "~") == "/a~1b/0/~0"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (RetransmissionRequest(), {}),
        (StatusQuery(reason="why"), {"reason": "why"}),
        (Ping(), {}),
        (Ping(note="hello"), {"note": "hello"}),
        (StatusReply(life=CertificateLife.EXPIRED), {"life": "expired", "items": []}),
        (
            StatusReply(
                life=CertificateLife.IN_FORCE,
                delivery=DeliveryStatus.DELIVERED,
                acknowledgement=AcknowledgementOutcome.ACCEPTED,
                entries=(entry(1, quantity="400", unit="H87", declaration="A1"),),
            ),
            {
                "life": "in_force",
                "delivery": "delivered",
                "acknowledgement": "accepted",
                "items": [
                    {
                        "no": 1,
                        "outcome": "partially_utilised",
                        "quantity": {"value": 400, "unit": "H87"},
                        "declaration": "A1",
                        "date": "2026-11-21",
                    }
                ],
            },
        ),
        (Cancellation(certificate_number=NUMBER, ref_to_message_id=ID, reason="x"), {"reason": "x"}),
        (
            VerificationRequest(
                certificate_number=NUMBER,
                ref_to_message_id=ID,
                kind=VerificationKind.VISIT,
                questions=("When?",),
                due_by=date(2027, 2, 19),
                attachments=(Attachment(name="a.pdf", type="application/pdf", content=b"%PDF-"),),
            ),
            {
                "kind": "visit",
                "questions": ["When?"],
                "due_by": "2027-02-19",
                "attachments": [{"name": "a.pdf", "type": "application/pdf", "content": "JVBERi0="}],
            },
        ),
        (
            VerificationReply(
                certificate_number=NUMBER,
                ref_to_message_id=ID,
                kind=VerificationKind.VISIT,
                answers=("Now.",),
            ),
            {"kind": "visit", "answers": ["Now."], "attachments": []},
        ),
        (
            VerificationResult(
                certificate_number=NUMBER,
                ref_to_message_id=ID,
                kind=VerificationKind.VISIT,
                conclusion="Fine.",
            ),
            {"kind": "visit", "conclusion": "Fine.", "attachments": []},
        ),
    ],
)
def test_what_arrived_is_shown_without_what_is_absent(body: Body, shown: dict[str, Any]) -> None:
    assert body_to_json(body) == shown


def test_a_quantity_is_shown_as_a_number() -> None:
    body = CustomsResponse(
        certificate_number=NUMBER,
        ref_to_message_id=ID,
        entries=(entry(1, quantity="12.50"), entry(2, quantity="12.00")),
        office="0201",
    )

    shown = json.dumps(body_to_json(body))

    assert '"value": 12.5,' in shown
    assert '"value": 12,' in shown
    assert '"office": "0201"' in shown


def attached(*contents: bytes, kind: str = "application/pdf", **more: Any) -> dict[str, Any]:
    files = [
        {"name": f"{number}.pdf", "type": kind, "content": base64.b64encode(content).decode()}
        for number, content in enumerate(contents)
    ]
    return {"kind": "retroactive-check", "questions": ["Who made it?"], "attachments": files, **more}


MOST = b"%PDF-".ljust(MOST_ATTACHED, b"x")


@pytest.mark.parametrize(
    ("verb", "content", "told"),
    [
        pytest.param(
            MessageType.VERIFICATION_REQUEST,
            attached(b"PK\x03\x04"),
            {"/attachments/0/content": "content: is not a PDF, whatever it is called"},
            id="by-content",
        ),
        pytest.param(
            MessageType.VERIFICATION_REQUEST,
            attached(b"%PDF-1.7", kind="image/png"),
            {"/attachments/0/type": "type: must be application/pdf; nothing else is attached"},
            id="by-type",
        ),
        pytest.param(
            MessageType.VERIFICATION_REQUEST,
            attached(MOST, b"%PDF-"),
            {"/attachments": "attachments: must be at most 3,145,728 bytes in all"},
            id="all-together",
        ),
        pytest.param(
            MessageType.VERIFICATION_REQUEST,
            {"kind": "authenticity"},
            {"/questions": "questions: must hold a question; without one it would be returned as deficient"},
            id="no-question",
        ),
        pytest.param(
            MessageType.VERIFICATION_REPLY,
            {"kind": "retroactive-check", "answers": []},
            {"/answers": "answers: must hold an answer"},
            id="no-answer",
        ),
    ],
)
def test_an_incomplete_verification_is_not_sent(
    verb: MessageType, content: dict[str, Any], told: dict[str, str]
) -> None:
    assert faults(verb, content) == told


def test_attachments_may_be_as_large_as_all_of_them_may_be() -> None:
    body = posted(MessageType.VERIFICATION_REQUEST, attached(MOST))

    assert isinstance(body, VerificationRequest)
    assert len(body.attachments[0].content) == MOST_ATTACHED
