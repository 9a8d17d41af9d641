"""Taking a certificate from abroad: kept whole, judged once, and never twice."""

from __future__ import annotations

import asyncio

import asyncpg

from gateway.domain.ids import MessageId
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    Direction,
    MessageType,
)
from gateway.store.ledger import Ledger
from gateway.store.records import Admitted, IdReused, NumberHeld, Repeated
from tests.store.making import (
    AT,
    FAULT,
    TH,
    WARNING,
    acknowledge,
    admit,
    admitted,
    an_answer_to,
    an_arrival,
    certificate_of,
    claim_due,
    claim_one,
    events_of,
    facts,
    sha256,
)

_IN = Direction.IN


async def inbox_of(ledger: Ledger) -> list[str]:
    rows, _ = await ledger.inbox(after=None, limit=50)
    return [row.message.message_id for row in rows]


async def test_a_good_certificate_is_kept_whole(ledger: Ledger) -> None:
    inbound = an_arrival("TH-1", b"<as it came/>")

    taken = await admitted(ledger, inbound)

    certificate = await certificate_of(ledger, "TH-1", _IN)
    assert (certificate.certificate_no, certificate.message_no) == (taken.certificate_no, taken.message_no)
    assert (certificate.party, certificate.life) == (TH, CertificateLife.IN_FORCE)
    assert (certificate.delivery, certificate.organisation) == (None, None)
    assert await ledger.document(taken.message_no) == b"<as it came/>"
    assert await ledger.document(taken.message_no, "issued_receipt") == inbound.receipt
    assert await inbox_of(ledger) == [inbound.sealed.header.message_id]
    assert await events_of(ledger) == ["acknowledgement:accepted"]


async def test_our_acknowledgement_is_kept_and_owed(ledger: Ledger) -> None:
    inbound = an_arrival()

    taken = await admitted(ledger, inbound, answered=True)

    claim = await claim_one(ledger)
    assert (claim.type, claim.body) == (MessageType.ACKNOWLEDGEMENT, b"<acknowledgement/>")
    assert claim.conversation_id == inbound.sealed.header.conversation_id
    answer = await ledger.message(claim.message_no)
    assert answer.ref_to_message_id == inbound.sealed.header.message_id
    assert answer.certificate_no == taken.certificate_no
    story = await ledger.story(taken.certificate_no)
    (verdict,) = story.acknowledgements[taken.message_no]
    assert (verdict.outcome, verdict.by) == (AcknowledgementOutcome.ACCEPTED, AcknowledgedBy.GATEWAY)
    assert verdict.carried_by == claim.message_no


async def test_without_a_message_the_verdict_is_kept_all_the_same(ledger: Ledger) -> None:
    taken = await admitted(ledger, an_arrival(findings=(WARNING,)))

    story = await ledger.story(taken.certificate_no)

    (verdict,) = story.acknowledgements[taken.message_no]
    assert verdict.outcome is AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS
    assert (verdict.findings, verdict.carried_by) == ((WARNING,), None)
    assert story.messages[0].findings == (WARNING,)
    assert story.certificate is not None
    assert story.certificate.acknowledgement is AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS
    assert await claim_due(ledger, TH, lease_s=60, limit=10) == []


async def test_a_repeat_gets_the_first_receipt_and_changes_nothing(ledger: Ledger) -> None:
    inbound = an_arrival()
    await admit(ledger, inbound, answered=True)
    before = await events_of(ledger)

    again = await admit(ledger, inbound, answered=True)

    assert isinstance(again, Repeated)
    assert again.receipt.body == inbound.receipt
    assert again.receipt.signer_until == inbound.receipt_signer_until
    assert await events_of(ledger) == before
    assert len(await inbox_of(ledger)) == 1


async def test_an_id_with_other_bytes_is_told(ledger: Ledger) -> None:
    inbound = an_arrival()
    await admit(ledger, inbound)

    other = an_arrival("TH-2", b"<other/>", message_id=inbound.sealed.header.message_id)

    assert await admit(ledger, other) == IdReused()
    assert await ledger.certificates(number="TH-2") == ([], None)


async def test_another_party_may_use_the_same_id(ledger: Ledger) -> None:
    inbound = an_arrival("TH-1")
    await admit(ledger, inbound)

    other = an_arrival("MY-1", sender="MY.CUSTOMS", message_id=inbound.sealed.header.message_id)

    assert isinstance(await admit(ledger, other), Admitted)
    assert len(await ledger.find_messages(inbound.sealed.header.message_id)) == 2
    (one,) = await ledger.find_messages(inbound.sealed.header.message_id, "MY.CUSTOMS")
    assert one.certificate_number == "MY-1"


async def test_of_twenty_at_once_one_is_taken(ledger: Ledger) -> None:
    inbound = an_arrival()

    admissions = await asyncio.gather(*(admit(ledger, inbound, answered=True) for _ in range(20)))

    assert sum(isinstance(admission, Admitted) for admission in admissions) == 1
    assert sum(isinstance(admission, Repeated) for admission in admissions) == 19
    assert len(await claim_due(ledger, TH, lease_s=60, limit=50)) == 1
    assert len(await inbox_of(ledger)) == 1


async def test_of_one_id_with_different_bytes_at_once_one_is_taken(ledger: Ledger) -> None:
    message_id = MessageId("same@th.example")
    inbounds = [an_arrival(f"TH-{n}", b"<%d/>" % n, message_id=message_id) for n in range(10)]

    admissions = await asyncio.gather(*(admit(ledger, inbound) for inbound in inbounds))

    assert sum(isinstance(admission, Admitted) for admission in admissions) == 1
    assert sum(admission == IdReused() for admission in admissions) == 9
    rows, _ = await ledger.certificates()
    assert len(rows) == 1


async def test_a_number_with_other_content_writes_nothing(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await admit(ledger, an_arrival("TH-1"), content=b"one")
    before = await pool.fetchval("SELECT count(*) FROM message")

    admission = await admit(ledger, an_arrival("TH-1", b"<two/>"), content=b"two", answered=True)

    assert admission == NumberHeld()
    assert await pool.fetchval("SELECT count(*) FROM message") == before
    assert await pool.fetchval("SELECT count(*) FROM document") == before


async def test_what_is_rejected_for_its_number_goes_through_a_page(ledger: Ledger) -> None:
    await admit(ledger, an_arrival("TH-1"), content=b"one")
    inbound = an_arrival("TH-1", b"<two/>", findings=(FAULT,))
    assert await admit(ledger, inbound, content=b"two") == NumberHeld()

    async with ledger.page() as page:
        message_no = await page.write_inbound(inbound, certificate_no=None)
        assert message_no is not None
        carried_by = await page.write_outbound(
            an_answer_to(inbound), certificate_no=None, organisation=None, actor="gateway", at=AT
        )
        await page.acknowledge(
            message_no,
            certificate_no=None,
            outcome=AcknowledgementOutcome.REJECTED,
            by=AcknowledgedBy.GATEWAY,
            findings=(FAULT,),
            at=AT,
            carried_by=carried_by,
        )
        await page.put_in_inbox(message_no)

    story = await ledger.story_of_message(message_no)
    assert story.certificate is None
    assert (story.messages[0].valid, story.messages[0].findings) == (False, (FAULT,))
    assert story.acknowledgements[message_no][0].outcome is AcknowledgementOutcome.REJECTED
    assert (await certificate_of(ledger, "TH-1", _IN)).acknowledgement is AcknowledgementOutcome.ACCEPTED
    assert isinstance(await admit(ledger, inbound), Repeated)


async def test_after_a_rejected_message_the_number_counts_as_new(ledger: Ledger) -> None:
    rejected = an_arrival("TH-1", b"<faulty/>", findings=(FAULT,))
    async with ledger.page() as page:
        await page.write_inbound(rejected, certificate_no=None)

    admission = await admit(ledger, an_arrival("TH-1", b"<mended/>"), content=b"mended")

    assert isinstance(admission, Admitted)


async def test_the_same_content_under_another_id_moves_the_certificate_on(ledger: Ledger) -> None:
    first = await admitted(ledger, an_arrival("TH-1", b"<one/>"), content=b"same")

    second = await admitted(ledger, an_arrival("TH-1", b"<two/>"), content=b"same")

    assert second.certificate_no == first.certificate_no
    certificate = await certificate_of(ledger, "TH-1", _IN)
    assert certificate.message_no == second.message_no
    assert len(await inbox_of(ledger)) == 2


async def test_what_the_national_system_rejected_may_come_again(ledger: Ledger) -> None:
    await admit(ledger, an_arrival("TH-1"), content=b"one")
    certificate = await certificate_of(ledger, "TH-1", _IN)
    await acknowledge(ledger, certificate, AcknowledgementOutcome.REJECTED, AcknowledgedBy.NATIONAL_SYSTEM)

    second = await admitted(ledger, an_arrival("TH-1", b"<two/>"), content=b"two")

    certificate = await certificate_of(ledger, "TH-1", _IN)
    assert certificate.message_no == second.message_no
    assert certificate.acknowledgement is AcknowledgementOutcome.ACCEPTED


async def test_a_certificate_issued_at_home_does_not_hold_the_number(ledger: Ledger) -> None:
    inbound = an_arrival("VN-1")
    about = facts("VN-1")
    taken = await ledger.admit_certificate(inbound, about, None, content_digest=sha256(b"x"))

    assert isinstance(taken, Admitted)
    assert await ledger.issued_receipt(TH, inbound.sealed.header.message_id) is not None
    assert await ledger.issued_receipt(TH, MessageId("other@th.example")) is None


async def test_what_was_refused_on_the_wire_is_kept(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await ledger.refuse_inbound(
        party=TH, message_id=None, body=b"\x00 garbage", answer=b"<Exception/>", findings=(FAULT,), at=AT
    )

    (row,) = await pool.fetch("SELECT party, message_id, body, answer, findings FROM refused_message")
    assert (row["party"], row["message_id"], row["body"], row["answer"]) == (
        TH,
        None,
        b"\x00 garbage",
        b"<Exception/>",
    )
    assert row["findings"][0]["code"] == "C02"
