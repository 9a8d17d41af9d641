"""
Service characters: from a text to segments, data elements and components, and back.

The cutting is ours and takes a fraction of a second for five megabytes, because it only ever replaces and
splits whole texts; a library that walks character by character needs seconds. Tests hold the two against
each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.translate.edifact.tables import SYNTAX_4

MAX_PARTS = 128
"""More data elements or components than any segment has; the rest stays uncut and is one too many."""

# A released service character is kept as a lone surrogate, which no decoded text holds, until all is cut.
_KEPT = "\ud800\ud801\ud802\ud803\ud804"


class LooseRelease(ValueError):
    """The text ends in a release character that releases nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCharacters:
    """
    The characters that divide an interchange.

    Attributes:
        repetition: divides repetitions of a data element; None before syntax version 4 or if UNA has a space.
    """

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    repetition: str | None = None
    terminator: str = "'"

    @property
    def dividers(self) -> str:
        """All that must be released inside of a value, the release character first."""
        return self.release + self.terminator + self.element + self.component + (self.repetition or "")

    @property
    def advice(self) -> str:
        """The service string advice, ``UNA:+.? '``."""
        return (
            f"UNA{self.component}{self.element}{self.decimal}{self.release}"
            f"{self.repetition or ' '}{self.terminator}"
        )

    def are_sound(self) -> bool:
        """Whether no two are the same and none is a letter, a digit or white space."""
        used = self.dividers
        return len(set(used)) == len(used) and not any(each.isalnum() or each.isspace() for each in used)


def characters_of(advice: str, version: int) -> ServiceCharacters:
    """
    What a service string advice of nine characters says; before version 4 its fifth character means nothing.
    """
    component, element, decimal, release, repetition, terminator = list(advice[3:])
    return ServiceCharacters(
        component=component,
        element=element,
        decimal=decimal,
        release=release,
        repetition=repetition if version >= SYNTAX_4 and repetition != " " else None,
        terminator=terminator,
    )


def default_characters(version: int) -> ServiceCharacters:
    """What divides an interchange without UNA."""
    return ServiceCharacters(repetition="*" if version >= SYNTAX_4 else None)


class Cutter:
    """
    Cuts one text; segments are given out one by one, their values by ``parts``.

    Args:
        text: without line breaks.

    Raises:
        LooseRelease: the text ends in a release character.
    """

    def __init__(self, text: str, characters: ServiceCharacters) -> None:
        self._characters = characters
        self._released = characters.release in text
        self._dividers = str.maketrans(dict(zip(_KEPT, characters.dividers, strict=False)))
        if self._released:
            text = self._without_releases(text)
        *segments, self.rest = text.split(characters.terminator)
        self.segments: list[str] = segments

    def _without_releases(self, text: str) -> str:
        release = self._characters.release
        for kept, divider in zip(_KEPT, self._characters.dividers, strict=False):
            text = text.replace(release + divider, kept)
        if text.endswith(release):
            raise LooseRelease
        return text.replace(release, "")

    def parts(self, segment: str) -> list[list[str]]:
        """The data elements of *segment*, each as its components; the first is the tag."""
        component = self._characters.component
        return [
            [self._restored(part) for part in element.split(component, MAX_PARTS)]
            for element in segment.split(self._characters.element, MAX_PARTS)
        ]

    def _restored(self, part: str) -> str:
        return part.translate(self._dividers) if self._released and not part.isascii() else part


def segments_until(text: str, characters: ServiceCharacters) -> int:
    """In which segment *text*, the beginning of an interchange, ends."""
    return len(Cutter(text + "x", characters).segments) + 1


def join(segments: Iterable[Sequence[Sequence[str]]], characters: ServiceCharacters) -> str:
    """Write segments, each the tag and its data elements as components; empty ones at an end are left out."""
    released = str.maketrans({each: characters.release + each for each in characters.dividers})
    component, element, terminator = characters.component, characters.element, characters.terminator
    lines = []
    for segment in segments:
        parts = [
            component.join([value.translate(released) for value in _without_tail(values)])
            if any(values)
            else ""
            for values in segment
        ]
        lines.append(element.join(_without_tail(parts)) + terminator)
    return "".join(lines)


def _without_tail(parts: Sequence[str]) -> Sequence[str]:
    end = len(parts)
    while end and not parts[end - 1]:
        end -= 1
    return parts[:end]
