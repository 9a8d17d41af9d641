"""One segment, its values in the slots of its definition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.translate.edifact.faults import SyntaxError0085
from gateway.translate.edifact.tables import SegmentDefinition, Slot

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_NO_LENGTH = str.maketrans("", "", "-.,")


class Segment:
    """
    A segment, read or being written.

    Attributes:
        values: one for each slot of the definition; empty where nothing stands.
        number: position in the interchange, UNB is 1; 0 while it is written.
        position: position in its message, UNH is 1.
        taken: slots that a reader has understood.
    """

    __slots__ = ("definition", "number", "position", "taken", "values")

    def __init__(
        self,
        definition: SegmentDefinition,
        values: list[str] | None = None,
        *,
        number: int = 0,
        position: int = 0,
    ) -> None:
        self.definition = definition
        self.values = values if values is not None else [""] * len(definition.slots)
        self.number = number
        self.position = position
        self.taken: set[int] = set()

    @property
    def tag(self) -> str:
        """Its name."""
        return self.definition.tag

    def value(self, name: str) -> str:
        """What stands in the first slot called *name*."""
        return self.values[self.definition.find(name)[0]]

    def parts(self) -> list[list[str]]:
        """The tag and the data elements as their components, to be written."""
        elements = (
            self.values[element.first : element.first + element.count] for element in self.definition.elements
        )
        return [[self.tag], *elements]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A fault inside of one segment."""

    code: SyntaxError0085
    text: str
    element: int | None = None
    component: int | None = None
    value: str | None = None


def fill(parts: Sequence[Sequence[str]], definition: SegmentDefinition) -> tuple[list[str], list[Flaw]]:
    """The values of a segment that was cut into *parts*, tag first, and all that does not fit."""
    values = [""] * len(definition.slots)
    flaws: list[Flaw] = []
    for place, element in enumerate(parts[1:]):
        if place >= len(definition.elements):
            flaws.append(_too_many(definition, len(definition.elements), place + 1))
            break
        known = definition.elements[place]
        if len(element) > known.count:
            flaws.append(_too_many_components(known.id, known.count, place + 1))
        for offset, value in enumerate(element[: known.count]):
            if value:
                values[known.first + offset] = value
    flaws += _missing(values, definition)
    for slot, value in zip(definition.slots, values, strict=True):
        if value and (len(value) > slot.length or slot.numeric or slot.alphabetic or slot.exact):
            flaws += _misshapen(slot, value)
    return values, flaws


def _too_many(definition: SegmentDefinition, most: int, element: int) -> Flaw:
    return Flaw(
        code=SyntaxError0085.TOO_MANY_CONSTITUENTS,
        text=f"{definition.tag} has {most} data elements at most",
        element=element,
    )


def _too_many_components(name: str, most: int, element: int) -> Flaw:
    text = f"{name} has {most} components at most" if most > 1 else f"{name} has no components"
    return Flaw(code=SyntaxError0085.TOO_MANY_CONSTITUENTS, text=text, element=element, component=most + 1)


def _missing(values: Sequence[str], definition: SegmentDefinition) -> Iterator[Flaw]:
    for element in definition.needing:
        if not any(values[element.first : element.first + element.count]):
            if element.mandatory:
                yield Flaw(
                    code=SyntaxError0085.MISSING, text=f"{element.id} is missing", element=element.position
                )
            continue
        for place in element.needed:
            if not values[place]:
                slot = definition.slots[place]
                yield Flaw(
                    code=SyntaxError0085.MISSING,
                    text=f"{slot.name} is missing",
                    element=element.position,
                    component=slot.component,
                )


def _misshapen(slot: Slot, value: str) -> Iterator[Flaw]:
    length = len(value)
    if slot.numeric:
        if not _NUMBER.fullmatch(value) or not value.isascii():
            yield _flaw(slot, value, SyntaxError0085.CHARACTER_TYPE, "is no number")
            return
        length = len(value.translate(_NO_LENGTH))
    elif slot.alphabetic and any(each.isdigit() for each in value):
        yield _flaw(slot, value, SyntaxError0085.CHARACTER_TYPE, "has digits")
    if length > slot.length:
        yield _flaw(slot, value, SyntaxError0085.TOO_LONG, f"has {length} characters, at most {slot.length}")
    elif slot.exact and length < slot.length:
        yield _flaw(slot, value, SyntaxError0085.TOO_SHORT, f"has {length} characters, not {slot.length}")


def _flaw(slot: Slot, value: str, code: SyntaxError0085, words: str) -> Flaw:
    return Flaw(
        code=code,
        text=f"{slot.name} {words}",
        element=slot.element,
        component=slot.component,
        value=value,
    )
