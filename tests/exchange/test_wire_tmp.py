from __future__ import annotations
import asyncio, http.client, pytest, aiohttp, gzip
from tests.exchange.foreign_world import World
from tests.exchange.foreign_line import *
pytestmark = pytest.mark.asyncio(loop_scope="session")
import io
BIGB = b"x" * (8 * 1024 * 1024)

@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}, {"Content-Type": "text/xml"}], ids=["413","gzip","type"])
@pytest.mark.parametrize("path", [PATH, "/x"])
async def test_aiohttp(world: World, headers, path) -> None:
    async with aiohttp.ClientSession() as s:
        async with s.post(f"https://127.0.0.1:{world.th._port}{path}", data=io.BytesIO(BIGB), headers={"Content-Type": "application/xml", **headers}, ssl=world.th.client_tls) as r:
            print(r.status, len(await r.read()))

@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}, {"Content-Type": "text/xml"}], ids=["413","gzip","type"])
async def test_blocking(world: World, headers) -> None:
    def go():
        c = http.client.HTTPSConnection("127.0.0.1", world.th._port, context=world.th.client_tls, timeout=10)
        c.request("POST", PATH, body=BIGB, headers={"Content-Type": "application/xml", **headers})
        r = c.getresponse()
        return r.status, len(r.read())
    print(await asyncio.to_thread(go))

async def test_chunked(world: World) -> None:
    async with aiohttp.ClientSession() as s:
        async with s.post(f"https://127.0.0.1:{world.th._port}{PATH}", data=io.BytesIO(BIGB), chunked=True, headers={"Content-Type": "application/xml"}, ssl=world.th.client_tls) as r:
            print(r.status, len(await r.read()))

async def test_slow(world: World) -> None:
    async with connection(world.th._port, world.th.client_tls) as (reader, writer):
        raw = request(BIGB)
        step = len(raw) // 24
        for i in range(0, len(raw), step):
            writer.write(raw[i:i+step]); await writer.drain(); await asyncio.sleep(.5)
        print(await read_reply(reader))
