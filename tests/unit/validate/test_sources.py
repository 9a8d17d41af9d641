"""Forms are compiled from memory; what is not part of a form is reached by nothing."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
import xmlschema
from lxml import etree

from gateway.domain.errors import Misconfigured
from gateway.domain.form import Form
from gateway.validate.sources import compiled_schema, element_paths, single_schema
from tests.data.shipped import RCEP, a_record, forms, written

FORM = forms()[RCEP]


def _with_entry(find: str, put: str) -> Form:
    text = FORM.sources[FORM.entry].decode()
    assert find in text
    return replace(
        FORM, sources=MappingProxyType({**FORM.sources, FORM.entry: text.replace(find, put).encode()})
    )


@pytest.mark.parametrize(
    "location",
    ["../../../common/other.xsd", "/etc/passwd", "file:///etc/passwd", "https://example.org/a.xsd"],
)
def test_an_include_outside_the_form_does_not_compile(location: str) -> None:
    with pytest.raises(Misconfigured, match="does not compile"):
        compiled_schema(_with_entry("../../../common/certificate.xsd", location))


def test_one_document_says_the_same_as_all_of_them() -> None:
    document = written(a_record())
    whole = etree.XMLSchema(etree.fromstring(single_schema(FORM)))

    assert compiled_schema(FORM).validate(document)
    assert whole.validate(document)
    assert xmlschema.XMLSchema10(single_schema(FORM).decode()).is_valid(etree.tostring(document).decode())


def test_an_xpath_without_prefix_would_let_a_number_pass_twice() -> None:
    record = a_record(items=2)
    record["items"][1]["no"] = 1
    careless = _with_entry('selector xpath="f:Items/f:Item"', 'selector xpath="Items/Item"')

    assert not compiled_schema(FORM).validate(written(record))
    assert compiled_schema(careless).validate(written(record))


def test_a_document_included_twice_counts_once() -> None:
    include = '<xs:include schemaLocation="../../../common/certificate.xsd"/>'

    assert single_schema(_with_entry(include, include * 2)) == single_schema(FORM)


def test_a_type_within_itself_ends_somewhere() -> None:
    circle = (
        '<xs:complexType name="Circle"><xs:sequence><xs:element name="In" type="f:Circle" minOccurs="0"/>'
        "</xs:sequence></xs:complexType></xs:schema>"
    )
    form = _with_entry("</xs:schema>", circle)
    entry = form.sources[form.entry].replace(b'type="f:Certificate"', b'type="f:Circle"')
    endless = replace(form, sources=MappingProxyType({**form.sources, form.entry: entry}))

    assert max(path.count("/") for path in element_paths(endless)) == 12


def test_every_path_of_the_schema_is_known() -> None:
    paths = element_paths(FORM)

    assert "CertificateOfOrigin/Items/Item/FobValue" in paths
    assert "CertificateOfOrigin/BackToBack/Original/ApprovedExporter" in paths
