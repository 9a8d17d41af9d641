"""
What the commands write, and where.

Standard output carries the result and nothing else: one JSON document with ``--json``, else lines and tables
that are readable at 80 columns. Progress, remarks and errors go to standard error. There is colour on a
terminal only. Text from outside never reaches a terminal with its control characters.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

PROGRAM = "eco-gateway"


def out() -> Console:
    """The console of results."""
    return Console(file=sys.stdout, markup=False, emoji=False, highlight=False)


def err() -> Console:
    """The console of progress, remarks and errors."""
    return Console(file=sys.stderr, markup=False, emoji=False, highlight=False)


def plain(value: object) -> str:
    """*value* as text in which no control character is left."""
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)


def say(line: object = "", *, style: str | None = None) -> None:
    """Write one line of the result; never wrapped, so that it can be searched."""
    out().print(Text(plain(line), style=style or ""), soft_wrap=True)


def remark(line: object) -> None:
    """Write one line beside the result."""
    err().print(Text(plain(line)), soft_wrap=True)


def complain(text: str) -> None:
    """Write one error; lines after the first belong to it."""
    first, *others = text.splitlines() or [""]
    remark(f"{PROGRAM}: {first}")
    for line in others:
        remark(line)


def print_json(document: Any) -> None:
    """Write *document* as the one JSON document of this run."""
    everything = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    json.dump(document, sys.stdout, ensure_ascii=not everything, indent=2)
    sys.stdout.write("\n")
    sys.stdout.flush()


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()) -> None:
    """
    Write a table.

    Args:
        right: columns, counted from 0, that hold numbers.
    """
    numbers = frozenset(right)
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, heading in enumerate(headings):
        made.add_column(heading, overflow="fold", justify="right" if index in numbers else "left")
    for row in rows:
        made.add_row(*(Text(plain(cell), style=style_of(cell)) for cell in row))
    out().print(made)


_STYLES = MappingProxyType(
    {
        "delivered": "green",
        "accepted": "green",
        "utilised": "green",
        "in_force": "green",
        "accepted_with_warnings": "yellow",
        "awaiting_retry": "yellow",
        "awaiting_receipt": "yellow",
        "partially_utilised": "yellow",
        "under_verification": "yellow",
        "on_hold": "yellow",
        "cancel_pending": "yellow",
        "refused": "red",
        "rejected": "red",
        "expired": "red",
        "preference_denied": "red",
        "error": "red",
        "warning": "yellow",
    }
)


def style_of(value: object) -> str:
    """The colour in which a status is shown; empty for everything else."""
    return _STYLES.get(str(value), "")


def when(text: str | None) -> str:
    """An RFC 3339 instant to the second, for people, still in UTC."""
    if not text:
        return ""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return plain(text)
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def span(seconds: float | None) -> str:
    """A length of time in its largest fitting unit: ``45s``, ``12min``, ``3h``, ``2d``."""
    if seconds is None:
        return ""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"
