"""The calls about figures: certificates, exceptions and clocks over a range of days, as JSON or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from aiohttp import web

from gateway.domain.caller import Caller
from gateway.domain.errors import NotFound
from gateway.intake import shapes
from gateway.intake.problems import bad_parameter
from gateway.intake.roles import Right
from gateway.intake.routes import Answer, Call, Query, day, one_of
from gateway.intake.serving import Parts, answer
from gateway.store.reports import Report

CSV = "text/csv"
MOST_DAYS = 366
_MONTH_DAYS = 30


class Format(StrEnum):
    """How figures are written."""

    JSON = "json"
    CSV = "csv"


class Reports:
    """The calls about figures."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def one(self, request: web.Request, _: Caller) -> web.Response:
        """One report; without days, of the last thirty."""
        query = Query(request)
        last = query.day("to") or self._parts.clock().date()
        first = query.day("from") or last - timedelta(days=_MONTH_DAYS - 1)
        if not timedelta(0) <= last - first < timedelta(days=MOST_DAYS):
            raise bad_parameter(f"from: must be at most {MOST_DAYS} days before to, and not after it.")
        form = query.choice("format", Format) or Format.JSON
        if request.match_info["id"] not in set(Report):
            raise NotFound("No such report.")
        rows = await self._parts.ledger.report(Report(request.match_info["id"]), first, last)
        if form is Format.CSV:
            return web.Response(body=as_csv(rows), content_type=CSV, charset="utf-8")
        return answer({"from": str(first), "to": str(last), "items": rows})

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="GET",
                path="/reports/{id}",
                right=Right.PARTIES,
                serve=self.one,
                name="report",
                meaning="Figures of `certificates`, `exceptions` or `clocks` over a range of days.",
                query=(
                    day("from", "First day, UTC."),
                    day("to", "Last day, UTC; today when not given."),
                    one_of("format", "How it is written; JSON when not given.", Format),
                ),
                answers={200: Answer("The figures.", shapes.ReportTable)},
            ),
        )


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows under a line of headings; nothing at all where there are none."""
    page = io.StringIO()
    if rows:
        writer = csv.DictWriter(page, fieldnames=list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
    return page.getvalue().encode()
