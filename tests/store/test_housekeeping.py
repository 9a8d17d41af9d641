"""Documents go when their time is over, in small steps; what verification and repeats need stays."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from gateway.domain.corridor import Corridor
from gateway.domain.errors import NotAllowed
from gateway.domain.ids import FormId, PartyId
from gateway.domain.status import DeliveryStatus, Direction
from gateway.store.housekeeping import Purged, Retention, retentions
from gateway.store.ledger import Ledger
from gateway.store.records import Repeated
from tests.store.making import (
    AT,
    FORM_D,
    HOME,
    MY,
    RCEP,
    TH,
    a_certificate,
    admit,
    admitted,
    an_arrival,
    certificate_of,
    claim_due,
    deliver,
    delivered,
    events_of,
    message_no_of,
    sha256,
)
from tests.unit.intake.doors import th_customs

DAY = timedelta(days=1)
OUT = Retention(party=TH, direction=Direction.OUT, family=FormId("atiga/form-d"), keep=30 * DAY)
IN = replace(OUT, direction=Direction.IN)
LATER = AT + 31 * DAY


async def left(pool: asyncpg.Pool) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM document")
    return count


async def test_documents_past_their_time_go_and_everything_else_stays(
    ledger: Ledger, pool: asyncpg.Pool
) -> None:
    submitted = await deliver(ledger, "VN-1")
    await deliver(ledger, "VN-2", at=LATER)  # not yet

    early = await ledger.purge(OUT, AT + 29 * DAY)
    done = await ledger.purge(OUT, LATER)

    assert (early, done) == (Purged(), Purged(certificates=1, documents=2, left=False))
    assert await left(pool) == 2
    message_no = await message_no_of(ledger, submitted.message_id)
    assert await ledger.document(message_no) is None
    story = await ledger.story((await certificate_of(ledger, "VN-1")).certificate_no)
    assert story.messages[0].digest == sha256(b"<sealed><certificate/></sealed>")
    assert story.receipts[message_no] is not None
    assert await ledger.document(message_no, "receipt") is not None
    told = [event for event in story.events if event.what == "operator:purge"]
    assert [(event.who, (event.detail or {})["documents"]) for event in told] == [("gateway", 2)]
    again = await ledger.submit(a_certificate("VN-1"))
    assert (again.first, again.message_id) == (False, submitted.message_id)


async def test_a_repeat_from_abroad_is_still_known(ledger: Ledger, pool: asyncpg.Pool) -> None:
    inbound = an_arrival("TH-1")
    await admitted(ledger, inbound)

    assert (await ledger.purge(IN, LATER)).documents == 1

    again = await admit(ledger, inbound)
    assert isinstance(again, Repeated)
    assert again.receipt.body == inbound.receipt


async def test_what_is_not_kept_is_not_sent_again(ledger: Ledger) -> None:
    message_no = await message_no_of(ledger, (await deliver(ledger, "VN-1")).message_id)
    await ledger.purge(OUT, LATER)

    with pytest.raises(NotAllowed, match="its bytes are not kept any more"):
        await ledger.operate("resend", message_no, who="op", reason=None, at=LATER)

    assert (await ledger.message(message_no)).delivery is DeliveryStatus.DELIVERED


async def test_what_is_owed_is_passed_over_and_looked_at_again(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await ledger.submit(a_certificate("VN-1"))
    first = await ledger.purge(OUT, LATER)
    await ledger.settle([delivered(claim) for claim in await claim_due(ledger)])

    same_day = await ledger.purge(OUT, LATER)
    next_day = await ledger.purge(OUT, LATER + DAY)
    over = await ledger.purge(OUT, LATER + 2 * DAY)

    assert [one.certificates for one in (first, same_day, next_day, over)] == [0, 0, 1, 0]
    assert await pool.fetchval("SELECT count(*) FROM purge_later") == 0


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"party": MY}, id="another-party"),
        pytest.param({"form": RCEP}, id="another-form"),
    ],
)
async def test_only_the_corridors_own_go(ledger: Ledger, pool: asyncpg.Pool, other: dict[str, Any]) -> None:
    await ledger.submit(a_certificate("VN-1", **other))
    await ledger.settle([delivered(claim) for claim in await claim_due(ledger, other.get("party", TH))])
    await admitted(ledger, an_arrival("TH-1"))

    assert (await ledger.purge(OUT, LATER)).certificates == 0
    assert await left(pool) == 3


async def test_a_round_goes_in_batches_and_says_whether_something_is_left(
    ledger: Ledger, pool: asyncpg.Pool
) -> None:
    for n in range(7):
        await deliver(ledger, f"VN-{n}")

    steps = [await ledger.purge(OUT, LATER, batch=3) for _ in range(4)]

    assert [(step.certificates, step.left) for step in steps] == [
        (3, True),
        (3, True),
        (1, False),
        (0, False),
    ]
    assert (await events_of(ledger)).count("operator:purge") == 7
    assert await ledger.housekeep([OUT, IN], LATER, pause_s=0) == Purged()


async def test_one_node_at_a_time(ledger: Ledger, pool: asyncpg.Pool) -> None:
    for n in range(4):
        await deliver(ledger, f"VN-{n}")

    async with pool.acquire() as other, other.transaction():
        await other.fetchval("SELECT pg_advisory_xact_lock(1702060905)")
        beside = await ledger.purge(OUT, LATER)
    done = await asyncio.gather(*(ledger.purge(OUT, LATER, batch=4) for _ in range(3)))

    assert beside == Purged()
    assert sum(one.certificates for one in done) == 4


async def test_what_would_go_is_counted_and_nothing_goes(ledger: Ledger, pool: asyncpg.Pool) -> None:
    for n in range(3):
        await deliver(ledger, f"VN-{n}")

    counts = [await ledger.purgeable(rule, LATER) for rule in (OUT, IN)]

    assert counts == [3, 0]
    assert await left(pool) == 6
    await ledger.purge(OUT, LATER)
    assert await ledger.purgeable(OUT, LATER) == 0


async def test_documents_still_cannot_be_removed_by_hand(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await deliver(ledger, "VN-1")

    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await pool.execute("DELETE FROM document")


def test_the_rules_are_the_corridors_seen_from_home() -> None:
    home, th = replace(th_customs(), id=HOME), replace(th_customs(), id=TH)
    third = replace(th_customs(), id=PartyId("ID.CUSTOMS"))
    out = Corridor(sender=home, receiver=th, accepts=FORM_D, delivers=FORM_D, keep_documents=30 * DAY)
    back = replace(out, sender=th, receiver=home)

    rules = retentions([out, back, replace(out, keep_documents=None), replace(out, sender=third)], HOME)

    assert rules == (OUT, IN)
