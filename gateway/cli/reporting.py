"""``eco-gateway report``: figures of a month or a range of days, on the screen or as files."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.client import Json, Node
from gateway.cli.failures import Status, WrongUse
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import print_json, say, table

REPORTS = ("certificates", "exceptions", "clocks")


def report(
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="A whole month; the last one by default.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, UTC.")] = None,
    last: Annotated[str | None, typer.Option("--to-day", metavar="DAY", help="Last day, UTC.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", metavar="FOLDER", help="Write JSON and CSV files there, by the days.")
    ] = None,
    to: To = None,
    as_json: AsJson = False,
) -> int:
    """
    Certificates by corridor, form and office; exceptions by cause; overdue clocks.

    A scheduler that runs it each month with -o keeps a folder of monthly files.
    """
    begin, end = _days(month, first, last)
    found = on_node(to, lambda node: _all(node, begin, end))
    if output is not None:
        _write(output, begin, end, found)
    elif as_json:
        print_json({"from": str(begin), "to": str(end), **found})
    else:
        _show(begin, end, found)
    return Status.DONE


async def _all(node: Node, begin: date, end: date) -> dict[str, list[Json]]:
    return {what: await node.report(what, str(begin), str(end)) for what in REPORTS}


def _days(month: str | None, first: str | None, last: str | None) -> tuple[date, date]:
    try:
        if first is not None and last is not None and month is None:
            return date.fromisoformat(first), date.fromisoformat(last)
        if first is not None or last is not None:
            raise WrongUse("give --month, or both --from and --to-day")
        if month is None:
            end = date.today().replace(day=1) - timedelta(days=1)  # noqa: DTZ011  (where the operator is)
            return end.replace(day=1), end
        begin = date.fromisoformat(f"{month}-01")
        return begin, (begin + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    except ValueError:
        raise WrongUse("a month is written YYYY-MM, a day YYYY-MM-DD") from None


def _write(folder: Path, begin: date, end: date, found: dict[str, list[Json]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{begin}--{end}"
    whole = {"from": str(begin), "to": str(end), **found}
    (folder / f"{stem}.json").write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    for what, rows in found.items():
        with (folder / f"{stem}.{what}.csv").open("w", encoding="utf-8", newline="") as file:
            if rows:
                writer = csv.DictWriter(file, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
    say(f"{stem}: written to {folder}")


def _show(begin: date, end: date, found: dict[str, list[Json]]) -> None:
    say(f"{begin} to {end}")
    for what, rows in found.items():
        say("")
        if not rows:
            say(f"No {what}.")
            continue
        shown = [name for name in rows[0] if any(row[name] not in (None, 0) for row in rows)]
        table(tuple(shown), [_cells(row, shown) for row in rows])


def _cells(row: Json, names: Sequence[str]) -> tuple[object, ...]:
    return tuple("" if row[name] is None else row[name] for name in names)
