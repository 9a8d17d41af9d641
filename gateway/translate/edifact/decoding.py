"""From octets to the text of an interchange: service characters, syntax version, character repertoire."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.errors import Fault
from gateway.translate.edifact.characters import CharacterSet
from gateway.translate.edifact.faults import SyntaxError0085, SyntaxFault, of_interchange
from gateway.translate.edifact.syntax import (
    ServiceCharacters,
    characters_of,
    default_characters,
    segments_until,
)
from gateway.translate.edifact.tables import SYNTAX_3, SYNTAX_4

_ADVICE = re.compile(rb"UNA[\x21-\x7e]{4}[\x20-\x7e][\x21-\x7e]")
_SYNTAX = re.compile(rb"UNB[^A-Za-z0-9](?P<level>[A-Z]{4})(?:[^A-Za-z0-9](?P<version>[0-9]))?")
_BLANK = b" \t\r\n"
_BREAKS = str.maketrans("", "", "\r\n")
_ENOUGH_FOR_UNB = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """
    What octets say, or why they cannot be read.

    Attributes:
        characters: None where not even UNB can be found.
        text: from UNB on, without line breaks; with a *fault* no more than an answer needs of it.
    """

    text: str = ""
    characters: ServiceCharacters | None = None
    repertoire: CharacterSet | None = None
    version: int = SYNTAX_3
    fault: SyntaxFault | None = None


def is_interchange(octets: bytes) -> bool:
    """Whether *octets* begin as an interchange does, with UNA or UNB."""
    return octets.removeprefix(codecs.BOM_UTF8).lstrip(_BLANK).startswith((b"UNA", b"UNB"))


def decode(octets: bytes, repertoires: Mapping[str, CharacterSet]) -> Decoded:
    """Read *octets* as text; never raises."""
    body = octets.removeprefix(codecs.BOM_UTF8).lstrip(_BLANK)
    if (advice := _ADVICE.match(body)) is not None:
        body = body[advice.end() :].lstrip(_BLANK)
    if not body.startswith(b"UNB"):
        return Decoded(fault=_no_header(body, advice is not None))
    level, version = _level(body)
    characters = default_characters(version)
    if advice is not None:
        characters = characters_of(advice[0].decode("ascii"), version)
    if not characters.are_sound():
        words = f"The service characters {characters.dividers!r} cannot be told apart"
        return Decoded(fault=of_interchange(SyntaxError0085.SERVICE_CHARACTER, "UNA", words))
    repertoire = repertoires.get(level)
    fault = _unsupported(level, version, repertoires)
    if repertoire is not None and fault is None:
        try:
            text = body.decode(repertoire.codec).translate(_BREAKS)
            return Decoded(text=text, characters=characters, repertoire=repertoire, version=version)
        except UnicodeDecodeError as error:
            fault = _undecodable(body, error.start, characters, repertoire)
    return Decoded(
        text=body[:_ENOUGH_FOR_UNB].decode("latin-1").translate(_BREAKS),
        characters=characters,
        repertoire=repertoire,
        version=min(max(version, SYNTAX_3), SYNTAX_4),
        fault=fault,
    )


def _no_header(body: bytes, advised: bool) -> SyntaxFault:
    if body.startswith(b"UNA") and not advised:
        words = "UNA is not followed by the six service characters"
        return of_interchange(SyntaxError0085.SERVICE_CHARACTER, "UNA", words)
    words = "UNA is not followed by UNB" if advised else "It begins with neither UNA nor UNB"
    return of_interchange(SyntaxError0085.MISSING, "UNB", words)


def _level(body: bytes) -> tuple[str, int]:
    found = _SYNTAX.match(body.translate(None, b"\r\n")[:40])
    if found is None:
        return "", SYNTAX_3
    return found["level"].decode("ascii"), int(found["version"] or SYNTAX_3)


def _unsupported(level: str, version: int, repertoires: Mapping[str, CharacterSet]) -> SyntaxFault | None:
    if level not in repertoires:
        words = f"The character set {level or 'of UNB'} is not supported; {', '.join(repertoires)} are"
        code, value, component = SyntaxError0085.CHARACTER_SET, level, 1
    elif not 1 <= version <= SYNTAX_4:
        words = f"Syntax version {version} is not supported; 1 to {SYNTAX_4} are"
        code, value, component = SyntaxError0085.NOT_SUPPORTED, str(version), 2
    else:
        return None
    return of_interchange(code, "UNB", words, element=1, component=component, value=value)


def _undecodable(
    body: bytes, start: int, characters: ServiceCharacters, repertoire: CharacterSet
) -> SyntaxFault:
    before = body[:start].decode(repertoire.codec).translate(_BREAKS)
    return of_interchange(
        SyntaxError0085.CHARACTER,
        "UNB",
        f"Octet {start + 1} from UNB on ({body[start]:#04x}) is no {repertoire.title}",
        number=segments_until(before, characters),
        fault=Fault.UNREADABLE,
    )
