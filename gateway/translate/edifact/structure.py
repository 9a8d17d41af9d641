"""Segments in the order of a segment table: who may follow whom, how often, and in which group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.translate.edifact.faults import SyntaxError0085
from gateway.translate.edifact.segments import Segment
from gateway.translate.edifact.tables import GroupDefinition, SegmentItem


@dataclass(slots=True, eq=False)
class Group:
    """One occurrence of a segment group, or a message as a whole."""

    definition: GroupDefinition
    segments: dict[str, list[Segment]] = field(default_factory=dict)
    groups: dict[str, list[Group]] = field(default_factory=dict)

    @property
    def trigger(self) -> Segment | None:
        """Its first segment."""
        found = self.segments.get(self.definition.trigger)
        return found[0] if found else None

    def walk(self) -> Iterator[Segment]:
        """Every segment, in the order of the segment table."""
        for item in self.definition.items:
            if isinstance(item, SegmentItem):
                yield from self.segments.get(item.tag, ())
            else:
                for group in self.groups.get(item.id, ()):
                    yield from group.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Misplaced:
    """A segment that stands where its message has no place for it, or one that is missing before it."""

    code: SyntaxError0085
    text: str
    segment: Segment


@dataclass(slots=True)
class _Frame:
    """An open group: the item of its table that was met last, and how often."""

    group: Group
    place: int = 0
    count: int = 0


def arrange(segments: Sequence[Segment], root: GroupDefinition) -> tuple[Group, list[Misplaced]]:
    """
    Put *segments*, at least one, into the groups of *root*.

    A segment that has no place is told and left out, and the next is looked at as if it had not been there.
    """
    message = Group(root)
    stack = [_Frame(message)]
    wrong: list[Misplaced] = []
    for segment in segments:
        fault = _place(segment, stack, wrong)
        if fault is not None:
            wrong.append(Misplaced(code=fault[0], text=fault[1], segment=segment))
    while stack:
        _leave(stack.pop(), segments[-1], wrong)
    return message, wrong


def _place(
    segment: Segment, stack: list[_Frame], wrong: list[Misplaced]
) -> tuple[SyntaxError0085, str] | None:
    """Find the next place for *segment*, innermost group first; what is wrong when there is none."""
    full: tuple[SyntaxError0085, str] | None = None
    for depth in range(len(stack) - 1, -1, -1):
        frame = stack[depth]
        for place in frame.group.definition.positions.get(segment.tag, ()):
            if place < frame.place:
                continue
            item = frame.group.definition.items[place]
            if place == frame.place and frame.count >= item.times:
                full = _full(item, segment.tag)
                continue
            while len(stack) > depth + 1:
                _leave(stack.pop(), segment, wrong)
            _enter(frame, place, item, segment, stack, wrong)
            return None
    return full or (SyntaxError0085.NOT_HERE, f"{segment.tag} has no place here")


def _full(item: SegmentItem | GroupDefinition, tag: str) -> tuple[SyntaxError0085, str]:
    if isinstance(item, SegmentItem):
        return SyntaxError0085.TOO_MANY, f"{tag} may stand here {_times(item.times)}"
    return (
        SyntaxError0085.TOO_MANY_GROUPS,
        f"{item.id}, which {tag} begins, may stand here {_times(item.times)}",
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _enter(
    frame: _Frame,
    place: int,
    item: SegmentItem | GroupDefinition,
    segment: Segment,
    stack: list[_Frame],
    wrong: list[Misplaced],
) -> None:
    if place != frame.place:
        _skip(frame, place, segment, wrong)
        frame.place, frame.count = place, 0
    frame.count += 1
    if isinstance(item, SegmentItem):
        frame.group.segments.setdefault(item.tag, []).append(segment)
        return
    group = Group(item)
    frame.group.groups.setdefault(item.id, []).append(group)
    inner = _Frame(group)
    stack.append(inner)
    _enter(inner, 0, item.items[0], segment, stack, wrong)


def _leave(frame: _Frame, segment: Segment, wrong: list[Misplaced]) -> None:
    _skip(frame, len(frame.group.definition.items), segment, wrong)


def _skip(frame: _Frame, until: int, segment: Segment, wrong: list[Misplaced]) -> None:
    """Tell what is mandatory between the item met last and *until*, and was not met."""
    first = frame.place + 1 if frame.count else frame.place
    for item in frame.group.definition.items[first:until]:
        if item.mandatory:
            name = item.tag if isinstance(item, SegmentItem) else item.trigger
            wrong.append(
                Misplaced(
                    code=SyntaxError0085.MISSING,
                    text=f"{name} is missing before {segment.tag}",
                    segment=segment,
                )
            )
