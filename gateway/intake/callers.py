"""Who is calling: a bearer token is checked in full before anything else of a request is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gateway.domain.caller import Caller, Role
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError
from gateway.domain.ids import PartyId
from gateway.intake.issuer import ALGORITHM, ISSUER

SKEW_S = 60
_TOKENS_REMEMBERED = 1024


class NotProven(GatewayError):
    """No credential, or one that does not hold; why is for our log, never for the stranger."""


def bearer(authorization: str | None) -> str:
    """
    The token of an ``Authorization`` header.

    Raises:
        NotProven: there is none.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotProven("no bearer token")
    return token.strip()


def verifier(public_jwk: str, home: PartyId, clock: Clock) -> Callable[[str], Caller]:
    """
    Make the function that turns a token into its proven caller, or raises ``NotProven``.

    In this order: the signature by *public_jwk* with the one algorithm we sign with (``none`` and every other
    are refused), the issuer, the audience *home*, and that the token counts now by *clock*. It ends on the
    second it names; its beginning may lie ``SKEW_S`` ahead of our clock.

    Args:
        public_jwk: the issuer's public key, as ``issuer.public_jwk`` gives it.
    """
    key = ECKey.import_key(json.loads(public_jwk))

    @lru_cache(maxsize=_TOKENS_REMEMBERED)
    def signed_claims(token: str) -> Mapping[str, Any]:
        try:
            return jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError) as error:
            raise NotProven(f"not signed by our issuer: {error}") from None

    def verify(token: str) -> Caller:
        claims = signed_claims(token)
        meant_for(claims, issuer=ISSUER, audience=home)
        counts_at(claims, clock().timestamp())
        return _caller(claims)

    return verify


def meant_for(claims: Mapping[str, Any], *, issuer: str, audience: str) -> None:
    """
    Hold the *claims* of a token against who must have made it, and for whom.

    Raises:
        NotProven: another issuer's, or meant for somebody else.
    """
    named = claims.get("aud")
    if claims.get("iss") != issuer:
        raise NotProven("another issuer")
    if audience not in (named if isinstance(named, list) else [named]):
        raise NotProven("meant for another audience")


def counts_at(claims: Mapping[str, Any], now: float) -> None:
    """
    Hold the *claims* of a token against the time, in seconds since the epoch.

    Raises:
        NotProven: it has ended, has not begun, or says no end.
    """
    ends, begins = _number(claims.get("exp")), _number(claims.get("nbf", 0))
    if now >= ends:
        raise NotProven("expired")
    if now + SKEW_S < begins:
        raise NotProven("not yet valid")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotProven("without an end, or with times that are no numbers")
    return value


def _caller(claims: Mapping[str, Any]) -> Caller:
    subject, organisation, names = claims.get("sub"), claims.get("org"), claims.get("roles")
    if not isinstance(subject, str) or not subject:
        raise NotProven("without a subject")
    if not isinstance(organisation, str | None) or not isinstance(names, list):
        raise NotProven("with an organisation or roles that cannot be read")
    roles = frozenset(role for role in Role if role.value in names)
    return Caller(subject=subject, roles=roles, organisation=organisation or None)
