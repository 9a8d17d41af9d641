"""One judge, every kind of document."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from lxml import etree

from gateway.domain.errors import FormNotAgreed, Severity, Unreadable
from gateway.validate.judge import MOST_ELEMENTS, form_of
from gateway.validate.places import CAP
from gateway.validate.records import compose, form_of_record
from tests.data.shipped import FORM_D, ON, RCEP, a_record, errors, forms, judge, judged, recorded, written

ENVELOPE = b'<Envelope xmlns="urn:example:envelope"><Header>1</Header></Envelope>'


def _enveloped(document: etree._Element) -> etree._Element:
    envelope = etree.fromstring(ENVELOPE)
    envelope.append(document)
    return document


def _without_fob(items: int) -> dict[str, Any]:
    record = a_record(items=items)
    for item in record["items"]:
        del item["fob"]
    return record


def test_a_sound_certificate_has_nothing_against_it() -> None:
    assert judged(a_record()) == ()


def test_a_finding_says_what_where_and_what_to_do() -> None:
    record = a_record(items=2)
    del record["items"][1]["fob"]

    (finding,) = judged(record)

    assert (finding.code, finding.severity, finding.box) == ("C04", Severity.ERROR, "12")
    assert finding.path == "/CertificateOfOrigin/Items/Item[2]/FobValue"
    assert finding.line == 1
    assert finding.value is None
    assert finding.text == "Item 2 needs an FOB value, and none is given."
    assert finding.action == "Give the FOB value of the item with its currency."


def test_a_finding_knows_its_line_and_value() -> None:
    record = a_record(items=1)
    record["items"][0]["hs"] = "770000"
    document = written(record)
    etree.indent(document)
    document = etree.fromstring(etree.tostring(document))

    (finding,) = judge().judge(document, forms()[RCEP], ON)

    place = document.find(".//{*}HarmonizedSystemCode")
    assert place is not None
    assert (finding.line, finding.value) == (place.sourceline, "770000")


@pytest.mark.parametrize("form", recorded())
def test_inside_an_envelope_everything_is_found_under_the_same_path(form: Any) -> None:
    record = a_record(form, items=2)
    record["issue_date"] = "2026-02-30"
    record["exporter"]["country"] = "XX"
    record["items"][1].pop("fob")
    record["items"][1]["no"] = 1
    known = forms()[form]

    bare = judge().judge(written(record), known, ON)
    inside = judge().judge(_enveloped(written(record)), known, ON)

    assert inside == bare
    assert len(errors(bare)) >= 3


def test_findings_stand_in_document_order() -> None:
    record = _without_fob(items=3)
    record["exporter"]["name"] = ""
    record["transport"]["port_of_loading"] = "ZZABC"
    record["items"][2]["hs"] = "770000"
    record["ticks"] = ["third_party_invoicing"]

    paths = [finding.path for finding in judged(record)]

    assert paths == [
        "/CertificateOfOrigin/ThirdPartyInvoice",
        "/CertificateOfOrigin/Exporter/Name",
        "/CertificateOfOrigin/Transport/PortOfLoading",
        "/CertificateOfOrigin/Items/Item[1]/FobValue",
        "/CertificateOfOrigin/Items/Item[2]/FobValue",
        "/CertificateOfOrigin/Items/Item[3]/FobValue",
        "/CertificateOfOrigin/Items/Item[3]/HarmonizedSystemCode",
    ]


def test_at_most_fifty_findings_are_told_and_errors_go_first() -> None:
    record = a_record(items=49)
    for item in record["items"]:
        item["criterion"], item["rvc_percent"] = ["CTC"], 50  # two warnings: FOB and percentage not asked
    record["items"][-1]["hs"] = "770000"

    findings = judged(record)

    assert len(findings) == CAP
    assert [finding.code for finding in errors(findings)] == ["C02"]


def test_a_value_that_cannot_be_read_is_told_once() -> None:
    record = a_record(items=1)
    record["issue_date"] = "2026-02-30"
    record["transport"]["departure_date"] = "2020-01-01"
    record["declaration"] = {"date": "2027-01-01"}

    (finding,) = judged(record)

    assert (finding.code, finding.path) == ("S02", "/CertificateOfOrigin/IssueDate")


def test_an_amount_and_its_currency_are_two_things() -> None:
    record = a_record(items=1)
    record["items"][0]["fob"] = {"amount": -1, "currency": "ZZD"}

    found = [(finding.code, finding.path) for finding in judged(record)]

    assert found == [
        ("S02", "/CertificateOfOrigin/Items/Item/FobValue"),
        ("C09", "/CertificateOfOrigin/Items/Item/FobValue/@currency"),
    ]


def test_a_comment_inside_a_value_changes_nothing() -> None:
    record = a_record(items=1)
    record["items"][0]["hs"] = "770000"
    document = written(record)
    code = document.find(".//{*}HarmonizedSystemCode")
    assert code is not None
    code.text = "77"
    code.append(etree.Comment(" "))
    code[0].tail = "0000"

    (finding,) = judge().judge(document, forms()[RCEP], ON)

    assert (finding.code, finding.value) == ("C02", "770000")


def test_a_document_of_countless_elements_is_not_looked_at_further() -> None:
    document = written(a_record(items=1))
    items = document.find("{*}Items")
    assert items is not None
    for _ in range(MOST_ELEMENTS):
        etree.SubElement(items, f"{{{forms()[RCEP].namespace}}}Item")

    (finding,) = judge().judge(document, forms()[RCEP], ON)

    assert (finding.code, finding.severity) == ("S04", Severity.ERROR)


def test_the_day_of_judging_is_given() -> None:
    record = a_record(items=1)
    record["issue_date"] = record["transport"]["departure_date"] = "2026-11-22"

    assert [finding.code for finding in judged(record, on=date(2026, 11, 21))] == ["C05"]
    assert judged(record, on=date(2026, 11, 22)) == ()
    assert judged(record, on=date(2027, 11, 22)) == ()
    assert [finding.code for finding in judged(record, on=date(2027, 11, 23))] == ["C05"]


def test_threads_share_a_judge() -> None:
    good, bad = a_record(items=3), a_record(FORM_D, items=3)
    bad["exporter"]["name"] = ""
    records = [good, bad] * 20

    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(judged, records))

    assert [len(findings) for findings in verdicts] == [0, 1] * 20


def test_a_form_is_known_by_its_namespace() -> None:
    record = a_record()

    assert form_of(written(record), forms()) is form_of_record(record, forms())


def test_an_unknown_namespace_is_s03() -> None:
    with pytest.raises(FormNotAgreed, match=r"rcep/form-rcep/1\.0") as caught:
        form_of(
            etree.fromstring('<CertificateOfOrigin xmlns="urn:eco-gateway:rcep:form-rcep:9.0"/>'), forms()
        )

    assert caught.value.code == "S03"


def test_another_root_in_a_known_namespace_is_s01() -> None:
    root = etree.Element(f"{{{forms()[RCEP].namespace}}}Items")

    with pytest.raises(Unreadable, match="CertificateOfOrigin, not Items"):
        form_of(root, forms())


def test_what_a_form_forbids_is_still_written() -> None:
    record = a_record(items=60)

    document = compose(record, forms()[RCEP])

    assert len(document.findall("{*}Items/{*}Item")) == 60
