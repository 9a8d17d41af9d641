"""Tables to take away: CSV that programs read and that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from aiohttp import hdrs, web

_UNSAFE = ("=", "+", "-", "@", "\t", "\r")


def csv_file(name: str, head: Sequence[str], lines: Iterable[Sequence[object]]) -> web.Response:
    """RFC 4180 in UTF-8 with its mark, as a file of this *name*."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_cell(cell) for cell in line] for line in lines)
    return web.Response(
        body=text.getvalue().encode("utf-8-sig"),
        content_type="text/csv",
        charset="utf-8",
        headers={hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}.csv"'},
    )


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_UNSAFE) else value
