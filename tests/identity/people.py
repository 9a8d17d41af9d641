"""An OpenID Connect provider that is not ours, and a gateway's door for people before a ledger of its own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import aiohttp
import oidc_provider_mock
from yarl import URL

from gateway.identity.grants import Grants
from gateway.identity.provider import Provider
from gateway.identity.signing_in import Client, From, SignIns
from gateway.store.ledger import Ledger

CLIENT = "eco-gateway"
BACK = "http://127.0.0.1:1/console/signed-in"
CAME = From(address="192.0.2.7", agent="a browser")
PEOPLE = (
    oidc_provider_mock.User(sub="operator-03", claims={"name": "Operator 03", "roles": ["operator"]}),
    oidc_provider_mock.User(sub="nobody", claims={"name": "Nobody", "roles": ["king"]}),
    oidc_provider_mock.User(sub="exporter-7", claims={"roles": ["exporter"], "org": "IEC-0388"}),
)


def real_now() -> datetime:
    """The provider's tokens follow the real clock, so its client does."""
    return datetime.now(UTC)


@contextmanager
def provider_running() -> Iterator[str]:
    """The provider, over real HTTP on loopback; its issuer URL."""
    with oidc_provider_mock.run_server_in_thread(user_claims=PEOPLE) as server:
        yield f"http://localhost:{server.server_port}"


@asynccontextmanager
async def door_to(issuer: str, ledger: Ledger) -> AsyncIterator[tuple[SignIns, Provider]]:
    """The door for people that this issuer vouches for."""
    async with aiohttp.ClientSession() as client:
        provider = Provider(issuer, client)
        known_as = Client(client_id=CLIENT, secret="anything", redirect_uri=BACK)
        yield SignIns(ledger, real_now, Grants(), provider=provider, client=known_as), provider


async def approve(url: str, subject: str) -> dict[str, str]:
    """Be *subject* at the provider's page, and say what it sends the browser back with."""
    async with (
        aiohttp.ClientSession() as browser,
        browser.post(URL(url, encoded=True), data={"sub": subject}, allow_redirects=False) as answer,
    ):
        assert answer.status == 302, await answer.text()
        back = urlsplit(answer.headers["Location"])
        return {name: values[0] for name, values in parse_qs(back.query).items()}


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
