"""Which day it is in a country: ``mappings/codes/time-zones.csv``, an IANA time zone for each country."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.registry.folder import Folder

FILE = "mappings/codes/time-zones.csv"


@dataclass(frozen=True, slots=True)
class Zones:
    """The time zone of each country, by ISO 3166 alpha-2 code; of several, the one that is furthest ahead."""

    of: Mapping[str, tzinfo]

    def local(self, country: str | None, at: datetime) -> datetime:
        """The same instant by the clocks of *country*; by UTC where the country is unknown."""
        return at.astimezone(self.of.get(country or "", UTC))

    def day(self, country: str | None, at: datetime) -> date:
        """
        The day that *at* is in *country*.

        A document's dates are days where it was written. In the evening of Greenwich it is tomorrow in Asia,
        and what was issued there this morning was not issued in the future.
        """
        return self.local(country, at).date()


def load_zones(folder: Folder) -> Zones:
    """
    Read the time zones of all countries.

    Raises:
        Misconfigured: no such file, a line without two columns, or a zone that the database does not know;
            all such lines are listed.
    """
    path = folder.find(FILE)
    if path is None:
        raise Misconfigured((RegistryFault(FILE, "-", "no such file"),))
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    zones: dict[str, tzinfo] = {}
    faults: list[RegistryFault] = []
    for row in list(csv.reader(lines))[1:]:
        if len(row) != 2:
            faults.append(RegistryFault(FILE, row[0], "must be code,zone"))
            continue
        country, name = row
        try:
            zones[country] = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            faults.append(RegistryFault(FILE, country, f"the IANA database knows no zone {name!r}"))
    if faults:
        raise Misconfigured(tuple(faults))
    return Zones(MappingProxyType(zones))
