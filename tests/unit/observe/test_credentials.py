"""A certificate that ends is told once at each threshold, unless another follows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.corridor import Party, RegisteredCertificate
from gateway.observe.credentials import endings
from tests.keys import party_keys, registered
from tests.messages import NOW

TH = party_keys("TH.CUSTOMS")
DAY = timedelta(days=1)


def window(first_day: float, last_day: float) -> RegisteredCertificate:
    return registered(TH.sign, valid_from=NOW + first_day * DAY, valid_to=NOW + last_day * DAY)


def party(*sign: RegisteredCertificate) -> Party:
    return replace(TH.party(), sign=sign, tls=())


@pytest.mark.parametrize(
    ("days", "threshold"),
    [(61, None), (60, 60), (31, 60), (30, 30), (14.5, 30), (14, 14), (7, 7), (1.5, 7), (1, 1), (0.1, 1)],
)
def test_the_nearest_threshold_that_was_passed_counts(days: float, threshold: int | None) -> None:
    found = [ending.threshold for ending in endings(party(window(-300, days)), NOW)]

    assert found == ([] if threshold is None else [threshold])


@pytest.mark.parametrize(
    ("following", "told"),
    [
        pytest.param(window(5, 300), [], id="in-time"),
        pytest.param(window(10, 300), [], id="without-overlap"),
        pytest.param(window(11, 300), [14], id="after-a-gap"),
        pytest.param(window(5, 20), [30], id="not-for-long"),
        pytest.param(window(-90, -30), [14], id="closed"),
    ],
)
def test_one_that_is_followed_needs_no_word(following: RegisteredCertificate, told: list[int]) -> None:
    found = endings(party(window(-300, 10), following), NOW)

    assert [ending.threshold for ending in found] == told


def test_a_party_without_an_open_window_is_beyond_warning() -> None:
    assert list(endings(party(window(-30, -1)), NOW)) == []
