"""The certificates a run hands in: correct ones, all different, made before the clock starts."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.demo.records import certificate, certificate_number
from gateway.registry.folder import SHIPPED, over_shipped
from gateway.registry.forms import load_forms
from gateway.validate.records import compose, form_of_record

FORM = "rcep/form-rcep"
FORM_ID = f"{FORM}/1.0"
EXPORTING, IMPORTING = "VN", "TH"
MOST_ITEMS = 200

_BODIES = 64
_TRADE = (
    "woven",
    "bleached",
    "threaded",
    "frozen",
    "smoked",
    "glazed",
    "roasted",
    "refined",
    "lacquered",
    "quilted",
)


def make_room(registry: Path) -> None:
    """Lay the form into the folder *registry* for more items than its agreement allows."""
    relative = f"schemas/{FORM_ID}/form.toml"
    shipped = (SHIPPED / relative).read_text("utf-8")
    (registry / relative).parent.mkdir(parents=True, exist_ok=True)
    roomy = re.sub(r"(?m)^max_items = \d+$", f"max_items = {MOST_ITEMS}", shipped)
    (registry / relative).write_text(roomy, "utf-8")


@dataclass(frozen=True, slots=True)
class Submission:
    """One certificate as it is handed in, and the country it is meant for."""

    number: str
    content: bytes
    importing: str = IMPORTING


class Certificates:
    """
    An endless supply; no number comes twice.

    64 certificates are composed from box records, and each one handed out is one of them under a number of
    its own.
    """

    def __init__(
        self, items: int, today: date, *, exporting: str = EXPORTING, importing: str = IMPORTING
    ) -> None:
        self._today = today
        self._ends = exporting, importing
        self._bodies = list(_bodies(items, today, exporting, importing))
        self._given = 0

    @property
    def size(self) -> int:
        """Bytes of a certificate, on the average."""
        return sum(len(before) + len(after) for before, after in self._bodies) // _BODIES

    def take(self, count: int) -> list[Submission]:
        """The next *count*."""
        first = self._given + 1
        self._given += count
        return [self._one(serial) for serial in range(first, first + count)]

    def _one(self, serial: int) -> Submission:
        exporting, importing = self._ends
        number = certificate_number(exporting, importing, FORM, serial, self._today)
        before, after = self._bodies[serial % _BODIES]
        return Submission(number, before + number.encode() + after, importing)


class BothWays:
    """The same, every other certificate the other way round."""

    def __init__(self, items: int, today: date) -> None:
        self._there = Certificates(items, today)
        self._back = Certificates(items, today, exporting=IMPORTING, importing=EXPORTING)

    @property
    def size(self) -> int:
        """Bytes of a certificate, on the average."""
        return (self._there.size + self._back.size) // 2

    def take(self, count: int) -> list[Submission]:
        """The next *count*."""
        return [*self._there.take(count - count // 2), *self._back.take(count // 2)]


def _bodies(items: int, today: date, exporting: str, importing: str) -> Iterator[tuple[bytes, bytes]]:
    """What stands before and after the number of each body."""
    forms = load_forms(over_shipped(None))
    chance = random.Random(7)
    for serial in range(_BODIES):
        record = _record(items, serial, today, chance, exporting)
        _send_to(record, importing)
        document = compose(record, form_of_record(record, forms))
        whole = etree.tostring(document, encoding="UTF-8", xml_declaration=True)
        before, after = whole.split(record["certificate_number"].encode())
        yield before, after


def _record(items: int, serial: int, today: date, chance: random.Random, exporting: str) -> dict[str, Any]:
    somewhere = IMPORTING if exporting != IMPORTING else EXPORTING
    record = certificate(FORM, exporting, somewhere, serial, today, items=items)
    for item in record["items"]:
        item["description"] += f"; {' '.join(chance.choices(_TRADE, k=chance.randint(4, 10)))}"
        item["marks"] += f" {chance.choice(_TRADE).upper()} {chance.randrange(10**8)}"
    return record


def _send_to(record: dict[str, Any], importing: str) -> None:
    """Mean *record* for another country, whether or not the demonstration knows a port of it."""
    if record["importing_country"] != importing:
        record["importing_country"] = record["consignee"]["country"] = importing
        record["transport"]["port_of_discharge"] = f"{importing}XXX"
