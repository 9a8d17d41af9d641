"""What is scheduled is tried at the other side's gateway before it counts, and neither side acts on it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.exchange.pair import NOON, TH, VN, Papers, Side, Window, pair
from tests.servers import Servers
from tests.unit.cli.program import Program, program

__all__ = ["program"]

HOUR = timedelta(hours=1)
LATER = NOON + 999 * HOUR


async def kept(side: Side) -> tuple[int, int]:
    """How many messages and refusals the side's ledger holds."""
    connection = await asyncpg.connect(side.database)
    try:
        messages = await connection.fetchval("SELECT count(*) FROM message")
        refused = await connection.fetchval("SELECT count(*) FROM refused_message")
    finally:
        await connection.close()
    return messages, refused


def spoilt(papers: Papers) -> Window:
    """A signing certificate that ends before its window opens."""
    issued = papers.for_seals(NOON - HOUR, NOON + HOUR).issued
    return Window(issued=issued, begins=NOON + 2 * HOUR, ends=LATER)


@pytest.mark.timeout(120)
async def test_every_certificate_is_judged_by_the_other_side_as_of_its_time(
    servers: Servers, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    vn = Papers(VN)
    vn.sign += [vn.for_seals(NOON + HOUR, LATER), spoilt(vn)]
    vn.tls += [vn.for_tls(NOON + HOUR, LATER)]
    async with pair(tmp_path, servers, [vn, Papers(TH)]) as both:
        answer: dict[str, Any] = await both.vn.call("POST", "parties/TH.CUSTOMS/rehearse", {})

        found = {each["file"]: each for each in answer["certificates"]}
        assert {file: (each["counts"], each["step"]) for file, each in found.items()} == {
            "vn.moit.sign-1.pem": (True, None),
            "vn.moit.sign-2.pem": (True, None),
            "vn.moit.sign-3.pem": (False, 5),
            "vn.moit.tls-1.pem": (True, None),
            "vn.moit.tls-2.pem": (True, None),
        }
        assert found["vn.moit.tls-2.pem"]["as_of"] == "2026-09-10T13:00:00.000Z"
        assert "G02: Rehearsed as if our clock said 2026-09-10T14:00" in found["vn.moit.sign-3.pem"]["cause"]
        assert await kept(both.th) == (0, 0)
        events = (await both.vn.call("GET", "events?limit=500"))["items"]
        assert [event["what"] for event in events] == ["operator:rehearse"]

        monkeypatch.setenv("ECO_GATEWAY_TOKEN", both.vn.headers["Authorization"].removeprefix("Bearer "))
        ended = await asyncio.to_thread(program, "keys", "rehearse", TH, "--to", both.vn.address.url)
        assert ended.status == 1
        assert "tls   vn.moit.tls-2.pem  from 2026-09-10T13:00:00.000Z: counts\n" in ended.out
        assert "sign  vn.moit.sign-3.pem  from 2026-09-10T14:00:00.000Z: step 5, G02: " in ended.out
