"""Webhooks over a node's national API: made by an administrator, told, rotated, replayed, removed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

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
