"""
Lanes against a model: whatever workers and operators do, in whatever order, the ledger agrees with it.

The model knows each delivery's status, who holds it, and what is due. After each step the database must say
the same, and nobody may ever hold what another holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.domain.errors import NotAllowed
from gateway.domain.status import DeliveryStatus
from gateway.domain.verbs import VERBS
from gateway.store.connect import connect
from gateway.store.ledger import Ledger
from gateway.store.records import Claim
from tests.servers import Servers
from tests.store.making import AT, TH, claim_due, delivered, failed, owe

_S = DeliveryStatus
Result = TypeVar("Result")

EXAMPLES = 8  # a soak may ask for thousands
WITHOUT_RECEIPT = (_S.AWAITING_RETRY, _S.AWAITING_RECEIPT, _S.REFUSED, _S.EXPIRED)


@dataclass
class Debt:
    """One delivery, as the model knows it."""

    message_no: int
    conversation: str
    status: DeliveryStatus = _S.READY_TO_SEND
    is_due: bool = True
    fence: int = 0
    is_leased: bool = False  # and the lease has not run out
    attempts: int = 0
    waits_used: int = 0
    moves: list[DeliveryStatus] = field(default_factory=lambda: [_S.READY_TO_SEND])

    def move(self, to: DeliveryStatus, *, is_due: bool = True) -> None:
        if to is not self.status:
            self.moves.append(to)
        self.status, self.is_due, self.is_leased = to, is_due, False


class Lanes(RuleBasedStateMachine):
    """Owes, claims, settles, operates, wakes and suspends at random."""

    servers: Servers
    kind: str
    claims = Bundle("claims")

    @initialize()
    def open_ledger(self) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        url = self.do(self.stack.enter_async_context(self.servers.database(self.kind)))
        self.pool: asyncpg.Pool = self.do(connect(url, connections=2, at_least=1))
        self.stack.callback(self.pool.terminate)
        self.ledger = Ledger(self.pool)
        self.debts: dict[int, Debt] = {}
        self.is_suspended = False

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.do(self.stack.aclose())
            self.runner.close()

    # ---- steps -------------------------------------------------------------------------------------------

    @rule(conversation=st.sampled_from(["a@x", "b@x", "c@x"]))
    def owe(self, conversation: str) -> None:
        message_no = self.do(owe(self.ledger, conversation))
        self.debts[message_no] = Debt(message_no, conversation)

    @rule(target=claims, limit=st.integers(1, 4), runs_out=st.booleans())
    def claim(self, limit: int, runs_out: bool) -> Any:
        due = self.what_is_due()
        claimed = self.do(claim_due(self.ledger, TH, lease_s=0 if runs_out else 3600, limit=limit))

        assert len(claimed) == min(limit, len(due))
        for claim in claimed:
            debt = due[claim.message_no]
            assert (claim.attempts, claim.waits_used) == (debt.attempts, debt.waits_used)
            assert claim.fence > debt.fence
            debt.move(_S.SENDING)
            debt.fence, debt.is_leased = claim.fence, not runs_out
        return multiple(*claimed)

    def what_is_due(self) -> dict[int, Debt]:
        if self.is_suspended:
            return {}
        return {
            debt.message_no: debt
            for debt in self.debts.values()
            if not debt.status.is_final
            and debt.status is not _S.ON_HOLD
            and debt.is_due
            and not debt.is_leased
            and not any(self.blocks(other, debt) for other in self.debts.values())
        }

    @staticmethod
    def blocks(other: Debt, debt: Debt) -> bool:
        if other is debt or other.conversation != debt.conversation or other.status.is_final:
            return False
        return other.message_no < debt.message_no or other.is_leased

    @rule(claim=consumes(claims))
    def settle_with_receipt(self, claim: Claim) -> None:
        self.receive(claim)

    @rule(claim=claims)
    def receive_late_or_twice(self, claim: Claim) -> None:
        self.receive(claim)

    def receive(self, claim: Claim) -> None:
        debt = self.debts[claim.message_no]
        counts = debt.status is not _S.REFUSED

        assert self.do(self.ledger.settle([delivered(claim)])) == [counts]
        if counts:
            debt.attempts += 1
            debt.waits_used = claim.waits_used
            debt.move(_S.DELIVERED)

    @rule(claim=claims, status=st.sampled_from(WITHOUT_RECEIPT), is_due=st.booleans())
    def settle_without_receipt(self, claim: Claim, status: DeliveryStatus, is_due: bool) -> None:
        debt = self.debts[claim.message_no]
        counts = debt.status is _S.SENDING and debt.fence == claim.fence

        outcome = failed(claim, status, due_in_s=0 if is_due else 3600)
        assert self.do(self.ledger.settle([outcome])) == [counts]
        if counts:
            debt.attempts += 1
            debt.waits_used = claim.waits_used + 1
            debt.move(status, is_due=is_due)

    @precondition(lambda self: self.debts)
    @rule(data=st.data(), verb=st.sampled_from(sorted(VERBS)))
    def operate(self, data: st.DataObject, verb: str) -> None:
        debt = data.draw(st.sampled_from(list(self.debts.values())))
        try:
            self.do(self.ledger.operate(verb, debt.message_no, who="op", reason=None, at=AT))
        except NotAllowed:
            assert debt.status not in VERBS[verb].allowed
        else:
            assert debt.status in VERBS[verb].allowed
            debt.waits_used = 0
            debt.move(VERBS[verb].to)

    @rule()
    def wake(self) -> None:
        waiting = [
            debt
            for debt in self.debts.values()
            if debt.status in (_S.AWAITING_RETRY, _S.AWAITING_RECEIPT)
            and (debt.waits_used or not debt.is_due)
        ]

        assert self.do(self.ledger.wake(TH)) == len(waiting)
        for debt in waiting:
            debt.is_due, debt.waits_used = True, 0

    @rule()
    def suspend_or_resume(self) -> None:
        if self.is_suspended:
            self.do(self.ledger.resume(TH, who="op", reason=None, at=AT))
        else:
            self.do(self.ledger.suspend(TH, who="op", reason=None, outgoing_only=False, at=AT))
        self.is_suspended = not self.is_suspended

    # ---- what must hold ------------------------------------------------------------------------------------

    @invariant()
    def nobody_holds_two_of_one_conversation(self) -> None:
        held = [debt.conversation for debt in getattr(self, "debts", {}).values() if debt.is_leased]
        assert len(held) == len(set(held))

    @invariant()
    def the_ledger_agrees(self) -> None:
        if hasattr(self, "debts"):
            self.do(self.compare())

    async def compare(self) -> None:
        rows = await self.pool.fetch("SELECT message_no, status, attempts, waits_used FROM delivery")
        assert {row["message_no"]: tuple(row)[1:] for row in rows} == {
            debt.message_no: (debt.status, debt.attempts, debt.waits_used) for debt in self.debts.values()
        }
        moves: dict[int, list[str]] = {}
        for row in await self.pool.fetch(
            "SELECT message_no, what FROM event WHERE what LIKE 'delivery:%' ORDER BY event_no"
        ):
            moves.setdefault(row["message_no"], []).append(row["what"].removeprefix("delivery:"))
        assert moves == {debt.message_no: debt.moves for debt in self.debts.values()}
        counted = await self.ledger.counts()
        assert sum(counted.get(TH, {}).values()) == len(self.debts)
        assert await self.pool.fetchval("SELECT count(*) FROM attempt") == sum(
            debt.attempts for debt in self.debts.values()
        )
        if not self.what_is_due():
            assert await self.ledger.next_due_s(TH) != 0
        else:
            assert await self.ledger.next_due_s(TH) == 0


@pytest.mark.timeout(240)
def test_lanes_agree_with_their_model(servers: Servers, server_kind: str) -> None:
    machine = type("LanesHere", (Lanes,), {"servers": servers, "kind": server_kind})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
