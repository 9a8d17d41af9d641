"""The order of a segment table: groups open and close, what is misplaced is told and left out."""

from __future__ import annotations

import pytest

from gateway.translate.edifact.segments import Segment
from gateway.translate.edifact.structure import arrange
from tests.unit.translate.edifact_shipped import data

SANCRT = data().tables.messages["SANCRT.D.01B"]
KNOWN = data().tables.segments_of(SANCRT, 4)


def segments(tags: str) -> list[Segment]:
    return [Segment(KNOWN[tag], position=place) for place, tag in enumerate(tags.split(), 1)]


def test_segments_fall_into_their_groups() -> None:
    root, wrong = arrange(segments("UNH BGM DTM PNA ADR CTA COM PNA LIN MEA DOC DTM LIN UNT"), SANCRT.root)

    assert wrong == []
    assert [len(group.segments) for group in root.groups["SG2"]] == [2, 1]
    assert len(root.groups["SG2"][0].groups["SG3"][0].segments["COM"]) == 1
    assert [len(group.groups.get("SG12", [])) for group in root.groups["SG11"]] == [1, 0]


def test_walking_gives_the_segments_in_the_order_of_the_table() -> None:
    made = segments("UNH BGM DTM DTM LOC PNA ADR LIN PIA LIN UNT")

    root, _ = arrange(made, SANCRT.root)

    assert list(root.walk()) == made


@pytest.mark.parametrize(
    ("tags", "code", "position"),
    [
        pytest.param("UNH DTM UNT", "13", 2, id="mandatory-missing"),
        pytest.param("UNH BGM BGM UNT", "35", 3, id="once-and-again"),
        pytest.param("UNH BGM LOC DTM UNT", "15", 4, id="too-late"),
        pytest.param("UNH BGM ADR UNT", "15", 3, id="before-its-trigger"),
        pytest.param("UNH BGM CST CST UNT", "35", 4, id="too-many"),
        pytest.param("UNH BGM " + "CNT " * 10 + "UNT", "35", 12, id="too-many-of-nine"),
        pytest.param("UNH BGM " + "DOC " * 100 + "UNT", "36", 102, id="too-many-groups"),
        pytest.param("UNH BGM", "13", 2, id="no-trailer"),
    ],
)
def test_what_breaks_the_order_is_told_once(tags: str, code: str, position: int) -> None:
    _, wrong = arrange(segments(tags), SANCRT.root)

    assert [(each.code, each.segment.position) for each in wrong] == [(code, position)]


def test_after_a_misplaced_segment_the_rest_still_finds_its_place() -> None:
    root, wrong = arrange(segments("UNH BGM ADR PNA ADR LIN UNT"), SANCRT.root)

    assert len(wrong) == 1
    assert len(root.groups["SG2"][0].segments["ADR"]) == 1
    assert len(root.groups["SG11"]) == 1
