"""The words of findings as files: ``mappings/messages/<language>.toml`` or ``<anything>.<language>.toml``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import Field

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.words import ENGLISH, PHRASES, SAYINGS, Language, Sentence, Words, places_in
from gateway.registry.folder import Folder
from gateway.registry.read import Strict, read_toml

MESSAGES = "mappings/messages"

Said = TypeVar("Said", Sentence, str)

_FILE = re.compile(r"(?:.*[./])?(?P<language>[a-z]{2,3})\.toml")


class SentenceFile(Strict):
    """What a finding says and what it asks for."""

    text: str = Field(min_length=1)
    action: str = Field(min_length=1)


class MessagesFile(Strict):
    """The shape of a file of messages; every table may be left out."""

    rules: dict[str, SentenceFile] = Field(default={})
    sayings: dict[str, SentenceFile] = Field(default={})
    phrases: dict[str, str] = Field(default={})
    expected: dict[str, str] = Field(default={})


def load_words(folder: Folder) -> Mapping[Language, Words]:
    """
    Read every language; one language may lie in several files, so that a form can bring its own words.

    What a language does not say is said in English, which says all that ``SAYINGS`` and ``PHRASES`` name.

    Raises:
        Misconfigured: with every fault of every file: unknown keys, values that a sentence is not given, the
            same words twice, English words missing.
    """
    faults: list[RegistryFault] = []
    files: dict[Language, list[tuple[str, MessagesFile]]] = {ENGLISH: []}
    for relative, path in folder.glob(f"{MESSAGES}/*.toml"):
        try:
            language, file = _language(relative), _read(relative, path)
        except Misconfigured as error:
            faults += error.faults
        else:
            files.setdefault(language, []).append((relative, file))
    english = _joined(ENGLISH, files.pop(ENGLISH), faults)
    if not faults:
        faults += _missing(english)
    words = {ENGLISH: english}
    for language, parts in files.items():
        words[language] = _over(english, _joined(language, parts, faults))
    if faults:
        raise Misconfigured(tuple(faults))
    return MappingProxyType(words)


def _language(relative: str) -> Language:
    if (found := _FILE.fullmatch(relative)) is None:
        text = "the name does not end in a language: en.toml, form-x.en.toml"
        raise Misconfigured((RegistryFault(relative, "-", text),))
    return Language(found["language"])


def _read(relative: str, path: Path) -> MessagesFile:
    file = read_toml(path, relative, MessagesFile)
    if faults := tuple(RegistryFault(relative, key, text) for key, text in _faults(file)):
        raise Misconfigured(faults)
    return file


def _faults(file: MessagesFile) -> Iterator[tuple[str, str]]:
    for key, one in file.rules.items():
        yield from _strange(f"rules.{key}", one.text + one.action, None)
    for key, one in file.sayings.items():
        if key in SAYINGS:
            yield from _strange(f"sayings.{key}", one.text + one.action, SAYINGS[key])
        else:
            yield f"sayings.{key}", "nothing is said under this name"
    for key, phrase in file.phrases.items():
        if key in PHRASES:
            yield from _strange(f"phrases.{key}", phrase, PHRASES[key])
        else:
            yield f"phrases.{key}", "no sentence has a place for it"


def _strange(key: str, template: str, values: frozenset[str] | None) -> Iterator[tuple[str, str]]:
    """Faults of *template*, which is given *values*; None where the rules will say what it is given."""
    try:
        places = places_in(template)
    except ValueError as error:
        yield key, str(error)
        return
    for name in sorted(places - values if values is not None else ()):
        yield key, f"is not given a value {{{name}}}"


def _joined(language: Language, parts: list[tuple[str, MessagesFile]], faults: list[RegistryFault]) -> Words:
    return Words(
        language=language,
        rules=_table("rules", [(file, _sentences(part.rules)) for file, part in parts], faults),
        sayings=_table("sayings", [(file, _sentences(part.sayings)) for file, part in parts], faults),
        phrases=_table("phrases", [(file, part.phrases) for file, part in parts], faults),
        expected=_table("expected", [(file, part.expected) for file, part in parts], faults),
    )


def _table(
    name: str, parts: list[tuple[str, Mapping[str, Said]]], faults: list[RegistryFault]
) -> Mapping[str, Said]:
    table: dict[str, Said] = {}
    for file, part in parts:
        for key in table.keys() & part.keys():
            faults.append(RegistryFault(file, f"{name}.{key}", "is said in another file already"))
        table.update(part)
    return MappingProxyType(table)


def _sentences(table: Mapping[str, SentenceFile]) -> Mapping[str, Sentence]:
    return {key: Sentence(text=one.text, action=one.action) for key, one in table.items()}


def _missing(english: Words) -> Iterator[RegistryFault]:
    file = f"{MESSAGES}/{ENGLISH}.toml"
    for key in sorted(SAYINGS.keys() - english.sayings.keys()):
        yield RegistryFault(file, f"sayings.{key}", "missing")
    for key in sorted(PHRASES.keys() - english.phrases.keys()):
        yield RegistryFault(file, f"phrases.{key}", "missing")


def _over(english: Words, own: Words) -> Words:
    return Words(
        language=own.language,
        rules=MappingProxyType({**english.rules, **own.rules}),
        sayings=MappingProxyType({**english.sayings, **own.sayings}),
        phrases=MappingProxyType({**english.phrases, **own.phrases}),
        expected=own.expected,
    )
