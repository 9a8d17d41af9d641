"""Figures over the national API and from the command line."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path

import pytest

from gateway.cli.main import run
from tests.exchange.pair import NOON, is_acknowledged, pair
from tests.servers import Servers

NUMBER = "VN-TH 26/02/00001"


async def test_what_was_exchanged_is_in_the_figures_whichever_way_they_are_asked_for(
    tmp_path: Path, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = str(NOON.date())
    async with pair(tmp_path, servers) as both:
        await both.vn.submit(NUMBER)
        await both.vn.until(NUMBER, is_acknowledged)
        told = await both.vn.call("GET", f"reports/certificates?from={day}&to={day}")
        url = f"{both.vn.address.url}/api/v1/reports/certificates?from={day}&to={day}&format=csv"
        async with both.vn.session.get(url, headers=both.vn.headers) as answer:
            written, kind = await answer.text(), answer.content_type
        for wrong in ("from=2026-01-01&to=2027-06-01", f"from={day}&to=2026-01-01", "from=x", "format=xls"):
            await both.vn.call("GET", f"reports/certificates?{wrong}", expected=400)
        await both.vn.call("GET", "reports/weather", expected=404)
        monkeypatch.setenv("ECO_GATEWAY_TOKEN", both.vn.headers["Authorization"].removeprefix("Bearer "))
        typed = ["report", "--from", day, "--to-day", day, "-o", str(tmp_path), "--to", both.vn.address.url]
        status = await asyncio.to_thread(run, typed)

    (row,) = told["items"]
    assert (row["party"], row["certificates"]) == ("TH.CUSTOMS", 1)
    assert row["accepted"] + row["accepted_with_warnings"] == 1
    assert row["receipt_p95_s"] is not None
    (line,) = csv.DictReader(io.StringIO(written))
    assert (kind, line["certificates"], line["party"]) == ("text/csv", "1", "TH.CUSTOMS")
    whole = json.loads((tmp_path / f"{day}--{day}.json").read_text("utf-8"))
    assert (status, whole["certificates"]) == (0, told["items"])
    assert len((tmp_path / f"{day}--{day}.certificates.csv").read_text("utf-8").splitlines()) == 2
    assert (tmp_path / f"{day}--{day}.clocks.csv").read_text("utf-8") == ""


def test_half_a_range_is_wrong_use() -> None:
    assert run(["report", "--from", "2026-01-01"]) == 2
    assert run(["report", "--month", "January"]) == 2
