"""What becomes of each certificate, drawn by a seed: acts with their instants, and what the law says."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tests.exchange.law import DAY, HOME_TIME, a_year_after
from tests.year.law import ISSUING, Suffering, Tick, after_days, after_working_days

BEGINNING = datetime(2026, 9, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
END = BEGINNING + YEAR + 400 * DAY  # by then the last certificate's validity is over
MINUTE = timedelta(minutes=1)
OPEN = (1,)  # Tuesdays: fewer instants at which something is told, so that a year is lived sooner
ISSUED = Decimal(10)
Spans = tuple[int, int]  # until the warning, until the end
Reckoned = Callable[[datetime, int], datetime]


@dataclass(frozen=True)
class Corridor:
    """One of the six, with its own limits where it has them."""

    party: str
    form: str
    acknowledgement: Spans = (180, 240)  # minutes
    rejection: Spans | None = (50, 60)  # days
    reply: Spans = (60, 90)
    reckoned: Reckoned = after_days

    @property
    def country(self) -> str:
        return self.party[:2]


CORRIDORS = (
    Corridor("TH.CUSTOMS", "atiga/form-d/1.0"),
    Corridor("MY.CUSTOMS", "atiga/form-d/1.0", acknowledgement=(45, 60)),
    Corridor("CN.CUSTOMS", "rcep/form-rcep/1.0", reply=(20, 30)),
    Corridor("JP.CUSTOMS", "ajcep/form-aj/1.0", reply=(15, 20), reckoned=after_working_days),
    Corridor("KR.CUSTOMS", "akfta/form-ak/1.0", rejection=None),
    Corridor("AU.CUSTOMS", "aanzfta/form-aanz/1.0"),
)


@dataclass
class Book:
    """What a report must say of a certificate in the end."""

    submitted_at: datetime
    acknowledgement: str | None = None
    customs: str | None = None
    life: str = "in_force"
    receipt_s: float | None = None
    acknowledgement_s: float | None = None
    use_s: float | None = None


@dataclass(order=True)
class Act:
    """Something that happens to the certificate of a story."""

    at: datetime
    turn: int
    verb: str = field(compare=False)
    how: dict[str, Any] = field(compare=False)


class Story:
    """One certificate from its issue to the end of its life."""

    def __init__(self, seed: int, serial: int) -> None:
        self.rng = random.Random(f"{seed}-{serial}")
        self.corridor = CORRIDORS[serial % len(CORRIDORS)]
        self.is_ours = self.rng.random() < 0.6
        self.number = f"{'VN' if self.is_ours else self.corridor.country}-{serial}"
        self.office = self.rng.choice(("HN", "HCM", "DN")) if self.is_ours else None
        self.at = _open_day(BEGINNING + self.rng.randrange(YEAR.days) * DAY, self.rng.randrange(8 * 3600))
        self.issued_on = self.at.astimezone(HOME_TIME).date() - (0 if self.is_ours else 2) * DAY
        self.book = Book(self.at)
        self.acts: list[Act] = []
        self.ticks: list[Tick] = []
        self.suffering: list[Suffering] = []
        self.said: dict[str, tuple[str, Decimal, str, datetime]] = {}
        self._letters = 0
        self._ours() if self.is_ours else self._theirs()
        self._finish()
        self.acts.sort()

    # ---- ours ----------------------------------------------------------------------------------------------

    def _ours(self) -> None:
        message, receipted, told = self._letter("submit", self.at, content="first")
        self.book.receipt_s = (receipted - self.at).total_seconds()
        self._acknowledged(message, told)
        validity = self._validity(message)
        fate = self.rng.random()
        if fate < 0.10:
            self._rejected(message, validity, told)
            return
        self._accept(message, told, "accepted_with_warnings" if fate < 0.15 else "accepted", "gateway")
        if fate < 0.20:
            self._cancelled(validity, self._later(told, 1, 200))
        elif fate < 0.70:
            self._used_abroad(validity, told)
        if self.rng.random() < 0.08 and self.book.life == "in_force":
            self._verified_by_them(self._later(told, 5, 200))

    def _rejected(self, message: str, validity: Tick, told: datetime) -> None:
        self._act(told, "acknowledge", about=message, outcome="rejected", by="gateway")
        self.book.acknowledgement = "rejected"
        fate = self.rng.random()
        cured: datetime | None = None
        if (
            fate < 0.5
        ):  # clarified: the national system accepts after all, perhaps when the warning has passed
            cured = self._later(told, 1, 390)
            validity.stop(told, cured)
            self._accept(message, cured, "accepted", "national-system")
        elif fate < 0.8:
            cured = self._later(told, 1, 40)
            validity.stop(told)
            again, receipted, accepted = self._letter("submit", cured, content="mended")
            self.book = Book(cured, receipt_s=(receipted - cured).total_seconds())
            self._acknowledged(again, accepted)
            self._accept(again, accepted, "accepted", "gateway")
            self._validity(again)
        else:
            validity.stop(told)
        self._suffers("C02", message, told, cured)

    def _cancelled(self, validity: Tick, at: datetime) -> None:
        message, _, told = self._letter("cancel", at)
        refused = self.rng.random() < 0.3
        self._act(told, "conclude_cancellation", about=message, refused=refused)
        if refused:
            self._suffers("B06", message, told, None)
        else:
            self.book.life = "cancelled"
            validity.stop(told)

    def _used_abroad(self, validity: Tick, told: datetime) -> None:
        at = told
        for number in range(self.rng.choice((1, 1, 2, 3))):
            at = self._later(at, 2, 100)
            outcome = self.rng.choice(
                ("utilised", "partially_utilised", "partially_utilised", "preference_denied")
            )
            amount = Decimal(0) if outcome == "preference_denied" else Decimal(self.rng.choice((2, 4, 10)))
            if self._used() + amount > ISSUED:
                return
            self._say(at, f"D-{number}", outcome, amount, validity)
        if self.rng.random() < 0.3:  # what was said last is corrected
            self._say(self._later(at, 3, 60), f"D-{number}", "partially_utilised", Decimal(1), validity)

    def _verified_by_them(self, at: datetime) -> None:
        message = self._name()
        self._act(at, "take_verification", message=message)
        spans = self.corridor.reply
        reply = self._tick("verification-reply", ISSUING, message, at, spans, self.corridor.reckoned)
        whole = self._tick("verification", "customs", message, at, (150, 180), after_days)
        answered = None
        if self.rng.random() < 0.8:
            answered = self._later(at, 2, spans[1] + 30)
            self._letter("reply", answered, about=message)
            reply.stop(answered)
            if self.rng.random() < 0.8:
                concluded = self._later(answered, 2, 120)
                self._act(concluded, "take_result", about=message)
                whole.stop(concluded)
        self._suffers("B05", message, at, answered)

    # ---- theirs --------------------------------------------------------------------------------------------

    def _theirs(self) -> None:
        message = self._name()
        self._act(self.at, "admit", message=message, issued_on=self.issued_on)
        self.book.acknowledgement, self.book.acknowledgement_s = "accepted", 0.0
        validity = self._validity(message)
        notice = None
        if self.corridor.rejection is not None:
            notice = self._tick(
                "rejection-notice", "customs", message, self.at, self.corridor.rejection, after_days
            )
        if self.rng.random() < 0.10:
            refused = self._later(self.at, 1, 30)
            again = self._later(refused, 5, 100) if self.rng.random() < 0.6 else None
            self._act(refused, "judge", about=message, outcome="rejected")
            self.book.acknowledgement = "rejected"
            if again is not None:
                self._act(again, "judge", about=message, outcome="accepted")
                self.book.acknowledgement = "accepted"
            for tick in (validity, notice):
                if tick is not None:
                    tick.stop(refused, again)
            return
        if self.rng.random() < 0.08:
            self._verified_by_us(message, self._later(self.at, 1, 20))
        if self.rng.random() < 0.75:
            late = self.rng.random() < 0.2
            at = self._later(self.at, 55 if late else 1, 120 if late else 45)
            outcome, amount = self.rng.choice((("utilised", ISSUED), ("partially_utilised", Decimal(3))))
            self._say(at, "D-0", outcome, amount, validity)
            if notice is not None:
                notice.stop(at)

    def _verified_by_us(self, message: str, at: datetime) -> None:
        request, _, _ = self._letter("ask", at, about=message)
        spans = self.corridor.reply
        awaited = self._tick(
            "verification-reply-awaited", "customs", request, at, spans, self.corridor.reckoned
        )
        whole = self._tick("verification", "customs", request, at, (150, 180), after_days)
        if self.rng.random() < 0.8:
            answered = self._later(at, 2, spans[1] + 30)
            self._act(answered, "take_reply", about=request)
            awaited.stop(answered)
            if self.rng.random() < 0.8:
                concluded = self._later(answered, 2, 120)
                self._letter("conclude", concluded, about=request)
                whole.stop(concluded)

    # ---- both ----------------------------------------------------------------------------------------------

    def _letter(self, verb: str, at: datetime, **how: Any) -> tuple[str, datetime, datetime]:
        """We write one; its name, when its receipt came, when it was acknowledged."""
        message = self._name()
        self._act(at, verb, message=message, **how)
        receipted = at + timedelta(seconds=self.rng.randrange(2, 800))
        tick = Tick(
            name="receipt",
            owner="operator",
            message=message,
            party=self.corridor.party,
            organisation=self.office,
            start=at,
            warn_at=at + 15 * MINUTE,
            due_at=at + 30 * MINUTE,
        )
        fate = self.rng.random()
        if fate < 0.01:  # the party is away
            receipted = at + timedelta(seconds=self.rng.randrange(1_000, 8_000))
        elif fate < 0.02:  # somebody holds it for a while; from its release on it is owed as if new
            held, released = at + 5 * MINUTE, self._later(at, 1, 3)
            self._act(held, "hold", about=message)
            self._act(released, "release", about=message)
            tick.stop(held, released)
            receipted = released + timedelta(seconds=self.rng.randrange(60, 1_700))
            tick.start, tick.gaps = released, []
            tick.warn_at, tick.due_at = released + 15 * MINUTE, released + 30 * MINUTE
        tick.stop(receipted)
        self._act(receipted, "receipt", about=message)
        self.ticks.append(tick)
        late = self.rng.random() < 0.01
        told = receipted + timedelta(seconds=self.rng.randrange(*((3_000, 60_000) if late else (5, 1_800))))
        warn, due = self.corridor.acknowledgement
        waiting = Tick(
            name="acknowledgement",
            owner="operator",
            message=message,
            party=self.corridor.party,
            organisation=self.office,
            start=receipted,
            warn_at=receipted + warn * MINUTE,
            due_at=receipted + due * MINUTE,
        )
        waiting.stop(told)
        self.ticks.append(waiting)
        if verb not in ("submit", "cancel"):
            self._act(told, "agree", about=message)
        return message, receipted, told

    def _say(self, at: datetime, declaration: str, outcome: str, amount: Decimal, validity: Tick) -> None:
        """Customs say what became of the goods of one declaration; of ours they say it, of theirs we do."""
        if self.is_ours:
            message = self._name()
            self._act(
                at, "take_response", message=message, declaration=declaration, outcome=outcome, amount=amount
            )
        else:
            message, _, _ = self._letter(
                "respond", at, declaration=declaration, outcome=outcome, amount=amount
            )
        former = self.said.get(declaration)
        if former is not None and former[0] == "preference_denied":
            self._suffers("B04", former[2], former[3], at)
        self.said[declaration] = (outcome, amount, message, at)
        if outcome != "preference_denied" and self.book.use_s is None:
            self.book.use_s = (at - self.book.submitted_at).total_seconds()
        was_used_up, self.book.customs = self.book.customs == "utilised", self._summary()
        self._act_of(message).how["summary"] = self.book.customs
        if self.book.customs == "utilised" and not was_used_up:
            validity.stop(at)
        elif was_used_up and self.book.customs != "utilised":
            stopped, _ = validity.gaps.pop()
            validity.stop(stopped, at)

    def _finish(self) -> None:
        """What is still denied when the story ends, and what has expired."""
        for outcome, _, message, at in self.said.values():
            if outcome == "preference_denied":
                self._suffers("B04", message, at, None)
        over = [tick for tick in self.ticks if tick.ends_life and any(fired[1] for fired in tick.fires())]
        if over and self.book.life == "in_force":
            self.book.life = "expired"

    def _summary(self) -> str:
        used = self._used()
        if used >= ISSUED:
            return "utilised"
        return "partially_utilised" if used else "preference_denied"

    def _used(self) -> Decimal:
        return sum((said[1] for said in self.said.values()), Decimal(0))

    def _accept(self, message: str, at: datetime, outcome: str, by: str) -> None:
        self._act(at, "acknowledge", about=message, outcome=outcome, by=by)
        self.book.acknowledgement = outcome

    def _acknowledged(self, message: str, told: datetime) -> None:
        self.book.acknowledgement_s = (told - self.book.submitted_at).total_seconds()

    def _validity(self, message: str) -> Tick:
        noon = datetime.combine(self.issued_on, time(12), UTC)
        tick = Tick(
            name="validity",
            owner=ISSUING,
            message=message,
            party=self.corridor.party,
            organisation=self.office,
            start=noon,
            warn_at=a_year_after(self.issued_on, 11),
            due_at=a_year_after(self.issued_on, 12),
            waits=False,
            ends_life=True,
        )
        self.ticks.append(tick)
        return tick

    def _tick(
        self, name: str, owner: str, message: str, at: datetime, spans: Spans, reckoned: Reckoned
    ) -> Tick:
        theirs = self.office if name == "verification-reply" else None
        tick = Tick(
            name=name,
            owner=owner,
            message=message,
            party=self.corridor.party,
            organisation=theirs,
            start=at,
            warn_at=reckoned(at, spans[0]),
            due_at=reckoned(at, spans[1]),
        )
        self.ticks.append(tick)
        return tick

    def _suffers(self, code: str, message: str, begin: datetime, end: datetime | None) -> None:
        key = (code, self.corridor.party, self.office, ISSUING)
        self.suffering.append(Suffering(key, message, begin, end))

    def _later(self, at: datetime, least: int, most: int) -> datetime:
        """At eight in the morning of an open day, so many days on."""
        return _open_day(at + self.rng.randrange(least, most) * DAY)

    def _act(self, at: datetime, verb: str, **how: Any) -> None:
        self.acts.append(Act(at, len(self.acts), verb, how))

    def _act_of(self, message: str) -> Act:
        return next(act for act in self.acts if act.how.get("message") == message)

    def _name(self) -> str:
        self._letters += 1
        return f"{self.number}.{self._letters}@year.example"


def _open_day(at: datetime, seconds: int = 0) -> datetime:
    """That day or the next on which offices are open, so long after eight in the morning."""
    day = at.astimezone(HOME_TIME).date()
    while day.weekday() not in OPEN:
        day += DAY
    return datetime.combine(day, time(8), HOME_TIME).astimezone(UTC) + timedelta(seconds=seconds)
