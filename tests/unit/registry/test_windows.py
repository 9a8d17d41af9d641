"""Windows of days follow each other without a gap, and overlap for a while at most."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.registry.windows import EditionFile, Window, edition_faults, edition_windows, window_faults

DAYS = st.dates(date(2026, 1, 1), date(2026, 2, 10))


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def windows(*spans: str) -> list[Window]:
    """``01-01..01-31`` or ``02-01..`` each, named a, b, c."""
    found = []
    for name, span in zip("abcd", spans, strict=False):
        begins, _, ends = span.partition("..")
        found.append(Window(name, day(begins), day(ends) if ends else None))
    return found


@pytest.mark.parametrize(
    "spans",
    [
        pytest.param(["01-01.."], id="one"),
        pytest.param(["01-01..01-31", "02-01.."], id="one-after-the-other"),
        pytest.param(["01-01..03-31", "02-01.."], id="a-transition"),
        pytest.param(["02-01..", "01-01..03-31"], id="in-any-order"),
        pytest.param(["01-01..02-15", "02-01..04-15", "03-01.."], id="two-transitions"),
        pytest.param([], id="none"),
    ],
)
def test_windows_that_follow_each_other_are_good(spans: list[str]) -> None:
    assert list(window_faults(windows(*spans))) == []


@pytest.mark.parametrize(
    ("spans", "fault"),
    [
        pytest.param(
            ["02-01..01-31"],
            ("a", "valid_to", "ends on 2026-01-31, before it begins on 2026-02-01"),
            id="back",
        ),
        pytest.param(
            ["01-01..01-31", "02-03.."],
            ("b", "valid_from", "nothing covers the days between 2026-01-31 and 2026-02-03"),
            id="gap",
        ),
        pytest.param(
            ["01-01..", "02-01.."],
            ("a", "valid_to", "is missing: b follows from 2026-02-01, and a transition has an end"),
            id="endless",
        ),
        pytest.param(
            ["01-01..02-01", "01-01.."], ("b", "valid_from", "begins on 2026-01-01, as a does"), id="at-once"
        ),
        pytest.param(
            ["01-01..06-30", "02-01..03-31"],
            ("b", "valid_to", "ends on 2026-03-31, no later than a, which it follows"),
            id="inside",
        ),
        pytest.param(
            ["01-01..04-01", "02-01..05-01", "03-01.."],
            ("c", "valid_from", "begins on 2026-03-01, while a, two before it, still holds"),
            id="three-at-once",
        ),
    ],
)
def test_a_gap_or_an_overlap_by_mistake_is_told(spans: list[str], fault: tuple[str, str, str]) -> None:
    assert list(window_faults(windows(*spans))) == [fault]


@given(st.lists(st.builds(Window, st.sampled_from("abcd"), DAYS, st.none() | DAYS), max_size=4), DAYS)
def test_without_a_fault_every_day_from_the_first_on_has_one_window_or_two(
    drawn: list[Window], on: date
) -> None:
    if list(window_faults(drawn)) or not drawn or on < min(window.valid_from for window in drawn):
        return

    covering = [w for w in drawn if w.valid_from <= on and (w.valid_to is None or on <= w.valid_to)]

    last = max(window.valid_to or date.max for window in drawn)
    assert len(covering) in ((1, 2) if on <= last else (0,))


def test_editions_are_sorted_and_their_faults_name_them() -> None:
    files = [
        EditionFile(edition="2028", valid_from=day("02-01")),
        EditionFile(edition="2022", valid_from=day("01-01"), valid_to=day("01-15")),
    ]

    assert [window.edition for window in edition_windows(files)] == ["2022", "2028"]
    assert list(edition_faults(files)) == [
        "2028: valid_from nothing covers the days between 2026-01-15 and 2026-02-01"
    ]
    assert list(edition_faults([files[1], files[0].model_copy(update={"valid_from": day("01-16")})])) == []


def test_a_day_after_the_end_belongs_to_the_next() -> None:
    first = Window("a", day("01-01"), day("01-31"))

    assert list(window_faults([first, Window("b", day("01-31") + timedelta(days=1), None)])) == []
