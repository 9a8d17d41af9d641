"""
From octets to messages: every fault of syntax, envelope, counts and structure, with its place.

Nothing here raises for what a sender did wrong, because whatever came must be answered with a CONTRL that
says where. Work is linear in the size; after ``CAP`` faults the rest is not looked at.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from gateway.domain.errors import Fault
from gateway.translate.edifact.characters import CharacterSet
from gateway.translate.edifact.decoding import decode
from gateway.translate.edifact.faults import Enough, Faults, SyntaxError0085, SyntaxFault, of_interchange
from gateway.translate.edifact.segments import Segment, fill
from gateway.translate.edifact.structure import Group, arrange
from gateway.translate.edifact.syntax import Cutter, LooseRelease, ServiceCharacters, segments_until
from gateway.translate.edifact.tables import SYNTAX_3, MessageDefinition, SegmentDefinition, Tables

MAX_SEGMENTS = 20_000
"""Of a certificate with a thousand items; so many are read in a fraction of a second."""

_ENOUGH_FOR_UNB = 1000
_ENVELOPES = frozenset({"UNG", "UNE", "UNO", "UNP"})


@dataclass(slots=True, eq=False)
class Message:
    """
    One message of an interchange.

    Attributes:
        header: its UNH.
        definition: None for a message type we have no table for.
        root: its segments by the segment table; only of a message without faults.
    """

    number: int
    header: Segment
    definition: MessageDefinition | None = None
    segments: list[Segment] = field(default_factory=list)
    root: Group | None = None

    @property
    def type(self) -> str:
        """``SANCRT``."""
        return self.header.value("S009.0065")


@dataclass(slots=True, eq=False)
class Examined:
    """
    An interchange, as far as it could be read, and all that is wrong with it.

    Attributes:
        characters: None where not even the service characters are known.
        header: its UNB; None where none could be read.
    """

    characters: ServiceCharacters | None = None
    repertoire: CharacterSet | None = None
    version: int = SYNTAX_3
    header: Segment | None = None
    messages: list[Message] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)


def examine(octets: bytes, tables: Tables, repertoires: Mapping[str, CharacterSet]) -> Examined:
    """Read *octets* as an interchange; ``faults`` of what is given back is empty when it is sound."""
    decoded = decode(octets, repertoires)
    examined = Examined(characters=decoded.characters, repertoire=decoded.repertoire, version=decoded.version)
    if decoded.fault is not None:
        examined.faults.append(decoded.fault)
    if decoded.characters is not None:
        with contextlib.suppress(Enough):
            _Examination(examined, tables, decoded.characters).run(decoded.text)
    return examined


class _Examination:
    """Walks over the segments of one interchange."""

    def __init__(self, examined: Examined, tables: Tables, characters: ServiceCharacters) -> None:
        self._examined = examined
        self._faults = examined.faults
        self._tables = tables
        self._characters = characters
        self._service = tables.service(examined.version)
        self._known: Mapping[str, SegmentDefinition] = self._service
        self._message: Message | None = None
        self._count = 0  # of segments in the message that is open
        self._closed = False
        self._outside = False

    def run(self, text: str) -> None:
        if not self._faults and text.count(self._characters.terminator) > MAX_SEGMENTS:
            words = f"More than {MAX_SEGMENTS} segments"
            self._faults.note(of_interchange(SyntaxError0085.TOO_MANY, "UNB", words, fault=Fault.TOO_LARGE))
        if self._faults:
            self._read_header(text)
            return
        try:
            cutter = Cutter(text, self._characters)
        except LooseRelease:
            self._note_loose(text)
            return
        strangers = self._examined.repertoire is not None and bool(
            self._examined.repertoire.outside.search(text)
        )
        for number, raw in enumerate(cutter.segments, 1):
            self._take(number, cutter.parts(raw.lstrip(" ")), strangers)
        self._end(len(cutter.segments), cutter.rest)

    def _read_header(self, text: str) -> None:
        """What the answer needs of UNB, when nothing else is looked at."""
        cutter = Cutter(text[:_ENOUGH_FOR_UNB].rstrip(self._characters.release), self._characters)
        if cutter.segments and (parts := cutter.parts(cutter.segments[0]))[0] == ["UNB"]:
            values, _ = fill(parts, self._service["UNB"])
            self._examined.header = Segment(self._service["UNB"], values, number=1)

    def _note_loose(self, text: str) -> None:
        self._read_header(text)
        self._faults.note(
            of_interchange(
                SyntaxError0085.LOOSE_SERVICE_CHARACTER,
                "UNZ",
                f"The interchange ends in the release character {self._characters.release!r}",
                number=segments_until(text, self._characters),
            )
        )

    # -- segments --

    def _take(self, number: int, parts: list[list[str]], strangers: bool) -> None:
        tag = parts[0][0] if len(parts[0]) == 1 else ":".join(parts[0])
        if strangers:
            self._check_characters(number, tag, "".join("".join(element) for element in parts))
        if self._closed:
            text = f"{tag[:20]!r} stands behind UNZ; one interchange is sent at a time"
            self._faults.note(of_interchange(SyntaxError0085.OUTSIDE, "UNZ", text, number=number))
            raise Enough
        if number == 1:
            self._open_interchange(parts, tag)
        elif tag == "UNH":
            self._open_message(number, parts)
        elif tag == "UNZ":
            self._close_interchange(number, parts)
        elif self._message is None:
            self._note_outside(number, tag)
        elif tag == "UNT":
            self._close_message(number, parts)
        else:
            self._keep(number, parts, tag)

    def _check_characters(self, number: int, tag: str, text: str) -> None:
        assert self._examined.repertoire is not None
        if (stranger := self._examined.repertoire.stranger(text)) is None:
            return
        inside = self._message is not None
        self._faults.note(
            SyntaxFault(
                code=SyntaxError0085.CHARACTER,
                text=f"Segment {number} ({tag[:20]}) has the character {stranger!r} (U+{ord(stranger):04X}), "
                f"which {self._examined.repertoire.title} does not hold",
                service=None if inside else "UNB",
                message=self._message.number if self._message else None,
                segment=self._count + 1 if inside else None,
                number=number,
                value=stranger,
                fault=Fault.UNREADABLE,
            )
        )

    def _segment(
        self, number: int, position: int, parts: list[list[str]], definition: SegmentDefinition
    ) -> Segment:
        values, flaws = fill(parts, definition)
        service = definition.tag if definition.tag.startswith("UN") else None
        message = None if definition.tag in ("UNB", "UNZ") or self._message is None else self._message.number
        for flaw in flaws:
            self._faults.note(
                SyntaxFault(
                    code=flaw.code,
                    text=f"Segment {number} ({definition.tag}): {flaw.text}",
                    service=service,
                    message=message,
                    segment=position if message else None,
                    number=number,
                    element=flaw.element,
                    component=flaw.component,
                    value=flaw.value,
                    fault=Fault.UNREADABLE if service else Fault.SCHEMA,
                )
            )
        return Segment(definition, values, number=number, position=position)

    def _keep(self, number: int, parts: list[list[str]], tag: str) -> None:
        assert self._message is not None
        self._count += 1
        if self._message.definition is None:
            return
        definition = self._known.get(tag)
        if definition is None:
            code = SyntaxError0085.ENVELOPE if tag in _ENVELOPES else SyntaxError0085.NOT_HERE
            self._note(code, f"Segment {number}: {tag[:20]!r} is no segment of {self._message.type}", number)
            return
        self._message.segments.append(self._segment(number, self._count, parts, definition))

    def _note(
        self,
        code: SyntaxError0085,
        text: str,
        number: int,
        *,
        service: str | None = None,
        element: int | None = None,
        value: str | None = None,
        segment: int | None = None,
    ) -> None:
        """A fault of the message that is open, at its latest segment unless told."""
        assert self._message is not None
        self._faults.note(
            SyntaxFault(
                code=code,
                text=text,
                service=service,
                message=self._message.number,
                segment=self._count if segment is None else segment,
                number=number,
                element=element,
                value=value,
                fault=Fault.UNREADABLE if service else Fault.SCHEMA,
            )
        )

    # -- the interchange --

    def _open_interchange(self, parts: list[list[str]], tag: str) -> None:
        if tag != "UNB":
            text = f"The first segment is {tag[:20]!r}, not UNB"
            self._faults.note(of_interchange(SyntaxError0085.MISSING, "UNB", text, number=1))
            raise Enough
        header = self._examined.header = self._segment(1, 0, parts, self._service["UNB"])
        if header.value("0035"):
            self._faults.note(
                of_interchange(
                    SyntaxError0085.TEST,
                    "UNB",
                    "The interchange is marked as a test; here is only earnest",
                    number=1,
                    element=11,
                    value=header.value("0035"),
                )
            )

    def _close_interchange(self, number: int, parts: list[list[str]]) -> None:
        if self._message is not None:
            self._note_no_trailer(number)
        trailer = self._segment(number, 0, parts, self._service["UNZ"])
        self._closed = True
        messages, reference = len(self._examined.messages), trailer.value("0020")
        if _miscounts(trailer.value("0036"), messages) and not self._outside:
            text = f"UNZ counts {trailer.value('0036')} messages, there are {messages}"
            self._note_trailer(SyntaxError0085.COUNT, text, number, 1, trailer.value("0036"))
        header = self._examined.header
        if header is not None and reference and reference != header.value("0020"):
            text = f"UNZ has the reference {reference!r}, UNB has {header.value('0020')!r}"
            self._note_trailer(SyntaxError0085.REFERENCES, text, number, 2, reference)
        if not messages and not self._outside:
            self._note_trailer(
                SyntaxError0085.EMPTY, "There is no message between UNB and UNZ", number, None, None
            )

    def _note_trailer(
        self, code: SyntaxError0085, text: str, number: int, element: int | None, value: str | None
    ) -> None:
        self._faults.note(of_interchange(code, "UNZ", text, number=number, element=element, value=value))

    def _note_outside(self, number: int, tag: str) -> None:
        """Of segments between messages the first is told; counts that follow from them are not."""
        if self._outside:
            return
        self._outside = True
        if tag in _ENVELOPES:
            code, text = SyntaxError0085.ENVELOPE, "functional groups and packages are not supported"
        else:
            code, text = SyntaxError0085.OUTSIDE, "it stands between messages"
        self._faults.note(
            of_interchange(code, "UNB", f"Segment {number} ({tag[:20]!r}): {text}", number=number)
        )

    def _end(self, count: int, rest: str) -> None:
        if rest.strip(" "):
            end = self._characters.terminator
            text = f"Segment {count + 1} does not end in {end!r}; the interchange is cut off"
            self._faults.note(
                of_interchange(
                    SyntaxError0085.LOOSE_SERVICE_CHARACTER,
                    "UNZ",
                    text,
                    number=count + 1,
                    value=_plain(rest),
                )
            )
        elif not self._closed:
            text = "UNZ is missing; the interchange is cut off" if count else "There is no segment"
            self._faults.note(of_interchange(SyntaxError0085.MISSING, "UNZ", text, number=count or None))
        self._check_references()

    def _check_references(self) -> None:
        met: set[str] = set()
        for message in self._examined.messages:
            reference = message.header.value("0062")
            if reference in met:
                self._message = message
                text = f"The message reference {reference!r} stands more than once"
                self._note(
                    SyntaxError0085.DUPLICATE,
                    text,
                    message.header.number,
                    service="UNH",
                    element=1,
                    segment=1,
                )
            met.add(reference)

    # -- messages --

    def _open_message(self, number: int, parts: list[list[str]]) -> None:
        if self._message is not None:
            self._note_no_trailer(number)
        definition = self._service["UNH"]
        self._message = Message(
            len(self._examined.messages) + 1, Segment(definition, number=number, position=1)
        )
        self._examined.messages.append(self._message)
        self._count = 1
        header = self._message.header = self._segment(number, 1, parts, definition)
        name = f"{header.value('S009.0065')}.{header.value('S009.0052')}.{header.value('S009.0054')}"
        self._message.definition = self._tables.messages.get(name)
        if self._message.definition is None:
            known = ", ".join(sorted(self._tables.messages))
            text = f"There is no agreement for {name[:40]}; known are {known}"
            self._note(SyntaxError0085.NO_AGREEMENT, text, number, service="UNH", element=2, value=name)
            return
        self._known = self._tables.segments_of(self._message.definition, self._examined.version)
        self._message.segments.append(header)

    def _note_no_trailer(self, number: int) -> None:
        self._note(SyntaxError0085.MISSING, f"UNT is missing before segment {number}", number, service="UNT")
        self._message = None

    def _close_message(self, number: int, parts: list[list[str]]) -> None:
        message = self._message
        assert message is not None
        self._count += 1
        trailer = self._segment(number, self._count, parts, self._service["UNT"])
        counted = trailer.value("0074")
        if _miscounts(counted, self._count):
            text = f"UNT counts {counted} segments, there are {self._count}"
            self._note(SyntaxError0085.COUNT, text, number, service="UNT", element=1, value=counted)
        reference = trailer.value("0062")
        if reference and reference != message.header.value("0062"):
            text = f"UNT has the reference {reference!r}, UNH has {message.header.value('0062')!r}"
            self._note(SyntaxError0085.REFERENCES, text, number, service="UNT", element=2, value=reference)
        if message.definition is not None:
            message.segments.append(trailer)
            self._arrange(message, message.definition, message.segments)
        self._message = None

    def _arrange(self, message: Message, definition: MessageDefinition, segments: Sequence[Segment]) -> None:
        message.root, misplaced = arrange(segments, definition.root)
        for each in misplaced:
            missing = each.code is SyntaxError0085.MISSING
            self._note(
                each.code,
                f"Segment {each.segment.number} ({each.segment.tag}): {each.text}",
                each.segment.number,
                segment=each.segment.position - (1 if missing else 0),
            )


def _miscounts(told: str, count: int) -> bool:
    """Whether a control count is another number than *count*; what is no number is told elsewhere."""
    try:
        return Decimal(told.replace(",", ".")) != count
    except InvalidOperation:
        return False


def _plain(text: str) -> str:
    """*text* without the stand-ins for released service characters."""
    return re.sub("[\ud800-\ud804]", "", text)
