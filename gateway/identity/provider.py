"""
An OpenID Connect provider as we need it: where it sends people, what it gives for a code, whose tokens hold.

OpenID Connect Discovery 1.0 says where things are, RFC 7517 how keys are told. Both are kept (``Kept``), so
an issuer that is down for an hour locks out nobody who is signed in and no system that holds a token; a key
we do not know is looked for at once, so keys may change over at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
from aiohttp import hdrs
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from gateway.identity.kept import Away, Kept
from gateway.intake.callers import NotProven, counts_at, meant_for
from gateway.settings import is_guarded

#: Signatures by a private key alone; a shared secret or none at all is never enough.
ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512")
ANSWER_WITHIN_S = 10
_TOKENS_REMEMBERED = 1024
_MOST_BYTES = 256 * 1024

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a provider calls itself, and where its doors are."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Provider:
    """
    One issuer, asked over *client*.

    Args:
        issuer: its URL as its tokens name it, without a slash at the end.
    """

    def __init__(self, issuer: str, client: aiohttp.ClientSession) -> None:
        self.issuer = issuer
        self._client = client
        self._metadata = Kept(self._discover)
        self._keys = Kept(self._fetch_keys)
        self._checked: dict[str, tuple[KeySet, Claims]] = {}

    async def metadata(self) -> Metadata:
        """
        Where its doors are.

        Raises:
            Away: it does not answer and never did.
        """
        return await self._metadata.get()

    async def claims(self, token: str, *, audience: str, at: datetime) -> Claims:
        """
        What *token* says, once its signature, its issuer, its audience and its times have been checked.

        Raises:
            NotProven: one of them does not hold.
            Away: the issuer's keys are not to be had.
        """
        claims = await self._signed(token)
        meant_for(claims, issuer=(await self.metadata()).issuer, audience=audience)
        counts_at(claims, at.timestamp())
        return claims

    async def redeem(
        self, code: str, *, verifier: str, redirect_uri: str, client_id: str, secret: str | None
    ) -> str:
        """
        The ID token for a *code* that came back from a sign-in.

        Raises:
            NotProven: the provider does not take the code.
            Away: it does not answer.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        if secret is None:
            form["client_id"] = client_id
        told = {} if secret is None else {hdrs.AUTHORIZATION: aiohttp.encode_basic_auth(client_id, secret)}
        endpoint = (await self.metadata()).token_endpoint
        answer = await self._json("POST", endpoint, data=form, headers=told)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise NotProven(f"the provider gives no ID token: {str(answer.get('error'))[:80]}")
        return token

    async def _signed(self, token: str) -> Claims:
        keys = await self._keys.get()
        known = self._checked.get(token)
        if known is not None and known[0] is keys:
            return known[1]
        if not _names_a_key(token, keys):
            keys = await self._keys.renewed()
        try:
            claims: Claims = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError) as error:
            raise NotProven(f"not signed by our issuer: {error}") from None
        if len(self._checked) >= _TOKENS_REMEMBERED:
            self._checked.clear()
        self._checked[token] = (keys, claims)
        return claims

    async def _discover(self) -> Metadata:
        told = await self._json("GET", f"{self.issuer}/.well-known/openid-configuration")
        if str(told.get("issuer")).rstrip("/") != self.issuer:
            raise Away(f"it calls itself {str(told.get('issuer'))[:200]!r}, not {self.issuer!r}")
        doors = {name: told.get(name) for name in Metadata.__slots__}
        for name, url in doors.items():
            if not isinstance(url, str) or not is_guarded(url):
                raise Away(f"its {name} is no https:// address")
        return Metadata(**{name: str(url) for name, url in doors.items()})

    async def _fetch_keys(self) -> KeySet:
        told = await self._json("GET", (await self._metadata.get()).jwks_uri)
        usable = [key for key in told.get("keys", ()) if key.get("use", "sig") == "sig"]
        try:
            return KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise Away(f"its keys cannot be read: {error}") from None

    async def _json(self, method: str, url: str, **rest: Any) -> dict[str, Any]:
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        try:
            async with self._client.request(
                method, url, timeout=limit, allow_redirects=False, **rest
            ) as answer:
                if answer.status >= 500 or (answer.content_length or 0) > _MOST_BYTES:
                    raise Away(f"{url} answers {answer.status}")
                told = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Away(f"{url}: {str(error) or type(error).__name__}") from None
        if not isinstance(told, dict):
            raise Away(f"{url} answers {answer.status} without an object")
        return told


def _names_a_key(token: str, keys: KeySet) -> bool:
    try:
        kid = extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError) as error:
        raise NotProven(f"not a token: {error}") from None
    return kid is None or any(key.kid == kid for key in keys.keys)
