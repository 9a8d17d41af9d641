"""The thin client speaks HTTP well enough for the API it calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bench.client import Connection, NoAnswer

HOST = "127.0.0.1"


@asynccontextmanager
async def api() -> AsyncIterator[int]:
    """Tells what it got; every call over one connection has the same ``peer``."""

    async def tell(request: web.Request) -> web.Response:
        told = {
            "method": request.method,
            "path": request.path_qs,
            "token": request.headers["Authorization"],
            "type": request.content_type,
            "body": (await request.read()).decode(),
            "peer": request.transport.get_extra_info("peername")[1] if request.transport else None,
        }
        return web.json_response(told, status=202)

    async def endlessly(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        return response

    application = web.Application()
    application.add_routes([web.route("*", "/endless", endlessly), web.route("*", "/{any}", tell)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_a_call_carries_its_body_its_type_and_the_token() -> None:
    async with api() as port, Connection(HOST, port, "secret") as connection:
        status, told = await connection.post("/here?x=1", "<à/>".encode())

    assert status == 202
    assert (told["method"], told["path"], told["token"]) == ("POST", "/here?x=1", "Bearer secret")
    assert (told["type"], told["body"]) == ("application/xml", "<à/>")


async def test_calls_follow_each_other_over_one_connection() -> None:
    async with api() as port, Connection(HOST, port, "secret") as connection:
        first = await connection.post("/a", b"x" * 100_000)
        then = await connection.get("/b")

    assert first[1]["peer"] == then[1]["peer"]
    assert (then[1]["method"], then[1]["body"]) == ("GET", "")


async def test_an_answer_without_its_length_is_none() -> None:
    async with api() as port, Connection(HOST, port, "secret") as connection:
        with pytest.raises(NoAnswer, match="/endless"):
            await connection.get("/endless")
