"""What the law lets become of a certificate over the months, both sides by one clock that is set."""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.demo.records import certificate
from gateway.domain.status import MessageType
from gateway.intake.desk import SubmissionRefused
from tests.exchange.ledgers import A_CALLER, Ledgers, Side, ledgers
from tests.servers import Servers, default_kind

BEGINNING = datetime(2026, 9, 10, 12, tzinfo=UTC)
ISSUED = date(2026, 9, 9)
DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def both(servers: Servers, tmp_path: Path) -> AsyncIterator[Ledgers]:
    """Two gateways that have exchanged nothing yet."""
    async with ledgers(tmp_path, functools.partial(servers.database, default_kind()), BEGINNING) as running:
        yield running


async def issue(both: Ledgers, serial: int, **more: Any) -> str:
    """A certificate of ours is handed in and comes; its number."""
    record = certificate("atiga/form-d", "VN", "TH", serial, both.clock().date()) | more
    taken = await both.vn.pipeline.submit(json.dumps(record).encode(), "application/json", A_CALLER)
    await carry_all(both)
    return str(taken.certificate_number)


async def carry_all(both: Ledgers) -> None:
    """Everything that is owed comes, and so do the answers."""
    while True:
        owed = [(side, one) for side in (both.vn, both.th) for one in await side.owes() if one.is_open]
        if not owed:
            return
        for side, one in owed:
            await both.carry(side, one.message_no)


async def say(both: Ledgers, number: str, verb: MessageType, body: Any) -> None:
    """Customs abroad answer the message that carries *number*."""
    there = await both.th.certificate(number)
    assert there is not None
    (message,) = await both.th.ledger.find_messages(there.message_id)
    await both.th.pipeline.answer(message, verb, body, A_CALLER)
    await carry_all(both)


async def stands(side: Side, number: str) -> tuple[str | None, ...]:
    """Its life, its acknowledgement and what customs made of it."""
    row = await side.certificate(number)
    assert row is not None
    return row.life, row.acknowledgement, row.customs_response


async def test_goods_imported_before_expiry_are_utilised_after_it(both: Ledgers) -> None:
    number = await issue(both, 1)
    both.clock.at += 400 * DAY
    for side in (both.vn, both.th):
        await side.look()
    before = [(await stands(side, number))[0] for side in (both.vn, both.th)]

    used = [{"no": no, "outcome": "utilised", "declaration": "D-1", "date": "2027-08-01"} for no in (1, 2)]
    await say(both, number, MessageType.CUSTOMS_RESPONSE, {"items": used})

    assert before == ["expired", "expired"]
    for side in (both.vn, both.th):
        assert await stands(side, number) == ("expired", "accepted", "utilised")


async def test_what_was_rejected_is_accepted_after_a_clarification_and_nobody_need_act_any_more(
    both: Ledgers,
) -> None:
    number = await issue(both, 1)
    finding = {"code": "B01", "text": "Marks and numbers differ."}
    await say(both, number, MessageType.ACKNOWLEDGEMENT, {"outcome": "rejected", "findings": [finding]})
    await both.vn.look()
    rejected = [await stands(side, number) for side in (both.vn, both.th)]
    (opened,), _ = await both.vn.ledger.exceptions(is_open=True)

    await say(both, number, MessageType.ACKNOWLEDGEMENT, {"outcome": "accepted"})
    await both.vn.look()

    assert rejected == [("in_force", "rejected", None)] * 2
    assert (opened.code, opened.owner) == ("B01", "issuing authority")
    for side in (both.vn, both.th):
        assert await stands(side, number) == ("in_force", "accepted", None)
    assert (await both.vn.ledger.exceptions(is_open=True))[0] == []


@pytest.mark.parametrize("named_as", ["certified_true_copy_of", "replaces"])
async def test_within_a_year_of_the_original_it_may_be_copied_or_replaced_and_later_not(
    both: Ledgers, named_as: str
) -> None:
    original = await issue(both, 1)
    named = {named_as: {"number": original, "issue_date": str(ISSUED)}}
    is_copy = named_as == "certified_true_copy_of"
    both.clock.at += 300 * DAY

    later = await issue(both, 2, **named)
    both.clock.at += 70 * DAY
    with pytest.raises(SubmissionRefused) as refused:
        await issue(both, 3, **named)

    assert refused.value.code == "C05"
    for side in (both.vn, both.th):
        row = await side.certificate(later)
        assert row is not None
        assert row.life == "in_force"
        assert row.acknowledgement in ("accepted", "accepted_with_warnings")
        assert (row.issue_date == ISSUED) is is_copy  # so a copy expires with its original
        assert (await stands(side, original))[0] == ("in_force" if is_copy else "replaced")


async def test_an_answer_that_comes_before_its_certificate_waits_for_it(both: Ledgers) -> None:
    record = certificate("atiga/form-d", "VN", "TH", 1, both.clock().date())
    taken = await both.vn.pipeline.submit(json.dumps(record).encode(), "application/json", A_CALLER)
    row = await both.vn.certificate(str(taken.certificate_number))
    assert row is not None
    await both.vn.pipeline.cancel(row, "A reason.", A_CALLER)
    first, second = [one.message_no for one in await both.vn.owes()]

    await both.carry(both.vn, second)
    waiting = await both.th.certificate(row.number)
    await both.carry(both.vn, first)
    await carry_all(both)

    assert waiting is None
    assert [(await stands(side, row.number))[0] for side in (both.vn, both.th)] == ["cancelled"] * 2
