from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.acknowledge.judging import (
    in_xml,
    is_acknowledged,
    is_kept_from_abroad,
    judge_cancellation,
    judge_customs_response,
    outcome_of,
)
from gateway.acknowledge.utilisation import Issued, Quantity
from gateway.domain.errors import Finding, Severity
from gateway.domain.status import AcknowledgementOutcome, CertificateLife, CustomsOutcome, MessageType
from gateway.store.records import CertificateRow, CustomsEntry
from tests.unit.acknowledge.samples import CERTIFICATE, FACTORS, NOW, entry, kept, living

U, P = CustomsOutcome.UTILISED, CustomsOutcome.PARTIALLY_UTILISED
D, V, N = (
    CustomsOutcome.PREFERENCE_DENIED,
    CustomsOutcome.UNDER_VERIFICATION,
    CustomsOutcome.NOT_UTILISED,
)
ISSUED: Issued = {
    1: Quantity(value=Decimal(1000), unit="KGM"),
    2: Quantity(value=Decimal(300), unit="H87"),
    3: None,
}
OVER = [CertificateLife.CANCELLED, CertificateLife.REPLACED]
ALIVE = [CertificateLife.IN_FORCE, CertificateLife.CANCEL_PENDING, CertificateLife.EXPIRED]


def response(
    *new: CustomsEntry, before: Sequence[CustomsEntry] = (), certificate: CertificateRow | None = CERTIFICATE
) -> list[tuple[str, str | None, str]]:
    findings = judge_customs_response(
        certificate, issued=ISSUED, kept=kept(*before), new=new, said_at=NOW, factors=FACTORS
    )
    return [(finding.code, finding.path, finding.text) for finding in findings]


# ---- cancellation ------------------------------------------------------------------------------------------


def test_a_certificate_of_which_nothing_is_utilised_may_be_cancelled() -> None:
    assert judge_cancellation(CERTIFICATE, ()) == ()


@pytest.mark.parametrize("life", ALIVE)
def test_one_that_expired_or_is_being_cancelled_may_be_cancelled(life: CertificateLife) -> None:
    assert judge_cancellation(living(life), ()) == ()


def test_denied_open_and_unused_items_do_not_stand_in_the_way() -> None:
    entries = kept(entry(1, D), entry(2, V), entry(3, N), entry(1, P, "0", declaration="A"))

    assert judge_cancellation(CERTIFICATE, entries) == ()


def test_a_use_that_was_corrected_does_not_stand_in_the_way() -> None:
    entries = kept(entry(1, P, "400", declaration="A"), entry(1, N, declaration="A"))

    assert judge_cancellation(CERTIFICATE, entries) == ()


def test_utilised_items_are_named_with_their_quantities() -> None:
    entries = kept(
        entry(2, U),
        entry(1, P, "400.50", declaration="A1"),
        entry(1, P, "100", unit="GRM", declaration="A2"),
        entry(3, P),
    )

    (finding,) = judge_cancellation(CERTIFICATE, entries)

    assert finding.code == "B06"
    assert finding.text == (
        "items already utilised: item 1: 400.5 KGM by declaration A1; item 1: 100 GRM by declaration A2; "
        "item 2: utilised; item 3: partially utilised"
    )


@pytest.mark.parametrize("life", OVER)
def test_what_is_over_cannot_be_cancelled_again(life: CertificateLife) -> None:
    (finding,) = judge_cancellation(living(life), kept(entry(1, U)))

    assert finding.code == "B03"
    assert finding.text == f"certificate VN-TH 26/02/00006 was {life} already"


def test_an_unknown_certificate_cannot_be_cancelled() -> None:
    (finding,) = judge_cancellation(None, ())

    assert finding.code == "D03"


# ---- customs response --------------------------------------------------------------------------------------


@pytest.mark.parametrize("life", ALIVE)
def test_a_certificate_whose_life_is_not_over_may_be_utilised(life: CertificateLife) -> None:
    assert response(entry(1, U), entry(2, P, "5", unit="H87"), entry(3, D), certificate=living(life)) == []


@pytest.mark.parametrize("life", OVER)
def test_a_cancelled_or_replaced_certificate_is_not_utilised(life: CertificateLife) -> None:
    told = response(entry(1, U), entry(99, U), certificate=living(life))

    assert told == [("B03", None, f"certificate VN-TH 26/02/00006 was {life} already")]


def test_an_unknown_certificate_is_not_utilised() -> None:
    assert [code for code, _, _ in response(entry(1, U), certificate=None)] == ["D03"]


def test_an_item_that_is_not_on_the_certificate_is_told_with_those_that_are() -> None:
    told = response(entry(1, P, "5"), entry(4, U))

    assert told == [("S02", "/items/1", "item 4 is not on the certificate; it has 1, 2, 3")]


def test_a_unit_that_does_not_convert_is_told() -> None:
    told = response(entry(1, P, "5", unit="LTR"), entry(2, P, "5", unit="PR"))

    assert told == [
        ("C09", "/items/0", "item 1 was issued in KGM; LTR does not convert into it"),
        ("C09", "/items/1", "item 2 was issued in H87; PR does not convert into it"),
    ]


def test_an_item_without_a_measure_takes_any_unit() -> None:
    assert response(entry(3, P, "5", unit="XYZ")) == []


def test_what_was_not_used_needs_no_unit_that_converts() -> None:
    assert response(entry(1, D, "5", unit="LTR"), entry(2, N, "99999", unit="H87")) == []


@pytest.mark.parametrize(
    ("before", "new", "told"),
    [
        pytest.param(
            [],
            entry(1, P, "1000.000001", declaration="A"),
            "item 1: 1000.000001 KGM are more than the 1000 KGM left of 1000 KGM",
            id="at-once",
        ),
        pytest.param(
            [entry(1, P, "700", declaration="A")],
            entry(1, P, "400", declaration="B"),
            "item 1: 400 KGM are more than the 300 KGM left of 1000 KGM",
            id="together",
        ),
        pytest.param(
            [entry(1, P, "700", declaration="A")],
            entry(1, P, "0.4", unit="TNE", declaration="B"),
            "item 1: 400 KGM are more than the 300 KGM left of 1000 KGM",
            id="together-in-another-unit",
        ),
        pytest.param(
            [entry(1, P, "700", declaration="A"), entry(1, P, "300", declaration="B")],
            entry(1, P, "100", declaration="C"),
            "item 1 is utilised in full already; nothing of it is left",
            id="after-the-last",
        ),
        pytest.param(
            [entry(1, U, declaration="A")],
            entry(1, P, "1", declaration="B"),
            "item 1 is utilised in full already; nothing of it is left",
            id="after-it-was-closed",
        ),
        pytest.param(
            [entry(1, U)],
            entry(1, P, "1", declaration="B"),
            "item 1 is utilised in full already; nothing of it is left",
            id="after-it-was-closed-without-a-declaration",
        ),
        pytest.param(
            [entry(1, U, declaration="A")],
            entry(1, U, declaration="B"),
            "item 1 is utilised in full already; nothing of it is left",
            id="closed-by-two-declarations",
        ),
        pytest.param(
            [entry(3, U, "5", declaration="A")],
            entry(3, P, "5", declaration="B"),
            "item 3 is utilised in full already; nothing of it is left",
            id="an-item-without-a-measure-twice",
        ),
        pytest.param(
            [entry(1, P, "700", declaration="A"), entry(1, P, "300", declaration="B")],
            entry(1, P, "400", declaration="B"),
            "item 1: 400 KGM are more than the 300 KGM left of 1000 KGM",
            id="corrected-above",
        ),
    ],
)
def test_more_than_was_issued_is_over_utilised(
    before: list[CustomsEntry], new: CustomsEntry, told: str
) -> None:
    assert response(new, before=before) == [("B02", "/items/0", told)]


@pytest.mark.parametrize(
    ("before", "new"),
    [
        pytest.param(
            [entry(1, P, "700", declaration="A")], entry(1, P, "300", declaration="B"), id="the-rest"
        ),
        pytest.param([entry(1, P, "700", declaration="A")], entry(1, U, declaration="B"), id="closing"),
        pytest.param(
            [entry(1, P, "700", declaration="A")], entry(1, P, "900", declaration="A"), id="corrected"
        ),
        pytest.param([entry(1, P, "700")], entry(1, P, "800"), id="corrected-without-a-declaration"),
        pytest.param([entry(1, U, declaration="A")], entry(1, U, declaration="A"), id="said-again"),
        pytest.param([entry(1, U, declaration="A")], entry(1, U), id="summed-up"),
        pytest.param(
            [entry(1, P, "400", declaration="A"), entry(1, U, declaration="B")],
            entry(1, P, "450", declaration="A"),
            id="corrected-after-it-was-closed",
        ),
        pytest.param([entry(1, U, declaration="A")], entry(1, N, declaration="A"), id="taken-back"),
        pytest.param([entry(1, U, declaration="A")], entry(1, V, declaration="B"), id="verified-afterwards"),
        pytest.param([entry(3, P, "5", declaration="A")], entry(3, P, "7", declaration="B"), id="no-measure"),
    ],
)
def test_what_is_not_more_than_was_issued_is_taken(before: list[CustomsEntry], new: CustomsEntry) -> None:
    assert response(new, before=before) == []


def test_entries_of_one_response_count_together() -> None:
    told = response(
        entry(1, P, "700", declaration="A"), entry(1, P, "400", declaration="B"), entry(2, P, "1", unit="H87")
    )

    assert [(code, path) for code, path, _ in told] == [("B02", "/items/1")]


def test_what_comes_after_its_own_correction_uses_nothing() -> None:
    correction, other = entry(1, P, "5", declaration="A"), entry(1, P, "995", declaration="B")
    late = entry(1, P, "900", declaration="A")

    findings = judge_customs_response(
        CERTIFICATE,
        issued=ISSUED,
        kept=kept(correction, other),
        new=[late],
        said_at=NOW - timedelta(seconds=1),
        factors=FACTORS,
    )

    assert findings == ()


def test_the_value_and_the_way_out_are_told() -> None:
    findings = judge_customs_response(
        CERTIFICATE,
        issued=ISSUED,
        kept=(),
        new=[entry(9, U), entry(1, P, "5", unit="LTR"), entry(1, P, "1001")],
        said_at=NOW,
        factors=FACTORS,
        where=in_xml,
    )

    assert [(finding.path, finding.value, finding.action) for finding in findings] == [
        ("/CustomsResponse/ItemOutcome[1]", "9", None),
        ("/CustomsResponse/ItemOutcome[2]", "LTR", "Give the quantity in KGM."),
        ("/CustomsResponse/ItemOutcome[3]", "1001 KGM", None),
    ]


@pytest.mark.parametrize(
    ("codes", "is_kept"), [([], True), (["B02"], True), (["B02", "S02"], False), (["B03"], False)]
)
def test_from_abroad_only_too_much_is_kept_all_the_same(codes: list[str], is_kept: bool) -> None:
    assert is_kept_from_abroad(Finding(code=code, text="x") for code in codes) is is_kept


# ---- acknowledgements --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severities", "outcome"),
    [
        ([], AcknowledgementOutcome.ACCEPTED),
        ([Severity.WARNING], AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS),
        ([Severity.WARNING, Severity.ERROR], AcknowledgementOutcome.REJECTED),
    ],
)
def test_one_error_rejects_and_warnings_only_warn(
    severities: list[Severity], outcome: AcknowledgementOutcome
) -> None:
    findings = [Finding(code="S02", text="x", severity=severity) for severity in severities]

    assert outcome_of(findings) is outcome


ALWAYS = set(MessageType) - {
    MessageType.ACKNOWLEDGEMENT,
    MessageType.PING,
    MessageType.STATUS_QUERY,
    MessageType.STATUS_REPLY,
}


@pytest.mark.parametrize("outcome", AcknowledgementOutcome)
@pytest.mark.parametrize("message_type", sorted(ALWAYS))
def test_business_messages_are_acknowledged(
    message_type: MessageType, outcome: AcknowledgementOutcome
) -> None:
    assert is_acknowledged(message_type, outcome)


@pytest.mark.parametrize("outcome", AcknowledgementOutcome)
def test_an_acknowledgement_is_never_acknowledged(outcome: AcknowledgementOutcome) -> None:
    assert not is_acknowledged(MessageType.ACKNOWLEDGEMENT, outcome)


@pytest.mark.parametrize("outcome", AcknowledgementOutcome)
@pytest.mark.parametrize(
    "message_type", [MessageType.PING, MessageType.STATUS_QUERY, MessageType.STATUS_REPLY]
)
def test_a_status_about_a_status_does_not_cascade(
    message_type: MessageType, outcome: AcknowledgementOutcome
) -> None:
    assert is_acknowledged(message_type, outcome) == (outcome is AcknowledgementOutcome.REJECTED)
