"""xmlsec1 verifies what we seal, and we verify what xmlsec1 seals."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.seals import SealProfile
from gateway.domain.xml import read_xml
from gateway.trust.check import check_seal
from gateway.trust.make import certificate_pem
from gateway.trust.seal import seal
from tests.conformance import xmlsec1
from tests.conformance.forge import ECDSA_SHA256, RSA_SHA256, SHA256, SHA384, SHA512
from tests.conformance.sealed import MY, PROFILES, VN, a_receipt, an_exception, check
from tests.conformance.templates import Template, named
from tests.documents import xml_documents
from tests.keys import PartyKeys
from tests.messages import NOW, a_message
from tests.missing import needs

pytestmark = needs("xmlsec1")

PARTIES = pytest.mark.parametrize("keys", [VN, MY], ids=["rsa", "ecdsa"])


def pem_of(folder: Path, keys: PartyKeys) -> Path:
    path = folder / "anchor.pem"
    path.write_bytes(certificate_pem(keys.anchor.certificate))
    return path


@PARTIES
def test_xmlsec1_verifies_our_messages_in_each_profile(tmp_path: Path, keys: PartyKeys) -> None:
    sealed = [seal(a_message(), keys.own, profile, at=NOW) for profile in PROFILES]

    xmlsec1.verify(tmp_path, pem_of(tmp_path, keys), sealed)


@PARTIES
def test_xmlsec1_verifies_our_answers(tmp_path: Path, keys: PartyKeys) -> None:
    answers = [a_receipt(keys), an_exception(keys, known=True), an_exception(keys, known=False)]

    xmlsec1.verify(tmp_path, pem_of(tmp_path, keys), answers)


@PARTIES
def test_xmlsec1_refuses_what_we_refuse(tmp_path: Path, keys: PartyKeys) -> None:
    altered = seal(a_message(), keys.own).replace(b"Trousers", b"Tr0users")

    with pytest.raises(AssertionError):
        xmlsec1.verify(tmp_path, pem_of(tmp_path, keys), [altered])


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
@given(documents=st.lists(xml_documents(), min_size=40, max_size=40), keys=st.sampled_from([VN, MY]))
@settings(max_examples=3, deadline=None)
def test_xmlsec1_verifies_whatever_we_seal(
    tmp_path_factory: pytest.TempPathFactory,
    documents: list[bytes],
    keys: PartyKeys,
    profile: SealProfile,
) -> None:
    folder = tmp_path_factory.mktemp("sealed")
    sealed = [seal(read_xml(raw), keys.own, profile, at=NOW) for raw in documents]

    xmlsec1.verify(folder, pem_of(folder, keys), sealed)


@PARTIES
@pytest.mark.parametrize("prefix", ["", "ds", "dsig"], ids=["unprefixed", "ds", "dsig"])
@pytest.mark.parametrize("digest", [SHA256, SHA384, SHA512], ids=["sha256", "sha384", "sha512"])
def test_we_verify_what_xmlsec1_seals(tmp_path: Path, keys: PartyKeys, prefix: str, digest: str) -> None:
    method = RSA_SHA256 if keys is VN else ECDSA_SHA256
    document = etree.tostring(a_message())

    raw = xmlsec1.sign(tmp_path, Template(prefix=prefix, method=method, digest=digest).into(document), keys)

    content = check_seal(raw, registered=[keys.registered_sign], anchor=keys.anchor.certificate, at=NOW)
    assert content.root.findtext(".//{*}Type") == "certificate"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b'<r xmlns="urn:r">\r\n <a/>\r\n</r>', id="crlf"),
        pytest.param(
            b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?><r xmlns="urn:r"><a/></r>', id="bom"
        ),
        pytest.param(b'<p:r xmlns:p="urn:r" xmlns:q="urn:q" p:b="1" a="2"><q:a/></p:r>', id="prefixes"),
        pytest.param(b'<?a b?>\n<!-- c -->\n<r xmlns="urn:r"><a/></r>\n<?d?>\n', id="instructions-around"),
        pytest.param(b'<r xmlns="urn:r"><a>b<!-- c -->d</a><e xmlns=""/></r>', id="comment-inside"),
        pytest.param(
            '<r xmlns="urn:r" a="&#10;&#9;&quot;&lt;">Bánh mì ไทย &gt; &amp; ]]&gt;</r>'.encode(), id="text"
        ),
    ],
)
@pytest.mark.parametrize("prefix", ["", "ds"], ids=["unprefixed", "prefixed"])
def test_we_verify_odd_documents_that_xmlsec1_sealed(tmp_path: Path, document: bytes, prefix: str) -> None:
    filled = Template(prefix=prefix, gap="\r\n\t").into(document)

    raw = xmlsec1.sign(tmp_path, filled, VN)

    check_seal(raw, registered=[VN.registered_sign], anchor=VN.anchor.certificate, at=NOW)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
@given(documents=st.lists(xml_documents(), min_size=10, max_size=10), prefix=st.sampled_from(["", "ds"]))
@settings(max_examples=2, deadline=None)
def test_we_verify_whatever_xmlsec1_seals(
    tmp_path_factory: pytest.TempPathFactory, documents: list[bytes], prefix: str, profile: SealProfile
) -> None:
    folder = tmp_path_factory.mktemp("sealed")
    properties = named(VN.sign.certificate) if profile.xades else None
    template = Template(prefix=prefix, form=profile.canonicalization, properties=properties)
    for document in documents:
        if b"</" not in document:
            continue
        raw = xmlsec1.sign(folder, template.into(document), VN)

        check(raw, profiles=(profile,))
