"""``compose``: one file a record, whatever its form forbids; and safe names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.composing import Names, safe_name
from tests.unit.cli.program import Program
from tests.unit.cli.records import a_record, an_item, write_records


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_are_named_after_the_case_else_after_the_number(
    program: Program, tmp_path: Path, out: Path
) -> None:
    records = write_records(
        tmp_path / "r.jsonl", a_record(case="plain-1"), a_record(certificate_number="EIC/2026/1")
    )

    ended = program("compose", records, "-o", out)

    assert (ended.status, ended.out) == (0, "")
    assert "2 of 2 records written" in ended.err
    assert names(out) == ["EIC-2026-1.xml", "plain-1.xml"]


def test_what_a_form_forbids_is_still_written(program: Program, tmp_path: Path, out: Path) -> None:
    forbidden = a_record(
        case="no-criterion", items=[an_item(criterion=[], hs="1", no=-7)], issue_date="never"
    )

    ended = program("compose", write_records(tmp_path / "r.jsonl", forbidden), "-o", out, "--json")

    assert (ended.status, ended.json) == (0, [])
    assert names(out) == ["no-criterion.xml"]


def test_what_cannot_be_written_is_told_with_its_case(program: Program, tmp_path: Path, out: Path) -> None:
    records = write_records(
        tmp_path / "r.jsonl",
        a_record(case="good"),
        a_record(case="shape", items="none", colour="red"),
        "{not JSON",
        a_record(case="form", form="atiga/form-z"),
    )

    ended = program("compose", records, "-o", out, "--json")

    assert ended.status == 1
    assert names(out) == ["good.xml"]
    told = [(one["case"], one["valid"], {f["code"] for f in one["findings"]}) for one in ended.json]
    assert told == [("shape", False, {"S02"}), (None, False, {"S01"}), ("form", False, {"S03"})]
    assert [one["file"] for one in ended.json] == [f"{records}:{line}" for line in (2, 3, 4)]
    assert len(ended.json[0]["findings"]) == 2


def test_people_are_told_a_line_a_finding(program: Program, tmp_path: Path, out: Path) -> None:
    records = write_records(tmp_path / "r.jsonl", a_record(), a_record(case="shape", items="none"))

    ended = program("compose", records, "-o", out)

    assert ended.out.startswith(f"{records}:2: S02 error /items: ")


def test_a_case_never_leads_out_of_the_folder(program: Program, tmp_path: Path, out: Path) -> None:
    records = write_records(tmp_path / "r.jsonl", a_record(case="../../evil"), a_record(case="/etc/evil"))

    program("compose", records, "-o", out)

    assert names(out) == ["etc-evil.xml", "evil.xml"]


def test_a_name_that_is_taken_gets_a_number(program: Program, tmp_path: Path, out: Path) -> None:
    records = write_records(tmp_path / "r.jsonl", a_record(case="a"), a_record(case="A"), a_record(case="a"))

    program("compose", records, "-o", out)

    assert names(out) == ["A-2.xml", "a-3.xml", "a.xml"]


def test_a_file_that_is_not_there_is_wrong_use(program: Program, out: Path) -> None:
    assert program("compose", "nowhere.jsonl", "-o", out).status == 2
    assert not out.exists()


@given(st.text())
def test_every_name_is_one_plain_file_in_its_folder(text: str) -> None:
    name = safe_name(text)

    assert Path(name).name == name
    assert name[0] not in ".-"
    assert len(f"{name}-12345.xml".encode()) < 255


@given(st.lists(st.sampled_from(["a", "A", "a-2", "b", "../a"]), max_size=12))
def test_no_two_names_are_the_same_on_any_file_system(wanted: list[str]) -> None:
    taken = Names()

    given_out = [taken.take(name).casefold() for name in wanted]

    assert len(set(given_out)) == len(given_out)
