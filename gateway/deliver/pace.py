"""How fast a lane goes: its window, its rests, and what it remembers of trouble. Memory only, never truth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """
    The speeds of a lane; the waits between attempts are not here but in the party's file.

    Attributes:
        window_start: attempts in flight at first; small, so that a party that comes back meets no herd.
        window_most: attempts in flight at most, and connections to the party.
        shared_most: how many deliveries at a time share the news that the party's door is closed.
        poll_s: how long a lane rests at most before it looks at the ledger, whoever wakes it or not.
        busy_poll_s: the same while attempts are in flight.
        least_rest_s: how long it rests at least when the ledger had nothing for it.
        lease_margin_s: by how much a lease outlives the longest attempt, for judging and recording it.
        ledger_rests_s: first and longest rest while the ledger cannot be reached.
        last_record_s: how long a cancelled lane may take for each step of recording what was answered.
        lane_lease_s: for how long a lane is leased to its node; a dead one's are free after it.
        beat_s: how often a node prolongs its leases; they count as lost a beat before they run out.
    """

    window_start: int = 4
    window_most: int = 16
    shared_most: int = 200
    poll_s: float = 5.0
    busy_poll_s: float = 0.25
    least_rest_s: float = 0.02
    lease_margin_s: float = 5.0
    ledger_rests_s: tuple[float, float] = (0.1, 2.0)
    last_record_s: float = 5.0
    lane_lease_s: float = 6.0
    beat_s: float = 1.0


USUAL = Pace()


class Window:
    """
    How many attempts may be in flight: one more with each that got through, half with each that did not.

    Postfix paces its destinations by the same two moves; a dead party soon costs one attempt at a time.
    """

    def __init__(self, start: int, most: int) -> None:
        self.size = self._start = min(start, most)
        self._most = most

    def restart(self) -> None:
        """The party came back by another way than an attempt of ours: begin as small as at first."""
        self.size = self._start

    def widen(self) -> None:
        """The party answered, whatever it said about the message."""
        self.size = min(self.size + 1, self._most)

    def narrow(self) -> None:
        """No believable answer, or the party asked us to wait."""
        self.size = max(self.size // 2, 1)


class Trouble:
    """A run of failures of one kind, told once when it begins and once when it ends."""

    def __init__(self) -> None:
        self.failures = 0

    def begins(self) -> bool:
        """Count a failure; whether it is the first of its run."""
        self.failures += 1
        return self.failures == 1

    def ends(self) -> bool:
        """Count a success; whether it ended a run of failures."""
        ended, self.failures = self.failures > 0, 0
        return ended

    def rest_s(self, first_s: float, longest_s: float) -> float:
        """How long to rest after the latest failure: twice as long with each."""
        return min(first_s * 2.0 ** min(self.failures - 1, 30), longest_s)
