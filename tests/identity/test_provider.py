"""Tokens of an issuer: what holds, what does not, and what becomes of them when the issuer is away."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from gateway.identity.kept import Away, Kept
from gateway.identity.provider import Provider
from gateway.intake.callers import NotProven
from tests.identity.issuers import IssuerThatChanges


@pytest.fixture
async def issuer() -> AsyncIterator[IssuerThatChanges]:
    async with IssuerThatChanges().listening() as running:
        yield running


@pytest.fixture
async def provider(issuer: IssuerThatChanges) -> AsyncIterator[Provider]:
    async with aiohttp.ClientSession() as client:
        yield Provider(issuer.url, client)


async def subject(provider: Provider, token: str) -> object:
    claims = await provider.claims(token, audience="VN.MOIT", at=datetime.now(UTC))
    return claims["sub"]


async def test_a_token_of_the_issuer_holds_and_its_keys_are_asked_for_once(
    issuer: IssuerThatChanges, provider: Provider
) -> None:
    assert [await subject(provider, issuer.token(sub=name)) for name in "abc"] == ["a", "b", "c"]
    assert issuer.asked == ["/.well-known/openid-configuration", "/jwks"]


async def test_what_does_not_hold_is_not_proven(issuer: IssuerThatChanges, provider: Provider) -> None:
    await subject(provider, issuer.token())
    public = OctKey.import_key(json.dumps(issuer.keys[0].as_dict(private=False)))
    stranger = IssuerThatChanges()
    stranger.url = issuer.url
    stranger.keys[0].as_dict()
    bad = {
        "expired": issuer.token(exp=1),
        "for somebody else": issuer.token(aud="TH.CUSTOMS"),
        "another issuer": issuer.token(iss="https://id.example"),
        "another key": stranger.token(),
        "the public key as a secret": jwt.encode(
            {"alg": "HS256"}, {"sub": "s"}, public, algorithms=["HS256"]
        ),
        "cut": issuer.token()[:-4],
        "no token": "x.y.z",
        "nothing": "",
    }

    for why, token in bad.items():
        with pytest.raises(NotProven):
            pytest.fail(f"{why}: {await subject(provider, token)}")


async def test_a_new_key_is_known_at_once_and_one_taken_back_no_more(
    issuer: IssuerThatChanges, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.identity.kept.REST_S", 0.0)
    old = issuer.token(sub="old")
    assert await subject(provider, old) == "old"

    issuer.change_keys(keep_old=True)
    assert await subject(provider, issuer.token(sub="new")) == "new"
    assert await subject(provider, old) == "old"

    issuer.change_keys(keep_old=False)
    assert await subject(provider, issuer.token(sub="newest")) == "newest"
    with pytest.raises(NotProven):
        await subject(provider, old)


async def test_an_issuer_that_is_down_locks_nobody_out(issuer: IssuerThatChanges, provider: Provider) -> None:
    await subject(provider, issuer.token())
    issuer.is_down = True

    assert await subject(provider, issuer.token(sub="later")) == "later"


async def test_an_issuer_that_never_answered_is_away(issuer: IssuerThatChanges, provider: Provider) -> None:
    issuer.is_down = True

    with pytest.raises(Away):
        await subject(provider, issuer.token())


async def test_an_issuer_that_calls_itself_otherwise_is_not_believed(
    issuer: IssuerThatChanges, provider: Provider
) -> None:
    issuer.calls_itself = "https://id.example"

    with pytest.raises(Away, match="calls itself"):
        await subject(provider, issuer.token())


class SourceThatFails:
    """Counts how often it is asked; answers while it is up."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_up = True

    async def fetch(self) -> int:
        self.asked += 1
        if not self.is_up:
            raise Away("down")
        return self.asked


async def test_what_is_kept_counts_for_a_day_while_its_source_is_down() -> None:
    source, now = SourceThatFails(), [0.0]
    kept = Kept(source.fetch, lambda: now[0])
    assert await kept.get() == 1
    source.is_up = False

    now[0] = 3_700.0
    assert [await kept.get() for _ in range(5)] == [1] * 5
    assert source.asked == 2  # it rests after it failed
    now[0] = 86_500.0
    with pytest.raises(Away):
        await kept.get()
    now[0], source.is_up = 86_600.0, True
    assert await kept.get() == 4
