"""The client for national systems against two gateways; the examples of its page are run as they stand."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.client.errors import Problem, Unreachable
from gateway.client.gateway import Gateway
from tests.exchange.pair import Pair, Side, _a_record, pair
from tests.servers import Servers

PAGE = Path(__file__).parents[2] / "docs/client.md"


def examples() -> dict[str, Any]:
    """What the page's programs define."""
    found: dict[str, Any] = {}
    for program in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        exec(compile(program, PAGE.name, "exec"), found)
    return found


def access(side: Side) -> tuple[str, str]:
    return side.address.url, side.headers["Authorization"].removeprefix("Bearer ")


async def until_arrived(both: Pair, number: str) -> None:
    await both.vn.until(number, lambda story: story["messages"][0]["acknowledgement"] is not None)


async def test_the_examples_of_the_page_work_and_so_do_the_other_verbs(
    tmp_path: Path, servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    page, number = examples(), "VN-TH 26/02/00001"
    record = {**_a_record(), "certificate_number": number}
    books = sqlite3.connect(tmp_path / "books.db")
    async with pair(tmp_path, servers) as both:
        message_id = await page["hand_in"](*access(both.vn), record)
        await until_arrived(both, number)
        counts = [await page["work_off"](*access(both.th), books) for _ in range(2)]
        with pytest.raises(Problem) as refused:
            await page["hand_in"](
                *access(both.vn), {**record, "certificate_number": "VN-TH 26/02/2", "items": []}
            )
        async with Gateway(*access(both.vn)) as vn, Gateway(*access(both.th)) as th, asyncio.timeout(60):
            again = await vn.submit(record)
            used = {"no": record["items"][0]["no"], "outcome": "utilised", "declaration": "D-1"}
            responded = await th.respond(message_id, [used])
            with pytest.raises(Problem) as twice:
                await th.respond(message_id, [{**used, "declaration": "D-2"}])
            with pytest.raises(Problem) as unknown:
                await vn.track("VN", "form-d", "no such number")
            await both.vn.until(number, lambda story: bool(story["customs_responses"]))
            with pytest.raises(Problem) as late:
                await vn.cancel("VN", "form-d", number, "A reason.")
            story = await vn.track("VN", "form-d", number)
            verdict = await vn.validate(record)
            whats = []
            async for item in vn.follow("events"):
                whats.append(item.content["what"])
                if item.content["what"].startswith("customs-response:"):
                    break
            rest = await vn.events(item.cursor)
    books.close()

    assert counts == [1, 0]
    assert (again.message_id, again.first, responded.first) == (message_id, False, True)
    assert (refused.value.status, bool(refused.value.findings)) == (422, True)
    assert refused.value.findings[0].code in capsys.readouterr().out
    assert [(each.value.status, each.value.code) for each in (twice, late)] == [(409, "B02"), (409, "B06")]
    assert unknown.value.status == 404
    assert story["customs_responses"][0]["outcome"] == "utilised"
    assert verdict["valid"] is True
    assert whats[0] == "submission:accepted"
    assert item.cursor not in [one.cursor for one in rest]


async def test_where_no_gateway_answers_that_is_what_it_says() -> None:
    async with Gateway("http://127.0.0.1:9", "token", tries=2) as nobody:
        with pytest.raises(Unreachable, match="no gateway answers"):
            await nobody.events()
