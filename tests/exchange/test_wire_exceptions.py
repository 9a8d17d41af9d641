"""Codes T.., D.. and G.. by their real causes: what is found in the queue at home and in ``track``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.exchange.foreign_checks import a_certificate, a_ping
from tests.exchange.foreign_documents import (
    acknowledgement,
    cancellation,
    certificate,
    customs_response,
    item,
    new_number,
)
from tests.exchange.foreign_line import Reply
from tests.exchange.foreign_party import Heard, in_utc, refusal, seal
from tests.exchange.foreign_world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def queued(world: World, code: str, party: str, **about: str | None) -> dict[str, Any]:
    """The open exception of this code and party, once it has an item with these facts."""
    found: dict[str, Any] = {}

    async def is_there() -> bool:
        query = urlencode({"state": "open", "code": code, "party": party})
        for one in (await world.api.call("GET", f"/exceptions?{query}", 200))["items"]:
            items = await world.api.call("GET", f"/exceptions/{one['id']}/items?state=open&limit=500", 200)
            if any(about.items() <= item.items() for item in items["items"]):
                found.update(one)
        return bool(found)

    await world.until(is_there)
    return found


async def stands(world: World, number: str, cause: str) -> dict[str, Any]:
    """The certificate's story once its cause begins so."""
    story: dict[str, Any] = {}

    async def is_so() -> bool:
        story.update(await world.api.track(number))
        return (story["cause"] or "").startswith(cause)

    await world.until(is_so)
    return story


async def answered_by_kh(world: World, *replies: Reply) -> str:
    """A certificate for KH.CUSTOMS, which answers so; its number."""
    number = new_number("VN")
    waiting = list(replies)

    async def say(_: Heard) -> Reply:
        return waiting.pop(0)

    world.kh.will_say(number, *([say] * len(replies)))
    await world.api.submit(certificate(number, exporting="VN", importing="KH"))
    return number


async def refused_by_kh(world: World, status: int, code: str) -> str:
    """A certificate that KH.CUSTOMS refuses with a sealed exception; its number."""
    number = new_number("VN")

    async def say(message: Heard) -> Reply:
        text = refusal(message.raw, by="KH.CUSTOMS", code=code, text="We cannot")
        return Reply(status=status, body=seal(text, world.kept["KH.CUSTOMS"].seals))

    world.kh.will_say(number, say)
    await world.api.submit(certificate(number, exporting="VN", importing="KH"))
    return number


async def test_t01_moves_by_itself_and_t04_is_the_operators(world: World) -> None:
    number = await answered_by_kh(world, *[Reply(status=500, body=b"")] * 4)

    tried = await stands(world, number, "T01")
    given_up = await stands(world, number, "T04")
    queue = await queued(world, "T04", "KH.CUSTOMS", certificate_number=number)

    assert (tried["owner"], tried["next_action"]) == ("none", "Nothing; the next attempt is made by itself.")
    assert tried["until"] is not None
    assert given_up["owner"] == queue["owner"] == "operator"
    assert given_up["next_action"] == queue["next_action"] == "Resend it when the party answers again."


async def test_t02_is_the_administrators_while_it_is_still_tried(world: World) -> None:
    number = new_number("VN")
    await world.api.submit(certificate(number, exporting="VN", importing="LA"))

    story = await stands(world, number, "T02")
    queue = await queued(world, "T02", "LA.CUSTOMS", certificate_number=number)

    assert story["owner"] == queue["owner"] == "administrator"
    assert story["next_action"] == queue["next_action"]
    assert queue["cause"].startswith("T02: ")


async def test_t03_waits_as_the_party_asked_and_needs_nobody(world: World) -> None:
    wait = Reply(status=503, body=b"", headers={"Retry-After": "1"})
    number = await answered_by_kh(world, wait)

    story = await stands(world, number, "T03")

    assert story["owner"] == "none"
    assert "tried again by itself" in story["next_action"]
    assert story["until"] is not None


@pytest.mark.parametrize(
    ("status", "code", "owner", "action"),
    [
        (409, "D02", "operator", "Compare both messages"),
        (422, "D04", "operator", "Compare both clocks"),
    ],
)
async def test_a_sealed_refusal_names_whose_move_it_is(
    world: World, status: int, code: str, owner: str, action: str
) -> None:
    number = await refused_by_kh(world, status, code)

    story = await stands(world, number, code)
    queue = await queued(world, code, "KH.CUSTOMS", certificate_number=number)

    assert story["owner"] == queue["owner"] == owner
    assert action in story["next_action"]
    assert queue["next_action"] == story["next_action"]


async def test_d01_is_nobodys_for_the_party_had_it(world: World) -> None:
    number = await refused_by_kh(world, 409, "D01")

    story = await stands(world, number, "D01")

    assert (story["owner"], story["next_action"]) == ("none", "Nothing; the party had it already.")


async def test_b02_is_told_at_home_too_when_more_was_used_abroad_than_was_issued(world: World) -> None:
    ours = await world.sent_to(world.th)
    number = ours.number or ""
    for declaration in ("D-1", "D-2"):
        claim = customs_response(number, ours.id, item("utilised", declaration=declaration))
        await world.th.deliver(world.answering(world.th, ours, "customs-response", claim))

    story = await stands(world, number, "B02")
    queue = await queued(world, "B02", "TH.CUSTOMS", certificate_number=number)

    assert len(story["customs_responses"]) == 2  # what was used there was used: it is kept
    assert story["owner"] == queue["owner"] != "none"
    assert story["next_action"] == queue["next_action"] != ""


async def test_b03_is_the_issuing_authoritys_when_a_cancelled_certificate_is_claimed(world: World) -> None:
    ours = await world.sent_to(world.th)
    number = ours.number or ""
    await world.api.cancel(number)
    asked = (await world.th.waits_for("cancellation", number=number))[0]
    agreed = world.answering(world.th, asked, "acknowledgement", acknowledgement(asked))
    await world.th.deliver(agreed)
    claim = customs_response(number, ours.id, item("utilised"))
    await world.th.deliver(world.answering(world.th, ours, "customs-response", claim))

    story = await stands(world, number, "B03")
    queue = await queued(world, "B03", "TH.CUSTOMS", certificate_number=number)

    assert story["owner"] == queue["owner"] == "issuing authority"
    assert story["next_action"] == queue["next_action"]


async def test_d03_is_the_operators_when_patience_with_an_orphan_ends(world: World) -> None:
    number = new_number("MY")
    letter = world.my.letter(
        "cancellation", cancellation(number, "nobody@my"), number=number, about="nobody@my"
    )
    await world.my.deliver(letter)

    queue = await queued(world, "D03", "MY.CUSTOMS", message_id=letter.id)

    assert queue["owner"] == "operator"
    assert queue["next_action"] == "Find out which certificate is meant, or ask the party for it."


async def test_d05_is_to_be_settled_on_both_sides(world: World) -> None:
    theirs = a_certificate(world.th)
    await world.th.deliver(theirs)
    document = certificate(theirs.number or "", exporting="TH", importing="VN", quantity="1300")
    other = a_certificate(world.th, theirs.number, document=document)
    await world.th.deliver(other)
    ours = await world.sent_to(world.th)
    finding = '<Finding code="D05" severity="error">The number came before</Finding>'
    verdict = acknowledgement(ours, "rejected", findings=finding)
    await world.th.deliver(world.answering(world.th, ours, "acknowledgement", verdict))

    here = await queued(world, "D05", "TH.CUSTOMS", message_id=other.id)
    story = await stands(world, ours.number or "", "D05: The number came before")
    there = await queued(world, "D05", "TH.CUSTOMS", certificate_number=ours.number or "")

    assert here["owner"] == "customs"
    assert here["id"] != there["id"]
    assert story["owner"] == there["owner"] == "issuing authority"
    assert story["next_action"] == there["next_action"]


@pytest.mark.parametrize(
    ("code", "owner"),
    [("G01", "operator"), ("D02", "operator"), ("D04", "operator"), ("S03", "administrator")],
)
async def test_what_we_refuse_from_abroad_is_somebodys_until_the_party_sends_something_good(
    world: World, code: str, owner: str
) -> None:
    good = a_ping(world.sg)
    raw = world.sg.sealed(good)
    match code:
        case "G01":
            raw = raw.replace(b"Are you there?", b"Are you gone?!")
        case "D02":
            await world.sg.deliver(good)
            raw = world.sg.sealed(good.but(document=good.document.replace("there", "here")))
        case "D04":
            raw = world.sg.sealed(a_ping(world.sg, created=in_utc(world.now(days=-31))))
        case _:
            raw = world.sg.sealed(a_certificate(world.sg, form="atiga/form-d/1.0"))
    await world.sg.send(raw)

    queue = await queued(world, code, "SG.CUSTOMS", message_id=None)
    await world.sg.deliver(a_certificate(world.sg))

    async def is_over() -> bool:
        return bool((await world.api.call("GET", f"/exceptions/{queue['id']}", 200))["state"] == "closed")

    await world.until(is_over)
    assert (queue["owner"], queue["waiting"]) == (owner, 1)
