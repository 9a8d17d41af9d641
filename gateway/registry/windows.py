"""Windows of days that follow each other: versions of a form, editions of the Harmonized System."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from pydantic import Field

from gateway.domain.form import EditionWindow
from gateway.registry.read import Strict


class EditionFile(Strict):
    """The days of issue on which codes of one Harmonized System edition are taken."""

    edition: str = Field(pattern=r"^[0-9]{4}$")
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A name and the days for which it holds, both ends included; without an end it still holds."""

    name: str
    valid_from: date
    valid_to: date | None


def edition_windows(files: Iterable[EditionFile]) -> tuple[EditionWindow, ...]:
    """The windows that *files* give, oldest edition first."""
    windows = (
        EditionWindow(edition=file.edition, valid_from=file.valid_from, valid_to=file.valid_to)
        for file in files
    )
    return tuple(sorted(windows, key=lambda window: window.edition))


def edition_faults(files: Iterable[EditionFile]) -> Iterator[str]:
    """What is wrong with the windows of editions; see ``window_faults``."""
    windows = [Window(file.edition, file.valid_from, file.valid_to) for file in files]
    return (f"{name}: {key} {fault}" for name, key, fault in window_faults(windows))


def window_faults(windows: Sequence[Window]) -> Iterator[tuple[str, str, str]]:
    """
    Name, key and fault of each of *windows* that is no window, or does not follow from the one before it.

    Two may overlap, which is a transition; a transition has an end, and no third takes part in it.
    """
    in_order = sorted(windows, key=lambda window: window.valid_from)
    for window in in_order:
        if window.valid_to is not None and window.valid_to < window.valid_from:
            yield (
                window.name,
                "valid_to",
                f"ends on {window.valid_to}, before it begins on {window.valid_from}",
            )
    for earlier, later in pairwise(in_order):
        if earlier.valid_from == later.valid_from:
            yield later.name, "valid_from", f"begins on {later.valid_from}, as {earlier.name} does"
        elif earlier.valid_to is None:
            text = f"is missing: {later.name} follows from {later.valid_from}, and a transition has an end"
            yield earlier.name, "valid_to", text
        elif later.valid_to is not None and later.valid_to <= earlier.valid_to:
            text = f"ends on {later.valid_to}, no later than {earlier.name}, which it follows"
            yield later.name, "valid_to", text
        elif (later.valid_from - earlier.valid_to).days > 1:
            text = f"nothing covers the days between {earlier.valid_to} and {later.valid_from}"
            yield later.name, "valid_from", text
    for first, _, third in zip(in_order, in_order[1:], in_order[2:], strict=False):
        if first.valid_to is not None and third.valid_from <= first.valid_to:
            text = f"begins on {third.valid_from}, while {first.name}, two before it, still holds"
            yield third.name, "valid_from", text
