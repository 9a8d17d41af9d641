"""Character repertoires by syntax identifier, from ``mappings/edifact/character-sets.toml``."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import Field

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.registry.folder import Folder
from gateway.registry.read import Strict, read_toml
from gateway.translate.edifact.tables import ROOM

# What XML could not carry either, and what no line of text holds.
_NEVER = "\\x00-\\x1f\\ufffe\\uffff"
_CONTROLS = "\\x7f-\\x9f"


class CharacterSetFile(Strict):
    """One repertoire."""

    codec: str
    charset: str
    title: str
    characters: str | None = None
    writes: int | None = Field(default=None, ge=3, le=4)


class CharacterSetsFile(Strict):
    """All repertoires, by syntax identifier (0001)."""

    source: str
    edition: str
    sets: dict[str, CharacterSetFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterSet:
    """
    A repertoire and its encoding.

    Attributes:
        charset: as the Interchange document names it.
        outside: finds a character that the repertoire does not hold.
        writes: the syntax version in which we write it; None for one that is only read.
    """

    level: str
    codec: str
    charset: str
    title: str
    outside: re.Pattern[str]
    writes: int | None

    def stranger(self, text: str) -> str | None:
        """The first character of *text* that cannot be written; None when all can."""
        if (found := self.outside.search(text)) is not None:
            return found[0]
        try:
            text.encode(self.codec)
        except UnicodeEncodeError as error:
            return text[error.start]
        return None

    def fitting(self, text: str) -> str:
        """*text*, with an escape for each character that cannot be written."""
        if self.stranger(text) is None:
            return text
        return "".join(each if self.stranger(each) is None else f"\\u{ord(each):04x}" for each in text)


def load_character_sets(folder: Folder) -> Mapping[str, CharacterSet]:
    """
    Read every repertoire.

    Raises:
        Misconfigured: no such file, a codec or characters that do not exist.
    """
    relative = f"{ROOM}/character-sets.toml"
    if (path := folder.find(relative)) is None:
        raise Misconfigured((RegistryFault(relative, "-", "no such file"),))
    file = read_toml(path, relative, CharacterSetsFile)
    made: dict[str, CharacterSet] = {}
    faults: list[RegistryFault] = []
    for level, told in file.sets.items():
        try:
            made[level] = _made(level, told)
        except (LookupError, re.error) as wrong:
            faults.append(RegistryFault(relative, level, str(wrong)))
    if faults:
        raise Misconfigured(tuple(faults))
    return MappingProxyType(made)


def _made(level: str, file: CharacterSetFile) -> CharacterSet:
    codec = codecs.lookup(file.codec).name
    if file.characters is not None:
        outside = f"[^{file.characters}]"
    else:
        outside = f"[{_NEVER}]" if codec == "utf-8" else f"[{_NEVER}{_CONTROLS}]"
    return CharacterSet(
        level=level,
        codec=codec,
        charset=file.charset,
        title=file.title,
        outside=re.compile(outside),
        writes=file.writes,
    )
