"""The search for certificates: every filter, page by page, newest first."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway.domain.caller import Sight
from gateway.domain.errors import UnknownCursor
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.store.ledger import Ledger
from gateway.store.records import CustomsEntry
from tests.store.making import (
    AT,
    MY,
    RCEP,
    a_certificate,
    acknowledge,
    admit,
    an_arrival,
    certificate_of,
    claim_one,
    delivered,
    failed,
    message_no_of,
)

_S = DeliveryStatus


async def numbers(ledger: Ledger, **wanted: object) -> list[str]:
    rows, following = await ledger.certificates(**wanted)  # type: ignore[arg-type]
    assert following is None
    return [row.number for row in rows]


@pytest.fixture
async def filled(ledger: Ledger) -> Ledger:
    """Three certificates out, one in; a day between each."""
    day = timedelta(days=1)
    await ledger.submit(a_certificate("VN-1", at=AT - 3 * day, organisation="MOIT-HN"))
    await ledger.submit(a_certificate("VN-2", at=AT - 2 * day, organisation="VCCI", form=RCEP))
    await ledger.submit(a_certificate("VN-3", at=AT - day, organisation="MOIT-HN", party=MY))
    await admit(ledger, an_arrival("TH-1"))
    return ledger


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param({}, ["TH-1", "VN-3", "VN-2", "VN-1"], id="all-newest-first"),
        pytest.param({"number": "VN-2"}, ["VN-2"], id="number"),
        pytest.param({"number": "vn-2"}, [], id="number-is-exact"),
        pytest.param({"form": "rcep/form-rcep/1.0"}, ["VN-2"], id="form"),
        pytest.param({"form": "rcep/form-rcep/9.9"}, [], id="another-version"),
        pytest.param({"form": "rcep/form-rcep"}, ["VN-2"], id="form-without-version"),
        pytest.param({"form": "form-rcep"}, ["VN-2"], id="form-middle-part"),
        pytest.param({"form": "rcep"}, [], id="form-agreement-alone"),
        pytest.param({"form": "/"}, [], id="no-form"),
        pytest.param({"form": "atiga/form-rcep"}, [], id="another-agreement"),
        pytest.param({"receiver": "TH.CUSTOMS"}, ["VN-2", "VN-1"], id="receiver"),
        pytest.param({"direction": Direction.IN}, ["TH-1"], id="in"),
        pytest.param({"direction": Direction.OUT}, ["VN-3", "VN-2", "VN-1"], id="out"),
        pytest.param({"issuing_country": "TH"}, ["TH-1"], id="issuing-country"),
        pytest.param({"first_day": date(2026, 11, 20)}, ["TH-1", "VN-3"], id="from"),
        pytest.param({"last_day": date(2026, 11, 19)}, ["VN-2", "VN-1"], id="to"),
        pytest.param(
            {"first_day": date(2026, 11, 19), "last_day": date(2026, 11, 19)}, ["VN-2"], id="one-day"
        ),
        pytest.param(
            {"first_day": date.min, "last_day": date.max}, ["TH-1", "VN-3", "VN-2", "VN-1"], id="ever"
        ),
        pytest.param({"sight": Sight(organisation="MOIT-HN")}, ["VN-3", "VN-1"], id="own"),
        pytest.param({"sight": Sight(received=True)}, ["TH-1"], id="received"),
        pytest.param({"sight": Sight(issued=True)}, ["VN-3", "VN-2", "VN-1"], id="issued"),
        pytest.param({"sight": Sight(organisation="VCCI", received=True)}, ["TH-1", "VN-2"], id="two-roles"),
        pytest.param({"sight": Sight()}, [], id="nothing"),
        pytest.param(
            {"sight": Sight(organisation="MOIT-HN"), "receiver": "MY.CUSTOMS", "form": "form-d"},
            ["VN-3"],
            id="several",
        ),
        pytest.param({"status": "ready_to_send"}, ["VN-3", "VN-2", "VN-1"], id="delivery"),
        pytest.param({"status": "accepted"}, ["TH-1"], id="acknowledgement"),
        pytest.param({"status": "in_force"}, ["TH-1", "VN-3", "VN-2", "VN-1"], id="life"),
        pytest.param({"status": "no such status"}, [], id="unknown-status"),
    ],
)
async def test_each_filter_finds_its_own(filled: Ledger, wanted: dict[str, object], found: list[str]) -> None:
    assert await numbers(filled, **wanted) == found


@pytest.mark.parametrize("status", [_S.AWAITING_RETRY, _S.AWAITING_RECEIPT, _S.REFUSED, _S.EXPIRED])
async def test_a_deliverys_status_is_found(filled: Ledger, status: DeliveryStatus) -> None:
    claim = await claim_one(filled)
    assert await numbers(filled, status="sending") == ["VN-1"]

    await filled.settle([failed(claim, status)])

    assert await numbers(filled, status=status) == ["VN-1"]


async def test_what_was_delivered_held_and_withdrawn_is_found(filled: Ledger) -> None:
    await filled.settle([delivered(await claim_one(filled))])
    for number, verb in (("VN-2", "hold"), ("VN-3", "withdraw")):
        message_no = (await certificate_of(filled, number)).message_no
        await filled.operate(verb, message_no, who="op", reason=None, at=AT)

    assert await numbers(filled, status="delivered") == ["VN-1"]
    assert await numbers(filled, status="on_hold") == ["VN-2"]
    assert await numbers(filled, status="withdrawn") == ["VN-3"]


@pytest.mark.parametrize("outcome", list(AcknowledgementOutcome))
async def test_an_acknowledgement_is_found(filled: Ledger, outcome: AcknowledgementOutcome) -> None:
    await acknowledge(filled, await certificate_of(filled), outcome, AcknowledgedBy.GATEWAY)

    assert await numbers(filled, status=outcome, direction=Direction.OUT) == ["VN-1"]


@pytest.mark.parametrize("outcome", list(CustomsOutcome))
async def test_a_customs_response_is_found(filled: Ledger, outcome: CustomsOutcome) -> None:
    certificate = await certificate_of(filled)
    async with filled.page() as page:
        message_no = await page.write_inbound(
            an_arrival("VN-1", type=MessageType.CUSTOMS_RESPONSE), certificate_no=certificate.certificate_no
        )
        assert message_no is not None
        entries = (CustomsEntry(item=1, outcome=outcome),)
        await page.add_customs_entries(
            certificate.certificate_no, message_no, entries, summary=outcome, at=AT
        )

    assert await numbers(filled, status=outcome) == ["VN-1"]


@pytest.mark.parametrize("life", [life for life in CertificateLife if life is not CertificateLife.IN_FORCE])
async def test_a_life_is_found(filled: Ledger, life: CertificateLife) -> None:
    certificate = await certificate_of(filled)

    async with filled.page() as page:
        await page.move_life(certificate.certificate_no, life, before=None, at=AT, who="clerk")

    assert await numbers(filled, status=life) == ["VN-1"]


async def test_expired_is_found_on_either_layer(filled: Ledger) -> None:
    await filled.settle([failed(await claim_one(filled), _S.EXPIRED)])
    certificate = await certificate_of(filled, "VN-3")
    async with filled.page() as page:
        await page.move_life(
            certificate.certificate_no, CertificateLife.EXPIRED, before=None, at=AT, who="clock"
        )

    assert await numbers(filled, status="expired") == ["VN-3", "VN-1"]


async def test_pages_join_without_gap_or_repeat(ledger: Ledger) -> None:
    for n in range(7):
        await ledger.submit(a_certificate(f"VN-{n}", at=AT + timedelta(microseconds=n // 2)))

    seen: list[str] = []
    after = None
    while True:
        rows, after = await ledger.certificates(after=after, limit=3)
        seen += [row.number for row in rows]
        if after is None:
            break
        await ledger.submit(a_certificate(f"new-{len(seen)}", at=AT + timedelta(days=1)))

    assert seen == ["VN-6", "VN-5", "VN-4", "VN-3", "VN-2", "VN-1", "VN-0"]


async def test_a_page_that_is_just_full_is_the_last(ledger: Ledger) -> None:
    for n in range(2):
        await ledger.submit(a_certificate(f"VN-{n}"))

    rows, following = await ledger.certificates(limit=2)

    assert (len(rows), following) == (2, None)


@pytest.mark.parametrize(
    "cursor", ["0", "x", "", "1-999", "1795262400000000-404", "9999999999999999999-1", "-1-1", "1-٣"]
)
async def test_a_cursor_that_was_never_given_out_is_told(filled: Ledger, cursor: str) -> None:
    with pytest.raises(UnknownCursor):
        await filled.certificates(after=cursor)


# ---- stories -----------------------------------------------------------------------------------------------


async def test_a_chain_is_told_from_both_ends(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN-1"))
    await ledger.submit(a_certificate("VN-2", replaces="VN-1"))
    await ledger.submit(a_certificate("VN-3", certified_copy_of="VN-2"))
    await ledger.submit(a_certificate("VN-4", replaces="VN-404"))
    await ledger.submit(a_certificate("VN-5", replaces="VN-1", form=RCEP))

    chains = {}
    for number in ("VN-1", "VN-2", "VN-3", "VN-4"):
        story = await ledger.story((await certificate_of(ledger, number)).certificate_no)
        chains[number] = [(row.relation, row.certificate_number, row.life) for row in story.chain]

    assert chains == {
        "VN-1": [("replaced_by", "VN-2", "in_force")],
        "VN-2": [("replaces", "VN-1", "in_force"), ("certified_copy", "VN-3", "in_force")],
        "VN-3": [("certified_copy_of", "VN-2", "in_force")],
        "VN-4": [("replaces", "VN-404", None)],
    }


async def test_a_messages_story_is_its_own(filled: Ledger) -> None:
    certificate = await certificate_of(filled)
    message_no = await message_no_of(filled, certificate.message_id)
    async with filled.page() as page:
        await page.move_life(
            certificate.certificate_no, CertificateLife.CANCEL_PENDING, before=None, at=AT, who="clerk"
        )

    story = await filled.story_of_message(message_no)

    assert story.certificate is not None
    assert story.certificate.number == "VN-1"
    assert [event.what for event in story.events] == ["submission:accepted", "delivery:ready_to_send"]
    whole = await filled.story(certificate.certificate_no)
    assert [event.what for event in whole.events][-1] == "life:cancel_pending"
