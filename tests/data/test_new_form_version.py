"""A new version of a form is a folder: laid over the shipped ones it is judged, chosen and tested alike."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from gateway.domain.form import Form, in_force
from gateway.domain.ids import FormId, family_of
from gateway.domain.xml import read_xml
from gateway.registry.folder import SHIPPED, Folder, over_shipped
from gateway.registry.forms import load_forms, load_record_schema
from gateway.validate.check import check_forms, found_in
from gateway.validate.judge import Judge
from gateway.validate.records import compose, form_of_record, record_of
from gateway.validate.shape import Records, write_json
from tests.data.shipped import FORM_D, ON, a_record, codes
from tests.data.versions import BEGINS, ENDS, NEW, lay_next_form_d

FAMILY = family_of(NEW)
AT = date(2027, 1, 15)
PLAIN = (SHIPPED / f"schemas/{FORM_D}/examples/valid/plain.xml").read_text("utf-8")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation's registry with version 1.1, one element richer, and a last day for version 1.0."""
    registry = tmp_path_factory.mktemp("registry")
    lay_next_form_d(registry)
    return registry


@pytest.fixture
def folder(own: Path) -> Folder:
    return over_shipped(own)


@pytest.fixture(scope="module")
def judge(own: Path) -> Judge:
    return Judge(_versions(over_shipped(own)), codes())


def _versions(folder: Folder) -> dict[FormId, Form]:
    return {name: form for name, form in load_forms(folder).items() if form.family == FAMILY}


def _issued(day: date, version: FormId, transit: str = "") -> etree._Element:
    """A certificate of *version* that is good, but perhaps for the day of its issue."""
    text = PLAIN.replace("form-d:1.0", f"form-d:{version.rpartition('/')[2]}")
    text = re.sub(r"<(IssueDate|DepartureDate)>[^<]*<", rf"<\1>{day}<", text)
    added = f"<TransitCountry>{transit}</TransitCountry>" if transit else ""
    return read_xml(text.replace("  <Items>", f"  {added}<Items>").encode())


def test_both_versions_are_there_and_the_shipped_one_is_as_it_was(folder: Folder) -> None:
    versions = _versions(folder)

    assert set(versions) == {FORM_D, NEW}
    assert versions[FORM_D].sha256 == load_forms(Folder())[FORM_D].sha256
    assert versions[NEW].box_of("/CertificateOfOrigin/TransitCountry") == "3"


@pytest.mark.parametrize(
    ("day", "version"),
    [
        pytest.param(date(2026, 9, 30), FORM_D, id="before"),
        pytest.param(BEGINS, NEW, id="first-day-of-both"),
        pytest.param(ENDS, NEW, id="last-day-of-both"),
        pytest.param(date(2027, 1, 1), NEW, id="after"),
    ],
)
def test_the_youngest_version_in_force_on_the_issue_date_is_chosen(
    folder: Folder, day: date, version: FormId
) -> None:
    record = a_record(FORM_D) | {"form": FAMILY, "issue_date": day.isoformat()}
    versions = _versions(folder)

    chosen = form_of_record(record, versions)

    assert (chosen.id, in_force(versions.values(), FAMILY, day)) == (version, chosen)
    assert etree.QName(compose(record, chosen)).namespace == versions[version].namespace


@pytest.mark.parametrize(
    ("day", "agreed", "version"),
    [
        pytest.param(ENDS, {FORM_D}, FORM_D, id="only-the-old-one-is-agreed"),
        pytest.param(ENDS, {NEW}, NEW, id="only-the-new-one-is-agreed"),
        pytest.param(ENDS, {FORM_D, NEW}, NEW, id="both-are-agreed"),
        pytest.param(date(2027, 1, 1), {FORM_D}, NEW, id="the-old-one-is-over"),
    ],
)
def test_in_a_transition_the_version_that_is_agreed_goes_before_the_youngest(
    folder: Folder, day: date, agreed: set[FormId], version: FormId
) -> None:
    record = a_record(FORM_D) | {"form": FAMILY, "issue_date": day.isoformat()}

    assert form_of_record(record, _versions(folder), agreed).id == version


@pytest.mark.parametrize(
    ("day", "accepted"),
    [
        pytest.param(date(2026, 9, 30), {FORM_D}, id="before"),
        pytest.param(BEGINS, {FORM_D, NEW}, id="first-day-of-both"),
        pytest.param(ENDS, {FORM_D, NEW}, id="last-day-of-both"),
        pytest.param(date(2027, 1, 1), {NEW}, id="after"),
    ],
)
def test_each_version_is_accepted_in_its_own_window(
    folder: Folder, judge: Judge, day: date, accepted: set[FormId]
) -> None:
    findings = {
        version: found_in(judge.judge(_issued(day, version), form, AT))
        for version, form in _versions(folder).items()
    }

    assert {version for version, found in findings.items() if not found} == accepted
    for version in {FORM_D, NEW} - accepted:
        assert [str(one) for one in findings[version]] == ["S03 error /CertificateOfOrigin/IssueDate"]


def test_the_new_element_is_taken_by_the_new_version_alone(folder: Folder, judge: Judge) -> None:
    versions = _versions(folder)

    new, old = (
        judge.judge(_issued(BEGINS, version, transit="SG"), versions[version], AT)
        for version in (NEW, FORM_D)
    )

    assert new == ()
    assert [(one.code, one.path) for one in old] == [("S02", "/CertificateOfOrigin/TransitCountry")]


def test_a_box_record_has_the_new_element_by_its_name_both_ways(folder: Folder, judge: Judge) -> None:
    versions = _versions(folder)
    record = a_record(FORM_D) | {"form": NEW, "issue_date": f"{BEGINS}", "transit_country": "SG"}
    records = Records(load_record_schema(folder), versions.values())

    document = compose(records.read(write_json(record).encode()), versions[NEW])

    again = read_xml(etree.tostring(document))
    assert again.findtext("{*}TransitCountry") == "SG"
    assert record_of(again, versions[NEW]) == record
    assert [one for one in judge.judge(again, versions[NEW], AT) if one.code.startswith("S")] == []


def test_a_version_without_the_element_says_so_of_the_record(folder: Folder, judge: Judge) -> None:
    old = _versions(folder)[FORM_D]
    record = a_record(FORM_D) | {"form": FORM_D, "transit_country": "SG"}

    told = judge.judge(read_xml(etree.tostring(compose(record, old))), old, ON)

    assert [(one.code, one.path) for one in told] == [("S02", "/CertificateOfOrigin/TransitCountry")]


def test_an_example_beside_it_is_a_test_by_itself(own: Path, folder: Folder) -> None:
    valid = own / f"schemas/{NEW}/examples/valid/transit.xml"
    invalid = own / f"schemas/{NEW}/examples/invalid/transit-in-words.xml"
    valid.write_bytes(etree.tostring(_issued(BEGINS, NEW, transit="SG")))
    invalid.write_bytes(etree.tostring(_issued(BEGINS, NEW, transit="Singapore")))

    without = _faults(folder)
    invalid.with_suffix(".findings").write_text("S02 error /CertificateOfOrigin/TransitCountry\n", "utf-8")
    right = _faults(folder)
    invalid.with_suffix(".findings").write_text("C01 error /CertificateOfOrigin/ImportingCountry\n", "utf-8")
    wrong = _faults(folder)
    for path in (valid, invalid, invalid.with_suffix(".findings")):
        path.unlink()

    name = f"schemas/{NEW}/examples/invalid/transit-in-words.xml"
    assert without == [f"{name}: -: an invalid example needs a .findings file beside it"]
    assert right == []
    assert wrong == [
        f"{name}: .findings: not found: C01 error /CertificateOfOrigin/ImportingCountry",
        f"{name}: .findings: found as well: S02 error /CertificateOfOrigin/TransitCountry",
    ]


def _faults(folder: Folder) -> list[str]:
    new = {NEW: load_forms(folder)[NEW]}
    return [str(fault) for fault in check_forms(new, codes(), folder)]
