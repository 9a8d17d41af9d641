"""What back-to-back certificates take never exceeds their originals, however it is shared out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.acknowledge.re_exports import Goods, Taking, judge_re_export
from gateway.acknowledge.units import factors_of
from gateway.acknowledge.utilisation import Quantity

FACTORS = factors_of([("KGM", "kg"), ("TNE", "10³ kg"), ("H87", "1")])


def goods(value: float, unit: str = "KGM", hs: str = "090111", item: int = 1) -> Goods:
    return Goods(item=item, hs=hs, quantity=Quantity(value=Decimal(str(value)), unit=unit))


def taking(originals: str, *what: Goods) -> Taking:
    return Taking(originals=frozenset(map(ord, originals)), goods=what)


def codes(new: Taking, others: Sequence[Taking] = (), **originals: Goods) -> list[str]:
    given_by = {ord(name): [one] for name, one in originals.items()}
    return [
        finding.code for finding in judge_re_export(new, originals=given_by, others=others, factors=FACTORS)
    ]


def test_all_of_an_original_may_be_re_exported_and_not_a_gram_more() -> None:
    assert codes(taking("a", goods(1000)), a=goods(1, "TNE")) == []
    assert codes(taking("a", goods(1000.000001)), a=goods(1, "TNE")) == ["C07"]


def test_what_others_took_is_gone() -> None:
    assert codes(taking("a", goods(500)), [taking("a", goods(500))], a=goods(1000)) == []
    assert codes(taking("a", goods(501)), [taking("a", goods(500))], a=goods(1000)) == ["C07"]


def test_a_consolidated_certificate_takes_from_whichever_original_has_some_left() -> None:
    both = taking("ab", goods(10))

    assert codes(taking("a", goods(10)), [both], a=goods(10), b=goods(10)) == []
    assert codes(taking("a", goods(10)), [both, taking("b", goods(1))], a=goods(10), b=goods(10)) == ["C07"]


def test_items_of_one_heading_add_up() -> None:
    assert codes(taking("a", goods(6), goods(5, item=2)), a=goods(10)) == ["C07"]


def test_goods_that_stand_on_no_original_are_all_too_much() -> None:
    assert codes(taking("a", goods(1, hs="610910")), a=goods(10)) == ["C07"]


def test_what_cannot_be_compared_is_a_warning() -> None:
    assert codes(taking("a", goods(1, "H87")), a=goods(10)) == ["W03"]


@st.composite
def _shared(draw: st.DrawFn) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Originals with what they give, and takings, all small whole numbers."""
    given_by = {name: draw(st.integers(0, 3)) for name in "abc"[: draw(st.integers(1, 3))]}
    names = st.sets(st.sampled_from(sorted(given_by)), min_size=1).map(lambda some: "".join(sorted(some)))
    return given_by, draw(st.lists(st.tuples(names, st.integers(1, 3)), min_size=1, max_size=4))


@given(_shared())
def test_it_fits_exactly_when_some_way_of_sharing_out_fits(
    case: tuple[dict[str, int], list[tuple[str, int]]],
) -> None:
    given_by, takings = case
    units = [names for names, amount in takings for _ in range(amount)]
    fits = any(
        all(way.count(name) <= most for name, most in given_by.items()) for way in itertools.product(*units)
    )
    first, *others = (taking(names, goods(amount)) for names, amount in takings)

    found = codes(first, others, **{name: goods(amount) for name, amount in given_by.items()})

    assert (found == []) == fits
