"""The views say exactly what the shapes promise; the shapes forbid what they do not name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.domain.errors import Finding, Severity
from gateway.domain.ids import CertificateNumber, MessageId
from gateway.domain.status import (
    AcknowledgementOutcome,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.intake import shapes
from gateway.intake.standing import Agreed
from gateway.intake.views import (
    arrival_view,
    customs_view,
    event_view,
    finding_view,
    inbox_view,
    message_view,
    refused_view,
    search_view,
    timeline_view,
    track_view,
)
from gateway.store.records import ChainRow, InboxRow, RefusedSubmission
from tests.unit.intake.rows import (
    ACCEPTED,
    HOME,
    NOW,
    NUMBER,
    TH,
    a_certificate,
    a_customs_row,
    a_message,
    a_receipt,
    a_story,
    an_acknowledgement,
    an_arrival,
    an_attempt,
    an_event,
)

AGREED = Agreed(suspended={}, acknowledgement_within=lambda _: timedelta(hours=4))
FINDING = Finding(
    code="C04", text="FOB is missing", box="12", path="/C/Items/Item[2]", line=88, action="Give it."
)
REFUSED = RefusedSubmission(
    submission_id=UUID(int=7),
    at=NOW,
    organisation=None,
    actor="issuer",
    form=None,
    certificate_number=None,
    content_type="application/json",
    findings=(FINDING,),
)
STORY = a_story(
    a_message(),
    a_message(message_no=2, message_id=MessageId("m2@vn.moit"), type=MessageType.CANCELLATION),
    attempts={1: (an_attempt(), an_attempt(outcome="delivered", cause=None, next_at=None))},
    receipts={1: a_receipt()},
    acknowledgements={
        1: (ACCEPTED,),
        2: (an_acknowledgement(AcknowledgementOutcome.REJECTED, replace(FINDING, code="B06"), message_no=2),),
    },
    customs=(
        a_customs_row(
            CustomsOutcome.PARTIALLY_UTILISED,
            quantity=Decimal("40.5"),
            unit="KGM",
            declaration="D-1",
            date=NOW.date(),
        ),
        a_customs_row(CustomsOutcome.NOT_UTILISED),
    ),
    events=(an_event("1", who="alice"),),
    chain=(ChainRow(relation="replaces", certificate_number=CertificateNumber("OLD-1"), life=None),),
)
VIEWS: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (shapes.Track, track_view(STORY, AGREED, HOME)),
    (shapes.Message, message_view(a_message(), STORY, HOME)),
    (shapes.Message, message_view(an_arrival(), a_story(an_arrival()), HOME)),
    (shapes.Hit, search_view(a_certificate(acknowledgement=AcknowledgementOutcome.ACCEPTED), HOME)),
    (shapes.Event, event_view(an_event("7"))),
    (shapes.TimelineEvent, timeline_view(an_event("7", who="alice", party=None))),
    (shapes.Arrival, arrival_view(an_arrival(valid=False, findings=(FINDING,)))),
    (shapes.InboxItem, inbox_view(InboxRow(cursor="3", message=an_arrival()))),
    (shapes.RefusedSubmission, refused_view(REFUSED)),
    (shapes.Finding, finding_view(replace(FINDING, step=4))),
]


@pytest.mark.parametrize(
    ("shape", "view"), VIEWS, ids=[f"{n}-{s.__name__}" for n, (s, _) in enumerate(VIEWS)]
)
def test_a_view_has_exactly_the_members_of_its_shape(shape: type[BaseModel], view: dict[str, Any]) -> None:
    shape.model_validate(view)

    optional = {name for name, field in shape.model_fields.items() if not field.is_required()}
    assert set(view) | optional == set(shape.model_fields)


def test_track_tells_the_three_layers_apart() -> None:
    first, second = track_view(STORY, AGREED, HOME)["messages"]

    assert first["receipt"] == {
        "at": "2026-11-21T08:00:00.000Z",
        "digest": bytes(range(32)).hex(),
        "signer": "CN=TH.CUSTOMS sign",
    }
    assert first["acknowledgement"]["outcome"] == "accepted"
    assert [attempt["outcome"] for attempt in first["attempts"]] == ["retry", "delivered"]
    assert first["attempts"][-1]["next_at"] is None
    assert (second["receipt"], second["acknowledgement"]["findings"][0]["code"]) == (None, "B06")


def test_track_tells_what_is_wrong_first() -> None:
    view = track_view(STORY, AGREED, HOME)

    assert view["cause"] == "B06: FOB is missing"
    assert view["owner"] == "issuing authority"
    assert view["until"] is None
    assert view["chain"] == [{"relation": "replaces", "certificate_number": "OLD-1", "life": None}]


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        pytest.param(Decimal("40.500000"), 40.5, id="fraction"),
        pytest.param(Decimal("1E+2"), 100, id="whole"),
        pytest.param(Decimal("0"), 0, id="zero"),
    ],
)
def test_a_quantity_is_a_number(quantity: Decimal, value: float) -> None:
    view = customs_view(a_customs_row(CustomsOutcome.UTILISED, quantity=quantity, unit="KGM"))

    assert view["quantity"] == {"value": value, "unit": "KGM"}
    assert isinstance(view["quantity"]["value"], type(value))


@given(st.decimals(min_value=0, max_value=10**9, places=6, allow_nan=False))
def test_a_quantity_of_six_places_survives(quantity: Decimal) -> None:
    view = customs_view(a_customs_row(CustomsOutcome.UTILISED, quantity=quantity))

    assert Decimal(str(view["quantity"]["value"])) == quantity


@pytest.mark.parametrize(
    ("direction", "receiver"),
    [pytest.param(Direction.OUT, TH, id="sent"), pytest.param(Direction.IN, HOME, id="received")],
)
def test_a_hit_names_who_receives(direction: Direction, receiver: str) -> None:
    assert search_view(a_certificate(direction=direction), HOME)["receiver"] == receiver


def test_a_message_names_sender_and_receiver_from_its_direction() -> None:
    sent = message_view(a_message(), STORY, HOME)
    came = message_view(an_arrival(), a_story(an_arrival()), HOME)

    assert (sent["sender"], sent["receiver"]) == (HOME, TH)
    assert (came["sender"], came["receiver"]) == (TH, HOME)
    assert came["delivery"] is None


def test_what_was_kept_from_abroad_has_our_receipt() -> None:
    receipt = message_view(an_arrival(), a_story(an_arrival()), HOME)["receipt"]

    assert receipt == {"at": "2026-11-21T08:00:00.000Z", "digest": "00" * 32, "signer": HOME}


def test_a_finding_has_no_step_unless_a_check_of_the_seal_has_one() -> None:
    assert list(finding_view(FINDING)) == [
        "code",
        "severity",
        "box",
        "path",
        "line",
        "value",
        "text",
        "action",
    ]
    assert finding_view(replace(FINDING, step=6, severity=Severity.WARNING))["step"] == 6


def test_an_arrival_tells_who_sent_it_and_when_it_came() -> None:
    view = arrival_view(an_arrival(ref_to_message_id=MessageId("m0@vn.moit")))

    assert (view["sender"], view["received_at"]) == (TH, "2026-11-21T08:00:00.000Z")
    assert (view["certificate_number"], view["ref_to_message_id"]) == (NUMBER, "m0@vn.moit")


def test_a_delivery_is_told_by_its_word() -> None:
    waiting = a_message(delivery=DeliveryStatus.AWAITING_RECEIPT)

    assert message_view(waiting, a_story(waiting), HOME)["delivery"] == "awaiting_receipt"
