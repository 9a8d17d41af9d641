"""The console beside a full store: what each page costs, and how soon the board shows what happened."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from types import MappingProxyType

import aiohttp
from yarl import URL

from bench.database import Server
from bench.figures import Check
from bench.gateways import RECEIVER, Gateway, neighbourhood
from bench.ground import Ground
from bench.processes import cpu_s
from bench.seeding import seed
from gateway.domain.caller import Role

NAME = "console"
OPENED = 40  # times each page
IDLE_S = 2.0
SHOWN = 6  # times something happens that the board shows
PAGE_MOST_MS = 100.0
LIVE_MOST_S = 3.0
_FIRST_WITHIN = aiohttp.ClientTimeout(total=600)

#: A store's certificates are called ``SEED 1`` and on; see ``seeding``.
PAGES = MappingProxyType(
    {
        "board": "/console/",
        "messages": "/console/messages",
        "messages of a state": "/console/messages?status=delivered&form=rcep/form-rcep&party=TH.CUSTOMS",
        "messages of a day": "/console/messages?from={day}&to={day}",
        "one certificate": "/console/certificates/VN/form-rcep/SEED%2077",
        "what was looked for": "/console/find?q=seed+4711",
        "deliveries that wait": "/console/waiting?party=TH.CUSTOMS",
        "lane": "/console/lanes/TH.CUSTOMS",
        "exceptions": "/console/exceptions",
        "verifications": "/console/verifications",
        "parties": "/console/parties",
        "report": "/console/reports",
        "audit": "/console/audit",
        "what people did": "/console/audit?people=yes",
        "sessions": "/console/sessions",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """
    What opening a page came to.

    Attributes:
        cpu_ms: gateway's and PostgreSQL's together, without what they use when nobody asks.
        median_ms, late_ms: until the page is there; 95 of 100 take at most *late_ms*.
    """

    cpu_ms: float
    median_ms: float
    late_ms: float


@dataclass(frozen=True, slots=True)
class _Spent:
    """CPU time that a gateway and its PostgreSQL have used so far, seconds."""

    gateway: int
    server: Server

    def __call__(self) -> float:
        return cpu_s(self.gateway) + self.server.cpu_s()

    async def idle(self) -> float:
        """What they use while nobody asks, seconds a second: the watch catches up with what was seeded."""
        began, before = time.perf_counter(), self()
        await asyncio.sleep(IDLE_S)
        return (self() - before) / (time.perf_counter() - began)


async def console(ground: Ground) -> Check:
    """How near pages and board come to what they may take, whichever is nearer."""

    async def fill(database: str, party: str) -> None:
        ground.say(f"{NAME}: writing {ground.stored} messages into the store of {party}")
        await seed(database, party, ground.stored if party != RECEIVER else 1)

    where = neighbourhood(ground.work / NAME, ground.server, name=NAME, prepared=fill)
    async with where as gateways, _operator(gateways.sender) as person:
        began = time.monotonic()
        await _open(person, PAGES["board"])  # counts the days of all that was seeded
        first_s = time.monotonic() - began
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        spent = _Spent(gateways.sender.pid, ground.server)
        pages = {name: await _opened(person, path.format(day=today), spent) for name, path in PAGES.items()}
        live = await _live(person)
    dearest = max(page.cpu_ms for page in pages.values())
    return Check(
        name=NAME,
        says=f"pages and board with {ground.stored} messages stored, as a share of what they may take",
        value=max(dearest / PAGE_MOST_MS, max(live) / LIVE_MOST_S),
        at_most=1.0,
        figures={
            "stored": ground.stored,
            "first_board_s": round(first_s, 2),
            "pages": {name: asdict(page) for name, page in pages.items()},
            "live_s": [round(each, 2) for each in live],
        },
    )


@asynccontextmanager
async def _operator(gateway: Gateway) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody who signed in at the console, by a token of the development issuer."""
    token = gateway.token(Role.OPERATOR)
    jar = aiohttp.CookieJar(unsafe=True)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(gateway.url, cookie_jar=jar, timeout=_FIRST_WITHIN) as person:
        form = {"token": token, "next": "/console/sessions"}
        async with person.post("/console/sign-in/token", data=form, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()
            cookie = SimpleCookie(answer.headers["Set-Cookie"])
        person.cookie_jar.update_cookies(cookie, URL(gateway.url))
        person.headers.update(headers)
        yield person


async def _open(person: aiohttp.ClientSession, path: str) -> None:
    async with person.get(URL(path, encoded=True)) as answer:
        assert answer.status == 200, f"{path}: {answer.status}"
        await answer.read()


async def _opened(person: aiohttp.ClientSession, path: str, spent: _Spent) -> Opened:
    took = []
    idle = await spent.idle()
    started, before = time.perf_counter(), spent()
    for _ in range(OPENED):
        began = time.perf_counter()
        await _open(person, path)
        took.append((time.perf_counter() - began) * 1e3)
    used = spent() - before - idle * (time.perf_counter() - started)
    return Opened(
        cpu_ms=round(max(0.0, used) / OPENED * 1e3, 1),
        median_ms=round(statistics.median(took), 1),
        late_ms=round(statistics.quantiles(took, n=20)[-1], 1),
    )


async def _live(person: aiohttp.ClientSession) -> list[float]:
    """How long after an operator's decision the board's stream tells of it, seconds."""
    took = []
    async with person.get("/console/stream?page=board") as stream:
        for number in range(SHOWN):
            verb, sign = ("suspend", b"Suspended by") if number % 2 == 0 else ("resume", b">Open<")
            await asyncio.sleep(number / SHOWN)  # not always just after a round
            began = time.perf_counter()
            async with person.post(f"/api/v1/parties/{RECEIVER}/{verb}", json={}) as answer:
                assert answer.status == 200, await answer.text()
            async with asyncio.timeout(60):
                while sign not in await stream.content.readuntil(b"\n\n"):
                    pass
            took.append(time.perf_counter() - began)
    return took
