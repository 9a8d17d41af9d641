"""A cancellation and a replacement that cross in their own conversations end the same on both sides."""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

from gateway.demo.records import certificate
from tests.exchange.ledgers import A_CALLER, Ledgers, ledgers
from tests.servers import Servers, default_kind

FORM = "atiga/form-d"


async def issue(both: Ledgers, serial: int, replaces: str | None = None) -> str:
    """A certificate of ours is handed in; its number."""
    record = certificate(FORM, "VN", "TH", serial, both.clock().date())
    if replaces is not None:
        record["replaces"] = {"number": replaces, "issue_date": record["issue_date"]}
    taken = await both.vn.pipeline.submit(json.dumps(record).encode(), "application/json", A_CALLER)
    return str(taken.certificate_number)


async def carry_all(both: Ledgers, way_back: int) -> None:
    """Bring what is owed to the other side; what comes back in the order, or against it."""
    for side, step in ((both.th, way_back), (both.vn, 1)):
        for letter in [one for one in await side.owes() if one.is_open][::step]:
            await both.carry(side, letter.message_no)


async def test_both_sides_end_as_replaced_in_whatever_order_the_two_and_their_answers_come(
    servers: Servers, tmp_path: Path
) -> None:
    ended = []
    database = functools.partial(servers.database, default_kind())
    async with ledgers(tmp_path, database, datetime(2026, 9, 10, 12, tzinfo=UTC)) as both:
        for turn, (order, way_back) in enumerate(
            (order, way_back) for order in permutations((0, 1)) for way_back in (1, -1)
        ):
            former = await issue(both, 100 + turn)
            (carried,) = [one for one in await both.vn.owes() if one.is_open]
            await both.carry(both.vn, carried.message_no)
            row = await both.vn.certificate(former)
            assert row is not None
            await both.vn.pipeline.cancel(row, "A reason.", A_CALLER)
            await issue(both, 200 + turn, replaces=former)
            crossing = [one for one in await both.vn.owes() if one.is_open]
            for place in order:
                await both.carry(both.vn, crossing[place].message_no)
            await carry_all(both, way_back)
            await both.vn.look()
            stands = [await side.certificate(former) for side in (both.vn, both.th)]
            ended.append([str(one.life) for one in stands if one is not None])
        open_ones, _ = await both.vn.ledger.exceptions(is_open=True)

    assert ended == [["replaced", "replaced"]] * 4
    assert open_ones == []
