"""The lists of revoked certificates that were fetched; every node finds them here, also after a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.ids import PartyId
from gateway.store.connect import Connections
from gateway.store.finishing import finished
from gateway.store.statements import queries


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """How one source did last, and when what it gave last was fetched; None where it never gave anything."""

    party: PartyId
    url: str
    tried_at: datetime
    fault: str | None
    fetched_at: datetime | None


class RevocationLists:
    """The ledger's part about them."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def list_rows(self) -> list[ListRow]:
        """All sources that were ever tried."""
        async with self._pool.acquire() as connection:
            rows = [row async for row in queries.list_rows(connection)]
        return [ListRow(**{**row, "party": PartyId(row["party"])}) for row in rows]

    async def list_body(self, party: PartyId, url: str) -> bytes | None:
        """What the source gave last."""
        async with self._pool.acquire() as connection:
            body: bytes | None = await queries.list_body(connection, party=party, url=url)
        return body

    async def claim_list(self, party: PartyId, url: str, *, at: datetime, tried_before: datetime) -> bool:
        """Whether to fetch it falls to us: nobody has tried since *tried_before*, and now we do."""
        async with self._pool.acquire() as connection:
            claimed = await finished(
                queries.claim_list(connection, party=party, url=url, at=at, tried_before=tried_before)
            )
        return claimed is not None

    async def keep_list(self, party: PartyId, url: str, body: bytes, *, at: datetime) -> None:
        """Keep a list that was checked, in place of the one before."""
        async with self._pool.acquire() as connection:
            await finished(queries.keep_list(connection, party=party, url=url, body=body, at=at))

    async def list_failed(self, party: PartyId, url: str, fault: str) -> None:
        """The source gave nothing that counts; what it gave before stays."""
        async with self._pool.acquire() as connection:
            await finished(queries.list_failed(connection, party=party, url=url, fault=fault))
