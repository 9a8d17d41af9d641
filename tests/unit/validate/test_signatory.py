"""Who signed was on the list in force on the day of issue, where the corridor asks (step 8, G03)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.errors import Finding, Severity
from gateway.domain.specimen import Asked, Listed, SpecimenList, Specimens
from gateway.domain.words import ENGLISH
from gateway.registry.folder import Folder
from gateway.registry.forms import load_forms
from gateway.validate.facts import claimed_facts
from gateway.validate.signatory import signatory_findings

FORM = next(form for name, form in load_forms(Folder()).items() if name == "atiga/form-d/1.0")
ISSUED = date(2026, 9, 1)


def certificate(
    body: str | None = "Ministry of Trade", signatory: str | None = "Tran Thi B"
) -> etree._Element:
    root = etree.Element(f"{{{FORM.namespace}}}CertificateOfOrigin")
    for name, text in (
        ("ExportingCountry", "VN"),
        ("IssueDate", ISSUED.isoformat()),
        ("IssuingBody", body),
        ("Signatory", signatory),
    ):
        if text is not None:
            etree.SubElement(root, f"{{{FORM.namespace}}}{name}").text = text
    return root


def a_list(
    *officials: Listed, begins: date = date(2026, 1, 1), body: str = "Ministry of Trade"
) -> SpecimenList:
    return SpecimenList(
        country="VN",
        agreements=frozenset({"atiga"}),
        valid_from=begins,
        source="circular 7",
        bodies=(Listed(name="Ministry of Trade", officials=officials),),
    )


def an_official(begins: date | None = None, ends: date | None = None) -> Listed:
    return Listed(name="TRAN Thi  B", begins=begins, ends=ends)


def judged(
    document: etree._Element, *lists: SpecimenList, asked: Asked | None = Asked.REFUSE
) -> tuple[Finding, ...]:
    claims = claimed_facts(document, FORM)
    return signatory_findings(document, FORM, claims, Specimens(lists), asked, FORM.words_in(ENGLISH))


@pytest.mark.parametrize(
    ("document", "lists"),
    [
        pytest.param(certificate(), [a_list(an_official())], id="on-it"),
        pytest.param(certificate("MINISTRY  of trade", None), [a_list()], id="body-alone"),
        pytest.param(certificate(None), [a_list(an_official())], id="official-alone"),
        pytest.param(certificate(), [a_list(an_official(ISSUED, ISSUED))], id="on-that-very-day"),
        pytest.param(
            certificate(), [a_list(an_official()), a_list(begins=date(2026, 9, 2))], id="gone-the-day-after"
        ),
    ],
)
def test_who_was_on_the_list_on_the_day_of_issue_may_sign(
    document: etree._Element, lists: list[SpecimenList]
) -> None:
    assert judged(document, *lists) == ()


@pytest.mark.parametrize(
    ("document", "lists", "told"),
    [
        pytest.param(certificate(), [], "No specimen list of VN was in force on 2026-09-01", id="no-list"),
        pytest.param(
            certificate(), [a_list(begins=date(2026, 9, 2))], "No specimen list of VN", id="not-yet-in-force"
        ),
        pytest.param(certificate(), [a_list()], "Tran Thi B is not on the specimen list of VN", id="unknown"),
        pytest.param(
            certificate("Chamber"), [a_list(an_official())], "Chamber is not on the specimen list", id="body"
        ),
        pytest.param(
            certificate(),
            [a_list(an_official(ends=date(2026, 6, 30)))],
            "for 2026-01-01 to 2026-06-30; the day of issue is 2026-09-01",
            id="no-longer",
        ),
        pytest.param(
            certificate(), [a_list(an_official()), a_list(begins=ISSUED)], "is not on", id="replaced-that-day"
        ),
        pytest.param(certificate(None, None), [a_list()], "Neither issuing body nor signatory", id="nobody"),
    ],
)
def test_who_was_not_is_told_with_list_and_days(
    document: etree._Element, lists: list[SpecimenList], told: str
) -> None:
    (finding,) = judged(document, *lists)

    assert told in finding.text
    assert (finding.code, finding.step, finding.severity) == ("G03", 8, Severity.ERROR)


def test_the_finding_stands_at_the_box_of_who_signed() -> None:
    (finding,) = judged(certificate(), a_list(), asked=Asked.WARN)

    assert (finding.path, finding.value) == ("/CertificateOfOrigin/Signatory", "Tran Thi B")
    assert finding.box == FORM.box_of("/CertificateOfOrigin/Signatory")
    assert finding.severity is Severity.WARNING


def test_a_corridor_that_does_not_ask_looks_at_nothing() -> None:
    assert judged(certificate(), asked=None) == ()


def test_a_list_for_another_agreement_says_nothing_of_this_one() -> None:
    other = SpecimenList(
        country="VN", agreements=frozenset({"rcep"}), valid_from=ISSUED, source="x", bodies=a_list().bodies
    )

    (finding,) = judged(certificate(), other)

    assert "No specimen list" in finding.text


@given(st.lists(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=8), st.dates())
def test_the_list_in_force_is_the_youngest_that_has_begun(begins: list[date], on: date) -> None:
    found = Specimens([a_list(begins=each) for each in begins]).in_force("VN", "atiga", on)

    assert (found and found.valid_from) == max((each for each in begins if each <= on), default=None)
