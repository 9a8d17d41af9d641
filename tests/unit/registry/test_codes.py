"""Code lists, their sources, and the codes that look alike."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import Misconfigured
from gateway.registry.codes import CodeLists, load_codes
from gateway.registry.folder import SHIPPED, Folder

CODES = load_codes(Folder())
LISTS = {
    "countries": CODES.countries,
    "currencies": CODES.currencies,
    "units": CODES.units,
    "packages": CODES.packages,
    "incoterms": CODES.incoterms,
    "modes": CODES.modes,
}


@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_list_says_where_it_comes_from(name: str) -> None:
    assert LISTS[name].names
    assert LISTS[name].source
    assert LISTS[name].edition


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("countries", "VN"),
        ("currencies", "THB"),
        ("units", "KGM"),
        ("packages", "CT"),
        ("incoterms", "DPU"),
        ("modes", "sea"),
    ],
)
def test_a_current_code_is_known(name: str, code: str) -> None:
    assert code in LISTS[name]
    assert code not in LISTS[name].deprecated


def test_the_harmonized_system_has_six_digits() -> None:
    edition = CODES.hs["2022"]

    assert len(edition.names) > 5000
    assert all(len(code) == 6 and code.isdigit() for code in edition.names)
    assert "610910" in edition


@given(st.sampled_from(["6109", "61", ""]), st.text(max_size=30) | st.text("0", min_size=5000, max_size=5001))
def test_what_is_no_subheading_has_neighbours_all_the_same(begins: str, rest: str) -> None:
    edition = CODES.hs["2022"]

    nearest = edition.nearest(begins + rest)

    assert all(known in edition for known in nearest)
    assert nearest or not begins


@given(st.text("0123456789", min_size=6, max_size=6))
def test_the_nearest_subheadings_are_of_the_same_chapter(code: str) -> None:
    edition = CODES.hs["2022"]

    nearest = edition.nearest(code)

    assert all(known in edition and known[:2] == code[:2] for known in nearest)
    assert code not in edition or nearest[0] == code


@given(st.text(max_size=30))
def test_nearest_codes_are_codes(text: str) -> None:
    assert all(code in CODES.currencies for code in CODES.currencies.nearest(text))


@pytest.mark.parametrize(
    ("code", "known"), [("VNSGN", True), ("XZABC", True), ("VNS1N", False), ("XXSGN", False)]
)
def test_a_port_has_the_syntax_of_a_unlocode(code: str, known: bool) -> None:
    assert CODES.is_port(code) is known


@pytest.mark.parametrize(
    ("find", "put", "complaint"),
    [
        pytest.param("# source: ICC Incoterms rules\n", "", "incoterms.csv: source: missing", id="no-source"),
        pytest.param("code,name,status", "code;name;status", "the columns are not", id="columns"),
        pytest.param("EXW,Ex works,", "CIF,Ex works,", "CIF: stands there twice", id="twice"),
        pytest.param("EXW,Ex works,", "EXW", "is not a row", id="short-row"),
    ],
)
def test_a_faulty_list_is_named(tmp_path: Path, find: str, put: str, complaint: str) -> None:
    shutil.copytree(SHIPPED / "mappings/codes", tmp_path / "mappings/codes")
    path = tmp_path / "mappings/codes/incoterms.csv"
    path.write_text(path.read_text("utf-8").replace(find, put, 1), "utf-8")

    with pytest.raises(Misconfigured, match=complaint):
        load_codes(Folder((tmp_path,)))


def test_all_faults_of_all_lists_are_told_at_once(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "mappings/codes", tmp_path / "mappings/codes")
    for name in ("units.csv", "hs-2022.csv"):
        (tmp_path / "mappings/codes" / name).unlink()
    (tmp_path / "mappings/codes/currencies.csv").write_bytes(b"\xff")

    with pytest.raises(Misconfigured) as caught:
        load_codes(Folder((tmp_path,)))

    assert [fault.file.rpartition("/")[2] for fault in caught.value.faults] == [
        "currencies.csv",
        "units.csv",
        "hs-2022.csv",
    ]


def test_a_customer_lays_a_list_over_the_shipped_one(tmp_path: Path) -> None:
    folder = tmp_path / "mappings/codes"
    folder.mkdir(parents=True)
    own = "# list: delivery terms\n# source: own\n# edition: 1\ncode,name,status\nOWN,Own term,\n"
    (folder / "incoterms.csv").write_text(own, "utf-8")

    assert set(load_codes(Folder((SHIPPED, tmp_path))).incoterms.names) == {"OWN"}


HEAD = "# list: goods\n# source: the customs office\n# edition: 2026\ncode,name,status\n"


def own_lists(folder: Path, **lists: str) -> CodeLists:
    """The shipped lists and those of an installation, by the name of the file."""
    codes = folder / "mappings/codes"
    codes.mkdir(parents=True, exist_ok=True)
    for name, rows in lists.items():
        (codes / f"{name.replace('_', '-')}.csv").write_text(HEAD + rows, "utf-8")
    return load_codes(Folder((SHIPPED, folder)))


def test_a_national_tariff_is_a_file_by_the_country_that_imports(tmp_path: Path) -> None:
    codes = own_lists(tmp_path, tariff_VN="61091010,for men,\n6109102000,for women,\n")

    tariff = codes.tariffs["VN"]
    assert set(codes.tariffs) == {"VN"}
    assert [tariff.begins(code) for code in ("61091010", "61091020", "6109102000", "61091030")] == [
        *(True, True, True, False)
    ]
    assert tariff.nearest("61091030")[0] in tariff


@pytest.mark.parametrize(
    ("lists", "complaint"),
    [
        pytest.param({"tariff_XX": ""}, "tariff-XX.csv: -: XX is no country of ISO 3166-1", id="no-country"),
        pytest.param({"tariff_VN": "610910,short,\n"}, "tariff-VN.csv: 610910: is not more than 6", id="six"),
        pytest.param(
            {"tariff_VN": "6109A0,word,\n"}, "tariff-VN.csv: 6109A0: is not more than", id="letters"
        ),
        pytest.param({"ports": "VNSGN,a,\nVNSGN,b,\n"}, "ports.csv: VNSGN: stands there twice", id="twice"),
    ],
)
def test_a_faulty_list_of_an_installation_is_named(
    tmp_path: Path, lists: dict[str, str], complaint: str
) -> None:
    with pytest.raises(Misconfigured, match=complaint):
        own_lists(tmp_path, **lists)


def test_ports_are_those_of_the_list_where_there_is_one(tmp_path: Path) -> None:
    codes = own_lists(tmp_path, ports="VNSGN,Ho Chi Minh City,\nVNHPH,Hai Phong,\nTHLCH,Laem Chabang,\n")

    assert (codes.is_port("VNSGN"), codes.is_port("VNHAN")) == (True, False)
    assert codes.may_be_port("VNHAN")
    assert codes.ports is not None
    assert codes.ports.nearest("VNHPX", beginning=2) == ("VNHPH",)
