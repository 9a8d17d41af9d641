"""
A simple model of the law about one certificate, and of what the two sides know of it.

Each side has a book: the certificate's life, what customs said of its items, the verdicts on it. Messages
carry what one side did into the other's book, late, again or out of order. The model knows no database, no
XML and no gateway.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

ISSUED = {1: Decimal(10), 2: Decimal(4)}
UNITS = {1: "KGM", 2: "H87"}
IN_KGM = {"KGM": Decimal(1), "TNE": Decimal(1000), "GRM": Decimal("0.001")}
OVER = ("cancelled", "replaced")
USING = ("utilised", "partially_utilised")
HOME_TIME = timezone(timedelta(hours=7))  # of both sides
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Said:
    """What customs said of one item under one declaration."""

    item: int
    outcome: str
    amount: Decimal | None  # in the item's unit
    declaration: str | None
    at: datetime

    @property
    def place(self) -> tuple[int, str | None]:
        return self.item, self.declaration

    @property
    def uses(self) -> bool:
        return self.outcome in USING and (self.amount is None or self.amount > 0)


@dataclass
class Book:
    """What one side knows of a certificate."""

    since: datetime
    life: str = "in_force"
    before: str | None = None
    said: dict[tuple[int, str | None], Said] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)  # by gateway or national system

    @property
    def verdict(self) -> str | None:
        return self.verdicts.get("national-system", self.verdicts.get("gateway"))

    @property
    def is_used(self) -> bool:
        return any(said.uses for said in self.said.values())

    def hear(self, said: Said) -> None:
        """The last that was said stands, whenever it comes."""
        former = self.said.get(said.place)
        if former is None or former.at <= said.at:
            self.said[said.place] = said

    def is_too_much(self, said: Said) -> bool:
        """Whether it uses more than was issued, or anything of what is used up."""
        if not said.uses:
            return False
        others = [one for place, one in self.said.items() if place != said.place and one.item == said.item]
        left = ISSUED[said.item] - sum(one.amount or 0 for one in others if one.uses)
        closed = any(one.outcome == "utilised" and one.amount is None for one in others)
        if said.amount is not None and said.amount > left:
            return True
        is_new = said.place not in self.said
        return is_new and (closed or left <= 0) and not (said.amount is None and said.declaration is None)

    def outcome_of(self, item: int) -> str | None:
        mine = [said for said in self.said.values() if said.item == item]
        using = [said for said in mine if said.uses]
        if any(said.outcome == "utilised" and said.amount is None for said in using):
            return "utilised"
        if sum(said.amount or 0 for said in using) >= ISSUED[item]:
            return "utilised"
        if using:
            return "partially_utilised"
        return _gravest({said.outcome for said in mine}) if mine else None

    @property
    def summary(self) -> str | None:
        if not self.said:
            return None
        outcomes = [self.outcome_of(item) for item in ISSUED]
        if all(outcome == "utilised" for outcome in outcomes):
            return "utilised"
        if any(outcome in USING for outcome in outcomes):
            return "partially_utilised"
        return _gravest({outcome for outcome in outcomes if outcome})

    def replace(self) -> None:
        self.life, self.before = "replaced", None

    def ask_to_cancel(self) -> str | None:
        """Why it may not be cancelled; else its cancellation is pending."""
        if (fault := self.against_cancelling()) is None:
            self.life, self.before = "cancel_pending", self.life
        return fault

    def against_cancelling(self) -> str | None:
        if self.life in OVER:
            return "B03"
        return "B06" if self.is_used else None

    def hear_of_cancelling(self, outcome: str) -> None:
        """The other side's word on our cancellation; nothing brings back what was cancelled."""
        if outcome != "rejected":
            if self.life not in OVER:
                self.life, self.before = "cancelled", None
        elif self.life == "cancel_pending":
            self.life, self.before = self.before or "in_force", None

    def expire(self) -> None:
        if self.life == "in_force":
            self.life = "expired"
        elif self.life == "cancel_pending":
            self.before = "expired"


def _gravest(outcomes: set[str]) -> str:
    order = ("under_verification", "preference_denied")
    return next((one for one in order if one in outcomes), "not_utilised")


@dataclass(eq=False, repr=False)
class Paper:
    """A certificate: what its issuer knows of it, and, once it has arrived, what its receiver does."""

    number: str
    issued_on: date
    home: Book
    replaces: Paper | None = None
    abroad: Book | None = None

    def __repr__(self) -> str:
        return self.number


@dataclass(eq=False, repr=False)
class Letter:
    """A message about a certificate, from one side to the other."""

    kind: str
    sender: str
    paper: Paper
    at: datetime
    about: Letter | None = None
    outcome: str = ""
    by: str = ""
    said: tuple[Said, ...] = ()
    message_no: int = 0
    message_id: str = ""
    receipted_at: datetime | None = None
    is_open: bool = True  # owed to the other side
    is_parked: bool = False
    is_valid: bool = True  # for the receiver
    is_acknowledged: bool = False  # by anybody, in its sender's book

    def __repr__(self) -> str:
        return f"{self.kind} of {self.paper} at {self.at:%H:%M:%S}"

    @property
    def has_arrived(self) -> bool:
        return self.receipted_at is not None


@dataclass(eq=False)
class Clock:
    """
    A legal clock in one side's book: it warns and runs out once, unless what it waits for came before.

    Attributes:
        looked_for_after: so long after its start it is looked for.
        runs: when it was looked at last.
        again: what had stopped it was taken back since.
    """

    name: str
    letter: Letter
    starts: datetime
    warn_at: datetime
    due_at: datetime
    looked_for_after: timedelta
    runs: bool = False
    again: bool = False
    warned_at: datetime | None = None
    breached_at: datetime | None = None

    def look(self, now: datetime, *, has_stopped: bool) -> bool:
        """Whether it has just run out."""
        is_due = self.runs or self.again or now >= self.starts + self.looked_for_after
        self.runs, self.again = is_due and not has_stopped, False
        if self.runs and self.warned_at is None and now >= self.warn_at:
            self.warned_at = now
        if self.runs and self.breached_at is None and now >= self.due_at:
            self.breached_at = now
            return True
        return False

    def start_again(self, at: datetime, warn: timedelta, due: timedelta) -> None:
        """What it waits for is owed again, from then on; nothing where nobody saw that it had stopped."""
        if not self.runs:
            self.starts, self.warn_at, self.due_at, self.again = at, at + warn, at + due, True


def end_of_day(start: datetime, days: int) -> datetime:
    """The instant at which the *days*-th day after that of *start* is over, where both sides are."""
    day = start.astimezone(HOME_TIME).date() + timedelta(days=days + 1)
    return datetime.combine(day, time(), HOME_TIME).astimezone(UTC)


def a_year_after(day: date, months: int) -> datetime:
    """The end of the same day so many months later, up to twelve; of the month's last where it is shorter."""
    month = day.month - 1 + months
    first = date(day.year + month // 12, month % 12 + 1, 1)
    last = (first + timedelta(days=32)).replace(day=1) - DAY
    end = min(first.replace(day=min(day.day, last.day)), last)
    return datetime.combine(end + DAY, time(), HOME_TIME).astimezone(UTC)
