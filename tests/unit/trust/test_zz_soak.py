from hypothesis import given, settings, HealthCheck, strategies as st
import pytest
from tests.conformance.test_signxml import *
from tests.conformance import test_xmlsec1 as x, xmlsec1
n=[0]
@given(raw=xml_documents(names=ASCII_NAMES), keys=st.sampled_from([VN, MY]))
@settings(max_examples=2500, deadline=None, database=None)
def test_a(raw, keys):
    sealed = seal(read_xml(raw), keys.own); octets = verified(sealed, keys)
    assert octets == check_seal(sealed, registered=[keys.registered_sign], anchor=keys.anchor.certificate, at=NOW).octets
@given(documents=st.lists(xml_documents(), min_size=50, max_size=50), keys=st.sampled_from([VN, MY]))
@settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_b(tmp_path_factory, documents, keys):
    f=tmp_path_factory.mktemp("s"); xmlsec1.verify(f, x.pem_of(f, keys), [seal(read_xml(r), keys.own) for r in documents])
