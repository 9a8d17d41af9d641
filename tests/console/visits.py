"""Somebody at the console of a whole node: signs in, opens pages, fills forms; a browser without scripts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from gateway.domain.caller import Role
from tests.exchange.contract import Exchanged, Pair, Side

FINDING = {
    "code": "C04",
    "severity": "error",
    "box": "9",
    "path": "/CertificateOfOrigin/Items/Item/Quantity",
    "line": 1,
    "text": "The quantity is not that of the goods",
    "action": "Compare it with the packing list.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: Mapping[str, str]


class Person:
    """Signed in, or not yet: then nobody."""

    def __init__(self, session: aiohttp.ClientSession, url: str, cookie: str = "") -> None:
        self.url = url
        self.cookie = cookie
        self._session = session

    async def open(self, path: str, **headers: str) -> Answer:
        return await self._ask("GET", path, headers=headers)

    async def send(
        self, path: str, form: Iterable[tuple[str, str]] = (), *, token: str | None = None, **headers: str
    ) -> Answer:
        """Post a form; its token is read from the page of sessions unless one is given."""
        fields = [*form, ("form_token", await self.token() if token is None else token)]
        return await self._ask("POST", path, headers={"Origin": self.url} | headers, data=fields)

    async def token(self) -> str:
        found = re.search(r'name="form_token" value="(\w+)"', (await self.open("/console/sessions")).text)
        return "" if found is None else found[1]

    async def _ask(self, method: str, path: str, *, headers: Mapping[str, str], **rest: Any) -> Answer:
        more = dict(headers) | ({"Cookie": self.cookie} if self.cookie else {})
        async with self._session.request(
            method, URL(self.url + path, encoded=True), headers=more, allow_redirects=False, **rest
        ) as answer:
            return Answer(answer.status, await answer.text(errors="replace"), answer.headers.copy())


async def sign_in(side: Side, *roles: Role, organisation: str | None = None) -> Person:
    """By a token of the development issuer."""
    caller = side.as_(*roles, organisation=organisation)
    nobody = Person(side.session, side.url)
    answer = await nobody.send("/console/sign-in/token", [("token", caller.token or "")], token="")
    assert answer.status == 303, answer.text
    cookie = SimpleCookie(answer.headers["Set-Cookie"])
    name = next(iter(cookie))
    return Person(side.session, side.url, f"{name}={cookie[name].value}")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One certificate is through, one was rejected with a finding, two wait for a party that is down."""

    pair: Pair
    through: Exchanged
    rejected: Exchanged
    waiting: tuple[Exchanged, ...]

    def page(self, one: Exchanged) -> str:
        return f"/console/messages/{quote(one.message_id, safe='')}"


async def set_scene(pair: Pair) -> Scene:
    through = await pair.exchange(organisation="HN")
    rejected = await pair.exchange(organisation="HN")
    await pair.th.customs.post(
        f"{rejected.inbox}/acknowledgement", {"outcome": "rejected", "findings": [FINDING]}
    )
    await pair.vn.operator.until(
        rejected.message, lambda m: (m["acknowledgement"] or {}).get("outcome") == "rejected"
    )
    waiting = tuple([await pair.submitted(importing_country="MY") for _ in range(2)])
    await pair.vn.operator.until(
        waiting[0].message, lambda m: m["attempts"] and m["delivery"] == "awaiting_retry"
    )
    return Scene(pair=pair, through=through, rejected=rejected, waiting=waiting)


def words(html: str) -> str:
    """What a reader reads."""
    body = html.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


@asynccontextmanager
async def stream(person: Person, **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"{person.url}/console/stream?page=board",
            headers={"Cookie": person.cookie, "Accept": "text/event-stream"} | headers,
        ) as response,
    ):
        yield response
