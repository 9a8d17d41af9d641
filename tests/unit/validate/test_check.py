"""The check of the forms names every fault by file and key; a form is added with files alone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.errors import Misconfigured
from gateway.domain.ids import FormId
from gateway.registry.folder import SHIPPED, Folder
from gateway.registry.forms import RECORD_SCHEMA, load_forms, load_record_schema, xsd_digest
from gateway.validate.check import Expected, check_forms, expected_of
from tests.data.shipped import codes

FORM = "schemas/atiga/form-d/1.0"
VALID = f"{FORM}/examples/valid/plain.xml"


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A registry with one form, two of its examples, and the common blocks."""
    for common in ("schemas/common", "mappings/messages"):
        shutil.copytree(SHIPPED / common, tmp_path / common)
    shutil.copytree(SHIPPED / FORM, tmp_path / FORM, ignore=shutil.ignore_patterns("examples"))
    for example in ("valid/plain.xml", "invalid/fob-missing.xml", "invalid/fob-missing.findings"):
        place = tmp_path / FORM / "examples" / example
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SHIPPED / FORM / "examples" / example, place)
    return tmp_path


def _edit(registry: Path, file: str, find: str, put: str) -> None:
    path = registry / file
    text = path.read_text("utf-8")
    assert find in text
    path.write_text(text.replace(find, put, 1), "utf-8")


def _faults(registry: Path) -> list[str]:
    folder = Folder((registry,))
    return [str(fault) for fault in check_forms(load_forms(folder), codes(), folder)]


def test_a_good_registry_has_no_fault(registry: Path) -> None:
    assert _faults(registry) == []


@pytest.mark.parametrize(
    ("file", "find", "put", "complaint"),
    [
        pytest.param(
            f"{FORM}/form.toml", '"VN"]', '"XX"]', "form.toml: parties: XX is no country", id="country"
        ),
        pytest.param(
            f"{FORM}/form.toml",
            '["ID", "KH", "LA"]',
            '["JP"]',
            "fob.countries: JP is not among",
            id="fob-country",
        ),
        pytest.param(
            f"{FORM}/form.toml", 'edition = "2022"', 'edition = "2017"', "no code list hs-2017", id="edition"
        ),
        pytest.param(
            f"{FORM}/form.toml", "Exporter =", "Exporterr =", "boxes.Exporterr: no such element", id="box"
        ),
        pytest.param(
            f"{FORM}/form.toml", 'CertificateOfOrigin = "header"\n', "", "boxes: no box for", id="no-box"
        ),
        pytest.param(
            f"{FORM}/form.toml",
            "f:CertificateNumber",
            "f:Number",
            "reference: does not hit one",
            id="reference",
        ),
        pytest.param(
            VALID, ">610910<", ">610999<", "a valid example must not have an error", id="valid-example"
        ),
        pytest.param(VALID, ">610910<", ">610999<", "found as well: C02 error", id="unexpected-finding"),
        pytest.param(VALID, "</CertificateOfOrigin>", "", "Not well-formed", id="broken-example"),
        pytest.param(VALID, "form-d:1.0", "form-d:2.0", "No form has the namespace", id="other-namespace"),
        pytest.param(
            f"{FORM}/examples/invalid/fob-missing.findings",
            "C04",
            "C05",
            "not found: C05 error",
            id="not-found",
        ),
        pytest.param(
            f"{FORM}/examples/invalid/fob-missing.findings",
            " error",
            "",
            "a line is not",
            id="malformed-line",
        ),
        pytest.param("schemas/common/rules.sch", '$second"', '$second or"', "does not compile", id="rules"),
    ],
)
def test_a_fault_is_named_with_its_file(
    registry: Path, file: str, find: str, put: str, complaint: str
) -> None:
    _edit(registry, file, find, put)

    assert any(complaint in fault for fault in _faults(registry)), _faults(registry)


def test_an_invalid_example_says_what_it_expects(registry: Path) -> None:
    (registry / FORM / "examples/invalid/fob-missing.findings").unlink()

    assert any("fob-missing.xml: -: an invalid example needs" in fault for fault in _faults(registry))


def test_a_new_version_is_added_with_files_alone(registry: Path) -> None:
    _next_version(registry)
    _edit(registry, f"{FORM}/form.toml", "examples_on", "valid_to = 2026-12-31\nexamples_on")
    later = registry / "schemas/atiga/form-d/1.1/form.toml"
    later.write_text(
        re.sub(r"valid_from = \S+", "valid_from = 2026-07-01", later.read_text("utf-8"), count=1), "utf-8"
    )

    assert sorted(load_forms(Folder((registry,)))) == ["atiga/form-d/1.0", "atiga/form-d/1.1"]
    assert _faults(registry) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(
            lambda r: _edit(r, f"{FORM}/form.toml", "title =", "titel ="), "titel: unknown key", id="key"
        ),
        pytest.param(
            lambda r: _edit(r, "schemas/common/certificate.xsd", 'value="256"', 'value="255"'),
            "sha256: the XSD",
            id="hash",
        ),
        pytest.param(lambda r: (r / FORM / "rules.sch").unlink(), "rules: no file", id="no-rules"),
        pytest.param(
            lambda r: (r / "schemas/common/certificate.xsd").unlink(), "entry: no file", id="no-include"
        ),
        pytest.param(
            lambda r: _edit(r, f"{FORM}/form-d.xsd", "../../../common/", "https://example.org/"),
            "only relative",
            id="remote",
        ),
        pytest.param(
            lambda r: _edit(r, f"{FORM}/form-d.xsd", "</xs:schema>", ""), "not well-formed", id="not-xml"
        ),
        pytest.param(
            lambda r: _edit(r, f"{FORM}/form.toml", "{urn", "urn"), "root: is not {namespace}", id="root"
        ),
        pytest.param(
            lambda r: _edit(r, f"{FORM}/form.toml", "rvc_at_least_beside = 35", "rvc_at_least_beside = 45"),
            "criteria: rvc_at_least_beside is more",
            id="percentages",
        ),
        pytest.param(
            lambda r: _edit(r, f"{FORM}/form.toml", '["WO", "RVC", "CC", "CTH", "CTSH", "SP", "PC"]', "[]"),
            "criteria: lines[0] is empty",
            id="no-criterion",
        ),
        pytest.param(
            lambda r: shutil.copytree(r / FORM, r / "schemas/atiga/form-x/1.0"),
            "namespace is that of",
            id="twin",
        ),
        pytest.param(
            lambda r: (r / FORM).rename(r / "schemas/atiga/form-d/draft"), "the folder is not", id="folder"
        ),
    ],
)
def test_a_form_that_cannot_be_read_is_named(
    registry: Path, change: Callable[[Path], object], complaint: str
) -> None:
    change(registry)

    with pytest.raises(Misconfigured) as caught:
        load_forms(Folder((registry,)))

    assert any(complaint in str(fault) for fault in caught.value.faults), caught.value.faults


def test_a_day_between_two_versions_is_a_fault(registry: Path) -> None:
    _next_version(registry)
    _edit(registry, f"{FORM}/form.toml", "examples_on", "valid_to = 2022-12-31\nexamples_on")
    later = "schemas/atiga/form-d/1.1/form.toml"
    _edit(registry, later, "valid_from = 2022-05-01", "valid_from = 2023-01-03")

    with pytest.raises(Misconfigured, match="nothing covers the days between 2022-12-31 and 2023-01-03"):
        load_forms(Folder((registry,)))


def test_an_installation_lays_its_own_version_over_the_shipped_ones(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / FORM, tmp_path / FORM)
    _next_version(tmp_path, of_layers=(SHIPPED, tmp_path))
    _edit(tmp_path, f"{FORM}/form.toml", "examples_on", "valid_to = 2026-12-31\nexamples_on")
    later = "schemas/atiga/form-d/1.1/form.toml"
    _edit(tmp_path, later, "valid_from = 2022-05-01", "valid_from = 2026-07-01")

    forms = load_forms(Folder((SHIPPED, tmp_path)))

    assert FormId("atiga/form-d/1.1") in forms


def test_a_form_may_do_without_rules(registry: Path) -> None:
    _edit(registry, f"{FORM}/form.toml", 'rules = "rules.sch"\n', "")

    (form,) = load_forms(Folder((registry,))).values()

    assert form.rules is None
    assert set(form.sources) == {f"{FORM}/form-d.xsd", "schemas/common/certificate.xsd"}


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "no such file"), ("{", "not JSON")], ids=["missing", "broken"]
)
def test_a_faulty_record_schema_is_named(tmp_path: Path, content: str | None, complaint: str) -> None:
    path = tmp_path / RECORD_SCHEMA
    path.parent.mkdir(parents=True)
    if content is not None:
        path.write_text(content, "utf-8")

    with pytest.raises(Misconfigured, match=complaint) as caught:
        load_record_schema(Folder((tmp_path,)))

    assert caught.value.faults[0].file == RECORD_SCHEMA


def test_findings_are_written_line_by_line() -> None:
    text = "# a comment\nC04 error /A/B\n\nW01 warning /A  # why\n"

    assert expected_of(text) == [Expected("C04", "error", "/A/B"), Expected("W01", "warning", "/A")]


def _digest(*paths: Path) -> str:
    return xsd_digest({path.as_posix(): path.read_bytes() for path in paths})


def _next_version(registry: Path, of_layers: tuple[Path, ...] = ()) -> None:
    """Version 1.1 beside 1.0: another namespace, another hash, nothing else."""
    old, new = registry / FORM, registry / "schemas/atiga/form-d/1.1"
    shutil.copytree(old, new)
    for path in new.rglob("*"):
        if path.is_file():
            path.write_text(path.read_text("utf-8").replace("form-d:1.0", "form-d:1.1"), "utf-8")
    common = next(
        layer / "schemas/common/certificate.xsd"
        for layer in (of_layers or (registry,))
        if (layer / "schemas/common/certificate.xsd").exists()
    )
    digest = _digest(new / "form-d.xsd", common)
    toml = new / "form.toml"
    toml.write_text(re.sub(r'sha256 = "[0-9a-f]+"', f'sha256 = "{digest}"', toml.read_text("utf-8")), "utf-8")
