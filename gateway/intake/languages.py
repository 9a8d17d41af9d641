"""The languages in which a caller wants to be told, by the header ``Accept-Language`` (RFC 9110, 12.5.4)."""

from __future__ import annotations

import re

from gateway.domain.words import Language

_AT_MOST = 20
_RANGE = re.compile(r"\s*(?P<language>[A-Za-z]{2,3})(?:-[\w-]*)?\s*(?:;\s*q=(?P<q>[01](?:\.\d{0,3})?))?\s*")


def languages_of(header: str) -> tuple[Language, ...]:
    """The languages that *header* names, the dearest first, without regions; what it garbles is left out."""
    dear: dict[Language, float] = {}
    for part in header.split(",")[:_AT_MOST]:
        if (found := _RANGE.fullmatch(part)) is not None:
            dear.setdefault(Language(found["language"].lower()), float(found["q"] or 1))
    return tuple(sorted((one for one in dear if dear[one] > 0), key=lambda one: -dear[one]))
