"""Segment tables as files: ``mappings/edifact/directories/*.toml`` and ``messages/*.toml``, compiled once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from pydantic import Field

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.registry.folder import Folder
from gateway.registry.read import Strict, read_toml

ROOM = "mappings/edifact"

SYNTAX_3, SYNTAX_4 = 3, 4
"""Versions of ISO 9735; 1 and 2 are read as 3."""

_NAME = re.compile(r"(?P<id>\w+)(?P<mandatory>!?)(?:\*(?P<times>\d+))?")
_FORMAT = re.compile(r"(?P<kind>an|a|n)(?P<most>\.\.)?(?P<length>\d+)")
_LINE = re.compile(r"(?P<indent> *)(?P<name>\w+) (?P<status>[MC]) (?P<times>\d+)")
_INDENT = 2

Shape = TypeVar("Shape", bound=Strict)


class DirectoryFile(Strict):
    """One directory: segments of composites and data elements, composites of data elements, their formats."""

    directory: str
    source: str
    edition: str
    segments: dict[str, str]
    composites: dict[str, str]
    elements: dict[str, str]


class MessageFile(Strict):
    """One message type: the directory of its segments, and its segment table."""

    type: str = Field(pattern=r"^[A-Z]{6}$")
    version: str
    release: str
    agency: str
    directory: str
    title: str
    source: str
    edition: str
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """
    One place for a value in a segment: a stand-alone data element, or a component of a composite.

    Attributes:
        element: position of the data element in the segment; the first after the tag is 1.
        component: position in the composite, from 1; None for a stand-alone data element.
        numeric: digits with an optional minus and decimal mark, which do not count as length.
        alphabetic: no digits.
        exact: the value has *length* characters, not at most so many.
    """

    id: str
    element: int
    composite: str | None
    component: int | None
    mandatory: bool
    numeric: bool
    alphabetic: bool
    length: int
    exact: bool

    @property
    def name(self) -> str:
        """``C212.7140``, or ``1082`` where it stands alone."""
        return f"{self.composite}.{self.id}" if self.composite else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementDefinition:
    """
    A data element of a segment: which of the segment's slots are its own.

    Attributes:
        position: the first after the tag is 1.
        needed: of its slots, those that must be filled if any is.
    """

    id: str
    position: int
    mandatory: bool
    first: int
    count: int
    needed: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDefinition:
    """
    What a segment may hold.

    Attributes:
        needing: elements that are mandatory, or have components that are.
    """

    tag: str
    slots: tuple[Slot, ...]
    elements: tuple[ElementDefinition, ...]
    needing: tuple[ElementDefinition, ...]

    def find(self, name: str) -> tuple[int, ...]:
        """
        The slots called ``1082``, ``C212.7140`` or, the second one of them, ``C212.7140#2``; in their order.

        Raises:
            KeyError: there is none.
        """
        wanted, _, which = name.partition("#")
        found = tuple(
            place for place, slot in enumerate(self.slots) if wanted == slot.name or wanted == slot.id
        )
        if which:
            found = found[int(which) - 1 : int(which)]
        if not found:
            raise KeyError(name)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentItem:
    """A segment in a segment table."""

    tag: str
    mandatory: bool
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDefinition:
    """
    A segment group, or the message as a whole, in a segment table.

    Attributes:
        positions: tag -> places in *items* where it stands, or is the trigger of a group.
    """

    id: str
    mandatory: bool
    times: int
    items: tuple[SegmentItem | GroupDefinition, ...]
    positions: Mapping[str, tuple[int, ...]] = field(default_factory=dict, repr=False)

    @property
    def trigger(self) -> str:
        """The tag of its first segment."""
        first = self.items[0]
        return first.tag if isinstance(first, SegmentItem) else first.trigger

    def item(self, name: str) -> SegmentItem | GroupDefinition:
        """
        The segment or group called *name* right below.

        Raises:
            KeyError: there is none.
        """
        for item in self.items:
            if name == (item.tag if isinstance(item, SegmentItem) else item.id):
                return item
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDefinition:
    """A message type of one directory."""

    type: str
    version: str
    release: str
    agency: str
    directory: str
    root: GroupDefinition

    @property
    def id(self) -> str:
        """``SANCRT.D.01B``, the name of its file."""
        return f"{self.type}.{self.version}.{self.release}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Every directory by name, every message by ``SANCRT.D.01B``."""

    directories: Mapping[str, Mapping[str, SegmentDefinition]]
    messages: Mapping[str, MessageDefinition]

    def service(self, version: int) -> Mapping[str, SegmentDefinition]:
        """The service segments of a syntax version."""
        return self.directories["service-4" if version >= SYNTAX_4 else "service-3"]

    def segments_of(self, message: MessageDefinition, version: int) -> Mapping[str, SegmentDefinition]:
        """All segments a message may be made of in an interchange of this syntax version."""
        return {**self.directories[message.directory], **self.service(version)}


def load_tables(folder: Folder) -> Tables:
    """
    Read and compile every directory and segment table.

    Raises:
        Misconfigured: with every fault of every file.
    """
    faults: list[RegistryFault] = []
    directories = {
        file.directory: _segments(relative, file, faults)
        for relative, file in _files(folder, "directories", DirectoryFile, faults)
    }
    messages = {
        made.id: made
        for relative, file in _files(folder, "messages", MessageFile, faults)
        if (made := _message(relative, file, directories, faults)) is not None
    }
    if faults:
        raise Misconfigured(tuple(faults))
    return Tables(directories=MappingProxyType(directories), messages=MappingProxyType(messages))


def _files(
    folder: Folder, room: str, shape: type[Shape], faults: list[RegistryFault]
) -> Iterator[tuple[str, Shape]]:
    for relative, path in folder.glob(f"{ROOM}/{room}/*.toml"):
        try:
            yield relative, read_toml(path, relative, shape)
        except Misconfigured as error:
            faults += error.faults


# ---- directories -----------------------------------------------------------------------------------------


def _segments(
    relative: str, file: DirectoryFile, faults: list[RegistryFault]
) -> Mapping[str, SegmentDefinition]:
    made = {}
    for tag, line in file.segments.items():
        try:
            made[tag] = _segment(tag, line, file)
        except KeyError as missing:
            faults.append(RegistryFault(relative, f"segments.{tag}", f"{missing.args[0]!r} is not described"))
        except ValueError as wrong:
            faults.append(RegistryFault(relative, f"segments.{tag}", str(wrong)))
    return MappingProxyType(made)


def _segment(tag: str, line: str, file: DirectoryFile) -> SegmentDefinition:
    slots: list[Slot] = []
    elements: list[ElementDefinition] = []
    for name, mandatory in _names(line):
        first, position = len(slots), len(elements) + 1
        if name in file.composites:
            for component, (inner, needed) in enumerate(_names(file.composites[name]), 1):
                slots.append(_slot(inner, needed, position, file, name, component))
        else:
            slots.append(_slot(name, mandatory, position, file))
        required = [place for place in range(first, len(slots)) if slots[place].mandatory]
        elements.append(
            ElementDefinition(
                id=name,
                position=position,
                mandatory=mandatory,
                first=first,
                count=len(slots) - first,
                needed=tuple(required) if len(slots) - first > 1 else (),
            )
        )
    needing = tuple(element for element in elements if element.mandatory or element.needed)
    return SegmentDefinition(tag=tag, slots=tuple(slots), elements=tuple(elements), needing=needing)


def _slot(
    name: str,
    mandatory: bool,
    element: int,
    file: DirectoryFile,
    composite: str | None = None,
    component: int | None = None,
) -> Slot:
    found = _FORMAT.fullmatch(file.elements[name])
    if found is None:
        raise ValueError(f"{name} has the format {file.elements[name]!r}")
    return Slot(
        id=name,
        element=element,
        composite=composite,
        component=component,
        mandatory=mandatory,
        numeric=found["kind"] == "n",
        alphabetic=found["kind"] == "a",
        length=int(found["length"]),
        exact=found["most"] is None,
    )


def _names(line: str) -> Iterator[tuple[str, bool]]:
    for word in line.split():
        found = _NAME.fullmatch(word)
        if found is None:
            raise ValueError(f"{word!r} is no name with ! or *times behind it")
        for _ in range(int(found["times"] or 1)):
            yield found["id"], found["mandatory"] == "!"


# ---- segment tables --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Open:
    """A group whose lines are being read."""

    id: str
    mandatory: bool
    times: int
    items: list[SegmentItem | GroupDefinition]

    def closed(self) -> GroupDefinition:
        if not self.items:
            raise ValueError(f"{self.id} is empty")
        group = GroupDefinition(
            id=self.id, mandatory=self.mandatory, times=self.times, items=tuple(self.items)
        )
        names = [item.tag if isinstance(item, SegmentItem) else item.id for item in self.items]
        if len(set(names)) < len(names):
            raise ValueError(f"{self.id} names something twice")
        positions: dict[str, tuple[int, ...]] = {}
        for place, item in enumerate(group.items):
            tag = item.tag if isinstance(item, SegmentItem) else item.trigger
            positions[tag] = (*positions.get(tag, ()), place)
        return GroupDefinition(
            id=group.id, mandatory=group.mandatory, times=group.times, items=group.items, positions=positions
        )


def _message(
    relative: str,
    file: MessageFile,
    directories: Mapping[str, Mapping[str, SegmentDefinition]],
    faults: list[RegistryFault],
) -> MessageDefinition | None:
    if file.directory not in directories:
        faults.append(RegistryFault(relative, "directory", f"there is no directory {file.directory}"))
        return None
    known = {*directories[file.directory], "UNH", "UNT"}
    try:
        root = _table(file.table, known)
    except ValueError as wrong:
        faults.append(RegistryFault(relative, "table", str(wrong)))
        return None
    return MessageDefinition(
        type=file.type,
        version=file.version,
        release=file.release,
        agency=file.agency,
        directory=file.directory,
        root=root,
    )


def _table(text: str, known: set[str]) -> GroupDefinition:
    stack = [_Open("message", True, 1, [])]
    for line in filter(None, text.splitlines()):
        found = _LINE.fullmatch(line)
        depth = len(found["indent"]) // _INDENT if found else 0
        if found is None or depth >= len(stack):
            raise ValueError(f"{line!r} is not name, M or C, times, indented by {_INDENT} in its group")
        while len(stack) > depth + 1:
            _close(stack)
        mandatory, times = found["status"] == "M", int(found["times"])
        if found["name"].startswith("SG"):
            stack.append(_Open(found["name"], mandatory, times, []))
        elif found["name"] in known:
            stack[-1].items.append(SegmentItem(tag=found["name"], mandatory=mandatory, times=times))
        else:
            raise ValueError(f"segment {found['name']} is not in the directory")
    while len(stack) > 1:
        _close(stack)
    return stack[0].closed()


def _close(stack: list[_Open]) -> None:
    group = stack.pop().closed()
    stack[-1].items.append(group)
