"""
A development identity provider: it speaks OpenID Connect as a real one does, and believes everybody.

It stands in for a country's own in the demonstration, on loopback alone, and says so in red on its one page.
"""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey

from gateway.domain.caller import Role

CODE_S = 60
TOKEN_S = 300
CLIENT = "eco-gateway"

#: Who may be chosen: a name and the roles that go with it.
PEOPLE: Mapping[str, tuple[str, tuple[Role, ...]]] = MappingProxyType(
    {
        "operator-03": ("Operator 03", (Role.OPERATOR,)),
        "auditor-01": ("Auditor 01", (Role.AUDITOR,)),
        "administrator-01": ("Administrator 01", (Role.ADMINISTRATOR,)),
        "issuing-officer": ("Issuing officer", (Role.ISSUER,)),
        "customs-officer": ("Customs officer", (Role.CUSTOMS,)),
        "administrator-02": ("Administrator 02, for four eyes", (Role.ADMINISTRATOR,)),
        "visitor": ("Somebody without a role", ()),
    }
)

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Development identity provider</title>
<style>
body {{ font: 18px/1.6 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem; }}
h1 {{ color: #9b1420; font-size: 1.5rem; }}
</style>
<h1>DEVELOPMENT identity provider</h1>
<p>It asks for no password and believes whatever you choose. It is for demonstrations alone and must never
stand before real certificates.</p>
<p>Be:</p><ul>{people}</ul></html>"""


@dataclass(frozen=True, slots=True)
class _Code:
    subject: str
    nonce: str
    challenge: str
    redirect_uri: str
    ends: float


class DevelopmentProvider:
    """The provider; ``url`` is known once it listens."""

    def __init__(self) -> None:
        self._key = ECKey.generate_key("P-256", auto_kid=True)
        self._codes: dict[str, _Code] = {}
        self.url = ""

    @asynccontextmanager
    async def listening(self, host: str) -> AsyncIterator[DevelopmentProvider]:
        """Listen on a free port of *host* for as long as the block lasts."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, 0).start()
            self.url = f"http://{host}:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    def token(self, party: str, roles: Iterable[Role], ttl_s: int) -> str:
        """A bearer token for the national API of *party*."""
        names = sorted(set(roles))
        return self._signed({"sub": "+".join(names), "aud": party, "roles": names}, ttl_s)

    async def _discovery(self, _: web.Request) -> web.Response:
        doors = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        return web.json_response(
            {"issuer": self.url, **{name: f"{self.url}/{path}" for name, path in doors.items()}}
        )

    async def _jwks(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self._key.as_dict(private=False)]})

    async def _authorize(self, request: web.Request) -> web.Response:
        """Who would you like to be? Once chosen, back to where the browser came from."""
        query = request.query
        back = query.get("redirect_uri", "")
        if query.get("client_id") != CLIENT or urlsplit(back).hostname != urlsplit(self.url).hostname:
            return web.Response(status=400, text="not one of this demonstration's gateways")
        subject = query.get("be", "")
        if subject not in PEOPLE:
            links = "".join(
                f'<li><a href="?{html.escape(urlencode({**query, "be": one}))}">{html.escape(name)}</a></li>'
                for one, (name, _) in PEOPLE.items()
            )
            return web.Response(text=_PAGE.format(people=links), content_type="text/html")
        code = secrets.token_urlsafe(24)
        ends = time.monotonic() + CODE_S
        nonce, challenge = query.get("nonce", ""), query.get("code_challenge", "")
        self._codes[code] = _Code(subject, nonce, challenge, back, ends)
        raise web.HTTPSeeOther(f"{back}?{urlencode({'code': code, 'state': query.get('state', '')})}")

    async def _token(self, request: web.Request) -> web.Response:
        """An ID token for a code, once, to who holds the verifier."""
        form = await request.post()
        code = self._codes.pop(str(form.get("code")), None)
        digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            code is None
            or time.monotonic() > code.ends
            or challenge != code.challenge
            or form.get("redirect_uri") != code.redirect_uri
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        name, roles = PEOPLE[code.subject]
        claims = {
            "sub": code.subject,
            "name": name,
            "aud": CLIENT,
            "nonce": code.nonce,
            "roles": sorted(roles),
        }
        token = self._signed(claims, TOKEN_S)
        return web.json_response({"id_token": token, "access_token": "none", "token_type": "Bearer"})

    def _signed(self, claims: Mapping[str, Any], ttl_s: int) -> str:
        now = int(time.time())
        header = {"alg": "ES256", "kid": self._key.kid}
        return jwt.encode(header, {**claims, "iss": self.url, "iat": now, "exp": now + ttl_s}, self._key)
