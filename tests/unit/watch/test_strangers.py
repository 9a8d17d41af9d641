"""One slip of the finger is nothing; a number that comes back, and counting through numbers, is something."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.ids import PartyId
from gateway.store.troubles import AskedRow
from gateway.watch.strangers import CODES, MANY, NOT_ISSUED, REPEATED, strangers

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOME = PartyId("VN.MOIT")


def asked(number: str = "VN-1", *, times: int = 1, form: str = "form-d", minutes_ago: int = 1) -> AskedRow:
    return AskedRow(form=form, number=number, times=times, last_at=AT - timedelta(minutes=minutes_ago))


def numbers(count: int, minutes_ago: int = 1) -> list[AskedRow]:
    return [asked(f"VN-{n}", minutes_ago=minutes_ago) for n in range(count)]


@pytest.mark.parametrize(
    ("rows", "owners"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([asked(times=REPEATED - 1)], [], id="a-slip-repeated"),
        pytest.param([asked(times=REPEATED)], ["issuing authority"], id="a-number-that-comes-back"),
        pytest.param(numbers(MANY - 1), [], id="a-busy-hour"),
        pytest.param(numbers(MANY), ["operator"], id="counting-through-numbers"),
        pytest.param(numbers(MANY, minutes_ago=90), [], id="spread-over-the-day"),
        pytest.param([asked("", form="", times=CODES - 1)], [], id="some-wrong-codes"),
        pytest.param([asked("", form="", times=CODES)], ["operator"], id="counting-through-codes"),
        pytest.param([asked(times=9), *numbers(MANY)], ["issuing authority", "operator"], id="both"),
    ],
)
def test_what_clusters_is_somebodys_to_look_at(rows: Sequence[AskedRow], owners: list[str]) -> None:
    found = strangers(rows, HOME, AT)

    assert [trouble.cause.owner for trouble in found] == owners
    assert {trouble.cause.code for trouble in found} <= {NOT_ISSUED}


def test_the_number_that_comes_back_is_named() -> None:
    (found,) = strangers([asked("VN-7", times=6), asked("VN-8", times=5)], HOME, AT)

    assert found.told == (
        "not-issued: form-d VN-7 was never issued and was asked for 6 times, and 1 more numbers"
    )
