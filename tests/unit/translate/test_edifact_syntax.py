"""Cutting and joining: the inverse of each other, and what pydifact makes of the same text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydifact.token import Token
from pydifact.tokenizer import Tokenizer

from gateway.translate.edifact.syntax import (
    Cutter,
    LooseRelease,
    ServiceCharacters,
    characters_of,
    default_characters,
    join,
)

OTHERS = ServiceCharacters(
    component="|", element="^", decimal=",", release="\\", repetition="~", terminator="$"
)
SETS = [default_characters(3), default_characters(4), OTHERS]
values = st.text(
    st.sampled_from("aÖ ?+:'*|^\\~$") | st.characters(exclude_categories=["Cs", "Cc"]), max_size=8
)
segments = st.lists(
    st.tuples(
        st.text("ABC", min_size=3, max_size=3).map(lambda tag: [tag]),
        st.lists(st.lists(values, min_size=1, max_size=4), max_size=4),
    ).map(lambda made: [made[0], *made[1]]),
    max_size=5,
)


def trimmed(segment: list[list[str]]) -> list[list[str]]:
    """*segment* without what is empty at an end."""
    elements = [list(element) for element in segment]
    for element in elements:
        while len(element) > 1 and not element[-1]:
            element.pop()
    while len(elements) > 1 and elements[-1] == [""]:
        elements.pop()
    return elements


def cut(text: str, characters: ServiceCharacters) -> list[list[list[str]]]:
    cutter = Cutter(text, characters)
    return [cutter.parts(segment) for segment in cutter.segments]


def cut_by_pydifact(text: str) -> list[list[list[str]]]:
    found: list[list[list[str]]] = []
    segment = [[""]]
    for token in Tokenizer().get_tokens(text):
        if token.type is Token.Type.CONTENT:
            segment[-1][-1] += token.value
        elif token.type is Token.Type.COMPONENT_SEPARATOR:
            segment[-1].append("")
        elif token.type is Token.Type.DATA_SEPARATOR:
            segment.append([""])
        else:
            found.append(segment)
            segment = [[""]]
    return found


@given(segments, st.sampled_from(SETS))
def test_what_is_joined_is_cut_again(made: list[list[list[str]]], characters: ServiceCharacters) -> None:
    assert cut(join(made, characters), characters) == [trimmed(segment) for segment in made]


@given(st.lists(st.text("A+:?Öb", max_size=12), max_size=6))
def test_a_text_is_cut_as_pydifact_cuts_it(lines: list[str]) -> None:
    text = "".join(f"{line}'" for line in lines if (len(line) - len(line.rstrip("?"))) % 2 == 0)

    assert cut(text, default_characters(3)) == cut_by_pydifact(text)


def test_a_release_character_at_the_end_releases_nothing() -> None:
    with pytest.raises(LooseRelease):
        Cutter("UNZ+1+1'?", default_characters(3))


def test_two_release_characters_at_the_end_are_one_as_content() -> None:
    assert Cutter("UNZ+1+1'A??", default_characters(3)).rest != ""


def test_a_released_letter_is_the_letter() -> None:
    assert cut("FTX+?A?b'", default_characters(3)) == [[["FTX"], ["Ab"]]]


@pytest.mark.parametrize(
    ("version", "advice", "repetition"),
    [
        pytest.param(3, "UNA:+.? '", None, id="three"),
        pytest.param(3, "UNA:+.?*'", None, id="three-means-nothing-by-it"),
        pytest.param(4, "UNA:+.?*'", "*", id="four"),
        pytest.param(4, "UNA:+.? '", None, id="four-without"),
    ],
)
def test_the_fifth_character_divides_repetitions_from_version_four_on(
    version: int, advice: str, repetition: str | None
) -> None:
    assert characters_of(advice, version).repetition == repetition


@pytest.mark.parametrize(
    "advice",
    [
        pytest.param("UNA:+.? :", id="twice"),
        pytest.param("UNAx+.? '", id="letter"),
        pytest.param("UNA:+.?  ", id="blank"),
        pytest.param("UNA1+.? '", id="digit"),
    ],
)
def test_service_characters_that_cannot_be_told_apart_are_not_sound(advice: str) -> None:
    assert not characters_of(advice, 4).are_sound()


@pytest.mark.parametrize("characters", SETS)
def test_advice_says_what_it_is_read_as(characters: ServiceCharacters) -> None:
    assert characters_of(characters.advice, 4 if characters.repetition else 3) == characters
