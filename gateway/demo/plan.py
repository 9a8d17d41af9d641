"""What the demonstration sends and what must have become of each certificate at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from gateway.demo.records import certificate

HOME = "VN.MOIT"
PARTIES = {"VN.MOIT": "VN", "TH.CUSTOMS": "TH", "MY.CUSTOMS": "MY", "IN.DGFT": "IN"}
LATE = "MY.CUSTOMS"
PARTY_IN = {country: party for party, country in PARTIES.items()}

ROUTES: Sequence[tuple[str, str, str]] = (
    ("rcep/form-rcep", "VN", "TH"),
    ("atiga/form-d", "VN", "MY"),
    ("aifta/form-ai", "VN", "IN"),
    ("atiga/form-d", "TH", "VN"),
    ("rcep/form-rcep", "VN", "MY"),
    ("aifta/form-ai", "IN", "VN"),
    ("atiga/form-d", "VN", "TH"),
    ("rcep/form-rcep", "MY", "VN"),
    ("rcep/form-rcep", "TH", "VN"),
    ("atiga/form-d", "MY", "VN"),
)


@dataclass(frozen=True, slots=True)
class End:
    """Where a certificate must stand at the end, as its own issuing authority sees it."""

    acknowledgement: str | None
    customs_response: str | None


class Fate(Enum):
    """What the customs authority abroad does with a certificate, and so how it must end."""

    UTILISED = End("accepted", "utilised")
    IN_PARTS = End("accepted", "partially_utilised")
    REJECTED = End("rejected", None)
    OUTSIDE = End(None, None)  # never leaves: the importing country is no Party to the agreement


@dataclass(frozen=True, slots=True)
class Consignment:
    """One certificate of the demonstration."""

    record: dict[str, Any]
    sender: str
    receiver: str
    fate: Fate

    @property
    def number(self) -> str:
        """Its certificate number."""
        return str(self.record["certificate_number"])

    @property
    def form_name(self) -> str:
        """The middle part of the form's id, as it stands in a URL."""
        return str(self.record["form"]).split("/")[1]


def consignments(count: int, today: date) -> list[Consignment]:
    """
    *count* certificates over all routes, both ways, and one for a country outside its agreement.

    The first one to Thailand is rejected there and the next utilised in parts; all others are accepted and
    utilised in full.
    """
    planned: list[Consignment] = []
    special = [Fate.REJECTED, Fate.IN_PARTS]
    for serial in range(1, max(count, len(ROUTES)) + 1):
        form, exporting, importing = ROUTES[(serial - 1) % len(ROUTES)]
        fate = special.pop(0) if special and (exporting, importing) == ("VN", "TH") else Fate.UTILISED
        planned.append(_consignment(form, exporting, importing, serial, fate, today))
    # India is no Party to RCEP, so the gateway must refuse this one and say so.
    planned.append(_consignment("rcep/form-rcep", "VN", "IN", len(planned) + 1, Fate.OUTSIDE, today))
    return planned


def _consignment(
    form: str, exporting: str, importing: str, serial: int, fate: Fate, today: date
) -> Consignment:
    record = certificate(form, exporting, importing, serial, today)
    return Consignment(record, PARTY_IN[exporting], PARTY_IN[importing], fate)
