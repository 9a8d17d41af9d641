"""
Signing in and staying signed in.

The way of a sign-in (OpenID Connect, authorisation code):

1. ``begin``: a state, a nonce and a PKCE verifier are made and kept for ten minutes, the browser gets a
   cookie of its own, and is sent to the provider.
2. The provider sends it back with a code and the state. ``finish`` takes what was kept, once, and only for
   the browser that began; redeems the code with the verifier; checks the ID token and its nonce.
3. A session is opened under a new random id. The ledger knows its SHA-256 alone.

What a form of this console posts carries a token made from the session's id, which no other site can know.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from gateway.domain.clock import Clock
from gateway.identity.grants import Grants, Person
from gateway.identity.kept import Away
from gateway.identity.provider import Provider
from gateway.intake.callers import NotProven
from gateway.store.ledger import Ledger
from gateway.store.sessions import SessionRow, SignInRow

SCOPE = "openid profile"
_INSIDE = re.compile(r"/console/[!-\[\]-~]*")  # no blank, no backslash, nothing that is not ASCII
_MOST = 300


class SignInRefused(Exception):
    """Not let in; the text is for the person who stands before the door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What a provider knows us as."""

    client_id: str
    secret: str | None
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class From:
    """Where a request comes from, as the event log tells it."""

    address: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where to send the browser, and the cookie by which it is known when it comes back."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session's id, for the cookie alone, and where its holder wanted to go."""

    session_id: str
    return_to: str


def inside(path: str | None) -> str:
    """*path* if it leads to a page of the console, else the console's first page: no open redirect."""
    if path and len(path) <= _MOST and _INSIDE.fullmatch(path):
        return path
    return "/console/"


def form_token(session_id: str) -> str:
    """What a form of the session must carry."""
    return hmac.new(session_id.encode(), b"form", hashlib.sha256).hexdigest()


def digest_of(secret: str) -> bytes:
    """How a cookie or a state is known in the ledger."""
    return hashlib.sha256(secret.encode()).digest()


class SignIns:
    """
    The door for people.

    Args:
        provider: who vouches for them; where none is set, people come in by ``admit`` alone.
        client: what the provider knows us as.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        grants: Grants,
        *,
        provider: Provider | None = None,
        client: Client | None = None,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._grants = grants
        self._provider = provider
        self._client = client

    async def begin(self, return_to: str | None, *, again: bool = False) -> Begun:
        """
        Begin a sign-in at the provider.

        Args:
            again: the provider shall ask who it is, though it may know.

        Raises:
            SignInRefused: the provider does not answer.
        """
        provider, client = self._at_provider()
        state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
        try:
            door = (await provider.metadata()).authorization_endpoint
        except Away as error:
            raise SignInRefused(f"The identity provider cannot be reached: {error}") from None
        kept = SignInRow(nonce=nonce, verifier=verifier, return_to=inside(return_to))
        await self._ledger.begin_sign_in(digest_of(state), digest_of(browser), kept, at=self._clock())
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **({"prompt": "login"} if again else {}),
        }
        return Begun(url=f"{door}{'&' if '?' in door else '?'}{urlencode(query)}", browser=browser)

    async def finish(self, *, state: str, code: str, browser: str, came: From, instead: str = "") -> Opened:
        """
        Let in who comes back from the provider.

        Args:
            instead: what the provider says where it gives no *code*.

        Raises:
            SignInRefused: it was not begun by this browser, or what came back does not hold, or its holder
                has no role here.
        """
        provider, client = self._at_provider()
        begun = await self._ledger.take_sign_in(digest_of(state), digest_of(browser), at=self._clock())
        if begun is None:
            await self._refused(None, "not begun in this browser, or too long ago", came)
            raise SignInRefused("This sign-in was not begun in this browser, or longer than ten minutes ago.")
        if not code:
            await self._refused(None, f"the provider sent no code: {instead}", came)
            raise SignInRefused(f"The identity provider sent you back: {instead}.")
        try:
            token = await provider.redeem(
                code,
                verifier=begun.verifier,
                redirect_uri=client.redirect_uri,
                client_id=client.client_id,
                secret=client.secret,
            )
            claims = await provider.claims(token, audience=client.client_id, at=self._clock())
            if not hmac.compare_digest(str(claims.get("nonce")), begun.nonce):
                raise NotProven("its nonce is another's")
            person = self._grants.person(claims)
        except (NotProven, Away) as error:
            await self._refused(None, str(error), came)
            raise SignInRefused("The identity provider's answer does not hold. It has been logged.") from None
        return Opened(session_id=await self._open(person, provider.issuer, came), return_to=begun.return_to)

    async def admit(self, person: Person, provider: str, came: From) -> str:
        """
        Open a session for somebody who has been proven another way; its id.

        Raises:
            SignInRefused: no role here.
        """
        return await self._open(person, provider, came)

    async def refused(self, reason: str, came: From) -> None:
        """Tell of somebody who showed something that does not hold."""
        await self._refused(None, reason, came)

    async def session(self, session_id: str, *, prolong: bool = True) -> SessionRow | None:
        """The session of a cookie, None when it has ended."""
        return await self._ledger.session(digest_of(session_id), at=self._clock(), prolong=prolong)

    async def _open(self, person: Person, provider: str, came: From) -> str:
        if not person.caller.roles:
            await self._refused(person.caller.subject, "no role here", came)
            raise SignInRefused(
                f"{person.name} is known to the identity provider, but has no role at this gateway."
                " Ask an administrator."
            )
        session_id = secrets.token_urlsafe(32)
        await self._ledger.open_session(
            digest_of(session_id),
            person.caller,
            name=person.name,
            provider=provider,
            address=came.address,
            agent=came.agent,
            at=self._clock(),
        )
        return session_id

    async def _refused(self, who: str | None, reason: str, came: From) -> None:
        await self._ledger.refuse_sign_in(
            who=who, reason=reason[:_MOST], address=came.address, at=self._clock()
        )

    def _at_provider(self) -> tuple[Provider, Client]:
        if self._provider is None or self._client is None:
            raise SignInRefused("No identity provider is set.")
        return self._provider, self._client


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
