"""
The quantity ledger: how much of each item the declarations abroad have used.

An entry says what one declaration did with one item. The same (item, declaration) again replaces its entry,
so entries correct each other and a repetition changes nothing; entries without a declaration share one place
an item. Beyond that the order in which entries come does not matter.

What an item's entries make of it, the first that holds:

1. **utilised**: an entry says so without a quantity, or the quantities reach what was issued
2. **partially utilised**: some was used
3. **under verification**: some declaration waits for a verification
4. **preference denied**: some declaration was denied the preference
5. **not utilised**: something was said, and none of the above

A certificate is utilised when all its items are, partially utilised when some are or some in part; else it
is under verification, denied or not utilised as its gravest item is, in that order. What was used is a fact
and stands first; what is still open comes before what is settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from lxml import etree

from gateway.acknowledge.elements import collapse
from gateway.acknowledge.findings import text_of
from gateway.acknowledge.units import Factors, convert
from gateway.domain.status import CustomsOutcome
from gateway.store.records import CustomsEntry

USING = frozenset({CustomsOutcome.UTILISED, CustomsOutcome.PARTIALLY_UTILISED})
"""Outcomes that use something up."""

_ITEMS = "{{{0}}}Items/{{{0}}}Item"
_NUMBER = "{{{0}}}Number"
_MEASURES = ("{{{0}}}Quantity", "{{{0}}}NetWeight", "{{{0}}}GrossWeight")
_OPEN_FIRST = (
    CustomsOutcome.UNDER_VERIFICATION,
    CustomsOutcome.PREFERENCE_DENIED,
    CustomsOutcome.NOT_UTILISED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """So much of a unit of UNECE Recommendation 20."""

    value: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{self.value.normalize():f} {self.unit}"


Issued = Mapping[int, Quantity | None]
"""What the certificate gives for each item by its number; None for an item without a measure."""

Place = tuple[int, str | None]
"""Item and declaration: where an entry stands, one at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemUse:
    """
    What became of one item.

    Attributes:
        used: sum of the quantities that convert into the item's unit; 0 for an item without a measure.
        is_closed: said to be used up, without a quantity that could be counted.
        is_begun: something was used.
        said: what the entries that count say.
    """

    item: int
    issued: Quantity | None
    used: Decimal
    is_closed: bool
    is_begun: bool
    said: frozenset[CustomsOutcome]

    @property
    def is_full(self) -> bool:
        """Whether nothing is left of it."""
        return self.is_closed or (self.issued is not None and self.used >= self.issued.value)

    @property
    def outcome(self) -> CustomsOutcome | None:
        """What its entries make of it; None when nothing was said."""
        if self.is_full:
            return CustomsOutcome.UTILISED
        if self.is_begun:
            return CustomsOutcome.PARTIALLY_UTILISED
        if not self.said:
            return None
        return next((outcome for outcome in _OPEN_FIRST if outcome in self.said), CustomsOutcome.NOT_UTILISED)


def issued_quantities(document: etree._Element) -> Issued:
    """
    The items of a certificate with what was issued of each.

    Read from the canonical form: the item's quantity, else its net weight, else its gross weight.

    Args:
        document: a certificate that fits its schema.
    """
    namespace = etree.QName(document).namespace
    found: dict[int, Quantity | None] = {}
    for item in document.iterfind(_ITEMS.format(namespace)):
        number = item.find(_NUMBER.format(namespace))
        if number is not None:
            found[int(text_of(number))] = _measure(item, namespace)
    return found


def place_of(entry: CustomsEntry) -> Place:
    """Where *entry* stands."""
    return entry.item, entry.declaration


def standing(entries: Iterable[CustomsEntry]) -> dict[Place, CustomsEntry]:
    """The entries that count, of *entries* from the oldest to the newest."""
    return {place_of(entry): entry for entry in entries}


def uses(entry: CustomsEntry) -> bool:
    """Whether *entry* says that something of its item was used."""
    return entry.outcome in USING and (entry.quantity is None or entry.quantity > 0)


def measured(entry: CustomsEntry, issued: Quantity | None, factors: Factors) -> Decimal | None:
    """
    What *entry* used, in the unit in which its item was issued.

    None where that cannot be told: it gives no quantity, the item has no measure, or nothing converts them.
    """
    if entry.quantity is None or entry.unit is None or issued is None:
        return None
    return convert(entry.quantity, entry.unit, issued.unit, factors)


def item_use(
    item: int, issued: Quantity | None, entries: Iterable[CustomsEntry], factors: Factors
) -> ItemUse:
    """What the *entries* that count make of *item*; those about other items are passed over."""
    mine = [entry for entry in entries if entry.item == item]
    using = [entry for entry in mine if uses(entry)]
    amounts = (measured(entry, issued, factors) for entry in using)
    return ItemUse(
        item=item,
        issued=issued,
        used=sum((amount for amount in amounts if amount is not None), Decimal(0)),
        is_closed=any(_closes(entry, issued) for entry in using),
        is_begun=bool(using),
        said=frozenset(entry.outcome for entry in mine),
    )


def item_uses(issued: Issued, entries: Iterable[CustomsEntry], factors: Factors) -> tuple[ItemUse, ...]:
    """
    What became of every item of a certificate.

    Args:
        entries: all that were kept, oldest first; those about items it has not are passed over.
    """
    counting = tuple(standing(entries).values())
    return tuple(item_use(item, quantity, counting, factors) for item, quantity in issued.items())


def summary_of(issued: Issued, entries: Iterable[CustomsEntry], factors: Factors) -> CustomsOutcome:
    """
    What became of the certificate as a whole; see the head of this module.

    Args:
        entries: all that were kept, oldest first, at least one.
    """
    outcomes = [use.outcome for use in item_uses(issued, entries, factors)]
    if outcomes and all(outcome is CustomsOutcome.UTILISED for outcome in outcomes):
        return CustomsOutcome.UTILISED
    if any(outcome in USING for outcome in outcomes):
        return CustomsOutcome.PARTIALLY_UTILISED
    return next((outcome for outcome in _OPEN_FIRST if outcome in outcomes), CustomsOutcome.NOT_UTILISED)


def _closes(entry: CustomsEntry, issued: Quantity | None) -> bool:
    return entry.outcome is CustomsOutcome.UTILISED and (entry.quantity is None or issued is None)


def _measure(item: etree._Element, namespace: str | None) -> Quantity | None:
    for name in _MEASURES:
        if (measure := item.find(name.format(namespace))) is not None:
            return Quantity(value=Decimal(text_of(measure).strip()), unit=collapse(measure.get("unit", "")))
    return None
