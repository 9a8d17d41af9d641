"""What judging costs is measured beside a straight line, and said against what it may cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.judging import Judging, Turn, measure


def test_our_own_straight_line_stands_in_where_there_is_no_other(tmp_path: Path) -> None:
    judging = measure(turns=1, lightspeed=tmp_path / "lightspeed.py")

    assert judging.reference == "straight"
    assert 0 < judging.turns[0].straight < judging.turns[0].few < judging.turns[0].many


def test_the_other_one_s_documents_schema_and_parser_are_used_where_it_is(tmp_path: Path) -> None:
    program = """
from lxml import etree
XSD = b'''<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
    <xs:element name="co" type="xs:string"/></xs:schema>'''
parser = etree.XMLParser
class Documents:
    def __init__(self, items): self.items = items
    def make(self, name): return f"<co>{name} {self.items}</co>".encode()
"""
    lightspeed = tmp_path / "lightspeed.py"
    lightspeed.write_text(program, "utf-8")

    judging = measure(turns=1, lightspeed=lightspeed)

    assert judging.reference == "lightspeed"
    assert judging.turns[0].straight < judging.turns[0].few


@pytest.mark.parametrize(
    ("turn", "within"),
    [
        pytest.param(Turn(straight=0.13, few=1.5, many=18.0), True, id="just"),
        pytest.param(Turn(straight=0.13, few=1.6, many=18.0), False, id="too-dear"),
        pytest.param(Turn(straight=0.13, few=1.4, many=17.0), False, id="grows-too-fast"),
    ],
)
def test_the_figures_say_whether_they_keep_the_limit(turn: Turn, *, within: bool) -> None:
    summary = Judging(reference="lightspeed", turns=[turn]).summary()

    assert summary["within"] is within
    assert summary["cpu_ms_20_items"] == turn.few


def test_ratios_are_taken_within_a_turn() -> None:
    slow, fast = Turn(straight=2, few=8, many=40), Turn(straight=1, few=4, many=20)

    judging = Judging(reference="lightspeed", turns=[slow, fast, fast])

    assert (judging.times_straight, judging.times_few) == (4, 5)
