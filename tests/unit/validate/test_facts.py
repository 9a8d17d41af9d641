"""What the ledger learns of a certificate."""

from __future__ import annotations

from datetime import date

from lxml import etree

from gateway.validate.facts import claimed_facts, facts_of
from tests.data.shipped import RCEP, a_record, forms, written

FORM = forms()[RCEP]


def test_the_facts_of_a_certificate_are_read() -> None:
    record = a_record() | {
        "certificate_number": " VN-TH  26/02/00006 ",
        "replaces": {"number": "VN-TH 26/02/00001"},
        "certified_true_copy_of": {"number": "VN-TH 26/02/00002"},
    }

    facts = facts_of(written(record), FORM)

    assert facts.form == RCEP
    assert facts.number == "VN-TH 26/02/00006"
    assert facts.issuing_country == facts.exporting_country == record["exporting_country"]
    assert facts.importing_country == record["importing_country"]
    assert facts.exporter == record["exporter"]["name"]
    assert facts.issue_date == date.fromisoformat(record["issue_date"])
    assert facts.replaces == "VN-TH 26/02/00001"
    assert facts.certified_copy_of == "VN-TH 26/02/00002"


def test_a_certified_true_copy_bears_the_issue_date_of_the_original() -> None:
    copied = {"certified_true_copy_of": {"number": "VN-TH 26/02/00002", "issue_date": "2025-11-01"}}

    assert facts_of(written(a_record() | copied), FORM).issue_date == date(2025, 11, 1)


def test_what_is_not_there_is_none() -> None:
    facts = facts_of(written(a_record()), FORM)

    assert (facts.replaces, facts.certified_copy_of) == (None, None)


def test_the_facts_of_a_refused_certificate_are_what_can_be_read() -> None:
    document = written(a_record() | {"issue_date": "2026-02-30", "importing_country": "TH"})
    for name in ("CertificateNumber", "Exporter"):
        element = document.find(f"{{*}}{name}")
        assert element is not None
        document.remove(element)

    facts = claimed_facts(document, FORM)

    assert (facts.number, facts.exporter, facts.issue_date) == (None, None, None)
    assert facts.importing_country == "TH"


def test_an_empty_document_claims_nothing() -> None:
    facts = claimed_facts(etree.Element(f"{{{FORM.namespace}}}{FORM.root}"), FORM)

    assert (facts.number, facts.exporting_country, facts.importing_country) == (None, None, None)
