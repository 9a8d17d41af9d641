"""Messages are files: complete in English, as far as they go in other languages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.domain.errors import Misconfigured
from gateway.domain.words import ENGLISH, Language, places_in
from gateway.registry.folder import SHIPPED, Folder
from gateway.registry.words import MESSAGES, load_words

LATIN = Language("la")


def _with(registry: Path, name: str, text: str) -> Folder:
    """The shipped registry with one more file of messages."""
    path = registry / MESSAGES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return Folder((SHIPPED, registry))


def test_a_language_is_a_file(tmp_path: Path) -> None:
    folder = _with(tmp_path, "la.toml", '[phrases]\nempty = "vacuum"\n')

    words = load_words(folder)

    assert words[LATIN].phrase("empty") == "vacuum"
    assert words[ENGLISH].phrase("empty") == "empty"


def test_what_a_language_does_not_say_is_said_in_english(tmp_path: Path) -> None:
    words = load_words(_with(tmp_path, "la.toml", ""))

    assert words[LATIN].say("port-unknown", value="X") == words[ENGLISH].say("port-unknown", value="X")
    assert words[LATIN].rules == words[ENGLISH].rules


def test_a_form_brings_its_own_words(tmp_path: Path) -> None:
    own = '[rules.own-rule]\ntext = "Item {item} is odd."\naction = "Make it even."\n'

    words = load_words(_with(tmp_path, "form-x.en.toml", own))

    assert words[ENGLISH].rules["own-rule"].filled({"item": "7"}) == ("Item 7 is odd.", "Make it even.")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        pytest.param("latin.toml", "", "-: the name does not end in a language", id="file-name"),
        pytest.param("la.toml", "[phrase]", "phrase: unknown key; did you mean 'phrases'", id="table"),
        pytest.param("la.toml", '[rules.a]\ntext = "x"', "rules.a.action: missing", id="no-action"),
        pytest.param("la.toml", '[phrases]\nfull = "plenum"', "phrases.full: no sentence", id="phrase"),
        pytest.param(
            "la.toml",
            '[sayings.port-lost]\ntext = "x"\naction = "y"',
            "sayings.port-lost: nothing is said under this name",
            id="saying",
        ),
        pytest.param(
            "la.toml",
            '[sayings.port-unknown]\ntext = "{valor}"\naction = "y"',
            "sayings.port-unknown: is not given a value {valor}",
            id="value",
        ),
        pytest.param(
            "la.toml",
            '[phrases]\nempty = "{one{"',
            "phrases.empty: unexpected '{'",
            id="brace-without-fellow",
        ),
        pytest.param("la.toml", '[phrases]\nempty = "{}"', "phrases.empty: {} is no name", id="nameless"),
        pytest.param(
            "la.toml",
            '[phrases]\neither = "{one!r}"',
            "phrases.either: {one} is no name of a value",
            id="conversion",
        ),
        pytest.param(
            "x.en.toml",
            '[phrases]\nempty = "void"',
            "x.en.toml: phrases.empty: is said in another file already",
            id="twice",
        ),
    ],
)
def test_a_fault_is_named_with_file_and_key(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load_words(_with(tmp_path, name, text))

    assert any(complaint in str(fault) for fault in caught.value.faults), caught.value.faults


def test_english_says_everything(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / MESSAGES, tmp_path / MESSAGES)
    english = tmp_path / MESSAGES / "en.toml"
    english.write_text(english.read_text("utf-8").replace("[sayings.port-unknown]", "[rules.port]"), "utf-8")

    with pytest.raises(Misconfigured, match=r"en\.toml: sayings\.port-unknown: missing"):
        load_words(Folder((tmp_path,)))


def test_the_places_of_a_template_are_known_by_name() -> None:
    assert places_in("Item {item} has {max-items} of {item}, {{or so}}") == {"item", "max-items"}
