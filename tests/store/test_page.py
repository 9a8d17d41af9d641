"""A page of the ledger: all of it or nothing, under lock, with the effects on the certificate."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from gateway.domain.errors import NotAllowed
from gateway.domain.ids import CertificateNumber, ConversationId
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
from gateway.store.page import Page
from gateway.store.records import CertificateRow, CustomsEntry
from tests.store.making import (
    AT,
    FAULT,
    HOME,
    MINUTE,
    TH,
    WARNING,
    a_certificate,
    acknowledge,
    admit,
    admitted,
    an_arrival,
    certificate_of,
    claim_one,
    deliver,
    events_of,
    key,
    sealed,
)

_L = CertificateLife
_O = AcknowledgementOutcome


class Trouble(Exception):
    """What a caller may run into on a page."""


async def submitted(ledger: Ledger) -> CertificateRow:
    await ledger.submit(a_certificate())
    return await certificate_of(ledger)


async def write_answer(page: Page, certificate: CertificateRow | None, number: str = "VN-1") -> int:
    answer = an_arrival(
        number,
        type=MessageType.CUSTOMS_RESPONSE,
        ref_to_message_id=certificate.message_id if certificate else None,
    )
    message_no = await page.write_inbound(
        answer, certificate_no=certificate.certificate_no if certificate else None
    )
    assert message_no is not None
    return message_no


async def test_a_page_left_with_an_error_leaves_no_trace(ledger: Ledger, pool: asyncpg.Pool) -> None:
    certificate = await submitted(ledger)
    before = await events_of(ledger)

    async def spoil_a_page() -> None:
        async with ledger.page() as page:
            await page.write_outbound(sealed(), certificate_no=None, organisation=None, actor="a", at=AT)
            message_no = await write_answer(page, certificate)
            await page.put_in_inbox(message_no)
            await page.move_life(certificate.certificate_no, _L.CANCEL_PENDING, before=None, at=AT, who="a")
            raise Trouble

    with pytest.raises(Trouble):
        await spoil_a_page()

    assert await events_of(ledger) == before
    assert await pool.fetchval("SELECT count(*) FROM message") == 1
    assert (await ledger.inbox(after=None, limit=5))[0] == []


async def test_a_cancelled_page_leaves_no_trace(ledger: Ledger) -> None:
    written = asyncio.Event()

    async def write_and_wait() -> None:
        async with ledger.page() as page:
            await page.event("operator:note", at=AT, who="op")
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_wait())
    await written.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert await events_of(ledger) == []


async def test_two_pages_take_one_certificate_one_after_another(ledger: Ledger) -> None:
    await submitted(ledger)
    order: list[str] = []

    async def turn(name: str) -> None:
        async with ledger.page() as page:
            assert await page.lock_certificate(key()) is not None
            order.append(f"{name} in")
            await page.event("operator:note", at=AT, who=name)
            order.append(f"{name} out")

    await asyncio.gather(*(turn(name) for name in "abcd"))

    assert [step.split()[1] for step in order] == ["in", "out"] * 4


async def test_who_waited_for_a_lock_sees_what_the_other_wrote(ledger: Ledger) -> None:
    certificate = await submitted(ledger)
    locked, waiting = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with ledger.page() as page:
            await page.lock_certificate(key())
            locked.set()
            await waiting.wait()
            await asyncio.sleep(0.05)
            await page.move_life(certificate.certificate_no, _L.CANCEL_PENDING, before=None, at=AT, who="a")

    async def second() -> CertificateRow | None:
        await locked.wait()
        async with ledger.page() as page:
            waiting.set()
            return await page.lock_certificate(key())

    _, seen = await asyncio.gather(first(), second())

    assert seen is not None
    assert seen.life is _L.CANCEL_PENDING


async def test_a_certificate_is_found_by_any_message_about_it(ledger: Ledger) -> None:
    certificate = await submitted(ledger)

    async with ledger.page() as page:
        by_message = await page.lock_certificate_by_message(Direction.OUT, TH, certificate.message_id)
        by_other = await page.lock_certificate_by_message(Direction.IN, TH, certificate.message_id)
        unknown = await page.lock_certificate(key("VN-404"))

    assert by_message == certificate
    assert (by_other, unknown) == (None, None)


async def test_an_inbound_message_is_written_once(ledger: Ledger) -> None:
    answer = an_arrival("VN-1", type=MessageType.PING, findings=(WARNING,))

    async with ledger.page() as page:
        first = await page.write_inbound(answer, certificate_no=None)
    async with ledger.page() as page:
        again = await page.write_inbound(answer, certificate_no=None)

    assert first is not None
    assert again is None
    row = await ledger.message(first)
    assert (row.valid, row.findings, row.type, row.delivery) == (True, (WARNING,), MessageType.PING, None)
    assert await ledger.document(first, "issued_receipt") == answer.receipt


async def test_an_outbound_message_is_owed_to_its_receiver(ledger: Ledger) -> None:
    certificate = await submitted(ledger)
    cancellation = sealed(b"<cancel/>", type=MessageType.CANCELLATION, certificate_number="VN-1")

    async with ledger.page() as page:
        message_no = await page.write_outbound(
            cancellation,
            certificate_no=certificate.certificate_no,
            organisation="MOIT-HN",
            actor="clerk",
            at=AT,
            content=b'{"reason": "typing error"}',
        )

    row = await ledger.message(message_no)
    assert (row.certificate_no, row.organisation, row.delivery) == (
        certificate.certificate_no,
        "MOIT-HN",
        "ready_to_send",
    )
    assert await ledger.document(message_no) == b"<cancel/>"
    assert await ledger.document(message_no, "submitted") == b'{"reason": "typing error"}'


# ---- life --------------------------------------------------------------------------------------------------


async def test_a_life_moves_with_its_event_and_what_it_was_before(ledger: Ledger) -> None:
    certificate = await submitted(ledger)

    async with ledger.page() as page:
        await page.move_life(
            certificate.certificate_no, _L.CANCEL_PENDING, before=_L.IN_FORCE, at=AT + MINUTE, who="clerk"
        )

    moved = await certificate_of(ledger)
    assert (moved.life, moved.life_before) == (_L.CANCEL_PENDING, _L.IN_FORCE)
    event = (await ledger.story(certificate.certificate_no)).events[-1]
    assert (event.what, event.at, event.who) == ("life:cancel_pending", AT + MINUTE, "clerk")
    assert (event.certificate_number, event.message_id) == ("VN-1", None)
    assert event.detail == {"from": "in_force"}


async def test_a_life_that_ended_moves_no_more(ledger: Ledger) -> None:
    certificate = await submitted(ledger)
    async with ledger.page() as page:
        await page.move_life(certificate.certificate_no, _L.REPLACED, before=None, at=AT, who="clerk")

    with pytest.raises(NotAllowed, match="replaced -> in_force"):
        async with ledger.page() as page:
            await page.move_life(certificate.certificate_no, _L.IN_FORCE, before=None, at=AT, who="clerk")

    assert (await certificate_of(ledger)).life is _L.REPLACED


# ---- acknowledgements --------------------------------------------------------------------------------------


async def test_an_acknowledgement_is_kept_and_the_certificate_follows(ledger: Ledger) -> None:
    certificate = await submitted(ledger)

    async with ledger.page() as page:
        carried_by = await write_answer(page, certificate)
        await page.acknowledge(
            certificate.message_no,
            certificate_no=certificate.certificate_no,
            outcome=_O.REJECTED,
            by=AcknowledgedBy.GATEWAY,
            findings=(FAULT, WARNING),
            at=AT,
            carried_by=carried_by,
        )

    story = await ledger.story(certificate.certificate_no)
    assert story.certificate is not None
    assert story.certificate.acknowledgement is _O.REJECTED
    (kept,) = story.acknowledgements[certificate.message_no]
    assert (kept.findings, kept.carried_by) == ((FAULT, WARNING), carried_by)
    assert (await events_of(ledger))[-1] == "acknowledgement:rejected"


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        pytest.param(
            [(_O.ACCEPTED, "gateway"), (_O.REJECTED, "national-system")], _O.REJECTED, id="national-replaces"
        ),
        pytest.param(
            [(_O.REJECTED, "national-system"), (_O.ACCEPTED, "gateway")], _O.REJECTED, id="never-back"
        ),
        pytest.param(
            [(_O.REJECTED, "national-system"), (_O.ACCEPTED, "national-system")],
            _O.ACCEPTED,
            id="national-later",
        ),
        pytest.param(
            [(_O.ACCEPTED, "gateway"), (_O.ACCEPTED_WITH_WARNINGS, "gateway")],
            _O.ACCEPTED_WITH_WARNINGS,
            id="gateway-later",
        ),
    ],
)
async def test_the_national_systems_word_is_the_acknowledgement(
    ledger: Ledger, given: list[tuple[AcknowledgementOutcome, str]], counts: AcknowledgementOutcome
) -> None:
    certificate = await submitted(ledger)

    for outcome, by in given:
        await acknowledge(ledger, certificate, outcome, AcknowledgedBy(by))

    assert (await certificate_of(ledger)).acknowledgement is counts
    story = await ledger.story(certificate.certificate_no)
    assert [row.outcome for row in story.acknowledgements[certificate.message_no]] == [
        outcome for outcome, _ in given
    ]


async def test_an_acknowledgement_of_a_former_message_moves_nothing(ledger: Ledger) -> None:
    await deliver(ledger, content=b"one")
    former = await certificate_of(ledger)
    await acknowledge(ledger, former, _O.REJECTED)
    await ledger.submit(a_certificate("VN-1", b"two"))

    await acknowledge(ledger, former, _O.ACCEPTED, AcknowledgedBy.NATIONAL_SYSTEM)

    assert (await certificate_of(ledger)).acknowledgement is None


async def test_an_acknowledgement_of_another_message_is_not_the_certificates(ledger: Ledger) -> None:
    certificate = await submitted(ledger)

    async with ledger.page() as page:
        cancellation = sealed(type=MessageType.CANCELLATION)
        message_no = await page.write_outbound(
            cancellation,
            certificate_no=certificate.certificate_no,
            organisation=None,
            actor="clerk",
            at=AT,
        )
        await page.acknowledge(
            message_no,
            certificate_no=certificate.certificate_no,
            outcome=_O.REJECTED,
            by=AcknowledgedBy.GATEWAY,
            findings=(),
            at=AT,
            carried_by=None,
        )

    assert (await certificate_of(ledger)).acknowledgement is None
    story = await ledger.story(certificate.certificate_no)
    assert story.acknowledgements[message_no][0].outcome is _O.REJECTED


# ---- customs responses -------------------------------------------------------------------------------------

IN_PART = CustomsEntry(
    item=1,
    outcome=CustomsOutcome.PARTIALLY_UTILISED,
    quantity=Decimal("12.50"),
    unit="KGM",
    declaration="A-1",
    date=date(2026, 12, 1),
)
DENIED = CustomsEntry(
    item=2, outcome=CustomsOutcome.PREFERENCE_DENIED, reason="origin", legal_basis="Rule 18"
)


async def test_customs_entries_are_kept_as_they_came(ledger: Ledger) -> None:
    certificate = await submitted(ledger)

    async with ledger.page() as page:
        message_no = await write_answer(page, certificate)
        await page.add_customs_entries(
            certificate.certificate_no,
            message_no,
            (IN_PART, DENIED),
            summary=CustomsOutcome.PARTIALLY_UTILISED,
            at=AT,
        )
        entries = await page.customs_entries(certificate.certificate_no)

    assert [row.entry for row in entries] == [IN_PART, DENIED]
    assert {row.message_no for row in entries} == {message_no}
    assert (await certificate_of(ledger)).customs_response is CustomsOutcome.PARTIALLY_UTILISED
    assert (await ledger.story(certificate.certificate_no)).customs == entries
    assert (await ledger.story_of_message(message_no)).customs == entries


async def test_each_outcome_of_a_customs_response_is_an_event(ledger: Ledger) -> None:
    certificate = await submitted(ledger)
    again = CustomsEntry(item=3, outcome=CustomsOutcome.PARTIALLY_UTILISED)

    async with ledger.page() as page:
        message_no = await write_answer(page, certificate)
        await page.add_customs_entries(
            certificate.certificate_no,
            message_no,
            (IN_PART, DENIED, again),
            summary=CustomsOutcome.PARTIALLY_UTILISED,
            at=AT,
        )

    events = (await ledger.story(certificate.certificate_no)).events[-2:]
    assert [event.what for event in events] == [
        "customs-response:partially_utilised",
        "customs-response:preference_denied",
    ]
    assert events[0].detail == {"items": [1, 3], "summary": "partially_utilised"}


# ---- parked ------------------------------------------------------------------------------------------------


def a_cancellation(conversation: str = "c@th") -> dict[str, Any]:
    return {"type": MessageType.CANCELLATION, "conversation_id": ConversationId(conversation)}


async def park(ledger: Ledger, conversation: str = "c@th", *, patience_s: float = 3600) -> int:
    async with ledger.page() as page:
        message_no = await page.write_inbound(
            an_arrival("TH-1", b"<cancel/>", **a_cancellation(conversation)), certificate_no=None
        )
        assert message_no is not None
        await page.park(message_no, patience_s=patience_s)
        await page.put_in_inbox(message_no)
    return message_no


async def test_what_came_too_early_is_parked_and_matched(ledger: Ledger) -> None:
    message_no = await park(ledger)
    assert (await ledger.message(message_no)).parked
    taken = await admitted(ledger, an_arrival("TH-1", conversation_id="c@th"))

    async with ledger.page() as page:
        ((message, body, canonical),) = await page.parked(TH, ConversationId("c@th"))
        await page.unpark(message_no, certificate_no=taken.certificate_no)

    assert (message.message_no, body, message.parked) == (message_no, b"<cancel/>", True)
    assert canonical is None
    matched = await ledger.message(message_no)
    assert (matched.parked, matched.certificate_no) == (False, taken.certificate_no)
    assert len((await ledger.story(taken.certificate_no)).messages) == 2


async def test_only_the_conversations_own_are_matched(ledger: Ledger) -> None:
    await park(ledger, "c@th")

    async with ledger.page() as page:
        assert await page.parked(TH, ConversationId("other@th")) == ()
        assert await page.parked(HOME, ConversationId("c@th")) == ()


async def test_parked_messages_come_oldest_first(ledger: Ledger) -> None:
    numbers = [await park(ledger) for _ in range(3)]

    async with ledger.page() as page:
        found = await page.parked(TH, ConversationId("c@th"))

    assert [message.message_no for message, _, _ in found] == numbers


async def test_patience_with_the_parked_ends(ledger: Ledger) -> None:
    await park(ledger, "a@th")
    overdue = await park(ledger, "b@th", patience_s=0)

    assert await ledger.overdue_parked() == [overdue]

    async with ledger.page() as page:
        await page.unpark(overdue, certificate_no=None)
    assert await ledger.overdue_parked() == []
    assert (await ledger.message(overdue)).certificate_no is None


async def test_what_was_parked_just_as_its_certificate_came_is_found(ledger: Ledger) -> None:
    await admit(ledger, an_arrival("TH-1", conversation_id="c@th"))

    message_no = await park(ledger)

    assert await ledger.overdue_parked() == [message_no]


# ---- events ------------------------------------------------------------------------------------------------


async def test_an_event_says_what_it_is_about(ledger: Ledger) -> None:
    certificate = await submitted(ledger)

    async with ledger.page() as page:
        await page.event(
            "operator:note", at=AT, message_no=certificate.message_no, who="op", detail={"text": "ring them"}
        )
        await page.event("operator:note", at=AT, certificate_no=certificate.certificate_no, who="op")
        await page.event("operator:note", at=AT, party=TH, who="op")

    about_message, about_certificate, about_party = (await ledger.events(after=None, limit=50))[0][-3:]
    assert (about_message.message_id, about_message.party) == (certificate.message_id, TH)
    assert about_message.detail == {"text": "ring them"}
    assert (about_certificate.message_id, about_certificate.certificate_number) == (
        None,
        CertificateNumber("VN-1"),
    )
    assert (about_party.party, about_party.certificate_number) == (TH, None)


async def test_an_answer_belongs_to_the_organisation_of_its_certificate(ledger: Ledger) -> None:
    certificate = await submitted(ledger)

    async with ledger.page() as page:
        message_no = await write_answer(page, certificate)

    assert (await ledger.message(message_no)).organisation == "MOIT-HN"
    assert (await claim_one(ledger)).message_no == certificate.message_no


async def test_what_is_sent_again_on_a_page_is_part_of_it(ledger: Ledger) -> None:
    sent = await deliver(ledger)
    (message,) = await ledger.find_messages(sent.message_id)

    async def spoil_a_page() -> None:
        async with ledger.page() as page:
            await page.resend(message, who="TH.CUSTOMS", reason="lost", at=AT)
            raise Trouble

    with pytest.raises(Trouble):
        await spoil_a_page()
    assert (await ledger.message(message.message_no)).delivery is DeliveryStatus.DELIVERED
    async with ledger.page() as page:
        await page.resend(message, who="TH.CUSTOMS", reason="lost", at=AT)
        await page.resend(message, who="TH.CUSTOMS", reason="lost", at=AT)  # on its way: nothing more
        owed = page.owed_to

    assert owed == {TH}
    assert (await claim_one(ledger)).message_no == message.message_no
    assert (await events_of(ledger)).count("operator:resend") == 1
