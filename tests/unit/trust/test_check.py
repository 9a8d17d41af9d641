from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.corridor import Party
from gateway.domain.envelope import business_document, read_header, write_envelope
from gateway.domain.errors import NotForUs, OutsideClock, Refused, SealRefused, TooLarge, Unreadable
from gateway.domain.ids import PartyId
from gateway.domain.message import Arrived, Checked
from gateway.domain.status import MessageType
from gateway.trust.check import check_clock, check_message, check_opened, open_message, rebuilt, reread
from gateway.trust.keys import OwnKey
from gateway.trust.make import Kind, issue_sign
from gateway.trust.seal import seal
from tests.keys import BEGINS, ENDS, in_window, party_keys, private_key, registered
from tests.messages import CERTIFICATE, NOW, TH, VN, a_document, a_header, a_message, a_sealed_message

SKEW = timedelta(minutes=5)
REPLAY_WINDOW = timedelta(days=30)
SENDER = party_keys(VN)
OTHER = party_keys("MY.CUSTOMS", kind=Kind.ECDSA)
PARTIES: Mapping[PartyId, Party] = {keys.id: keys.party() for keys in (SENDER, OTHER)}


def arrived(body: bytes, client: PartyId = VN) -> Arrived:
    return Arrived(client=client, body=body, digest=hashlib.sha256(body).digest(), at=NOW)


def check(body: bytes, client: PartyId = VN, parties: Mapping[PartyId, Party] = PARTIES) -> Checked:
    return check_message(
        arrived(body, client), parties=parties, home=TH, skew=SKEW, replay_window=REPLAY_WINDOW
    )


def sealed(**changes: object) -> bytes:
    return a_sealed_message(SENDER.own, **changes)


def test_a_good_message_is_checked_and_told_apart() -> None:
    body = sealed()

    checked = check(body)

    assert checked.header == a_header()
    assert checked.certificate == SENDER.registered_sign
    assert checked.arrived.body == body
    assert etree.tostring(checked.document, method="c14n") == etree.tostring(a_document(), method="c14n")


def test_the_document_is_the_root_of_a_tree_of_its_own() -> None:
    document = check(sealed()).document

    assert document.getroottree().getroot() is document
    assert document.getparent() is None
    assert document.tail is None


def test_the_document_s_lines_are_those_of_the_bytes_received() -> None:
    body = sealed()

    item = check(body).document[2]

    assert item.sourceline == body[: body.index(b"<Item")].count(b"\n") + 1


def test_lines_are_right_where_other_things_stand_before_the_root() -> None:
    body = sealed().replace(b"\n", b"\n<!-- a\nb -->\n\n", 1)

    item = check(body).document[2]

    assert item.sourceline == body[: body.index(b"<Item")].count(b"\n") + 1


@pytest.mark.parametrize(
    ("body", "client", "error", "code"),
    [
        pytest.param(lambda: b"<a", VN, Unreadable, "S01", id="not-well-formed"),
        pytest.param(lambda: seal(a_document(), SENDER.own), VN, Unreadable, "S01", id="no-envelope"),
        pytest.param(lambda: sealed(type_version="9"), VN, Unreadable, "S01", id="header-at-odds"),
        pytest.param(lambda: sealed(sender="XX.NOBODY"), VN, NotForUs, "C01", id="sender-unknown"),
        pytest.param(sealed, OTHER.id, NotForUs, "T02", id="another-party-s-client-certificate"),
        pytest.param(lambda: sealed(receiver=PartyId("LA.CUSTOMS")), VN, NotForUs, "C01", id="not-for-us"),
        pytest.param(lambda: etree.tostring(a_message()), VN, SealRefused, "G01", id="not-sealed"),
        pytest.param(
            lambda: sealed().replace(b"Trousers", b"Tr0users"), VN, SealRefused, "G01", id="altered"
        ),
        pytest.param(
            lambda: a_sealed_message(OTHER.own), VN, SealRefused, "G02", id="sealed-by-another-party"
        ),
        pytest.param(
            lambda: sealed(created_at=NOW + timedelta(hours=1)), VN, OutsideClock, "D04", id="from-the-future"
        ),
        pytest.param(
            lambda: sealed(created_at=NOW - timedelta(days=31)), VN, OutsideClock, "D04", id="too-old"
        ),
    ],
)
def test_each_fault_has_its_answer(
    body: Callable[[], bytes], client: PartyId, error: type[Refused], code: str
) -> None:
    with pytest.raises(error) as refused:
        check(body(), client)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("body", "client", "code"),
    [
        pytest.param(
            lambda: sealed(type_version="9").replace(b"Trousers", b"Tr0users"), VN, "S01", id="header-first"
        ),
        pytest.param(lambda: sealed(type_version="9"), OTHER.id, "S01", id="header-before-client"),
        pytest.param(
            lambda: sealed(sender="XX.NOBODY").replace(b"Trousers", b"?"), VN, "C01", id="sender-before-seal"
        ),
        pytest.param(
            lambda: sealed(created_at=NOW - timedelta(days=99)).replace(b"Trousers", b"?"),
            VN,
            "G01",
            id="seal-before-clock",
        ),
    ],
)
def test_of_several_faults_the_first_in_order_is_told(
    body: Callable[[], bytes], client: PartyId, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        check(body(), client)

    assert refused.value.code == code


def test_a_message_over_the_limit_is_too_large() -> None:
    body = sealed()

    with pytest.raises(TooLarge):
        open_message(arrived(body), parties=PARTIES, home=TH, limit=len(body) - 1)


def test_the_home_party_itself_is_no_sender_of_others() -> None:
    parties = {**PARTIES, TH: party_keys(TH).party()}

    with pytest.raises(NotForUs, match="client certificate is that of") as refused:
        check(sealed(sender=TH), VN, parties)

    assert refused.value.code == "T02"


def test_a_message_is_opened_before_its_seal_is_looked_at() -> None:
    body = sealed().replace(b"Trousers", b"Tr0users")

    opened = open_message(arrived(body), parties=PARTIES, home=TH)

    assert opened.header == a_header()
    assert opened.party.id == VN
    with pytest.raises(SealRefused):
        check_opened(opened, skew=SKEW, replay_window=REPLAY_WINDOW)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda body: body, id="as-it-was-sealed"),
        pytest.param(lambda body: body.partition(b"\n")[2], id="without-declaration"),
        pytest.param(lambda body: body.replace(b"\n", b"\r\n"), id="other-line-ends"),
        pytest.param(lambda body: body.replace(b"Trousers", b"Trou<!-- x -->sers"), id="comment-inside"),
        pytest.param(
            lambda body: body.replace(b"</ds:Signature>", b"</ds:Signature><!-- x -->"), id="comment-behind"
        ),
        pytest.param(lambda body: body + b"<!-- x -->", id="comment-outside"),
    ],
)
def test_however_it_is_written_the_same_is_read(changed: Callable[[bytes], bytes]) -> None:
    body = changed(sealed())

    document = check(body).document

    assert etree.tostring(document, method="c14n") == etree.tostring(a_document(), method="c14n")
    assert document[2][0].text == "Trousers of cotton & linen, ladies’"


def test_a_processing_instruction_that_was_signed_cuts_no_text() -> None:
    root = a_message()
    root.replace(root[1], a_document(CERTIFICATE.replace("Trousers", "Trou<?x y?>sers")))

    document = check(seal(root, SENDER.own)).document

    assert document[2][0].text == "Trousers of cotton & linen, ladies’"


def test_a_header_that_was_not_signed_is_not_believed() -> None:
    opened = open_message(arrived(sealed()), parties=PARTIES, home=TH)
    genuine = open_message(arrived(sealed(message_id="other@vn.moit")), parties=PARTIES, home=TH)
    mixed = type(opened)(arrived=opened.arrived, header=opened.header, party=opened.party, root=genuine.root)

    with pytest.raises(SealRefused, match="header that was signed") as refused:
        check_opened(mixed, skew=SKEW, replay_window=REPLAY_WINDOW)

    assert refused.value.step == 7


def test_inside_the_overlap_of_two_windows_either_certificate_is_good() -> None:
    renewed = issue_sign(
        SENDER.anchor, "renewed", "VN", valid_from=BEGINS, valid_to=ENDS, private=private_key(Kind.ECDSA, 9)
    )
    old = registered(SENDER.sign, valid_to=NOW + timedelta(hours=2))
    new = registered(renewed, valid_from=NOW - timedelta(hours=2))
    parties = {VN: SENDER.party(sign=[old, new])}

    for key in (SENDER.own, OwnKey(private=renewed.private, certificate=new)):
        assert check(a_sealed_message(key), VN, parties).header == a_header()


def test_both_clocks_and_their_difference_are_told() -> None:
    with pytest.raises(OutsideClock) as refused:
        check_clock(NOW + timedelta(seconds=301.5), NOW, skew=SKEW, replay_window=REPLAY_WINDOW)

    assert str(refused.value) == (
        "Created at 2026-11-21T21:45:01.500Z, but our clock says 2026-11-21T21:40:00.000Z:"
        " 301.5 seconds ahead of us, 300 seconds tolerated"
    )


@given(st.timedeltas(min_value=timedelta(days=-60), max_value=timedelta(days=60)))
def test_a_time_is_refused_exactly_outside_skew_and_window(age: timedelta) -> None:
    inside = -SKEW <= age <= REPLAY_WINDOW

    try:
        check_clock(NOW - age, NOW, skew=SKEW, replay_window=REPLAY_WINDOW)
    except OutsideClock:
        assert not inside
    else:
        assert inside


@pytest.mark.parametrize("age", [-SKEW, timedelta(0), REPLAY_WINDOW], ids=["skew", "now", "window"])
def test_the_limits_themselves_are_inside(age: timedelta) -> None:
    check_clock(NOW - age, NOW, skew=SKEW, replay_window=REPLAY_WINDOW)


def test_what_lies_in_the_ledger_is_read_as_it_was_checked() -> None:
    body = sealed().replace(b"Trousers", b"Trou<!-- x -->sers")

    again = business_document(reread(body))

    assert again[2][0].text == check(body).document[2][0].text == "Trousers of cotton & linen, ladies’"
    assert read_header(reread(body)) == a_header()


def test_many_threads_check_and_seal_at_once() -> None:
    def round_trip(number: int) -> str:
        return check(sealed(message_id=f"{number}@vn.moit")).header.message_id

    with ThreadPoolExecutor(8) as workers:
        ids = list(workers.map(round_trip, range(200)))

    assert ids == [f"{number}@vn.moit" for number in range(200)]


def test_octets_that_cannot_be_read_back_are_refused() -> None:
    with pytest.raises(SealRefused, match="read back") as refused:
        rebuilt(b"<a>" * 300)

    assert refused.value.step == 7


def test_a_document_without_number_is_the_schema_s_business() -> None:
    xml = CERTIFICATE.replace("CertificateNumber>", "Number>")
    header = a_header()
    root = a_message()
    root.replace(root[1], a_document(xml))

    assert check(seal(root, SENDER.own)).header == header


REHEARSED = timedelta(days=30)


def rehearsed(begins: datetime, rehearsed_at: datetime) -> Checked:
    """Check a rehearsal for a time, of a key whose window begins then and lasts a month."""
    key = in_window(SENDER.own, begins, begins + REHEARSED)
    header = a_header(type=MessageType.PING, rehearsed_at=rehearsed_at)
    body = seal(write_envelope(header, a_document()), key)
    return check(body, parties={VN: SENDER.party(sign=[key.certificate])})


def test_a_rehearsal_is_judged_as_of_the_time_it_names() -> None:
    later = NOW + REHEARSED

    assert rehearsed(later, later).header.rehearsed_at == later


def test_a_rehearsal_for_a_time_before_the_window_fails_at_the_fourth_step() -> None:
    later = NOW + REHEARSED

    with pytest.raises(SealRefused, match="Rehearsed as if our clock said") as refused:
        rehearsed(later, later - timedelta(seconds=1))
    assert (refused.value.step, refused.value.code) == (4, "G02")


def test_a_rehearsal_revives_nothing_that_is_over() -> None:
    with pytest.raises(SealRefused, match=r"^The certificate in the seal .* is registered for"):
        rehearsed(NOW - 2 * REHEARSED, NOW - 2 * REHEARSED)


def test_only_a_ping_is_a_rehearsal() -> None:
    with pytest.raises(Unreadable, match="only a ping is a rehearsal"):
        check(sealed(rehearsed_at=NOW))


@pytest.mark.parametrize(("sooner", "is_taken"), [(0, True), (1, False)])
def test_a_client_certificate_that_counts_later_brings_rehearsals_for_then(
    sooner: int, is_taken: bool
) -> None:
    later = NOW + REHEARSED
    header = a_header(type=MessageType.PING, rehearsed_at=later - timedelta(seconds=sooner))
    body = seal(write_envelope(header, a_document()), SENDER.own)
    brought = replace(arrived(body), client_from=later)

    with contextlib.nullcontext() if is_taken else pytest.raises(NotForUs, match="counts from") as told:
        open_message(brought, parties=PARTIES, home=TH)
    assert is_taken or (told is not None and told.value.code == "T02")
