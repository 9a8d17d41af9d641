"""The EDIFACT files: a slip in one is named with its file and key, all slips at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.errors import Misconfigured
from gateway.registry.folder import SHIPPED, Folder
from gateway.translate.edifact.data import load_edifact

ROOM = "mappings/edifact"
DIRECTORY = f"{ROOM}/directories/D.01B.toml"
CUSRES = f"{ROOM}/messages/CUSRES.D.01B.toml"
RESPONSE = f"{ROOM}/maps/customs-response.toml"
CERTIFICATE = f"{ROOM}/maps/certificate.toml"
SETS = f"{ROOM}/character-sets.toml"
OUTCOMES = f"{ROOM}/codes/customs-outcomes.csv"


def told(tmp_path: Path, *slips: tuple[str, str, str]) -> set[str]:
    """What is told of the shipped files with *slips*: in which, what stands there, what is put there."""
    for file, find, put in slips:
        text = (SHIPPED / file).read_text("utf-8")
        assert find in text
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text.replace(find, put, 1), "utf-8")
    with pytest.raises(Misconfigured) as caught:
        load_edifact(Folder((SHIPPED, tmp_path)))
    return {str(fault) for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("file", "find", "put", "key", "words"),
    [
        pytest.param(
            DIRECTORY,
            'COM = "C076!"',
            'COM = "C999!"',
            "segments.COM",
            "'C999' is not described",
            id="element",
        ),
        pytest.param(
            DIRECTORY, 'COM = "C076!"', 'COM = "C076?"', "segments.COM", "'C076?' is no name with", id="name"
        ),
        pytest.param(DIRECTORY, '"an..3"', '"words"', "segments.", "has the format 'words'", id="format"),
        pytest.param(CUSRES, "FTX C 99", "FTX C many", "table", "'FTX C many' is not name", id="line"),
        pytest.param(CUSRES, "EQD C 999", "ZZZ C 999", "table", "segment ZZZ is not in", id="segment"),
        pytest.param(CUSRES, "EQD C 999", "FTX C 999", "table", "names something twice", id="twice"),
        pytest.param(
            CUSRES, "\nSG1 C 9\n", "\nSG0 C 1\nSG1 C 9\n", "table", "SG0 is empty", id="empty-group"
        ),
        pytest.param(
            CUSRES, '"D.01B"\ntitle', '"D.96A"\ntitle', "directory", "no directory D.96A", id="directory"
        ),
        pytest.param(
            RESPONSE, '"CUSRES.D.01B"', '"CUSREP.D.01B"', "message", "no table for CUSREP", id="table"
        ),
        pytest.param(
            RESPONSE, 'at = "BGM 1225"', 'at = "BGN 1225"', "facts.function", "BGN has no place", id="fact"
        ),
        pytest.param(
            RESPONSE,
            '"GIS C529.7365"',
            '"GIS C529.9999"',
            "elements.ItemOutcome/Outcome",
            "GIS has no",
            id="slot",
        ),
        pytest.param(
            RESPONSE,
            '"GIS C529.7365"',
            '"GIS C529.7365#x"',
            "elements.ItemOutcome/Outcome",
            "'x'",
            id="which-slot",
        ),
        pytest.param(
            RESPONSE, 'group = "SG6"', 'group = "GIS"', "elements.ItemOutcome", "GIS is no group", id="group"
        ),
        pytest.param(
            RESPONSE,
            'group = "SG6"',
            'group = "SG66"',
            "elements.ItemOutcome",
            "SG66 has no place",
            id="no-group",
        ),
        pytest.param(
            RESPONSE,
            '"customs-outcomes"',
            '"outcomes"',
            "elements.ItemOutcome/Outcome",
            "no list called",
            id="list",
        ),
        pytest.param(
            RESPONSE,
            '{ at = "DOC C503.1004" }',
            '{ at = "DOC C503.1004", fits = "(" }',
            "elements.ItemOutcome/Declaration",
            "",
            id="expression",
        ),
        pytest.param(
            RESPONSE,
            "\nItemOutcome = {",
            '\n"Office/Name" = { at = "UNT 0074" }\nItemOutcome = {',
            "elements.Office/Name",
            "service segment",
            id="service-segment",
        ),
        pytest.param(RESPONSE, "spread = true", "spreads = true", "", "", id="unknown-key"),
        pytest.param(SETS, '"utf-8"', '"utf-80"', "UNOW", "utf-80", id="codec"),
        pytest.param(SETS, '" A-Z0-9', '" Z-A0-9', "UNOA", "bad character range", id="characters"),
        pytest.param(
            OUTCOMES, "utilised,UTI", "utilised,UTI\nused,UTI", "-", "stands there twice", id="code-twice"
        ),
    ],
)
def test_a_slip_is_told_with_its_file_and_key(
    tmp_path: Path, file: str, find: str, put: str, key: str, words: str
) -> None:
    found = told(tmp_path, (file, find, put))

    assert any(each.startswith(f"{file}: {key}") and words in each for each in found), found


def test_slips_in_several_maps_are_told_at_once(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        (RESPONSE, '"BGM 1225"', '"BGN 1225"'),
        (CERTIFICATE, '"BGM C106.1004"', '"BGM C106.1005"'),
    )

    assert {each.partition(":")[0] for each in found} == {RESPONSE, CERTIFICATE}


def test_a_map_that_is_not_there_is_told(tmp_path: Path) -> None:
    for path in (SHIPPED / ROOM).rglob("*.*"):
        if path.name != "cancellation.toml":
            copy = tmp_path / path.relative_to(SHIPPED)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())

    with pytest.raises(Misconfigured, match=r"maps/cancellation\.toml.*no such file"):
        load_edifact(Folder((tmp_path,)))


def test_a_registry_without_the_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        load_edifact(Folder((tmp_path,)))
