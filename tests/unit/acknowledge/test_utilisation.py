from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.acknowledge.judging import judge_customs_response
from gateway.acknowledge.utilisation import (
    Issued,
    Quantity,
    issued_quantities,
    item_uses,
    standing,
    summary_of,
    uses,
)
from gateway.domain.status import CustomsOutcome
from gateway.store.records import CustomsEntry
from tests.unit.acknowledge.samples import CERTIFICATE, FACTORS, NOW, entry, kept

U, P = CustomsOutcome.UTILISED, CustomsOutcome.PARTIALLY_UTILISED
D, V, N = (
    CustomsOutcome.PREFERENCE_DENIED,
    CustomsOutcome.UNDER_VERIFICATION,
    CustomsOutcome.NOT_UTILISED,
)


def kilograms(value: str) -> Quantity:
    return Quantity(value=Decimal(value), unit="KGM")


ISSUED: Issued = {1: kilograms("1000"), 2: kilograms("500"), 3: None}


def outcome_of_item(*entries: CustomsEntry, item: int = 1) -> CustomsOutcome | None:
    return next(use.outcome for use in item_uses(ISSUED, entries, FACTORS) if use.item == item)


@pytest.mark.parametrize(
    ("entries", "outcome"),
    [
        pytest.param([], None, id="nothing-said"),
        pytest.param([entry(1, U)], U, id="closed"),
        pytest.param([entry(1, U, "1000")], U, id="all-at-once"),
        pytest.param([entry(1, U, "400")], P, id="said-utilised-but-only-a-part"),
        pytest.param([entry(1, P, "400")], P, id="a-part"),
        pytest.param([entry(1, P)], P, id="a-part-uncounted"),
        pytest.param([entry(1, P, "0")], N, id="a-part-of-nothing"),
        pytest.param(
            [entry(1, P, "400", declaration="A"), entry(1, P, "600", declaration="B")], U, id="two-parts"
        ),
        pytest.param(
            [
                entry(1, P, "400000", unit="GRM", declaration="A"),
                entry(1, P, "0.6", unit="TNE", declaration="B"),
            ],
            U,
            id="two-parts-in-other-units",
        ),
        pytest.param([entry(1, P, "5", unit="LTR")], P, id="a-part-that-cannot-be-counted"),
        pytest.param([entry(1, P, "400", declaration="A"), entry(1, U, declaration="B")], U, id="the-rest"),
        pytest.param(
            [entry(1, P, "400", declaration="A"), entry(1, V, declaration="B")], P, id="used-is-a-fact"
        ),
        pytest.param(
            [entry(1, D, declaration="A"), entry(1, V, declaration="B")], V, id="open-before-settled"
        ),
        pytest.param(
            [entry(1, N, declaration="A"), entry(1, D, declaration="B")], D, id="denied-before-unused"
        ),
        pytest.param([entry(1, N)], N, id="not-utilised"),
        pytest.param([entry(1, V), entry(1, U)], U, id="verified-then-utilised"),
        pytest.param([entry(1, V), entry(1, D)], D, id="verified-then-denied"),
        pytest.param([entry(1, U, declaration="A"), entry(1, N, declaration="A")], N, id="corrected"),
        pytest.param([entry(2, U)], None, id="about-another-item"),
    ],
)
def test_what_entries_make_of_an_item(entries: list[CustomsEntry], outcome: CustomsOutcome | None) -> None:
    assert outcome_of_item(*entries) is outcome


@pytest.mark.parametrize(
    ("entries", "outcome"),
    [
        pytest.param([entry(3, U, "5")], U, id="utilised-in-a-unit-of-its-own"),
        pytest.param([entry(3, P, "5")], P, id="a-part"),
    ],
)
def test_an_item_without_a_measure_is_what_customs_says(
    entries: list[CustomsEntry], outcome: CustomsOutcome
) -> None:
    assert outcome_of_item(*entries, item=3) is outcome


@pytest.mark.parametrize(
    ("entries", "summary"),
    [
        pytest.param([entry(1, U), entry(2, U), entry(3, U)], U, id="all"),
        pytest.param([entry(1, U), entry(2, U)], P, id="all-but-one"),
        pytest.param([entry(1, P, "1")], P, id="one-in-part"),
        pytest.param([entry(1, U), entry(2, D), entry(3, V)], P, id="one-used-others-not"),
        pytest.param([entry(1, D), entry(2, V), entry(3, N)], V, id="one-open"),
        pytest.param([entry(1, D), entry(2, N)], D, id="one-denied"),
        pytest.param([entry(1, D), entry(2, D), entry(3, D)], D, id="all-denied"),
        pytest.param([entry(1, N)], N, id="one-unused"),
        pytest.param([entry(99, U)], N, id="about-an-item-it-has-not"),
        pytest.param([], N, id="nothing"),
    ],
)
def test_what_items_make_of_the_certificate(entries: list[CustomsEntry], summary: CustomsOutcome) -> None:
    assert summary_of(ISSUED, entries, FACTORS) is summary


def test_a_certificate_without_items_is_not_utilised() -> None:
    assert summary_of({}, [entry(1, U)], FACTORS) is N


def test_use_is_counted_in_the_items_unit() -> None:
    entries = [entry(1, P, "250500", unit="GRM", declaration="A"), entry(1, P, "1", declaration="B")]

    use = item_uses(ISSUED, entries, FACTORS)[0]

    assert (use.used, use.is_full, use.is_closed, use.is_begun) == (Decimal("251.5"), False, False, True)


def test_a_quantity_is_told_plainly() -> None:
    assert str(Quantity(value=Decimal("1000.000000"), unit="KGM")) == "1000 KGM"
    assert str(Quantity(value=Decimal("0.50"), unit="TNE")) == "0.5 TNE"


declarations = st.sampled_from(["A", "B", "C", "D", None])
any_entry = st.builds(
    entry,
    st.integers(1, 3),
    st.sampled_from(CustomsOutcome),
    st.none() | st.integers(0, 1200).map(str),
    unit=st.sampled_from(["KGM", "GRM", "LBR", "LTR"]),
    declaration=declarations,
)


def distinct(entries: Sequence[CustomsEntry]) -> bool:
    places = [(one.item, one.declaration) for one in entries]
    return len(places) == len(set(places))


@given(st.data(), st.lists(any_entry, max_size=8).filter(distinct))
def test_the_order_of_distinct_declarations_does_not_matter(
    data: st.DataObject, entries: list[CustomsEntry]
) -> None:
    shuffled = data.draw(st.permutations(entries))

    assert summary_of(ISSUED, shuffled, FACTORS) is summary_of(ISSUED, entries, FACTORS)
    assert item_uses(ISSUED, shuffled, FACTORS) == item_uses(ISSUED, entries, FACTORS)


@given(st.lists(any_entry, min_size=1, max_size=8), st.data())
def test_saying_the_last_word_again_changes_nothing(entries: list[CustomsEntry], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(list(standing(entries).values())))

    assert item_uses(ISSUED, [*entries, again], FACTORS) == item_uses(ISSUED, entries, FACTORS)


@given(st.lists(any_entry, max_size=12))
def test_the_ledger_never_goes_above_what_was_issued(posts: list[CustomsEntry]) -> None:
    taken: list[CustomsEntry] = []
    for post in posts:
        faults = judge_customs_response(
            CERTIFICATE, issued=ISSUED, kept=kept(*taken), new=[post], said_at=NOW, factors=FACTORS
        )
        if not faults:
            taken.append(post)

    for use in item_uses(ISSUED, taken, FACTORS):
        assert use.issued is None or use.used <= use.issued.value


def is_taken(taken: Sequence[CustomsEntry], quantity: Decimal) -> bool:
    new = replace(entry(1, P, declaration="new"), quantity=quantity, unit="KGM")
    return not judge_customs_response(
        CERTIFICATE, issued=ISSUED, kept=kept(*taken), new=[new], said_at=NOW, factors=FACTORS
    )


@given(st.lists(any_entry, max_size=8))
def test_exactly_what_is_left_may_be_used(taken: list[CustomsEntry]) -> None:
    use = item_uses(ISSUED, taken, FACTORS)[0]
    left = max(Decimal(1000) - use.used, Decimal(0))

    assert is_taken(taken, left) == (not use.is_full or left == 0)
    assert not is_taken(taken, left + Decimal("0.000001"))


@given(any_entry)
def test_only_some_outcomes_use_something_up(one: CustomsEntry) -> None:
    assert uses(one) == (one.outcome in (U, P) and one.quantity != 0)


CERTIFICATE_XML = """
<CertificateOfOrigin xmlns="urn:eco-gateway:atiga:form-d:1.0">
  <CertificateNumber>1</CertificateNumber>
  <Items>
    <Item><Number>1</Number><GrossWeight unit="KGM">12</GrossWeight><NetWeight unit="KGM">10</NetWeight>
      <Quantity unit="H87">1200</Quantity></Item>
    <Item><Number> 2 </Number><GrossWeight unit="KGM">12</GrossWeight>
      <NetWeight unit="KGM"> 10.5 </NetWeight></Item>
    <Item><Number>7</Number><GrossWeight unit="TNE">12</GrossWeight></Item>
    <Item><Number>8</Number></Item>
    <Item><Description>without a number</Description></Item>
  </Items>
</CertificateOfOrigin>
"""


def test_issued_is_the_quantity_else_the_net_else_the_gross_weight() -> None:
    assert issued_quantities(etree.fromstring(CERTIFICATE_XML)) == {
        1: Quantity(value=Decimal(1200), unit="H87"),
        2: Quantity(value=Decimal("10.5"), unit="KGM"),
        7: Quantity(value=Decimal(12), unit="TNE"),
        8: None,
    }
