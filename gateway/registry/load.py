"""The whole registry, read once, judged as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from gateway.domain.corridor import Corridor, Party
from gateway.domain.deadline import Calendars, Clock
from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.form import Form
from gateway.domain.ids import FormId, PartyId
from gateway.domain.words import Language
from gateway.registry.clocks import load_calendars, load_clocks, with_patience
from gateway.registry.codes import CodeLists, load_codes
from gateway.registry.conversions import load_conversions
from gateway.registry.corridors import CorridorKey, load_corridors
from gateway.registry.folder import Folder
from gateway.registry.forms import RecordShape, load_forms, load_record_schema
from gateway.registry.labels import Labels, load_labels
from gateway.registry.parties import load_parties
from gateway.registry.zones import Zones, load_zones

Loaded = TypeVar("Loaded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """
    Everything that is data.

    Attributes:
        conversions: of units of measure, by common code.
        record_schema: the JSON Schema of box records, and its words.
        zones: tell which day it is in a country.
        clocks: the law's, with their limits; those of a party's file are among them.
        calendars: the working days of the countries that have a file.
        labels: what the public check says, by language, English first.
    """

    folder: Folder
    codes: CodeLists
    conversions: Mapping[str, str]
    zones: Zones
    record_schema: RecordShape
    forms: Mapping[FormId, Form]
    parties: Mapping[PartyId, Party]
    corridors: Mapping[CorridorKey, Corridor]
    clocks: tuple[Clock, ...]
    calendars: Calendars
    labels: Mapping[Language, Labels]


def load_registry(folder: Folder) -> Registry:
    """
    Read *folder*.

    Raises:
        Misconfigured: with every fault found, file by file; faults of one kind do not hide those of another.
    """
    faults: list[RegistryFault] = []
    codes = _part(faults, lambda: load_codes(folder))
    conversions = _part(faults, lambda: load_conversions(folder))
    zones = _part(faults, lambda: load_zones(folder))
    record_schema = _part(faults, lambda: load_record_schema(folder))
    forms = _part(faults, lambda: load_forms(folder))
    parties = _part(faults, lambda: load_parties(folder))
    corridors = _part(faults, lambda: load_corridors(folder, parties, forms))
    clocks = _part(faults, lambda: load_clocks(folder))
    calendars = _part(faults, lambda: load_calendars(folder))
    labels = _part(faults, lambda: load_labels(folder))
    if clocks is None or calendars is None or codes is None or conversions is None or zones is None:
        raise Misconfigured(tuple(faults))
    if record_schema is None or forms is None or parties is None or corridors is None or labels is None:
        raise Misconfigured(tuple(faults))
    return Registry(
        folder=folder,
        codes=codes,
        conversions=conversions,
        zones=zones,
        record_schema=record_schema,
        forms=forms,
        parties=parties,
        corridors=corridors,
        clocks=with_patience(clocks, parties),
        calendars=calendars,
        labels=labels,
    )


def _part(faults: list[RegistryFault], load: Callable[[], Loaded]) -> Loaded | None:
    try:
        return load()
    except Misconfigured as error:
        faults += error.faults
        return None
