"""Maps and code lists as files: ``maps/*.toml`` and ``codes/*.csv`` of ``mappings/edifact``."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Literal

from pydantic import ConfigDict, Field

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.registry.folder import Folder
from gateway.registry.read import Strict, read_toml
from gateway.translate.edifact.maps import (
    DAY,
    INSTANT,
    NUMBER,
    Block,
    CodePairs,
    DocumentMap,
    Match,
    Node,
    Place,
    Total,
)
from gateway.translate.edifact.tables import (
    ROOM,
    GroupDefinition,
    MessageDefinition,
    SegmentDefinition,
    SegmentItem,
    Tables,
)


class PlaceFile(Strict):
    """One place of an element; ``with`` and ``as`` are Python's words, so they bear a stroke here."""

    model_config = ConfigDict(**Strict.model_config, alias_generator=lambda name: name.rstrip("_"))

    at: str | None = None
    group: str | None = None
    where: dict[str, str] = Field(default_factory=dict)
    with_: dict[str, str] = Field(default_factory=dict)
    spare: list[str] = Field(default_factory=list)
    many: bool | Literal["slots"] = False
    spread: bool = False
    mixed: bool = False
    as_: str | None = None
    fits: str | None = None


class TotalFile(Strict):
    """A control total and the group it counts."""

    at: str
    where: dict[str, str]
    of: str


class OpeningFile(Strict):
    """What the first segment of a group says when something else in the group makes it needed."""

    segment: str
    says: dict[str, str]


class DocumentCodesFile(Strict):
    """The document name codes (1001) of a certificate under an agreement, and of any other."""

    preferential: str
    other: str


class MapFile(Strict):
    """One map."""

    message: str
    association: str
    document_codes: DocumentCodesFile | None = None
    functions: dict[str, str]
    empty: PlaceFile | None = None
    totals: list[TotalFile] = Field(default_factory=list)
    openings: dict[str, OpeningFile] = Field(default_factory=dict)
    facts: dict[str, PlaceFile]
    elements: dict[str, PlaceFile | list[PlaceFile]]


def load_maps(folder: Folder, tables: Tables) -> Mapping[str, DocumentMap]:
    """
    Read and compile every map, by the name of its file.

    Raises:
        Misconfigured: with every fault of every file.
    """
    faults: list[RegistryFault] = []
    codes = _load_codes(folder, faults)
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


def _load_codes(folder: Folder, faults: list[RegistryFault]) -> Mapping[str, CodePairs]:
    made = {}
    for relative, path in folder.glob(f"{ROOM}/codes/*.csv"):
        pairs = list(_pairs(path.read_text("utf-8")))
        to_code, from_code = dict(pairs), {code: ours for ours, code in pairs}
        if not pairs:
            faults.append(RegistryFault(relative, "-", "no list: canonical,code and a line for each"))
        if len(to_code) < len(pairs) or len(from_code) < len(pairs):
            faults.append(RegistryFault(relative, "-", "something stands there twice"))
        made[path.stem] = CodePairs(to_code=MappingProxyType(to_code), from_code=MappingProxyType(from_code))
    return MappingProxyType(made)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """The first two columns; the head, and lines that have no two, left out."""
    rows = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    for row in islice(rows, 1, None):
        if len(row) > 1:
            yield row[0], row[1]


class _Wrong(ValueError):
    """A line of the file names what is not there."""


class _Compiler:
    """Turns one file into a map; all its faults are told at once."""

    def __init__(self, relative: str, file: MapFile, tables: Tables, codes: Mapping[str, CodePairs]) -> None:
        self._relative = relative
        self._file = file
        self._tables = tables
        self._codes = codes
        self._faults: list[RegistryFault] = []

    def compiled(self, name: str) -> DocumentMap:
        file = self._file
        message = self._tables.messages.get(file.message)
        if message is None:
            raise Misconfigured((RegistryFault(self._relative, "message", f"no table for {file.message}"),))
        self._segments: Mapping[str, SegmentDefinition] = self._tables.directories[message.directory]
        made = DocumentMap(
            name=name,
            message=message,
            segments=self._segments,
            association=file.association,
            document_codes=MappingProxyType(file.document_codes.model_dump() if file.document_codes else {}),
            functions=MappingProxyType(file.functions),
            facts=MappingProxyType(dict(self._facts(message))),
            empty=next(self._tried("empty", message.root, message.root, file.empty), None),
            totals=tuple(self._totals(message)),
            openings=MappingProxyType(dict(self._openings())),
            root=self._tree(message),
            codes=self._codes,
        )
        if self._faults:
            raise Misconfigured(tuple(self._faults))
        return made

    def _facts(self, message: MessageDefinition) -> Iterator[tuple[str, Place]]:
        for key, told in self._file.facts.items():
            for place in self._tried(f"facts.{key}", message.root, message.root, told):
                yield key, place

    def _totals(self, message: MessageDefinition) -> Iterator[Total]:
        for total in self._file.totals:
            told = PlaceFile(at=total.at, where=total.where)
            for place in self._tried("totals", message.root, message.root, told):
                yield Total(place=place, of=total.of)

    def _openings(self) -> Iterator[tuple[str, tuple[tuple[int, str], ...]]]:
        for group, told in self._file.openings.items():
            try:
                yield group, _constants(self._segments[told.segment], told.says)
            except KeyError:
                words = f"there is no segment {told.segment}"
                self._faults.append(RegistryFault(self._relative, f"openings.{group}", words))
            except ValueError as wrong:
                self._faults.append(RegistryFault(self._relative, f"openings.{group}", str(wrong)))

    def _tried(
        self, key: str, root: GroupDefinition, group: GroupDefinition, told: PlaceFile | None
    ) -> Iterator[Place]:
        if told is None:
            return
        try:
            yield self._place(root, group, told)
        except (ValueError, re.error) as wrong:
            self._faults.append(RegistryFault(self._relative, key, str(wrong)))

    # -- the tree --

    def _tree(self, message: MessageDefinition) -> Node:
        root = Node("", "")
        for path, told in self._file.elements.items():
            try:
                self._add(root, message.root, path, told)
            except (ValueError, re.error) as wrong:
                self._faults.append(RegistryFault(self._relative, f"elements.{path}", str(wrong)))
        return root

    def _add(self, tree: Node, root: GroupDefinition, path: str, told: PlaceFile | list[PlaceFile]) -> None:
        parent, group = tree, root
        *above, name = path.split("/")
        for each in above:
            below = "/".join(filter(None, (parent.path, each)))
            parent = parent.children.setdefault(each, Node(each, below))
            if parent.block is not None:
                group = _group_in(group, parent.block.group)
        if name in parent.children:
            raise _Wrong("stands there twice, or after what is in it")
        parent.children[name] = self._node(
            name, path, root, group, told if isinstance(told, list) else [told]
        )

    def _node(
        self, name: str, path: str, root: GroupDefinition, group: GroupDefinition, told: list[PlaceFile]
    ) -> Node:
        first = told[0]
        node = Node(name, path, many=bool(first.many), in_turn=first.many == "slots", mixed=first.mixed)
        if first.group is not None:
            inner = _group_in(group, first.group)
            definition = self._segments[inner.trigger]
            node.block = Block(
                group=first.group,
                match=_match(definition, first.where),
                definition=definition,
                beside=_constants(definition, first.with_),
            )
        elif first.at is not None:
            node.places = tuple(self._place(root, group, each) for each in told)
        return node

    def _place(self, root: GroupDefinition, group: GroupDefinition, told: PlaceFile) -> Place:
        where, _, name = (told.at or "").partition(" ")
        absolute = where.startswith("/")
        *groups, tag = where.strip("/").split("/")
        inner = root if absolute else group
        for each in groups:
            inner = _group_in(inner, each)
        try:
            inner.item(tag)
        except KeyError:
            raise _Wrong(f"{tag} has no place in {inner.id}") from None
        if tag not in self._segments:
            raise _Wrong(f"{tag} is a service segment; the envelope fills it")
        definition = self._segments[tag]
        slots = _slots(definition, name)
        if told.as_ is not None and told.as_ not in {DAY, INSTANT, NUMBER, *self._codes}:
            raise _Wrong(f"there is no list called {told.as_}")
        return Place(
            absolute=absolute,
            groups=tuple(groups),
            trigger=bool(groups) and inner.trigger == tag,
            match=_match(definition, told.where),
            definition=definition,
            slots=slots if told.spread or told.many == "slots" else slots[:1],
            beside=tuple(_beside(definition, slot, told.with_) for slot in slots),
            spare=tuple(slot for each in told.spare for slot in _slots(definition, each)),
            spread=told.spread,
            kind=told.as_,
            fits=re.compile(told.fits) if told.fits else None,
        )


def _group_in(group: GroupDefinition, name: str) -> GroupDefinition:
    try:
        found = group.item(name)
    except KeyError:
        raise _Wrong(f"{name} has no place in {group.id}") from None
    if isinstance(found, SegmentItem):
        raise _Wrong(f"{name} is no group")
    return found


def _slots(definition: SegmentDefinition, name: str) -> tuple[int, ...]:
    try:
        return definition.find(name)
    except KeyError:
        raise _Wrong(f"{definition.tag} has no {name}") from None


def _constants(definition: SegmentDefinition, told: Mapping[str, str]) -> tuple[tuple[int, str], ...]:
    return tuple((_slots(definition, name)[0], value) for name, value in told.items())


def _match(definition: SegmentDefinition, where: Mapping[str, str]) -> Match:
    return Match(tag=definition.tag, where=_constants(definition, where))


def _beside(definition: SegmentDefinition, slot: int, told: Mapping[str, str]) -> tuple[tuple[int, str], ...]:
    """Constants for a value in *slot*: of several of one name, the one in the same data element."""
    element = definition.slots[slot].element
    made = []
    for name, value in told.items():
        found = _slots(definition, name)
        same = [each for each in found if definition.slots[each].element == element]
        made.append(((same or found)[0], value))
    return tuple(made)
