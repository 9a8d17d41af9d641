"""Webhooks over a node's national API: made by an administrator, told, rotated, replayed, removed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from gateway.cli.main import run
from gateway.domain.webhook import signature
from tests.exchange.pair import pair
from tests.servers import Servers

HERE = "127.0.0.1"


async def test_an_administrator_makes_a_webhook_and_it_is_told_what_happens(
    tmp_path: Path, servers: Servers
) -> None:
    came: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        await came.put((dict(request.headers), await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HERE, 0).start()
    try:
        async with pair(tmp_path, servers, webhook_hosts=HERE) as both, asyncio.timeout(60):
            body = {"name": "a-system", "url": f"http://{HERE}:{runner.addresses[0][1]}/", "role": "issuer"}
            made = await both.vn.call("POST", "webhooks", body, 201)
            await both.vn.call("POST", "webhooks", body, 409)
            await both.vn.call("POST", "webhooks", {**body, "name": "b", "url": "ftp://x"}, 422)
            await both.vn.call("POST", "webhooks", {**body, "name": "b", "after": "9-9-9"}, 400)
            await both.vn.submit("VN-TH 26/02/00001")
            headers, event = await came.get()
            at = int(headers["webhook-timestamp"])
            rotated = await both.vn.call("POST", "webhooks/a-system/rotate", {})
            suspended = await both.vn.call("POST", "webhooks/a-system/suspend", {})
            resumed = await both.vn.call("POST", "webhooks/a-system/resume", {})
            await both.vn.call("POST", "webhooks/a-system/replay", {"after": "0"})
            again = {headers["webhook-id"]}
            while headers["webhook-id"] not in again or len(again) == 1:
                again.add((await came.get())[0]["webhook-id"])
            (row,) = (await both.vn.call("GET", "webhooks"))["items"]
            await both.vn.call("POST", "webhooks/a-system/remove", {})
            await both.vn.call("POST", "webhooks/a-system/resume", {}, 404)
            left = (await both.vn.call("GET", "webhooks"))["items"]
    finally:
        await runner.cleanup()

    assert headers["webhook-signature"] == signature(made["secret"], headers["webhook-id"], at, event)
    assert rotated["secret"] != made["secret"]
    assert (suspended["state"], resumed["state"], row["name"], left) == (
        "suspended",
        "active",
        "a-system",
        [],
    )
    assert "secret" not in row


async def test_an_operator_types_all_that_the_api_does_with_webhooks(
    tmp_path: Path, servers: Servers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with pair(tmp_path, servers) as both:
        monkeypatch.setenv("ECO_GATEWAY_TOKEN", both.vn.headers["Authorization"].removeprefix("Bearer "))
        said = []
        for typed in (
            "add a-system https://system.example/events --role issuer --after 0",
            "suspend a-system",
            "rotate a-system",
            "resume a-system",
            "replay a-system --after 0",
            "list",
            "remove a-system",
            "remove a-system",
            "add a-system ftp://system.example --role issuer",
        ):
            line = ["webhooks", *typed.split(), "--to", both.vn.address.url]
            status = await asyncio.to_thread(run, line)
            mine = [
                line for line in capsys.readouterr().out.splitlines() if line.startswith(("a-system", "name"))
            ]
            said.append((status, "".join(mine[:1]).split(" whsec_")[0]))

    assert [status for status, _ in said] == [0] * 7 + [1, 1]
    assert [words for _, words in said[:5]] == [
        "a-system:",
        "a-system: suspended",
        "a-system:",
        "a-system: active",
        "a-system: active",
    ]
    assert said[5][1].split() == ["name", "state", "told", "failures", "cause", "address"]
    assert said[6][1] == "a-system: removed"
