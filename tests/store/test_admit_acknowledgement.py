"""An everyday acknowledgement of a certificate takes one statement; whatever is more takes a page."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from gateway.domain.ids import MessageId
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome, MessageType
from gateway.store.ledger import Ledger
from gateway.store.records import NewInbound
from tests.store.making import (
    FAULT,
    WARNING,
    a_certificate,
    admitted,
    an_arrival,
    certificate_of,
    claim_due,
    deliver,
    delivered,
    events_of,
    owe,
)
from tests.store.making import TH as PARTY

_ACCEPTED = AcknowledgementOutcome.ACCEPTED
_GATEWAY, _NATIONAL = AcknowledgedBy.GATEWAY, AcknowledgedBy.NATIONAL_SYSTEM


def an_acknowledgement(about: MessageId, body: bytes = b"<acknowledgement/>", **header: Any) -> NewInbound:
    return an_arrival(
        "VN-1", body, **{"type": MessageType.ACKNOWLEDGEMENT, "ref_to_message_id": about} | header
    )


async def take(
    ledger: Ledger,
    inbound: NewInbound,
    outcome: AcknowledgementOutcome = _ACCEPTED,
    by: AcknowledgedBy = _GATEWAY,
    **how: Any,
) -> bool:
    about = inbound.sealed.header.ref_to_message_id
    assert about is not None
    findings = how.pop("findings", ())
    return await ledger.admit_acknowledgement(inbound, about=about, outcome=outcome, by=by, findings=findings)


async def test_it_is_kept_whole_and_the_certificate_follows(ledger: Ledger) -> None:
    sent = await deliver(ledger)
    inbound = an_acknowledgement(sent.message_id, b"<as it came/>")

    assert await take(ledger, inbound, AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS, findings=(WARNING,))

    certificate = await certificate_of(ledger)
    rows, _ = await ledger.inbox(after=None, limit=50)
    (kept,) = rows
    message_no = kept.message.message_no
    assert certificate.acknowledgement is AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS
    assert kept.message.certificate_no == certificate.certificate_no
    assert kept.message.organisation == "MOIT-HN"
    assert await ledger.document(message_no) == b"<as it came/>"
    assert await ledger.document(message_no, "issued_receipt") == inbound.receipt
    assert (await events_of(ledger))[-1] == "acknowledgement:accepted_with_warnings"


async def test_it_leaves_what_a_page_leaves(ledger: Ledger) -> None:
    first, second = await deliver(ledger, "VN-1"), await deliver(ledger, "VN-2")
    one, other = an_acknowledgement(first.message_id), an_acknowledgement(second.message_id)
    certificate = await certificate_of(ledger, "VN-2")

    assert await take(ledger, one)
    async with ledger.page() as page:
        message_no = await page.write_inbound(other, certificate_no=certificate.certificate_no)
        assert message_no is not None
        await page.put_in_inbox(message_no)
        await page.acknowledge(
            certificate.message_no,
            certificate_no=certificate.certificate_no,
            outcome=_ACCEPTED,
            by=_GATEWAY,
            findings=(),
            at=other.at,
            carried_by=message_no,
        )

    events = [
        event for event in (await ledger.events(after=None, limit=50))[0] if "acknowledge" in event.what
    ]
    mine, theirs = ((event.what, event.party, set(event.detail or ())) for event in events)
    assert mine == theirs
    rows, _ = await ledger.inbox(after=None, limit=50)
    assert len({(row.message.type, row.message.valid, row.message.organisation) for row in rows}) == 1


async def test_the_national_system_has_the_last_word_however_they_come(ledger: Ledger) -> None:
    sent = await deliver(ledger)
    by_gateway = an_acknowledgement(sent.message_id)
    by_customs = an_acknowledgement(sent.message_id)

    taken = await asyncio.gather(
        take(ledger, by_customs, AcknowledgementOutcome.REJECTED, _NATIONAL, findings=(FAULT,)),
        take(ledger, by_gateway),
    )

    assert all(taken)
    assert (await certificate_of(ledger)).acknowledgement is AcknowledgementOutcome.REJECTED


async def test_many_at_once_each_find_their_certificate(ledger: Ledger) -> None:
    sent = [await deliver(ledger, f"VN-{n}") for n in range(12)]

    taken = await asyncio.gather(*(take(ledger, an_acknowledgement(one.message_id)) for one in sent))

    assert all(taken)
    for n in range(12):
        assert (await certificate_of(ledger, f"VN-{n}")).acknowledgement is _ACCEPTED


async def test_what_it_is_about_must_be_known(ledger: Ledger) -> None:
    await deliver(ledger)

    assert not await take(ledger, an_acknowledgement(MessageId("nobody@vn.example")))
    assert (await certificate_of(ledger)).acknowledgement is None


async def test_an_answer_of_ours_is_no_certificate(ledger: Ledger) -> None:
    message_no = await owe(ledger, "co-1")
    owed = await ledger.message(message_no)

    assert owed.type is not MessageType.CERTIFICATE
    assert not await take(ledger, an_acknowledgement(owed.message_id))


async def test_another_certificate_s_replacement_takes_a_page_unless_it_is_rejected(ledger: Ledger) -> None:
    sent = await deliver(ledger, replaces="VN-0")

    assert not await take(ledger, an_acknowledgement(sent.message_id))
    assert await take(ledger, an_acknowledgement(sent.message_id), AcknowledgementOutcome.REJECTED)


async def test_what_went_out_again_since_takes_a_page(ledger: Ledger) -> None:
    first = await deliver(ledger, content=b"one")
    assert await take(ledger, an_acknowledgement(first.message_id), AcknowledgementOutcome.REJECTED)
    await ledger.submit(a_certificate("VN-1", b"two"))

    assert not await take(ledger, an_acknowledgement(first.message_id))
    assert (await certificate_of(ledger)).acknowledgement is None


async def test_an_id_that_came_before_writes_nothing(ledger: Ledger) -> None:
    sent = await deliver(ledger)
    inbound = an_acknowledgement(sent.message_id)
    assert await take(ledger, inbound)
    before = await events_of(ledger)

    again = await asyncio.gather(take(ledger, inbound), take(ledger, inbound))

    assert not any(again)
    assert await events_of(ledger) == before


async def test_a_certificate_costs_each_ledger_few_statements(ledger: Ledger, pool: asyncpg.Pool) -> None:
    statements: list[str] = []
    async with pool.acquire() as connection:  # the one that is used, while one at a time is asked for
        connection.add_query_logger(lambda logged: statements.append(logged.query))

    async def send(number: str) -> None:
        sent = await ledger.submit(a_certificate(number))
        await ledger.settle(
            [delivered(claim) for claim in await claim_due(ledger, PARTY, lease_s=60, limit=9)]
        )
        assert await take(ledger, an_acknowledgement(sent.message_id))

    async def receive(number: str) -> None:
        await admitted(ledger, an_arrival(number), answered=True)

    await send("VN-1")
    await receive("TH-1")  # by now all is prepared
    statements.clear()
    await send("VN-2")
    as_sender = len(statements)
    await receive("TH-2")

    assert as_sender <= 8  # submit; lease, claim, settle in a transaction of its own; acknowledgement
    assert len(statements) - as_sender == 1
