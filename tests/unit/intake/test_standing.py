from __future__ import annotations

import re
from datetime import timedelta

import pytest

from gateway.domain.errors import Fault, Finding, Severity
from gateway.domain.ids import MessageId
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.intake.catalogue import MOVES, Owner, move_for
from gateway.intake.standing import Agreed, Standing, standing, the_acknowledgement
from tests.unit.intake.rows import (
    ACCEPTED,
    HOUR,
    NOW,
    TH,
    a_certificate,
    a_customs_row,
    a_message,
    a_receipt,
    a_story,
    an_acknowledgement,
    an_arrival,
    an_attempt,
    suspended,
)

AGREED = Agreed(suspended={}, acknowledgement_within=lambda _: timedelta(hours=4))
STOPPED = Agreed(suspended={TH: suspended()}, acknowledgement_within=lambda _: None)
T01 = "T01: cannot connect to th:8443: refused"
S02 = Finding(code="S02", text="HarmonizedSystemCode: 6 digits expected")
W01 = Finding(code="W01", text="FOB is not asked here", severity=Severity.WARNING)
REJECTED = AcknowledgementOutcome.REJECTED


def delivery(status: DeliveryStatus, cause: str | None = None) -> Standing:
    story = a_story(a_message(delivery=status, cause=cause), attempts={1: (an_attempt(),)})
    return standing(story, AGREED)


@pytest.mark.parametrize(
    ("status", "cause", "owner"),
    [
        pytest.param(DeliveryStatus.READY_TO_SEND, None, "none", id="fresh"),
        pytest.param(DeliveryStatus.SENDING, None, "none", id="on-the-wire"),
        pytest.param(DeliveryStatus.AWAITING_RETRY, T01, "none", id="tried-again-by-itself"),
        pytest.param(DeliveryStatus.AWAITING_RECEIPT, T01, "none", id="no-believable-answer"),
        pytest.param(DeliveryStatus.AWAITING_RETRY, "T02: TLS: expired", "administrator", id="tls"),
        pytest.param(DeliveryStatus.EXPIRED, T01, "operator", id="patience-used-up"),
        pytest.param(DeliveryStatus.EXPIRED, "T02: TLS: expired", "administrator", id="tls-till-the-end"),
        pytest.param(DeliveryStatus.REFUSED, "S01: no header", "issuing authority", id="unreadable"),
        pytest.param(DeliveryStatus.REFUSED, "C01: not agreed", "administrator", id="no-corridor"),
        pytest.param(DeliveryStatus.REFUSED, "X77: own code", "operator", id="a-code-of-the-partys-own"),
        pytest.param(DeliveryStatus.REFUSED, None, "operator", id="refused-without-a-cause"),
    ],
)
def test_an_unfinished_delivery_tells_its_cause_and_whose_move_it_is(
    status: DeliveryStatus, cause: str | None, owner: str
) -> None:
    found = delivery(status, cause)

    assert (found.cause, found.owner) == (cause, owner)
    assert found.next_action


def test_a_delivery_that_is_tried_again_says_when() -> None:
    assert delivery(DeliveryStatus.AWAITING_RETRY, T01).until == NOW + HOUR


@pytest.mark.parametrize(
    ("status", "cause", "told", "owner"),
    [
        pytest.param(DeliveryStatus.ON_HOLD, "held by bob", "held by bob", "operator", id="held"),
        pytest.param(DeliveryStatus.ON_HOLD, None, "held by an operator", "operator", id="held-by-whom"),
        pytest.param(
            DeliveryStatus.WITHDRAWN,
            "withdrawn by bob",
            "withdrawn by bob",
            "issuing authority",
            id="taken-back",
        ),
    ],
)
def test_what_an_operator_stopped_names_the_operator(
    status: DeliveryStatus, cause: str | None, told: str, owner: str
) -> None:
    found = delivery(status, cause)

    assert (found.cause, found.owner) == (told, owner)


def test_a_withdrawn_answer_is_finished() -> None:
    answer = a_message(type=MessageType.CUSTOMS_RESPONSE, delivery=DeliveryStatus.WITHDRAWN)

    assert standing(a_story(answer), AGREED).owner == Owner.NONE


def test_a_suspended_party_is_the_cause_of_what_waits_for_it() -> None:
    story = a_story(a_message(delivery=DeliveryStatus.READY_TO_SEND))

    found = standing(story, STOPPED)

    assert (found.cause, found.owner) == ("party suspended by alice", "operator")


def test_after_the_receipt_the_party_owes_an_acknowledgement() -> None:
    found = standing(a_story(a_message(), receipts={1: a_receipt()}), AGREED)

    assert found == Standing(
        cause=None,
        owner="party TH.CUSTOMS",
        next_action="Wait for the acknowledgement of TH.CUSTOMS.",
        until=NOW + timedelta(hours=4),
    )


@pytest.mark.parametrize("code", ["S02", "C04", "B06", "G02"])
def test_a_rejection_tells_its_first_error_and_the_move_of_its_code(code: str) -> None:
    rejected = an_acknowledgement(REJECTED, W01, Finding(code=code, text="why"))

    found = standing(a_story(a_message(), acknowledgements={1: (rejected,)}), AGREED)

    assert (found.cause, found.owner) == (f"{code}: why", move_for(code).owner.value)


def test_a_rejection_without_a_finding_is_for_the_operator() -> None:
    story = a_story(a_message(), acknowledgements={1: (an_acknowledgement(REJECTED),)})

    assert standing(story, AGREED).owner == Owner.OPERATOR


@pytest.mark.parametrize(
    ("customs", "cause", "owner"),
    [
        pytest.param(None, None, "none", id="none-yet"),
        pytest.param(CustomsOutcome.PARTIALLY_UTILISED, None, "none", id="in-part"),
        pytest.param(CustomsOutcome.UTILISED, None, "none", id="used-up"),
        pytest.param(CustomsOutcome.NOT_UTILISED, None, "none", id="not-used"),
        pytest.param(
            CustomsOutcome.PREFERENCE_DENIED, "B04: item 1: origin", "issuing authority", id="denied"
        ),
        pytest.param(
            CustomsOutcome.UNDER_VERIFICATION, "B05: item 1: origin", "issuing authority", id="verified"
        ),
    ],
)
def test_an_accepted_certificate_stands_where_customs_put_it(
    customs: CustomsOutcome | None, cause: str | None, owner: str
) -> None:
    story = a_story(
        a_message(),
        certificate=a_certificate(customs_response=customs),
        acknowledgements={1: (ACCEPTED,)},
        customs=() if customs is None else (a_customs_row(customs, reason="origin"),),
    )

    found = standing(story, AGREED)

    assert (found.cause, found.owner) == (cause, owner)


def test_a_denial_without_a_reason_still_says_what_it_is() -> None:
    story = a_story(
        a_message(),
        certificate=a_certificate(customs_response=CustomsOutcome.PREFERENCE_DENIED),
        acknowledgements={1: (ACCEPTED,)},
    )

    assert standing(story, AGREED).cause == "B04: preference denied"


def received(**changes: object) -> Standing:
    certificate = a_certificate(direction=Direction.IN, **changes)
    return standing(a_story(an_arrival(), certificate=certificate), AGREED)


def test_a_received_certificate_waits_for_our_customs() -> None:
    assert received().owner == Owner.CUSTOMS


def test_what_our_customs_doubt_is_for_the_party_to_answer() -> None:
    assert received(customs_response=CustomsOutcome.UNDER_VERIFICATION).owner == "party TH.CUSTOMS"


def test_a_received_certificate_with_faults_waits_for_a_better_one() -> None:
    story = a_story(
        an_arrival(valid=False, findings=(W01, S02)), certificate=a_certificate(direction=Direction.IN)
    )

    found = standing(story, AGREED)

    assert (found.cause, found.owner) == (f"S02: {S02.text}", "party TH.CUSTOMS")


def test_our_national_systems_rejection_counts_against_what_arrived() -> None:
    rejected = an_acknowledgement(REJECTED, by=AcknowledgedBy.NATIONAL_SYSTEM)
    story = a_story(an_arrival(), acknowledgements={1: (ACCEPTED, rejected)})

    assert standing(story, AGREED).owner == "party TH.CUSTOMS"


def test_a_rejected_answer_of_theirs_goes_by_its_code() -> None:
    rejected = an_acknowledgement(REJECTED, Finding(code="B03", text="cancelled"), message_no=2)
    arrived = an_arrival(message_no=2, type=MessageType.CUSTOMS_RESPONSE)
    story = a_story(a_message(), arrived, acknowledgements={1: (ACCEPTED,), 2: (rejected,)})

    assert standing(story, AGREED).cause == "B03: cancelled"


def test_a_parked_answer_is_an_orphan() -> None:
    story = a_story(an_arrival(type=MessageType.CUSTOMS_RESPONSE, parked=True), certificate=None)

    assert standing(story, AGREED).cause == "D03: it is about a certificate we do not know yet"


def test_an_answer_from_abroad_that_says_too_much_is_for_the_issuing_authority() -> None:
    b02 = Finding(code="B02", text="item 1: 120 of 100 H87")
    arrived = an_arrival(message_no=2, type=MessageType.CUSTOMS_RESPONSE, findings=(b02,))
    story = a_story(a_message(), arrived, acknowledgements={1: (ACCEPTED,)})

    found = standing(story, AGREED)

    assert (found.cause, found.owner) == ("B02: item 1: 120 of 100 H87", "issuing authority")


def test_the_first_message_in_trouble_decides() -> None:
    held = a_message(message_no=2, type=MessageType.CUSTOMS_RESPONSE, delivery=DeliveryStatus.ON_HOLD)
    expired = a_message(delivery=DeliveryStatus.EXPIRED, cause=T01)

    assert standing(a_story(expired, held), AGREED).cause == T01


def test_a_message_that_a_later_one_replaced_is_history() -> None:
    refused = a_message(delivery=DeliveryStatus.REFUSED, cause="S01: no header")
    again = a_message(message_no=2, message_id=MessageId("m2@vn.moit"))
    story = a_story(refused, again, acknowledgements={2: (ACCEPTED,)})

    assert standing(story, AGREED).cause is None


@pytest.mark.parametrize("life", [CertificateLife.CANCELLED, CertificateLife.REPLACED])
def test_a_certificate_that_is_gone_needs_nothing(life: CertificateLife) -> None:
    story = a_story(a_message(), certificate=a_certificate(life=life), acknowledgements={1: (ACCEPTED,)})

    assert standing(story, AGREED).next_action == "Nothing; it is finished."


def test_an_acknowledgement_is_not_acknowledged() -> None:
    sent = a_message(type=MessageType.ACKNOWLEDGEMENT)

    assert standing(a_story(sent, certificate=None), AGREED).owner == Owner.NONE


def test_the_national_systems_last_word_is_the_acknowledgement() -> None:
    first, last = (
        an_acknowledgement(outcome, by=AcknowledgedBy.NATIONAL_SYSTEM)
        for outcome in (REJECTED, AcknowledgementOutcome.ACCEPTED)
    )

    assert the_acknowledgement((first, last, an_acknowledgement(REJECTED))) is last
    assert the_acknowledgement((ACCEPTED,)) is ACCEPTED
    assert the_acknowledgement(()) is None


def test_every_code_of_the_catalogue_that_is_no_warning_has_its_move() -> None:
    assert {str(code) for code in MOVES} == {
        fault.value for fault in Fault if not fault.value.startswith("W")
    }


@pytest.mark.parametrize("code", MOVES)
def test_every_next_action_is_one_sentence(code: str) -> None:
    assert re.fullmatch(r"[A-Z][^.]*\.", move_for(code).next_action)
