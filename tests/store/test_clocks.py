"""The law's clocks: each warns once, runs out once, and is told of when what it waited for has come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.deadline import Clock, Limit, Start, Unit
from gateway.domain.errors import Misconfigured
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    Direction,
    MessageType,
)
from gateway.registry.clocks import load_clocks
from gateway.registry.folder import Folder, over_shipped
from gateway.store.ledger import Ledger
from gateway.store.records import CustomsEntry
from gateway.watch.law import Law
from gateway.watch.watcher import Watcher
from tests.store.making import (
    AT,
    HOME,
    MINUTE,
    MY,
    TH,
    a_certificate,
    acknowledge,
    admitted,
    an_arrival,
    certificate_of,
    claim_one,
    deliver,
    delivered,
    sealed,
)

DAY = timedelta(days=1)
SHIPPED = {clock.name: clock for clock in load_clocks(Folder())}


def law(*names: str, **more: Clock) -> Law:
    """The shipped clocks of these names; at home it is Greenwich."""
    return Law(clocks=(*(SHIPPED[name] for name in names), *more.values()))


async def look(ledger: Ledger, at: datetime, clocks: Law) -> None:
    await Watcher(ledger, lambda: at, clocks, home=HOME).step()


async def alerts(ledger: Ledger) -> list[tuple[str, datetime]]:
    rows, _ = await ledger.events(after=None, limit=500)
    return [(row.what, row.at) for row in rows if row.what.startswith(("clock:", "exception:"))]


async def whats(ledger: Ledger) -> list[str]:
    return [what for what, _ in await alerts(ledger)]


async def arrive(ledger: Ledger, number: str = "TH-1") -> int:
    return (await admitted(ledger, an_arrival(number))).certificate_no


async def respond(ledger: Ledger, certificate_no: int, at: datetime) -> None:
    """Customs at home say what became of the first item."""
    row = await certificate_of(ledger, "TH-1", Direction.IN)
    entry = CustomsEntry(item=1, outcome=CustomsOutcome.PARTIALLY_UTILISED)
    async with ledger.page() as page:
        await page.add_customs_entries(
            certificate_no, row.message_no, [entry], summary=CustomsOutcome.PARTIALLY_UTILISED, at=at
        )


async def test_a_clock_warns_and_runs_out_once_each_and_is_told_of_when_it_is_answered(
    ledger: Ledger,
) -> None:
    certificate_no = await arrive(ledger)
    rules = law("rejection-notice")
    last_day = datetime(2027, 1, 20, tzinfo=UTC)  # the sixtieth after the 21st of November

    for at in (
        last_day - 10 * DAY,  # the day on which the warning is not due before midnight
        last_day - 9 * DAY,
        last_day - 9 * DAY + MINUTE,
        last_day + DAY - MINUTE,
        last_day + DAY,
        last_day + 2 * DAY,
    ):
        await look(ledger, at, rules)
    before = await alerts(ledger)
    (row,) = await ledger.clocks()
    await respond(ledger, certificate_no, last_day + 3 * DAY)
    await look(ledger, last_day + 4 * DAY, rules)

    assert before == [
        ("clock:warned", last_day - 9 * DAY),
        ("exception:opened", last_day - 9 * DAY),
        ("clock:breached", last_day + DAY),
    ]
    assert (row.name, row.state, row.owner, row.due_at) == (
        "rejection-notice",
        "breached",
        "customs",
        last_day + DAY,
    )
    assert (await whats(ledger))[3:] == ["clock:recovered", "exception:closed"]
    assert await ledger.clocks() == []
    assert [row.state for row in await ledger.clocks(certificate_no=certificate_no)] == ["stopped"]


async def test_a_clock_that_is_answered_in_time_is_never_entered(ledger: Ledger) -> None:
    certificate_no = await arrive(ledger)
    await respond(ledger, certificate_no, AT + DAY)

    for days in range(45, 65):
        await look(ledger, AT + days * DAY, law("rejection-notice"))

    assert await whats(ledger) == []
    assert await ledger.clocks(certificate_no=certificate_no) == []


async def test_many_clocks_of_one_party_are_one_exception_with_an_owner_and_a_next_action(
    ledger: Ledger,
) -> None:
    for number in range(5):
        await arrive(ledger, f"TH-{number}")

    await look(ledger, AT + 55 * DAY, law("rejection-notice"))

    (row,), _ = await ledger.exceptions()
    items, _ = await ledger.exception_items(row.exception_no)
    assert (row.code, row.party, row.owner, row.waiting) == ("rejection-notice", TH, "customs", 5)
    assert row.cause == (
        "rejection-notice: Notice that preference is refused, 60 days (ATIGA Annex 8 Rule 30(3)(a)),"
        " ends 2027-01-20 23:59"
    )
    assert row.next_action == SHIPPED["rejection-notice"].next_action
    assert {item.certificate_number for item in items} == {f"TH-{number}" for number in range(5)}
    assert (await whats(ledger)).count("exception:opened") == 1


async def test_nodes_that_look_at_once_tell_of_a_clock_once(ledger: Ledger) -> None:
    await arrive(ledger)

    await asyncio.gather(*(look(ledger, AT + 55 * DAY, law("rejection-notice")) for _ in range(4)))

    assert (await whats(ledger)).count("clock:warned") == 1


async def test_a_certificate_expires_by_itself_and_nobody_need_act(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN-1", issue_date=date(2026, 11, 20)))
    rules = law("validity")

    for at in (datetime(2027, 11, 20, 23, tzinfo=UTC), datetime(2027, 11, 21, tzinfo=UTC)):
        await look(ledger, at, rules)
        await look(ledger, at, rules)

    assert (await certificate_of(ledger)).life is CertificateLife.EXPIRED
    assert await whats(ledger) == ["clock:warned", "clock:breached"]
    assert (await ledger.exceptions())[0] == []


async def test_a_certificate_that_comes_late_in_its_life_still_expires(ledger: Ledger) -> None:
    rules = law("validity")
    await look(ledger, datetime(2027, 11, 1, tzinfo=UTC), rules)
    at = datetime(2027, 11, 10, tzinfo=UTC)
    await ledger.submit(a_certificate("VN-1", issue_date=date(2026, 11, 20), at=at))

    await look(ledger, at + MINUTE, rules)
    await look(ledger, datetime(2027, 11, 21, tzinfo=UTC), rules)

    assert await whats(ledger) == ["clock:warned", "clock:breached"]


async def test_a_certificate_whose_cancellation_is_refused_after_its_end_has_expired(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN-1", issue_date=date(2026, 11, 20)))
    row = await certificate_of(ledger)
    async with ledger.page() as page:
        await page.move_life(
            row.certificate_no,
            CertificateLife.CANCEL_PENDING,
            before=CertificateLife.IN_FORCE,
            at=AT,
            who="a",
        )

    await look(ledger, datetime(2027, 11, 21, tzinfo=UTC), law("validity"))

    after = await certificate_of(ledger)
    assert (after.life, after.life_before) == (CertificateLife.CANCEL_PENDING, CertificateLife.EXPIRED)


async def test_a_message_that_nobody_acknowledges_is_the_operators(ledger: Ledger) -> None:
    await deliver(ledger)
    rules = law("acknowledgement")
    for minutes in (179, 182, 242):
        await look(ledger, AT + minutes * MINUTE, rules)
    late = await whats(ledger)

    await acknowledge(ledger, await certificate_of(ledger), AcknowledgementOutcome.ACCEPTED)
    await look(ledger, AT + 300 * MINUTE, rules)

    assert late == ["clock:warned", "exception:opened", "clock:breached"]
    assert (await whats(ledger))[3:] == ["clock:recovered", "exception:closed"]


async def test_a_message_that_waits_for_its_receipt_is_the_operators(ledger: Ledger) -> None:
    await ledger.submit(a_certificate())
    rules = law("receipt")
    for minutes in (10, 16, 31):
        await look(ledger, AT + minutes * MINUTE, rules)
    late = await whats(ledger)

    await ledger.settle([delivered(await claim_one(ledger))])
    await look(ledger, AT + 40 * MINUTE, rules)

    assert late == ["clock:warned", "exception:opened", "clock:breached"]
    assert (await whats(ledger))[3:] == ["clock:recovered", "exception:closed"]


@pytest.mark.parametrize("asked_by", ["them", "us"])
async def test_the_clocks_of_a_verification_run_on_both_sides(ledger: Ledger, asked_by: str) -> None:
    ours = asked_by == "us"
    number = "TH-1" if ours else "VN-1"
    if ours:
        certificate_no = await arrive(ledger)
    else:
        await deliver(ledger)
        certificate_no = (await certificate_of(ledger)).certificate_no
    kinds: dict[str, Any] = {"type": MessageType.VERIFICATION_REQUEST, "certificate_number": number}
    async with ledger.page() as page:
        if ours:
            letter = sealed(**kinds)
            await page.write_outbound(
                letter, certificate_no=certificate_no, organisation=None, actor="c", at=AT
            )
        else:
            came = an_arrival(number, type=MessageType.VERIFICATION_REQUEST)
            letter = came.sealed
            await page.write_inbound(came, certificate_no=certificate_no)
    rules = law("verification", "verification-reply", "verification-reply-awaited")

    await look(ledger, AT + 65 * DAY, rules)
    names = [row.name for row in await ledger.clocks()]
    reply: dict[str, Any] = {
        "type": MessageType.VERIFICATION_REPLY,
        "ref_to_message_id": letter.header.message_id,
    }
    async with ledger.page() as page:
        if ours:
            await page.write_inbound(an_arrival(number, **reply), certificate_no=certificate_no)
        else:
            await page.write_outbound(
                sealed(**reply), certificate_no=certificate_no, organisation=None, actor="c", at=AT
            )
    await look(ledger, AT + 66 * DAY, rules)
    left = [row.name for row in await ledger.clocks()]
    await look(ledger, AT + 182 * DAY, rules)

    assert names == ["verification-reply-awaited" if ours else "verification-reply"]
    assert left == []
    assert [(row.name, row.state) for row in await ledger.clocks()] == [("verification", "breached")]


async def test_a_limit_may_be_a_partys_own_or_none_at_all(ledger: Ledger) -> None:
    limits: Mapping[tuple[str, str], Limit | None] = {
        ("", ""): Limit(count=60, unit=Unit.DAYS, warn_before=10),
        ("", TH): Limit(count=90, unit=Unit.DAYS, warn_before=10),
    }
    clock = Clock(
        name="own",
        title="Ours",
        starts=Start.CERTIFICATE_RECEIVED,
        owner="customs",
        next_action="Act.",
        limits=limits,
    )
    await arrive(ledger)

    await look(ledger, AT + 62 * DAY, law(own=clock))
    early = await whats(ledger)
    await look(ledger, AT + 81 * DAY, law(own=clock))

    assert early == []
    assert await whats(ledger) == ["clock:warned", "exception:opened"]


async def test_a_clock_whose_stop_is_taken_back_runs_again_even_when_its_warning_passed_meanwhile(
    ledger: Ledger,
) -> None:
    await ledger.submit(a_certificate("VN-1", issue_date=date(2026, 11, 20)))
    rules, row = law("validity"), await certificate_of(ledger)
    await acknowledge(ledger, row, AcknowledgementOutcome.REJECTED)
    await look(ledger, datetime(2027, 11, 1, tzinfo=UTC), rules)
    stopped = await whats(ledger)

    await acknowledge(ledger, row, AcknowledgementOutcome.ACCEPTED, AcknowledgedBy.NATIONAL_SYSTEM)
    await look(ledger, datetime(2027, 11, 2, tzinfo=UTC), rules)
    await look(ledger, datetime(2027, 11, 21, tzinfo=UTC), rules)

    assert "clock:warned" not in stopped
    assert [what for what in await whats(ledger) if what.startswith("clock:")] == [
        "clock:warned",
        "clock:breached",
    ]
    assert (await certificate_of(ledger)).life is CertificateLife.EXPIRED


async def test_a_clock_that_recovered_and_runs_again_tells_again(ledger: Ledger) -> None:
    certificate_no = await arrive(ledger)
    rules, row = law("rejection-notice"), await certificate_of(ledger, "TH-1", Direction.IN)
    assert row.certificate_no == certificate_no
    await look(ledger, AT + 55 * DAY, rules)

    for outcome in (AcknowledgementOutcome.REJECTED, AcknowledgementOutcome.ACCEPTED):
        await acknowledge(ledger, row, outcome, AcknowledgedBy.NATIONAL_SYSTEM)
        await look(ledger, AT + 56 * DAY, rules)

    assert [what for what in await whats(ledger) if what.startswith("clock:")] == [
        "clock:warned",
        "clock:recovered",
        "clock:warned",
    ]
    (opened,), _ = await ledger.exceptions(is_open=True)
    assert (opened.code, opened.times) == ("rejection-notice", 2)


async def test_what_is_released_is_owed_from_then_on(ledger: Ledger) -> None:
    await ledger.submit(a_certificate())
    rules, row = law("receipt"), await certificate_of(ledger)
    await ledger.operate("hold", row.message_no, who="op", reason=None, at=AT + MINUTE)
    await look(ledger, AT + 3 * DAY, rules)
    released = AT + 4 * DAY

    await ledger.operate("release", row.message_no, who="op", reason=None, at=released)
    for minutes in (0, 14, 15, 29, 30):
        await look(ledger, released + minutes * MINUTE, rules)

    clocks = [(what, at) for what, at in await alerts(ledger) if what.startswith("clock:")]
    assert clocks == [
        ("clock:warned", released + 15 * MINUTE),
        ("clock:breached", released + 30 * MINUTE),
    ]


async def test_however_many_have_no_limit_those_that_have_one_are_found(ledger: Ledger) -> None:
    unlimited = [a_certificate(f"VN-{number}", b"%d" % number, party=MY) for number in range(1_001)]
    await asyncio.gather(*(ledger.submit(one) for one in unlimited))
    await ledger.submit(a_certificate("VN-LAST", at=AT + MINUTE))
    limits: Mapping[tuple[str, str], Limit | None] = {
        ("", ""): Limit(count=30, unit=Unit.MINUTES, warn_before=15),
        ("", MY): None,
    }

    await look(ledger, AT + 20 * MINUTE, law(receipt=replace(SHIPPED["receipt"], limits=limits)))

    (clock,) = await ledger.clocks()
    assert (clock.certificate_number, clock.state) == ("VN-LAST", "warned")


@pytest.mark.parametrize(
    ("limit", "fault"),
    [
        ("", "say how long with one of"),
        ("days = 1\nminutes = 1", "say how long with one of"),
        ("days = 5\nwarn_before = 5", "shorter than the limit"),
        ("days = 5\noff = true", "either off, or how long"),
        ("weeks = 1", "unknown key"),
    ],
)
def test_a_clocks_file_that_says_nothing_sensible_is_a_fault(tmp_path: Path, limit: str, fault: str) -> None:
    file = tmp_path / "mappings/clocks/own.toml"
    file.parent.mkdir(parents=True)
    head = (
        'title = "T"\nstarts = "certificate-received"\nowner = "customs"\nnext_action = "Act."\n[[limit]]\n'
    )
    file.write_text(head + limit, "utf-8")

    with pytest.raises(Misconfigured, match=fault):
        load_clocks(over_shipped(tmp_path))


async def test_clocks_rest_between_two_looks_but_not_when_time_jumps(ledger: Ledger) -> None:
    await arrive(ledger)
    now = datetime(2027, 1, 10, 23, 59, 58, tzinfo=UTC)  # two seconds before the warning is due
    rested = timedelta(seconds=5)
    watcher = Watcher(ledger, lambda: now, law("rejection-notice"), home=HOME, clocks_rest=rested)
    seen = []

    for seconds in (0, 4, 1, 86_400):
        now += timedelta(seconds=seconds)
        await watcher.step()
        seen.append(await whats(ledger))

    assert seen == [[], [], ["clock:warned", "exception:opened"], ["clock:warned", "exception:opened"]]
