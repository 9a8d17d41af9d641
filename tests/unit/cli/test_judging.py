"""``validate`` and ``check``: every finding, documented statuses, one JSON document."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from gateway.domain.envelope import write_envelope
from gateway.domain.ids import FormId
from gateway.registry.folder import SHIPPED
from tests.messages import a_header
from tests.unit.cli.program import Program
from tests.unit.cli.records import a_record, an_item, write_records

DAY = "2026-11-21"


@pytest.fixture
def desk(program: Program, tmp_path: Path) -> Path:
    """A folder with a certificate that is good and one that has two faults."""
    faulty = a_record(case="faulty", items=[an_item(hs="770000", criterion=["PSR"])])
    records = write_records(tmp_path / "r.jsonl", a_record(case="good"), faulty)
    program("compose", records, "-o", tmp_path)
    return tmp_path


def test_a_good_certificate_is_exit_0(program: Program, desk: Path) -> None:
    ended = program("validate", desk / "good.xml", "--at", DAY)

    assert ended.status == 0
    assert ended.out == f"{desk}/good.xml: valid (atiga/form-d/1.0)\n"


def test_every_finding_of_every_file_is_told(program: Program, desk: Path) -> None:
    ended = program("validate", desk / "faulty.xml", desk / "good.xml", "--at", DAY)

    assert ended.status == 1
    lines = ended.out.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{desk}/faulty.xml:") for line in lines[:2])
    assert " C02 error box 7 /CertificateOfOrigin/Items/Item/HarmonizedSystemCode: " in lines[0] + lines[1]
    assert " -> " in lines[0]


@pytest.mark.parametrize("language", ["vi", "th"])
def test_findings_are_told_in_the_language_that_is_asked_for(
    program: Program, desk: Path, language: str
) -> None:
    told, english = (
        program("validate", desk / "faulty.xml", "--at", DAY, "--json", *more).json[0]["findings"]
        for more in (("--lang", language), ())
    )

    assert [one["path"] for one in told] == [one["path"] for one in english]
    assert all(one["text"] != other["text"] for one, other in zip(told, english, strict=True))


def test_a_language_that_nobody_speaks_is_wrong_use(program: Program, desk: Path) -> None:
    ended = program("validate", desk / "good.xml", "--lang", "la")

    assert ended.status == 2
    assert "'la' is not known; known are en, th, vi" in ended.err


def test_json_has_one_object_a_file_with_all_its_keys(program: Program, desk: Path) -> None:
    ended = program("validate", desk / "faulty.xml", desk / "good.xml", "--at", DAY, "--json")

    assert ended.status == 1
    faulty, good = ended.json
    assert set(faulty) == {"file", "form", "valid", "findings"}
    assert (good["form"], good["valid"], good["findings"]) == ("atiga/form-d/1.0", True, [])
    assert {finding["code"] for finding in faulty["findings"]} == {"C02", "C03"}
    keys = {"code", "severity", "box", "path", "line", "value", "text", "action"}
    assert all(set(finding) == keys for finding in faulty["findings"])


def test_the_day_decides(program: Program, desk: Path) -> None:
    ended = program("validate", desk / "good.xml", "--at", "2026-09-30", "--json")

    assert ended.status == 1
    assert [finding["code"] for finding in ended.json[0]["findings"]] == ["C05"]


def test_without_a_day_the_clock_of_the_process_decides(
    program: Program, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECO_GATEWAY_CLOCK", "2026-09-30T00:00:00Z")

    assert program("validate", desk / "good.xml").status == 1


@pytest.mark.parametrize(
    ("at", "status"),
    [
        pytest.param("2026-10-01", 0, id="that-day"),
        pytest.param("2026-09-30", 1, id="the-day-before"),
        pytest.param("2026-09-30T18:00:00Z", 0, id="that-day-in-hanoi"),
        pytest.param("2026-09-30T16:00:00Z", 1, id="not-yet-in-hanoi"),
    ],
)
def test_of_an_instant_the_day_counts_that_it_is_where_it_was_issued(
    program: Program, desk: Path, at: str, status: int
) -> None:
    assert program("validate", desk / "good.xml", "--at", at).status == status


def test_a_whole_message_is_unwrapped(program: Program, desk: Path) -> None:
    document = etree.fromstring((desk / "faulty.xml").read_bytes())
    header = a_header(
        standard="urn:eco-gateway:atiga:form-d:1.0",
        form=FormId("atiga/form-d/1.0"),
        certificate_number="VN26-TH-000001",
    )
    (desk / "message.xml").write_bytes(etree.tostring(write_envelope(header, document)))

    ended = program("validate", desk / "message.xml", "--at", DAY, "--json")

    assert ended.json[0]["form"] == "atiga/form-d/1.0"
    assert {finding["code"] for finding in ended.json[0]["findings"]} == {"C02", "C03"}


def test_a_header_at_odds_with_its_document_is_a_finding(program: Program, desk: Path) -> None:
    document = etree.fromstring((desk / "good.xml").read_bytes())
    (desk / "message.xml").write_bytes(etree.tostring(write_envelope(a_header(), document)))

    ended = program("validate", desk / "message.xml", "--at", DAY, "--json")

    assert [finding["code"] for finding in ended.json[0]["findings"]] == ["S01"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param("", "S01", id="empty"),
        pytest.param("no XML", "S01", id="no-xml"),
        pytest.param('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "S01", id="dtd"),
        pytest.param('<a xmlns="urn:nobody"/>', "S03", id="no-such-form"),
        pytest.param(
            '<Acknowledgement xmlns="urn:eco-gateway:exchange:1.0"/>', "S02", id="exchange-document"
        ),
    ],
)
def test_what_cannot_be_read_is_a_finding_too(
    program: Program, tmp_path: Path, content: str, code: str
) -> None:
    (tmp_path / "a.xml").write_text(content)

    ended = program("validate", tmp_path / "a.xml", "--at", DAY, "--json")

    assert ended.status == 1
    assert (ended.json[0]["form"], ended.json[0]["valid"]) == (None, False)
    assert [finding["code"] for finding in ended.json[0]["findings"]] == [code]


@pytest.mark.parametrize("form", ["form-d", "atiga/form-d", "atiga/form-d/1.0"])
def test_the_form_may_be_named_in_three_ways(program: Program, desk: Path, form: str) -> None:
    assert program("validate", desk / "good.xml", "--form", form, "--at", DAY).status == 0


def test_another_form_than_asked_for_does_not_fit(program: Program, desk: Path) -> None:
    ended = program("validate", desk / "good.xml", "--form", "form-rcep", "--at", DAY, "--json")

    assert ended.status == 1
    assert ended.json[0]["form"] == "rcep/form-rcep/1.0"
    assert ended.json[0]["findings"][0]["code"] == "S02"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["nowhere.xml"], "nowhere.xml: no such file", id="no-file"),
        pytest.param(["good.xml", "nowhere.xml"], "nowhere.xml: no such file", id="one-of-two"),
        pytest.param(["."], "no such file", id="a-folder"),
        pytest.param(["good.xml", "--form", "form-z"], "'form-z' is not known", id="no-such-form"),
        pytest.param(["good.xml", "--at", "soon"], "--at", id="no-day"),
        pytest.param([], "FILE", id="nothing"),
    ],
)
def test_wrong_use_is_exit_2(
    program: Program, desk: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(desk)

    ended = program("validate", *arguments)

    assert (ended.status, ended.out) == (2, "")
    assert words in ended.err


def test_the_shipped_registry_is_good(program: Program) -> None:
    ended = program("check")

    assert (ended.status, ended.out) == (0, "")


def test_every_fault_of_a_registry_is_a_line(program: Program, tmp_path: Path) -> None:
    parties = tmp_path / "mappings/parties"
    corridors = tmp_path / "mappings/corridors"
    parties.mkdir(parents=True)
    corridors.mkdir()
    (corridors / "a.toml").write_text('sender = "A"\nreciever = "B"\n')
    (parties / "b.toml").write_text('id = "B.CUSTOMS"\nanker = "x"\n')

    ended = program("check", tmp_path)

    assert ended.status == 1
    lines = ended.out.splitlines()
    assert "mappings/parties/b.toml: anker: unknown key; did you mean 'anchor'?" in lines
    assert "mappings/parties/b.toml: name: missing" in lines


FAULTY = {
    "mappings/corridors/a.toml": 'sender = "A.ONE"\nreceiver = "B.TWO"\naccepts = "atiga/form-z/1.0"\n'
    'delivers = "atiga/form-z/1.0"\n[[hs.editions]]\nedition = "1999"\nvalid_from = 1999-01-01\n',
    "mappings/codes/incoterms.csv": "# list: terms\n# edition: 1\ncode,name,status\n",
    "mappings/codes/tariff-ZZ.csv": "# list: a\n# source: b\n# edition: c\ncode,name,status\n",
    "mappings/messages/own.en.toml": '[sayings.hs-unkown]\ntext = "a"\naction = "b"\n',
    "mappings/messages/vi.toml": '[sayings.hs-unknown]\ntext = "{code}"\naction = "b"\n',
    "schemas/rcep/form-rcep/1.0/examples/invalid/odd.xml": "<odd/>",
}
FAULTS = (
    "mappings/corridors/a.toml: sender: no party A.ONE under",
    "mappings/corridors/a.toml: receiver: no party B.TWO under",
    "mappings/corridors/a.toml: accepts: no form atiga/form-z/1.0 under",
    "mappings/corridors/a.toml: hs.editions: no code list hs-1999.csv",
    "mappings/codes/incoterms.csv: source: missing",
    "mappings/codes/tariff-ZZ.csv: -: ZZ is no country of ISO 3166-1",
    "mappings/messages/own.en.toml: sayings.hs-unkown: nothing is said under this name",
    "mappings/messages/vi.toml: sayings.hs-unknown: is not given a value {code}",
    "schemas/atiga/form-d/1.0/form.toml: sha256: the XSD set has ",
    "schemas/aifta/form-ai/1.0/form.toml: valid_to: ends on 2001-01-01, before it begins on ",
    "schemas/akfta/form-ak/1.0/form.toml: hs.editions: 2022: valid_to ends on 1990-01-01, before ",
)


def test_a_fault_hides_no_other_wherever_it_stands(program: Program, tmp_path: Path) -> None:
    for relative, text in FAULTY.items():
        _write(tmp_path / relative, text)
    for relative, find, put in (
        ("schemas/atiga/form-d/1.0/form-d.xsd", "</xs:schema>", "<!-- unnoticed --></xs:schema>"),
        ("schemas/aifta/form-ai/1.0/form.toml", "examples_on", "valid_to = 2001-01-01\nexamples_on"),
        ("schemas/akfta/form-ak/1.0/form.toml", '"2022"', '"2022"\nvalid_to = 1990-01-01'),
    ):
        _write(tmp_path / relative, (SHIPPED / relative).read_text("utf-8").replace(find, put, 1))

    ended = program("check", tmp_path)

    lines = ended.out.splitlines()
    assert ended.status == 1
    assert [fault for fault in FAULTS if not any(line.startswith(fault) for line in lines)] == []
    assert len(lines) == len(set(lines))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_a_form_that_does_not_compile_is_a_fault(program: Program, tmp_path: Path) -> None:
    place = tmp_path / "schemas/atiga/form-d/1.0"
    place.mkdir(parents=True)
    (place / "rules.sch").write_text("<not-schematron/>")

    ended = program("check", tmp_path)

    assert ended.status == 1
    assert "schemas/atiga/form-d/1.0/" in ended.out


def test_a_folder_that_is_not_there_is_wrong_use(program: Program) -> None:
    assert program("check", "nowhere").status == 2
