"""Specimen lists and their pictures, as they were imported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.store.connect import Connections
from gateway.store.finishing import finished
from gateway.store.statements import queries


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecimenListRow:
    """A list as it was imported."""

    list_no: int
    content: dict[str, Any]
    imported_at: datetime
    imported_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The specimen of a signature or a seal."""

    media_type: str
    body: bytes


class SpecimenLists:
    """The ledger's part about them."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def specimen_lists(self, *, after: int = 0) -> list[SpecimenListRow]:
        """The lists imported after this number, in that order."""
        async with self._pool.acquire() as connection:
            rows = queries.specimen_lists(connection, after=after)
            return [SpecimenListRow(**dict(row)) async for row in rows]

    async def import_specimens(
        self, content: dict[str, Any], *, who: str, sha256: str, at: datetime
    ) -> SpecimenListRow:
        """Keep a list, and tell of it."""
        async with self._pool.acquire() as connection:
            list_no: int = await finished(
                queries.import_specimens(
                    connection,
                    country=content["country"],
                    content=content,
                    who=who,
                    sha256=sha256,
                    begins=content["from"],
                    at=at,
                )
            )
        return SpecimenListRow(list_no=list_no, content=content, imported_at=at, imported_by=who)

    async def keep_picture(self, sha256: bytes, picture: Picture) -> None:
        """Keep a picture; the same one again changes nothing."""
        async with self._pool.acquire() as connection:
            await finished(
                queries.keep_picture(
                    connection, sha256=sha256, media_type=picture.media_type, body=picture.body
                )
            )

    async def picture(self, sha256: bytes) -> Picture | None:
        """One picture."""
        async with self._pool.acquire() as connection:
            row = await queries.picture(connection, sha256=sha256)
        return None if row is None else Picture(**dict(row))

    async def missing_pictures(self, wanted: Iterable[str]) -> list[str]:
        """Which of these, in hexadecimal, were never handed in."""
        async with self._pool.acquire() as connection:
            rows = queries.missing_pictures(connection, wanted=[bytes.fromhex(each) for each in wanted])
            return [row["sha256"].hex() async for row in rows]
