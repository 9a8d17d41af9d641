"""
Two gateways in this process whose wire, databases and clocks fail as a seed decides; they die at any await.

A gateway's *life* is one incarnation of its process: connections to its database, pipeline, roster, lane.
Every statement, every hop over the wire is a step; at the step the seed names the life ends as by SIGKILL:
its connections are aborted, nothing it still tries has any effect, and the next begins on the same database.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import structlog

from gateway.acknowledge.reading import read_answer
from gateway.app import furnish
from gateway.deliver.lane import Lane
from gateway.deliver.pace import Pace
from gateway.deliver.roster import Roster
from gateway.demo.country import Neighbours, free_addresses, write_registry
from gateway.demo.records import certificate
from gateway.domain.answer import Answer
from gateway.domain.caller import Caller, Role
from gateway.domain.errors import PartyUnreachable
from gateway.domain.ids import PartyId
from gateway.domain.message import Arrived
from gateway.observe.metrics import Metrics
from gateway.pipeline import Pipeline
from gateway.registry.folder import over_shipped
from gateway.registry.load import load_registry
from gateway.rooms import Rooms
from gateway.store.connect import connect
from gateway.store.ledger import Ledger
from gateway.store.records import CheckedReceipt, Claim
from gateway.trust.check import check_seal
from gateway.trust.keys import load_keys
from gateway.trust.make import Kind
from gateway.workers import Workers
from tests.exchange.mortal import BROKEN, Fate, connection_of
from tests.exchange.nodes import node_settings

Result = TypeVar("Result")

VN, TH = PartyId("VN.MOIT"), PartyId("TH.CUSTOMS")
NEIGHBOURS = Neighbours(
    countries={VN: "VN", TH: "TH"},
    forms={"rcep/form-rcep/1.0": {"VN", "TH"}},
    patience=f"waits_s = {[0.02] * 60}\nreceipt_within_s = 1\n",
    signing=Kind.ECDSA,
)
PACE = Pace(poll_s=0.1, busy_poll_s=0.02, least_rest_s=0.002, ledger_rests_s=(0.005, 0.02), last_record_s=0.3)
SETTLED_WITHIN_S = 60.0
CLERK = Caller(subject="clerk", roles=frozenset({Role.ISSUER, Role.CUSTOMS}), organisation=None)


class Clock:
    """Runs with the machine's, and jumps."""

    def __init__(self) -> None:
        self.away = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.away


@dataclass
class Side:
    """One gateway over all its lives; *outside* are connections that no fate cuts."""

    home: PartyId
    other: PartyId
    rooms: Rooms
    database: str
    workers: Workers
    clock: Clock
    outside: asyncpg.Pool
    life: Life | None = None
    lives: int = 0
    deaths: int = 0


class Life:
    """One incarnation of a gateway's process."""

    def __init__(self, side: Side, pool: asyncpg.Pool, fate: Fate, wire: Wire) -> None:
        self.fate = fate
        self.ledger = Ledger(pool, side.clock)
        self.signs: set[PartyId] = set()
        self.pipeline = Pipeline(
            side.rooms,
            self.ledger,
            workers=side.workers,
            alive=self.signs.add,
            suspended=lambda _party, _form: False,
        )
        party = side.rooms.registry.parties[side.other]

        def read(claim: Claim, answer: Answer) -> CheckedReceipt:
            now = side.clock()
            return read_answer(
                claim,
                answer,
                party=party,
                home=side.home,
                open_seal=lambda raw: check_seal(raw, registered=party.sign, anchor=party.anchor, at=now),
                at=now,
            )

        lane = Lane(
            party,
            ledger=self.ledger,
            transport=wire.of(side, fate),
            read_answer=read,
            clock=side.clock,
            pace=PACE,
        )
        self.roster = Roster(f"{side.home} here", {party.id: lane}, leases=self.ledger, pace=PACE)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until *stopping*, or until fate ends it."""
        async with asyncio.TaskGroup() as tasks:
            lanes = tasks.create_task(self.roster.run(stopping))
            beside = [
                tasks.create_task(self.ledger.listen(self.roster.wake)),
                tasks.create_task(self._give_up_parked()),
            ]
            dying = tasks.create_task(self.fate.over.wait())
            await asyncio.wait({lanes, dying}, return_when=asyncio.FIRST_COMPLETED)
            for task in (lanes, dying, *beside):
                task.cancel()

    async def _give_up_parked(self) -> None:
        while True:
            with suppress(*BROKEN):
                await self.pipeline.incoming.give_up_parked()
            await asyncio.sleep(0.1)


class Wire:
    """Carries messages between the two, badly for as long as the seed says."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._earlier: list[Answer] = []
        self.sides: dict[PartyId, Side] = {}
        self.bad = 0.4

    def of(self, side: Side, fate: Fate) -> Any:
        """The transport of one life."""
        wire = self

        class Carrier:
            async def send(self, claim: Claim) -> Answer:
                fate.step("before sending")
                answer = await wire._carry(side, claim)
                fate.step("after sending")
                return answer

        return Carrier()

    def fault(self, side: Side) -> str | None:
        """What goes wrong with the next message of this side; one of ``FAULTS``."""
        return self._dice.choice(FAULTS) if self._dice.random() < self.bad else None

    async def _carry(self, side: Side, claim: Claim) -> Answer:
        fault = self.fault(side)
        if fault == "closed":
            raise PartyUnreachable("cannot connect: refused", closed=True)
        if fault == "cut-before":
            raise PartyUnreachable("connection cut before the whole message had gone")
        if fault == "busy":
            return Answer(status=503, headers={"Retry-After": "0"}, body=b"<busy/>")
        if fault == "late":
            await asyncio.sleep(self._dice.uniform(0, 0.15))
        answer = await self._admitted(side, claim)
        if fault == "twice":
            answer = await self._admitted(side, claim)
        self._earlier.append(answer)
        if fault == "cut-after":
            raise PartyUnreachable("connection cut after the whole message had gone", body_went_out=True)
        if fault == "garbled":
            at = self._dice.randrange(max(len(answer.body), 1))
            body = answer.body[:at] + bytes([answer.body[at] ^ 1]) + answer.body[at + 1 :]
            return Answer(status=answer.status, headers={}, body=body)
        if fault == "another's":
            return self._dice.choice(self._earlier)
        return answer

    async def _admitted(self, side: Side, claim: Claim) -> Answer:
        """What the other side's door answers; whether it lives to tell is another matter."""
        there = self.sides[side.other].life
        if there is None or there.fate.over.is_set():
            raise PartyUnreachable("cannot connect: refused", closed=True)
        arrived = Arrived(
            client=side.home,
            body=claim.body,
            digest=hashlib.sha256(claim.body).digest(),
            at=self.sides[side.other].clock(),
        )
        try:
            answer = await there.pipeline.admit(arrived)
            there.fate.step("after admitting")
        except BROKEN as error:
            raise PartyUnreachable("no answer", body_went_out=True) from error
        return Answer(status=answer.status, headers={}, body=answer.body)


FAULTS = ("closed", "cut-before", "busy", "late", "twice", "cut-after", "garbled", "another's")


class Chaos:
    """The two sides on their databases; a run brings certificates through whatever its seed has in store."""

    def __init__(self, vn: Side, th: Side) -> None:
        self._sides = {VN: vn, TH: th}
        self._serial = 0

    def side(self, party: PartyId) -> Side:
        """One of the two."""
        return self._sides[party]

    async def run(self, seed: int, certificates: int = 3) -> list[str]:
        """What was lost, doubled or told wrongly; empty when all is well."""
        dice = random.Random(seed)
        deaths = dice.randrange(0, 4)
        fates: dict[PartyId, list[int | str]] = {
            party: [dice.randrange(1, 60) for n in range(deaths) if (n + seed) % 2 == (party == TH)]
            for party in (VN, TH)
        }
        async with self.living(Wire(dice), fates) as wire:
            trouble = asyncio.create_task(self._trouble(dice))
            try:
                numbers = await asyncio.gather(*(self.submit() for _ in range(certificates)))
                faults = await self.faults(numbers, wire)
            finally:
                trouble.cancel()
                await asyncio.wait([trouble])
        return [f"seed {seed}: {fault}" for fault in faults]

    @asynccontextmanager
    async def living(self, wire: Wire, fates: Mapping[PartyId, list[int | str]]) -> AsyncIterator[Wire]:
        """Both sides live on this wire, one life after another; each but the last ends as its fate says."""
        wire.sides = self._sides
        closing = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for party, side in self._sides.items():
                tasks.create_task(self._live(side, wire, list(fates.get(party, ())), closing))
            try:
                yield wire
            finally:
                closing.set()

    async def _live(self, side: Side, wire: Wire, dies_at: list[int | str], closing: asyncio.Event) -> None:
        """One life after another, the last one without an appointed end."""
        while not closing.is_set():
            fate = Fate(dies_at.pop() if dies_at else None)
            pool = await connect(side.database, connections=4, at_least=1, kind=connection_of(fate))
            side.life = Life(side, pool, fate, wire)
            side.lives += 1
            try:
                await side.life.run(closing)
            except* BROKEN:
                pass
            finally:
                pool.terminate()
            side.deaths += fate.over.is_set()

    async def _trouble(self, dice: random.Random) -> None:
        """Clocks jump; now and then a database drops everybody, as when it restarts."""
        while True:
            await asyncio.sleep(dice.uniform(0.05, 0.3))
            side = self._sides[dice.choice([VN, TH])]
            if dice.random() < 0.7:
                side.clock.away = timedelta(seconds=dice.uniform(-100, 100))
            else:
                await side.outside.execute(_DROP_ALL)

    async def submit(self) -> str:
        """Hand a new certificate in until it is answered, as a national system does; its number."""
        self._serial += 1
        record = certificate("rcep/form-rcep", "VN", "TH", self._serial, datetime.now(UTC).date())
        content = json.dumps(record).encode()
        taken = await self.ask(VN, lambda life: life.pipeline.submit(content, "application/json", CLERK))
        return str(taken.certificate_number)

    async def ask(self, party: PartyId, what: Callable[[Life], Awaitable[Result]]) -> Result:
        """Ask a gateway something until a life of it answers."""
        while True:
            life = self._sides[party].life
            if life is not None and not life.fate.over.is_set():
                with suppress(*BROKEN):
                    answer = await what(life)
                    life.fate.step("after answering")
                    return answer
            await asyncio.sleep(0.01)

    async def faults(self, numbers: list[str], wire: Wire) -> list[str]:
        """What is wrong with these certificates, once nothing moves any more."""
        try:
            await self._settled(numbers, wire)
        except TimeoutError:
            return [f"not settled: {await self._state(numbers)}"]
        return await self._faults(numbers)

    async def _settled(self, numbers: list[str], wire: Wire) -> None:
        """Until nothing is owed any more and every certificate is acknowledged; the wire heals on the way."""
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while True:
                acknowledged = await self._sides[VN].outside.fetchval(_ACKNOWLEDGED, numbers)
                if acknowledged == len(numbers):
                    owed = [await side.outside.fetchval(_OWED) for side in self._sides.values()]
                    if not any(owed):
                        return
                wire.bad *= 0.9
                await asyncio.sleep(0.03)

    async def _state(self, numbers: list[str]) -> list[Any]:
        return [
            [tuple(row) for row in await side.outside.fetch(_STATE, numbers)] for side in self._sides.values()
        ]

    async def _faults(self, numbers: list[str]) -> list[str]:
        sent = {row["message_id"]: row for row in await self._sides[VN].outside.fetch(_SENT, numbers)}
        came = {row["message_id"]: row for row in await self._sides[TH].outside.fetch(_CAME, numbers)}
        faults = []
        if len(sent) != len(numbers) or sent.keys() != came.keys():
            faults.append(f"sent {sorted(sent)}, arrived {sorted(came)}")
        for message_id in sent.keys() & came.keys():
            ours, theirs = sent[message_id], came[message_id]
            if (theirs["inboxed"], theirs["answered"]) != (1, 1):
                times = f"processed {theirs['inboxed']}, answered {theirs['answered']} times"
                faults.append(f"{message_id} {times}")
            if theirs["digest"] != ours["digest"] or theirs["receipt"] not in ours["receipts"]:
                faults.append(f"{message_id}: the receipt is not for what was kept")
            if (ours["status"], ours["acknowledgement"]) != ("delivered", "accepted"):
                faults.append(f"{message_id} ended {ours['status']}, {ours['acknowledgement']}")
        return faults


_DROP_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'eco-gateway'
"""
_ACKNOWLEDGED = "SELECT count(*) FROM certificate WHERE number = ANY ($1) AND acknowledgement IS NOT NULL"
_OWED = "SELECT count(*) FROM delivery WHERE open"
_STATE = """
SELECT m.message_id, m.direction, m.type, m.certificate_number, m.delivery, m.cause FROM message_row m
 WHERE m.certificate_number = ANY ($1)
"""
_SENT = """
SELECT m.message_id, m.digest, d.status, c.acknowledgement,
       array(SELECT r.body FROM receipt r WHERE r.message_no = m.message_no) AS receipts
  FROM message m
  JOIN delivery d USING (message_no)
  JOIN certificate c ON c.certificate_no = m.certificate_no
 WHERE m.certificate_number = ANY ($1) AND m.type = 'certificate' AND m.direction = 'out'
"""
_CAME = """
SELECT m.message_id, m.digest, i.body AS receipt,
       (SELECT count(*) FROM inbox x WHERE x.message_no = m.message_no) AS inboxed,
       (SELECT count(*) FROM acknowledgement a WHERE a.message_no = m.message_no) AS answered
  FROM message m
  JOIN issued_receipt i USING (message_no)
 WHERE m.certificate_number = ANY ($1) AND m.type = 'certificate' AND m.direction = 'in'
"""


@contextmanager
def _silence() -> Iterator[None]:
    """Nobody reads what gateways log that die by the dozen, and to write it takes most of the time."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


@asynccontextmanager
async def chaos(folder: Path, database: Callable[[], Any]) -> AsyncIterator[Chaos]:
    """
    Two furnished gateways.

    Args:
        database: gives a migrated database for as long as its block lasts.
    """
    addresses = free_addresses(NEIGHBOURS.countries)
    write_registry(folder / "registry", folder / "keys", NEIGHBOURS, addresses)
    registry = load_registry(over_shipped(folder / "registry"))
    with ThreadPoolExecutor(2) as threads:
        async with AsyncExitStack() as stack:
            stack.enter_context(_silence())
            sides = []
            first, second = [await stack.enter_async_context(database()) for _ in range(2)]
            for party, other, url in ((VN, TH, first), (TH, VN, second)):
                settings, clock = node_settings(party, addresses[party], folder), Clock()
                home = registry.parties[party]
                keys = load_keys(settings.keys_folder, home, clock())
                rooms = furnish(settings, registry, home, keys, clock, Metrics())
                outside = await stack.enter_async_context(asyncpg.create_pool(url, min_size=1, max_size=2))
                sides.append(Side(party, other, rooms, url, Workers(threads, 2), clock, outside))
            yield Chaos(*sides)
