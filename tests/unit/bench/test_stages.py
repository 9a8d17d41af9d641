"""Where the CPU time goes."""

from __future__ import annotations

import pytest

from bench.figures import Cpu
from bench.stages import REST, Stages, stages
from gateway.trust.make import Kind


def test_every_pure_stage_of_both_ends_takes_its_time() -> None:
    measured = stages(2, Kind.ECDSA, times=10)

    assert list(measured.sender) == ["digest", "read", "judge", "facts", "wrap and seal", "check receipt"]
    assert list(measured.receiver) == ["check seal", "judge", "facts", "seal receipt"]
    assert all(ms > 0 for ms in (*measured.sender.values(), *measured.receiver.values()))


def test_what_no_stage_took_is_the_rest() -> None:
    measured = Stages({"read": 0.25, "judge": 1.0}, {"check seal": 0.5})

    table = measured.table(Cpu(sender=3.0, receiver=2.0, postgresql=0.75))

    assert table["sender"][REST] == pytest.approx(1.75)
    assert table["receiver"][REST] == pytest.approx(1.5)
    assert table["postgresql"] == 0.75
