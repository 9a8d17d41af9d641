"""Units of measure: what UNECE Recommendation 20 converts into each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

_SUPERSCRIPT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_RAISED = "⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}"
_NUMBER = r"[0-9][0-9 ]*(?:[,.][0-9 ]*[0-9])?"
_FACTOR = re.compile(
    rf"(?:(?:10(?P<power>{_RAISED})|(?P<number>{_NUMBER})(?: x 10(?P<times>{_RAISED}))?)(?: |$))?"
    r"(?P<base>(?:[^0-9 ].*)?)"
)
_COUNT = "1"
_SMALLEST = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One unit is *times* of *base*; units with the same base convert into each other."""

    base: str
    times: Fraction


Factors = Mapping[str, Factor]
"""By common code; a unit that is not in it converts into nothing but itself."""


def factor_of(conversion: str) -> Factor | None:
    """
    Read the conversion factor of one unit as the recommendation writes it.

    ``kg`` is 1 kg, ``10⁻³ m³`` a thousandth of a cubic metre, ``0,453 592 37 kg`` a pound, ``12`` a dozen.
    None where there is none, or none that is a plain multiple.
    """
    words = conversion.replace("\u00a0", " ").strip()
    found = _FACTOR.fullmatch(words)
    if not words or found is None:
        return None
    number = (found["number"] or "1").replace(" ", "").replace(",", ".")
    power = int((found["power"] or found["times"] or "0").translate(_SUPERSCRIPT))
    times = Fraction(number) * Fraction(10) ** power
    return Factor(base=found["base"].strip() or _COUNT, times=times) if times else None


def factors_of(units: Iterable[tuple[str, str]]) -> Factors:
    """
    The factors of a list of units.

    Args:
        units: common code and conversion factor, as the recommendation lists them.
    """
    known = ((code, factor_of(conversion)) for code, conversion in units)
    return {code: factor for code, factor in known if factor is not None}


def convert(value: Decimal, unit: str, to: str, factors: Factors) -> Decimal | None:
    """
    *value* of *unit* in the unit *to*, rounded to six places; None when nothing converts them.

    Six places are what a quantity may have; so a sum that was converted back and forth never exceeds the
    issued quantity by a rounding.
    """
    if unit == to:
        return value
    ours, theirs = factors.get(to), factors.get(unit)
    if ours is None or theirs is None or ours.base != theirs.base:
        return None
    exact = Fraction(value) * theirs.times / ours.times
    return (Decimal(round(exact / Fraction(_SMALLEST))) * _SMALLEST).normalize()
