"""
Two gateways against a simple model of the law, under random sequences of all that may be said.

Certificates, replacements, cancellations, customs responses, acknowledgements, verifications, queries and
requests, legal and not, are carried late, again and out of order, while months pass. After each step both
ledgers must agree with the model; when all has arrived, with each other.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.demo.records import certificate
from gateway.domain.errors import NotAllowed, Refused
from gateway.intake.desk import SubmissionRefused
from tests.exchange.law import (
    DAY,
    IN_KGM,
    ISSUED,
    OVER,
    UNITS,
    USING,
    Book,
    Clock,
    Letter,
    Paper,
    Said,
    a_year_after,
    end_of_day,
)
from tests.exchange.ledgers import A_CALLER, Ledgers, Side, ledgers
from tests.servers import Servers, default_kind

Result = TypeVar("Result")
Thing = TypeVar("Thing")
SEQUENCES = 100  # in each of two tests; a soak asks for thousands
STEPS = 12
BEGINNING = datetime(2026, 9, 10, 12, tzinfo=UTC)
KEYS_END = datetime(2043, 1, 1, tzinfo=UTC)
TICK = timedelta(seconds=1)
FORM = "atiga/form-d"
MINUTE = timedelta(minutes=1)

amounts = st.sampled_from([None, *map(Decimal, ("0", "1", "3.5", "4", "10", "10.000001", "0.0035"))])
said_of_items = st.builds(
    lambda no, outcome, amount, unit, declaration: {
        "no": no,
        "outcome": outcome,
        "quantity": None if amount is None else {"value": amount, "unit": unit or UNITS.get(no, "KGM")},
        "declaration": declaration,
        "reason": "said so",
    },
    no=st.sampled_from([1, 1, 2, 2, 3]),
    outcome=st.sampled_from(
        [
            "utilised",
            "partially_utilised",
            "partially_utilised",
            "preference_denied",
            "under_verification",
            "not_utilised",
        ]
    ),
    amount=amounts,
    unit=st.sampled_from([None, None, None, "TNE", "LTR"]),
    declaration=st.sampled_from([None, "D-1", "D-2"]),
)


class World:
    """The two gateways, kept from one sequence to the next while their keys are good."""

    def __init__(self, servers: Servers, work: Path) -> None:
        self._runner = asyncio.Runner()
        self._servers = servers
        self._work = work
        self._stack = AsyncExitStack()
        self._serial = 0
        self.both: Ledgers | None = None

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)

    def open(self) -> Ledgers:
        if self.both is None or self.both.clock() > KEYS_END:
            self.do(self._stack.aclose())
            database = functools.partial(self._servers.database, default_kind())
            self.both = self.do(self._stack.enter_async_context(ledgers(self._work, database, BEGINNING)))
        return self.both

    def serial(self) -> int:
        self._serial += 1
        return self._serial

    def close(self) -> None:
        self.do(self._stack.aclose())
        self._runner.close()


class Conversations(RuleBasedStateMachine):
    """What both sides may say of certificates, at random."""

    world: World

    @initialize(has_arrived=st.sampled_from([True, True, False]))
    def begin(self, has_arrived: bool) -> None:
        self.both = self.world.open()
        self.sides = {"vn": self.both.vn, "th": self.both.th}
        self.papers: list[Paper] = []
        self.contents: dict[str, dict[str, Any]] = {}
        self.looked = 0
        self.letters: list[Letter] = []
        self.clocks: dict[str, list[Clock]] = {"vn": [], "th": []}
        self.read = {name: self.do(self.last_of(side)) for name, side in self.sides.items()}
        self.clock = self.both.clock
        self.issue(replaces=False)
        if has_arrived:
            self.bring(self.letters[0])

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.world.do(work)

    @staticmethod
    async def last_of(side: Side) -> int:
        return max((owed.message_no for owed in await side.owes()), default=0)

    def refused(self, work: Coroutine[Any, Any, Any]) -> str | None:
        """Do it; the code with which it was refused, None when it was not."""
        self.clock.at += TICK
        try:
            self.do(work)
        except NotAllowed as refused:
            return refused.code or "not allowed"
        except (Refused, SubmissionRefused) as refused:
            return refused.code
        return None

    def wrote(self, *letters: Letter) -> None:
        """These, and nothing else, were written by their sides since we last looked."""
        for name, side in self.sides.items():
            owed = self.do(side.owes(since=self.read[name]))
            expected = [letter for letter in letters if letter.sender == name]
            assert [one.type for one in owed] == [letter.kind for letter in expected]
            for one, letter in zip(owed, expected, strict=True):
                letter.message_no, letter.message_id = one.message_no, one.message_id
                if letter.about is not None:
                    assert one.ref == letter.about.message_id
                self.read[name] = one.message_no
                self.letters.append(letter)
                self.start(
                    name, "receipt", letter, self.clock(), timedelta(minutes=15), timedelta(minutes=30)
                )

    @staticmethod
    def one_of(data: st.DataObject, among: list[Thing]) -> Thing:
        """One of them, drawn by its place, for a place means the same when a sequence is run again."""
        return among[data.draw(st.integers(0, len(among) - 1))]

    # ---- the issuing side ----------------------------------------------------------------------------------

    @precondition(lambda self: len(self.papers) < 3)
    @rule(replaces=st.booleans())
    def issue(self, replaces: bool) -> None:
        former = self.papers[-1] if replaces else None
        if former is not None and self.clock() > former.home.since + 300 * DAY:
            return  # a year after its issue nothing replaces it
        self.clock.at += TICK
        record = certificate(FORM, "VN", "TH", self.world.serial(), self.clock().date())
        for item, (no, issued) in zip(record["items"], ISSUED.items(), strict=True):
            item["quantity"] = {"value": float(issued), "unit": UNITS[no]}
        if former is not None:
            record["replaces"] = {"number": former.number, "issue_date": str(former.issued_on)}
        content = json.dumps(record).encode()
        taken = self.do(self.both.vn.pipeline.submit(content, "application/json", A_CALLER))
        paper = Paper(
            number=str(taken.certificate_number),
            issued_on=datetime.fromisoformat(record["issue_date"]).date(),
            home=Book(self.clock()),
            replaces=former,
        )
        self.papers.append(paper)
        self.contents[paper.number] = record
        letter = Letter("certificate", "vn", paper, self.clock())
        self.wrote(letter)
        self.start_validity("vn", letter)

    @rule(data=st.data(), changed=st.booleans())
    def issue_again(self, data: st.DataObject, changed: bool) -> None:
        paper = self.one_of(data, self.papers)
        record = dict(self.contents[paper.number])
        if changed:
            if paper.home.verdict == "rejected" and paper.home.life == "in_force":
                return  # may come again under its number, which is another story
            record["issue_place"] = "Another place"
        content = json.dumps(record).encode()
        fault = self.refused(self.both.vn.pipeline.submit(content, "application/json", A_CALLER))

        assert fault == ("D05" if changed else None)
        self.wrote()

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        paper = self.one_of(data, self.papers)
        was_pending = paper.home.life == "cancel_pending"
        expected = None if was_pending else paper.home.ask_to_cancel()
        row = self.do(self.both.vn.certificate(paper.number))
        assert row is not None

        assert self.refused(self.both.vn.pipeline.cancel(row, "A reason.", A_CALLER)) == expected
        if was_pending or expected is not None:
            self.wrote()
        else:
            self.wrote(
                Letter("cancellation", "vn", paper, self.clock(), about=self.letter_of("certificate", paper))
            )

    @precondition(lambda self: self.arrived("verification-request"))
    @rule(data=st.data())
    def reply(self, data: st.DataObject) -> None:
        request = self.one_of(data, self.arrived("verification-request"))
        body = {"kind": "retroactive-check", "answers": ["It is ours."]}
        self.answer("vn", request, "verification-reply", body)

    # ---- the importing side --------------------------------------------------------------------------------

    @precondition(lambda self: self.arrived("certificate"))
    @rule(data=st.data(), items=st.lists(said_of_items, min_size=1, max_size=2))
    def respond(self, data: st.DataObject, items: list[dict[str, Any]]) -> None:
        certificate = self.one_of(data, self.arrived("certificate"))
        book = certificate.paper.abroad
        assert book is not None
        said, faults, trial = [], [], Book(book.since, said=dict(book.said))
        for item in items:
            if item["no"] not in ISSUED:
                faults.append("S02")
                continue
            one = self.what_is_said(item)
            if one is None:
                faults.append("C09")
                continue
            if trial.is_too_much(one):
                faults.append("B02")
            trial.hear(one)
            said.append(one)
        if book.life in OVER:
            faults = ["B03"]
        expected = faults[0] if faults else None

        self.answer("th", certificate, "customs-response", {"items": items}, expected, said=tuple(said))
        if expected is None:
            for one in said:
                book.hear(one)

    def what_is_said(self, item: dict[str, Any]) -> Said | None:
        """An entry in the unit of its item; None where nothing converts its own."""
        amount = None
        if item["quantity"] is not None:
            value, unit = item["quantity"]["value"], item["quantity"]["unit"]
            if unit == UNITS[item["no"]]:
                amount = value
            elif unit in IN_KGM and UNITS[item["no"]] == "KGM":
                amount = value * IN_KGM[unit]
            elif item["outcome"] in USING and value > 0:
                return None
            else:
                amount = Decimal(0)
        at = self.clock() + TICK
        return Said(item["no"], item["outcome"], amount, item["declaration"], at)

    @precondition(lambda self: self.acknowledgeable())
    @rule(data=st.data(), outcome=st.sampled_from(["accepted", "accepted_with_warnings", "rejected"]))
    def acknowledge(self, data: st.DataObject, outcome: str) -> None:
        about = self.one_of(data, self.acknowledgeable())
        self.answer(
            "th", about, "acknowledgement", {"outcome": outcome}, outcome=outcome, by="national-system"
        )
        if about.kind == "certificate":
            assert about.paper.abroad is not None
            about.paper.abroad.verdicts["national-system"] = outcome

    def acknowledgeable(self) -> list[Letter]:
        letters = [*self.arrived("certificate"), *self.arrived("cancellation")]
        return [letter for letter in letters if letter.is_valid and not letter.is_parked]

    @precondition(lambda self: self.arrived("certificate"))
    @rule(
        data=st.data(),
        verb=st.sampled_from(
            ["verification-request", "verification-result", "retransmission-request", "status-query"]
        ),
    )
    def ask(self, data: st.DataObject, verb: str) -> None:
        certificate = self.one_of(data, self.arrived("certificate"))
        bodies: dict[str, dict[str, Any]] = {
            "verification-request": {"kind": "retroactive-check", "questions": ["Is it yours?"]},
            "verification-result": {"kind": "retroactive-check", "conclusion": "It is theirs."},
        }
        self.answer("th", certificate, verb, bodies.get(verb, {}))

    def answer(
        self, name: str, about: Letter, verb: str, body: Any, expected: str | None = None, **more: Any
    ) -> None:
        """Post an answer to *about* on the side to which it came."""
        side = self.sides[name]
        (message,) = self.do(side.ledger.find_messages(about.message_id))

        assert self.refused(side.pipeline.answer(message, verb, body, A_CALLER)) == expected
        if expected is not None:
            self.wrote()
            return
        letter = Letter(verb, name, about.paper, self.clock(), about=about, **more)
        self.wrote(letter)
        if verb == "verification-request":
            self.start(name, "verification-reply-awaited", letter, self.clock(), 60 * DAY, 90 * DAY)
            self.start(name, "verification", letter, self.clock(), 150 * DAY, 180 * DAY)

    # ---- between them --------------------------------------------------------------------------------------

    @precondition(lambda self: self.under_way())
    @rule(data=st.data())
    def carry(self, data: st.DataObject) -> None:
        self.bring(self.one_of(data, self.under_way()))

    @precondition(lambda self: self.under_way())
    @rule()
    def carry_the_oldest(self) -> None:
        self.bring(self.under_way()[0])

    @precondition(lambda self: self.arrived())
    @rule(data=st.data())
    def carry_again(self, data: st.DataObject) -> None:
        self.bring(self.one_of(data, self.arrived()))

    def under_way(self) -> list[Letter]:
        """What may be carried; a certificate that is long on its way is stale, and judged so."""
        long_ago = self.clock() - 200 * DAY
        return [
            letter
            for letter in self.letters
            if letter.is_open and (letter.has_arrived or letter.kind != "certificate" or letter.at > long_ago)
        ]

    def arrived(self, kind: str | None = None) -> list[Letter]:
        return [letter for letter in self.letters if letter.has_arrived and kind in (None, letter.kind)]

    def letter_of(self, kind: str, paper: Paper) -> Letter:
        return next(letter for letter in self.letters if letter.kind == kind and letter.paper is paper)

    def bring(self, letter: Letter) -> None:
        self.clock.at += TICK
        first = not letter.has_arrived
        self.do(self.both.carry(self.sides[letter.sender], letter.message_no))
        letter.is_open = False
        if not first:
            self.wrote()
            return
        letter.receipted_at = self.clock()
        if letter.kind not in ("acknowledgement", "status-query", "status-reply"):
            self.start(letter.sender, "acknowledgement", letter, self.clock(), 180 * MINUTE, 240 * MINUTE)
        self.wrote(*self.taken(letter))

    # ---- what arrives --------------------------------------------------------------------------------------

    def taken(self, letter: Letter) -> list[Letter]:
        """What the receiver writes down of a letter that came, and the letters it writes for it."""
        paper, receiver = letter.paper, "th" if letter.sender == "vn" else "vn"
        if letter.kind == "certificate":
            return self.certificate_taken(letter)
        if receiver == "th" and paper.abroad is None:
            letter.is_parked = True
            return []
        book = paper.home if receiver == "vn" else paper.abroad
        assert book is not None
        match letter.kind:
            case "acknowledgement":
                self.acknowledgement_taken(letter, book)
                return []
            case "cancellation":
                return [self.acknowledged(letter, self.cancelled(book))]
            case "customs-response":
                return [self.acknowledged(letter, self.response_taken(letter, book))]
            case "retransmission-request":
                self.send_again(receiver, self.letter_of("certificate", paper))
            case "status-query":
                return [Letter("status-reply", receiver, paper, self.clock(), about=letter)]
            case "status-reply":
                return []
            case "verification-request":
                self.start(receiver, "verification-reply", letter, self.clock(), 60 * DAY, 90 * DAY)
                self.start(receiver, "verification", letter, self.clock(), 150 * DAY, 180 * DAY)
            case _:
                assert letter.kind in ("verification-reply", "verification-result")
        return [self.acknowledged(letter, "accepted")]

    def send_again(self, name: str, letter: Letter) -> None:
        if letter.is_open:
            return
        letter.is_open = True
        for clock in self.clocks[name]:
            if clock.name == "receipt" and clock.letter is letter:
                clock.start_again(self.clock(), 15 * MINUTE, 30 * MINUTE)

    def certificate_taken(self, letter: Letter) -> list[Letter]:
        paper = letter.paper
        paper.abroad = book = Book(self.clock())
        written = [self.acknowledged(letter, "accepted")]
        book.verdicts["gateway"] = "accepted"
        if paper.replaces is not None and paper.replaces.abroad is not None:
            paper.replaces.abroad.replace()
        if any(other.replaces is paper and other.abroad is not None for other in self.papers):
            book.replace()
        self.start_validity("th", letter)
        self.start("th", "rejection-notice", letter, self.clock(), 50 * DAY, 60 * DAY)
        for parked in self.letters:
            if parked.is_parked and parked.paper is paper:
                parked.is_parked = False
                written += self.taken(parked)
        return written

    def acknowledged(self, letter: Letter, outcome: str) -> Letter:
        letter.is_valid = outcome != "rejected"
        receiver = "th" if letter.sender == "vn" else "vn"
        return Letter(
            "acknowledgement",
            receiver,
            letter.paper,
            self.clock(),
            about=letter,
            outcome=outcome,
            by="gateway",
        )

    def acknowledgement_taken(self, letter: Letter, book: Book) -> None:
        about = letter.about
        assert about is not None
        about.is_acknowledged = True
        if about.kind == "certificate":
            book.verdicts[letter.by] = letter.outcome
            if letter.outcome != "rejected" and letter.paper.replaces is not None:
                letter.paper.replaces.home.replace()
        if about.kind == "cancellation":
            book.hear_of_cancelling(letter.outcome)

    @staticmethod
    def cancelled(book: Book) -> str:
        if book.against_cancelling() is not None:
            return "rejected"
        book.life = "cancelled"
        return "accepted"

    @staticmethod
    def response_taken(letter: Letter, book: Book) -> str:
        if book.life in OVER:
            return "rejected"
        over = False
        for one in letter.said:
            former = book.said.get(one.place)
            if former is None or former.at <= one.at:
                over |= book.is_too_much(one)
            book.hear(one)
        return "accepted_with_warnings" if over else "accepted"

    # ---- time ----------------------------------------------------------------------------------------------

    def start(
        self, name: str, clock: str, letter: Letter, at: datetime, warn: timedelta, due: timedelta
    ) -> None:
        """A clock starts; one of whole days ends with its last day where the side is."""
        warn_at, due_at = (at + span if span < DAY else end_of_day(at, span.days) for span in (warn, due))
        self.clocks[name].append(Clock(clock, letter, at, warn_at, due_at, looked_for_after=warn))

    def start_validity(self, name: str, letter: Letter) -> None:
        issued = letter.paper.issued_on
        noon = datetime(issued.year, issued.month, issued.day, 12, tzinfo=UTC)
        warn_at, due_at = a_year_after(issued, 11), a_year_after(issued, 12)
        self.clocks[name].append(
            Clock("validity", letter, noon, warn_at, due_at, looked_for_after=11 * 28 * DAY)
        )

    @precondition(lambda self: self.looked < 2)
    @rule(hours=st.sampled_from([5, 24 * 30, 24 * 61, 24 * 95, 24 * 200, 24 * 370]))
    def time_passes(self, hours: int) -> None:
        self.looked += 1
        self.clock.at += timedelta(hours=hours)
        for name, side in self.sides.items():
            self.do(side.look())
            expired = [
                clock
                for clock in self.clocks[name]
                if clock.look(self.clock(), has_stopped=self.has_stopped(name, clock))
                and clock.name == "validity"
            ]
            for clock in expired:
                self.book(name, clock.letter.paper).expire()
            told = self.do(self.clocks_told(side))
            expected = sorted(
                (clock.name, clock.letter.message_id, clock.warned_at, clock.breached_at)
                for clock in self.clocks[name]
                if clock.warned_at is not None
            )
            mine = {letter.message_id for letter in self.letters}
            assert sorted(one for one in told if one[1] in mine) == expected

    @staticmethod
    async def clocks_told(side: Side) -> list[tuple[str, str, datetime | None, datetime | None]]:
        return [tuple(row) for row in await side.pool.fetch(_WARNED)]

    def book(self, name: str, paper: Paper) -> Book:
        book = paper.home if name == "vn" else paper.abroad
        assert book is not None
        return book

    def has_stopped(self, name: str, clock: Clock) -> bool:
        letter, paper = clock.letter, clock.letter.paper
        later = [other for other in self.letters if other.paper is paper and self.knows(name, other)]
        match clock.name:
            case "receipt":
                return not letter.is_open
            case "acknowledgement":
                return letter.is_acknowledged
            case "validity":
                book = self.book(name, paper)
                over = book.life in (*OVER, "expired")
                return over or book.verdict == "rejected" or book.summary == "utilised"
            case "rejection-notice":
                book = self.book(name, paper)
                return book.life in OVER or book.verdict == "rejected" or book.summary is not None
            case "verification":
                return self.is_concluded(name, letter)
            case _:
                replied = any(one.kind == "verification-reply" and one.about is letter for one in later)
                return replied or self.is_concluded(name, letter)

    def is_concluded(self, name: str, request: Letter) -> bool:
        """Whether a result came into this side's book after the request did."""
        return any(
            one.kind == "verification-result"
            and one.paper is request.paper
            and self.knows(name, one)
            and self.known_at(name, one) > self.known_at(name, request)
            for one in self.letters
        )

    @staticmethod
    def knows(name: str, letter: Letter) -> bool:
        return letter.sender == name or letter.has_arrived

    @staticmethod
    def known_at(name: str, letter: Letter) -> datetime:
        at = letter.at if letter.sender == name else letter.receipted_at
        assert at is not None
        return at

    # ---- what must hold ------------------------------------------------------------------------------------

    @invariant()
    def both_ledgers_agree_with_the_law(self) -> None:
        for name, side in self.sides.items() if hasattr(self, "sides") else ():
            self.do(self.compare(name, side))

    async def compare(self, name: str, side: Side) -> None:
        books = {
            paper.number: book
            for paper in self.papers
            if (book := paper.home if name == "vn" else paper.abroad) is not None
        }
        rows = await side.pool.fetch(_STANDS, list(books))
        assert {row["number"]: tuple(row)[1:] for row in rows} == {
            number: (
                book.life,
                book.verdict,
                book.summary,
                sorted(
                    f"{said.item} {said.declaration or '-'} {said.outcome}" for said in book.said.values()
                ),
            )
            for number, book in books.items()
        }

    def teardown(self) -> None:
        """All that is under way arrives; then both sides know the same."""
        if not hasattr(self, "letters"):
            return
        while letters := self.under_way():
            self.bring(letters[0])
        self.both_ledgers_agree_with_the_law()
        for paper in self.papers:
            if paper.abroad is not None:
                lives = {paper.home.life, paper.abroad.life}
                assert len(lives) == 1 or not lives & set(OVER)
                refused = [one for one in self.letters if one.paper is paper and not one.is_valid]
                assert refused or paper.home.said == paper.abroad.said


_WARNED = """
SELECT k.name, m.message_id, k.warned_at, k.breached_at
  FROM clock k JOIN message m USING (message_no)
 WHERE k.warned_at IS NOT NULL
"""
_STANDS = """
SELECT c.number, c.life, c.acknowledgement, c.customs_response,
       array(SELECT DISTINCT ON (r.item, coalesce(r.declaration, '-'))
                    format('%s %s %s', r.item, coalesce(r.declaration, '-'), r.outcome)
               FROM customs_response r JOIN message m USING (message_no)
              WHERE r.certificate_no = c.certificate_no
              ORDER BY r.item, coalesce(r.declaration, '-'), m.created_at DESC, r.entry_no DESC)
  FROM certificate c
 WHERE c.number = ANY ($1)
"""


def sequences(world: World, count: int, start: int, steps: int = STEPS) -> None:
    """So many random sequences, by a seed; raises at the first in which a ledger and the law differ."""
    machine = seed(start)(type("ConversationsHere", (Conversations,), {"world": world}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=count,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(900)
@pytest.mark.parametrize("start", [1, 2])
def test_both_ledgers_agree_with_the_law_whatever_comes_in_whatever_order(
    servers: Servers, tmp_path: Path, start: int
) -> None:
    world = World(servers, tmp_path)
    try:
        sequences(world, SEQUENCES, start)
    finally:
        world.close()
