"""Where a check is made, and with how many certificates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.certificates import Certificates
from bench.database import Server
from bench.figures import Check

ITEMS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """
    What every check is given.

    Attributes:
        work: a folder of its own.
        certificates: in each measured run.
        rounds: how often what is compared takes turns.
        stored: messages that lie in a full store.
        backlog: messages that wait for a party that was away.
        carried: certificates over which memory is watched.
    """

    work: Path
    server: Server
    say: Callable[[str], None]
    certificates: int
    rounds: int
    stored: int
    backlog: int
    carried: int

    def supply(self) -> Certificates:
        """Certificates of the usual size."""
        return Certificates(ITEMS, datetime.now(UTC).date())


Measure = Callable[[Ground], Awaitable[Check]]
