"""
Two gateways without doors, lanes or threads of their own: pipelines on two databases, by a clock that is set.

What one side owes the other is carried by hand, in whatever order and as often as a test likes; every byte is
sealed, checked, judged and kept as on the real way.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import asyncpg

from gateway.app import furnish
from gateway.demo.country import HOST, Address
from gateway.domain.caller import Caller, Role
from gateway.domain.ids import ConversationId, MessageId, PartyId
from gateway.domain.message import Arrived
from gateway.domain.status import DeliveryStatus, MessageType
from gateway.observe.metrics import Metrics
from gateway.pipeline import Pipeline
from gateway.registry.folder import over_shipped
from gateway.registry.load import Registry, load_registry
from gateway.rooms import Rooms
from gateway.settings import Address as At
from gateway.settings import Settings
from gateway.store.connect import connect
from gateway.store.ledger import Ledger
from gateway.store.records import CertificateRow, CheckedReceipt, Claim, Outcome
from gateway.trust.keys import load_keys
from gateway.watch.law import Law
from gateway.watch.watcher import Watcher
from gateway.workers import Workers
from tests.exchange.pair import TH, VN, Papers, write_corridor

Result = Any
A_CALLER = Caller(subject="clerk", roles=frozenset({Role.ISSUER, Role.CUSTOMS}), organisation=None)
LONG = timedelta(days=36_500)


class SetClock:
    """Stands still until it is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


class Here(Executor):
    """Runs what it is given at once, in the thread of whoever gives it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  (raised again where the task is awaited)
            future.set_exception(error)
        return future


@dataclass(frozen=True, kw_only=True)
class Owed:
    """A message that one side has written for the other."""

    message_no: int
    message_id: MessageId
    type: MessageType
    ref: MessageId | None
    is_open: bool


class Side:
    """One gateway: what it does, and what it owes."""

    def __init__(self, party: PartyId, rooms: Rooms, pool: asyncpg.Pool, clock: SetClock) -> None:
        self.party = party
        self.clock = clock
        self.pool = pool
        self.ledger = Ledger(pool, clock)
        self.pipeline = Pipeline(
            rooms,
            self.ledger,
            workers=Workers(Here(), 1),
            alive=lambda _party: None,
            suspended=lambda _party, _form: False,
        )
        self.law = Law(clocks=rooms.registry.clocks, zone=rooms.registry.zones.of[rooms.home.country])
        self._watcher = Watcher(self.ledger, clock, self.law, home=rooms.home.id)

    async def look(self) -> None:
        """One step of the watch."""
        await self._watcher.step()

    async def certificate(self, number: str) -> CertificateRow | None:
        """The certificate under this number."""
        rows, _ = await self.ledger.certificates(number=number)
        return rows[0] if rows else None

    async def owes(self, *, since: int = 0) -> list[Owed]:
        """What it wrote for the other side after this message, oldest first."""
        rows = await self.pool.fetch(_OWED, since)
        return [
            Owed(
                message_no=row["message_no"],
                message_id=row["message_id"],
                type=MessageType(row["type"]),
                ref=row["ref_to_message_id"],
                is_open=row["open"],
            )
            for row in rows
        ]

    async def receipted(self, message_no: int, body: bytes, receipt: bytes) -> None:
        """The other side gave *receipt* for *body*, as a lane would write it down."""
        digest = hashlib.sha256(body).digest()
        claim = Claim(
            message_no=message_no,
            message_id=MessageId(""),
            conversation_id=ConversationId(""),
            type=MessageType.PING,
            party=self.party,
            body=body,
            digest=digest,
            created_at=self.clock(),
            attempts=0,
            waits_used=0,
            fence=0,
        )
        outcome = Outcome(
            claim=claim,
            status=DeliveryStatus.DELIVERED,
            due_in_s=0,
            waits_used=0,
            cause=None,
            receipt=CheckedReceipt(body=receipt, digest=digest, signer="the other side", at=self.clock()),
            at=self.clock(),
            took_ms=1,
        )
        assert await self.ledger.settle([outcome]) == [True]


_OWED = """
SELECT m.message_no, m.message_id, m.type, m.ref_to_message_id, d.open
  FROM message m JOIN delivery d USING (message_no)
 WHERE m.message_no > $1 ORDER BY m.message_no
"""


@dataclass(frozen=True, kw_only=True)
class Ledgers:
    """Both sides, by one clock."""

    vn: Side
    th: Side
    clock: SetClock

    def other(self, side: Side) -> Side:
        return self.th if side is self.vn else self.vn

    async def carry(self, sender: Side, message_no: int) -> None:
        """Bring a message of *sender* to the other side, for the first time or again."""
        body = await sender.ledger.document(message_no)
        assert body is not None
        arrived = Arrived(
            client=sender.party, body=body, digest=hashlib.sha256(body).digest(), at=self.clock()
        )
        answer = await self.other(sender).pipeline.admit(arrived)
        assert answer.status == HTTPStatus.OK, answer.body
        await sender.receipted(message_no, body, answer.body)


@asynccontextmanager
async def ledgers(work: Path, database: Callable[[], Any], at: datetime) -> AsyncIterator[Ledgers]:
    """Two gateways that exchange Form D, on databases of their own, their clock standing at *at*."""
    registry = a_registry(work)
    clock = SetClock(at)
    async with AsyncExitStack() as stack:
        sides = []
        for party in (VN, TH):
            url = await stack.enter_async_context(database())
            pool = await connect(url, connections=3, at_least=1)
            stack.callback(pool.terminate)
            sides.append(Side(PartyId(party), a_house(work, registry, party, clock), pool, clock))
        yield Ledgers(vn=sides[0], th=sides[1], clock=clock)


def a_registry(work: Path) -> Registry:
    """Both parties with their keys, and the corridor between them, under *work*."""
    for party in (VN, TH):
        Papers(party).write(work, Address(1, 2))
    write_corridor(work)
    return load_registry(over_shipped(work / "registry"))


def a_house(work: Path, registry: Registry, party: str, clock: SetClock) -> Rooms:
    settings = Settings.model_validate(
        {
            "home": party,
            "data": work / party.lower(),
            "keys": work / "keys" / party,
            "listen": At(HOST, 1),
            "exchange_listen": At(HOST, 2),
        }
    )
    home = registry.parties[PartyId(party)]
    keys = load_keys(settings.keys_folder, home, clock())
    return replace(furnish(settings, registry, home, keys, clock, Metrics()), replay_window=LONG)
