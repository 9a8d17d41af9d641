"""
Read box records: JSON with exact numbers, of the shape that the record schema draws.

The schema is held by a few lines of our own: they say in our words what is wrong, the nearest key included,
keep every digit, and take a quarter of the time of a library for all of JSON Schema.

Shape only. What a form demands or forbids is judged on the certificate that is composed from the record, so
that every fault of content is a finding with a box and a path.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from gateway.domain.errors import ContentRefused, Fault, Finding, Unreadable
from gateway.domain.form import Form
from gateway.domain.words import ENGLISH, Language, Words
from gateway.registry.forms import RecordShape
from gateway.validate.drawn import with_boxes
from gateway.validate.places import CAP, VALUE_AT_MOST
from gateway.validate.records import boxes

MOST_DIGITS = 40

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KEYWORDS = frozenset(
    {
        "$defs",
        "$ref",
        "$schema",
        "additionalProperties",
        "description",
        "enum",
        "items",
        "oneOf",
        "properties",
        "required",
        "title",
        "type",
        "uniqueItems",
    }
)


class Records:
    """
    Reads box records by their JSON Schema; pure, may be shared between threads.

    Args:
        shape: its schema is of the few keywords that the record schema uses.
        forms: may have keys beyond it; a record of any form may use them, and judging says where they belong.

    Raises:
        ValueError: the schema uses a keyword that is not understood here.
    """

    def __init__(self, shape: RecordShape, forms: Iterable[Form]) -> None:
        if unknown := sorted(set(_keywords(shape.schema)) - _KEYWORDS):
            raise ValueError(f"keywords that are not understood: {', '.join(unknown)}")
        schema = with_boxes(shape.schema, map(boxes, forms))
        self._checks = {language: _Check(schema, words) for language, words in shape.words.items()}

    def read(self, content: bytes, language: Language = ENGLISH) -> dict[str, Any]:
        """
        Read one record; numbers with a point become ``Decimal``.

        Raises:
            Unreadable: S01, not JSON, not UTF-8, a key twice in one object.
            ContentRefused: S02, JSON of another shape; every fault is a finding with its JSON Pointer.
        """
        record = read_json(content)
        if findings := self.findings(record, language):
            raise ContentRefused(findings)
        assert isinstance(record, dict)
        return record

    def findings(self, record: Any, language: Language = ENGLISH) -> tuple[Finding, ...]:
        """What is wrong with the shape of *record*, at most 50 findings in its order; empty if nothing is."""
        check = self._checks.get(language) or self._checks[ENGLISH]
        return tuple(islice(check.findings(record), CAP))


class _Check:
    """Holds records against the schema, and says in one language what is wrong with them."""

    def __init__(self, schema: Mapping[str, Any], words: Words) -> None:
        self._schema = schema
        self._words = words

    def findings(self, record: Any) -> Iterator[Finding]:
        return self._check(record, self._schema, "")

    def _check(self, value: Any, schema: Mapping[str, Any], path: str) -> Iterator[Finding]:
        if (reference := schema.get("$ref")) is not None:
            schema = self._schema["$defs"][reference.removeprefix("#/$defs/")]
        if "oneOf" in schema:
            yield from self._check_one_of(value, schema["oneOf"], path)
        elif "enum" in schema:
            if value not in schema["enum"]:
                choices = ", ".join(map(str, schema["enum"]))
                said = self._words.say("record-choice", name=self._name(path), choices=choices)
                yield _finding(path, said, value)
        elif (kind := schema.get("type")) is not None and not _TYPES[kind](value):
            said = self._words.say("record-kind", name=self._name(path), kind=self._words.phrase(kind))
            yield _finding(path, said, value)
        elif isinstance(value, Mapping):
            yield from self._check_object(value, schema, path)
        elif isinstance(value, list):
            yield from self._check_list(value, schema, path)
        elif isinstance(value, str):
            yield from self._check_text(value, path)
        elif _is_number(value):
            yield from self._check_number(value, path)

    def _check_one_of(self, value: Any, choices: Sequence[Mapping[str, Any]], path: str) -> Iterator[Finding]:
        """An object is held against the object among *choices*, anything else against their words."""
        wanted = isinstance(value, Mapping)
        for choice in choices:
            if wanted == ("enum" not in choice):
                yield from self._check(value, choice, path)
                return

    def _check_object(
        self, value: Mapping[str, Any], schema: Mapping[str, Any], path: str
    ) -> Iterator[Finding]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        for key in schema.get("required", ()):
            if key not in value:
                yield _finding(f"{path}/{key}", self._words.say("record-key-missing", key=key))
        for key, entry in value.items():
            below = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
            if key in properties:
                yield from self._check(entry, properties[key], below)
            elif schema.get("additionalProperties") is False:
                yield _finding(below, self._unknown(key[:80], properties))

    def _unknown(self, key: str, properties: Mapping[str, Any]) -> tuple[str, str]:
        if near := difflib.get_close_matches(key, list(properties), n=1, cutoff=0.0):
            return self._words.say("record-key-near", key=key, near=near[0])
        return self._words.say("record-key-unknown", key=key)

    def _check_list(self, value: list[Any], schema: Mapping[str, Any], path: str) -> Iterator[Finding]:
        for place, entry in enumerate(value):
            if schema.get("uniqueItems") and entry in value[:place]:
                said = self._words.say("record-twice", name=self._name(path))
                yield _finding(f"{path}/{place}", said, entry)
            if "items" in schema:
                yield from self._check(entry, schema["items"], f"{path}/{place}")

    def _check_text(self, value: str, path: str) -> Iterator[Finding]:
        if (found := _FORBIDDEN.search(value)) is not None:
            character = f"{ord(found[0]):04X}"
            yield _finding(
                path, self._words.say("record-character", name=self._name(path), character=character)
            )

    def _check_number(self, value: int | Decimal, path: str) -> Iterator[Finding]:
        digits = Decimal(value).as_tuple()
        exponent = digits.exponent if isinstance(digits.exponent, int) else 0
        if len(digits.digits) > MOST_DIGITS or abs(exponent) > MOST_DIGITS:
            yield _finding(
                path, self._words.say("record-digits", name=self._name(path), most=str(MOST_DIGITS))
            )

    def _name(self, path: str) -> str:
        return path.rpartition("/")[2] if path else self._words.phrase("record")


def read_json(content: bytes) -> Any:
    """
    Read JSON without losing a digit: numbers with a point or an exponent become ``Decimal``.

    Raises:
        Unreadable: S01, not JSON, not UTF-8, nested too deeply, a key twice in one object.
    """
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_each_key_once,
        )
    except json.JSONDecodeError as error:
        raise Unreadable(
            f"Not JSON: line {error.lineno}, column {error.colno}: {error.msg}", line=error.lineno
        ) from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"Not UTF-8: byte {error.start}") from None
    except RecursionError:
        raise Unreadable("Not readable as JSON: nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"Not readable as JSON: {str(error)[:200]}") from None


def write_json(value: Any) -> str:
    """A box record as JSON, every number with exactly the digits it has."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{json.dumps(k)}: {write_json(v)}' for k, v in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_json, value))}]"
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False)


def _finding(path: str, said: tuple[str, str], value: Any = None) -> Finding:
    shown = None if value is None else (value if isinstance(value, str) else _briefly(value))
    return Finding(
        code=Fault.SCHEMA.value,
        text=said[0],
        path=path or "/",
        action=said[1],
        value=None if shown is None else _FORBIDDEN.sub("?", shown)[:VALUE_AT_MOST],
    )


def _briefly(value: Any) -> str:
    """What stands there, for people: long lists and objects are not written out."""
    if isinstance(value, Mapping | list):
        return f"{'an object' if isinstance(value, Mapping) else 'a list'} of {len(value)}"
    return str(value) if isinstance(value, Decimal) else write_json(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal | float) and not isinstance(value, bool)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return found


def _keywords(schema: Mapping[str, Any]) -> Iterator[str]:
    yield from schema
    for name in ("properties", "$defs"):
        for below in schema.get(name, {}).values():
            yield from _keywords(below)
    if "items" in schema:
        yield from _keywords(schema["items"])
    for below in schema.get("oneOf", ()):
        yield from _keywords(below)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and value == (
        value.to_integral_value() if isinstance(value, Decimal) else int(value)
    )


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": _is_whole,
    "number": _is_number,
}
