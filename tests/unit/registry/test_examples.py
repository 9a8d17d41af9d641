"""Every example party and corridor is a registry that loads, once the certificates it names are there."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.domain.errors import Misconfigured
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
    text = path.read_text("utf-8")
    sender, receiver, accepts, delivers = re.findall(r'^\w+ = "(.+)"$', text, re.MULTILINE)

    corridors = load_registry(over_shipped(installation)).corridors

    found = next(c for (a, b, form), c in corridors.items() if (a, b, form) == (sender, receiver, accepts))
    assert found.delivers == delivers


CORRIDOR, PARTY = "corridors/vn-th.form-d.toml", "parties/vn.moit.toml"
END_OF_WINDOW = "to = 2027-03-01T00:00:00Z"
FAULTS = {
    "misspelt": (CORRIDOR, "accepts", "acepts", "acepts: unknown key; did you mean 'accepts'"),
    "wrong-type": (CORRIDOR, '"TH.CUSTOMS"', "7", "receiver: Input should be a valid string"),
    "no-such-party": (CORRIDOR, "TH.CUSTOMS", "XX.NOBODY", "receiver: no party XX.NOBODY"),
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
