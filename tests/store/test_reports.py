"""Figures agree with the ledger: every certificate is counted once, in each of the three ways."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    MessageType,
)
from gateway.store.ledger import Ledger
from gateway.store.records import CustomsEntry
from gateway.store.reports import Report
from gateway.watch.watcher import Watcher
from tests.store.making import (
    AT,
    HOME,
    MINUTE,
    MY,
    a_certificate,
    acknowledge,
    admitted,
    an_arrival,
    certificate_of,
    deliver,
    message_no_of,
)

DAY = AT.date()
OUTCOMES = ("accepted", "accepted_with_warnings", "rejected", "unacknowledged")
RESPONSES = (
    "utilised",
    "partially_utilised",
    "preference_denied",
    "under_verification",
    "not_utilised",
    "unanswered",
)
LIVES = tuple(life.value for life in CertificateLife)


async def respond(ledger: Ledger, number: str, outcome: CustomsOutcome) -> None:
    certificate = await certificate_of(ledger, number)
    arrival = an_arrival(number, type=MessageType.CUSTOMS_RESPONSE)
    async with ledger.page() as page:
        message_no = await page.write_inbound(arrival, certificate_no=certificate.certificate_no)
        assert message_no is not None
        await page.add_customs_entries(
            certificate.certificate_no,
            message_no,
            [CustomsEntry(item=1, outcome=outcome)],
            summary=outcome,
            at=AT + 60 * MINUTE,
        )


async def a_month(ledger: Ledger) -> None:
    """Certificates both ways, of two offices, to two parties, in every state."""
    await deliver(ledger, "VN-1", organisation="HN")
    await acknowledge(ledger, await certificate_of(ledger, "VN-1"), AcknowledgementOutcome.ACCEPTED)
    await respond(ledger, "VN-1", CustomsOutcome.UTILISED)
    await deliver(ledger, "VN-2", organisation="HN")
    refused = await certificate_of(ledger, "VN-2")
    await acknowledge(ledger, refused, AcknowledgementOutcome.REJECTED, AcknowledgedBy.NATIONAL_SYSTEM)
    await ledger.submit(a_certificate("VN-3", b"<another/>", organisation="HCM"))
    await ledger.submit(a_certificate("VN-4", b"<a third/>", party=MY, organisation="HCM"))
    await ledger.submit(a_certificate("VN-5", b"<earlier/>", at=AT - timedelta(days=1)))
    await admitted(ledger, an_arrival("TH-1"))


async def test_the_sums_of_a_report_are_what_the_ledger_holds(ledger: Ledger) -> None:
    await a_month(ledger)

    rows = await ledger.report(Report.CERTIFICATES, DAY, DAY)

    held, _ = await ledger.certificates(first_day=DAY, last_day=DAY, limit=500)
    assert sum(row["certificates"] for row in rows) == len(held) == 5
    for kind in (OUTCOMES, RESPONSES, LIVES):
        assert all(sum(row[name] for name in kind) == row["certificates"] for row in rows)
    for row in rows:
        mine = [
            one
            for one in held
            if (one.direction, one.party, one.form, one.organisation)
            == (row["direction"], row["party"], row["form"], row["organisation"])
        ]
        assert len(mine) == row["certificates"]
        assert sum(one.acknowledgement == "accepted" for one in mine) == row["accepted"]
        assert sum(one.acknowledgement == "rejected" for one in mine) == row["rejected"]
        assert sum(one.customs_response == "utilised" for one in mine) == row["utilised"]


async def test_times_are_reckoned_from_submission(ledger: Ledger) -> None:
    await a_month(ledger)

    rows = await ledger.report(Report.CERTIFICATES, DAY, DAY)

    (hanoi,) = [row for row in rows if row["organisation"] == "HN"]
    assert (hanoi["receipt_p50_s"], hanoi["receipt_p95_s"]) == (60, 60)
    assert (hanoi["acknowledgement_p50_s"], hanoi["utilisation_p50_s"]) == (0, 3600)
    (other,) = [row for row in rows if row["party"] == MY]
    assert other["receipt_p50_s"] is other["utilisation_p95_s"] is None


async def test_exceptions_are_told_by_cause(ledger: Ledger) -> None:
    await a_month(ledger)
    await Watcher(ledger, lambda: AT, home=HOME).step()

    rows = await ledger.report(Report.EXCEPTIONS, DAY, DAY)

    found, _ = await ledger.exceptions(is_open=True)
    assert (
        [(row["code"], row["items"], row["open"]) for row in rows]
        == [(one.code, one.waiting, one.waiting) for one in found]
        != []
    )


@pytest.mark.parametrize("what", Report)
async def test_days_on_which_nothing_happened_have_no_rows(ledger: Ledger, what: Report) -> None:
    await a_month(ledger)
    assert await message_no_of(ledger, (await certificate_of(ledger)).message_id)

    assert await ledger.report(what, DAY + timedelta(days=1), DAY + timedelta(days=30)) == []
