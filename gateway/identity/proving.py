"""How the callers of the national API prove who they are: a client certificate, or else a bearer token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from gateway.domain.caller import Caller
from gateway.domain.clock import Clock
from gateway.domain.ids import PartyId
from gateway.identity.grants import Grants
from gateway.identity.kept import Away
from gateway.identity.provider import Provider
from gateway.intake.callers import bearer
from gateway.intake.problems import come_back_later

Prove = Callable[[web.Request], Awaitable[Caller]]


def prover(tokens: Callable[[str], Awaitable[Caller]], grants: Grants) -> Prove:
    """Make the function that finds out who calls; it raises ``NotProven`` for a stranger."""

    async def prove(request: web.Request) -> Caller:
        if request.headers.get(hdrs.AUTHORIZATION) is None and (shown := _certificate(request)):
            return grants.certified(shown)
        return await tokens(bearer(request.headers.get(hdrs.AUTHORIZATION)))

    return prove


def tokens_of(
    provider: Provider, grants: Grants, home: PartyId, clock: Clock
) -> Callable[[str], Awaitable[Caller]]:
    """The tokens of an OpenID Connect issuer that name *home* as their audience."""

    async def prove(token: str) -> Caller:
        try:
            claims = await provider.claims(token, audience=home, at=clock())
        except Away:
            raise come_back_later("The issuer of the token cannot be asked for its keys.") from None
        return grants.person(claims).caller

    return prove


def development_tokens(verify: Callable[[str], Caller]) -> Callable[[str], Awaitable[Caller]]:
    """The tokens of the development issuer."""

    async def prove(token: str) -> Caller:
        return verify(token)

    return prove


def _certificate(request: web.Request) -> bytes | None:
    tls = None if request.transport is None else request.transport.get_extra_info("ssl_object")
    shown: bytes | None = None if tls is None else tls.getpeercert(binary_form=True)
    return shown
