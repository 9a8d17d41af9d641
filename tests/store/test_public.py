"""What strangers may ask of the ledger, and what the watch makes of what they asked in vain."""

from __future__ import annotations

from datetime import timedelta

from gateway.domain.ids import CertificateNumber
from gateway.store.ledger import Ledger
from gateway.watch.watcher import Watcher
from tests.store.making import AT, HOME, a_certificate, admitted, an_arrival, certificate_of

DAY = timedelta(days=1)


async def test_what_we_issued_is_found_by_its_own_number_and_by_what_stands_on_the_paper(
    ledger: Ledger,
) -> None:
    new = a_certificate("VN-1")
    await ledger.submit(new)
    own = await certificate_of(ledger, "VN-1")
    day = new.facts.issue_date

    found = await ledger.issued(own.certificate_no)

    assert found is not None
    assert (found.certificate, found.digest) == (own, new.sealed.digest)
    assert await ledger.issued_as("form-d", "VN-1", day) == found
    assert await ledger.issued_as("form-d", "VN-1", day + DAY) is None
    assert await ledger.issued_as("form-e", "VN-1", day) is None
    assert await ledger.issued_as("form-d", "VN-2", day) is None
    assert await ledger.issued(-1) is None


async def test_what_came_from_abroad_was_not_issued_here(ledger: Ledger) -> None:
    taken = await admitted(ledger, an_arrival())

    assert await ledger.issued(taken.certificate_no) is None


async def test_a_certificate_names_the_one_that_replaces_it(ledger: Ledger) -> None:
    former = a_certificate("VN-1")
    await ledger.submit(former)
    await ledger.submit(a_certificate("VN-2", replaces=CertificateNumber("VN-1")))

    found = await ledger.issued_as("form-d", "VN-1", former.facts.issue_date)

    assert found is not None
    assert found.replaced_by == "VN-2"


async def look(ledger: Ledger, after: timedelta = timedelta()) -> list[tuple[str, str, bool, int]]:
    """What the watch has opened once it looked."""
    await Watcher(ledger, lambda: AT + after, home=HOME).step()
    rows, _ = await ledger.exceptions()
    return [(row.party, row.owner, row.is_open, row.times) for row in rows if row.code == "not-issued"]


async def test_a_number_that_is_asked_for_again_and_again_opens_an_exception_and_quiet_closes_it(
    ledger: Ledger,
) -> None:
    for _ in range(4):
        await ledger.asked_in_vain("form-d", "VN-9", AT)
    slips = await look(ledger)
    await ledger.asked_in_vain("form-d", "VN-9", AT + timedelta(minutes=1))
    repeated = await look(ledger, timedelta(minutes=2))
    still = await look(ledger, timedelta(hours=20))
    quiet = await look(ledger, timedelta(days=2))

    assert slips == []
    assert repeated == still == [(HOME, "issuing authority", True, 1)]
    assert quiet == [(HOME, "issuing authority", False, 1)]


async def test_an_exception_that_a_person_closed_stays_closed_until_somebody_asks_again(
    ledger: Ledger,
) -> None:
    for _ in range(5):
        await ledger.asked_in_vain("form-d", "VN-9", AT)
    await look(ledger)
    rows, _ = await ledger.exceptions()

    await ledger.close_exception(rows[0].exception_no, who="ann", at=AT, reason="a typing error")

    assert await look(ledger) == [(HOME, "issuing authority", False, 1)]
    await ledger.asked_in_vain("form-d", "VN-9", AT + timedelta(minutes=1))
    assert await look(ledger) == [(HOME, "issuing authority", True, 2)]


async def test_what_strangers_asked_is_forgotten_in_time(ledger: Ledger) -> None:
    for _ in range(5):
        await ledger.asked_in_vain("form-d", "VN-9", AT - timedelta(days=40))

    await ledger.housekeep((), AT, pause_s=0)
    await ledger.asked_in_vain("form-d", "VN-9", AT - timedelta(days=40))

    assert await look(ledger, -timedelta(days=40)) == []
