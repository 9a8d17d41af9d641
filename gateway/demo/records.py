"""The certificates of the demonstration, as box records; firms are made up, goods and codes are real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where a country's traders sit."""

    city: str
    port: str
    exporter: str
    importer: str


PLACES: Mapping[str, Place] = MappingProxyType(
    {
        "VN": Place("Ho Chi Minh City", "VNSGN", "Sao Mai Garments Co., Ltd.", "Cửu Long Trading Co., Ltd."),
        "TH": Place("Laem Chabang", "THLCH", "Thai Lotus Auto Parts Co., Ltd.", "บริษัท ดอกบัวไทย จำกัด"),
        "MY": Place("Port Klang", "MYPKG", "Straits Rubber Sdn. Bhd.", "Kinabalu Trading Sdn. Bhd."),
        "IN": Place("Mumbai", "INNSA", "Deccan Steel Works Pvt. Ltd.", "Malabar Imports Pvt. Ltd."),
    }
)


@dataclass(frozen=True, slots=True)
class Goods:
    """One kind of goods: description, HS 2022 subheading, unit of quantity."""

    description: str
    hs: str
    unit: str


GOODS: Sequence[Goods] = (
    Goods("T-shirts, singlets and other vests; of cotton, knitted or crocheted", "610910", "H87"),
    Goods("Trousers and shorts; women's or girls', of cotton (not knitted or crocheted)", "620462", "H87"),
    Goods("Rubber; new pneumatic tyres, of a kind used on motor cars", "401110", "H87"),
    Goods("Coffee; not roasted or decaffeinated", "090111", "KGM"),
    Goods("Crustaceans; frozen, shrimps and prawns, other than cold-water", "030617", "KGM"),
)

# The criterion each form is shown with; a form that always wants the FOB value gets one.
CRITERIA: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "rcep/form-rcep": {"criterion": ["CTC"]},
        "atiga/form-d": {"criterion": ["CTH"]},
        "aifta/form-ai": {
            "criterion": ["RVC", "CTSH"],
            "rvc_percent": 42,
            "fob": {"amount": 48200.5, "currency": "USD"},
        },
    }
)


def certificate_number(exporting: str, importing: str, form: str, serial: int, today: date) -> str:
    """A number in the pattern the exporting country uses."""
    year = today.year % 100
    if (pattern := NUMBERS.get(exporting)) is None:
        pattern = "{exporting}{year}-{importing}-{serial:06d}"
    return pattern.format(exporting=exporting, importing=importing, year=year, serial=serial, full=today.year)


NUMBERS: Mapping[str, str] = MappingProxyType(
    {
        "VN": "VN-{importing} {year}/02/{serial:05d}",
        "IN": "EIC/{full}/013/{serial:07d}A/{serial:08d}",
    }
)


def certificate(
    form: str, exporting: str, importing: str, serial: int, today: date, *, items: int = 2
) -> dict[str, Any]:
    """A correct certificate over *items* goods, issued the day before *today*."""
    seller, buyer = PLACES[exporting], PLACES[importing]
    return {
        "form": form,
        "certificate_number": certificate_number(exporting, importing, form, serial, today),
        "exporting_country": exporting,
        "importing_country": importing,
        "issue_date": str(today - timedelta(days=1)),
        "issue_place": seller.city,
        "issuing_body": f"Issuing authority, {seller.city} office",
        "exporter": {
            "name": seller.exporter,
            "address": ["12 Industrial Zone 3", seller.city],
            "country": exporting,
        },
        "consignee": {
            "name": buyer.importer,
            "address": ["88 Harbour Road", buyer.city],
            "country": importing,
        },
        "transport": {
            "mode": "sea",
            "departure_date": str(today),
            "vessel": "MV Southern Cross V.26E",
            "port_of_loading": seller.port,
            "port_of_discharge": buyer.port,
        },
        "ticks": [],
        "items": [_item(form, exporting, serial, number, today) for number in range(1, items + 1)],
    }


def _item(form: str, exporting: str, serial: int, number: int, today: date) -> dict[str, Any]:
    goods = GOODS[(serial + number) % len(GOODS)]
    return {
        "no": number,
        "marks": f"LOT {serial:03d}/{number}",
        "packages": {"count": 40 + number, "kind": "CT"},
        "description": goods.description,
        "hs": goods.hs,
        "origin": exporting,
        "gross_weight": {"value": 2650.5, "unit": "KGM"},
        "quantity": {"value": 1200, "unit": goods.unit},
        "invoices": [{"number": f"INV-{serial:05d}", "date": str(today - timedelta(days=6))}],
        **CRITERIA[form],
    }
