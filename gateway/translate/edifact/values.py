"""Values as they stand in our documents, and as they stand in segments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType

from gateway.domain.clock import rfc3339_exact
from gateway.domain.errors import Fault
from gateway.translate.edifact.maps import DAY, INSTANT, NUMBER, CodePairs

_SPACES = re.compile("[ \t\r\n]+")
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_STATED = re.compile(r"-?\d+(?:[.,]\d+)?")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COMPACT = re.compile(r"\d{8}")

# How a moment is written (2379): to the second where that says it all, else in words of RFC 3339.
SECONDS, WORDS = "204", "ZZZ"
_FORMATS: Mapping[str, str] = MappingProxyType(
    {"203": "%Y%m%d%H%M", SECONDS: "%Y%m%d%H%M%S", "304": "%Y%m%d%H%M%S%Z", "102": "%Y%m%d"}
)


class Unfit(ValueError):
    """A value that cannot be said on the other side; *fault* is its code in the catalogue."""

    def __init__(self, text: str, fault: Fault = Fault.SCHEMA) -> None:
        super().__init__(text)
        self.fault = fault


def collapsed(text: str) -> str:
    """*text* as ``xs:token`` is compared: XML's white space single, none around; other spaces stay."""
    return _SPACES.sub(" ", text).strip(" ")


def to_segment(text: str, kind: str | None, codes: Mapping[str, CodePairs]) -> str:
    """
    *text* of our document as it is written into a segment.

    Raises:
        Unfit: it is none of its kind, or not in the list.
    """
    if kind is None or kind == INSTANT:
        return text
    if kind == DAY:
        return _day(text[:10]).isoformat().replace("-", "")
    if kind == NUMBER:
        return _plain(text)
    try:
        return codes[kind].to_code[text]
    except KeyError:
        raise Unfit(f"{text[:40]!r} has no code in {kind}", Fault.CODE) from None


def from_segment(text: str, kind: str | None, codes: Mapping[str, CodePairs]) -> str:
    """
    *text* of a segment as it is written in our document.

    Raises:
        Unfit: it is none of its kind, or not in the list.
    """
    if kind is None or kind == INSTANT:
        return text
    if kind == DAY:
        if not _COMPACT.fullmatch(text) or not text.isascii():
            raise Unfit(f"{text[:40]!r} is no day, CCYYMMDD")
        return _day(f"{text[:4]}-{text[4:6]}-{text[6:]}").isoformat()
    if kind == NUMBER:
        if not _STATED.fullmatch(text) or not text.isascii():
            raise Unfit(f"{text[:40]!r} is no number")
        return text.replace(",", ".")
    try:
        return codes[kind].from_code[text]
    except KeyError:
        known = ", ".join(codes[kind].from_code)
        raise Unfit(f"{text[:40]!r} is not in {kind}; known are {known}", Fault.CODE) from None


def instant_to_segment(text: str) -> tuple[str, str]:
    """A moment and its format (2379): to the second if it is whole, else as it is."""
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unfit(f"{text[:40]!r} is no moment") from None
    if at.microsecond:
        return rfc3339_exact(at), WORDS
    return re.sub("[-T:]", "", at.isoformat(timespec="seconds")[:19]), SECONDS


def instant_from_segment(text: str, format_code: str) -> str:
    """
    A moment as RFC 3339 writes it, in UTC.

    Raises:
        Unfit: the format is none of ours, or the text does not fit it.
    """
    try:
        if format_code == WORDS:
            at = datetime.fromisoformat(text)
        else:
            at = datetime.strptime(text, _FORMATS[format_code])  # noqa: DTZ007 - without a zone it is UTC
        return rfc3339_exact(at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))
    except (KeyError, ValueError, OverflowError):
        raise Unfit(f"{text[:40]!r} is no moment in the format {format_code!r}") from None


def cut(text: str, lengths: Sequence[int]) -> tuple[list[str], str]:
    """
    Cut *text* into pieces of at most *lengths*; what is left over comes back too.

    Joined without anything between them they are *text* again. A piece does not end in a space, where that
    can be helped, because spaces at the end of a value are often taken off on the way.
    """
    pieces = []
    for length in lengths:
        if not text:
            break
        end = length
        if len(text) > length:
            while end > 1 and text[end - 1] == " ":
                end -= 1
            if text[end - 1] == " ":
                end = length
        pieces.append(text[:end])
        text = text[end:]
    return pieces, text


def _day(text: str) -> date:
    if not _ISO_DAY.fullmatch(text):
        raise Unfit(f"{text[:40]!r} is no day")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Unfit(f"{text[:40]!r} is no day") from None


def _plain(text: str) -> str:
    """A decimal without plus sign, zeros in front, or a bare decimal mark; its fraction is kept."""
    if not _DECIMAL.fullmatch(text) or not text.isascii():
        raise Unfit(f"{text[:40]!r} is no number")
    sign = "-" if text.startswith("-") else ""
    whole, _, fraction = text.lstrip("+-").partition(".")
    whole = whole.lstrip("0") or "0"
    return f"{sign}{whole}.{fraction}" if fraction else sign + whole
