from __future__ import annotations

import pytest

from gateway.acknowledge.lives import (
    LifeMove,
    when_cancellation_is_acknowledged,
    when_cancellation_is_asked,
    when_cancellation_is_judged,
    when_replacement_is_accepted,
)
from gateway.domain.errors import Finding, Severity
from gateway.domain.status import LIVES, AcknowledgementOutcome, CertificateLife
from tests.unit.acknowledge.samples import living

IN_FORCE, PENDING = CertificateLife.IN_FORCE, CertificateLife.CANCEL_PENDING
CANCELLED, REPLACED, EXPIRED = (
    CertificateLife.CANCELLED,
    CertificateLife.REPLACED,
    CertificateLife.EXPIRED,
)
REJECTED = AcknowledgementOutcome.REJECTED
ACCEPTED = [AcknowledgementOutcome.ACCEPTED, AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS]


@pytest.mark.parametrize("life", [IN_FORCE, EXPIRED])
def test_asking_remembers_the_life_it_had(life: CertificateLife) -> None:
    assert when_cancellation_is_asked(living(life)) == LifeMove(to=PENDING, before=life)


@pytest.mark.parametrize("life", [PENDING, CANCELLED, REPLACED])
def test_asking_for_what_cannot_be_moves_nothing(life: CertificateLife) -> None:
    assert when_cancellation_is_asked(living(life)) is None


@pytest.mark.parametrize("outcome", ACCEPTED)
def test_an_accepted_cancellation_cancels(outcome: AcknowledgementOutcome) -> None:
    move = when_cancellation_is_acknowledged(living(PENDING, IN_FORCE), outcome)

    assert move == LifeMove(to=CANCELLED)


@pytest.mark.parametrize("before", [IN_FORCE, EXPIRED])
def test_a_rejected_cancellation_puts_back_the_life_it_had(before: CertificateLife) -> None:
    move = when_cancellation_is_acknowledged(living(PENDING, before), REJECTED)

    assert move == LifeMove(to=before)


def test_a_rejected_cancellation_of_an_unknown_past_is_in_force_again() -> None:
    assert when_cancellation_is_acknowledged(living(PENDING), REJECTED) == LifeMove(to=IN_FORCE)


@pytest.mark.parametrize("life", [IN_FORCE, CANCELLED, REPLACED, EXPIRED])
def test_a_rejection_after_the_matter_was_settled_moves_nothing(life: CertificateLife) -> None:
    assert when_cancellation_is_acknowledged(living(life), REJECTED) is None


@pytest.mark.parametrize("outcome", ACCEPTED)
@pytest.mark.parametrize("life", [IN_FORCE, EXPIRED])
def test_an_acceptance_cancels_also_when_a_rejection_came_first(
    life: CertificateLife, outcome: AcknowledgementOutcome
) -> None:
    assert when_cancellation_is_acknowledged(living(life), outcome) == LifeMove(to=CANCELLED)


@pytest.mark.parametrize("life", [CANCELLED, REPLACED])
def test_an_acceptance_that_comes_again_moves_nothing(life: CertificateLife) -> None:
    assert when_cancellation_is_acknowledged(living(life), AcknowledgementOutcome.ACCEPTED) is None


@pytest.mark.parametrize("life", [IN_FORCE, PENDING, EXPIRED])
def test_the_receiver_cancels_what_it_finds_nothing_against(life: CertificateLife) -> None:
    warning = Finding(code="W05", text="x", severity=Severity.WARNING)

    assert when_cancellation_is_judged(living(life), (warning,)) == LifeMove(to=CANCELLED)


@pytest.mark.parametrize(
    ("life", "findings"),
    [
        pytest.param(IN_FORCE, (Finding(code="B06", text="x"),), id="refused"),
        pytest.param(CANCELLED, (), id="cancelled-before"),
    ],
)
def test_the_receiver_does_not_cancel_otherwise(life: CertificateLife, findings: tuple[Finding, ...]) -> None:
    assert when_cancellation_is_judged(living(life), findings) is None


@pytest.mark.parametrize("outcome", ACCEPTED)
@pytest.mark.parametrize("life", [IN_FORCE, PENDING, EXPIRED])
def test_an_accepted_replacement_replaces(life: CertificateLife, outcome: AcknowledgementOutcome) -> None:
    assert when_replacement_is_accepted(living(life), outcome) == LifeMove(to=REPLACED)


def test_a_rejected_replacement_leaves_the_old_one_alone() -> None:
    assert when_replacement_is_accepted(living(IN_FORCE), REJECTED) is None


def test_what_was_replaced_is_not_replaced_again() -> None:
    assert when_replacement_is_accepted(living(REPLACED), AcknowledgementOutcome.ACCEPTED) is None


def test_what_was_cancelled_is_replaced_by_what_crossed_with_its_cancellation() -> None:
    move = when_replacement_is_accepted(living(CANCELLED), AcknowledgementOutcome.ACCEPTED)

    assert move == LifeMove(to=REPLACED)


@pytest.mark.parametrize("life", CertificateLife)
@pytest.mark.parametrize("outcome", AcknowledgementOutcome)
def test_every_move_is_in_the_table(life: CertificateLife, outcome: AcknowledgementOutcome) -> None:
    certificate = living(life, EXPIRED)
    moves = [
        when_cancellation_is_asked(certificate),
        when_cancellation_is_judged(certificate, ()),
        when_cancellation_is_acknowledged(certificate, outcome),
        when_replacement_is_accepted(certificate, outcome),
    ]

    assert all(move is None or move.to in LIVES[life] for move in moves)
