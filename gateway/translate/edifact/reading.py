"""
Read a sound message into a document of ours, as its map says.

Nothing is dropped in silence: what stands in a segment and has no place in our document is a finding, and so
is what does not fit the list or the kind it should be of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from lxml import etree

from gateway.domain.errors import ContentRefused, Fault, Finding
from gateway.translate.edifact.faults import CAP, VALUE_AT_MOST, place_of
from gateway.translate.edifact.maps import INSTANT, DocumentMap, Match, Node, Place
from gateway.translate.edifact.segments import Segment
from gateway.translate.edifact.structure import Group
from gateway.translate.edifact.values import Unfit, collapsed, from_segment, instant_from_segment

_SERVICE = frozenset({"UNH", "UNT"})


class Reader:
    """
    Reads one message.

    Args:
        number: of the message in its interchange, for findings.

    Attributes:
        facts: what the message says of itself; a fact that is not told is left out.
    """

    def __init__(self, document_map: DocumentMap, message: Group, number: int) -> None:
        self._map = document_map
        self._message = message
        self._number = number
        self._findings: list[Finding] = []
        self._empty: frozenset[str] = frozenset()
        self._namespace = ""
        told = {name: self._one((place,), message) for name, place in document_map.facts.items()}
        self.facts = {name: value for name, value in told.items() if value}

    def read(self, namespace: str, root: str) -> etree._Element:
        """
        The document, its elements in *namespace*, without one if that is empty.

        Raises:
            ContentRefused: with everything that is not understood.
        """
        self._namespace = f"{{{namespace}}}" if namespace else ""
        element = etree.Element(self._namespace + root, nsmap={None: namespace} if namespace else None)
        if self._map.empty is not None:
            self._empty = frozenset(self._one((self._map.empty,), self._message).split(" "))
        self._read_below(self._map.root, self._message, element, "")
        self._check_totals()
        self._tell_left_over(self._message)
        if self._findings:
            raise ContentRefused(tuple(self._findings[:CAP]))
        return element

    # -- our document --

    def _read_below(self, node: Node, group: Group, element: etree._Element, path: str) -> bool:
        """Fill *element*; whether anything was found for it."""
        if node.mixed:
            return self._read_mixed(node, group, element)
        found = False
        for child in node.children.values():
            below = f"{path}/{child.name}" if path else child.name
            if child.name.startswith("@"):
                if value := self._one(child.places, group):
                    element.set(child.name[1:], value)
                    found = True
            elif child.name == "#text":
                if value := self._one(child.places, group):
                    element.text = value
                    found = True
            elif child.block is not None:
                found |= self._read_blocks(child, group, element, below)
            elif child.many:
                found |= self._read_many(child, group, element)
            else:
                found |= self._read_single(child, group, element, below)
        return found

    def _read_blocks(self, node: Node, group: Group, parent: etree._Element, path: str) -> bool:
        block = node.block
        assert block is not None
        count = 0
        for inner in group.groups.get(block.group, ()):
            trigger = inner.trigger
            if trigger is None or not _matches(trigger, block.match):
                continue
            count += 1
            if count > 1 and not node.many:
                self._refuse(trigger, None, f"A second {node.name} has no place in our document")
            self._take(trigger, block.match.where)
            self._compare(trigger, block.beside)
            element = etree.SubElement(parent, self._namespace + node.name)
            self._read_below(node, inner, element, f"{path}[{count}]" if node.many else path)
        return count > 0

    def _read_many(self, node: Node, group: Group, parent: etree._Element) -> bool:
        found = False
        place = node.places[0]
        for segment in self._candidates(place, group):
            for slot in place.slots if node.in_turn else place.slots[:1]:
                if segment.values[slot]:
                    text = self._understood(segment, place, slot)
                    etree.SubElement(parent, self._namespace + node.name).text = text
                    found = True
        return found

    def _read_mixed(self, node: Node, group: Group, element: etree._Element) -> bool:
        met = [
            (segment.position, child.name, self._understood(segment, place, place.slots[0]))
            for child in node.children.values()
            for place in child.places
            for segment in self._candidates(place, group)
            if segment.values[place.slots[0]]
        ]
        for _, name, text in sorted(met):
            etree.SubElement(element, self._namespace + name).text = text
        return bool(met)

    def _read_single(self, node: Node, group: Group, parent: etree._Element, path: str) -> bool:
        element = etree.SubElement(parent, self._namespace + node.name)
        text = self._one(node.places, group) if node.places else ""
        if text:
            element.text = text
        if self._read_below(node, group, element, path) or text or path in self._empty:
            return True
        parent.remove(element)
        return False

    # -- the message --

    def _one(self, places: Sequence[Place], group: Group) -> str:
        """The value that stands in the first place that has one; empty where none has."""
        parts: list[str] = []
        for place in places:
            if place.spread:
                parts += self._pieces(place, group)
                continue
            filled = [each for each in self._candidates(place, group) if each.values[place.slots[0]]]
            if filled:
                for more in filled[1:]:
                    self._refuse(more, place.slots[0], "It stands here a second time")
                    more.taken.update(range(len(more.values)))
                return self._understood(filled[0], place, place.slots[0])
        return collapsed("".join(parts))

    def _pieces(self, place: Place, group: Group) -> Iterator[str]:
        for segment in self._candidates(place, group):
            for at, slot in enumerate(place.slots):
                if piece := segment.values[slot]:
                    self._take(segment, place.match.where, slot)
                    self._compare(segment, place.beside[at])
                    yield piece

    def _candidates(self, place: Place, group: Group) -> Iterator[Segment]:
        """Every segment that *place* may mean."""
        outer = [self._message if place.absolute else group]
        for name in place.groups:
            outer = [inner for each in outer for inner in each.groups.get(name, ())]
            self._take_opening(name, outer)
        for each in outer:
            for segment in each.segments.get(place.match.tag, ()):
                if _matches(segment, place.match):
                    yield segment

    def _take_opening(self, name: str, groups: Sequence[Group]) -> None:
        if (says := self._map.openings.get(name)) is not None:
            for trigger in (group.trigger for group in groups):
                if trigger is not None and all(trigger.values[slot] == value for slot, value in says):
                    self._take(trigger, says)

    def _understood(self, segment: Segment, place: Place, slot: int) -> str:
        self._take(segment, place.match.where, slot, *place.spare)
        self._compare(segment, place.beside[place.slots.index(slot)])
        value = segment.values[slot]
        try:
            if place.kind == INSTANT:
                self._take(segment, (), slot + 1)
                return instant_from_segment(value, segment.values[slot + 1])
            return collapsed(from_segment(value, place.kind, self._map.codes))
        except Unfit as unfit:
            self._refuse(segment, slot, str(unfit), unfit.fault)
            return ""

    def _take(self, segment: Segment, where: Sequence[tuple[int, str]], *slots: int) -> None:
        segment.taken.update(slot for slot, _ in where)
        segment.taken.update(slots)

    def _compare(self, segment: Segment, constants: Sequence[tuple[int, str]]) -> None:
        """What must be said so and not otherwise, if it is said at all."""
        for slot, constant in constants:
            segment.taken.add(slot)
            if segment.values[slot] not in ("", constant):
                self._refuse(segment, slot, f"Only {constant!r} is understood here")

    def _check_totals(self) -> None:
        for total in self._map.totals:
            count = len(self._message.groups.get(total.of, ()))
            for segment in self._candidates(total.place, self._message):
                slot = total.place.slots[0]
                self._take(segment, total.place.match.where, slot)
                if segment.values[slot].lstrip("0") != str(count).lstrip("0"):
                    words = (
                        f"The control total is {segment.values[slot]}, but there are {count} of {total.of}"
                    )
                    self._refuse(segment, slot, words)

    def _tell_left_over(self, group: Group) -> None:
        """What nobody understood; of a group whose first segment is not understood, only that."""
        trigger = group.trigger
        if group is not self._message and trigger is not None and self._is_left_over(trigger):
            return
        for segment in chain.from_iterable(group.segments.values()):
            if segment is not trigger and segment.tag not in _SERVICE:
                self._is_left_over(segment)
        for inner in chain.from_iterable(group.groups.values()):
            self._tell_left_over(inner)

    def _is_left_over(self, segment: Segment) -> bool:
        for slot, value in enumerate(segment.values):
            if value and slot not in segment.taken:
                self._refuse(segment, slot, "It has no place in our document")
                return True
        return False

    def _refuse(self, segment: Segment, slot: int | None, text: str, fault: Fault = Fault.SCHEMA) -> None:
        known = None if slot is None else segment.definition.slots[slot]
        where = f"Segment {segment.number} ({segment.tag})" + (f", {known.name}" if known else "")
        self._findings.append(
            Finding(
                code=fault.value,
                text=f"{where}: {text}.",
                path=place_of(
                    self._number,
                    segment.position,
                    known.element if known else None,
                    known.component if known else None,
                ),
                line=segment.number,
                value=None if slot is None else segment.values[slot][:VALUE_AT_MOST],
                action="Say it where our table of segments asks for it, or leave it out.",
            )
        )


def _matches(segment: Segment, match: Match) -> bool:
    return all(segment.values[slot] == value for slot, value in match.where)
