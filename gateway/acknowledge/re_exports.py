"""
Back-to-back certificates: what they re-export never exceeds their originals. Pure.

ATIGA Annex 8 Rule 11(1)(f). Goods are compared by the six digits of the Harmonized System that all countries
share. A certificate that names several originals takes from whichever has some left; so what several
certificates take fits when it can be shared out among the originals at all: a flow, and reckoned as one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from lxml import etree

from gateway.acknowledge.elements import collapse
from gateway.acknowledge.findings import text_of
from gateway.acknowledge.units import Factors, convert
from gateway.acknowledge.utilisation import Quantity, issued_quantities
from gateway.domain.errors import Fault, Finding, Severity

_HS_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """An original as a back-to-back certificate names it; some forms name no country."""

    number: str
    issuing_country: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One item's goods; *quantity* is None for an item without a measure."""

    item: int
    hs: str
    quantity: Quantity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What one back-to-back certificate takes from its originals."""

    originals: frozenset[int]
    goods: tuple[Goods, ...]


def originals_of(document: etree._Element) -> tuple[Original, ...]:
    """The originals that a certificate names, in document order; none where it is not back-to-back."""
    space = etree.QName(document).namespace
    found = []
    for node in document.iterfind(f"{{{space}}}BackToBack/{{{space}}}Original"):
        number, country = node.find(f"{{{space}}}Number"), node.find(f"{{{space}}}IssuingCountry")
        if number is not None and (name := collapse(text_of(number))):
            issuer = None if country is None else collapse(text_of(country)) or None
            found.append(Original(number=name, issuing_country=issuer))
    return tuple(dict.fromkeys(found))


def goods_of(document: etree._Element) -> tuple[Goods, ...]:
    """The goods of a certificate that fits its schema, item by item."""
    space = etree.QName(document).namespace
    issued = issued_quantities(document)
    found = []
    for node in document.iterfind(f"{{{space}}}Items/{{{space}}}Item"):
        number = int(text_of(node.find(f"{{{space}}}Number")))  # type: ignore[arg-type]  # the schema has it
        code = node.find(f"{{{space}}}HarmonizedSystemCode")
        hs = "" if code is None else collapse(text_of(code))
        digits = "".join(digit for digit in hs if digit.isdigit())[:_HS_DIGITS]
        found.append(Goods(item=number, hs=digits, quantity=issued.get(number)))
    return tuple(found)


def judge_re_export(
    new: Taking,
    *,
    originals: Mapping[int, Sequence[Goods]],
    others: Sequence[Taking],
    factors: Factors,
) -> tuple[Finding, ...]:
    """
    Whether *new* takes more than its originals have left (C07), beside what *others* take.

    Goods that stand on no original are all too much. Where units do not convert, nothing can be compared:
    that is told as a warning (W03).

    Args:
        originals: what each original gives, *new*'s and those that *others* share with it.
    """
    findings = []
    for goods in _by_heading(new.goods).values():
        first, quantity = goods[0], goods[0].quantity
        if quantity is None:
            continue
        unit = quantity.unit
        given = {name: _sum(items, first.hs, unit, factors) for name, items in originals.items()}
        wanted = _sum(goods, first.hs, unit, factors)
        if wanted is None or any(given[name] is None for name in new.originals):
            findings.append(_not_compared(first))
            continue
        takings = [(new.originals, wanted)]
        for other in others:
            if (taken := _sum(other.goods, first.hs, unit, factors)) is not None:
                takings.append((other.originals, taken))
        missing = _not_shared_out(takings, {name: amount or Decimal(0) for name, amount in given.items()})
        if missing:
            findings.append(_too_much(first, Quantity(value=missing, unit=unit)))
    return tuple(findings)


def unknown_original(original: Original) -> Finding:
    """The ledger does not know an original: its quantities cannot be compared."""
    whose = f" of {original.issuing_country}" if original.issuing_country else ""
    return Finding(
        code=Fault.ORIGINAL_UNKNOWN.value,
        severity=Severity.WARNING,
        text=f"The original {original.number}{whose} is not known here; what is left of it cannot be told.",
        path="/CertificateOfOrigin/BackToBack",
        value=original.number,
        action="Check the original itself.",
    )


def _by_heading(goods: Sequence[Goods]) -> Mapping[str, list[Goods]]:
    found: dict[str, list[Goods]] = defaultdict(list)
    for one in goods:
        found[one.hs].append(one)
    return found


def _sum(goods: Sequence[Goods], hs: str, unit: str, factors: Factors) -> Decimal | None:
    """How much of *hs* there is, in *unit*; None where some of it does not convert."""
    total = Decimal(0)
    for one in goods:
        if one.hs != hs:
            continue
        if (
            one.quantity is None
            or (amount := convert(one.quantity.value, one.quantity.unit, unit, factors)) is None
        ):
            return None
        total += amount
    return total


def _not_shared_out(
    takings: Sequence[tuple[frozenset[int], Decimal]], given: Mapping[int, Decimal]
) -> Decimal:
    """What is left over of *takings*, shared out among their originals as well as can be: a maximum flow."""
    left = dict(given)
    shares: dict[tuple[int, int], Decimal] = defaultdict(Decimal)  # (taking, original)
    wanted = [amount for _, amount in takings]
    for start in range(len(takings)):
        while wanted[start] and (path := _path(start, takings, left, shares)):
            amount = min(wanted[start], left[path[-1][1]], *(shares[t, o] for t, o in _given_back(path)))
            for taking, original in path:
                shares[taking, original] += amount
            for taking, original in _given_back(path):
                shares[taking, original] -= amount
            left[path[-1][1]] -= amount
            wanted[start] -= amount
    return sum(wanted, Decimal(0))


def _path(
    start: int,
    takings: Sequence[tuple[frozenset[int], Decimal]],
    left: Mapping[int, Decimal],
    shares: Mapping[tuple[int, int], Decimal],
) -> list[tuple[int, int]]:
    """Steps (taking, original) to an original that has some left, over what others can take elsewhere."""
    ways: list[list[tuple[int, int]]] = [[(start, original)] for original in sorted(takings[start][0])]
    seen = {original for ((_, original),) in ways}
    for way in ways:  # grows while it is walked
        at = way[-1][1]
        if left.get(at):
            return way
        for other, (originals, _) in enumerate(takings):
            if shares.get((other, at)):
                further = sorted(originals - seen)
                seen.update(further)
                ways += [[*way, (other, original)] for original in further]
    return []


def _given_back(path: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What each later taking of *path* gives back, at the original before."""
    return [(taking, former) for (_, former), (taking, _) in pairwise(path)]


def _too_much(goods: Goods, missing: Quantity) -> Finding:
    return Finding(
        code=Fault.BACK_TO_BACK.value,
        text=f"Item {goods.item} re-exports {missing} of {goods.hs} more than its originals have left.",
        path=f"/CertificateOfOrigin/Items/Item[{goods.item}]",
        value=goods.hs,
        action="Reduce the quantity, or name the original that covers the rest.",
    )


def _not_compared(goods: Goods) -> Finding:
    return Finding(
        code=Fault.ORIGINAL_UNKNOWN.value,
        severity=Severity.WARNING,
        text=f"Item {goods.item} ({goods.hs}) cannot be compared with what its originals give.",
        path=f"/CertificateOfOrigin/Items/Item[{goods.item}]",
        value=goods.hs,
        action="Check the original itself.",
    )
