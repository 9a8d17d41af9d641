"""The figures of runs: what one run measured, what a pair says, and what is told in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

Json = dict[str, Any]


def quantile_ms(seconds: Sequence[float], q: float) -> float:
    """The value below which a share *q* of *seconds* lies, in milliseconds."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(q * len(ordered)))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """CPU time a certificate, milliseconds, by who used it."""

    sender: float
    receiver: float
    postgresql: float

    @property
    def total(self) -> float:
        """All of them together."""
        return self.sender + self.receiver + self.postgresql


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """
    One run of the gateways.

    Attributes:
        rss_mb: most memory the sender held, MiB.
        others_share: share of the machine that was used by processes that have no part in the run.
    """

    certificates_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: Cpu
    rss_mb: float
    others_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One run of the straight line."""

    certificates_per_second: float
    p99_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Pair:
    """A run of the reference and one of ours, one right after the other."""

    ours: Measured
    reference: Reference

    @property
    def ratio(self) -> float:
        """Our throughput as a share of the reference's."""
        return self.ours.certificates_per_second / self.reference.certificates_per_second

    @property
    def cpu_ratio(self) -> float:
        """Our CPU time a certificate as a multiple of the reference's."""
        return self.ours.cpu_ms.total / self.reference.cpu_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """
    What is measured under one name.

    Attributes:
        answered: acknowledgement messages are sent, and a certificate counts when its own is stored.
        in_flight: certificates between submission and the answer at a time.
        both_ways: the receiver sends as many certificates to the sender at the same time.
        commit_takes_ms: how much longer every flush of the database's log takes, for the reference too.
    """

    name: str
    answered: bool
    items: int = 20
    algorithm: str = "rsa"
    in_flight: int = 16
    both_ways: bool = False
    commit_takes_ms: float = 0


USUAL = (Scenario(name="e2e", answered=False), Scenario(name="e2e-answered", answered=True))
"""What is measured when nothing is said."""

SCENARIOS = (
    *USUAL,
    Scenario(name="e2e-1-item", answered=False, items=1),
    Scenario(name="e2e-200-items", answered=False, items=200),
    Scenario(name="e2e-p256", answered=False, algorithm="ecdsa"),
    Scenario(name="e2e-1-in-flight", answered=False, in_flight=1),
    Scenario(name="e2e-64-in-flight", answered=False, in_flight=64),
    Scenario(name="e2e-both-ways", answered=False, both_ways=True),
    Scenario(name="e2e-slow-commit", answered=False, commit_takes_ms=2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    A figure that is held against a line.

    Attributes:
        says: what the figure is, for people.
        value: the figure; a ratio.
        at_most: the largest it may be, where that is asked.
        at_least: the smallest it may be, where that is asked.
        figures: what it was made of.
    """

    name: str
    says: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    figures: Json

    @property
    def holds(self) -> bool:
        """Whether it is on the right side."""
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    def summary(self) -> Json:
        """The check as programs read it."""
        line = {"at_most": self.at_most} if self.at_least is None else {"at_least": self.at_least}
        return {
            "name": self.name,
            "says": self.says,
            "value": round(self.value, 3),
            **line,
            "holds": self.holds,
            "figures": self.figures,
        }


def summary(scenario: Scenario, certificates: int, reference: str, pairs: Sequence[Pair]) -> Json:
    """One run as programs read it: medians over the pairs; ratios are taken within a pair first."""
    ours = [pair.ours for pair in pairs]
    theirs = [pair.reference for pair in pairs]
    return {
        "name": scenario.name,
        "items": scenario.items,
        "algorithm": scenario.algorithm,
        "in_flight": scenario.in_flight,
        "certificates": certificates,
        "certificates_per_second": round(median(run.certificates_per_second for run in ours), 1),
        "p50_ms": round(median(run.p50_ms for run in ours), 2),
        "p99_ms": round(median(run.p99_ms for run in ours), 2),
        "cpu_ms_per_certificate": {
            "sender": round(median(run.cpu_ms.sender for run in ours), 3),
            "receiver": round(median(run.cpu_ms.receiver for run in ours), 3),
            "postgresql": round(median(run.cpu_ms.postgresql for run in ours), 3),
        },
        "reference": {
            "name": reference,
            "certificates_per_second": round(median(run.certificates_per_second for run in theirs), 1),
            "p99_ms": round(median(run.p99_ms for run in theirs), 2),
            "cpu_ms_per_certificate": round(median(run.cpu_ms for run in theirs), 3),
        },
        "ratio": round(median(pair.ratio for pair in pairs), 4),
        "cpu_ratio": round(median(pair.cpu_ratio for pair in pairs), 3),
        "rss_mb": round(max(run.rss_mb for run in ours), 1),
        "both_ways": scenario.both_ways,
        "commit_takes_ms": scenario.commit_takes_ms,
    }


def details(pairs: Sequence[Pair]) -> list[Json]:
    """Every pair in full, for whoever keeps the figures."""
    return [{**asdict(pair), "ratio": pair.ratio, "cpu_ratio": pair.cpu_ratio} for pair in pairs]
