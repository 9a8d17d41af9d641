"""All of ``mappings/edifact``, read and compiled once; may be shared between threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.registry.folder import Folder
from gateway.translate.edifact.characters import CharacterSet, load_character_sets
from gateway.translate.edifact.map_files import load_error_names, load_maps
from gateway.translate.edifact.maps import DocumentMap
from gateway.translate.edifact.tables import Tables, load_tables

CERTIFICATE, CANCELLATION = "certificate", "cancellation"
ANSWER, RESPONSE = "acknowledgement", "customs-response"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdifactData:
    """
    What the dialect is made of.

    Attributes:
        maps: by the name of their file.
        error_names: what each code of data element 0085 is called.
    """

    tables: Tables
    repertoires: Mapping[str, CharacterSet]
    maps: Mapping[str, DocumentMap]
    error_names: Mapping[str, str]


def load_edifact(folder: Folder) -> EdifactData:
    """
    Read and compile ``mappings/edifact``.

    Raises:
        Misconfigured: with every fault of every file that can be looked at.
    """
    tables = load_tables(folder)
    maps = load_maps(folder, tables)
    if missing := {CERTIFICATE, CANCELLATION, ANSWER, RESPONSE} - set(maps):
        raise Misconfigured(
            tuple(
                RegistryFault(f"mappings/edifact/maps/{name}.toml", "-", "no such file")
                for name in sorted(missing)
            )
        )
    return EdifactData(
        tables=tables,
        repertoires=load_character_sets(folder),
        maps=maps,
        error_names=load_error_names(folder),
    )
