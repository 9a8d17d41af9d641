"""
Housekeeping in small steps: what need not be kept goes, a batch at a time, while everything else goes on.

Each batch is one short transaction under a lock of the database, so one node does it at a time and a killed
one leaves nothing behind. Between batches there is a pause. Rows, digests, receipts, answers and events stay
for good: a repeat is known, a copy can be verified, and that documents were removed is itself an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.corridor import Corridor
from gateway.domain.ids import FormId, PartyId, family_of
from gateway.domain.status import Direction
from gateway.store.connect import Connection, Connections
from gateway.store.finishing import finished
from gateway.store.statements import queries

BATCH = 200
ROUND_BATCHES = 50
PAUSE_S = 0.05
PLANS_KEPT = timedelta(days=30)
ASKED_KEPT = timedelta(days=30)  # what strangers asked for in vain
COUNTED_UP_TO = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long the documents of one corridor's certificates are kept; *family* is the form as we have it."""

    party: PartyId
    direction: Direction
    family: FormId
    keep: timedelta


@dataclass(frozen=True, slots=True)
class Purged:
    """What was removed; *left* tells whether there is more to look at."""

    certificates: int = 0
    documents: int = 0
    left: bool = False


def retentions(corridors: Iterable[Corridor], home: PartyId) -> tuple[Retention, ...]:
    """What the files of *corridors* say; those that keep documents for good are left out."""
    return tuple(
        Retention(
            party=corridor.receiver.id if (out := corridor.sender.id == home) else corridor.sender.id,
            direction=Direction.OUT if out else Direction.IN,
            family=family_of(corridor.accepts if out else corridor.delivers),
            keep=corridor.keep_documents,
        )
        for corridor in corridors
        if corridor.keep_documents is not None and home in (corridor.sender.id, corridor.receiver.id)
    )


class Housekeeping:
    """The ledger's part that removes what need not be kept."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def housekeep(
        self,
        rules: Sequence[Retention],
        at: datetime,
        *,
        batches: int = ROUND_BATCHES,
        pause_s: float = PAUSE_S,
    ) -> Purged:
        """One round: at most so many *batches* for each rule, with a pause after each."""
        certificates = documents = 0
        left = False
        for rule in rules:
            for _ in range(batches):
                done = await self.purge(rule, at)
                certificates += done.certificates
                documents += done.documents
                await asyncio.sleep(pause_s)
                if not done.left:
                    break
            else:
                left = True
        async with self._pool.acquire() as connection:
            await finished(queries.drop_plans(connection, before=at - PLANS_KEPT, batch=BATCH))
            await finished(queries.forget_asked_in_vain(connection, before=at - ASKED_KEPT, batch=BATCH))
        return Purged(certificates, documents, left)

    async def purge(self, rule: Retention, at: datetime, *, batch: int = BATCH) -> Purged:
        """One batch of one rule; nothing where another node is at it."""
        async with self._pool.acquire() as connection:
            return await finished(_purge(connection, rule, at, batch))

    async def purgeable(self, rule: Retention, at: datetime) -> int:
        """How many certificates a purge would look at now, counted no further than ``COUNTED_UP_TO``."""
        async with self._pool.acquire() as connection:
            count: int = await queries.purgeable(connection, **_of(rule, at), most=COUNTED_UP_TO)
        return count


async def _purge(connection: Connection, rule: Retention, at: datetime, batch: int) -> Purged:
    async with connection.transaction():
        if not await queries.begin_housekeeping(connection):
            return Purged()
        done = await queries.purge(connection, **_of(rule, at), batch=batch, at=at)
    return Purged(done["certificates"], done["documents"], done["seen"] >= batch)


def _of(rule: Retention, at: datetime) -> dict[str, object]:
    return {
        "party": rule.party,
        "direction": rule.direction,
        "family": rule.family,
        "cutoff": at - rule.keep,
    }
