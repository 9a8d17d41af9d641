"""A lane as operators see it: its state in a word, since when, why, whose move, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from gateway.console.serving import Parts
from gateway.console.words import Chip, Family, duration, plain
from gateway.domain.corridor import Party
from gateway.domain.errors import Fault
from gateway.intake.catalogue import move_for
from gateway.store.overview import TroubleRow
from gateway.store.records import LaneRow, PartyState

SOON = timedelta(days=30)
VERY_SOON = timedelta(days=7)
_BLOCKING = frozenset({Fault.TLS.value, Fault.SIGNER.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One party's lane, as of *at*."""

    party: Party
    at: datetime
    row: LaneRow | None
    state: PartyState | None
    trouble: TroubleRow | None

    @property
    def key(self) -> str:
        """As it stands in an element's id."""
        return self.party.id.lower().replace(".", "-")

    @property
    def is_suspended(self) -> bool:
        """Whether an operator stopped it."""
        return self.state is not None and self.state.suspended_by is not None

    @property
    def is_out(self) -> bool:
        """Whether an outage is declared."""
        return self.state is not None and self.state.is_outage

    @property
    def in_trouble(self) -> bool:
        """Whether something stands still."""
        return self.is_suspended or self.trouble is not None

    @property
    def waiting(self) -> int:
        """What is owed to the party, but for what an operator holds."""
        return 0 if self.row is None else self.row.waiting

    @property
    def on_hold(self) -> int:
        """What an operator holds."""
        return 0 if self.row is None else self.row.by_status.get("on_hold", 0)

    @property
    def code(self) -> str:
        """Of the last attempt's cause; empty when there is none."""
        return (self.trouble.cause or "").partition(":")[0] if self.trouble else ""

    @property
    def chip(self) -> Chip:
        """The state in a word."""
        if self.is_out:
            return Chip(Family.HELD, "Outage declared")
        if self.is_suspended and self.state is not None:
            return Chip(Family.HELD, f"Suspended by {plain(self.state.suspended_by)}")
        if self.trouble is None:
            return Chip(Family.GOOD, "Open")
        if self.code in _BLOCKING:
            return Chip(Family.BAD, f"Blocked ({self.code})")
        if self.code == Fault.ASKED_TO_WAIT.value:
            return Chip(Family.WARN, f"Slowed by the party ({self.code})")
        return Chip(Family.BAD, f"Backing off ({self.code})" if self.code else "Backing off")

    @property
    def owner(self) -> str:
        """Whose move it is."""
        if self.is_suspended:
            return "operator"
        if self.code == Fault.CANNOT_CONNECT.value:
            return self.party.id
        return move_for(self.code).owner.value

    @property
    def next_action(self) -> str:
        """The next step, one sentence."""
        if self.is_out:
            return "Resume the party when it is back; its lane then begins with few messages at a time."
        if self.is_suspended:
            return "Resume the party when it may be sent to again."
        return move_for(self.code).next_action

    @property
    def host(self) -> str:
        """Where its gateway is."""
        return urlsplit(self.party.endpoint).netloc

    @property
    def certificates_end(self) -> datetime | None:
        """When the first use of the party, seals or TLS, is left without a certificate."""
        ends = [
            max((one.valid_to for one in uses), default=self.at) for uses in (self.party.sign, self.party.tls)
        ]
        return min(ends) if self.party.sign and self.party.tls else None

    @property
    def days_left(self) -> int | None:
        """Whole days until then."""
        end = self.certificates_end
        return None if end is None else (end - self.at).days

    @property
    def ends_soon(self) -> bool:
        """Whether that is within thirty days."""
        end = self.certificates_end
        return end is not None and end - self.at < SOON

    @property
    def certificate_chip(self) -> Chip | None:
        """A warning about certificates that end; None while there is time."""
        end = self.certificates_end
        if end is None or end - self.at >= SOON:
            return None
        family = Family.BAD if end - self.at < VERY_SOON else Family.WARN
        if end <= self.at:
            return Chip(Family.BAD, "No certificate in its window")
        return Chip(family, f"Certificate ends in {duration((end - self.at).total_seconds())}")


async def lanes_of(parts: Parts, now: datetime) -> list[Lane]:
    """Every party's lane."""
    rows = {row.party: row for row in await parts.ledger.lanes(now)}
    states = await parts.ledger.party_states()
    troubles = await parts.ledger.lane_troubles()
    return [
        Lane(party=party, at=now, row=rows.get(key), state=states.get(key), trouble=troubles.get(key))
        for key, party in sorted(parts.others.items())
    ]
