"""
CONTRL: the syntax of an interchange is taken or refused, and where it is faulty.

Written from the faults that an examination found; read back into findings that name the same places. What the
codes do not say, the words of the findings, stays behind: whoever needs them gets an APERAK.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType

from gateway.domain.errors import Fault, Finding
from gateway.translate.edifact.characters import CharacterSet
from gateway.translate.edifact.envelope import UNKNOWN, Envelope, envelope_of
from gateway.translate.edifact.examine import Examined, Message
from gateway.translate.edifact.faults import SyntaxFault, place_of
from gateway.translate.edifact.segments import Segment
from gateway.translate.edifact.structure import Group
from gateway.translate.edifact.tables import (
    SYNTAX_3,
    SYNTAX_4,
    GroupDefinition,
    MessageDefinition,
    SegmentDefinition,
    Tables,
)

REJECTED, ACKNOWLEDGED = "4", "7"
_UNTOLD = "0"
_SERVICE_ELEMENT = MappingProxyType({SYNTAX_3: "0013", SYNTAX_4: "0135"})
_TYPES = MappingProxyType({SYNTAX_3: "CONTRL.D.3", SYNTAX_4: "CONTRL.4.1"})


def definition_for(tables: Tables, version: int) -> MessageDefinition:
    """The CONTRL of a syntax version."""
    return tables.messages[_TYPES[version]]


def answer_envelope(examined: Examined) -> Envelope:
    """The envelope of an answer to an interchange: back to its sender."""
    theirs = envelope_of(examined.header)
    return Envelope(sender=theirs.recipient, recipient=theirs.sender, prepared_at=theirs.prepared_at)


def write_contrl(examined: Examined, tables: Tables, version: int, repertoire: CharacterSet) -> Group:
    """A CONTRL of the given syntax version about *examined*: all is taken, or each fault with its place."""
    return _Writer(tables, version, repertoire).write(examined)


class _Writer:
    def __init__(self, tables: Tables, version: int, repertoire: CharacterSet) -> None:
        self._repertoire = repertoire
        self._segments: Mapping[str, SegmentDefinition] = tables.service(version)
        self._root = definition_for(tables, version).root
        self._service = _SERVICE_ELEMENT[version]

    def write(self, examined: Examined) -> Group:
        message = Group(self._root)
        whole = [fault for fault in examined.faults if fault.message is None]
        message.segments["UCI"] = [self._interchange(examined, whole)]
        group = self._root.item("SG1")
        assert isinstance(group, GroupDefinition)
        message.groups["SG1"] = [
            self._message(group, each, [fault for fault in examined.faults if fault.message == each.number])
            for each in examined.messages
            if each.header.value("0062")
        ]
        return message

    def _interchange(self, examined: Examined, faults: Sequence[SyntaxFault]) -> Segment:
        theirs = envelope_of(examined.header)
        uci = self._made(
            "UCI",
            {
                "0020": theirs.reference or UNKNOWN,
                "S002.0004": theirs.sender,
                "S003.0010": theirs.recipient,
                "0083": REJECTED if faults else ACKNOWLEDGED,
            },
        )
        if faults:
            self._put_fault(uci, faults[0])
        return uci

    def _message(self, definition: GroupDefinition, message: Message, faults: Sequence[SyntaxFault]) -> Group:
        group = Group(definition)
        identity = {
            name: message.header.value(name) or _UNTOLD
            for name in ("S009.0065", "S009.0052", "S009.0054", "S009.0051")
        }
        ucm = self._made(
            "UCM",
            {
                "0062": message.header.value("0062"),
                **identity,
                "0083": REJECTED if faults else ACKNOWLEDGED,
            },
        )
        group.segments["UCM"] = [ucm]
        service = next((fault for fault in faults if fault.service is not None), None)
        if service is not None:
            self._put_fault(ucm, service)
        inner = definition.item("SG2")
        assert isinstance(inner, GroupDefinition)
        others = [fault for fault in faults if fault is not service]
        by_segment = sorted(others, key=lambda fault: fault.segment or 0)
        group.groups["SG2"] = [
            self._segment(inner, position, list(told))
            for position, told in groupby(by_segment, key=lambda fault: fault.segment or 1)
        ]
        return group

    def _segment(self, definition: GroupDefinition, position: int, faults: Sequence[SyntaxFault]) -> Group:
        group = Group(definition)
        whole = next((fault for fault in faults if fault.element is None), None)
        group.segments["UCS"] = [
            self._made("UCS", {"0096": str(position), "0085": whole.code if whole else ""})
        ]
        group.segments["UCD"] = [
            self._made("UCD", {"0085": fault.code, **_position(fault)})
            for fault in faults
            if fault.element is not None
        ]
        return group

    def _put_fault(self, segment: Segment, fault: SyntaxFault) -> None:
        told = {"0085": fault.code.value, self._service: fault.service or "", **_position(fault)}
        self._put(segment, told)

    def _made(self, tag: str, values: Mapping[str, str]) -> Segment:
        segment = Segment(self._segments[tag])
        self._put(segment, values)
        return segment

    def _put(self, segment: Segment, values: Mapping[str, str]) -> None:
        """Whatever a faulty interchange says of itself, cut to what the answer has room for."""
        for name, value in values.items():
            slot = segment.definition.find(name)[0]
            segment.values[slot] = self._repertoire.fitting(value)[: segment.definition.slots[slot].length]


def _position(fault: SyntaxFault) -> dict[str, str]:
    """The place in a segment as CONTRL counts it: the tag is 1."""
    if fault.element is None:
        return {}
    at = {"S011.0098": str(fault.element + 1)}
    return {**at, "S011.0104": str(fault.component)} if fault.component is not None else at


def is_accepted(message: Group) -> bool:
    """Whether a CONTRL takes the interchange and every message of it."""
    actions = [message.segments["UCI"][0].value("0083")]
    actions += [group.segments["UCM"][0].value("0083") for group in message.groups.get("SG1", ())]
    return REJECTED not in actions


def findings_of(message: Group, names: Mapping[str, str]) -> Iterator[Finding]:
    """What a CONTRL says is wrong, each at its place; *names* tell what a code of 0085 means."""
    uci = message.segments["UCI"][0]
    yield from _told(uci, names, None, None)
    for number, group in enumerate(message.groups.get("SG1", ()), 1):
        yield from _told(group.segments["UCM"][0], names, number, None)
        for inner in group.groups.get("SG2", ()):
            ucs = inner.segments["UCS"][0]
            position = int(ucs.value("0096") or 0) or None
            yield from _told(ucs, names, number, position)
            for ucd in inner.segments.get("UCD", ()):
                yield from _told(ucd, names, number, position)


def _told(
    segment: Segment, names: Mapping[str, str], message: int | None, position: int | None
) -> Iterator[Finding]:
    code = segment.value("0085")
    if not code:
        return
    element, component = _place_in(segment)
    service = _service_of(segment)
    where = " ".join(
        part
        for part in (
            f"message {message}" if message else "interchange",
            f"segment {position}" if position else service,
            f"data element {element}" if element else "",
            f"component {component}" if component else "",
        )
        if part
    )
    yield Finding(
        code=(Fault.UNREADABLE if service or not message else Fault.SCHEMA).value,
        text=f"Syntax error {code}, {names.get(code, 'not in the list')}: {where}.",
        path=place_of(message, position, element, component),
        value=service or None,
    )


def _place_in(segment: Segment) -> tuple[int | None, int | None]:
    if not any(slot.composite == "S011" for slot in segment.definition.slots):
        return None, None
    counted, component = segment.value("S011.0098"), segment.value("S011.0104")
    return (int(counted) - 1 or None) if counted else None, int(component) if component else None


def _service_of(segment: Segment) -> str:
    for name in _SERVICE_ELEMENT.values():
        if any(slot.name == name for slot in segment.definition.slots):
            return segment.value(name)
    return ""
