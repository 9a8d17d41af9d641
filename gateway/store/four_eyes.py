"""Changes of whom we believe: proposed by files, in force once two people have approved them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.errors import NotAllowed, NotFound
from gateway.store.connect import Connections
from gateway.store.finishing import finished
from gateway.store.statements import queries

EYES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustChange:
    """A content that waits, and who has approved it."""

    sha256: str
    words: Sequence[str]
    proposed_at: datetime
    approved_by: Sequence[str]


class FourEyes:
    """The ledger's part about them."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def trust_in_force(self) -> str | None:
        """SHA-256 of the content that is in force; None before the first."""
        async with self._pool.acquire() as connection:
            found: str | None = await queries.trust_in_force(connection)
        return found

    async def trust_files(self, sha256: str) -> Mapping[str, bytes]:
        """One content, by the names of its files."""
        async with self._pool.acquire() as connection:
            files: Mapping[str, str] | None = await queries.trust_files(connection, sha256=sha256)
        return {name: base64.b64decode(content) for name, content in (files or {}).items()}

    async def propose_trust(
        self, sha256: str, files: Mapping[str, bytes], words: Sequence[str], *, who: str, at: datetime
    ) -> None:
        """Propose a content, once; the very first is in force at once, for there is nothing to guard yet."""
        told = {name: base64.b64encode(content).decode() for name, content in files.items()}
        async with self._pool.acquire() as connection:
            await finished(
                queries.propose_trust(
                    connection, sha256=sha256, files=told, words=list(words), who=who, at=at
                )
            )

    async def trust_changes(self) -> list[TrustChange]:
        """What waits to be approved, the oldest first."""
        async with self._pool.acquire() as connection:
            rows = queries.trust_changes(connection)
            return [TrustChange(**dict(row)) async for row in rows]

    async def approve_trust(self, sha256: str, *, who: str, reason: str | None, at: datetime) -> bool:
        """
        One person approves; whether it is in force now.

        Raises:
            NotFound: nothing of this hash waits.
            NotAllowed: this person has approved it already: another must.
        """
        async with self._pool.acquire() as connection:
            row = await finished(
                queries.approve_trust(connection, sha256=sha256, who=who, reason=reason, at=at, eyes=EYES)
            )
        if row is None:
            raise NotFound("No such change waits.")
        if not row["is_new"]:
            raise NotAllowed(f"{who} has approved it already; another person must.")
        return bool(row["is_in_force"])

    async def reject_trust(self, sha256: str, *, who: str, reason: str | None, at: datetime) -> None:
        """
        One person rejects, and it waits no longer; the same files may not come again.

        Raises:
            NotFound: nothing of this hash waits.
        """
        async with self._pool.acquire() as connection:
            rejected = await finished(
                queries.reject_trust(connection, sha256=sha256, who=who, reason=reason, at=at)
            )
        if rejected is None:
            raise NotFound("No such change waits.")
