"""
Lanes in the ledger: who runs them, what they are owed, what became of it, and how each party answers.

A lane is leased to one node at a time. Claims are made under that lease and outcomes recorded under it: what
a node that lost its lane still has to say counts no more, but for a receipt, which is the party's own word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.domain.clock import Clock
from gateway.domain.ids import PartyId
from gateway.store.bell import Bell
from gateway.store.connect import Connection, Connections
from gateway.store.finishing import finished
from gateway.store.records import Claim, Held, LaneRest, Outcome, Running
from gateway.store.rows import claim_row
from gateway.store.statements import queries

_WOKEN_AT_ONCE = 1000


class Lanes:
    """The lanes' part of the ledger."""

    def __init__(self, pool: Connections, bell: Bell, clock: Clock) -> None:
        self._pool = pool
        self._bell = bell
        self._clock = clock

    # ---- who runs them -----------------------------------------------------------------------------------

    async def hold_lanes(
        self, node: str, *, parties: Sequence[PartyId], running: Sequence[Running], lease_s: float
    ) -> tuple[list[Held], int]:
        """
        Say that *node* is alive, prolong the lanes it runs, and take as many more as are its fair share.

        Args:
            node: the same after a restart, and no other node's: what it held before is taken anew at once.
            parties: those whose lanes this node could run; none when it takes no more.

        Returns:
            the lanes it holds now (one of *running* that is missing is another's), and its fair share.
        """
        async with self._pool.acquire() as connection:
            return await finished(_hold(connection, node, parties, running, lease_s))

    async def give_up(self, held: Sequence[Held]) -> None:
        """Let go of lanes whose work is recorded; another node may take them at once."""
        async with self._pool.acquire() as connection:
            parties, fences = [one.party for one in held], [one.fence for one in held]
            await finished(queries.give_up_lanes(connection, parties=parties, fences=fences))

    async def leave(self, node: str) -> None:
        """The node ends: nobody waits for its leases to run out."""
        async with self._pool.acquire() as connection:
            await finished(queries.node_leaves(connection, node=node))

    # ---- how a party answers -----------------------------------------------------------------------------

    async def rest(self, held: Held, rest: LaneRest) -> None:
        """Keep how the party answers now, for whoever runs its lane next."""
        async with self._pool.acquire() as connection:
            await finished(
                queries.rest_lane(
                    connection,
                    party=held.party,
                    fence=held.fence,
                    failures=rest.failures,
                    cause=rest.cause,
                    rest_s=rest.rest_s,
                    asked=rest.asked,
                )
            )

    async def resting(self, party: PartyId) -> LaneRest:
        """How the party answered last, and for how long it is left in peace."""
        async with self._pool.acquire() as connection:
            row = await queries.lane_rest(connection, party=party)
        if row is None:
            return LaneRest()
        return LaneRest(
            failures=row["failures"], cause=row["cause"], asked=row["asked"], rest_s=row["rest_s"] or 0.0
        )

    # ---- what they are owed ------------------------------------------------------------------------------

    async def claim(self, held: Held, *, lease_s: float, limit: int) -> list[Claim]:
        """
        Lease up to *limit* of the party's due deliveries, oldest first, at most one a conversation.

        Nothing for who does not hold the lane any more. A conversation's next message is due only when all
        before it are final or delivered. A lease that ran out counts as due, and so does one given out by a
        former holder of the lane. A suspended party has nothing due.
        """

        async def claimed() -> list[Claim]:
            rows = queries.claim(
                connection,
                party=held.party,
                lane_fence=held.fence,
                lease_s=lease_s,
                batch=limit,
                at=self._clock(),
            )
            return [claim_row(row) async for row in rows]

        async with self._pool.acquire() as connection:
            return await finished(claimed())

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """
        Record attempts: attempt rows, moves, receipts, in one transaction.

        Returns:
            for each outcome whether it counted; False when another worker holds the delivery now (its fence
            is newer) or the lane. A checked receipt always counts, unless a refusal was recorded before.
        """
        if not outcomes:
            return []
        async with self._pool.acquire() as connection:
            return await finished(_settle(connection, outcomes))

    async def next_due_s(self, party: PartyId) -> float | None:
        """Seconds until a claim would find something (0 when it would now), None when nothing waits."""
        async with self._pool.acquire() as connection:
            seconds: float | None = await queries.next_due_s(connection, party=party)
        return seconds

    async def wake(self, party: PartyId) -> int:
        """
        The party gave a sign of life: its lane rests no longer, what waits falls due now with fresh patience.

        Cheap when nothing waits, so it may be called for every message that comes from the party.

        Returns:
            how many deliveries fell due.
        """
        woken, batch = 0, _WOKEN_AT_ONCE
        async with self._pool.acquire() as connection:
            cleared: bool = await finished(queries.party_lives(connection, party=party))
            while batch == _WOKEN_AT_ONCE:
                batch = await finished(queries.wake(connection, party=party, batch=_WOKEN_AT_ONCE))
                woken += batch
        if woken or cleared:
            self._bell.ring([party])
        return woken


async def _hold(
    connection: Connection,
    node: str,
    parties: Sequence[PartyId],
    running: Sequence[Running],
    lease_s: float,
) -> tuple[list[Held], int]:
    fences = {one.held.party: one.held.fence for one in running}
    async with connection.transaction():
        await queries.node_lives(connection, node=node, lease_s=lease_s)
        renewed = queries.renew_lanes(
            connection,
            node=node,
            parties=list(fences),
            fences=list(fences.values()),
            windows=[one.window for one in running],
            heard=[one.heard for one in running],
            lease_s=lease_s,
        )
        held = [Held(party := PartyId(row["party"]), fences[party]) async for row in renewed]
        alive = await queries.nodes_alive(connection)
        share = -(-len(parties) // max(alive, 1))
        if len(held) < share:
            await queries.know_lanes(connection, parties=parties)
            taken = queries.take_lanes(
                connection,
                node=node,
                parties=parties,
                held=[one.party for one in held],
                most=share - len(held),
                lease_s=lease_s,
            )
            held += [Held(PartyId(row["party"]), row["fence"]) async for row in taken]
    return held, share


async def _settle(connection: Connection, outcomes: Sequence[Outcome]) -> list[bool]:
    """One statement settles each delivery once; several outcomes for one delivery take as many rounds."""
    if len({outcome.claim.message_no for outcome in outcomes}) == len(outcomes):
        return await _settle_once(connection, outcomes)
    counted = [False] * len(outcomes)
    left = list(enumerate(outcomes))
    async with connection.transaction():
        while left:
            now: dict[int, int] = {}
            for place, outcome in left:
                now.setdefault(outcome.claim.message_no, place)
            batch = await _settle_once(connection, [outcomes[place] for place in now.values()])
            for place, counts in zip(now.values(), batch, strict=True):
                counted[place] = counts
            taken = set(now.values())
            left = [(place, outcome) for place, outcome in left if place not in taken]
    return counted


async def _settle_once(connection: Connection, batch: Sequence[Outcome]) -> list[bool]:
    settled = {row["message_no"] async for row in queries.settle(connection, **_columns(batch))}
    return [outcome.claim.message_no in settled for outcome in batch]


def _columns(batch: Sequence[Outcome]) -> dict[str, list[Any]]:
    receipts = [outcome.receipt for outcome in batch]
    return {
        "message_nos": [outcome.claim.message_no for outcome in batch],
        "fences": [outcome.claim.fence for outcome in batch],
        "statuses": [outcome.status for outcome in batch],
        "waits_s": [outcome.due_in_s for outcome in batch],
        "waits_used": [outcome.waits_used for outcome in batch],
        "causes": [outcome.cause for outcome in batch],
        "ats": [outcome.at for outcome in batch],
        "took_ms": [outcome.took_ms for outcome in batch],
        "receipts": [receipt and receipt.body for receipt in receipts],
        "digests": [receipt and receipt.digest for receipt in receipts],
        "signers": [receipt and receipt.signer for receipt in receipts],
        "receipt_ats": [receipt and receipt.at for receipt in receipts],
    }
