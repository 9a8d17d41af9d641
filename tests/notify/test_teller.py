"""Subscribers are told in order, signed, at least once, and nobody reaches inside through us."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.domain.webhook import new_secret, signature
from gateway.notify.outside import NotOutside, Outside, check_url, is_outside
from gateway.notify.teller import Teller
from gateway.store.ledger import Ledger
from gateway.store.webhooks import WebhookRow
from gateway.watch.watcher import Watcher
from tests.store.making import AT, HOME, a_certificate

HERE = "127.0.0.1"


@dataclass
class Subscriber:
    """A system that is told; it answers as it is bidden, then 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.came.append((dict(request.headers), await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 204)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.came]

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.came]


@pytest.fixture
async def subscriber() -> AsyncIterator[Subscriber]:
    listening = Subscriber()
    app = web.Application()
    app.router.add_post("/events", listening.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HERE, 0)
    await site.start()
    listening.url = f"http://{HERE}:{runner.addresses[0][1]}/events"
    try:
        yield listening
    finally:
        await runner.cleanup()


async def subscribe(ledger: Ledger, url: str, *, role: str = "operator", **more: Any) -> str:
    secret = new_secret()
    given: dict[str, Any] = {"organisation": None, "after": "0", **more}
    await ledger.add_webhook("a-system", url=url, role=role, secret=secret, at=AT, who="admin", **given)
    return secret


async def look(
    ledger: Ledger,
    *,
    waits_s: Sequence[float] = (),
    named: Sequence[str] = (HERE,),
    times: int = 1,
    at: Any = AT,
) -> WebhookRow:
    """So many turns of the subscriber, each to its end."""
    async with Teller(ledger, lambda: at, named=named, waits_s=waits_s, jitter=lambda: 1.0) as teller:
        for _ in range(times):
            for turn in await ledger.claim_webhooks(lease_s=60):
                await teller.serve(turn)
    (row,) = await ledger.webhooks()
    return row


async def cursors(ledger: Ledger) -> list[str]:
    rows, _ = await ledger.events(after=None, limit=500)
    return [row.cursor for row in rows]


async def test_every_event_is_told_once_in_order_under_its_cursor_and_signed(
    ledger: Ledger, subscriber: Subscriber
) -> None:
    secret = await subscribe(ledger, subscriber.url)
    await ledger.submit(a_certificate("VN-1"))
    await ledger.submit(a_certificate("VN-2"))

    await look(ledger, times=2)

    assert subscriber.ids == await cursors(ledger) != []
    for headers, body in subscriber.came:
        at = int(headers["webhook-timestamp"])
        assert headers["webhook-signature"] == signature(secret, headers["webhook-id"], at, body)
        assert at == int(AT.timestamp())
    assert {one["certificate_number"] for one in subscriber.told} == {"VN-1", "VN-2"}


async def test_what_is_not_taken_comes_again_before_what_follows(
    ledger: Ledger, subscriber: Subscriber
) -> None:
    await subscribe(ledger, subscriber.url)
    await ledger.submit(a_certificate())
    subscriber.answers = [500, 302]

    row = await look(ledger, waits_s=[0.0, 0.0, 0.0], times=3)

    first, *rest = await cursors(ledger)
    assert subscriber.ids == [first, first, first, *rest]
    assert (row.failures, row.cause, row.state) == (0, None, "active")


async def test_it_waits_as_the_ledger_says_before_it_is_tried_again(
    ledger: Ledger, subscriber: Subscriber
) -> None:
    await subscribe(ledger, subscriber.url)
    await ledger.submit(a_certificate())
    subscriber.answers = [503]

    row = await look(ledger, waits_s=[3600.0], times=3)

    assert len(subscriber.came) == 1
    assert (row.failures, row.cause, row.state) == (1, "T01: it answered 503", "active")


async def test_whoever_is_dead_is_suspended_and_told_of_until_resumed(
    ledger: Ledger, subscriber: Subscriber
) -> None:
    await subscribe(ledger, subscriber.url)
    await ledger.submit(a_certificate())
    watcher = Watcher(ledger, lambda: AT, home=HOME)
    subscriber.answers = [500, 500]

    row = await look(ledger, waits_s=[0.0], times=5)
    await watcher.step()
    await watcher.step()
    (opened,), _ = await ledger.exceptions(is_open=True)
    await ledger.turn_webhook("a-system", on=True)
    again = await look(ledger)
    await watcher.step()

    assert (row.state, row.cause, len(subscriber.ids) > 2) == ("suspended", "T04: it answered 500", True)
    assert (opened.code, opened.party, opened.owner) == ("webhook:a-system", HOME, "administrator")
    assert opened.cause == "T04: it answered 500"
    assert "resume" in opened.next_action
    assert (again.state, again.cause) == ("active", None)
    assert (await ledger.exceptions(is_open=True))[0] == []


async def test_whoever_says_gone_is_not_asked_again(ledger: Ledger, subscriber: Subscriber) -> None:
    await subscribe(ledger, subscriber.url)
    await ledger.submit(a_certificate())
    subscriber.answers = [410]

    row = await look(ledger, waits_s=[0.0] * 9, times=3)

    assert (row.state, len(subscriber.came)) == ("suspended", 1)


async def test_while_a_secret_is_changed_both_sign(ledger: Ledger, subscriber: Subscriber) -> None:
    former, newer = await subscribe(ledger, subscriber.url), new_secret()
    await ledger.submit(a_certificate())
    await ledger.rotate_webhook("a-system", secret=newer, until=AT + timedelta(hours=1))

    await look(ledger)
    await ledger.replay_webhook("a-system", after="0")
    await look(ledger, at=AT + timedelta(hours=1))

    whole = len(await cursors(ledger))
    for number, (headers, body) in enumerate(subscriber.came):
        event_id, at = headers["webhook-id"], int(headers["webhook-timestamp"])
        both = [signature(each, event_id, at, body) for each in (newer, former)]
        assert headers["webhook-signature"].split() == (both if number < whole else both[:1])


async def test_a_replay_tells_again_what_came_after_the_cursor(
    ledger: Ledger, subscriber: Subscriber
) -> None:
    await subscribe(ledger, subscriber.url)
    await ledger.submit(a_certificate("VN-1"))
    await ledger.submit(a_certificate("VN-2"))
    await look(ledger)
    all_of_them = list(subscriber.ids)

    await ledger.replay_webhook("a-system", after=all_of_them[0])
    await look(ledger)

    assert subscriber.ids == [*all_of_them, *all_of_them[1:]]


async def test_who_subscribes_without_a_cursor_is_told_what_happens_from_then_on(
    ledger: Ledger, subscriber: Subscriber
) -> None:
    await ledger.submit(a_certificate("VN-1"))
    await subscribe(ledger, subscriber.url, after=None)
    await ledger.submit(a_certificate("VN-2"))

    await look(ledger, times=2)

    assert {one["certificate_number"] for one in subscriber.told} == {"VN-2"}


async def test_an_exporter_is_told_of_its_own_alone(ledger: Ledger, subscriber: Subscriber) -> None:
    await subscribe(ledger, subscriber.url, role="exporter", organisation="SAO-MAI")
    await ledger.submit(a_certificate("VN-1", organisation="SAO-MAI"))
    await ledger.submit(a_certificate("VN-2", organisation="ANOTHER"))

    await look(ledger)

    assert {one["certificate_number"] for one in subscriber.told} == {"VN-1"}


async def test_a_turn_that_is_lost_tells_nothing_more(ledger: Ledger, subscriber: Subscriber) -> None:
    await subscribe(ledger, subscriber.url)
    await ledger.submit(a_certificate("VN-1"))
    await ledger.submit(a_certificate("VN-2"))
    (late,) = await ledger.claim_webhooks(lease_s=0)
    (other,) = await ledger.claim_webhooks(lease_s=60)

    async with Teller(ledger, lambda: AT, named=(HERE,)) as teller:
        await teller.serve(late)
        await teller.serve(other)

    assert subscriber.ids == [(await cursors(ledger))[0], *await cursors(ledger)]


async def test_nobody_waits_for_a_subscriber_that_hangs(ledger: Ledger, subscriber: Subscriber) -> None:
    silent = socket.create_server((HERE, 0))
    await subscribe(ledger, f"http://{HERE}:{silent.getsockname()[1]}/events")
    await ledger.add_webhook(
        "b-system",
        url=subscriber.url,
        role="operator",
        organisation=None,
        secret=new_secret(),
        after="0",
        at=AT,
        who="admin",
    )
    await ledger.submit(a_certificate())

    async with Teller(ledger, lambda: AT, named=(HERE,)) as teller, asyncio.timeout(30):
        await teller.look()
        while len(subscriber.came) < len(await cursors(ledger)):  # noqa: ASYNC110  (another process' work)
            await asyncio.sleep(0.02)
    silent.close()

    assert subscriber.ids == await cursors(ledger)


# ---- addresses ---------------------------------------------------------------------------------------------


async def test_an_internal_address_is_not_called_unless_it_is_named(
    ledger: Ledger, subscriber: Subscriber
) -> None:
    await subscribe(ledger, subscriber.url.replace("http://", "https://"))
    await ledger.submit(a_certificate())

    row = await look(ledger, named=(), waits_s=[0.0] * 9)

    assert (row.state, row.cause) == ("suspended", f"T04: {HERE} is an internal address")
    assert subscriber.came == []


async def test_a_name_that_leads_inside_is_not_called(ledger: Ledger, subscriber: Subscriber) -> None:
    await subscribe(ledger, f"https://localhost:{subscriber.url.rsplit(':')[-1]}")
    await ledger.submit(a_certificate())

    row = await look(ledger, named=(), waits_s=[0.0] * 9)

    assert (row.state, row.cause) == ("suspended", "T04: localhost has internal addresses alone")
    assert subscriber.came == []


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("203.0.114.5", True),
        ("2a00:1450:4001::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
    ],
)
def test_what_is_outside(address: str, outside: bool) -> None:
    assert is_outside(address) is outside


@pytest.mark.parametrize("url", ["http://system.example/x", "https://[::1]/x", "https://127.0.0.1/x"])
def test_an_address_that_must_not_be_called_is_told_before_anybody_is_asked(url: str) -> None:
    with pytest.raises(NotOutside):
        check_url(url, ())


def test_hosts_that_the_installation_names_may_be_inside() -> None:
    check_url("http://127.0.0.1:9/x", ("127.0.0.1",))


class Names(AbstractResolver):
    """Resolves every name to these addresses."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
            for one in self._addresses
        ]

    async def close(self) -> None:
        """Nothing to close."""


async def test_of_several_addresses_only_those_outside_are_called() -> None:
    found = await Outside((), Names("10.0.0.1", "203.0.114.5")).resolve("system.example", 443)

    assert [one["host"] for one in found] == ["203.0.114.5"]
