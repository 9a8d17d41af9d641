"""
Single flaws that can be put into a correct box record of any form, and where each must be told.

A flaw touches some places; two flaws that touch the same place are never put into one record, because the
second would undo the first or follow from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway.domain.form import Form

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Flawed:
    """
    A flaw: which codes may stand for it, what it touches, how it is made.

    Attributes:
        touches: places; ``criterion`` and the like stand for the chosen item's.
        tells: end of the path of its finding.
        suits: forms that can have it; all by default.
    """

    name: str
    codes: frozenset[str]
    touches: frozenset[str]
    tells: str
    make: Callable[[Record, Record, Form], None]
    suits: Callable[[Form], bool] = lambda form: True


def _outside(form: Form) -> str:
    return next(code for code in ("BR", "FR", "US") if code not in form.parties)


def _third(record: Record, form: Form) -> str:
    taken = {record["exporting_country"], record["importing_country"]}
    return sorted(form.parties - taken)[0]


def _claims_rvc(item: Record, form: Form) -> None:
    item["criterion"] = [word for word in form.values["criteria-1"].split() if word == "RVC"]
    item["rvc_percent"] = 60
    item["fob"] = {"amount": Decimal("1250.75"), "currency": "USD"}


def importing_outside(record: Record, item: Record, form: Form) -> None:
    record["importing_country"] = record["consignee"]["country"] = _outside(form)


def exporter_nowhere(record: Record, item: Record, form: Form) -> None:
    record["exporter"]["country"] = "XX"


def issued_in_future(record: Record, item: Record, form: Form) -> None:
    record["issue_date"] = record["transport"]["departure_date"] = "2026-12-24"


def issued_late(record: Record, item: Record, form: Form) -> None:
    record["issue_date"], record["transport"]["departure_date"] = "2026-10-15", "2026-10-05"
    record["ticks"] = [tick for tick in record["ticks"] if tick != "issued_retroactively"]


def retroactive_too_late(record: Record, item: Record, form: Form) -> None:
    record["issue_date"], record["transport"]["departure_date"] = "2026-10-15", "2025-09-10"
    record["ticks"] = [*record["ticks"], "issued_retroactively"]


def expired(record: Record, item: Record, form: Form) -> None:
    record["issue_date"], record["transport"]["departure_date"] = "2025-10-15", "2025-10-15"
    for one in record["items"]:
        one["invoices"] = [{"number": "INV-1", "date": "2025-10-01"}]


def no_such_day(record: Record, item: Record, form: Form) -> None:
    record["issue_date"] = "2026-02-30"


def third_party_unnamed(record: Record, item: Record, form: Form) -> None:
    record["ticks"] = [*record["ticks"], "third_party_invoicing"]


def original_missing(record: Record, item: Record, form: Form) -> None:
    record["ticks"] = [*record["ticks"], "back_to_back"]


def original_expired(record: Record, item: Record, form: Form) -> None:
    third = _third(record, form)
    original = {"number": "X-1", "issue_date": "2025-01-15", "issuing_country": third, "origin": third}
    record["ticks"] = [*record["ticks"], "back_to_back"]
    record["back_to_back"] = [original]
    for one in record["items"]:
        one["origin"] = third


def original_without_number(record: Record, item: Record, form: Form) -> None:
    original_expired(record, item, form)
    record["back_to_back"][0].update(number="", issue_date=record["issue_date"])


def third_party_without_country(record: Record, item: Record, form: Form) -> None:
    third_party_unnamed(record, item, form)
    record["third_party_invoice"] = {"name": "Straits Trading House Pte. Ltd."}


def copied_too_late(record: Record, item: Record, form: Form) -> None:
    record["certified_true_copy_of"] = {"number": "X-2", "issue_date": "2024-01-15"}


def replaced_before_issue(record: Record, item: Record, form: Form) -> None:
    record["replaces"] = {"number": "X-3", "issue_date": "2026-12-31", "reason": "typing error"}


def nameless_exporter(record: Record, item: Record, form: Form) -> None:
    record["exporter"]["name"] = ""


def consignee_without_address(record: Record, item: Record, form: Form) -> None:
    del record["consignee"]["address"]


def number_too_long(record: Record, item: Record, form: Form) -> None:
    record["certificate_number"] = "N" * 36


def too_many_items(record: Record, item: Record, form: Form) -> None:
    more = [dict(record["items"][-1]) for _ in range(51 - len(record["items"]))]
    record["items"] += [{**one, "no": 100 + place} for place, one in enumerate(more)]


def item_number_twice(record: Record, item: Record, form: Form) -> None:
    item["no"] = next(one["no"] for one in record["items"] if one is not item)


def criterion_not_admitted(record: Record, item: Record, form: Form) -> None:
    item["criterion"] = ["XYZ"]
    item.pop("rvc_percent", None)


def percent_missing(record: Record, item: Record, form: Form) -> None:
    _claims_rvc(item, form)
    del item["rvc_percent"]


def percent_too_low(record: Record, item: Record, form: Form) -> None:
    _claims_rvc(item, form)
    item["rvc_percent"] = 12


def fob_missing(record: Record, item: Record, form: Form) -> None:
    _claims_rvc(item, form)
    del item["fob"]


def currency_unknown(record: Record, item: Record, form: Form) -> None:
    _claims_rvc(item, form)
    item["fob"]["currency"] = "ZZD"


def currency_malformed(record: Record, item: Record, form: Form) -> None:
    _claims_rvc(item, form)
    item["fob"]["currency"] = "USDD"


def origin_of_wholly_obtained(record: Record, item: Record, form: Form) -> None:
    item["criterion"] = ["WO"]
    item["origin"] = _third(record, form)
    for key in ("rvc_percent", "fob"):
        item.pop(key, None)


def origin_outside(record: Record, item: Record, form: Form) -> None:
    item["origin"] = _outside(form)


def hs_too_short(record: Record, item: Record, form: Form) -> None:
    item["hs"] = "8471"


def hs_unknown(record: Record, item: Record, form: Form) -> None:
    item["hs"] = "770000"


def weight_negative(record: Record, item: Record, form: Form) -> None:
    item["gross_weight"] = {"value": -5, "unit": "KGM"}


def quantity_without_unit(record: Record, item: Record, form: Form) -> None:
    item["quantity"] = {"value": 5}


def unit_unknown(record: Record, item: Record, form: Form) -> None:
    item["gross_weight"] = {"value": 5, "unit": "QQQ"}


def package_unknown(record: Record, item: Record, form: Form) -> None:
    item["packages"] = {"count": 1, "kind": "QZ"}


def port_unknown(record: Record, item: Record, form: Form) -> None:
    record["transport"]["port_of_loading"] = "ZZABC"


def description_missing(record: Record, item: Record, form: Form) -> None:
    item["description"] = ""


def _wants(key: str, word: str) -> Callable[[Form], bool]:
    return lambda form: f" {word} " in form.values[key]


def _limits(key: str) -> Callable[[Form], bool]:
    return lambda form: bool(form.values[key])


def _flaw(
    codes: str, touches: str, tells: str, make: Callable[[Record, Record, Form], None], suits: Any = None
) -> Flawed:
    name = make.__name__
    return Flawed(
        name, frozenset(codes.split()), frozenset(touches.split()), tells, make, suits or (lambda form: True)
    )


# `dates` also guards the issue date, from which a back-to-back original's age is counted; `criterion` the FOB
# value, which is asked for by criterion, and what Form D asks in trade with some countries only.
FLAWS = [
    _flaw("C01", "importing criterion", "/ImportingCountry", importing_outside, _limits("parties")),
    _flaw("C01 C09 S02", "exporter-country", "/Exporter/Country", exporter_nowhere),
    _flaw("C05", "dates", "/IssueDate", issued_in_future),
    _flaw("C05", "dates ticks", "/IssueDate", issued_late, _limits("late-after-days")),
    _flaw("C05", "dates ticks", "/IssueDate", retroactive_too_late, _limits("retroactive-months")),
    _flaw("C05", "dates", "/IssueDate", expired, _limits("validity-months")),
    _flaw("S02", "dates", "/IssueDate", no_such_day),
    _flaw("C06", "third-party", "/ThirdPartyInvoice", third_party_unnamed),
    _flaw("C07", "back-to-back origin", "/BackToBack", original_missing, _limits("parties")),
    _flaw(
        "C07",
        "back-to-back origin dates",
        "/BackToBack/Original/IssueDate",
        original_expired,
        _limits("validity-months"),
    ),
    _flaw(
        "C07",
        "back-to-back origin dates",
        "/BackToBack/Original/Number",
        original_without_number,
        _limits("parties"),
    ),
    _flaw("C06", "third-party", "/ThirdPartyInvoice/Country", third_party_without_country),
    _flaw("C05", "copy dates", "/CertifiedTrueCopyOf/IssueDate", copied_too_late, _limits("reissue-months")),
    _flaw("C05", "replaced dates", "/Replaces/IssueDate", replaced_before_issue),
    _flaw("S02", "exporter-name", "/Exporter/Name", nameless_exporter),
    _flaw("S02", "consignee-address", "/Consignee/Address", consignee_without_address),
    _flaw("S02", "number", "/CertificateNumber", number_too_long),
    _flaw("S04 S02", "items", "/Items", too_many_items),
    _flaw("S02", "no", "/Number", item_number_twice),
    _flaw("C03 S02", "criterion", "/OriginCriterion", criterion_not_admitted, _limits("criteria-1")),
    _flaw("C03 S02", "criterion", "/RvcPercent", percent_missing, _wants("percent-wanted", "RVC")),
    _flaw("C03", "criterion", "/RvcPercent", percent_too_low, _limits("criteria-1")),
    _flaw("C04", "criterion", "/FobValue", fob_missing, lambda form: form.values["fob"] != "never"),
    _flaw("C09", "criterion", "/FobValue/@currency", currency_unknown),
    _flaw("S02 C09", "criterion", "/FobValue/@currency", currency_malformed),
    _flaw(
        "C08",
        "criterion origin back-to-back",
        "/Origin",
        origin_of_wholly_obtained,
        lambda form: form.agreement == "RCEP",
    ),
    _flaw("C01", "origin criterion", "/Origin", origin_outside, _limits("parties")),
    _flaw("C02 S02", "hs", "/HarmonizedSystemCode", hs_too_short),
    _flaw("C02", "hs", "/HarmonizedSystemCode", hs_unknown),
    _flaw("S02", "weight", "/GrossWeight", weight_negative),
    _flaw("S02", "quantity", "/Quantity/@unit", quantity_without_unit),
    _flaw("C09", "weight", "/GrossWeight/@unit", unit_unknown),
    _flaw("C09", "packages", "/Packages/Kind", package_unknown),
    _flaw("C09", "port", "/Transport/PortOfLoading", port_unknown),
    _flaw("S02", "description", "/Description", description_missing),
]
