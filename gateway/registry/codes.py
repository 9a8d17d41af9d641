"""Code lists as files: ``mappings/codes/*.csv``, each with its source and edition; countries from iso3166."""

from __future__ import annotations

import csv
import difflib
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType

import iso3166

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.registry.folder import Folder

CODES = "mappings/codes"
PORTS = f"{CODES}/ports.csv"
HS_DIGITS = 6
COLUMNS = ["code", "name", "status"]
AMONG = 50  # codes that are looked at for being equally like

_LOCODE = re.compile(r"([A-Z]{2})[A-Z2-9]{3}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_INTERNATIONAL_WATERS = "XZ"
_COMMENT = re.compile(r"#\s*(list|source|edition|licence|status):\s*(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """
    A published list of codes.

    Attributes:
        title: what the codes stand for, as it is said in findings.
        deprecated: codes of the list that should no longer be used; they are accepted with a warning.
    """

    title: str
    source: str
    edition: str
    names: Mapping[str, str]
    deprecated: frozenset[str]

    def __contains__(self, code: object) -> bool:
        return code in self.names

    def nearest(self, code: str, count: int = 3, beginning: int = 0) -> tuple[str, ...]:
        """
        Up to *count* codes that look most like *code*, the likest first; none if nothing does.

        Of several that are equally like, those that begin in the same way go first.

        Args:
            beginning: how many characters must be the same at the beginning.
        """
        wanted = code[:20].upper()
        usable = [
            known
            for known in self.names
            if known not in self.deprecated and known.startswith(code[:beginning])
        ]
        found = difflib.get_close_matches(wanted, usable, n=AMONG, cutoff=0.5)
        found.sort(key=lambda known: (-_likeness(wanted, known), -_alike_at_first(wanted, known), known))
        return tuple(found[:count])


@dataclass(frozen=True, slots=True, kw_only=True)
class HsEdition:
    """The six-digit subheadings of a Harmonized System edition, or the longer codes of a national tariff."""

    edition: str
    names: Mapping[str, str]
    ordered: tuple[str, ...]

    def __contains__(self, code: object) -> bool:
        return code in self.names

    def begins(self, code: str) -> bool:
        """Whether *code* is here, or is the beginning of one that is."""
        place = bisect_left(self.ordered, code)
        return place < len(self.ordered) and self.ordered[place].startswith(code)

    def nearest(self, code: str, count: int = 3) -> tuple[str, ...]:
        """
        The subheadings next to *code*: of the same heading if there are any, else of the same chapter.

        What is no number, such as a slip of the keyboard, has the neighbours it would stand between.
        """
        for prefix in (code[:4], code[:2]):
            start = bisect_left(self.ordered, prefix)
            if start < len(self.ordered) and self.ordered[start].startswith(prefix):
                place = bisect_left(self.ordered, code)
                around = self.ordered[max(start, place - count) : place + count]
                family = [known for known in around if known.startswith(prefix)]
                if _NUMBER.fullmatch(code):
                    family.sort(key=lambda known: (abs(int(known) - int(code)), known))
                return tuple(family[:count])
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLists:
    """
    All lists a certificate is held against.

    Attributes:
        hs: the Harmonized System, by edition.
        tariffs: national tariffs, by the country that imports; of countries of which an installation has one.
        ports: the UN/LOCODEs an installation has; None where the syntax must do.
    """

    countries: CodeList
    currencies: CodeList
    units: CodeList
    packages: CodeList
    incoterms: CodeList
    modes: CodeList
    hs: Mapping[str, HsEdition]
    tariffs: Mapping[str, HsEdition] = field(default_factory=lambda: MappingProxyType({}))
    ports: CodeList | None = None

    def is_port(self, code: str) -> bool:
        """Whether *code* may be a UN/LOCODE, and is listed where there is a list."""
        return self.may_be_port(code) and (self.ports is None or code in self.ports)

    def may_be_port(self, code: str) -> bool:
        """Whether *code* has the syntax of a UN/LOCODE and begins with a country that exists."""
        found = _LOCODE.fullmatch(code)
        return found is not None and (found[1] in self.countries or found[1] == _INTERNATIONAL_WATERS)


def load_codes(folder: Folder) -> CodeLists:
    """
    Read every list.

    Raises:
        Misconfigured: with every fault of every file: not there, no source or edition named, columns other
            than ``code,name,status``, a code twice.
    """
    faults: list[RegistryFault] = []
    lists = {
        name: _code_list(folder, f"{CODES}/{name}.csv", faults)
        for name in ("currencies", "units", "packages", "incoterms", "transport-modes")
    }
    hs = {
        relative.removeprefix(f"{CODES}/hs-").removesuffix(".csv"): _read(relative, path, faults)
        for relative, path in folder.glob(f"{CODES}/hs-*.csv")
    }
    tariffs = dict(_tariffs(folder, faults))
    ports = _read(PORTS, path, faults) if (path := folder.find(PORTS)) is not None else None
    if not hs:
        faults.append(RegistryFault(f"{CODES}/hs-2022.csv", "-", "no edition of the Harmonized System"))
    if faults:
        raise Misconfigured(tuple(faults))
    return CodeLists(
        countries=_countries(),
        currencies=lists["currencies"],
        units=lists["units"],
        packages=lists["packages"],
        incoterms=lists["incoterms"],
        modes=lists["transport-modes"],
        hs=MappingProxyType(
            {edition: _hs_edition(edition, read.names) for edition, read in hs.items()},
        ),
        tariffs=MappingProxyType(tariffs),
        ports=ports,
    )


def _tariffs(folder: Folder, faults: list[RegistryFault]) -> Iterator[tuple[str, HsEdition]]:
    """The tariff of each country that has a file ``tariff-<country>.csv``, with the country."""
    for relative, path in folder.glob(f"{CODES}/tariff-*.csv"):
        country = relative.removeprefix(f"{CODES}/tariff-").removesuffix(".csv")
        if country not in iso3166.countries_by_alpha2:
            faults.append(RegistryFault(relative, "-", f"{country} is no country of ISO 3166-1"))
        read = _read(relative, path, faults)
        for code in read.names:
            if not (code.isascii() and code.isdigit() and len(code) > HS_DIGITS):
                faults.append(RegistryFault(relative, code[:40], f"is not more than {HS_DIGITS} digits"))
        yield country, _hs_edition(read.edition, read.names)


def _likeness(one: str, other: str) -> float:
    return round(difflib.SequenceMatcher(None, other, one).ratio(), 3)


def _alike_at_first(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _hs_edition(edition: str, names: Mapping[str, str]) -> HsEdition:
    return HsEdition(edition=edition, names=names, ordered=tuple(sorted(names)))


def _countries() -> CodeList:
    return CodeList(
        title="countries",
        source="ISO 3166-1 alpha-2, package iso3166",
        edition="as installed",
        names=MappingProxyType({code: found.name for code, found in iso3166.countries_by_alpha2.items()}),
        deprecated=frozenset(),
    )


def _code_list(folder: Folder, relative: str, faults: list[RegistryFault]) -> CodeList:
    path = folder.find(relative)
    if path is None:
        faults.append(RegistryFault(relative, "-", "no such file"))
        return _empty()
    return _read(relative, path, faults)


def _read(relative: str, path: Path, faults: list[RegistryFault]) -> CodeList:
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        faults.append(RegistryFault(relative, "-", f"not UTF-8: {error.reason}"))
        return _empty()
    about = {found[1]: found[2] for line in lines if (found := _COMMENT.fullmatch(line)) is not None}
    faults += [
        RegistryFault(relative, key, "missing") for key in ("list", "source", "edition") if key not in about
    ]
    reader = csv.reader(line for line in lines if not line.startswith("#"))
    if next(reader, None) != COLUMNS:
        faults.append(RegistryFault(relative, "-", f"the columns are not {','.join(COLUMNS)}"))
        return _empty()
    names: dict[str, str] = {}
    deprecated: set[str] = set()
    for code, name, status in _rows(relative, reader, faults):
        if code in names:
            faults.append(RegistryFault(relative, code, "stands there twice"))
        names[code] = name
        if status:
            deprecated.add(code)
    return CodeList(
        title=about.get("list", ""),
        source=about.get("source", ""),
        edition=about.get("edition", ""),
        names=MappingProxyType(names),
        deprecated=frozenset(deprecated),
    )


def _rows(
    relative: str, reader: Iterator[list[str]], faults: list[RegistryFault]
) -> Iterator[tuple[str, str, str]]:
    for row in reader:
        if len(row) != len(COLUMNS) or not row[0]:
            faults.append(RegistryFault(relative, ",".join(row)[:40], "is not a row of code, name, status"))
        else:
            yield row[0], row[1], row[2]


def _empty() -> CodeList:
    return CodeList(title="", source="", edition="", names=MappingProxyType({}), deprecated=frozenset())
