"""
Write a document of ours into a message, as its map says.

Everything that the message cannot hold is told at once, with the path and the box of the element: characters
outside of the repertoire, texts that are too long, more occurrences than the segment table has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from gateway.domain.errors import ContentRefused, Fault, Finding
from gateway.domain.xml import readable_path
from gateway.translate.edifact.characters import CharacterSet
from gateway.translate.edifact.maps import INSTANT, DocumentMap, Match, Node, Place
from gateway.translate.edifact.segments import Segment
from gateway.translate.edifact.structure import Group
from gateway.translate.edifact.tables import GroupDefinition, SegmentDefinition, SegmentItem
from gateway.translate.edifact.values import Unfit, collapsed, cut, instant_to_segment, to_segment

VALUE_AT_MOST = 200

BoxOf = Callable[[str], str | None]


def no_box(_path: str) -> None:
    """Of documents that no paper form stands behind."""
    return


@dataclass(frozen=True, slots=True)
class _Here:
    """Where in our document something is being written: for findings, and for the list of what is empty."""

    element: etree._Element
    path: str
    attribute: str | None = None


class _Full(Exception):
    """There is no more room for a segment or group."""


class Writer:
    """
    Writes one document.

    Args:
        box_of: the box of the paper form for a path.
    """

    def __init__(self, document_map: DocumentMap, repertoire: CharacterSet, box_of: BoxOf = no_box) -> None:
        self._map = document_map
        self._repertoire = repertoire
        self._box_of = box_of
        self._message = Group(document_map.message.root)
        self._findings: list[Finding] = []
        self._empty: list[str] = []

    def write(self, root: etree._Element, facts: Mapping[str, str]) -> Group:
        """
        Write *root* and the *facts* of the message.

        Raises:
            ContentRefused: with everything that it cannot hold.
        """
        here = _Here(root, "")
        for name, value in facts.items():
            self._put(value, (self._map.facts[name],), self._message, here)
        self._write_parts(root, self._map.root, self._message, here)
        if self._empty:
            self._put_empty(here)
        for total in self._map.totals:
            count = len(self._message.groups.get(total.of, ()))
            self._put(str(count), (total.place,), self._message, here)
        if self._findings:
            raise ContentRefused(tuple(self._findings))
        return self._message

    # -- our document --

    def _write_parts(self, element: etree._Element, node: Node, group: Group, here: _Here) -> bool:
        """Attributes, text and elements below *element*; whether anything was there."""
        written = False
        for name, value in element.items():
            if name.startswith("{"):
                continue
            child, there = node.children.get(f"@{name}"), _Here(element, here.path, name)
            if child is None:
                self._refuse(there, Fault.SCHEMA, f"{self._map.message.type} has no place for it")
            elif text := collapsed(value):
                self._put(text, child.places, group, there)
                written = True
        if (child := node.children.get("#text")) is not None and (text := _text_of(element)):
            self._put(text, child.places, group, here)
            written = True
        counts: dict[str, int] = {}
        for below in element.iterchildren("*"):
            name = etree.QName(below).localname
            counts[name] = counts.get(name, 0) + 1
            self._write_element(below, node, name, counts[name], group, here)
            written = True
        return written

    def _write_element(
        self, element: etree._Element, parent: Node, name: str, count: int, group: Group, above: _Here
    ) -> None:
        node = parent.children.get(name)
        position = f"[{count}]" if node is not None and node.many else ""
        here = _Here(element, f"{above.path}/{name}{position}".lstrip("/"))
        if node is None or (count > 1 and not node.many):
            self._refuse(here, Fault.SCHEMA, f"{self._map.message.type} has no place for it")
            return
        try:
            if node.block is not None:
                inner = self._new_group(group, node.block.group)
                trigger = inner.segments[inner.definition.trigger][0]
                for slot, value in (*node.block.match.where, *node.block.beside):
                    trigger.values[slot] = value
                self._write_parts(element, node, inner, here)
            elif node.places:
                self._write_leaf(element, node, group, here)
            elif not self._write_parts(element, node, group, here):
                self._empty.append(here.path)
        except _Full as full:
            self._refuse(here, Fault.TOO_LARGE, str(full))

    def _write_leaf(self, element: etree._Element, node: Node, group: Group, here: _Here) -> None:
        text = _text_of(element)
        if text:
            self._put(
                text, node.places, group, here, new=node.many and not node.in_turn, in_turn=node.in_turn
            )
        if not self._write_parts(element, node, group, here) and not text:
            self._empty.append(here.path)

    # -- the message --

    def _put(
        self,
        text: str,
        places: Sequence[Place],
        group: Group,
        here: _Here,
        *,
        new: bool = False,
        in_turn: bool = False,
    ) -> None:
        if (stranger := self._repertoire.stranger(text)) is not None:
            repertoire = f"{self._repertoire.title} ({self._repertoire.level})"
            words = f"The character {stranger!r} (U+{ord(stranger):04X}) cannot be written in {repertoire}"
            self._refuse(here, Fault.CODE, words, "Write it in other letters, or agree on UNOW.", text)
            return
        try:
            if places[0].spread:
                self._spread(text, places, group)
            else:
                self._write_value(text, places, group, new, in_turn)
        except Unfit as unfit:
            self._refuse(here, unfit.fault, str(unfit), value=text)
        except _Full as full:
            self._refuse(here, Fault.TOO_LARGE, str(full))

    def _write_value(
        self, text: str, places: Sequence[Place], group: Group, new: bool, in_turn: bool
    ) -> None:
        """Into the first place that holds it; where the last holds a text in pieces, so."""
        for place in places:
            if place.spread:
                self._spread(text, (place,), group)
                return
            if place.fits is not None and not place.fits.fullmatch(text):
                continue
            value, format_code = text, None
            if place.kind == INSTANT:
                value, format_code = instant_to_segment(text)
            else:
                value = to_segment(text, place.kind, self._map.codes)
            if _length(value, place, place.slots[0]) > place.definition.slots[place.slots[0]].length:
                continue
            segment, slot = self._segment_for(place, group, new=new, in_turn=in_turn)
            _fill(segment, place, slot, value)
            if format_code is not None:
                segment.values[place.slots[0] + 1] = format_code
            return
        place = places[-1]
        most = place.definition.slots[place.slots[0]].length
        raise Unfit(f"{len(text)} characters are more than the {most} that {place.definition.tag} holds")

    def _spread(self, text: str, places: Sequence[Place], group: Group) -> None:
        for place in places:
            lengths = [place.definition.slots[slot].length for slot in place.slots]
            new = False
            while text:
                try:
                    segment, _ = self._segment_for(place, group, new=new)
                except _Full:
                    break
                pieces, text = cut(text, lengths)
                for slot, piece in zip(place.slots, pieces, strict=False):
                    _fill(segment, place, slot, piece)
                new = True
        if text:
            raise _Full(f"{self._map.message.type} has room for {len(text)} characters less")

    def _put_empty(self, here: _Here) -> None:
        if self._map.empty is None:
            for path in self._empty:
                words = (
                    f"{path} says nothing, which {self._map.message.type} cannot tell from not being there"
                )
                self._refuse(here, Fault.SCHEMA, words)
            return
        self._put(" ".join(self._empty), (self._map.empty,), self._message, here)

    def _segment_for(
        self, place: Place, group: Group, *, new: bool = False, in_turn: bool = False
    ) -> tuple[Segment, int]:
        """The segment at *place* that is written on, made if need be, and the slot of it that is next."""
        outer = parent = self._message if place.absolute else group
        for step, name in enumerate(place.groups):
            last = step == len(place.groups) - 1
            parent, outer = (
                outer,
                self._group_for(outer, name, place.match if last and place.trigger else None),
            )
        held = [each for each in outer.segments.get(place.match.tag, ()) if _matches(each, place.match)]
        if held and not new:
            if not in_turn:
                return held[-1], place.slots[0]
            for slot in place.slots:
                if not held[-1].values[slot]:
                    return held[-1], slot
        try:
            return self._new_segment(outer, place.definition, place.match), place.slots[0]
        except _Full:
            if not place.groups or place.trigger:
                raise
        another = self._opened(parent, place.groups[-1], self._map.openings.get(place.groups[-1], ()))
        return self._new_segment(another, place.definition, place.match), place.slots[0]

    def _group_for(self, outer: Group, name: str, match: Match | None) -> Group:
        """The group that *match* means, or the latest; opened if there is none."""
        for each in reversed(outer.groups.get(name, ())):
            if match is None or (each.trigger is not None and _matches(each.trigger, match)):
                return each
        return self._opened(outer, name, self._map.openings.get(name, ()) if match is None else match.where)

    def _opened(self, outer: Group, name: str, says: Sequence[tuple[int, str]]) -> Group:
        made = self._new_group(outer, name)
        for slot, value in says:
            made.segments[made.definition.trigger][0].values[slot] = value
        return made

    def _new_group(self, outer: Group, name: str) -> Group:
        definition = outer.definition.item(name)
        assert isinstance(definition, GroupDefinition)
        held = outer.groups.setdefault(name, [])
        if len(held) >= definition.times:
            raise _Full(f"{self._map.message.type} holds {definition.times} of {name} here, and no more")
        made = Group(definition)
        held.append(made)
        trigger = definition.trigger
        made.segments[trigger] = [Segment(self._map.segments[trigger])]
        return made

    def _new_segment(self, group: Group, definition: SegmentDefinition, match: Match) -> Segment:
        item = group.definition.item(definition.tag)
        assert isinstance(item, SegmentItem)
        held = group.segments.setdefault(definition.tag, [])
        if len(held) >= item.times:
            raise _Full(f"{self._map.message.type} holds {item.times} of {definition.tag} here, and no more")
        made = Segment(definition)
        for slot, value in match.where:
            made.values[slot] = value
        held.append(made)
        return made

    # -- findings --

    def _refuse(
        self, here: _Here, fault: Fault, text: str, action: str | None = None, value: str | None = None
    ) -> None:
        path = readable_path(here.element)
        if here.attribute is not None:
            path += f"/@{here.attribute}"
        self._findings.append(
            Finding(
                code=fault.value,
                text=text if text[-1] in ".!" else f"{text}.",
                box=self._box_of(path),
                path=path,
                line=here.element.sourceline,
                value=None if value is None else value[:VALUE_AT_MOST],
                action=action
                or f"Say it in what {self._map.message.type} can hold, or agree on another dialect.",
            )
        )


def _matches(segment: Segment, match: Match) -> bool:
    return all(segment.values[slot] == value for slot, value in match.where)


def _fill(segment: Segment, place: Place, slot: int, value: str) -> None:
    segment.values[slot] = value
    at = place.slots.index(slot)
    for beside, constant in place.beside[at]:
        segment.values[beside] = constant


def _length(value: str, place: Place, slot: int) -> int:
    if place.definition.slots[slot].numeric:
        return sum(1 for each in value if each.isdigit())
    return len(value)


def _text_of(element: etree._Element) -> str:
    """The character data directly in *element*; a comment in the middle neither counts nor cuts."""
    text = (element.text or "") + "".join(child.tail or "" for child in element)
    return collapsed(text) if text else ""
