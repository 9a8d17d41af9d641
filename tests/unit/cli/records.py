"""Box records to compose from: one that must be accepted, and ways to spoil it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def a_record(**differently: Any) -> Json:
    """A Form D that has nothing wrong on 2026-11-21."""
    firm = {"address": ["1 Harbour Road", "Haiphong"], "country": "VN"}
    return {
        "form": "atiga/form-d",
        "certificate_number": "VN26-TH-000001",
        "exporting_country": "VN",
        "importing_country": "TH",
        "issue_date": "2026-10-01",
        "issuing_body": "Issuing authority, Haiphong office",
        "exporter": {"name": "Red River Plastics", **firm},
        "consignee": {"name": "Chao Phraya Trading", "address": ["2 Quay Road", "Bangkok"], "country": "TH"},
        "producer": {"name": "Red River Plastics", **firm},
        "transport": {
            "mode": "sea",
            "departure_date": "2026-10-02",
            "vessel": "MV Lotus V.1E",
            "port_of_loading": "VNHPH",
            "port_of_discharge": "THBKK",
        },
        "ticks": [],
        "items": [an_item()],
    } | differently


def an_item(**differently: Any) -> Json:
    """Wholly ordinary goods."""
    return {
        "no": 1,
        "marks": "LOT 1 / TH",
        "packages": {"count": 10, "kind": "CT"},
        "description": "Footwear with metal toe-cap, uppers of leather",
        "hs": "640340",
        "criterion": ["CC"],
        "origin": "VN",
        "gross_weight": {"value": 100.5, "unit": "KGM"},
        "quantity": {"value": 100, "unit": "KGM"},
        "invoices": [{"number": "INV-1/26", "date": "2026-09-21"}],
    } | differently


def write_records(path: Path, *records: Any) -> Path:
    """One record a line; what is text already is written as it is."""
    lines = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in records]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
