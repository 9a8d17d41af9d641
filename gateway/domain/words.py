"""
What findings say, apart from what decides them: one catalogue a language, each sentence with named places.

A rule gives its words the values that it names itself, and those of its form. What the schema, the code
lists, the shape of box records, the corridors and the specimen lists have to say stands in ``SAYINGS`` and
``PHRASES``, with the values each is given.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NewType

Language = NewType("Language", str)

ENGLISH = Language("en")

SAYINGS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        key: frozenset(values.split())
        for key, values in {
            "too-many-elements": "most",
            # code lists
            "code-unknown": "value kind",
            "code-unknown-near": "value kind nearest",
            "code-out-of-use": "value name",
            "port-unknown": "value",
            "port-unlisted": "value",
            "port-unlisted-near": "value nearest",
            "hs-unknown": "value edition",
            "hs-unknown-near": "value edition nearest",
            "hs-older-edition": "value edition",
            "tariff-unknown": "value edition",
            "tariff-unknown-near": "value edition nearest",
            # schema
            "value-wrong": "place value",
            "value-expected": "place value expected",
            "value-twice": "place value",
            "content-mixed": "element",
            "attribute-missing": "attribute element",
            "attribute-expected": "attribute element expected",
            "attribute-unknown": "attribute element",
            "element-missing": "names element",
            "element-unknown": "element parent title",
            "element-repeated": "element order",
            "element-misplaced": "element order",
            "schema-broken": "said",
            "schema-not-met": "",
            # box records
            "record-kind": "name kind",
            "record-choice": "name choices",
            "record-key-missing": "key",
            "record-key-unknown": "key",
            "record-key-near": "key near",
            "record-twice": "name",
            "record-character": "name character",
            "record-digits": "name most",
            # the way it goes
            "country-no-member": "country family",
            "country-no-party": "country",
            "form-not-implemented": "country form can",
            "corridor-missing": "country form sender agreed",
            "corridor-items": "count most receiver",
            "issued-elsewhere": "country sender",
            "meant-for-another": "country receiver",
            # who signed
            "specimens-missing": "country day",
            "specimens-unasked": "list",
            "signatory-unlisted": "name list day",
            "signatory-outside": "name list windows day",
        }.items()
    }
)

PHRASES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        key: frozenset(values.split())
        for key, values in {
            "nothing": "",
            "empty": "",
            "either": "one other",
            "attribute-of": "attribute element",
            "country": "",
            "currency": "",
            "unit": "",
            "package": "",
            "mode": "",
            "record": "",
            "implements": "party forms",
            "window": "begins ends",
            "on": "",
            "object": "",
            "array": "",
            "string": "",
            "integer": "",
            "number": "",
        }.items()
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What a finding says and what it asks for, with named places in braces."""

    text: str
    action: str

    def filled(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Text and action with *values* in their places."""
        return self.text.format_map(values), self.action.format_map(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """
    The words of one language; where it lacks some, they are the English ones.

    Attributes:
        rules: sentences by the id of the rule.
        sayings: what else findings say, by the keys of ``SAYINGS``.
        phrases: parts of sentences, by the keys of ``PHRASES``.
        expected: what a type of the XSD expects, by its name; English stands in the XSD itself.
    """

    language: Language
    rules: Mapping[str, Sentence]
    sayings: Mapping[str, Sentence]
    phrases: Mapping[str, str]
    expected: Mapping[str, str]

    def say(self, key: str, /, **values: str) -> tuple[str, str]:
        """Text and action of the saying *key*."""
        return self.sayings[key].filled(values)

    def phrase(self, key: str, /, **values: str) -> str:
        """The phrase *key*."""
        return self.phrases[key].format_map(values)


def places_in(template: str) -> frozenset[str]:
    """
    The names of the places in *template*.

    Raises:
        ValueError: a brace without its fellow, a place without a name, or with anything beside its name.
    """
    found = set()
    for _, name, shape, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        if not name or shape or conversion or not name.replace("-", "").isalnum():
            raise ValueError(f"{{{name}}} is no name of a value")
        found.add(name)
    return frozenset(found)
