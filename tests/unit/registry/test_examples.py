"""Every example party and corridor is a registry that loads, once the certificates it names are there."""

from __future__ import annotations

import shutil
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.domain.errors import Misconfigured
from gateway.domain.ids import FormId, PartyId
from gateway.registry.folder import Folder, over_shipped
from gateway.registry.load import load_registry
from gateway.trust.make import issue_sign, issue_tls, make_anchor, write_certificate

EXAMPLES = Path(__file__).parents[3] / "mappings" / "examples"
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples as an installation would have them, with certificates made on the spot."""
    folder = tmp_path_factory.mktemp("installation")
    for kind in ("parties", "corridors"):
        shutil.copytree(EXAMPLES / kind, folder / "mappings" / kind)
    trust = folder / "certs" / "trust"
    trust.mkdir(parents=True)
    for file in sorted((folder / "mappings" / "parties").glob("*.toml")):
        _make_certificates(file, trust)
    return folder


def test_the_examples_load_as_a_whole(installation: Path) -> None:
    registry = load_registry(over_shipped(installation))

    assert len(registry.parties) == len(list((EXAMPLES / "parties").glob("*.toml")))
    assert len(registry.corridors) == len(list((EXAMPLES / "corridors").glob("*.toml")))


@pytest.mark.parametrize("path", sorted((EXAMPLES / "corridors").glob("*.toml")), ids=lambda path: path.stem)
def test_a_corridor_is_found_again_by_its_ends_and_form(installation: Path, path: Path) -> None:
    said = tomllib.loads(path.read_text("utf-8"))
    ends = said["sender"], said["receiver"], said["accepts"]

    corridors = load_registry(over_shipped(installation)).corridors

    found = next(corridor for key, corridor in corridors.items() if key == ends)
    assert found.delivers == said["delivers"]
    assert (found.certificates_in, found.answers_in) == (said.get("certificates_in"), said.get("answers_in"))


CAPABLE = "[capabilities]\nforms = {}"
CORRIDOR, PARTY = "corridors/vn-th.form-d.toml", "parties/vn.moit.toml"
END_OF_WINDOW = "to = 2027-03-01T00:00:00Z"
FAULTS = {
    "misspelt": (CORRIDOR, "accepts", "acepts", "acepts: unknown key; did you mean 'accepts'"),
    "wrong-type": (CORRIDOR, '"TH.CUSTOMS"', "7", "receiver: Input should be a valid string"),
    "no-such-dialect": (
        "corridors/vn-ph.form-d.toml",
        'certificates_in = "ubl-2.1"',
        'certificates_in = "ubl-2"',
        "certificates_in: Input should be 'ubl-2.1', 'edifact-sancrt' or 'edifact-sancrt-unoc'",
    ),
    "no-such-party": (CORRIDOR, "TH.CUSTOMS", "XX.NOBODY", "receiver: no party XX.NOBODY"),
    "misspelt-party": (CORRIDOR, "TH.CUSTOMS", "TH.CUSTOM", "receiver: no party TH.CUSTOM under"),
    "no-such-form": (CORRIDOR, "form-d/1.0", "form-z/1.0", "accepts: no form atiga/form-z/1.0"),
    "same-party-twice": (PARTY, "VN.MOIT", "TH.CUSTOMS", "id: TH.CUSTOMS stands already in"),
    "foreign-certificate": (
        PARTY,
        "vn.moit.sign",
        "th.customs.sign",
        "sign[0].certificate: th.customs.sign-",
    ),
    "no-such-file": (PARTY, "vn.moit.tls-2026", "none", "tls[0].certificate: no file certs/trust/none.pem"),
    "plain-http": (PARTY, "https://", "http://", "endpoint: must be an https:// URL"),
    "window-backwards": (
        PARTY,
        END_OF_WINDOW,
        "to = 2025-03-01T00:00:00Z",
        "sign[0].to: the window ends before",
    ),
    "no-version": (CORRIDOR, "form-d/1.0", "form-d", "accepts: no form atiga/form-d under schemas/; did you"),
    "no-form-id": (
        CORRIDOR,
        "atiga/form-d/1.0",
        "Form D",
        "accepts: not a form: 'Form D'; a form is written",
    ),
    "no-limit": (
        CORRIDOR,
        "sender =",
        "max_items = 0\nsender =",
        "max_items: Input should be greater than 0",
    ),
    "limit-of-the-form": (
        CORRIDOR,
        "sender =",
        "max_items = 51\nsender =",
        "max_items: 51 is more than the 50 that",
    ),
    "edition-without-its-list": (
        CORRIDOR,
        'delivers = "atiga/form-d/1.0"',
        'delivers = "atiga/form-d/1.0"\n[[hs.editions]]\nedition = "2028"\nvalid_from = 2028-01-01',
        "hs.editions: no code list hs-2028.csv",
    ),
    "editions-that-do-not-follow": (
        CORRIDOR,
        'delivers = "atiga/form-d/1.0"',
        'delivers = "atiga/form-d/1.0"\n'
        '[[hs.editions]]\nedition = "2022"\nvalid_from = 2022-01-01\n'
        '[[hs.editions]]\nedition = "2028"\nvalid_from = 2028-01-01',
        "hs.editions: 2022: valid_to is missing: 2028 follows from 2028-01-01, and a transition has an end",
    ),
    "no-country-code": (PARTY, '"VN"', '"Viet Nam"', "country: must be the two capital letters"),
    "no-party-id": (PARTY, "VN.MOIT", "Viet Nam", "id: not a party id: 'Viet Nam'; it is written like"),
    "day-for-a-time": (PARTY, END_OF_WINDOW, "to = 2027-03-01", "sign[0].to: must be a time with its zone"),
    "one-bracket": (PARTY, "[[sign]]", "[sign]", "sign: there may be several: write [[sign]]"),
    "below-a-table": (
        PARTY,
        END_OF_WINDOW,
        f"{END_OF_WINDOW}\nacknowledgements = false",
        "sign[0].acknowledgements: belongs to the whole file",
    ),
    "no-zone": (PARTY, END_OF_WINDOW, "to = 2027-03-01T00:00:00", "sign[0].to: needs a zone"),
}


@pytest.mark.parametrize(("file", "find", "put", "told"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_file_is_named_with_its_key_and_fault(
    installation: Path, tmp_path: Path, file: str, find: str, put: str, told: str
) -> None:
    shutil.copytree(installation, tmp_path, dirs_exist_ok=True)
    victim = tmp_path / "mappings" / file
    victim.write_text(victim.read_text("utf-8").replace(find, put), "utf-8")

    with pytest.raises(Misconfigured) as caught:
        load_registry(over_shipped(tmp_path))

    assert f"mappings/{file}: {told}" in str(caught.value)


def changed(installation: Path, folder: Path, file: str, find: str, put: str) -> Path:
    """A copy of *installation* in *folder*, with *find* replaced once in one file."""
    if not (folder / "mappings").exists():
        shutil.copytree(installation, folder, dirs_exist_ok=True)
    victim = folder / "mappings" / file
    victim.write_text(victim.read_text("utf-8").replace(find, put, 1), "utf-8")
    return folder


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        load_registry(over_shipped(folder))
    return [str(fault) for fault in caught.value.faults]


def test_a_faulty_party_does_not_hide_the_faults_of_corridors(installation: Path, tmp_path: Path) -> None:
    changed(installation, tmp_path, "parties/th.customs.toml", '"TH"', '"Thai"')
    changed(installation, tmp_path, CORRIDOR, "form-d/1.0", "form-d/9.0")
    changed(installation, tmp_path, "corridors/vn-my.form-d.toml", "receiver", "reciever")

    told = [fault.partition(": ")[0] for fault in faults_of(tmp_path)]

    assert sorted(set(told)) == [
        "mappings/corridors/vn-my.form-d.toml",
        f"mappings/{CORRIDOR}",
        "mappings/parties/th.customs.toml",
    ]


@pytest.mark.parametrize(
    ("forms", "implemented"),
    [
        pytest.param('["atiga/form-d"]', ["atiga/form-d/1.0"], id="every-version"),
        pytest.param('["atiga/form-d/1.0"]', ["atiga/form-d/1.0"], id="one-version"),
        pytest.param(
            '["atiga/form-d", "rcep/form-rcep"]', ["atiga/form-d/1.0", "rcep/form-rcep/1.0"], id="two"
        ),
        pytest.param("[]", [], id="none"),
    ],
)
def test_a_corridor_to_who_does_not_implement_its_form_is_a_fault(
    installation: Path, tmp_path: Path, forms: str, implemented: list[str]
) -> None:
    changed(installation, tmp_path, "parties/id.customs.toml", "[[tls]]", f"{CAPABLE.format(forms)}\n[[tls]]")
    asked = ["atiga/form-d/1.0", "rcep/form-rcep/1.0"]

    told = faults_of(tmp_path) if implemented != asked else []

    lacking = [form for form in asked if form not in implemented]
    assert len(told) == len(lacking)
    for fault, form in zip(told, lacking, strict=True):
        assert f"delivers: ID.CUSTOMS implements no {form}, only: " in fault


def test_a_party_implements_all_forms_where_its_file_says_nothing(installation: Path) -> None:
    parties = load_registry(over_shipped(installation)).parties

    assert parties[PartyId("ID.CUSTOMS")].forms is None
    assert parties[PartyId("CN.GACC")].implements(FormId("acfta/form-e/1.0"))
    assert not parties[PartyId("CN.GACC")].implements(FormId("atiga/form-d/1.0"))


def test_an_unknown_form_among_the_capabilities_is_a_fault(installation: Path, tmp_path: Path) -> None:
    forms = CAPABLE.format('["atiga/form-f"]')
    changed(installation, tmp_path, "parties/id.customs.toml", "[[tls]]", f"{forms}\n[[tls]]")

    (fault,) = faults_of(tmp_path)

    assert fault == (
        "mappings/parties/id.customs.toml: capabilities.forms: no form atiga/form-f under schemas/;"
        " did you mean 'atiga/form-d'?"
    )


def test_no_corridor_leads_to_a_party_that_takes_no_certificates(installation: Path, tmp_path: Path) -> None:
    answers = '[capabilities]\nmessages = ["ping", "acknowledgement"]'
    changed(installation, tmp_path, "parties/id.customs.toml", "[[tls]]", f"{answers}\n[[tls]]")

    told = faults_of(tmp_path)

    assert told
    assert all("receiver: ID.CUSTOMS takes no certificates ([capabilities] messages" in one for one in told)


def test_the_item_limit_of_a_corridor_is_the_forms_own_where_its_file_says_nothing(
    installation: Path, tmp_path: Path
) -> None:
    changed(installation, tmp_path, CORRIDOR, "sender =", "max_items = 20\nsender =")

    corridors = load_registry(over_shipped(tmp_path)).corridors.values()

    limits = {corridor.max_items for corridor in corridors if corridor.receiver.id != "TH.CUSTOMS"}
    assert limits == {None}
    assert 20 in {corridor.max_items for corridor in corridors}


def test_two_receivers_in_one_country_for_one_form_are_a_fault(installation: Path, tmp_path: Path) -> None:
    shutil.copytree(installation, tmp_path, dirs_exist_ok=True)
    parties, corridors = tmp_path / "mappings" / "parties", tmp_path / "mappings" / "corridors"
    port = (parties / "th.customs.toml").read_text("utf-8").replace('"TH.CUSTOMS"', '"TH.PORT"')
    (parties / "th.port.toml").write_text(port, "utf-8")
    second = (corridors / "vn-th.form-d.toml").read_text("utf-8").replace("TH.CUSTOMS", "TH.PORT")
    (corridors / "vn-th-port.form-d.toml").write_text(second, "utf-8")

    with pytest.raises(Misconfigured, match=r"already takes atiga/form-d/1\.0 from VN\.MOIT to TH"):
        load_registry(over_shipped(tmp_path))


def test_a_later_layer_replaces_a_file_by_its_relative_path(tmp_path: Path) -> None:
    (tmp_path / "mappings" / "codes").mkdir(parents=True)
    own = tmp_path / "mappings" / "codes" / "incoterms.csv"
    own.write_text("# own\n", "utf-8")

    folder = over_shipped(tmp_path)

    assert folder.find("mappings/codes/incoterms.csv") == own.resolve()
    assert Folder().find("mappings/codes/incoterms.csv") != own.resolve()
    assert len([name for name, _ in folder.glob("mappings/codes/incoterms.csv")]) == 1


def _make_certificates(file: Path, trust: Path) -> None:
    stem, country = file.stem, file.stem[:2].upper()
    anchor = make_anchor(f"{stem} anchor", country, valid_from=BEGIN, valid_to=END)
    sign = issue_sign(anchor, f"{stem} sign", country, valid_from=BEGIN, valid_to=END)
    host = f"gateway.{stem[:2]}.example"
    tls = issue_tls(anchor, f"{stem} tls", country, hosts=[host], valid_from=BEGIN, valid_to=END)
    for name, issued in (("anchor", anchor), ("sign-2026", sign), ("tls-2026", tls)):
        write_certificate(trust / f"{stem}.{name}.pem", issued.certificate)
