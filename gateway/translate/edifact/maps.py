"""
Which element of our documents stands where in a message, compiled.

A map is a tree of nodes in the order of our schema. A leaf has its places; a block is one occurrence of a
segment group; a wrapper has neither and is there when something in it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.translate.edifact.tables import MessageDefinition, SegmentDefinition

DAY, INSTANT, NUMBER = "day", "instant", "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A segment by its tag and by what must stand in it."""

    tag: str
    where: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where values of a leaf stand.

    Attributes:
        absolute: counted from the message, not from the group of the block above.
        groups: ids of the groups on the way.
        trigger: whether the segment is the first of the innermost of *groups*, and so chooses it.
        slots: in which the values stand, in turn.
        beside: for each of *slots*, what is written into others of the segment.
        spare: slots whose content says the same in other words.
        spread: a long text goes over all slots, and over as many segments as it takes.
        kind: day, instant, number, or a list of codes; None for a text.
        fits: only such values are written here.
    """

    absolute: bool
    groups: tuple[str, ...]
    trigger: bool
    match: Match
    definition: SegmentDefinition
    slots: tuple[int, ...]
    beside: tuple[tuple[tuple[int, str], ...], ...]
    spare: tuple[int, ...]
    spread: bool
    kind: str | None
    fits: re.Pattern[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A segment group that stands for an element."""

    group: str
    match: Match
    definition: SegmentDefinition
    beside: tuple[tuple[int, str], ...]


@dataclass(slots=True, eq=False)
class Node:
    """
    An element, ``@attribute`` or ``#text`` of our document.

    Attributes:
        path: from below the root on.
        many: may occur again.
        in_turn: occurrences fill the slots of one segment, one after another.
        mixed: its children keep the order in which they stand.
    """

    name: str
    path: str
    places: tuple[Place, ...] = ()
    block: Block | None = None
    many: bool = False
    in_turn: bool = False
    mixed: bool = False
    children: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A control total: where it stands, and the group below the message that it counts."""

    place: Place
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePairs:
    """The members of a list of ours, and the codes that stand for them."""

    to_code: Mapping[str, str]
    from_code: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentMap:
    """
    One map.

    Attributes:
        facts: places of what belongs to the message, not to our document.
        empty: where the paths of elements stand that are there and say nothing; None where none may be.
        openings: by group, what its first segment says when a place inside makes the group needed.
        codes: every list that a place may name.
    """

    name: str
    message: MessageDefinition
    segments: Mapping[str, SegmentDefinition]
    association: str
    document_codes: Mapping[str, str]
    functions: Mapping[str, str]
    facts: Mapping[str, Place]
    empty: Place | None
    totals: tuple[Total, ...]
    openings: Mapping[str, tuple[tuple[int, str], ...]]
    root: Node
    codes: Mapping[str, CodePairs]
