"""Every sentence of the messages is said by somebody, and is given the values it has places for."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.domain.words import ENGLISH, PHRASES, SAYINGS, Language, places_in
from gateway.registry.folder import SHIPPED, Folder
from gateway.registry.forms import load_forms, load_record_schema
from gateway.registry.words import MESSAGES, load_words
from gateway.validate.judge import Judge
from gateway.validate.rules import rule_book
from gateway.validate.shape import Records
from tests.data.shipped import ON, RCEP, a_record, codes, forms, judge, records, written

LANGUAGES = sorted(load_words(Folder()))
LATIN = Language("la")


@lru_cache
def _modules() -> tuple[ast.Module, ...]:
    rooms = (SHIPPED / "gateway" / room for room in ("validate", "route"))
    return tuple(ast.parse(path.read_text("utf-8")) for room in rooms for path in room.glob("*.py"))


def _calls(method: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Key and names of values of each call ``words.<method>("key", name=…)``."""
    for module in _modules():
        for node in ast.walk(module):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == method
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                yield str(node.args[0].value), frozenset(str(keyword.arg) for keyword in node.keywords)


def _constants() -> set[object]:
    return {
        node.value for module in _modules() for node in ast.walk(module) if isinstance(node, ast.Constant)
    }


def test_what_is_said_is_given_the_values_that_are_declared() -> None:
    for method, declared in (("say", SAYINGS), ("phrase", PHRASES)):
        for key, given in _calls(method):
            assert declared[key] == given


def test_everything_declared_is_said() -> None:
    assert SAYINGS.keys() | PHRASES.keys() <= _constants()


def test_english_uses_every_value_it_is_given() -> None:
    english = load_words(Folder())[ENGLISH]

    for key, given in SAYINGS.items():
        assert places_in(english.sayings[key].text + english.sayings[key].action) == given
    for key, given in PHRASES.items():
        assert places_in(english.phrases[key]) == given


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules_and_their_words_belong_together(language: Language) -> None:
    words = load_words(Folder())[language]
    rules = {name for form in forms().values() for name in rule_book(form).assertions}

    assert words.rules.keys() == rules


SPOKEN = [language for language in LANGUAGES if language != ENGLISH]


def _file(language: Language) -> dict[str, Any]:
    return tomllib.loads((SHIPPED / MESSAGES / f"{language}.toml").read_text("utf-8"))


def _sentences(language: Language) -> Iterator[tuple[str, frozenset[str]]]:
    """Every key of a language, and the values that its words have places for."""
    for table in ("rules", "sayings"):
        for key, one in _file(language)[table].items():
            yield f"{table}.{key}.text", places_in(one["text"])
            yield f"{table}.{key}.action", places_in(one["action"])
    for key, phrase in _file(language)["phrases"].items():
        yield f"phrases.{key}", places_in(phrase)


def test_vietnamese_and_thai_are_shipped() -> None:
    assert SPOKEN == ["th", "vi"]


@pytest.mark.parametrize("language", SPOKEN)
def test_a_shipped_language_says_all_that_english_says_with_the_same_values(language: Language) -> None:
    assert dict(_sentences(language)) == dict(_sentences(ENGLISH))


@pytest.mark.parametrize("language", SPOKEN)
def test_a_shipped_language_knows_what_every_type_of_the_shipped_forms_expects(language: Language) -> None:
    schema = etree.parse(SHIPPED / "schemas/common/certificate.xsd")

    documented = {
        str(kind.get("name"))
        for kind in schema.iterfind("{*}simpleType")
        if kind.find("{*}annotation/{*}documentation") is not None
    }

    assert _file(language)["expected"].keys() == documented


@pytest.mark.parametrize("language", SPOKEN)
def test_a_shipped_language_is_spoken_from_end_to_end(language: Language) -> None:
    record = a_record(items=2)
    record["exporter"]["name"] = ""
    record["items"][0]["hs"] = "770000"
    record["items"][1].pop("fob")

    told, english = (judge().judge(written(record), forms()[RCEP], ON, one) for one in (language, ENGLISH))

    assert [one.path for one in told] == [one.path for one in english]
    for one, other in zip(told, english, strict=True):
        assert one.text != other.text
        assert one.action != other.action
    assert _shape_told(language) != _shape_told(ENGLISH)


def _shape_told(language: Language) -> str:
    return records().findings({**a_record(), "remarks": 7}, language)[0].text


OWN = """
[phrases]
currency = "nummus notus"
string = "verba"
empty = "vacuum"
[sayings.code-unknown-near]
text = "'{value}' non est {kind}."
action = "Proxima: {nearest}."
[sayings.value-expected]
text = "{place}: {value}, non {expected}."
action = "Da: {expected}."
[sayings.record-kind]
text = "{name} non est {kind}."
action = "Da: {kind}."
[rules.fob-missing]
text = "Res {item}: pretium deest."
action = "Da pretium secundum {agreement}."
[expected]
Name = "nomen"
"""


@pytest.fixture
def latin(tmp_path: Path) -> Folder:
    """The shipped registry, which has learnt some Latin."""
    path = tmp_path / MESSAGES / "la.toml"
    path.parent.mkdir(parents=True)
    path.write_text(OWN, "utf-8")
    return Folder((SHIPPED, tmp_path))


def test_findings_are_told_in_another_language_as_far_as_it_goes(latin: Folder) -> None:
    known = load_forms(latin)
    record = a_record(items=3)
    record["exporter"]["name"] = ""
    record["items"][0]["hs"] = "770000"
    record["items"][1].pop("fob")
    record["items"][2]["fob"]["currency"] = "UDS"

    told = Judge(known, codes()).judge(written(record), known[RCEP], ON, LATIN)

    assert [(finding.text, finding.action) for finding in told] == [
        ("Name: vacuum, non nomen.", "Da: nomen."),
        (
            "770000 is no subheading of the Harmonized System 2022.",
            "Give six digits of a subheading that exists.",
        ),
        ("Res 2: pretium deest.", "Da pretium secundum RCEP."),
        (
            "'UDS' non est nummus notus.",
            "Proxima: USD (US dollar); UZS (Uzbekistan sum); AUD (Australian dollar).",
        ),
    ]


def test_a_language_nobody_wrote_down_is_english(latin: Folder) -> None:
    known, record = load_forms(latin), a_record(items=1)
    record["exporter"]["name"] = ""
    own = Judge(known, codes())

    spoken = [
        own.judge(written(record), known[RCEP], ON, language) for language in (ENGLISH, Language("yy"), LATIN)
    ]

    assert spoken[0] == spoken[1] != spoken[2]


def test_records_are_spoken_of_in_the_same_languages(latin: Folder) -> None:
    in_latin = Records(load_record_schema(latin), forms().values())

    told = [
        in_latin.findings({**a_record(), "remarks": 7}, language)[0].text for language in (LATIN, ENGLISH)
    ]

    assert told == ["remarks non est verba.", "remarks is not a text."]
    assert in_latin.findings({}, Language("yy")) == in_latin.findings({})
