"""Figures over a range of days, reckoned from the ledger itself, so they agree with it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from gateway.store.connect import Connections
from gateway.store.statements import watching


class Report(StrEnum):
    """What figures are about."""

    CERTIFICATES = "certificates"
    EXCEPTIONS = "exceptions"
    CLOCKS = "clocks"


_STATEMENTS = {
    Report.CERTIFICATES: "report_certificates",
    Report.EXCEPTIONS: "report_exceptions",
    Report.CLOCKS: "report_clocks",
}


class Reports:
    """The ledger's verbs about figures."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def report(self, what: Report, first: date, last: date) -> list[dict[str, Any]]:
        """
        The rows of a report over these days (UTC, both included).

        Certificates are those submitted or received in them, with what became of each until now; exceptions
        and clocks what opened, warned or ran out in them.
        """
        begin = datetime.combine(first, time(), UTC)
        end = datetime.combine(last + timedelta(days=1), time(), UTC)
        statement = getattr(watching, _STATEMENTS[what])
        async with self._pool.acquire() as connection:
            return [dict(row) async for row in statement(connection, begin=begin, end=end)]
