"""Submitting a certificate: once, whatever comes again and however many come at a time."""

from __future__ import annotations

import asyncio

import pytest

from gateway.domain.errors import NumberTaken, UnknownCursor
from gateway.domain.ids import FormId
from gateway.domain.status import (
    AcknowledgementOutcome,
    CertificateLife,
    DeliveryStatus,
)
from gateway.store.ledger import Ledger
from gateway.store.records import SubmittedCertificate
from tests.store.making import (
    AT,
    FAULT,
    MINUTE,
    RCEP,
    TH,
    WARNING,
    a_certificate,
    acknowledge,
    certificate_of,
    claim_due,
    claim_one,
    deliver,
    delivered,
    events_of,
    failed,
    key,
    message_no_of,
    sha256,
    submit_and_claim,
)

_S = DeliveryStatus


async def reject(ledger: Ledger) -> None:
    await acknowledge(ledger, await certificate_of(ledger), AcknowledgementOutcome.REJECTED)


async def test_a_first_submission_is_kept_whole(ledger: Ledger) -> None:
    new = a_certificate("VN-1", b"<as submitted/>")

    submitted = await ledger.submit(new)

    assert submitted.first
    certificate = await certificate_of(ledger)
    assert (certificate.message_id, certificate.life) == (submitted.message_id, CertificateLife.IN_FORCE)
    assert (certificate.exporter, certificate.issue_date) == (new.facts.exporter, new.facts.issue_date)
    assert (certificate.delivery, certificate.submitted_at) == (DeliveryStatus.READY_TO_SEND, AT)
    assert await ledger.document(certificate.message_no) == new.sealed.body
    assert await ledger.document(certificate.message_no, "submitted") == b"<as submitted/>"
    assert (await ledger.message(certificate.message_no)).findings == (WARNING,)
    assert await events_of(ledger) == ["submission:accepted", "delivery:ready_to_send"]


async def test_the_same_content_again_gets_the_first_answer(ledger: Ledger) -> None:
    first = await ledger.submit(a_certificate())

    again = await ledger.submit(a_certificate())

    assert (again.first, again.message_id) == (False, first.message_id)
    assert (again.form, again.receiver) == (first.form, first.receiver)
    assert await ledger.find_submitted(key(), sha256(b"<certificate/>")) == again
    assert len(await claim_due(ledger, TH, lease_s=60, limit=10)) == 1


async def test_a_new_number_is_known_to_nobody(ledger: Ledger) -> None:
    assert await ledger.find_submitted(key("VN-9"), sha256(b"x")) is None


async def test_of_twenty_first_submissions_at_once_one_is_first(ledger: Ledger) -> None:
    answers = await asyncio.gather(*(ledger.submit(a_certificate()) for _ in range(20)))

    assert sum(answer.first for answer in answers) == 1
    assert len({answer.message_id for answer in answers}) == 1
    assert len(await claim_due(ledger, TH, lease_s=60, limit=50)) == 1


async def test_of_contents_that_race_for_a_number_one_wins(ledger: Ledger) -> None:
    news = [a_certificate("VN-1", b"content %d" % n) for n in range(10)]

    answers = await asyncio.gather(*(ledger.submit(new) for new in news), return_exceptions=True)

    assert sum(isinstance(answer, NumberTaken) for answer in answers) == 9
    assert len(await claim_due(ledger, TH, lease_s=60, limit=50)) == 1


async def test_a_number_with_other_content_is_taken(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN-1", b"one"))

    with pytest.raises(NumberTaken, match="VN-1"):
        await ledger.submit(a_certificate("VN-1", b"two"))
    with pytest.raises(NumberTaken):
        await ledger.find_submitted(key(), sha256(b"two"))

    assert await events_of(ledger) == ["submission:accepted", "delivery:ready_to_send"]


async def test_another_version_of_the_form_is_the_same_certificate(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN-1", b"one"))

    with pytest.raises(NumberTaken):
        await ledger.submit(a_certificate("VN-1", b"two", form=FormId("atiga/form-d/2.0")))


async def test_another_form_or_country_is_another_certificate(ledger: Ledger) -> None:
    news = [
        a_certificate("VN-1", b"one"),
        a_certificate("VN-1", b"two", form=RCEP),
        a_certificate("VN-1", b"three", issuing_country="LA"),
    ]

    answers = [await ledger.submit(new) for new in news]

    assert all(answer.first for answer in answers)


async def test_a_rejected_number_may_come_again_with_other_content(ledger: Ledger) -> None:
    first = await deliver(ledger, content=b"one")
    await reject(ledger)

    second = await ledger.submit(a_certificate("VN-1", b"two", exporter="Another", at=AT + MINUTE))

    assert second.first
    certificate = await certificate_of(ledger)
    assert (certificate.message_id, certificate.acknowledgement) == (second.message_id, None)
    assert (certificate.exporter, certificate.submitted_at) == ("Another", AT + MINUTE)
    story = await ledger.story(certificate.certificate_no)
    assert [message.message_id for message in story.messages] == [first.message_id, second.message_id]


async def test_rejected_content_again_still_gets_the_first_answer(ledger: Ledger) -> None:
    first = await deliver(ledger, content=b"one")
    await reject(ledger)
    second = await ledger.submit(a_certificate("VN-1", b"two"))

    answers = [await ledger.submit(a_certificate("VN-1", content)) for content in (b"one", b"two")]

    assert [answer.message_id for answer in answers] == [first.message_id, second.message_id]
    assert not any(answer.first for answer in answers)


async def test_after_a_rejection_one_of_several_contents_wins(ledger: Ledger) -> None:
    await deliver(ledger, content=b"one")
    await reject(ledger)
    news = [a_certificate("VN-1", b"new %d" % n) for n in range(8)]

    answers = await asyncio.gather(*(ledger.submit(new) for new in news), return_exceptions=True)

    assert sum(isinstance(answer, NumberTaken) for answer in answers) == 7
    assert len(await claim_due(ledger, TH, lease_s=60, limit=50)) == 1


async def test_a_withdrawn_number_may_come_again_with_other_content(ledger: Ledger) -> None:
    first = await ledger.submit(a_certificate("VN-1", b"one"))
    message_no = await message_no_of(ledger, first.message_id)
    await ledger.operate("withdraw", message_no, who="op", reason=None, at=AT)

    second = await ledger.submit(a_certificate("VN-1", b"two"))

    assert second.first
    assert (await ledger.submit(a_certificate("VN-1", b"one"))).message_id == first.message_id


async def test_a_number_refused_on_the_wire_may_come_again_with_other_content(ledger: Ledger) -> None:
    claim = await submit_and_claim(ledger, content=b"one")
    await ledger.settle([failed(claim, _S.REFUSED)])

    second = await ledger.submit(a_certificate("VN-1", b"two"))

    assert second.first


async def test_of_many_at_once_each_hears_of_its_own(ledger: Ledger) -> None:
    taken = await ledger.submit(a_certificate("VN-0", b"0"))
    news = [a_certificate(f"VN-{n % 20}", b"%d" % n) for n in range(40)]

    answers = await asyncio.gather(*(ledger.submit(new) for new in news), return_exceptions=True)

    written = [answer for answer in answers if isinstance(answer, SubmittedCertificate)]
    assert isinstance(answers[0], SubmittedCertificate)
    assert answers[0].message_id == taken.message_id
    assert sorted(one.certificate_number for one in written) == sorted(f"VN-{n}" for n in range(20))
    assert sum(isinstance(answer, NumberTaken) for answer in answers) == 20
    assert len(await claim_due(ledger, TH, lease_s=60, limit=50)) == 20


@pytest.mark.parametrize(
    "status", [_S.AWAITING_RETRY, _S.AWAITING_RECEIPT, _S.EXPIRED, _S.DELIVERED, _S.SENDING]
)
async def test_a_number_in_any_other_state_is_taken(ledger: Ledger, status: DeliveryStatus) -> None:
    claim = await submit_and_claim(ledger, content=b"one")
    if status is _S.DELIVERED:
        await ledger.settle([delivered(claim)])
    elif status is not _S.SENDING:
        await ledger.settle([failed(claim, status)])

    with pytest.raises(NumberTaken):
        await ledger.submit(a_certificate("VN-1", b"two"))


async def test_a_cancelled_certificate_never_comes_again(ledger: Ledger) -> None:
    await deliver(ledger, content=b"one")
    await reject(ledger)
    certificate = await certificate_of(ledger)
    async with ledger.page() as page:
        await page.move_life(
            certificate.certificate_no, CertificateLife.CANCELLED, before=None, at=AT, who="clerk"
        )

    with pytest.raises(NumberTaken):
        await ledger.submit(a_certificate("VN-1", b"two"))


async def test_a_rejected_number_stays_with_its_organisation(ledger: Ledger) -> None:
    await deliver(ledger, content=b"one", organisation="MOIT-HN")
    await reject(ledger)

    with pytest.raises(NumberTaken):
        await ledger.submit(a_certificate("VN-1", b"two", organisation="VCCI"))


async def test_a_message_that_comes_again_waits_behind_its_conversation(ledger: Ledger) -> None:
    await deliver(ledger, content=b"one", conversation_id="c@x")
    await reject(ledger)

    await ledger.submit(a_certificate("VN-1", b"two", conversation_id="c@x"))

    assert (await claim_one(ledger)).body == b"<sealed>two</sealed>"


async def test_a_refused_submission_is_kept_with_bytes_and_findings(ledger: Ledger) -> None:
    submission_id = await ledger.refuse_submission(
        content=b"\x00\xff not even XML",
        content_type="application/xml",
        findings=(FAULT, WARNING),
        form=None,
        certificate_number="VN-7",
        organisation="MOIT-HN",
        actor="clerk",
        at=AT,
    )

    found = await ledger.refused_submission(submission_id)
    assert found is not None
    row, content = found
    assert (content, row.findings, row.certificate_number) == (
        b"\x00\xff not even XML",
        (FAULT, WARNING),
        "VN-7",
    )
    (event,), _ = await ledger.events(after=None, limit=10)
    assert (event.what, event.certificate_number, event.who) == ("submission:refused", "VN-7", "clerk")
    assert event.detail is not None
    assert event.detail["submission_id"] == str(submission_id)


async def refuse(ledger: Ledger, organisation: str) -> str:
    return str(
        await ledger.refuse_submission(
            content=b"x",
            content_type="application/json",
            findings=(FAULT,),
            form=None,
            certificate_number=None,
            organisation=organisation,
            actor="clerk",
            at=AT,
        )
    )


async def test_refused_submissions_are_paged_newest_first(ledger: Ledger) -> None:
    ids = [await refuse(ledger, organisation) for organisation in ("A", "B", "A", "A")]

    page, following = await ledger.refused_submissions(after=None, limit=2)
    rest, last = await ledger.refused_submissions(after=following, limit=2)

    assert [str(row.submission_id) for row in page + rest] == ids[::-1]
    assert last is None
    own, _ = await ledger.refused_submissions(after=None, limit=50, organisation="A")
    assert [str(row.submission_id) for row in own] == [ids[3], ids[2], ids[0]]


@pytest.mark.parametrize("cursor", ["0", "7", "x", "-1", "", "99999999999999999999", "１"])
async def test_refused_submissions_know_their_cursors(ledger: Ledger, cursor: str) -> None:
    with pytest.raises(UnknownCursor):
        await ledger.refused_submissions(after=cursor, limit=2)
