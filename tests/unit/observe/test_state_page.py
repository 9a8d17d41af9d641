"""The page of states says what the tables say, and every state can be reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import pytest

from gateway.domain.status import LIFE_MOVES, LIVES, TRANSITIONS, CertificateLife, DeliveryStatus
from gateway.observe.state_page import state_page
from tests.unit.house.tree import read


def test_the_page_is_what_the_tables_say() -> None:
    assert read("docs/states.md") == state_page(), (
        "write it anew: eco-gateway pages docs/forms --states docs/states.md"
    )


def test_every_move_of_a_life_is_explained() -> None:
    assert {(former, to) for former, some in LIVES.items() for to in some} == set(LIFE_MOVES)
    assert all(LIFE_MOVES.values())


@pytest.mark.parametrize(
    ("first", "moves", "states"),
    [
        pytest.param(CertificateLife.IN_FORCE, LIVES, CertificateLife, id="life"),
        pytest.param(DeliveryStatus.READY_TO_SEND, TRANSITIONS, DeliveryStatus, id="delivery"),
    ],
)
def test_every_state_can_be_reached(
    first: StrEnum, moves: Mapping[StrEnum, Iterable[StrEnum]], states: type[StrEnum]
) -> None:
    reached = {first}
    for _ in states:
        reached |= {to for former in reached for to in moves[former]}

    assert reached == set(states)
