"""The law's clocks as files, ``mappings/clocks/*.toml``, and working days, ``mappings/calendars/*.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway.domain.corridor import Party
from gateway.domain.deadline import Calendar, Calendars, Clock, Limit, Start, Unit
from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.ids import PartyId
from gateway.registry.folder import Folder
from gateway.registry.read import Strict, read_toml

CLOCKS = "mappings/clocks"
CALENDARS = "mappings/calendars"

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class LimitFile(Strict):
    """
    A limit, for all or for an agreement, a party, or both.

    ``off`` says that the clock does not run there; else one of ``minutes``, ``days``, ``working_days`` and
    ``months`` says how long.
    """

    agreement: str = ""
    party: str = ""
    minutes: int | None = Field(default=None, gt=0)
    days: int | None = Field(default=None, gt=0)
    working_days: int | None = Field(default=None, gt=0)
    months: int | None = Field(default=None, gt=0)
    warn_before: int = Field(default=0, ge=0)
    rule: str = ""
    off: bool = False

    @model_validator(mode="after")
    def _says_how_long(self) -> LimitFile:
        given = [count for count, _ in self._counts() if count is not None]
        if self.off:
            if given:
                raise ValueError("either off, or how long")
        elif len(given) != 1:
            raise ValueError("say how long with one of minutes, days, working_days and months")
        elif self.warn_before >= given[0]:
            raise ValueError("warn_before must be shorter than the limit")
        return self

    def _counts(self) -> tuple[tuple[int | None, Unit], ...]:
        return (
            (self.minutes, Unit.MINUTES),
            (self.days, Unit.DAYS),
            (self.working_days, Unit.WORKING_DAYS),
            (self.months, Unit.MONTHS),
        )

    def limit(self) -> Limit | None:
        """The limit; None where the clock is off."""
        for count, unit in self._counts():
            if count is not None:
                return Limit(count=count, unit=unit, warn_before=self.warn_before, rule=self.rule)
        return None


class ClockFile(Strict):
    """The shape of a clock's file."""

    title: str
    starts: Annotated[Start, Field(strict=False)]
    owner: Literal["operator", "administrator", "issuing authority", "customs"]
    next_action: str
    waits: bool = True
    ends_life: bool = False
    limit: list[LimitFile] = Field(min_length=1)


class CalendarFile(Strict):
    """The shape of a country's file: the days on which nobody works."""

    weekend: tuple[Weekday, ...] = Field(default=("saturday", "sunday"), strict=False)
    holidays: tuple[date, ...] = Field(default=(), strict=False)


def load_clocks(folder: Folder) -> tuple[Clock, ...]:
    """
    Every clock, by its file's name.

    Raises:
        Misconfigured: with every fault of every file.
    """
    clocks: list[Clock] = []
    faults: list[RegistryFault] = []
    for relative, path in folder.glob(f"{CLOCKS}/*.toml"):
        try:
            file = read_toml(path, relative, ClockFile)
        except Misconfigured as error:
            faults += error.faults
            continue
        limits: dict[tuple[str, str], Limit | None] = {}
        for index, one in enumerate(file.limit):
            if (key := (one.agreement, one.party)) in limits:
                faults.append(
                    RegistryFault(relative, f"limit[{index}]", "the same agreement and party again")
                )
            limits[key] = one.limit()
        clocks.append(
            Clock(
                name=PurePosixPath(relative).stem,
                title=file.title,
                starts=file.starts,
                owner=file.owner,
                next_action=file.next_action,
                limits=MappingProxyType(limits),
                waits=file.waits,
                ends_life=file.ends_life,
            )
        )
    if faults:
        raise Misconfigured(tuple(faults))
    return tuple(clocks)


def load_calendars(folder: Folder) -> Calendars:
    """
    The calendar of each country that has a file, by its code; elsewhere Saturday and Sunday are free.

    Raises:
        Misconfigured: with every fault of every file.
    """
    calendars: dict[str, Calendar] = {}
    faults: list[RegistryFault] = []
    for relative, path in folder.glob(f"{CALENDARS}/*.toml"):
        try:
            file = read_toml(path, relative, CalendarFile)
        except Misconfigured as error:
            faults += error.faults
            continue
        calendars[PurePosixPath(relative).stem.upper()] = Calendar(
            weekend=frozenset(map(_WEEKDAYS.index, file.weekend)), holidays=frozenset(file.holidays)
        )
    if faults:
        raise Misconfigured(tuple(faults))
    return MappingProxyType(calendars)


def with_patience(clocks: tuple[Clock, ...], parties: Mapping[PartyId, Party]) -> tuple[Clock, ...]:
    """*clocks*, those for acknowledgements with what each party's file says, where they say nothing of it."""
    agreed = {("", str(party.id)): _patience(party) for party in parties.values()}
    return tuple(
        replace(clock, limits=MappingProxyType(agreed | dict(clock.limits)))
        if clock.starts is Start.MESSAGE_RECEIPTED
        else clock
        for clock in clocks
    )


def _patience(party: Party) -> Limit:
    minutes = max(1, round(party.patience.acknowledgement_within.total_seconds() / 60))
    return Limit(count=minutes, unit=Unit.MINUTES, warn_before=minutes // 4)
