"""
Acts on many messages: planned as a frozen list, started, worked off at a rate, stopped in the middle.

Nothing is acted upon but what stood on the list when it was planned. Each message goes the way of the single
verb, in a transaction of its own that locks the action: a stop holds from the next message on, a killed
process leaves nothing half done, and the next tick of any node goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import structlog

from gateway.domain.errors import NotAllowed, NotFound
from gateway.domain.ids import FormId, PartyId
from gateway.domain.status import DeliveryStatus, Direction
from gateway.domain.verbs import VERBS
from gateway.store.bell import Bell
from gateway.store.connect import Connection, Connections
from gateway.store.finishing import finished
from gateway.store.operating import BY_ITSELF, operate, refusal
from gateway.store.records import ActionItem, ActionRow, ActionState
from gateway.store.rows import action_item, action_row, message_row
from gateway.store.search import Wanted, read_certificates
from gateway.store.statements import queries

log = structlog.get_logger()

REFUSED_IN_A_ROW = 5
"""So many messages in a row that their party refuses stop a resending: the next would be refused as well."""

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """
    Which of our deliveries are meant; each condition that is given holds.

    Attributes:
        status: of the delivery, or of another layer of the certificate; None for all that the verb may move.
        form: without version.
        first_day, last_day: days on which they were written (UTC), both included.
    """

    party: PartyId | None = None
    status: str | None = None
    form: FormId | None = None
    first_day: date | None = None
    last_day: date | None = None

    @property
    def told(self) -> dict[str, Any]:
        """As it is kept and shown; what was not said is left out."""
        said = {
            "party": self.party,
            "status": self.status,
            "form": self.form,
            "from": self.first_day and self.first_day.isoformat(),
            "to": self.last_day and self.last_day.isoformat(),
        }
        return {name: value for name, value in said.items() if value is not None}


class Actions:
    """The ledger's part that acts on many messages."""

    def __init__(self, pool: Connections, bell: Bell) -> None:
        self._pool = pool
        self._bell = bell

    async def plan_action(
        self,
        verb: str,
        meant: Filter | Sequence[tuple[int, str]],
        *,
        who: str,
        reason: str | None,
        most: int,
        per_second: int,
        at: datetime,
    ) -> ActionRow:
        """
        Freeze the list of what *verb* shall be done to; nothing is done yet.

        Args:
            meant: a filter, which finds only what the verb may move, or messages by number and id.

        Raises:
            NotAllowed: more than *most* match.
            NotFound: none does.
        """
        async with self._pool.acquire() as connection:
            found = await _find(connection, verb, meant, most) if isinstance(meant, Filter) else meant
            if len(found) > most:
                raise NotAllowed(f"more than {most} messages match; narrow the filter or raise the cap")
            if not found:
                raise NotFound(f"No message matches, nothing to {verb}.")
            action_no = await finished(
                queries.plan_action(
                    connection,
                    verb=verb,
                    wanted=meant.told if isinstance(meant, Filter) else {"messages": len(found)},
                    reason=reason,
                    most=most,
                    per_second=per_second,
                    digest=hashlib.sha256("".join(f"{one}\n" for _, one in found).encode()).digest(),
                    who=who,
                    at=at,
                    message_nos=[number for number, _ in found],
                    party=meant.party if isinstance(meant, Filter) else None,
                )
            )
            (row,) = [row async for row in queries.actions(connection, before=action_no + 1, batch=1)]
        return action_row(row)

    async def action(self, action_id: UUID) -> ActionRow:
        """
        One action.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.acquire() as connection:
            row = await queries.action(connection, action_id=action_id)
        if row is None:
            raise NotFound("No such action.")
        return action_row(row)

    async def actions(self, *, before: int, limit: int) -> list[ActionRow]:
        """Actions with a number less than *before*, newest first."""
        async with self._pool.acquire() as connection:
            return [action_row(row) async for row in queries.actions(connection, before=before, batch=limit)]

    async def action_items(self, action_no: int, *, after: int, limit: int) -> list[ActionItem]:
        """The list of an action after a position, in its order."""
        async with self._pool.acquire() as connection:
            rows = queries.action_items(connection, action_no=action_no, after=after, batch=limit)
            return [action_item(row) async for row in rows]

    async def start_action(self, action_id: UUID, *, who: str, at: datetime) -> ActionRow:
        """
        Start an action, or go on with one that was stopped; one that runs runs on.

        Raises:
            NotAllowed: its list is worked off.
            NotFound: there is none.
        """
        async with self._pool.acquire() as connection:
            await finished(queries.start_action(connection, action_id=action_id, who=who, at=at))
        action = await self.action(action_id)
        if action.state is ActionState.DONE:
            raise NotAllowed("This action is done; plan another.")
        return action

    async def stop_action(self, action_id: UUID, *, who: str, reason: str | None, at: datetime) -> ActionRow:
        """
        Stop an action where it is; what was done stays done, and it may be started again.

        Raises:
            NotAllowed: it does not run.
            NotFound: there is none.
        """
        async with self._pool.acquire() as connection:
            stopped = await finished(
                queries.stop_action(connection, action_id=action_id, who=who, reason=reason, at=at)
            )
        action = await self.action(action_id)
        if stopped is None and action.state is not ActionState.STOPPED:
            raise NotAllowed(f"This action is {action.state}; only a running one is stopped.")
        return action

    async def work_off_actions(self, at: datetime) -> None:
        """One tick of every running action that no other node works on; to be called about once a second."""
        async with self._pool.acquire() as connection:
            ticked = [dict(row) async for row in queries.tick_actions(connection)]
        for action in ticked:
            if action["verb"] == "resend" and await self._is_in_vain(action["action_no"]):
                why = f"the last {REFUSED_IN_A_ROW} messages were refused by their party"
                await self.stop_action(action["action_id"], who=BY_ITSELF, reason=why, at=at)
                log.warning("action_stopped", action=str(action["action_id"]), reason=why)
                continue
            await self._work_off(action, at)

    async def _work_off(self, action: Mapping[str, Any], at: datetime) -> None:
        parties: set[PartyId] = set()
        async with self._pool.acquire() as connection:
            for _ in range(action["per_second"]):
                party = await finished(_next(connection, action["action_no"], at))
                if party is None:
                    await queries.end_action(connection, action_no=action["action_no"], at=at)
                    break
                parties.add(party)
        self._bell.ring(parties)

    async def _is_in_vain(self, action_no: int) -> bool:
        async with self._pool.acquire() as connection:
            refused: bool | None = await queries.refused_in_a_row(
                connection, action_no=action_no, last=REFUSED_IN_A_ROW
            )
        return bool(refused)


async def _find(connection: Connection, verb: str, wanted: Filter, most: int) -> list[tuple[int, str]]:
    """What *verb* may move of what is *wanted*; one more than *most* when there are more."""
    allowed = {status.value for status in VERBS[verb].allowed}
    on_deliveries = wanted.status is None or wanted.status in set(DeliveryStatus)
    statuses = allowed & ({wanted.status} if wanted.status and on_deliveries else allowed)
    found: list[tuple[int, str]] = []
    if on_deliveries and statuses - {DeliveryStatus.DELIVERED}:
        found = await _find_waiting(connection, wanted, statuses - {DeliveryStatus.DELIVERED}, most)
    if on_deliveries and DeliveryStatus.DELIVERED not in statuses:
        return found
    status = DeliveryStatus.DELIVERED if on_deliveries else wanted.status
    return found + await _find_certificates(connection, wanted, status, statuses, most + 1 - len(found))


async def _find_waiting(
    connection: Connection, wanted: Filter, statuses: set[str], most: int
) -> list[tuple[int, str]]:
    begin, end = _instants(wanted)
    rows = queries.find_waiting(
        connection,
        party=wanted.party,
        statuses=sorted(statuses),
        form=wanted.form,
        first_at=begin,
        before=end,
        most=most + 1,
    )
    return [(row["message_no"], row["message_id"]) async for row in rows]


async def _find_certificates(
    connection: Connection, wanted: Filter, status: str | None, allowed: set[str], most: int
) -> list[tuple[int, str]]:
    """By the search for certificates: what was delivered is found by nothing else."""
    condition = Wanted(
        receiver=wanted.party,
        form=wanted.form,
        status=status,
        first_day=wanted.first_day,
        last_day=wanted.last_day,
        direction=Direction.OUT,
    )
    found: list[tuple[int, str]] = []
    after: str | None = None
    while len(found) < most:
        rows, after = await read_certificates(connection, condition, after=after, limit=_PAGE)
        found += [(row.message_no, row.message_id) for row in rows if row.delivery in allowed]
        if after is None:
            break
    return found[: max(most, 0)]


def _instants(wanted: Filter) -> tuple[datetime | None, datetime | None]:
    begin = end = None
    if wanted.first_day is not None:
        begin = datetime.combine(wanted.first_day, time(), UTC)
    if wanted.last_day is not None and wanted.last_day < date.max:
        end = datetime.combine(wanted.last_day + timedelta(days=1), time(), UTC)
    return begin, end


async def _next(connection: Connection, action_no: int, at: datetime) -> PartyId | None:
    """Do the next item of an action; its party, or None when the action does not run or has no more."""
    async with connection.transaction():
        item = await queries.next_item(connection, action_no=action_no)
        if item is None:
            return None
        moved = await operate(
            connection,
            item["verb"],
            item["message_no"],
            who=item["started_by"],
            reason=item["reason"],
            at=at,
            action_id=item["action_id"],
        )
        result = "done" if moved else await _refusal(connection, item["verb"], item["message_no"])
        await queries.keep_result(connection, action_no=action_no, position=item["position"], result=result)
    return PartyId(item["party"])


async def _refusal(connection: Connection, verb: str, message_no: int) -> str:
    return refusal(verb, message_row(await queries.message(connection, message_no=message_no)))
