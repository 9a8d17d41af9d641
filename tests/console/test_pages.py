"""What the pages say and do, without a script: as the ledger has it, and by its verbs."""

from __future__ import annotations

import asyncio
import re
from html import unescape

import pytest

from gateway.console.stream import BEAT
from gateway.domain.caller import Role
from tests.console.visits import Person, Scene, sign_in, stream, words

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]


async def until(person: Person, path: str, told: str) -> str:
    """Open *path* again and again until it says *told*; what it says then."""
    page = ""
    async with asyncio.timeout(20):
        while told not in page:
            page = words((await person.open(path)).text)
            await asyncio.sleep(0.05)
    return page


async def test_the_board_says_who_stands_since_when_why_and_whose_move(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)

    board = words((await person.open("/console/")).text)

    assert "Backing off (T01)" in board
    assert re.search(r"No answer since 21 Nov 20:\d\d:\d\d UTC", board)
    assert "Owner: MY.CUSTOMS" in board
    assert board.index("MY.CUSTOMS") < board.index("TH.CUSTOMS")  # trouble first
    assert "Only with trouble (1)" in board


async def test_a_certificate_is_found_by_its_number_however_it_is_typed(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    number = scene.through.number

    for typed in (number, f"  {number.lower()} ", scene.through.message_id):
        answer = await person.open(f"/console/find?q={typed.replace(' ', '+').replace('/', '%2F')}")
        assert answer.status == 303, typed
    assert "Nothing of that name" in (await person.open("/console/find?q=no-such")).text


async def test_a_message_shows_its_layers_its_bytes_and_the_finding_in_its_place(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)

    page = (await person.open(scene.page(scene.rejected))).text

    told = words(page)
    assert "C04: The quantity is not that of the goods" in told
    assert "Owner: issuing authority" in told
    assert "Rejected, 1 finding" in told
    assert told.count("passed") == 7
    row = re.search(r'<li class="hit"[^>]*>.*?<code>(.*?)</code></li>\s*<li class="note"', page, re.DOTALL)
    assert row is not None
    assert unescape(row[1]).startswith("<Quantity")


async def test_exact_bytes_are_those_of_the_ledger_and_are_never_shown_as_xml(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.AUDITOR)
    document = await scene.pair.vn.operator.get(f"{scene.through.message}/document")

    answer = await person.open(f"{scene.page(scene.through)}/document/wire")

    assert answer.text.encode() == document.raw
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


async def test_an_organisation_sees_its_own_certificates_alone(scene: Scene) -> None:
    mine = await sign_in(scene.pair.vn, Role.ISSUER, organisation="HN")
    theirs = await sign_in(scene.pair.vn, Role.ISSUER, organisation="HCM")

    assert scene.through.number in (await mine.open("/console/messages")).text
    assert scene.through.number not in (await theirs.open("/console/messages")).text
    for path in ("", "/document/wire"):
        assert (await mine.open(scene.page(scene.through) + path)).status == 200
        assert (await theirs.open(scene.page(scene.through) + path)).status == 404
    assert (await mine.open("/console/")).headers["Location"] == "/console/messages"


async def test_an_operator_holds_and_releases_and_it_is_written_down(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    page = scene.page(scene.waiting[1])
    form = [("reason", "asked by the exporter")]

    await until(person, f"{page}/hold", "Hold certificate")
    for _ in range(200):  # while it is being sent it cannot be held
        if (await person.send(f"{page}/hold", form)).status == 303:
            break
        await asyncio.sleep(0.05)
    assert "On hold" in words((await person.open(page)).text)
    assert (await person.send(f"{page}/hold", form)).status == 409
    assert (await person.send(f"{page}/release", form)).status == 303

    audit = words((await person.open("/console/audit?people=yes")).text)
    assert "operator:release operator" in audit
    assert "reason: asked by the exporter" in audit


async def test_a_lane_is_suspended_with_a_reason_and_resumed(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    lane = "/console/lanes/TH.CUSTOMS"

    assert (await person.send(f"{lane}/suspend", [("reason", " ")])).status == 422
    assert (await person.send(f"{lane}/suspend", [("reason", "planned work")])).status == 303
    board = words((await person.open("/console/?only=trouble")).text)
    assert "Suspended by operator" in board
    assert "planned work" in board
    assert (await person.send(f"{lane}/suspend", [("reason", "again")])).status == 409
    assert (await person.send(f"{lane}/resume")).status == 303
    assert "Suspended" not in words((await person.open(lane)).text)


async def test_in_bulk_the_frozen_list_is_what_is_done(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    pair = scene.pair
    form = [("party", "MY.CUSTOMS"), ("status", ""), ("form", "")]
    assert "Show me the list" in (await person.open("/console/bulk/hold?party=MY.CUSTOMS")).text
    assert (await person.send("/console/bulk/hold", form)).status == 422  # without a reason

    planned = shown = ""
    for _ in range(100):  # what is being sent just now cannot be held, and is not planned
        planned = (await person.send("/console/bulk/hold", [*form, ("reason", "outage")])).headers["Location"]
        shown = words((await person.open(planned)).text)
        if "Hold 2 messages?" in shown:
            break
        await asyncio.sleep(0.05)
    later = await pair.submitted(importing_country="MY")
    assert "Hold 2 messages?" in shown
    assert "Because: outage" in shown
    assert scene.waiting[0].number in shown
    assert (await person.send(f"{planned}/start")).status == 303

    await until(person, planned, "done: 2 done, 0 not allowed, 0 left")
    held = words((await person.open("/console/waiting?party=MY.CUSTOMS&status=on_hold")).text)
    assert scene.waiting[0].number in held
    assert later.number not in held
    assert (await person.send(f"{planned}/start")).status == 409
    assert "hold 2 messages done" in words((await person.open("/console/actions")).text)
    for one in scene.waiting:
        assert (await person.send(f"{scene.page(one)}/release")).status == 303
    await person.send(f"{scene.page(later)}/withdraw")


async def test_the_stream_tells_how_things_stand_and_then_what_moved(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    async with stream(person) as response, asyncio.timeout(20):
        assert (await response.content.readuntil(b"\n\n")) == BEAT
        first = (await response.content.readuntil(b"\n\n")).decode()
        assert first.startswith("id: ")
        for element in ("#tiles", "#lane-my-customs", "#lane-th-customs", "#board-total"):
            assert f'hx-target="{element}"' in first
        await person.send("/console/lanes/TH.CUSTOMS/suspend", [("reason", "seen live")])
        while True:
            event = (await response.content.readuntil(b"\n\n")).decode()
            if "seen live" in event:
                break
        assert event.startswith("id: ")
        await person.send("/console/lanes/TH.CUSTOMS/resume")


async def test_a_stream_ends_with_its_session(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    async with stream(person) as response, asyncio.timeout(20):
        await response.content.readuntil(b"\n\n")
        await person.send("/console/sign-out")
        await response.content.read()
    async with stream(person) as refused:
        assert refused.status == 401


async def test_a_month_adds_up_and_comes_as_csv(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.AUDITOR)

    page = words((await person.open("/console/reports?month=2026-11")).text)
    table = (await person.open("/console/reports?month=2026-11&as=csv")).text.lstrip("\ufeff").splitlines()

    assert "November 2026" in page
    head, *lines = (line.split(",") for line in table)
    th = next(dict(zip(head, line, strict=True)) for line in lines if "TH.CUSTOMS" in line)
    assert int(th["delivered"]) == int(th["gateway accepts"]) >= 2  # other tests exchange, too
    assert th["system rejects"] == "1"
    assert (await person.open("/console/reports?month=2026-13")).status == 422


async def test_exceptions_are_one_row_a_cause_with_its_owner(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    page = await until(person, "/console/exceptions", "C04")

    assert "C04 TH.CUSTOMS: The quantity is not that of the goods" in page
    assert "Issuing authority" in page
    assert "Taken by nobody" in page


async def test_an_exception_is_taken_noted_and_handed_back(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    await until(person, "/console/exceptions", "C04")
    queue = (await person.open("/console/exceptions")).text
    found = re.search(r'href="(/console/exceptions/\d+)"', queue.partition("C04")[2])
    assert found is not None
    page = found[1]

    assert (await person.send(f"{page}/take")).status == 303
    assert (await person.send(f"{page}/note", [("words", " ")])).status == 422
    assert (await person.send(f"{page}/note", [("words", "rang them")])).status == 303

    told = words((await person.open(page)).text)
    assert "taken by operator" in told
    assert "note by operator : rang them" in told or "note by operator: rang them" in told
    assert scene.rejected.number in words((await person.open("/console/exceptions?tab=mine")).text)
    assert (await person.send(f"{page}/hand-back")).status == 303


async def test_parties_show_their_certificates_and_when_nothing_counts(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.ADMINISTRATOR)

    page = words((await person.open("/console/parties/TH.CUSTOMS")).text)

    assert "counts now" in page
    assert "no successor is registered" in page
    assert (await person.open("/console/parties/VN.MOIT")).status == 200
    assert (await person.open("/console/parties/XX.NOBODY")).status == 404
