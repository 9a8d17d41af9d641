"""What an audit of the event log found: which event was tampered with, and how."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.merkle import HASH_BYTES


class Wrong(StrEnum):
    """What can be wrong with the log."""

    ALTERED = "altered"  #: the event, or the message it is about, says something else
    REMOVED = "removed"  #: the event is gone
    INSERTED = "inserted"  #: an event stands where none was
    REORDERED = "reordered"  #: the event stands elsewhere
    HASHES = "hashes"  #: hashes of the log itself were changed or are gone
    HEAD = "head"  #: a sealed head is about another history, or its seal does not hold


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFault:
    """
    One thing that is wrong.

    Attributes:
        leaf: where among the leaves, from 0; where events were put in, the leaf they stand before.
        event: the number of the event, where one is meant.
    """

    wrong: Wrong
    leaf: int | None
    event: int | None
    text: str


def compare(
    first: int, named: Sequence[int], logged: bytes, found: Sequence[int], hashed: bytes
) -> list[LogFault]:
    """
    Compare a run of leaves with the events that stand there now.

    Args:
        first: the number of the first leaf.
        named: the events the log names for the leaves, in order.
        logged: their hashes as the log has them, one after another.
        found: the events that stand there, in order.
        hashed: their hashes as they are now.
    """
    if logged == hashed and list(named) == list(found):
        return []
    leaf_of = {event: first + number for number, event in enumerate(named)}
    then = dict(zip(named, _cut(logged), strict=False))
    now = dict(zip(found, _cut(hashed), strict=True))
    faults = [_removed(event, leaf_of[event]) for event in named if event not in now]
    faults += _inserted(found, leaf_of)
    moved = _moved([leaf_of[event] for event in found if event in leaf_of])
    for event in named:
        if event in now and leaf_of[event] in moved:
            faults.append(_fault(Wrong.REORDERED, leaf_of[event], event, "stands elsewhere"))
        elif event in now and now[event] != then.get(event):
            faults.append(_fault(Wrong.ALTERED, leaf_of[event], event, "or its message, says something else"))
    return faults


def settled(faults: Iterable[LogFault]) -> list[LogFault]:
    """The faults of a whole audit: what was removed here and inserted there was moved."""
    faults = list(faults)
    by_kind = {kind: {each.event for each in faults if each.wrong is kind} for kind in Wrong}
    moved = by_kind[Wrong.REMOVED] & by_kind[Wrong.INSERTED]
    told = []
    for each in faults:
        if each.event not in moved or each.wrong not in (Wrong.REMOVED, Wrong.INSERTED):
            told.append(each)
        elif each.wrong is Wrong.REMOVED:
            told.append(_fault(Wrong.REORDERED, each.leaf, each.event, "stands elsewhere"))
    return told


def _removed(event: int, leaf: int) -> LogFault:
    return _fault(Wrong.REMOVED, leaf, event, "is gone")


def _inserted(found: Sequence[int], leaf_of: dict[int, int]) -> list[LogFault]:
    faults, before = [], None
    for event in reversed(found):
        if event in leaf_of:
            before = leaf_of[event]
        else:
            faults.append(_fault(Wrong.INSERTED, before, event, "stands where none was"))
    return faults[::-1]


def _moved(leaves: Sequence[int]) -> set[int]:
    """Those of *leaves* that are out of place: as few as possible, the rest is in order."""
    ends: list[int] = []  # the smallest last member of a rising sequence of each length
    lengths = []
    for leaf in leaves:
        at = bisect_left(ends, leaf)
        ends[at : at + 1] = [leaf]
        lengths.append(at)
    wanted, in_order = len(ends) - 1, set()
    for leaf, length in zip(reversed(leaves), reversed(lengths), strict=True):
        if length == wanted:
            in_order.add(leaf)
            wanted -= 1
    return set(leaves) - in_order


def _fault(wrong: Wrong, leaf: int | None, event: int | None, words: str) -> LogFault:
    where = "at the end" if leaf is None else f"leaf {leaf}"
    return LogFault(wrong=wrong, leaf=leaf, event=event, text=f"event {event} ({where}) {words}")


def _cut(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
