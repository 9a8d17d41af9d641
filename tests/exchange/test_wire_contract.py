from __future__ import annotations

import hashlib

import pytest

from tests.exchange.foreign_documents import certificate, new_number, ping
from tests.exchange.foreign_party import RCEP
from tests.exchange.foreign_world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_ping(world: World) -> None:
    th = world.th
    letter = th.letter("ping", ping("hello"), form="exchange/ping/1.0")
    reply = await th.send(letter)
    print(reply)
    signal = th.read(reply)
    print(signal.name)


async def test_a_certificate(world: World) -> None:
    th = world.th
    number = new_number("TH")
    await th.deliver(
        th.letter(
            "certificate", certificate(number, exporting="TH", importing="VN"), number=number, standard=RCEP
        )
    )
    ack = await th.waits_for("acknowledgement", number=number)
    print(ack[0].raw.decode())


async def test_sent(world: World) -> None:
    for party in (world.th, world.my, world.kh):
        got = await world.sent_to(party)
        print(got.header, got.scopes)
    print(await world.api.track(got.number))


async def test_too_large(world: World) -> None:
    th = world.th
    raw = b"x" * (20 * 1024 * 1024 + 1)
    reply = await th.send(raw)
    print(reply.status, reply.headers)


async def test_blocking(world: World) -> None:
    import asyncio, http.client, ssl

    def go():
        c = http.client.HTTPSConnection("127.0.0.1", world.th._port, context=world.th.client_tls, timeout=10)
        c.request(
            "POST",
            "/exchange/v1/messages",
            body=b"x" * (8 * 1024 * 1024 + 1),
            headers={"Content-Type": "application/xml"},
        )
        r = c.getresponse()
        return r.status, r.read()[:50]

    print(await asyncio.to_thread(go))
