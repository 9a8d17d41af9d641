"""The clock that was set governs every judgement and every time shown; a day is one where it was written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from gateway.demo.records import certificate
from gateway.domain.errors import Misconfigured
from tests.exchange.contract import (
    CLOCK,
    FORM_D,
    MY,
    TODAY,
    Pair,
    a_record,
    inbox_path,
    two_gateways,
)
from tests.exchange.contract_abroad import Abroad
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

TOMORROW = str(TODAY + timedelta(days=1))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two_gateways(servers, tmp_path_factory.mktemp("clock")) as running:
        yield running


def from_thailand(serial: int, day: str) -> Any:
    return certificate(FORM_D, "TH", "VN", serial, TODAY) | {"issue_date": day}


async def test_what_was_issued_this_morning_in_asia_is_not_of_the_future(pair: Pair) -> None:
    assert CLOCK.date() < TODAY  # in Greenwich it is still yesterday

    out = await pair.vn.issuer.submit(a_record(issue_date=str(TODAY)))
    back = await pair.th.issuer.submit(from_thailand(1, str(TODAY)))
    judged = await pair.vn.issuer.post("/certificates/validate", a_record(issue_date=str(TODAY)))

    assert (out.status, back.status) == (202, 202)
    assert (judged.body["valid"], judged.body["findings"]) == (True, [])
    for side, reply in ((pair.th, out), (pair.vn, back)):
        arrival = await side.customs.until(inbox_path(reply.body["message_id"]), lambda one: one["content"])
        assert (arrival["valid"], arrival["findings"]) == (True, [])


async def test_what_will_be_issued_tomorrow_is_of_the_future_on_both_ends(pair: Pair) -> None:
    reply = await pair.vn.issuer.submit(a_record(issue_date=TOMORROW))
    posted = await Abroad(pair, "VN.MOIT", pair.th).certificate(a_record(issue_date=TOMORROW))
    arrival = (await pair.th.customs.get(inbox_path(posted.message_id))).body

    assert (reply.status, reply.codes) == (422, ["C05"])
    assert (posted.status, arrival["valid"]) == (200, False)
    assert [found["code"] for found in arrival["findings"]] == ["C05"]


async def test_the_day_that_counts_is_the_exporting_countrys(pair: Pair) -> None:
    record = a_record(issue_date=str(TODAY), exporting_country="IN")  # where midnight has passed as well
    in_india = await pair.vn.issuer.post("/certificates/validate", record)
    nowhere = await pair.vn.issuer.post("/certificates/validate", record | {"exporting_country": "XX"})
    west = await pair.vn.issuer.post("/certificates/validate", record | {"exporting_country": "US"})

    def of_the_future(reply: Any) -> bool:
        return any(found["code"] == "C05" for found in reply.body["findings"])

    assert [of_the_future(one) for one in (in_india, nowhere, west)] == [False, True, True]


def times_in(value: Any) -> Iterator[datetime]:
    """Every instant that stands anywhere in *value*."""
    if isinstance(value, dict):
        for key, entry in value.items():
            if isinstance(entry, str) and (key == "at" or key.endswith("_at") or key == "until"):
                yield datetime.fromisoformat(entry)
            yield from times_in(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from times_in(entry)


async def test_every_time_shown_is_the_set_clocks(pair: Pair) -> None:
    before = await pair.vn.operator.items("/events", limit="500")
    sent = await pair.exchange()
    asked = await pair.submitted(importing_country="MY")
    await pair.vn.operator.until(asked.message, lambda one: one["attempts"])
    await pair.vn.issuer.submit(a_record(issue_date=TOMORROW))
    await pair.th.customs.post(
        f"{sent.inbox}/customs-response", {"items": [{"no": 1, "outcome": "utilised"}]}
    )
    await pair.vn.issuer.until(sent.path, lambda story: story["customs_responses"])
    await pair.vn.operator.post(f"/parties/{MY}/suspend")
    shown = [
        (await side.operator.get(path)).body
        for side, path in (
            (pair.vn, sent.path),
            (pair.th, sent.path),
            (pair.vn, asked.path),
            (pair.vn, sent.message),
            (pair.vn, f"{sent.message}/timeline"),
            (pair.th, "/inbox"),
            (pair.vn, f"/events?after={before[-1]['cursor'] if before else '0'}"),
            (pair.vn, "/certificates"),
            (pair.vn, "/submissions"),
            (pair.vn, "/parties"),
            (pair.vn, "/lanes"),
        )
    ]
    await pair.vn.operator.post(f"/parties/{MY}/resume")

    for body in shown:
        times = list(times_in(body))
        assert times, json.dumps(body)[:200]
        assert all(CLOCK <= time < CLOCK + timedelta(hours=3) for time in times), json.dumps(body)[:2000]


async def test_clocks_that_differ_too_much_are_told_with_both_times(pair: Pair) -> None:
    await pair.th.restart(clock=CLOCK - timedelta(minutes=30))
    try:
        sent = await pair.submitted()
        story = await pair.vn.issuer.until(
            sent.path, lambda story: story["messages"][0]["delivery"] == "refused"
        )
    finally:
        await pair.th.restart()

    assert story["cause"].startswith("D04: ")
    assert "2026-11-21T20:" in story["cause"]
    assert "2026-11-21T19:3" in story["cause"]
    assert story["owner"] == "operator"


async def test_a_clock_outside_the_windows_of_the_keys_keeps_the_node_from_starting(pair: Pair) -> None:
    await pair.th.stop()
    try:
        with pytest.raises(Misconfigured, match="whose window covers now"):
            await pair.th.start(clock=CLOCK - timedelta(days=40))
    finally:
        await pair.th.start()


async def test_a_waiting_delivery_keeps_the_real_time(pair: Pair) -> None:
    """Waits follow the real clock: one that was set back or forward neither hurries nor delays a retry."""
    sent = await pair.submitted(importing_country="MY")
    await pair.vn.operator.until(sent.message, lambda one: len(one["attempts"]) >= 3)
    await pair.vn.restart(clock=CLOCK + timedelta(days=5))
    try:
        attempts = (await pair.vn.operator.get(sent.message)).body["attempts"]
        later = await pair.vn.operator.until(sent.message, lambda one: len(one["attempts"]) > len(attempts))
    finally:
        await pair.vn.restart()

    assert all(
        datetime.fromisoformat(one["at"]) < CLOCK + timedelta(hours=1) for one in later["attempts"][:3]
    )
    assert datetime.fromisoformat(later["attempts"][-1]["at"]) > CLOCK + timedelta(days=4)
