"""Who is signed in, and sign-ins under way. Cookies and states are known here by their SHA-256 alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from gateway.domain.caller import Caller, Role
from gateway.store.connect import Connections
from gateway.store.finishing import finished
from gateway.store.statements import queries

IDLE = timedelta(minutes=30)
AT_MOST = timedelta(hours=10)
SIGN_IN_WITHIN = timedelta(minutes=10)
_PROLONGED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session that lives; *name* is for people, the caller's subject is what the event log says."""

    session_no: int
    caller: Caller
    name: str
    provider: str
    address: str
    agent: str
    begun_at: datetime
    seen_at: datetime

    @property
    def ends_at(self) -> datetime:
        """When it ends if its holder does nothing more."""
        return min(self.seen_at + IDLE, self.begun_at + AT_MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRow:
    """A sign-in that was begun here, as its return needs it."""

    nonce: str
    verifier: str
    return_to: str


class Sessions:
    """The ledger's part about people."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def begin_sign_in(self, state: bytes, browser: bytes, begun: SignInRow, *, at: datetime) -> None:
        """Remember a sign-in for ten minutes; *state* and *browser* are digests."""
        async with self._pool.acquire() as connection:
            await finished(
                queries.begin_sign_in(
                    connection,
                    state_digest=state,
                    browser_digest=browser,
                    nonce=begun.nonce,
                    verifier=begun.verifier,
                    return_to=begun.return_to,
                    at=at,
                    forgotten=at - SIGN_IN_WITHIN,
                )
            )

    async def take_sign_in(self, state: bytes, browser: bytes, *, at: datetime) -> SignInRow | None:
        """The sign-in that comes back, given out once; None when this browser began none such."""
        async with self._pool.acquire() as connection:
            row = await finished(
                queries.take_sign_in(
                    connection, state_digest=state, browser_digest=browser, forgotten=at - SIGN_IN_WITHIN
                )
            )
        return None if row is None else SignInRow(**row)

    async def refuse_sign_in(self, *, who: str | None, reason: str, address: str, at: datetime) -> None:
        """Write down that somebody was not let in."""
        async with self._pool.acquire() as connection:
            await finished(queries.refuse_sign_in(connection, at=at, who=who, reason=reason, address=address))

    async def open_session(
        self,
        digest: bytes,
        caller: Caller,
        *,
        name: str,
        provider: str,
        address: str,
        agent: str,
        at: datetime,
    ) -> int:
        """Open a session under the *digest* of its cookie; its number."""
        async with self._pool.acquire() as connection:
            number: int = await finished(
                queries.open_session(
                    connection,
                    session_digest=digest,
                    subject=caller.subject,
                    name=name,
                    roles=sorted(caller.roles),
                    organisation=caller.organisation,
                    provider=provider,
                    address=address,
                    agent=agent,
                    at=at,
                )
            )
        return number

    async def session(self, digest: bytes, *, at: datetime, prolong: bool = True) -> SessionRow | None:
        """
        The session of this cookie; None when it has ended or its time is over.

        Args:
            prolong: whether its holder did something just now, so that idle time begins anew.
        """
        async with self._pool.acquire() as connection:
            row = await queries.session(
                connection, session_digest=digest, seen_since=at - IDLE, begun_since=at - AT_MOST
            )
            if row is None:
                return None
            if prolong and row["seen_at"] < at - _PROLONGED_EVERY:
                await finished(queries.prolong_session(connection, session_no=row["session_no"], at=at))
        return _session_row(row)

    async def sessions(self, *, subject: str | None, at: datetime) -> list[SessionRow]:
        """The sessions that live, of *subject* or of everybody."""
        async with self._pool.acquire() as connection:
            found = queries.sessions(
                connection, subject=subject, seen_since=at - IDLE, begun_since=at - AT_MOST
            )
            return [_session_row(row) async for row in found]

    async def end_session(self, session_no: int, *, who: str, subject: str | None, at: datetime) -> bool:
        """End a session, *subject*'s own only where one is given; whether there was such a one."""
        async with self._pool.acquire() as connection:
            ended = await finished(
                queries.end_session(connection, session_no=session_no, subject=subject, who=who, at=at)
            )
        return ended is not None


def _session_row(row: asyncpg.Record) -> SessionRow:
    return SessionRow(
        session_no=row["session_no"],
        caller=Caller(subject=row["subject"], roles=_roles(row["roles"]), organisation=row["organisation"]),
        name=row["name"],
        provider=row["provider"],
        address=row["address"],
        agent=row["agent"],
        begun_at=row["begun_at"],
        seen_at=row["seen_at"],
    )


def _roles(names: Iterable[str]) -> frozenset[Role]:
    return frozenset(Role(name) for name in names)
