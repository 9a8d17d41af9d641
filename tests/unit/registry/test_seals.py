"""Ways to seal as files, and the parties that name them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.errors import Misconfigured
from gateway.domain.ids import PartyId
from gateway.domain.seals import ECO_HTTPS, Canonicalization, DigestMethod, SealProfile, SignatureMethod
from gateway.registry.folder import SHIPPED, Folder
from gateway.registry.parties import load_parties
from gateway.registry.seals import load_seals
from tests.keys import party_keys

VN = party_keys("VN.MOIT")


@pytest.fixture
def installation(tmp_path: Path) -> Callable[..., Folder]:
    """A folder with one party, whose file says which seals were agreed, and one more profile."""

    def make(seals: str | None = None, profile: str = 'title = "Ours"\n') -> Folder:
        for name in ("certs/trust", "mappings/parties", "mappings/seals"):
            (tmp_path / name).mkdir(parents=True)
        VN.write_certificates(tmp_path / "certs/trust")
        (tmp_path / "mappings/seals/ours.toml").write_text(profile, "utf-8")
        lines = [
            'id = "VN.MOIT"',
            'name = "Vietnam"',
            'country = "VN"',
            'endpoint = "https://localhost/exchange/v1/messages"',
            'anchor = "vn.moit.anchor.pem"',
            "" if seals is None else f"seals = {seals}",
            '[[sign]]\ncertificate = "vn.moit.sign.pem"',
            "from = 2026-01-01T00:00:00Z\nto = 2027-01-01T00:00:00Z",
        ]
        (tmp_path / "mappings/parties/vn.toml").write_text("\n".join(lines), "utf-8")
        return Folder((SHIPPED, tmp_path))

    return make


def test_the_shipped_profiles_are_what_their_names_say() -> None:
    assert load_seals(Folder()) == {
        "eco-https/1": ECO_HTTPS,
        "xades-bes": SealProfile(name="xades-bes", canonicalization=Canonicalization.INCLUSIVE, xades=True),
        "xmldsig-inclusive": SealProfile(
            name="xmldsig-inclusive", canonicalization=Canonicalization.INCLUSIVE
        ),
        "xmldsig-p256": SealProfile(name="xmldsig-p256", methods=frozenset({SignatureMethod.ECDSA_SHA256})),
    }


def test_a_party_that_says_nothing_is_sealed_for_as_the_wire_profile_asks(
    installation: Callable[..., Folder],
) -> None:
    party = load_parties(installation())[PartyId("VN.MOIT")]

    assert (party.seal, party.seals) == (ECO_HTTPS, (ECO_HTTPS,))


def test_the_first_of_several_is_ours_and_each_is_theirs(installation: Callable[..., Folder]) -> None:
    folder = installation('["ours", "xades-bes", "eco-https/1"]', 'title = "Ours"\ndigests = ["sha512"]\n')

    party = load_parties(folder)[PartyId("VN.MOIT")]

    assert party.seal == SealProfile(name="ours", digests=frozenset({DigestMethod.SHA512}))
    assert [each.name for each in party.seals] == ["ours", "xades-bes", "eco-https/1"]


@pytest.mark.parametrize(
    ("seals", "profile", "told"),
    [
        pytest.param(
            '["xades-bess"]', 'title = "Ours"', "seals[0]: no profile xades-bess", id="no-such-profile"
        ),
        pytest.param("[]", 'title = "Ours"', "seals: List should have at least 1", id="none-at-all"),
        pytest.param(None, "", "ours.toml: title: missing", id="without-a-title"),
        pytest.param(
            None, 'title = "a"\nmethods = ["rsa-sha1"]', "methods[0]: Input should be", id="weak-method"
        ),
        pytest.param(
            None, 'title = "a"\ncanonicalization = "1.1"', "canonicalization: Input", id="another-form"
        ),
    ],
)
def test_a_fault_says_where_it_is(
    installation: Callable[..., Folder], seals: str | None, profile: str, told: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        load_parties(installation(seals, profile))

    assert told in str(caught.value)
