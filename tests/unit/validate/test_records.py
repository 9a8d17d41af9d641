"""Records to XML and back, without losing anything."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.errors import FormNotAgreed
from gateway.validate.records import boxes, compose, form_of_record, number, plain, record_of
from gateway.validate.shape import read_json, write_json
from tests.data.shipped import FORM_D, RCEP, a_record, forms, recorded, records, written

MARKS = [
    "issued_retroactively",
    "third_party_invoicing",
    "back_to_back",
    "exhibition",
    "accumulation",
    "partial_cumulation",
    "de_minimis",
]
MODES = ["sea", "air", "road", "rail", "inland_waterway", "post", "multimodal"]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="￾￿"), max_size=20).filter(
    lambda text: all(char in "\t\n\r" or ord(char) >= 32 for char in text)
)
wholes = st.integers(-(10**12), 10**12)
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)
numbers = st.one_of(wholes, decimals)


def _some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


firms = _some(name=texts, address=st.lists(texts, max_size=3), country=texts, registration=texts)
measures = _some(value=numbers, unit=texts)
items = st.fixed_dictionaries(
    {"no": wholes, "description": texts, "hs": texts, "criterion": st.lists(texts, max_size=4)},
    optional={
        "marks": texts,
        "packages": _some(count=wholes, kind=texts),
        "rvc_percent": numbers,
        "origin": texts,
        "tariff_differential": st.sampled_from(["*", "**"]),
        "producer": firms,
        "gross_weight": measures,
        "net_weight": measures,
        "quantity": measures,
        "fob": _some(amount=numbers, currency=texts),
        "invoices": st.lists(_some(number=texts, date=texts), max_size=2),
    },
)
originals = _some(
    number=texts, issue_date=texts, issuing_country=texts, origin=texts, approved_exporter=texts
)
any_record = st.fixed_dictionaries(
    {
        "form": st.sampled_from(sorted(forms())),
        "certificate_number": texts,
        "exporting_country": texts,
        "importing_country": texts,
        "issue_date": texts,
        "exporter": firms,
        "consignee": firms,
        "items": st.lists(items, max_size=3),
    },
    optional={
        "issue_place": texts,
        "issuing_body": texts,
        "signatory": texts,
        "producer": st.one_of(firms, st.sampled_from(["SEE BOX 8", "CONFIDENTIAL", "NOT AVAILABLE"])),
        "transport": _some(
            mode=st.sampled_from(MODES),
            departure_date=texts,
            vessel=texts,
            port_of_loading=texts,
            port_of_discharge=texts,
            route=texts,
        ),
        "ticks": st.lists(st.sampled_from(MARKS), unique=True),
        "third_party_invoice": _some(name=texts, country=texts),
        "back_to_back": st.lists(originals, max_size=2),
        "exhibition": _some(name=texts, address=texts),
        "certified_true_copy_of": _some(number=texts, issue_date=texts),
        "replaces": _some(number=texts, issue_date=texts, reason=texts),
        "declaration": _some(place=texts, date=texts, signatory=texts),
        "remarks": texts,
    },
)


@settings(max_examples=80, deadline=None)
@given(any_record)
def test_whatever_has_the_shape_comes_back_from_xml_as_it_went_in(record: dict[str, Any]) -> None:
    assert records().findings(record) == ()

    form = form_of_record(record, forms())
    back = record_of(etree.fromstring(etree.tostring(compose(record, form), encoding="UTF-8")), form)

    assert back == record


@settings(max_examples=80, deadline=None)
@given(any_record)
def test_whatever_has_the_shape_comes_back_from_json_as_it_went_in(record: dict[str, Any]) -> None:
    assert read_json(write_json(record).encode()) == record


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value_and_has_no_exponent(value: Decimal) -> None:
    text = plain(value)

    assert "E" not in text
    assert Decimal(str(number(text))) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (0.1, "0.1"),
        (1e16, "10000000000000000"),
    ],
)
def test_numbers_are_written_plainly(value: Any, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize("text", ["", "abc", "1.2.3", "1e3", "--1", "٣", "1,5", "9" * 5000])
def test_what_is_no_number_stays_text(text: str) -> None:
    assert number(text) == text


def test_marks_without_a_box_are_endorsements() -> None:
    record = a_record(items=1) | {"ticks": ["exhibition", "back_to_back"]}

    document = compose(record, forms()[RCEP])

    marks = document.find("{*}Ticks")
    assert marks is not None
    assert [(etree.QName(mark).localname, mark.text) for mark in marks] == [
        ("Endorsement", "exhibition"),
        ("Tick", "back_to_back"),
    ]


def test_elements_stand_in_one_order_on_all_forms() -> None:
    orders = set()
    for form in recorded():
        document = compose(a_record(form, items=1), forms()[form])
        orders.add(tuple(etree.QName(child).localname for child in document))

    known = [field.tag for field in boxes(forms()[RCEP]).fields]
    assert all(list(order) == sorted(order, key=known.index) for order in orders)


def test_a_faulty_certificate_is_read_as_far_as_it_goes() -> None:
    document = written(a_record(items=1))
    for element in document.iter("{*}RvcPercent"):
        element.text = "plenty"
    consignee = document.find("{*}Consignee")
    assert consignee is not None
    document.remove(consignee)

    record = record_of(document, forms()[RCEP])

    assert record["items"][0]["rvc_percent"] == "plenty"
    assert "consignee" not in record


@pytest.mark.parametrize("name", ["atiga/form-d", "atiga/form-d/1.0"])
def test_a_form_is_found_with_and_without_its_version(name: str) -> None:
    assert form_of_record(a_record(FORM_D) | {"form": name}, forms()) is forms()[FORM_D]


@pytest.mark.parametrize("issue_date", ["1999-01-01", "2026-02-30", "soon"])
def test_without_a_version_in_force_the_youngest_is_taken(issue_date: str) -> None:
    record = a_record(FORM_D) | {"form": "atiga/form-d", "issue_date": issue_date}

    assert form_of_record(record, forms()) is forms()[FORM_D]


@pytest.mark.parametrize("name", ["atiga/form-d/9.9", "form-d", ""])
def test_an_unknown_form_is_s03(name: str) -> None:
    with pytest.raises(FormNotAgreed) as caught:
        form_of_record(a_record(FORM_D) | {"form": name}, forms())

    assert caught.value.code == "S03"
