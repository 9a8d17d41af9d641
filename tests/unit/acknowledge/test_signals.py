from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.acknowledge.signals import (
    DSIG,
    MOST_FINDINGS,
    SIGNALS,
    STATUS,
    UNREAD,
    exception,
    exception_of,
    exception_type,
    read_exception,
    read_receipt,
    receipt,
    status_of,
    without_seal,
)
from gateway.domain.envelope import Claimed
from gateway.domain.errors import (
    CannotTell,
    ContentRefused,
    Fault,
    Finding,
    FormNotAgreed,
    IdRepeated,
    NotForUs,
    NumberTaken,
    OutsideClock,
    Refused,
    SealRefused,
    Severity,
    TooLarge,
    Unreadable,
)
from gateway.domain.ids import MessageId
from tests.unit.acknowledge.samples import (
    ABROAD,
    CONVERSATION,
    DIGEST,
    HEADER,
    HOME,
    ID,
    NOW,
    message_ids,
    moments,
    printed,
    texts,
)
from tests.unit.acknowledge.xsd import OASIS


def an_exception(refused: Refused, **changes: object) -> etree._Element:
    known = {"received": HEADER, "digest": DIGEST, "home": ABROAD, "party": HOME, "at": NOW}
    return exception(refused, **{**known, **changes})  # type: ignore[arg-type]


def names(root: etree._Element) -> list[str]:
    return [etree.QName(child).localname for child in root]


def value(root: etree._Element, name: str) -> str | None:
    return root.findtext(f"{{{SIGNALS}}}{name}")


def test_a_receipt_says_what_the_profile_asks_in_its_order() -> None:
    root = receipt(HEADER, DIGEST, home=ABROAD, at=NOW)

    assert [(etree.QName(child).localname, child.text) for child in root] == [
        ("OriginalMessageIdentifier", ID),
        ("OriginalMessageDateTime", "2026-11-21T21:34:40.844Z"),
        ("ThisMessageDateTime", "2026-11-21T21:34:40.904Z"),
        ("FromPartyInfo", "TH.CUSTOMS"),
        ("ToPartyInfo", "VN.MOIT"),
        ("CollaborationIdentifier", CONVERSATION),
        ("NonRepudiationInformation", None),
    ]
    assert {child.get("type") for child in root[3:5]} == {"urn:eco-gateway:party"}


def test_a_receipt_vouches_for_the_octets_of_the_body() -> None:
    reference = receipt(HEADER, DIGEST, home=ABROAD, at=NOW)[6][0][0]

    assert dict(reference.attrib) == {"URI": f"mid:{ID}"}
    assert names(reference) == ["DigestMethod", "DigestValue"]
    assert reference[0].get("Algorithm") == "http://www.w3.org/2001/04/xmlenc#sha256"
    assert reference[1].text == base64.b64encode(DIGEST).decode()


def test_a_receipt_fits_the_oasis_schema() -> None:
    OASIS.assertValid(printed(receipt(HEADER, DIGEST, home=ABROAD, at=NOW)))


@given(message_ids, moments, st.binary(min_size=32, max_size=32))
def test_a_receipt_that_is_printed_and_read_is_the_same(
    message_id: MessageId, at: datetime, digest: bytes
) -> None:
    root = receipt(replace(HEADER, message_id=message_id), digest, home=ABROAD, at=at)

    signal = read_receipt(printed(root))

    assert (signal.message_id, signal.digest, signal.at) == (message_id, digest, at)
    assert (signal.sender, signal.receiver) == (ABROAD, HOME)
    assert signal.is_consistent


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param("mid:a%2Bb@c", id="percent-encoded"),
        pytest.param("mid:a+b@c", id="as-it-is"),
    ],
)
def test_a_mid_may_be_percent_encoded(reference: str) -> None:
    root = receipt(replace(HEADER, message_id=MessageId("a+b@c")), DIGEST, home=ABROAD, at=NOW)
    root[6][0][0].set("URI", reference)

    assert read_receipt(root).is_consistent


def test_a_mid_of_another_message_is_inconsistent() -> None:
    root = receipt(HEADER, DIGEST, home=ABROAD, at=NOW)
    root[6][0][0].set("URI", "mid:other@vn.moit")

    assert not read_receipt(root).is_consistent


def two_parts(root: etree._Element) -> None:
    root[6].append(etree.fromstring(etree.tostring(root[6][0])))


def no_part(root: etree._Element) -> None:
    root[6].remove(root[6][0])


def another_digest_method(root: etree._Element) -> None:
    root[6][0][0][0].set("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")


def no_digest_method(root: etree._Element) -> None:
    root[6][0][0].remove(root[6][0][0][0])


def no_digest_value(root: etree._Element) -> None:
    root[6][0][0].remove(root[6][0][0][1])


def digest_no_base64(root: etree._Element) -> None:
    root[6][0][0][1].text = "!!!!"


def another_signal(root: etree._Element) -> None:
    root.tag = f"{{{SIGNALS}}}AcceptanceAcknowledgement"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (two_parts, "one message part, this one for 2"),
        (no_part, "one message part, this one for 0"),
        (another_digest_method, "no readable SHA-256 digest"),
        (no_digest_method, "no readable SHA-256 digest"),
        (no_digest_value, "no readable SHA-256 digest"),
        (digest_no_base64, "no readable SHA-256 digest"),
        (another_signal, "not a receipt but AcceptanceAcknowledgement"),
    ],
)
def test_a_receipt_that_vouches_for_nothing_is_unreadable(
    spoil: Callable[[etree._Element], None], words: str
) -> None:
    root = receipt(HEADER, DIGEST, home=ABROAD, at=NOW)
    spoil(root)

    with pytest.raises(Unreadable, match=words):
        read_receipt(root)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("2026-11-21T23:34:40+02:00", datetime(2026, 11, 21, 21, 34, 40, tzinfo=UTC), id="zone"),
        pytest.param("2026-11-21T21:34:40", datetime(2026, 11, 21, 21, 34, 40, tzinfo=UTC), id="no-zone"),
        pytest.param("yesterday", None, id="no-time"),
        pytest.param("0001-01-01T00:00:00+05:00", None, id="before-all-calendars"),
    ],
)
def test_any_zone_is_understood(text: str, at: datetime | None) -> None:
    root = receipt(HEADER, DIGEST, home=ABROAD, at=NOW)
    root[2].text = text

    assert read_receipt(root).at == at


def test_a_receipt_without_parties_is_read() -> None:
    root = receipt(HEADER, DIGEST, home=ABROAD, at=NOW)
    root.remove(root[4])
    root.remove(root[3])

    signal = read_receipt(root)

    assert (signal.sender, signal.receiver) == (None, None)


def test_an_exception_says_what_the_profile_asks_in_its_order() -> None:
    root = an_exception(FormNotAgreed("no corridor has agreed rcep/form-rcep/9.0"))

    assert names(root) == [
        "OriginalMessageIdentifier",
        "OriginalMessageDateTime",
        "ThisMessageDateTime",
        "FromPartyInfo",
        "ToPartyInfo",
        "CollaborationIdentifier",
        "ExceptionType",
        "Reason",
        "ExceptionMessage",
        "Findings",
    ]
    assert value(root, "Reason") == "S03"
    assert value(root, "ExceptionMessage") == "no corridor has agreed rcep/form-rcep/9.0"
    OASIS.assertValid(printed(root))


def test_an_exception_about_an_unreadable_message_names_it_unknown() -> None:
    root = an_exception(Unreadable("Not well-formed: line 12", line=12), received=None)

    assert value(root, "OriginalMessageIdentifier") == "unknown"
    assert value(root, "OriginalMessageDateTime") == value(root, "ThisMessageDateTime")
    assert value(root, "CollaborationIdentifier") is None
    OASIS.assertValid(printed(root))


def test_an_exception_names_what_could_be_read_of_the_header() -> None:
    root = an_exception(Unreadable("BusinessScope has no FORM"), received=Claimed(message_id=ID))

    assert value(root, "OriginalMessageIdentifier") == ID
    assert value(root, "CollaborationIdentifier") is None


def test_an_exception_about_a_body_that_was_not_read_has_no_digest() -> None:
    root = an_exception(TooLarge("too large"), received=None, digest=None)

    assert root.find(f".//{{{DSIG}}}DigestValue") is None
    assert read_exception(root).digest is None
    OASIS.assertValid(printed(root))


def test_an_exception_tells_fifty_findings_and_counts_all() -> None:
    findings = tuple(Finding(code="S02", text=f"fault {n}") for n in range(MOST_FINDINGS + 7))

    root = an_exception(ContentRefused(findings))

    assert root[-1].get("total") == "57"
    assert read_exception(root).findings == findings[:MOST_FINDINGS]
    OASIS.assertValid(printed(root))


def test_the_reason_is_the_first_error_not_the_first_warning() -> None:
    warning = Finding(code="W05", text="spelling", severity=Severity.WARNING)
    error = Finding(code="C03", text="criterion")

    root = an_exception(ContentRefused((warning, error)))

    assert (value(root, "Reason"), value(root, "ExceptionMessage")) == ("C03", "criterion")


def test_the_reason_of_warnings_alone_is_the_first() -> None:
    warning = Finding(code="W05", text="", severity=Severity.WARNING)

    root = exception_of((warning,), received=None, digest=None, home=ABROAD, party=HOME, at=NOW)

    assert (value(root, "Reason"), value(root, "ExceptionMessage")) == ("W05", "W05")


def test_the_failed_check_of_the_seal_travels_with_its_number() -> None:
    root = an_exception(SealRefused("not registered", step=4, code=Fault.SIGNER))

    assert read_exception(root).findings == (Finding(code="G02", text="not registered", step=4),)


@given(texts, st.sampled_from(Fault), moments)
def test_an_exception_that_is_printed_and_read_is_the_same(text: str, fault: Fault, at: datetime) -> None:
    finding = Finding(code=fault.value, text=text)
    root = printed(exception_of((finding,), received=HEADER, digest=DIGEST, home=ABROAD, party=HOME, at=at))

    signal = read_exception(root)

    OASIS.assertValid(root)
    assert (signal.message_id, signal.digest, signal.code) == (ID, DIGEST, fault.value)
    assert (signal.text, signal.findings) == (text.strip(), (finding,))


@given(st.text(), st.sampled_from(Fault))
def test_no_text_at_all_makes_an_exception_that_cannot_be_written(text: str, fault: Fault) -> None:
    finding = Finding(code=fault.value, text=text, value=text, path=text)

    root = exception_of((finding,), received=None, digest=DIGEST, home=ABROAD, party=HOME, at=NOW)

    OASIS.assertValid(printed(root))


def test_an_exception_without_findings_has_its_reason_as_one() -> None:
    root = an_exception(IdRepeated("this id came before"))
    root.remove(root[-1])

    assert read_exception(root).findings == (Finding(code="D02", text="this id came before"),)


def test_an_exception_without_a_message_says_its_code() -> None:
    root = an_exception(IdRepeated("this id came before"))
    root.remove(root.find(f"{{{SIGNALS}}}ExceptionMessage"))  # type: ignore[arg-type]

    assert read_exception(root).text == "D02"


def test_a_receipt_is_no_exception() -> None:
    with pytest.raises(Unreadable, match="not an exception but ReceiptAcknowledgement"):
        read_exception(receipt(HEADER, DIGEST, home=ABROAD, at=NOW))


def test_an_exception_with_a_broken_digest_is_unreadable() -> None:
    root = an_exception(IdRepeated("this id came before"))
    root.find(f".//{{{DSIG}}}DigestValue").text = "?"  # type: ignore[union-attr]

    with pytest.raises(Unreadable, match="no readable SHA-256 digest"):
        read_exception(root)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, ("ReceiptException", "Syntax")) for code in ("S01", "S02", "S03", "S04")),
        *((code, ("ReceiptException", "Signature")) for code in ("G01", "G02", "G03")),
        *((code, ("ReceiptException", "Authorization")) for code in ("C01", "T02")),
        *((code, ("ReceiptException", "Sequence")) for code in ("D01", "D02", "D03", "D04", "D05")),
        ("T03", ("AcceptanceException", "Performance")),
        *((code, ("AcceptanceException", "Business")) for code in ("C02", "C09", "B02", "W01", "T01", "")),
    ],
)
def test_each_code_has_its_kind_of_exception(code: str, kind: tuple[str, str]) -> None:
    assert exception_type(code) == kind


@pytest.mark.parametrize("fault", Fault)
def test_every_code_of_the_catalogue_makes_a_valid_exception(fault: Fault) -> None:
    finding = Finding(code=fault.value, text=fault.name)

    OASIS.assertValid(
        printed(exception_of((finding,), received=HEADER, digest=DIGEST, home=ABROAD, party=HOME, at=NOW))
    )


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        pytest.param(Unreadable("x"), 400, id="unreadable"),
        pytest.param(TooLarge("x"), 413, id="too-large"),
        pytest.param(ContentRefused((Finding(code="S02", text="x"),)), 422, id="content"),
        pytest.param(SealRefused("x", step=6), 403, id="seal"),
        pytest.param(NotForUs("x"), 403, id="not-for-us"),
        pytest.param(NotForUs("x", code=Fault.TLS), 403, id="another-party's-client-certificate"),
        pytest.param(IdRepeated("x"), 409, id="id-repeated"),
        pytest.param(CannotTell("x", step=5), 503, id="cannot-tell"),
        pytest.param(NumberTaken("x"), 422, id="number-taken"),
        pytest.param(OutsideClock("x"), 422, id="clock"),
        pytest.param(FormNotAgreed("x"), 422, id="form"),
    ],
)
def test_each_refusal_has_its_status(refused: Refused, status: int) -> None:
    assert status_of(refused) == status


def test_the_table_of_statuses_is_the_whole_error_tree() -> None:
    def tree(kind: type[Refused]) -> Iterator[type[Refused]]:
        yield kind
        for below in kind.__subclasses__():
            yield from tree(below)

    assert {kind for kind in tree(Refused) if kind.__module__.startswith("gateway.")} == set(STATUS)


def test_statuses_given_before_the_body_is_read_have_their_codes() -> None:
    assert {int(status): fault.value for status, fault in UNREAD.items()} == {
        411: "S01",
        413: "S04",
        415: "S01",
        429: "T03",
        503: "T03",
    }


def test_a_seal_comes_off_and_the_rest_stays() -> None:
    root = receipt(HEADER, DIGEST, home=ABROAD, at=NOW)
    bare = etree.tostring(root)
    etree.SubElement(root, f"{{{DSIG}}}Signature")

    assert etree.tostring(without_seal(etree.tostring(root))) == bare
