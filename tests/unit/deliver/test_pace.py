from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.deliver.pace import Trouble, Window


def test_a_window_grows_by_one_with_each_answer_and_halves_with_each_silence() -> None:
    window = Window(4, 16)

    window.widen()
    window.widen()
    assert window.size == 6

    window.narrow()
    assert window.size == 3


@given(st.integers(1, 64), st.integers(1, 64), st.lists(st.booleans(), max_size=100))
def test_a_window_always_lets_one_through_and_never_more_than_the_most(
    start: int, most: int, answers: list[bool]
) -> None:
    window = Window(start, most)

    for answered in answers:
        if answered:
            window.widen()
        else:
            window.narrow()

        assert 1 <= window.size <= most


def test_trouble_is_told_once_at_its_start_and_once_at_its_end() -> None:
    trouble = Trouble()

    assert [trouble.begins() for _ in range(3)] == [True, False, False]
    assert [trouble.ends() for _ in range(2)] == [True, False]
    assert trouble.begins()


def test_rests_double_up_to_the_longest() -> None:
    trouble = Trouble()

    rests = []
    for _ in range(6):
        trouble.begins()
        rests.append(trouble.rest_s(0.1, 1.0))

    assert rests == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_the_rest_after_a_very_long_run_of_failures_can_be_reckoned() -> None:
    trouble = Trouble()
    trouble.failures = 100_000

    assert trouble.rest_s(0.1, 2.0) == 2.0
