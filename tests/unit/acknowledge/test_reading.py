from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.acknowledge.reading import Opened, read_answer, retry_after_s
from gateway.acknowledge.signals import SIGNALS, exception_of, receipt
from gateway.domain.answer import Answer
from gateway.domain.errors import (
    DeliveryFailed,
    Fault,
    Finding,
    PartyAskedToWait,
    PartyRefused,
    PartyUnreachable,
    SealRefused,
    TooLarge,
)
from gateway.domain.ids import MessageId, PartyId
from gateway.domain.xml import read_xml
from gateway.store.records import CheckedReceipt
from tests.unit.acknowledge.samples import (
    ABROAD,
    CLAIM,
    DIGEST,
    HEADER,
    HOME,
    ID,
    NOW,
    OTHER_DIGEST,
    OTHER_ID,
    OpenedSignal,
    party,
    registered,
)

UNKNOWN = MessageId("unknown@nowhere")
REFUSALS = (400, 403, 409, 411, 413, 415, 422)
WITHOUT_DIGEST = (400, 411, 413, 415)


def seal_that_holds(body: bytes) -> Opened:
    return OpenedSignal(root=read_xml(body), certificate=registered())


def seal_that_is_broken(body: bytes) -> Opened:
    raise SealRefused("the digest does not match", step=6)


def seal_of_somebody_else(body: bytes) -> Opened:
    raise SealRefused("not one of the party's certificates", step=4, code=Fault.SIGNER)


def seal_on_too_much(body: bytes) -> Opened:
    raise TooLarge("6000000 bytes are more than agreed")


UNBELIEVABLE = [seal_that_is_broken, seal_of_somebody_else, seal_on_too_much]


def read(
    status: int,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    open_seal: Callable[[bytes], Opened] = seal_that_holds,
) -> CheckedReceipt:
    answer = Answer(status=status, headers=headers or {}, body=body)
    return read_answer(CLAIM, answer, party=party(), home=HOME, open_seal=open_seal, at=NOW)


def failure(
    status: int,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    open_seal: Callable[[bytes], Opened] = seal_that_holds,
) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        read(status, body, headers, open_seal=open_seal)
    return caught.value


def a_receipt(
    *,
    message_id: MessageId = ID,
    digest: bytes = DIGEST,
    sender: PartyId = ABROAD,
    receiver: PartyId = HOME,
    uri: str | None = None,
) -> bytes:
    root = receipt(replace(HEADER, message_id=message_id, sender=receiver), digest, home=sender, at=NOW)
    if uri is not None:
        root[6][0][0].set("URI", uri)
    return etree.tostring(root)


def a_refusal(
    *, message_id: MessageId | None = ID, digest: bytes | None = DIGEST, code: str = "S03", text: str = "why"
) -> bytes:
    received = None if message_id is None else replace(HEADER, message_id=message_id)
    findings = (Finding(code=code, text=text), Finding(code="C03", text="and this"))
    return etree.tostring(
        exception_of(findings, received=received, digest=digest, home=ABROAD, party=HOME, at=NOW)
    )


def assert_is_retried(error: DeliveryFailed) -> None:
    assert isinstance(error, PartyUnreachable)
    assert error.retryable
    assert error.body_went_out
    assert error.code == "T01"


# ---- 200 ---------------------------------------------------------------------------------------------------


def test_a_receipt_for_our_message_delivers_it() -> None:
    body = a_receipt()

    assert read(200, body) == CheckedReceipt(body=body, digest=DIGEST, signer="CN=TH.CUSTOMS sign", at=NOW)


def test_a_repeat_answered_with_the_first_receipt_delivers_too() -> None:
    assert read(200, a_receipt(), {"Eco-Repeat": "true"}).digest == DIGEST


def test_a_receipt_without_a_readable_time_counts_from_now() -> None:
    root = etree.fromstring(a_receipt())
    root[2].text = "soon"

    assert read(200, etree.tostring(root)).at == NOW


def test_a_receipt_without_parties_delivers() -> None:
    root = etree.fromstring(a_receipt())
    root.remove(root[4])
    root.remove(root[3])

    assert read(200, etree.tostring(root)).digest == DIGEST


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(a_receipt(message_id=OTHER_ID), "another message", id="another-id"),
        pytest.param(a_receipt(digest=OTHER_DIGEST), "other bytes: digest", id="another-digest"),
        pytest.param(a_receipt(uri="mid:else@vn.moit"), "vouches for 'mid:else@vn.moit'", id="another-part"),
        pytest.param(a_receipt(sender=PartyId("MY.CUSTOMS")), "from MY.CUSTOMS", id="from-another-party"),
        pytest.param(a_receipt(receiver=PartyId("ID.MOT")), "to ID.MOT", id="for-another-party"),
        pytest.param(a_refusal(), "not a receipt but Exception", id="an-exception"),
        pytest.param(b"<html>It works!</html>", "not a receipt but html", id="a-web-page"),
        pytest.param(b"", "not sealed by the party: S01", id="nothing"),
        pytest.param(b"\x00\x01garbage", "not sealed by the party: S01", id="garbage"),
    ],
)
def test_200_that_is_no_receipt_for_us_is_retried(body: bytes, words: str) -> None:
    error = failure(200, body)

    assert_is_retried(error)
    assert words in str(error)
    assert "200 OK" in error.cause


@pytest.mark.parametrize("open_seal", UNBELIEVABLE)
def test_a_receipt_whose_seal_does_not_hold_is_retried(open_seal: Callable[[bytes], Opened]) -> None:
    error = failure(200, a_receipt(), open_seal=open_seal)

    assert_is_retried(error)
    assert "not sealed by the party" in str(error)


# ---- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", REFUSALS)
def test_a_sealed_refusal_of_our_message_is_final(status: int) -> None:
    error = failure(status, a_refusal(code="D04", text="created 31 days ago"))

    assert isinstance(error, PartyRefused)
    assert not error.retryable
    assert error.cause == "D04: created 31 days ago"
    assert [finding.code for finding in error.findings] == ["D04", "C03"]


@pytest.mark.parametrize("status", REFUSALS)
def test_unknown_with_our_digest_is_about_our_message(status: int) -> None:
    assert isinstance(failure(status, a_refusal(message_id=None)), PartyRefused)


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(a_refusal(digest=OTHER_DIGEST), id="our-id-another-digest"),
        pytest.param(a_refusal(message_id=None, digest=OTHER_DIGEST), id="unknown-and-another-digest"),
        pytest.param(a_refusal(message_id=OTHER_ID), id="another-id-our-digest"),
        pytest.param(a_refusal(message_id=OTHER_ID, digest=None), id="another-id-no-digest"),
        pytest.param(a_refusal(message_id=UNKNOWN), id="an-id-that-begins-like-unknown"),
    ],
)
def test_a_refusal_of_another_message_is_retried(status: int, body: bytes) -> None:
    error = failure(status, body)

    assert_is_retried(error)
    assert "refusal of another message: S03 why" in str(error)


@pytest.mark.parametrize("message_id", [ID, None])
@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_without_a_digest_counts_only_where_the_body_may_be_unread(
    status: int, message_id: MessageId | None
) -> None:
    error = failure(status, a_refusal(message_id=message_id, digest=None))

    assert isinstance(error, PartyRefused if status in WITHOUT_DIGEST else PartyUnreachable)


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize("open_seal", UNBELIEVABLE)
def test_an_unsigned_4xx_is_retried(status: int, open_seal: Callable[[bytes], Opened]) -> None:
    assert_is_retried(failure(status, a_refusal(), open_seal=open_seal))


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_that_is_no_exception_is_retried(status: int) -> None:
    error = failure(status, a_receipt())

    assert_is_retried(error)
    assert "not an exception but ReceiptAcknowledgement" in str(error)


def test_a_refusal_without_findings_tells_its_reason() -> None:
    root = etree.fromstring(a_refusal(digest=None))
    root.remove(root[-1])

    error = failure(400, etree.tostring(root))

    assert isinstance(error, PartyRefused)
    assert error.findings == (Finding(code="S03", text="why"),)


def test_a_refusal_without_a_reason_is_final_all_the_same() -> None:
    root = etree.fromstring(a_refusal())
    root.remove(root.find(f"{{{SIGNALS}}}Reason"))  # type: ignore[arg-type]

    error = failure(422, etree.tostring(root))

    assert isinstance(error, PartyRefused)
    assert error.code == "S01"


# ---- 429, 503 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_a_sealed_request_to_wait_is_honoured_and_told(status: int) -> None:
    error = failure(status, a_refusal(code="T03", text="maintenance until six"), {"Retry-After": "300"})

    assert isinstance(error, PartyAskedToWait)
    assert error.retry_after_s == 300
    assert error.code == "T03"
    assert "maintenance until six" in str(error)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("open_seal", UNBELIEVABLE)
def test_an_unsigned_request_to_wait_is_honoured(status: int, open_seal: Callable[[bytes], Opened]) -> None:
    error = failure(status, b"<html>busy</html>", {"retry-after": "20"}, open_seal=open_seal)

    assert isinstance(error, PartyAskedToWait)
    assert error.retry_after_s == 20


def test_a_sealed_request_to_wait_need_not_say_how_long() -> None:
    error = failure(503, a_refusal(code="T03", message_id=None, digest=None))

    assert isinstance(error, PartyAskedToWait)
    assert error.retry_after_s is None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b"", {}, id="empty"),
        pytest.param(b"", {"Retry-After": "soon"}, id="unreadable-time"),
        pytest.param(b"<html/>", {}, id="a-web-page"),
        pytest.param(a_refusal(code="S03"), {}, id="sealed-but-not-T03"),
    ],
)
def test_503_that_asks_for_nothing_is_no_believable_answer(
    status: int, body: bytes, headers: Mapping[str, str]
) -> None:
    assert_is_retried(failure(status, body, headers))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"Retry-After": "0"}, 0.0, id="at-once"),
        pytest.param({"Retry-After": " 120 "}, 120.0, id="seconds"),
        pytest.param({"Retry-After": "9" * 400}, 366 * 86400.0, id="for-ever"),
        pytest.param({"Retry-After": "Sat, 21 Nov 2026 21:35:40 GMT"}, 59.096, id="a-date-from-now"),
        pytest.param({"Retry-After": "Saturday, 21-Nov-26 21:35:40 GMT"}, 59.096, id="an-old-date"),
        pytest.param({"Retry-After": "Sat Nov 21 21:35:40 2026"}, 59.096, id="an-asctime-date"),
        pytest.param({"Retry-After": "Sat, 21 Nov 2020 21:35:40 GMT"}, 0.0, id="a-date-gone-by"),
        pytest.param(
            {"Retry-After": "Sat, 21 Nov 2026 22:00:10 GMT", "Date": "Sat, 21 Nov 2026 22:00:00 GMT"},
            10.0,
            id="a-date-by-their-own-clock",
        ),
        pytest.param(
            {"Retry-After": "Sat, 21 Nov 2026 21:35:40 GMT", "Date": "today"}, 59.096, id="their-clock-broken"
        ),
        pytest.param({}, None, id="none"),
        pytest.param({"Retry-After": ""}, None, id="empty"),
        pytest.param({"Retry-After": "-5"}, None, id="negative"),
        pytest.param({"Retry-After": "1.5"}, None, id="a-fraction"),
        pytest.param({"Retry-After": "٣"}, None, id="other-digits"),
        pytest.param({"Retry-After": "Mon, 1 Jan 99999999999999999999 00:00:00 GMT"}, None, id="no-year"),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: Mapping[str, str], seconds: float | None) -> None:
    wait = retry_after_s(Answer(status=503, headers=headers, body=b""), NOW)

    assert wait == (None if seconds is None else pytest.approx(seconds))


nearly_dates = st.text(st.sampled_from("MonSat,JanDec 0123456789:+-/GMT\t()"), max_size=40)


@given(st.text() | nearly_dates, st.text() | nearly_dates)
def test_no_header_at_all_breaks_the_reading(retry_after: str, date: str) -> None:
    answer = Answer(status=503, headers={"Retry-After": retry_after, "Date": date}, body=b"")

    wait = retry_after_s(answer, NOW)

    assert wait is None or wait >= 0


@given(st.integers(0, 4 * 10**9))
def test_a_date_is_reckoned_exactly(seconds: int) -> None:
    until = datetime.fromtimestamp(seconds, UTC)
    text = until.strftime("%a, %d %b %Y %H:%M:%S GMT")

    wait = retry_after_s(Answer(status=503, headers={"Retry-After": text}, body=b""), NOW)

    assert wait == min(max((until - NOW).total_seconds(), 0.0), timedelta(days=366).total_seconds())


# ---- anything else -----------------------------------------------------------------------------------------


def verdict_on(status: int, body: bytes, open_seal: Callable[[bytes], Opened]) -> str:
    try:
        read(status, body, open_seal=open_seal)
    except DeliveryFailed as error:
        return "retry" if error.retryable else "refused"
    return "delivered"


SIGNED_ALL_THE_SAME = [a_receipt(), a_refusal(), b"", b"<html/>"]


@pytest.mark.parametrize("body", SIGNED_ALL_THE_SAME)
@pytest.mark.parametrize(
    "status", [100, 201, 202, 204, 301, 302, 307, 401, 404, 405, 408, 410, 418, 500, 502, 504, 599, 999]
)
def test_any_other_status_is_retried(status: int, body: bytes) -> None:
    error = failure(status, body)

    assert_is_retried(error)
    assert str(status) in str(error)


@given(
    st.integers(100, 599),
    st.sampled_from([a_receipt(), a_receipt(digest=OTHER_DIGEST), a_refusal(), a_refusal(digest=None), b"x"]),
    st.booleans(),
)
def test_only_a_sealed_receipt_delivers_and_only_a_sealed_refusal_ends(
    status: int, body: bytes, sealed: bool
) -> None:
    open_seal = seal_that_holds if sealed else seal_that_is_broken
    verdict = verdict_on(status, body, open_seal)

    if verdict == "delivered":
        assert (status, body, sealed) == (200, a_receipt(), True)
    elif verdict == "refused":
        assert status in REFUSALS
        assert sealed
    else:
        assert verdict == "retry"
