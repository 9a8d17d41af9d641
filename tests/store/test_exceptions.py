"""What a person must act on: one exception a cause, opened once, closed by what cures it or by a person."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from gateway.domain.caller import Sight
from gateway.domain.errors import Finding, NotAllowed, NotFound, Severity
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    MessageType,
)
from gateway.store.exceptions import ExceptionRow
from gateway.store.ledger import Ledger
from gateway.store.records import CustomsEntry
from gateway.watch.watcher import Watcher
from tests.store.making import (
    AT,
    HOME,
    MINUTE,
    TH,
    a_certificate,
    admitted,
    an_arrival,
    certificate_of,
    claim_one,
    deliver,
    delivered,
    events_of,
    failed,
    sealed,
    submit_and_claim,
)

_O = AcknowledgementOutcome
DENIED = CustomsEntry(
    item=2, outcome=CustomsOutcome.PREFERENCE_DENIED, declaration="TH-9", reason="Wrong HS code"
)


class Clock:
    """Time that moves when the test says so."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> datetime:
        return self.now

    def tick(self) -> datetime:
        self.now += MINUTE
        return self.now


async def look(ledger: Ledger, clock: Clock | None = None) -> None:
    """One step of the watch."""
    await Watcher(ledger, clock or (lambda: AT), home=HOME).step()


async def open_ones(ledger: Ledger, **wanted: Any) -> list[ExceptionRow]:
    rows, _ = await ledger.exceptions(is_open=True, **wanted)
    return rows


async def the_one(ledger: Ledger, **wanted: Any) -> ExceptionRow:
    (row,) = (await ledger.exceptions(**wanted))[0]
    return row


async def alerts(ledger: Ledger) -> list[str]:
    return [what for what in await events_of(ledger) if what.startswith("exception:")]


async def expire(ledger: Ledger, *numbers: str, cause: str = "T04: patience used up", **how: Any) -> None:
    """Deliveries whose patience was used up."""
    for number in numbers:
        claim = await submit_and_claim(ledger, number, **how)
        end = replace(failed(claim, DeliveryStatus.EXPIRED, due_in_s=0), cause=cause)
        assert await ledger.settle([end]) == [True]


async def reject(
    ledger: Ledger, number: str, *codes: str, by: AcknowledgedBy = AcknowledgedBy.GATEWAY
) -> None:
    """Their acknowledgement refuses the certificate."""
    findings = tuple(Finding(code=code, text=f"about {code}") for code in codes)
    await say(ledger, number, _O.REJECTED, findings, by)


async def say(
    ledger: Ledger,
    number: str,
    outcome: AcknowledgementOutcome,
    findings: Sequence[Finding] = (),
    by: AcknowledgedBy = AcknowledgedBy.GATEWAY,
) -> None:
    certificate = await certificate_of(ledger, number)
    async with ledger.page() as page:
        await page.acknowledge(
            certificate.message_no,
            certificate_no=certificate.certificate_no,
            outcome=outcome,
            by=by,
            findings=findings,
            at=AT,
            carried_by=None,
        )


async def respond(
    ledger: Ledger, number: str, *entries: CustomsEntry, findings: tuple[Finding, ...] = ()
) -> None:
    """Customs abroad say what became of items of our certificate."""
    certificate = await certificate_of(ledger, number)
    came = an_arrival(number, type=MessageType.CUSTOMS_RESPONSE, findings=findings)
    async with ledger.page() as page:
        message_no = await page.write_inbound(came, certificate_no=certificate.certificate_no)
        assert message_no is not None
        await page.add_customs_entries(
            certificate.certificate_no, message_no, entries, summary=entries[-1].outcome, at=AT
        )
        outcome = _O.ACCEPTED_WITH_WARNINGS if findings else _O.ACCEPTED
        await page.acknowledge(
            message_no,
            certificate_no=certificate.certificate_no,
            outcome=outcome,
            by=AcknowledgedBy.GATEWAY,
            findings=findings,
            at=AT,
            carried_by=None,
        )


# ---- opened once, closed by what cures it ------------------------------------------------------------------


async def test_a_quiet_ledger_has_no_exceptions(ledger: Ledger) -> None:
    await deliver(ledger)
    await say(ledger, "VN-1", _O.ACCEPTED)

    await look(ledger)

    assert await open_ones(ledger) == []
    assert await alerts(ledger) == []


async def test_many_messages_that_suffer_from_one_cause_are_one_exception_told_of_once(
    ledger: Ledger,
) -> None:
    await expire(ledger, "VN-1", "VN-2", "VN-3")

    for _ in range(3):
        await look(ledger)

    (row,) = await open_ones(ledger)
    assert (row.code, row.party, row.owner, row.waiting, row.times) == ("T04", TH, "operator", 3, 1)
    assert row.cause == "T04: patience used up"
    assert row.next_action == "Resend it when the party answers again."
    assert row.organisation is None  # one lane is everybody's
    items, _ = await ledger.exception_items(row.exception_no)
    assert [item.certificate_number for item in items] == ["VN-1", "VN-2", "VN-3"]
    assert await alerts(ledger) == ["exception:opened"]


async def test_an_exception_closes_with_the_last_that_is_cured_and_is_told_of_once(ledger: Ledger) -> None:
    await expire(ledger, "VN-1", "VN-2")
    await look(ledger)

    for number, still in (("VN-1", 1), ("VN-2", 0)):
        certificate = await certificate_of(ledger, number)
        await ledger.operate("resend", certificate.message_no, who="op", reason=None, at=AT)
        assert len(await open_ones(ledger)) == 1
        await ledger.settle([delivered(await claim_one(ledger))])
        await look(ledger)
        assert len(await open_ones(ledger)) == still

    row = await the_one(ledger)
    assert (row.is_open, row.waiting, row.closed_by) == (False, 0, "gateway")
    assert row.resolution == "cured by what happened since"
    assert await alerts(ledger) == ["exception:opened", "exception:closed"]


async def test_a_cause_that_comes_back_opens_the_same_exception_with_its_history(ledger: Ledger) -> None:
    clock = Clock()
    await expire(ledger, "VN-1")
    await look(ledger, clock)
    number = (await the_one(ledger)).exception_no
    await ledger.take_exception(number, who="an", at=AT)
    await ledger.close_exception(number, who="an", at=clock.tick(), reason="told them by telephone")
    await expire(ledger, "VN-2")

    await look(ledger, clock)

    row, notes = await ledger.exception(number)
    assert (row.is_open, row.times, row.waiting, row.taken_by) == (True, 2, 1, None)
    assert (row.first_opened_at, row.opened_at) == (AT, clock.now)
    assert [note.what for note in notes] == ["taken", "closed"]
    assert await alerts(ledger) == ["exception:opened", "exception:closed", "exception:opened"]


async def test_what_a_person_closed_stays_closed_though_nothing_is_cured(ledger: Ledger) -> None:
    await expire(ledger, "VN-1")
    await look(ledger)
    number = (await the_one(ledger)).exception_no
    await ledger.close_exception(number, who="an", at=AT, reason="the exporter needs it no more")

    await look(ledger)

    row = await the_one(ledger)
    assert (row.is_open, row.closed_by, row.resolution) == (False, "an", "the exporter needs it no more")
    (item,), _ = await ledger.exception_items(number)
    assert (item.closed_by, item.resolution) == ("an", "the exporter needs it no more")


async def test_a_message_leaves_one_cause_when_it_falls_into_another(ledger: Ledger) -> None:
    claim = await submit_and_claim(ledger)
    tls = replace(failed(claim, due_in_s=0), cause="T02: certificate expired")
    await ledger.settle([tls])
    await look(ledger)
    (first,) = await open_ones(ledger)
    await ledger.settle(
        [
            replace(
                failed(await claim_one(ledger), DeliveryStatus.EXPIRED),
                cause="T04: patience used up; last T02",
            )
        ]
    )

    await look(ledger)

    assert (first.code, first.owner) == ("T02", "administrator")
    assert [row.code for row in await open_ones(ledger)] == ["T04"]
    assert await alerts(ledger) == ["exception:opened", "exception:closed", "exception:opened"]


async def test_what_is_tried_again_by_itself_needs_nobody(ledger: Ledger) -> None:
    await ledger.settle([failed(await submit_and_claim(ledger))])

    await look(ledger)

    assert await open_ones(ledger) == []


async def test_two_watches_at_once_tell_of_an_exception_once(ledger: Ledger) -> None:
    await expire(ledger, "VN-1")

    await asyncio.gather(*(look(ledger) for _ in range(5)))
    await look(ledger)

    assert await alerts(ledger) == ["exception:opened"]


# ---- causes ------------------------------------------------------------------------------------------------


async def test_a_rejected_certificate_is_its_organisations_to_correct_until_it_comes_again(
    ledger: Ledger,
) -> None:
    await deliver(ledger, "VN-1", organisation="MOIT-HN")
    await deliver(ledger, "VN-2", organisation="MOIT-SG")
    for number in ("VN-1", "VN-2"):
        await reject(ledger, number, "C02", "C09")
    await look(ledger)
    both = await open_ones(ledger)

    await ledger.submit(a_certificate("VN-1", b"<corrected/>", organisation="MOIT-HN"))
    await look(ledger)

    assert [(row.code, row.organisation, row.owner) for row in both] == [
        ("C02", "MOIT-HN", "issuing authority"),
        ("C02", "MOIT-SG", "issuing authority"),
    ]
    assert [row.organisation for row in await open_ones(ledger)] == ["MOIT-SG"]


async def test_a_rejection_is_over_when_customs_clarify_and_accept(ledger: Ledger) -> None:
    """ATIGA Annex 8 Rule 30(4)."""
    await deliver(ledger)
    await reject(ledger, "VN-1", "B01", by=AcknowledgedBy.NATIONAL_SYSTEM)
    await look(ledger)
    assert [row.code for row in await open_ones(ledger)] == ["B01"]

    await say(ledger, "VN-1", _O.ACCEPTED, by=AcknowledgedBy.NATIONAL_SYSTEM)
    await look(ledger)

    assert await open_ones(ledger) == []


async def test_a_rejection_without_a_finding_has_an_owner_too(ledger: Ledger) -> None:
    await deliver(ledger)
    await reject(ledger, "VN-1")

    await look(ledger)

    (row,) = await open_ones(ledger)
    assert (row.code, row.owner) == ("rejected", "operator")


async def test_a_denial_stands_until_customs_say_otherwise_of_that_declaration(ledger: Ledger) -> None:
    await deliver(ledger)
    await respond(ledger, "VN-1", DENIED)
    await look(ledger)
    (row,) = await open_ones(ledger)

    await respond(ledger, "VN-1", replace(DENIED, outcome=CustomsOutcome.NOT_UTILISED, reason=None))
    await look(ledger)

    assert (row.code, row.cause) == ("B04", "B04: item 2: Wrong HS code")
    assert await open_ones(ledger) == []


async def test_a_denial_that_names_its_ground_goes_by_it(ledger: Ledger) -> None:
    await deliver(ledger)

    await respond(ledger, "VN-1", replace(DENIED, reason="B01 the goods are not those declared"))
    await look(ledger)

    assert (await the_one(ledger)).code == "B01"


async def test_more_used_than_issued_is_an_exception_at_the_issuing_side(ledger: Ledger) -> None:
    await deliver(ledger)
    over = Finding(code="B02", text="item 1: 9 KGM too many", severity=Severity.WARNING)
    used = CustomsEntry(item=1, outcome=CustomsOutcome.UTILISED, declaration="TH-1")

    await respond(ledger, "VN-1", used, findings=(over,))
    await look(ledger)

    row = await the_one(ledger)
    assert (row.code, row.owner, row.organisation) == ("B02", "issuing authority", "MOIT-HN")


async def test_more_used_than_issued_is_an_exception_at_the_customs_side_until_another_answer(
    ledger: Ledger,
) -> None:
    taken = await admitted(ledger, an_arrival("TH-1"))
    async with ledger.page() as page:
        await page.event(
            "answer:refused",
            at=AT,
            message_no=taken.message_no,
            certificate_no=taken.certificate_no,
            detail={"code": "B02", "text": "item 1 is utilised in full already"},
        )
    await look(ledger)
    (row,) = await open_ones(ledger)
    async with ledger.page() as page:
        await page.add_customs_entries(
            taken.certificate_no,
            taken.message_no,
            [CustomsEntry(item=1, outcome=CustomsOutcome.UTILISED)],
            summary=CustomsOutcome.UTILISED,
            at=AT + MINUTE,
        )

    await look(ledger)

    assert (row.code, row.owner, row.cause) == (
        "B02",
        "customs",
        "B02: item 1 is utilised in full already",
    )
    assert await open_ones(ledger) == []


async def test_a_verification_asked_for_is_an_exception_until_it_is_answered(ledger: Ledger) -> None:
    await deliver(ledger)
    certificate = await certificate_of(ledger)
    asked = an_arrival("VN-1", type=MessageType.VERIFICATION_REQUEST)
    async with ledger.page() as page:
        message_no = await page.write_inbound(asked, certificate_no=certificate.certificate_no)
        await page.event("verification:requested", at=AT, message_no=message_no)
    await look(ledger)
    (row,) = await open_ones(ledger)
    reply = sealed(
        type=MessageType.VERIFICATION_REPLY,
        certificate_number="VN-1",
        ref_to_message_id=asked.sealed.header.message_id,
    )
    async with ledger.page() as page:
        await page.write_outbound(
            reply, certificate_no=certificate.certificate_no, organisation=None, actor="clerk", at=AT
        )

    await look(ledger)

    assert (row.code, row.owner) == ("B05", "issuing authority")
    assert await open_ones(ledger) == []


async def test_an_answer_to_nothing_known_is_an_exception_until_its_certificate_is_known(
    ledger: Ledger,
) -> None:
    orphan = Finding(code="D03", text="No certificate is known")
    came = an_arrival("TH-7", type=MessageType.CANCELLATION, findings=(orphan,))
    async with ledger.page() as page:
        message_no = await page.write_inbound(came, certificate_no=None)
        assert message_no is not None
        await page.acknowledge(
            message_no,
            certificate_no=None,
            outcome=_O.REJECTED,
            by=AcknowledgedBy.GATEWAY,
            findings=(orphan,),
            at=AT,
            carried_by=None,
        )
    await look(ledger)
    (row,) = await open_ones(ledger)

    await admitted(ledger, an_arrival("TH-7"))
    await look(ledger)

    assert (row.code, row.owner) == ("D03", "operator")
    assert await open_ones(ledger) == []


async def test_a_seal_that_does_not_hold_is_an_exception_until_the_party_sends_something_good(
    ledger: Ledger,
) -> None:
    clock = Clock()
    for code in ("G01", "G01", "S01"):  # what is unreadable, its sender was told
        await ledger.refuse_inbound(
            party=TH,
            message_id=None,
            body=b"<forged/>",
            answer=b"<no/>",
            findings=[Finding(code=code, text="the digest differs", step=7)],
            at=AT,
        )
    await look(ledger, clock)
    (row,) = await open_ones(ledger)
    good = replace(an_arrival("TH-1"), at=clock.tick())
    await admitted(ledger, good)

    await look(ledger, clock)

    assert (row.code, row.party, row.owner, row.waiting) == ("G01", TH, "operator", 1)
    assert await open_ones(ledger) == []


async def test_nothing_about_a_cancelled_certificate_needs_anybody(ledger: Ledger) -> None:
    await deliver(ledger)
    await respond(ledger, "VN-1", DENIED)
    await look(ledger)
    certificate = await certificate_of(ledger)

    async with ledger.page() as page:
        await page.move_life(
            certificate.certificate_no, CertificateLife.CANCELLED, before=None, at=AT, who="TH.CUSTOMS"
        )
    await look(ledger)

    assert await open_ones(ledger) == []


# ---- people ------------------------------------------------------------------------------------------------


async def test_people_take_note_hand_back_and_close_and_all_of_it_is_kept(ledger: Ledger) -> None:
    await expire(ledger, "VN-1")
    await look(ledger)
    number = (await the_one(ledger)).exception_no

    await ledger.take_exception(number, who="an", at=AT)
    taken = await the_one(ledger, taken_by="an")
    await ledger.note_exception(number, who="an", at=AT, words="rang Bangkok")
    await ledger.hand_back_exception(number, who="an", at=AT, words="end of my day")
    free = await the_one(ledger)
    await ledger.close_exception(number, who="binh", at=AT, reason="paper was accepted")

    _, notes = await ledger.exception(number)
    assert taken.taken_by == "an"
    assert free.taken_by is None
    assert [(note.who, note.what, note.words) for note in notes] == [
        ("an", "taken", None),
        ("an", "note", "rang Bangkok"),
        ("an", "handed-back", "end of my day"),
        ("binh", "closed", "paper was accepted"),
    ]


async def test_a_closed_exception_takes_notes_and_nothing_else(ledger: Ledger) -> None:
    await expire(ledger, "VN-1")
    await look(ledger)
    number = (await the_one(ledger)).exception_no
    await ledger.close_exception(number, who="an", at=AT, reason="done")

    await ledger.note_exception(number, who="an", at=AT, words="for the record")

    for act in (
        ledger.take_exception(number, who="an", at=AT),
        ledger.hand_back_exception(number, who="an", at=AT),
        ledger.close_exception(number, who="an", at=AT, reason="again"),
    ):
        with pytest.raises(NotAllowed, match="is closed already"):
            await act
    with pytest.raises(NotFound):
        await ledger.take_exception(number + 1, who="an", at=AT)


async def test_each_sees_what_is_theirs_to_act_on(ledger: Ledger) -> None:
    await expire(ledger, "VN-1")
    await deliver(ledger, "VN-2", organisation="MOIT-SG")
    await reject(ledger, "VN-2", "C02")
    taken = await admitted(ledger, an_arrival("TH-1"))
    detail = {"code": "B02", "text": "nothing is left"}
    async with ledger.page() as page:
        await page.event("answer:refused", at=AT, message_no=taken.message_no, detail=detail)
    await look(ledger)

    async def codes(sight: Sight) -> list[str]:
        return sorted(row.code for row in await open_ones(ledger, sight=sight))

    assert await codes(Sight(everything=True)) == ["B02", "C02", "T04"]
    assert await codes(Sight(received=True)) == ["B02"]
    assert await codes(Sight(issued=True)) == ["C02"]
    assert await codes(Sight(organisation="MOIT-SG")) == ["C02"]
    assert await codes(Sight(organisation="MOIT-HN")) == []
    assert await codes(Sight()) == []


async def test_pages_and_filters_find_every_exception_once(ledger: Ledger) -> None:
    await deliver(ledger, "VN-1")
    await deliver(ledger, "VN-2")
    await deliver(ledger, "VN-3")
    for number, code in (("VN-1", "C02"), ("VN-2", "C03"), ("VN-3", "D05")):
        await reject(ledger, number, code)
    await look(ledger)

    found, after = [], None
    while True:
        rows, after = await ledger.exceptions(after=after, limit=2)
        found += [row.code for row in rows]
        if after is None:
            break

    assert found == ["C02", "C03", "D05"]
    assert [row.code for row in await open_ones(ledger, code="C03")] == ["C03"]
    assert await open_ones(ledger, party="MY.CUSTOMS") == []
    assert await open_ones(ledger, owner="operator") == []
