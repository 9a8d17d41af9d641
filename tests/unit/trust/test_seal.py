from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.errors import SealRefused, TooLarge
from gateway.domain.xml import read_xml
from gateway.trust.canonical import canonical, canonical_part
from gateway.trust.check import check_seal
from gateway.trust.keys import OwnKey
from gateway.trust.make import Kind
from gateway.trust.seal import DECLARATION, seal
from gateway.trust.signature import DS, find_signature
from tests.documents import xml_documents
from tests.keys import PartyKeys, party_keys, private_key
from tests.messages import NOW, a_message

VN = party_keys("VN.MOIT")
MY = party_keys("MY.CUSTOMS", kind=Kind.ECDSA)


def signed_of(raw: bytes, keys: PartyKeys) -> bytes:
    return check_seal(raw, registered=[keys.registered_sign], anchor=keys.anchor.certificate, at=NOW).octets


@given(raw=xml_documents(), keys=st.sampled_from([VN, MY]))
@settings(max_examples=100, deadline=None)
def test_whatever_is_sealed_is_read_as_it_was(raw: bytes, keys: PartyKeys) -> None:
    root = read_xml(raw)
    before = etree.tostring(root, method="c14n", exclusive=True, with_comments=False)

    sealed = seal(root, keys.own)

    assert signed_of(sealed, keys) == before
    assert etree.tostring(root, method="c14n", exclusive=True, with_comments=False) == before


def test_what_travels_is_the_canonical_form_with_the_signature_before_the_closing_tag() -> None:
    root = a_message()

    sealed = seal(root, VN.own)

    body, signature, end = sealed.removeprefix(DECLARATION).partition(b"<ds:Signature")
    assert sealed.startswith(DECLARATION)
    assert signature
    assert body + end[end.index(b"</ds:Signature>") + 15 :] == canonical(etree.ElementTree(root))


@pytest.mark.parametrize("keys", [VN, MY], ids=["rsa", "ecdsa"])
def test_the_signed_info_is_written_in_canonical_form(keys: PartyKeys) -> None:
    sealed = seal(a_message(), keys.own)

    written = canonical_part(find_signature(read_xml(sealed)).signed_info)

    assert written.replace(f' xmlns:ds="{DS}"'.encode(), b"") in sealed


def test_an_ecdsa_value_is_r_and_s_side_by_side() -> None:
    signature = find_signature(read_xml(seal(a_message(), MY.own)))

    assert len(signature.value) == 64


def test_a_sealed_document_is_not_sealed_again() -> None:
    sealed = read_xml(seal(a_message(), VN.own))

    with pytest.raises(SealRefused, match="already"):
        seal(sealed, VN.own)


def test_comments_and_what_stands_around_the_root_do_not_travel() -> None:
    root = etree.fromstring(b"<?a b?><!-- c --><r xmlns='urn:r'><!-- d -->e</r><?f?>")

    sealed = seal(root, VN.own)

    assert signed_of(sealed, VN) == b'<r xmlns="urn:r">e</r>'


@pytest.mark.parametrize("taken_out", [True, False], ids=["taken-out", "in-its-place"])
def test_an_element_of_another_document_is_sealed_alone(taken_out: bool) -> None:
    other = etree.fromstring(b"<o xmlns='urn:o' xmlns:p='urn:p'><p:i>1</p:i>tail</o>")
    inner = other[0]
    if taken_out:
        other.remove(inner)

    assert signed_of(seal(inner, VN.own), VN) == b'<p:i xmlns:p="urn:p">1</p:i>'


def test_a_relative_namespace_cannot_be_sealed() -> None:
    with pytest.raises(SealRefused, match="no canonical form"):
        seal(etree.fromstring(b"<r xmlns='relative'/>"), VN.own)


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param("<r xmlns='urn:r?a=1&amp;b=2'/>", id="default"),
        pytest.param("<r><i xmlns:p='urn:r?&amp;lt;'><p:j/></i></r>", id="prefixed"),
        pytest.param("<r xmlns:p='urn:r?&amp;' p:a=''/>", id="attribute"),
    ],
)
def test_a_namespace_with_an_ampersand_cannot_be_sealed(xml: str) -> None:
    with pytest.raises(SealRefused, match="ampersand"):
        seal(etree.fromstring(xml), VN.own)


def test_text_that_looks_like_such_a_namespace_is_sealed() -> None:
    root = etree.fromstring('<r> xmlns="a&amp;b"</r>')

    assert signed_of(seal(root, VN.own), VN) == b'<r> xmlns="a&amp;b"</r>'


def test_a_signature_in_a_relative_namespace_has_no_canonical_form() -> None:
    root = etree.fromstring(b"<r xmlns='relative'><i/></r>")

    with pytest.raises(SealRefused, match="no canonical form"):
        canonical_part(root[0])


def test_a_canonical_form_that_grows_beyond_all_measure_is_stopped() -> None:
    name = "urn:" + "x" * 50_000
    root = etree.fromstring(f"<r xmlns:a='{name}'>{'<a:b/>' * 5_000}</r>")

    with pytest.raises(TooLarge, match="beyond all measure"):
        seal(root, VN.own)


def seal_many(key: OwnKey, name: str = "r") -> set[bytes]:
    """Enough different documents that the sample meets some."""
    return {seal(etree.fromstring(f"<{name}>{number}</{name}>"), key) for number in range(2_000)}


def test_a_key_that_is_not_its_certificate_s_is_caught_by_a_sample() -> None:
    wrong = OwnKey(private=private_key(Kind.ECDSA, 99), certificate=MY.registered_sign)

    with pytest.raises(RuntimeError, match="does not verify"):
        seal_many(wrong)


def test_a_good_key_passes_the_sample() -> None:
    assert len(seal_many(MY.own)) == 2_000


def test_names_beyond_ascii_pass_the_sample() -> None:
    assert len(seal_many(MY.own, "証明書")) == 2_000


def test_a_key_says_nothing_of_itself() -> None:
    assert repr(VN.own) == "OwnKey('vn.moit.sign.pem')"
    assert "PRIVATE" not in repr(copy.copy(replace(VN.own)))
