"""
Which element of our documents stands where in a message: ``mappings/edifact/maps/*.toml``, compiled once.

A map is a tree of nodes in the order of our schema. A leaf has its places; a block is one occurrence of a segment
group; a wrapper has neither and is there when something in it is. The words of the file are told in certificate.toml.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.registry.folder import Folder
from gateway.registry.read import Strict, read_toml
from gateway.translate.edifact.tables import (
    ROOM,
    GroupDefinition,
    MessageDefinition,
    SegmentDefinition,
    SegmentItem,
    Tables,
)

DAY, INSTANT, NUMBER = "day", "instant", "number"


class PlaceFile(Strict):
    """One place of an element."""

    at: str | None = None
    group: str | None = None
    where: dict[str, str] = {}
    with_: dict[str, str] = {}
    spare: list[str] = []
    many: bool | Literal["slots"] = False
    spread: bool = False
    mixed: bool = False
    as_: str | None = None
    fits: str | None = None

    model_config = {**Strict.model_config, "alias_generator": lambda name: name.rstrip("_")}


class TotalFile(Strict):
    """A control total and the groups it counts."""

    at: str
    where: dict[str, str]
    of: str


class CodesOfDocument(Strict):
    """The document name codes (1001) of a certificate under an agreement, and of any other."""

    preferential: str
    other: str


class MapFile(Strict):
    """One map."""

    message: str
    association: str
    document_codes: CodesOfDocument | None = None
    functions: dict[str, str]
    empty: PlaceFile | None = None
    totals: list[TotalFile] = []
    facts: dict[str, PlaceFile]
    elements: dict[str, PlaceFile | list[PlaceFile]]


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
        slots: in which the values stand, in turn.
        beside: for each of *slots* what is written into others of the segment.
        spare: slots whose content says the same in other words.
        trigger: whether the segment is the first of the innermost of *groups*.
    """

    absolute: bool
    groups: tuple[str, ...]
    match: Match
    definition: SegmentDefinition
    slots: tuple[int, ...]
    beside: tuple[tuple[tuple[int, str], ...], ...]
    spare: tuple[int, ...]
    trigger: bool
    spread: bool
    kind: str | None
    fits: re.Pattern[str] | None

    @property
    def capacity(self) -> int:
        """How many characters its slots hold, one segment long."""
        return sum(self.definition.slots[slot].length for slot in self.slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A segment group that stands for an element."""

    group: str
    match: Match
    beside: tuple[tuple[int, str], ...]


@dataclass(slots=True, eq=False)
class Node:
    """
    An element, ``@attribute`` or ``#text`` of our document.

    Attributes:
        path: from below the root on.
        many: may occur again.
        slots_in_turn: occurrences fill the slots of one segment.
    """

    name: str
    path: str
    places: tuple[Place, ...] = ()
    block: Block | None = None
    many: bool = False
    slots_in_turn: bool = False
    mixed: bool = False
    children: dict[str, Node] = field(default_factory=dict)

    @property
    def parts(self) -> list[Node]:
        """Attributes and text that stand in places of their own."""
        return [child for child in self.children.values() if child.name[0] in "@#"]

    @property
    def elements(self) -> list[Node]:
        """The elements below."""
        return [child for child in self.children.values() if child.name[0] not in "@#"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A control total: where it stands, and the group it counts."""

    place: Place
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePairs:
    """A list of ours and the codes that stand for its members."""

    to_code: Mapping[str, str]
    from_code: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentMap:
    """
    One map, compiled.

    Attributes:
        facts: places of what belongs to the message, not to our document.
        empty: where paths of elements stand that are there and say nothing; None where none can be.
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
    root: Node
    codes: Mapping[str, CodePairs]


def load_maps(folder: Folder, tables: Tables) -> Mapping[str, DocumentMap]:
    """
    Read and compile every map, by the name of its file.

    Raises:
        Misconfigured: with every fault of every file.
    """
    faults: list[RegistryFault] = []
    codes = _codes(folder, faults)
    maps: dict[str, DocumentMap] = {}
    for relative, path in folder.glob(f"{ROOM}/maps/*.toml"):
        try:
            file = read_toml(path, relative, MapFile)
            maps[path.stem] = _Compiler(relative, file, tables, codes).compiled(path.stem)
        except Misconfigured as error:
            faults += error.faults
    if faults:
        raise Misconfigured(tuple(faults))
    return MappingProxyType(maps)


def load_error_names(folder: Folder) -> Mapping[str, str]:
    """
    What each code of data element 0085 is called.

    Raises:
        Misconfigured: there is no such file.
    """
    relative = f"{ROOM}/syntax-errors.csv"
    if (path := folder.find(relative)) is None:
        raise Misconfigured((RegistryFault(relative, "-", "no such file"),))
    return MappingProxyType(dict(_pairs(path.read_text("utf-8"))))


def _codes(folder: Folder, faults: list[RegistryFault]) -> Mapping[str, CodePairs]:
    made = {}
    for relative, path in folder.glob(f"{ROOM}/codes/*.csv"):
        pairs = list(_pairs(path.read_text("utf-8")))
        to_code, from_code = dict(pairs), {code: ours for ours, code in pairs}
        if len(to_code) < len(pairs) or len(from_code) < len(pairs):
            faults.append(RegistryFault(relative, "-", "something stands there twice"))
        made[path.stem] = CodePairs(
            to_code=MappingProxyType(to_code), from_code=MappingProxyType(from_code)
        )
    return MappingProxyType(made)


def _pairs(text: str) -> list[tuple[str, str]]:
    rows = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    next(rows)
    return [(row[0], row[1]) for row in rows]


class _Compiler:
    """Turns one file into a map; all its faults are told at once."""

    def __init__(
        self, relative: str, file: MapFile, tables: Tables, codes: Mapping[str, CodePairs]
    ) -> None:
        self._relative = relative
        self._file = file
        self._tables = tables
        self._codes = codes
        self._faults: list[RegistryFault] = []
        self._segments: Mapping[str, SegmentDefinition] = {}

    def compiled(self, name: str) -> DocumentMap:
        file = self._file
        message = self._tables.messages.get(file.message)
        if message is None:
            raise Misconfigured((self._fault("message", f"there is no table for {file.message}"),))
        self._segments = self._tables.directories[message.directory]
        root = Node("", "")
        for path, told in file.elements.items():
            self._tried(path, lambda p=path, t=told: self._add(root, message.root, p, t))
        facts = {
            key: place
            for key, told in file.facts.items()
            if (place := self._tried(key, lambda t=told: self._place(message.root, message.root, t))) is not None
        }
        empty = file.empty and self._tried("empty", lambda: self._place(message.root, message.root, file.empty))
        totals = [
            Total(place=place, of=total.of)
            for total in file.totals
            if (place := self._tried("totals", lambda t=total: self._total(message.root, t))) is not None
        ]
        if self._faults:
            raise Misconfigured(tuple(self._faults))
        return DocumentMap(
            name=name,
            message=message,
            segments=self._segments,
            association=file.association,
            document_codes=MappingProxyType(file.document_codes.model_dump() if file.document_codes else {}),
            functions=MappingProxyType(file.functions),
            facts=MappingProxyType(facts),
            empty=empty or None,
            totals=tuple(totals),
            root=root,
            codes=self._codes,
        )
