"""A certificate of any form goes through UBL and comes back as it went in."""

from __future__ import annotations

import copy
import csv
import re
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import pytest
from hypothesis import given, settings
from lxml import etree

from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.registry.folder import SHIPPED
from gateway.translate.dialect import Dialect
from gateway.translate.ubl.names import cac, cbc, rest
from tests.data.drawn import Drawn, certificates
from tests.data.shipped import FORM_D, RCEP, a_record, consignments, forms, written
from tests.data.ubl import dialect, said, there_and_back, travelled

MAINDOC = SHIPPED / "schemas/ubl/2.1/maindoc/UBL-CertificateOfOrigin-2.1.xsd"
ENVELOPE = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"


@lru_cache
def oasis() -> etree.XMLSchema:
    """The XSD of OASIS, compiled without any of our code."""
    return etree.XMLSchema(etree.parse(MAINDOC))


def rcep(**changes: object) -> etree._Element:
    return written({**a_record(RCEP), **changes})


def values(document: etree._Element, name: str) -> list[str]:
    return [element.text or "" for element in document.iter(cbc(name))]


def parts(document: etree._Element) -> list[str]:
    """Names of what stands in our extension."""
    return [etree.QName(part[0]).localname for part in document.iter(rest("Part"))]


@settings(max_examples=80, deadline=None)
@given(certificates())
def test_a_certificate_of_any_form_comes_back_as_it_went_in(made: Drawn) -> None:
    back, form = there_and_back(made.document, made.form)

    assert form is made.form
    assert said(back) == said(made.document)


@settings(max_examples=40, deadline=None)
@given(certificates())
def test_what_is_written_fits_the_schema_of_oasis(made: Drawn) -> None:
    sent = travelled(dialect().write(made.document, made.form))

    assert oasis().validate(sent), oasis().error_log


def test_the_dialect_is_one() -> None:
    spoken: Dialect = dialect()

    assert spoken.id == "ubl-2.1"


def test_it_says_which_form_and_which_dialect() -> None:
    sent = dialect().write(rcep(), forms()[RCEP])

    assert (values(sent, "CustomizationID"), values(sent, "ProfileID")) == ([RCEP], ["ubl-2.1"])


def test_a_document_is_known_by_its_root() -> None:
    sent = dialect().write(rcep(), forms()[RCEP])

    assert dialect().speaks(sent)
    assert not dialect().speaks(rcep())


def test_writing_changes_nothing_in_the_certificate() -> None:
    document = rcep()
    before = etree.tostring(document)

    dialect().write(document, forms()[RCEP])

    assert etree.tostring(document) == before


def test_what_lies_in_an_envelope_is_read_and_written_alike() -> None:
    form, document = forms()[RCEP], rcep()
    envelope = etree.Element(f"{{{ENVELOPE}}}StandardBusinessDocument", nsmap={None: ENVELOPE})
    envelope.append(copy.deepcopy(document))
    sent = dialect().write(envelope[0], form)
    envelope[:] = [sent]

    back, _ = dialect().read(travelled(envelope)[0], forms())

    assert said(back) == said(document)


def test_comments_and_elements_that_say_nothing_are_not_carried() -> None:
    form, document = forms()[RCEP], rcep(ticks=[])
    document.insert(1, etree.Comment("seen"))

    sent = dialect().write(document, form)

    assert parts(sent) == []
    assert "Ticks" not in said(dialect().read(sent, forms())[0])


def test_a_value_with_a_comment_inside_is_one_value() -> None:
    form, document = forms()[RCEP], rcep()
    document[0].text = "VN-"
    document[0].append(etree.Comment("cut"))
    document[0][0].tail = "7"

    sent = dialect().write(document, form)

    assert values(sent, "ReferenceID") == ["VN-7"]
    assert said(dialect().read(sent, forms())[0]) == said(document)


def test_a_box_that_nobody_mapped_travels_in_our_extension() -> None:
    form, document = forms()[RCEP], rcep()
    transport = document.find(f"{{{form.namespace}}}Transport")
    assert transport is not None
    for parent in (document, transport):
        etree.SubElement(parent, f"{{{form.namespace}}}Container", size="40").text = "MSKU 123456-7"

    sent = travelled(dialect().write(document, form))

    assert parts(sent) == ["Container", "Container"]
    assert said(dialect().read(sent, forms())[0]) == said(document)


def test_a_producer_of_everything_stands_with_each_item_that_has_none_of_its_own() -> None:
    record = a_record(RCEP, items=3)
    record["producer"] = {"name": "Straits Rubber"}
    record["items"][1]["producer"] = {"name": "Kinabalu Rubber"}
    document = written(record)

    sent = dialect().write(document, forms()[RCEP])

    producers = [party.findtext(f".//{cbc('Name')}") for party in sent.iter(cac("ManufacturerParty"))]
    assert producers == ["Straits Rubber", "Kinabalu Rubber", "Straits Rubber"]
    assert parts(sent) == []
    assert said(dialect().read(sent, forms())[0]) == said(document)


@pytest.mark.parametrize("statement", ["CONFIDENTIAL", "NOT AVAILABLE", "SEE BOX 8"])
def test_a_statement_in_place_of_the_producer_has_no_place_in_ubl(statement: str) -> None:
    document = rcep(producer=statement)

    sent = dialect().write(document, forms()[RCEP])

    assert parts(sent) == ["Producer"]
    assert said(dialect().read(sent, forms())[0]) == said(document)


def test_an_invoicing_firm_without_an_invoice_has_no_place_in_ubl() -> None:
    record = a_record(FORM_D)
    record["third_party_invoice"] = {"name": "Harbour Trading", "country": "SG"}
    for item in record["items"]:
        del item["invoices"]
    document = written(record)

    sent = dialect().write(document, forms()[FORM_D])

    assert parts(sent) == ["ThirdPartyInvoice"]
    assert said(dialect().read(sent, forms())[0]) == said(document)


MODES = list(
    csv.reader(
        line
        for line in (SHIPPED / "mappings/codes/transport-modes.csv").read_text("utf-8").splitlines()
        if not line.startswith("#")
    )
)[1:]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode[0])
def test_every_mode_of_transport_has_its_code_of_recommendation_19(mode: list[str]) -> None:
    code = re.search(r"\((\d)\)", mode[1])
    document = rcep(transport={"mode": mode[0], "vessel": "One of a kind"})

    sent = dialect().write(document, forms()[RCEP])

    assert code is not None
    assert values(sent, "TransportModeCode") == [code[1]]
    assert said(dialect().read(sent, forms())[0]) == said(document)


@pytest.mark.parametrize(
    ("port", "place"),
    [
        pytest.param("VNSGN", "ID", id="a-code-is-an-identifier"),
        pytest.param("Laem Chabang", "Name", id="words-are-a-name"),
        pytest.param("HANOI", "ID", id="a-name-that-looks-like-a-code"),
    ],
)
def test_a_port_is_known_by_code_or_by_name(port: str, place: str) -> None:
    document = rcep(transport={"port_of_loading": port})

    sent = dialect().write(document, forms()[RCEP])

    assert sent.findtext(f".//{cac('LoadingPortLocation')}/{cbc(place)}") == port
    assert said(dialect().read(sent, forms())[0]) == said(document)


def test_many_threads_share_one_dialect() -> None:
    sample = [(written(a_record(form)), forms()[form]) for form in sorted(_forms_of_the_records())]

    def both(made: tuple[etree._Element, Form]) -> bool:
        back, form = there_and_back(*made)
        return form is made[1] and said(back) == said(made[0])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(both, sample * 4))


def test_a_thread_whose_first_deed_is_a_copy_reads_like_any_other() -> None:
    document = rcep()
    sent = dialect().write(document, forms()[RCEP])

    with ThreadPoolExecutor(1) as pool:
        back, _ = pool.submit(lambda: dialect().read(copy.deepcopy(sent), forms())).result()

    assert said(back) == said(document)


def _forms_of_the_records() -> set[FormId]:
    families = {record["form"] for record in consignments()}
    return {form.id for form in forms().values() if form.family in families}
