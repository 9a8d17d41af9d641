from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.acknowledge.units import Factor, convert, factor_of, factors_of
from tests.unit.acknowledge.samples import FACTORS, amounts


@pytest.mark.parametrize(
    ("words", "factor"),
    [
        ("kg", Factor(base="kg", times=Fraction(1))),
        ("10⁻³ kg", Factor(base="kg", times=Fraction(1, 1000))),
        ("10³ kg", Factor(base="kg", times=Fraction(1000))),
        ("10⁻³\u00a0m³", Factor(base="m³", times=Fraction(1, 1000))),
        ("0,453 592 37 kg", Factor(base="kg", times=Fraction("0.45359237"))),
        ("2,834 952 x 10⁻² kg", Factor(base="kg", times=Fraction("0.02834952"))),
        ("10 m", Factor(base="m", times=Fraction(10))),
        ("2", Factor(base="1", times=Fraction(2))),
        ("12", Factor(base="1", times=Fraction(12))),
        ("10³", Factor(base="1", times=Fraction(1000))),
        ("1 x 10⁻⁶", Factor(base="1", times=Fraction(1, 1000000))),
        ("m²", Factor(base="m²", times=Fraction(1))),
        ("1.0", Factor(base="1", times=Fraction(1))),
        ("", None),
        ("  ", None),
        ("0 kg", None),
        ("10⁻⁻ kg", None),
    ],
)
def test_a_factor_is_read_as_the_recommendation_writes_it(words: str, factor: Factor | None) -> None:
    assert factor_of(words) == factor


@given(st.text(st.sampled_from("0123456789 ,.x⁻¹²³kgm/"), max_size=20))
def test_no_factor_at_all_breaks_the_reading(words: str) -> None:
    factor = factor_of(words)

    assert factor is None or factor.times > 0


def test_units_without_a_factor_are_left_out() -> None:
    assert factors_of([("KGM", "kg"), ("H87", ""), ("PR", "2")]) == {
        "KGM": Factor(base="kg", times=Fraction(1)),
        "PR": Factor(base="1", times=Fraction(2)),
    }


@pytest.mark.parametrize(
    ("value", "unit", "to", "converted"),
    [
        ("500", "GRM", "KGM", "0.5"),
        ("1.25", "TNE", "KGM", "1250"),
        ("1000", "KGM", "LBR", "2204.622622"),
        ("6", "PR", "DZN", "1"),
        ("7", "H87", "H87", "7"),
        ("7", "XYZ", "XYZ", "7"),
        ("7", "H87", "PR", None),
        ("7", "PR", "H87", None),
        ("7", "KGM", "LTR", None),
        ("7", "XYZ", "KGM", None),
    ],
)
def test_only_what_has_the_same_base_converts(value: str, unit: str, to: str, converted: str | None) -> None:
    amount = convert(Decimal(value), unit, to, FACTORS)

    assert amount == (None if converted is None else Decimal(converted))


@given(amounts, st.sampled_from(["GRM", "TNE", "LBR"]))
def test_there_and_back_is_the_same_to_six_places(value: Decimal, unit: str) -> None:
    there = convert(value, "KGM", unit, FACTORS)
    assert there is not None
    back = convert(there, unit, "KGM", FACTORS)

    assert back is not None
    assert abs(back - value) <= Decimal("0.0005")


@given(amounts, amounts, st.sampled_from(sorted(FACTORS)))
def test_more_of_one_unit_is_not_less_of_another(one: Decimal, other: Decimal, unit: str) -> None:
    small, large = sorted([one, other])
    converted = [convert(amount, unit, "KGM", FACTORS) for amount in (small, large)]

    assert converted == [None, None] or (
        converted[0] is not None and converted[1] is not None and converted[0] <= converted[1]
    )
