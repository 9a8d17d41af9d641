"""What is told in the end is what was measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import SCENARIOS, Check, Cpu, Measured, Pair, Reference, details, quantile_ms, summary

E2E = SCENARIOS[0]


def a_pair(ours: float, reference: float, *, cpu: float = 6.0, rss_mb: float = 100.0) -> Pair:
    return Pair(
        Measured(
            certificates_per_second=ours,
            p50_ms=20.0,
            p99_ms=50.0,
            cpu_ms=Cpu(sender=cpu / 2, receiver=cpu / 3, postgresql=cpu / 6),
            rss_mb=rss_mb,
            others_share=0.0,
        ),
        Reference(certificates_per_second=reference, p99_ms=30.0, cpu_ms=2.0),
    )


def test_the_ratio_is_the_median_of_what_each_pair_gave() -> None:
    pairs = [a_pair(100, 200), a_pair(10, 100), a_pair(90, 100)]

    told = summary(E2E, 2000, "lightspeed", pairs)

    assert told["ratio"] == 0.5
    assert told["certificates_per_second"] == 90
    assert told["reference"]["certificates_per_second"] == 100


def test_cpu_time_of_all_three_is_held_against_the_references_total() -> None:
    assert a_pair(1, 1, cpu=9.0).cpu_ratio == pytest.approx(4.5)


def test_the_keys_are_those_that_programs_read() -> None:
    told = summary(E2E, 2000, "lightspeed", [a_pair(1, 1)])

    assert list(told) == [
        *("name", "items", "algorithm", "in_flight", "certificates", "certificates_per_second", "p50_ms"),
        *("p99_ms", "cpu_ms_per_certificate", "reference", "ratio", "cpu_ratio", "rss_mb"),
        *("both_ways", "commit_takes_ms"),
    ]
    assert list(told["cpu_ms_per_certificate"]) == ["sender", "receiver", "postgresql"]
    assert list(told["reference"]) == [
        *("name", "certificates_per_second", "p99_ms", "cpu_ms_per_certificate"),
    ]


def test_the_run_named_e2e_is_the_one_that_was_agreed() -> None:
    assert (E2E.name, E2E.items, E2E.algorithm, E2E.in_flight, E2E.answered) == ("e2e", 20, "rsa", 16, False)
    assert [scenario.name for scenario in SCENARIOS if scenario.answered] == ["e2e-answered"]


def test_memory_is_the_most_that_any_run_held() -> None:
    pairs = [a_pair(1, 1, rss_mb=120.0), a_pair(1, 1, rss_mb=140.0), a_pair(1, 1, rss_mb=130.0)]

    assert summary(E2E, 2000, "lightspeed", pairs)["rss_mb"] == 140.0


def test_every_pair_is_kept_in_full() -> None:
    kept = details([a_pair(50, 100), a_pair(20, 100)])

    assert [pair["ratio"] for pair in kept] == [0.5, 0.2]
    assert kept[0]["ours"]["cpu_ms"] == {"sender": 3.0, "receiver": 2.0, "postgresql": 1.0}


@given(st.lists(st.floats(0, 100), min_size=1), st.sampled_from([0.5, 0.99]))
def test_a_quantile_is_one_of_the_values_with_its_share_below_it(seconds: list[float], q: float) -> None:
    value = quantile_ms(seconds, q)

    assert value in {1000 * each for each in seconds}
    assert sum(1000 * each <= value for each in seconds) >= q * len(seconds)


@pytest.mark.parametrize(("value", "holds"), [(0.79, False), (0.8, True), (3.0, True)])
def test_a_check_holds_on_the_right_side_of_its_line(value: float, holds: bool) -> None:
    at_least = Check(name="drain", says="a share", value=value, at_least=0.8, figures={})

    assert at_least.holds is holds
    assert at_least.summary()["at_least"] == 0.8


@pytest.mark.parametrize(("value", "holds"), [(0.9, True), (1.1, True), (1.11, False)])
def test_a_check_may_ask_for_little(value: float, holds: bool) -> None:
    at_most = Check(name="stored", says="a multiple", value=value, at_most=1.1, figures={})

    assert at_most.holds is holds
    assert at_most.summary()["at_most"] == 1.1
