"""
Specimen lists: which officials and issuing bodies of a country may sign certificates, and from when to when.

A list holds from its date until the next one of the country; a certificate is judged by the list that was in
force on the day of its issue (ATIGA Annex 8 Rule 2, RCEP Article 3.17.6). Pictures of signatures and seals
are for people who compare them with paper; the digital seal of a message is another thing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any


class Asked(StrEnum):
    """What a corridor does with a certificate whose signatory is not on the list."""

    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """
    An issuing body, or one of its officials; *begins* and *ends* are None where it is on it throughout.

    Attributes:
        picture: SHA-256 of the specimen of the seal or the signature, in hexadecimal.
        officials: of a body.
    """

    name: str
    id: str | None = None
    begins: date | None = None
    ends: date | None = None
    picture: str | None = None
    officials: tuple[Listed, ...] = ()

    def is_called(self, name: str) -> bool:
        """Whether *name* is its name or its id; case, white space and width of letters apart."""
        return _plain(name) in (_plain(self.name), _plain(self.id or self.name))

    def counts_on(self, day: date) -> bool:
        """Whether *day* lies in its days, both ends included."""
        return (self.begins is None or self.begins <= day) and (self.ends is None or day <= self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecimenList:
    """One list of one country; without *agreements* it is for all of them."""

    country: str
    agreements: frozenset[str]
    valid_from: date
    source: str
    bodies: tuple[Listed, ...]

    @property
    def told(self) -> str:
        """Which list it is, for texts."""
        return f"the specimen list of {self.country} from {self.valid_from} ({self.source})"


@dataclass(frozen=True, slots=True)
class Specimens:
    """Every list that was imported, in that order."""

    lists: Sequence[SpecimenList] = ()

    def in_force(self, country: str, agreement: str, on: date) -> SpecimenList | None:
        """The list of *country* that counts on that day; of two from the same day the one imported later."""
        found: SpecimenList | None = None
        for each in self.lists:
            if each.country != country or each.valid_from > on:
                continue
            if each.agreements and agreement not in each.agreements:
                continue
            if found is None or each.valid_from >= found.valid_from:
                found = each
        return found


class LiveSpecimens:
    """The lists as they are now, renewed as a whole."""

    def __init__(self, specimens: Specimens = Specimens()) -> None:
        self.now = specimens


def specimens_of(
    listed: SpecimenList, body: str | None, signatory: str | None, on: date
) -> tuple[Listed | None, Listed | None]:
    """
    The issuing body and the official of a certificate issued on that day, as the list has them.

    Args:
        body, signatory: by name or id; without a body the official may be of any.
    """
    bodies = [each for each in listed.bodies if each.counts_on(on) and (body is None or each.is_called(body))]
    officials = [one for each in bodies for one in each.officials if one.counts_on(on)]
    return (
        bodies[0] if body is not None and bodies else None,
        next((one for one in officials if signatory is not None and one.is_called(signatory)), None),
    )


def list_of(told: Mapping[str, Any]) -> SpecimenList:
    """A list as it was imported and is kept."""
    return SpecimenList(
        country=told["country"],
        agreements=frozenset(told["agreements"]),
        valid_from=date.fromisoformat(told["from"]),
        source=told["source"],
        bodies=tuple(_listed(each, "seal") for each in told["body"]),
    )


def pictures_of(told: Mapping[str, Any]) -> frozenset[str]:
    """The specimens of which the list speaks, by SHA-256."""
    return frozenset(_pictures(list_of(told).bodies))


def _pictures(some: Iterable[Listed]) -> Iterable[str]:
    for each in some:
        if each.picture is not None:
            yield each.picture
        yield from _pictures(each.officials)


def _listed(told: Mapping[str, Any], picture: str) -> Listed:
    return Listed(
        name=told["name"],
        id=told["id"],
        begins=_day(told["from"]),
        ends=_day(told["to"]),
        picture=told[picture],
        officials=tuple(_listed(each, "specimen") for each in told.get("official", ())),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
