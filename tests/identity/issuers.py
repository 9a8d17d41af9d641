"""An issuer whose keys change and whose line can be cut; it signs whatever a test wants."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey


class IssuerThatChanges:
    """Its ``url`` is known once it listens."""

    def __init__(self) -> None:
        self.keys = [ECKey.generate_key("P-256", auto_kid=True)]
        self.url = ""
        self.calls_itself: str | None = None
        self.is_down = False
        self.asked: list[str] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[IssuerThatChanges]:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/jwks", self._jwks)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    def change_keys(self, *, keep_old: bool) -> None:
        made = ECKey.generate_key("P-256", auto_kid=True)
        self.keys = [made, *self.keys] if keep_old else [made]

    def token(self, **differently: Any) -> str:
        claims = {
            "iss": self.url,
            "aud": "VN.MOIT",
            "sub": "s",
            "roles": ["operator"],
            "exp": time.time() + 60,
        }
        key = self.keys[0]
        return jwt.encode({"alg": "ES256", "kid": key.kid}, claims | differently, key)

    async def _discovery(self, request: web.Request) -> web.Response:
        self._answer(request)
        doors = {name: f"{self.url}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
        return web.json_response(
            {"issuer": self.calls_itself or self.url, "jwks_uri": f"{self.url}/jwks", **doors}
        )

    async def _jwks(self, request: web.Request) -> web.Response:
        self._answer(request)
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    def _answer(self, request: web.Request) -> None:
        self.asked.append(request.path)
        if self.is_down:
            raise web.HTTPServiceUnavailable
