"""Ways to seal that were agreed with a party: what is chosen, what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from gateway.domain.errors import Misconfigured, SealRefused, TooLarge
from gateway.domain.seals import ECO_HTTPS, Canonicalization, SealProfile, SignatureMethod
from gateway.trust.check import check_seal
from gateway.trust.explain import CheckVerdict
from gateway.trust.keys import load_keys
from gateway.trust.make import Kind, certificate_pem, key_pem
from gateway.trust.offline import sign_file, verify_file
from gateway.trust.seal import seal
from gateway.trust.sealer import Sealer
from tests.keys import party_keys
from tests.messages import NOW, a_document, a_header, a_message

VN = party_keys("VN.MOIT")
MY = party_keys("MY.CUSTOMS", kind=Kind.ECDSA)
INCLUSIVE = SealProfile(name="inclusive", canonicalization=Canonicalization.INCLUSIVE)
XADES = replace(INCLUSIVE, name="xades", xades=True)
P256 = SealProfile(name="p256", methods=frozenset({SignatureMethod.ECDSA_SHA256}))


def check(raw: bytes, profiles: Sequence[SealProfile]) -> None:
    check_seal(raw, registered=[VN.registered_sign], anchor=VN.anchor.certificate, at=NOW, profiles=profiles)


@pytest.mark.parametrize("profile", [ECO_HTTPS, INCLUSIVE, XADES], ids=lambda profile: profile.name)
def test_any_of_several_agreed_profiles_is_taken(profile: SealProfile) -> None:
    check(seal(a_message(), VN.own, profile, at=NOW), (XADES, ECO_HTTPS, INCLUSIVE))


@pytest.mark.parametrize("profile", [INCLUSIVE, XADES], ids=lambda profile: profile.name)
def test_a_profile_that_was_not_agreed_is_refused(profile: SealProfile) -> None:
    with pytest.raises(SealRefused) as refused:
        check(seal(a_message(), VN.own, profile, at=NOW), (ECO_HTTPS,))

    assert (refused.value.step, refused.value.code) == (2, "G01")


def test_the_sealer_takes_a_key_of_the_kind_that_was_agreed(tmp_path: Path) -> None:
    keys = VN.own_keys(tmp_path)
    keys.sign = (VN.own, MY.own)

    sealed = Sealer(keys, lambda: NOW).message(a_header(), a_document(), P256)

    assert SignatureMethod.ECDSA_SHA256.encode() in sealed.body


def test_a_party_for_whom_no_key_of_ours_can_seal_is_a_fault(tmp_path: Path) -> None:
    VN.write_keys(tmp_path)
    wants = replace(MY.party(), seals=(P256, ECO_HTTPS))

    with pytest.raises(Misconfigured, match=r"MY.CUSTOMS: none of our keys signs by ecdsa-sha256, as 'p256'"):
        load_keys(tmp_path, VN.party(), NOW, [wants])


def test_namespaces_that_would_cost_too_much_are_refused_before_anything_is_computed() -> None:
    names = " ".join(f'xmlns:n{number}="urn:{number}"' for number in range(3_000))
    raw = seal(etree.fromstring(f"<r {names}>{'<a/>' * 10}</r>"), VN.own)
    inclusive = raw.replace(Canonicalization.EXCLUSIVE.encode(), Canonicalization.INCLUSIVE.encode())
    floods = inclusive.replace(b"<r>", f"<r {names}>".encode())

    with pytest.raises(TooLarge, match="3001 namespaces in scope"):
        check(floods, (INCLUSIVE,))


def test_a_desk_seals_in_any_profile_and_verify_says_which() -> None:
    raw = etree.tostring(a_message())
    sealed = sign_file(raw, key_pem(VN.sign.private), certificate_pem(VN.sign.certificate), XADES, at=NOW)

    results, signed = verify_file(sealed, [certificate_pem(VN.anchor.certificate)], NOW)

    assert signed is not None
    assert results[1].verdict is CheckVerdict.PASSED
    assert results[1].detail.endswith("inclusive C14N, signed properties (XAdES)")


def test_a_desk_is_told_where_its_key_is_of_another_kind() -> None:
    with pytest.raises(Misconfigured, match="not of a kind that p256 takes"):
        sign_file(
            etree.tostring(a_message()), key_pem(VN.sign.private), certificate_pem(VN.sign.certificate), P256
        )
