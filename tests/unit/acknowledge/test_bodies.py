from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.acknowledge.bodies import (
    ROOTS,
    TYPES,
    Acknowledgement,
    Body,
    CustomsResponse,
    RetransmissionRequest,
    StatusQuery,
    StatusReply,
    read_body,
    write_body,
)
from gateway.acknowledge.findings import EXCHANGE
from gateway.acknowledge.interchange import Interchange, read_interchange, write_interchange
from gateway.acknowledge.schema import ExchangeSchema
from gateway.domain.errors import ContentRefused
from gateway.domain.status import CustomsOutcome, MessageType
from tests.unit.acknowledge.made import bodies, interchanges
from tests.unit.acknowledge.samples import ENTRY, ID, printed

SCHEMA = ExchangeSchema(ENTRY)


def document(inside: str) -> etree._Element:
    """An exchange document, *inside* written without its namespace."""
    name, _, rest = inside.partition(">")
    return etree.fromstring(f'{name} xmlns="{EXCHANGE}">{rest}' if rest else inside)


@given(bodies)
def test_a_document_that_is_printed_and_read_is_the_same(body: Body) -> None:
    assert read_body(printed(write_body(body))) == body


@given(bodies)
def test_every_document_we_write_fits_its_schema(body: Body) -> None:
    assert SCHEMA.judge(printed(write_body(body)), TYPES[type(body)]) == ()


@given(interchanges)
def test_a_document_in_another_syntax_keeps_its_octets(interchange: Interchange) -> None:
    root = printed(write_interchange(interchange))

    assert read_interchange(root) == interchange
    assert SCHEMA.judge(root) == ()


def test_every_document_is_named_like_its_record() -> None:
    records = {name for kind in get_args(Body) for name in [kind.__name__]}

    assert set(ROOTS.values()) == {kind.__name__ for kind in TYPES} == records


def test_every_type_of_message_but_the_certificate_has_its_document() -> None:
    assert set(ROOTS) == set(MessageType) - {MessageType.CERTIFICATE}


def test_a_document_of_another_writer_is_understood() -> None:
    root = etree.fromstring(
        f"""<x:CustomsResponse xmlns:x="{EXCHANGE}">
          <x:CertificateNumber> VN-TH  26/02/00006 </x:CertificateNumber>
          <x:RefToMessageId>a@b</x:RefToMessageId>
          <!-- in two steps -->
          <x:ItemOutcome item=" 1 "><x:Outcome> partially_utilised</x:Outcome>
            <x:Quantity unit=" KGM ">+12<!-- and a half -->.500</x:Quantity>
            <x:Declaration>A1 / 7</x:Declaration><x:Date>2026-11-21+07:00</x:Date></x:ItemOutcome>
        </x:CustomsResponse>"""
    )

    body = read_body(root)

    assert SCHEMA.judge(root, MessageType.CUSTOMS_RESPONSE) == ()
    assert isinstance(body, CustomsResponse)
    assert body.certificate_number == "VN-TH 26/02/00006"
    entry = body.entries[0]
    assert (entry.item, entry.outcome) == (1, CustomsOutcome.PARTIALLY_UTILISED)
    assert (entry.quantity, entry.unit) == (Decimal("12.5"), "KGM")
    assert entry.date == date(2026, 11, 21)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("2026-11-21T23:00:00.1234567+02:00", (21, 123456), id="a-zone"),
        pytest.param("2026-11-21T21:00:00", (21, 0), id="no-zone"),
        pytest.param("2026-11-21T21:00:00Z", (21, 0), id="utc"),
    ],
)
def test_any_zone_is_understood(text: str, at: tuple[int, int]) -> None:
    root = document(
        "<Acknowledgement><RefToMessageId>a@b</RefToMessageId><Outcome>accepted</Outcome>"
        f"<By>gateway</By><At>{text}</At></Acknowledgement>"
    )

    body = read_body(root)

    assert SCHEMA.judge(root) == ()
    assert isinstance(body, Acknowledgement)
    assert body.at == datetime(2026, 11, 21, at[0], 0, 0, at[1], tzinfo=UTC)


CUSTOMS_RESPONSE = (
    "<CustomsResponse><CertificateNumber>{number}</CertificateNumber><RefToMessageId>{id}</RefToMessageId>"
    '<ItemOutcome item="{item}"><Outcome>utilised</Outcome><Quantity unit="KGM">{quantity}</Quantity>'
    "<Declaration>{word}</Declaration><Date>{day}</Date></ItemOutcome></CustomsResponse>"
)
PLAIN = {"number": "1", "id": "a@b", "item": "1", "quantity": "5", "word": "A1", "day": "2026-11-21"}
LEXICAL = {
    "number": st.text(st.sampled_from("a \u00a0\u2003\u0085\t"), max_size=4),
    "id": st.text(st.sampled_from("ab@\u00a0\u2028\u0085 \n"), max_size=5),
    "item": st.text(st.sampled_from("+-0123 "), max_size=4),
    "quantity": st.text(st.sampled_from("+-0123._eE \n"), max_size=6),
    "word": st.text(st.sampled_from("a\u00a0 \n"), max_size=3),
    "day": st.text(st.sampled_from("-+:Z0123"), max_size=8).map(lambda rest: f"2026-1{rest}"),
}


@pytest.mark.parametrize("part", LEXICAL)
@given(st.data())
def test_whatever_fits_the_schema_can_be_read(part: str, data: st.DataObject) -> None:
    root = document(CUSTOMS_RESPONSE.format(**{**PLAIN, part: data.draw(LEXICAL[part])}))

    if not SCHEMA.judge(root):
        assert isinstance(read_body(root), CustomsResponse)


@given(
    st.from_regex("[0-2][0-9]", fullmatch=True),
    st.from_regex(r"[0-6][0-9](\.[0-9]{1,25})?", fullmatch=True),
    st.sampled_from(["", "Z", "+14:00", "-14:00", "+14:01", "-24:00", "+00:00"]),
)
def test_every_moment_that_fits_the_schema_can_be_read(hour: str, seconds: str, zone: str) -> None:
    root = document(
        "<Acknowledgement><RefToMessageId>a@b</RefToMessageId><Outcome>accepted</Outcome>"
        f"<By>gateway</By><At>2026-11-21T{hour}:00:{seconds}{zone}</At></Acknowledgement>"
    )

    if not SCHEMA.judge(root):
        assert isinstance(read_body(root), Acknowledgement)


def test_what_is_absent_is_none() -> None:
    body = read_body(document("<StatusReply><Life>expired</Life></StatusReply>"))

    assert isinstance(body, StatusReply)
    assert (body.certificate_number, body.delivery, body.acknowledgement, body.entries) == (
        None,
        None,
        None,
        (),
    )


UNFIT = {
    "no-reference": "<Acknowledgement><Outcome>accepted</Outcome></Acknowledgement>",
    "no-message-id": "<Cancellation><CertificateNumber>1</CertificateNumber>"
    "<RefToMessageId>nothing</RefToMessageId><Reason>x</Reason></Cancellation>",
    "unknown-outcome": "<Acknowledgement><RefToMessageId>a@b</RefToMessageId>"
    "<Outcome>maybe</Outcome></Acknowledgement>",
    "before-all-time": "<Acknowledgement><RefToMessageId>a@b</RefToMessageId><Outcome>accepted</Outcome>"
    "<By>gateway</By><At>0001-01-01T00:00:00+14:00</At></Acknowledgement>",
    "no-number": "<CustomsResponse><CertificateNumber>1</CertificateNumber><RefToMessageId>a@b"
    '</RefToMessageId><ItemOutcome item="1"><Outcome>utilised</Outcome><Quantity unit="KGM">much</Quantity>'
    "<Date>2026-11-21</Date></ItemOutcome></CustomsResponse>",
    "no-item": "<CustomsResponse><CertificateNumber>1</CertificateNumber><RefToMessageId>a@b"
    "</RefToMessageId><ItemOutcome/></CustomsResponse>",
    "no-base64": "<VerificationResult><CertificateNumber>1</CertificateNumber><RefToMessageId>a@b"
    "</RefToMessageId><Kind>visit</Kind><Conclusion>x</Conclusion><Attachment>?</Attachment>"
    "</VerificationResult>",
    "unknown": "<Surprise></Surprise>",
    "no-body": "<Interchange></Interchange>",
}


@pytest.mark.parametrize("inside", [pytest.param(text, id=name) for name, text in UNFIT.items()])
def test_a_document_that_was_not_judged_before_is_refused_not_misread(inside: str) -> None:
    with pytest.raises(ContentRefused) as caught:
        read_body(document(inside))

    assert caught.value.code == "S02"


def test_a_document_in_another_namespace_is_none_of_ours() -> None:
    with pytest.raises(ContentRefused, match="Ping is no document of the exchange"):
        read_body(etree.fromstring("<Ping/>"))


@pytest.mark.parametrize(
    "inside", ["<Ping></Ping>", '<Interchange contentType="a/b" charset="UTF-8">?</Interchange>']
)
def test_what_is_no_interchange_is_refused(inside: str) -> None:
    with pytest.raises(ContentRefused, match="Interchange"):
        read_interchange(document(inside))


def test_two_kinds_that_say_the_same_are_not_equal() -> None:
    request = RetransmissionRequest(ref_to_message_id=ID)

    assert request == read_body(write_body(request))
    assert request.__eq__(StatusQuery(ref_to_message_id=ID)) is NotImplemented
