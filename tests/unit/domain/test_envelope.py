from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.envelope import (
    ROOT,
    SBDH,
    Claimed,
    business_document,
    claimed,
    is_envelope,
    read_header,
    write_envelope,
)
from gateway.domain.errors import Unreadable
from gateway.domain.ids import CertificateNumber, FormId, MessageId
from gateway.domain.status import MessageType
from tests.messages import CERTIFICATE, NAMESPACE, NUMBER, a_document, a_header, a_message

EXCHANGE = "urn:eco-gateway:exchange:1.0"
ACKNOWLEDGEMENT = f"""<Acknowledgement xmlns="{EXCHANGE}"><CertificateNumber>{NUMBER}</CertificateNumber>
<RefToMessageId>a@b</RefToMessageId><Outcome>accepted</Outcome></Acknowledgement>"""

ids = st.from_regex(
    r"[^\s@<>&\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]{1,40}@[a-z0-9.]{1,40}", fullmatch=True
)
numbers = st.from_regex(r"[A-Z0-9/-]{1,12}( [A-Z0-9/-]{1,12}){0,2}", fullmatch=True)


def spoilt(find: str, put: str, *, xml: str = CERTIFICATE) -> etree._Element:
    """A good message with *find* replaced once."""
    text = etree.tostring(write_envelope(a_header(), a_document(xml)), encoding="unicode")
    assert text.count(find) >= 1
    return etree.fromstring(text.replace(find, put, 1))


@given(
    message_id=ids,
    number=numbers,
    kind=st.sampled_from(MessageType),
    created_at=st.datetimes(
        min_value=datetime(1, 1, 2),  # noqa: DTZ001 - hypothesis wants it naive
        max_value=datetime(9999, 12, 30),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    ref=ids,
)
def test_a_header_that_was_written_is_read_again(
    message_id: str, number: str, kind: MessageType, created_at: datetime, ref: str
) -> None:
    header = a_header(
        message_id=MessageId(message_id),
        certificate_number=CertificateNumber(number),
        type=kind,
        created_at=created_at.replace(microsecond=created_at.microsecond // 1000 * 1000),
        ref_to_message_id=MessageId(ref),
    )
    document = a_document(f'<CertificateOfOrigin xmlns="{NAMESPACE}"/>')

    again = read_header(etree.fromstring(etree.tostring(write_envelope(header, document))))

    assert again == header


def test_the_business_document_is_found_in_its_place() -> None:
    root = a_message()

    assert business_document(root) is root[1]
    assert business_document(root).tag == f"{{{NAMESPACE}}}CertificateOfOrigin"
    assert is_envelope(root)
    assert not is_envelope(root[1])


def test_a_signature_is_no_business_document() -> None:
    root = a_message()
    etree.SubElement(root, "{http://www.w3.org/2000/09/xmldsig#}Signature")

    assert read_header(root) == a_header()


@pytest.mark.parametrize(
    ("find", "put", "told"),
    [
        pytest.param("<HeaderVersion>1.0<", "<HeaderVersion>1.1<", "HeaderVersion", id="header-version"),
        pytest.param("<Sender>", "<Receiver/><Sender>", "out of its order", id="order"),
        pytest.param("</Sender>", "</Sender><Sender/>", "Sender more than once", id="two-senders"),
        pytest.param("</Receiver>", "</Receiver><Receiver/>", "Receiver more than once", id="two-receivers"),
        pytest.param(
            "VN.MOIT</Identifier>",
            'VN.MOIT</Identifier><Identifier Authority="urn:eco-gateway:party">VN.OTHER</Identifier>',
            "Identifier more than once",
            id="two-identifiers",
        ),
        pytest.param('Authority="urn:eco-gateway:party"', "", "Authority", id="no-authority"),
        pytest.param('"urn:eco-gateway:party"', '"GLN"', "Authority", id="another-authority"),
        pytest.param(">VN.MOIT<", ">vn.moit<", "not a party id", id="sender-syntax"),
        pytest.param(">VN.MOIT<", "> VN.MOIT<", "not a party id", id="sender-white-space"),
        pytest.param(">VN.MOIT<", "><b>VN.MOIT</b><", "text alone", id="sender-markup"),
        pytest.param(f"<Standard>{NAMESPACE}</Standard>", "", "no Standard", id="no-standard"),
        pytest.param(f"<Standard>{NAMESPACE}<", "<Standard> <", "empty", id="empty-standard"),
        pytest.param(f"<Standard>{NAMESPACE}<", "<Standard>urn:other<", "Standard is", id="other-standard"),
        pytest.param("<TypeVersion>1.0<", "<TypeVersion>1.1<", "TypeVersion", id="other-version"),
        pytest.param(
            "5c1f0a7e3d9b4c52@vn.moit<", "5c1f0a7e3d9b4c52<", "not a message id", id="id-without-domain"
        ),
        pytest.param(
            "5c1f0a7e3d9b4c52@vn.moit<", " 5c1f0a7e3d9b4c52@vn.moit<", "not a message id", id="id-space"
        ),
        pytest.param("5c1f0a7e3d9b4c52@", f"{'x' * 129}@", "not a message id", id="id-too-long"),
        pytest.param(">certificate<", ">certificates<", "no kind of message", id="type"),
        pytest.param("58.844Z<", "58.844<", "no time zone", id="no-zone"),
        pytest.param("2026-11-21T", "2026-13-21T", "no such date", id="month"),
        pytest.param("2026-11-21T", "2026-W47-6T", "not a date", id="week-date"),
        pytest.param("2026-11-21T21:39:58.844Z", "0001-01-01T00:00:00+14:00", "no such", id="before-time"),
        pytest.param("CONVERSATIONID", "CONVERSATION", "no CONVERSATIONID", id="no-conversation"),
        pytest.param("co-2602-00006@vn.moit", "co-2602-00006", "conversation id", id="conversation-syntax"),
        pytest.param(">FORM<", ">FORMAT<", "no FORM", id="no-form"),
        pytest.param("rcep/form-rcep/1.0", "RCEP", "not a form", id="form-syntax"),
        pytest.param("CERTIFICATENUMBER", "NUMBER", "CERTIFICATENUMBER", id="no-number"),
        pytest.param(f"{NUMBER}</Instance", f"{NUMBER} </Instance", "white space", id="number-white-space"),
        pytest.param(f"{NUMBER}</Instance", "VN-TH 1</Instance", "but the business", id="other-number"),
        pytest.param(">FORM<", ">CONVERSATIONID<", "more than once", id="scope-twice"),
        pytest.param("<Scope><Type>FORM</Type>", "<Scope>", "no Type", id="scope-without-type"),
        pytest.param("<Scope>", "<Kope/><Scope>", "not known here", id="unknown-in-scopes"),
        pytest.param("<BusinessScope>", "<BusinessScope>x", "text between", id="text-between"),
        pytest.param("</BusinessScope>", "</BusinessScope><Colour/>", "not known here", id="unknown-element"),
        pytest.param(
            "<CertificateOfOrigin", '<X xmlns="urn:x"/><CertificateOfOrigin', "one header", id="two-docs"
        ),
        pytest.param(f' xmlns="{NAMESPACE}"', "", "namespace of its own", id="header-namespace"),
        pytest.param(f' xmlns="{NAMESPACE}"', ' xmlns=""', "namespace of its own", id="no-namespace"),
        pytest.param(
            "<StandardBusinessDocumentHeader>",
            '<a xmlns="urn:a"/><StandardBusinessDocumentHeader>',
            "must stand first",
            id="header-not-first",
        ),
        pytest.param(SBDH, "urn:sbdh", "The root is", id="other-root-namespace"),
    ],
)
def test_a_faulty_header_is_unreadable_and_the_fault_is_told(find: str, put: str, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        read_header(spoilt(find, put))


def test_an_envelope_without_a_document_is_unreadable() -> None:
    root = a_message()
    root.remove(root[1])

    with pytest.raises(Unreadable, match="no business document"):
        read_header(root)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("2026-11-21T21:39:58Z", datetime(2026, 11, 21, 21, 39, 58, tzinfo=UTC), id="Z"),
        pytest.param("2026-11-22T04:39:58+07:00", datetime(2026, 11, 21, 21, 39, 58, tzinfo=UTC), id="Hanoi"),
        pytest.param(
            "2026-11-21T11:39:58.5-10:00", datetime(2026, 11, 21, 21, 39, 58, 500000, UTC), id="west"
        ),
        pytest.param(
            "\n2026-11-22T11:39:58+14:00 ", datetime(2026, 11, 21, 21, 39, 58, tzinfo=UTC), id="east"
        ),
        pytest.param(
            "2026-11-21T21:39:58.1234567899Z", datetime(2026, 11, 21, 21, 39, 58, 123456, UTC), id="digits"
        ),
    ],
)
def test_any_time_zone_is_understood(written: str, read: datetime) -> None:
    assert read_header(spoilt("2026-11-21T21:39:58.844Z", written)).created_at == read


def test_a_time_is_written_in_utc() -> None:
    hanoi = timezone(timedelta(hours=7))

    root = a_message(created_at=datetime(2026, 11, 22, 4, 39, 58, tzinfo=hanoi))

    assert b">2026-11-21T21:39:58.000Z<" in etree.tostring(root)


def test_comments_in_the_header_are_not_content() -> None:
    root = spoilt(">VN.MOIT<", "><!-- x -->VN.<!-- y -->MOIT<?z?><")

    assert read_header(root) == a_header()


def test_what_the_schema_allows_besides_is_taken() -> None:
    root = spoilt("VN.MOIT</Identifier>", "VN.MOIT</Identifier><ContactInformation/><ContactInformation/>")
    root = etree.fromstring(
        etree.tostring(root, encoding="unicode")
        .replace("<CreationDate", "<MultipleType>false</MultipleType><CreationDate", 1)
        .replace("<BusinessScope>", "<Manifest/><BusinessScope>", 1)
        .replace("<Scope>", "<Scope><Type>COLOUR</Type><InstanceIdentifier/><Identifier/></Scope><Scope>", 1)
    )

    assert read_header(root) == a_header()


def test_comments_between_the_elements_of_the_header_are_not_content() -> None:
    root = spoilt("<Receiver>", "<!-- x --><Receiver>")

    assert read_header(root) == a_header()


def test_white_space_in_the_document_s_number_is_no_contradiction() -> None:
    root = spoilt(f"<CertificateNumber>{NUMBER}<", f"<CertificateNumber>\n  {NUMBER} <")

    assert read_header(root).certificate_number == NUMBER


def acknowledgement(**changes: object) -> etree._Element:
    header = a_header(type=MessageType.ACKNOWLEDGEMENT, standard=EXCHANGE, ref_to_message_id=MessageId("a@b"))
    return write_envelope(
        a_header(
            **{
                name: changes.get(name, getattr(header, name))
                for name in ("type", "standard", "ref_to_message_id", "certificate_number", "type_version")
            }
        ),
        a_document(ACKNOWLEDGEMENT),
    )


def test_an_acknowledgement_is_about_a_message() -> None:
    assert read_header(acknowledgement()).ref_to_message_id == "a@b"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"ref_to_message_id": None}, "needs the scope REFTOMESSAGEID", id="about-nothing"),
        pytest.param({"ref_to_message_id": MessageId("c@d")}, "REFTOMESSAGEID is 'c@d'", id="about-another"),
        pytest.param({"certificate_number": None}, "CERTIFICATENUMBER is missing", id="number-missing"),
    ],
)
def test_an_answer_at_odds_with_its_header_is_unreadable(changes: dict[str, object], told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        read_header(acknowledgement(**changes))


def test_a_namespace_that_is_not_ours_has_its_own_version() -> None:
    header = a_header(
        standard="urn:oasis:names:specification:ubl:schema:xsd:CertificateOfOrigin-2",
        type_version="2.1",
        form=FormId("rcep/form-rcep/1.0"),
    )
    root = write_envelope(header, etree.Element(f"{{{header.standard}}}CertificateOfOrigin"))

    assert read_header(root) == header


def test_a_whole_header_claims_what_it_says() -> None:
    header = a_header()

    assert claimed(a_message()) == Claimed(
        message_id=header.message_id,
        conversation_id=header.conversation_id,
        sender=header.sender,
        receiver=header.receiver,
        created_at=header.created_at,
    )


@pytest.mark.parametrize(
    ("find", "put", "lost"),
    [
        pytest.param("5c1f0a7e3d9b4c52@vn.moit", "none", "message_id", id="message-id"),
        pytest.param(
            "<InstanceIdentifier>5c",
            "<InstanceIdentifier>a@b</InstanceIdentifier><InstanceIdentifier>5c",
            "message_id",
            id="two-ids",
        ),
        pytest.param("CONVERSATIONID", "FORM", "conversation_id", id="conversation"),
        pytest.param("VN.MOIT", "<i/>", "sender", id="sender"),
        pytest.param("<Receiver>", "<Receiver/><Receiver><X/>", None, id="nothing"),
        pytest.param("58.844Z", "58.844", "created_at", id="created"),
    ],
)
def test_what_is_broken_is_not_claimed_and_the_rest_is(find: str, put: str, lost: str | None) -> None:
    whole = claimed(a_message())

    claim = claimed(spoilt(find, put))

    for name in ("message_id", "conversation_id", "sender", "receiver", "created_at"):
        assert getattr(claim, name) == (None if name == lost else getattr(whole, name))


@pytest.mark.parametrize(
    "root", [None, etree.Element("a"), etree.Element(ROOT)], ids=["bytes", "other", "bare"]
)
def test_nothing_is_claimed_where_there_is_no_header(root: etree._Element | None) -> None:
    assert claimed(root) == Claimed()
