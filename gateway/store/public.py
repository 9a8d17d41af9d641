"""What anybody may ask: whether a certificate was issued here, and whether it still stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from gateway.domain.ids import CertificateNumber
from gateway.store.connect import Connections
from gateway.store.finishing import finished
from gateway.store.records import CertificateRow
from gateway.store.rows import certificate_row
from gateway.store.statements import queries


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedRow:
    """
    A certificate that was issued here.

    Attributes:
        life_moved_at: when its life last changed.
        replaced_by: the number of the certificate that replaces it.
    """

    certificate: CertificateRow
    digest: bytes  # of the message that carries it
    life_moved_at: datetime | None
    replaced_by: CertificateNumber | None


class PublicCheck:
    """The ledger's answers to strangers."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def issued(self, certificate_no: int) -> IssuedRow | None:
        """The certificate with this number of the ledger's own; None when we issued none such."""
        async with self._pool.acquire() as connection:
            row = await queries.issued(connection, certificate_no=certificate_no)
        return None if row is None else _issued_row(row)

    async def issued_as(self, form: str, number: str, issue_date: date) -> IssuedRow | None:
        """
        The certificate of this number and date.

        Args:
            form: middle part of its form's name.
        """
        async with self._pool.acquire() as connection:
            row = await queries.issued_as(connection, form=form, number=number, issue_date=issue_date)
        return None if row is None else _issued_row(row)

    async def asked_in_vain(self, form: str, number: str, at: datetime) -> None:
        """Remember that somebody asked for a certificate that was never issued here."""
        async with self._pool.acquire() as connection:
            await finished(queries.ask_in_vain(connection, form=form, number=number, at=at))


def _issued_row(row: asyncpg.Record) -> IssuedRow:
    return IssuedRow(
        certificate=certificate_row(row),
        digest=row["digest"],
        life_moved_at=row["life_moved_at"],
        replaced_by=row["replaced_by"],
    )
