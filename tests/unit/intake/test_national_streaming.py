"""The event stream, stopping, and the description."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from gateway.domain.caller import Role
from gateway.intake.roles import MAY, Right
from gateway.intake.routes import PREFIX
from gateway.intake.serving import Limits
from tests.unit.intake.doors import (
    CALLS,
    LedgerOfRows,
    as_,
    everybody,
    full_ledger,
    national_door,
    open_at,
    problem,
    until,
)
from tests.unit.intake.rows import an_event

pytestmark = pytest.mark.enable_socket


async def test_a_stopping_node_takes_no_new_call() -> None:
    stopping = asyncio.Event()
    async with national_door(stopping=stopping) as client:
        stopping.set()

        response = await client.get(f"{PREFIX}/events", headers=as_("operator"))

        await problem(response, 503)
        assert int(response.headers["Retry-After"]) > 0
        assert (await client.get("/health/ready")).status == 503
        assert (await client.get("/health/live")).status == 200


async def test_a_node_that_is_not_ready_says_so() -> None:
    async with national_door(ready=lambda: False) as client:
        response = await client.get("/health/ready")

        assert (response.status, await response.json()) == (503, {"status": "not ready"})


async def read_events(client: TestClient[Any, Any], number: int, **asked: Any) -> list[dict[str, str]]:
    found = []
    async with client.get(f"{PREFIX}/events/stream", **asked) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        for _ in range(number):
            block = await response.content.readuntil(b"\n\n")
            found.append(dict(line.split(": ", 1) for line in block.decode().strip().split("\n")))
    return found


async def test_the_stream_tells_what_is_there_and_what_comes() -> None:
    ledger = full_ledger()

    async def something_happens(_: float) -> None:
        if len(ledger.happened) < 3:
            ledger.happened.append(an_event("3", "life:cancelled"))
        await asyncio.sleep(0.01)

    async with national_door(ledger=ledger, changed=something_happens) as client:
        found = await read_events(client, 3, headers=as_("operator"))

    assert [event["id"] for event in found] == ["1", "2", "3"]
    assert found[2]["event"] == "life:cancelled"
    assert json.loads(found[0]["data"])["what"] == "delivery:delivered"


@pytest.mark.parametrize(
    ("headers", "query", "first"),
    [
        pytest.param({}, {"after": "1"}, "2", id="after"),
        pytest.param({"Last-Event-ID": "1"}, {}, "2", id="last-event-id"),
        pytest.param({"Last-Event-ID": "1"}, {"after": "0"}, "2", id="a-reconnect-goes-on"),
    ],
)
async def test_a_stream_resumes_by_cursor(headers: dict[str, str], query: dict[str, str], first: str) -> None:
    async with national_door() as client:
        found = await read_events(client, 1, headers={**headers, **as_("operator")}, params=query)

    assert found[0]["id"] == first


async def test_a_stream_after_a_cursor_nobody_gave_out_is_400() -> None:
    async with national_door() as client:
        await problem(await client.get(f"{PREFIX}/events/stream?after=x", headers=as_("operator")), 400)


async def test_a_stream_ends_when_the_node_stops() -> None:
    stopping = asyncio.Event()

    async def brief(_: float) -> None:
        await asyncio.sleep(0.01)

    async with (
        national_door(stopping=stopping, changed=brief) as client,
        client.get(f"{PREFIX}/events/stream", headers=as_("operator")) as response,
    ):
        stopping.set()

        assert b"receipt:stored" in await response.read()


async def test_a_silent_stream_shows_that_it_lives() -> None:
    async def brief(_: float) -> None:
        await asyncio.sleep(0.01)

    async with (
        national_door(ledger=LedgerOfRows(), changed=brief, limits=Limits(silence_s=0)) as client,
        client.get(f"{PREFIX}/events/stream", headers=as_("operator")) as response,
    ):
        assert (await response.content.readline()).startswith(b":")


async def test_a_stream_whose_reader_left_ends() -> None:
    async def brief(_: float) -> None:
        await asyncio.sleep(0.01)

    async with national_door(changed=brief, limits=Limits(silence_s=0)) as client:
        async with client.get(f"{PREFIX}/events/stream", headers=as_("operator")) as response:
            await response.content.readline()
            response.close()

        await until(lambda: not open_at(client.server))


async def test_the_description_names_every_call() -> None:
    async with national_door() as client:
        document = await (await client.get(f"{PREFIX}/openapi.json", headers=as_("exporter"))).json()

    described = {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}
    assert document["openapi"] == "3.1.0"
    assert described == {(call.method, PREFIX + call.path) for call in CALLS}


async def test_no_answer_names_the_software_that_made_it() -> None:
    async with national_door() as client:
        for path in ("/health/live", "/", f"{PREFIX}/certificates"):
            headers = (await client.get(path, headers=as_("operator"))).headers

            assert headers["Server"] == "eco-gateway"
            assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_caller_of_the_tests_is_read_from_its_token() -> None:
    assert everybody("issuer+customs@A").may(Role.CUSTOMS)
    assert Right.READ in MAY
