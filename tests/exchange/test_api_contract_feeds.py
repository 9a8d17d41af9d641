"""The two feeds, inbox and events: they grow at their end alone, and a cursor is good for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.acknowledge.bodies import Cancellation, CustomsResponse
from gateway.domain.caller import Role
from gateway.domain.ids import CertificateNumber, MessageId
from gateway.domain.status import CustomsOutcome
from gateway.store.records import CustomsEntry
from tests.exchange.contract import (
    TH,
    TODAY,
    VN,
    Caller,
    Pair,
    a_record,
    inbox_path,
    message_path,
    path_of,
    told,
    two_gateways,
    whats,
)
from tests.exchange.contract_abroad import Abroad
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

EVENT = ["cursor", "at", "what", "message_id", "certificate_number", "party"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two_gateways(servers, tmp_path_factory.mktemp("feeds")) as running:
        yield running


async def end_of(caller: Caller, feed: str) -> str:
    """The cursor after the last item there is."""
    items = await caller.items(feed, limit="500")
    return str(items[-1]["cursor"]) if items else "0"


@pytest.mark.parametrize("feed", ["/inbox", "/events"])
async def test_a_reader_that_keeps_its_cursor_sees_everything_once_and_in_order(
    pair: Pair, feed: str
) -> None:
    caller = pair.th.operator
    start = await end_of(caller, feed)
    seen: list[Any] = []
    cursor = start

    async def read(until_quiet: asyncio.Event) -> None:
        nonlocal cursor
        while True:
            quiet = until_quiet.is_set()
            page = (await caller.get(feed, after=cursor, limit="3")).body
            seen.extend(page["items"])
            assert page["next"] == (page["items"][-1]["cursor"] if page["items"] else cursor)
            cursor = page["next"]
            if quiet and not page["items"]:
                return
            await asyncio.sleep(0.01)

    done = asyncio.Event()
    reader = asyncio.create_task(read(done))
    sent = await asyncio.gather(*(pair.exchange() for _ in range(8)))
    await asyncio.gather(
        *(pair.th.customs.post(f"{one.inbox}/acknowledgement", {"outcome": "accepted"}) for one in sent)
    )
    done.set()
    await reader

    whole = await caller.items(feed, after=start, limit="500")
    assert whole[: len(seen)] == seen
    assert {one.number for one in sent} <= {item["certificate_number"] for item in seen}
    assert len({item["cursor"] for item in whole}) == len(whole)


async def test_an_empty_feed_has_a_cursor_all_the_same(pair: Pair) -> None:
    caller = pair.th.operator

    empty = (await caller.get("/inbox", type="status-query")).body
    again = (await caller.get("/inbox", type="status-query", after=empty["next"])).body
    nothing_new = (await caller.get("/events", after=await end_of(caller, "/events"))).body

    assert empty == again == {"items": [], "next": "0"}
    assert nothing_new["next"] != "0" or nothing_new["items"] == []


async def test_a_cursor_is_exclusive_and_outlives_the_node(pair: Pair) -> None:
    await pair.exchange()
    inbox = await pair.th.operator.items("/inbox")
    events = await pair.th.operator.items("/events")
    await pair.th.restart()
    caller = pair.th.operator

    assert (await caller.items("/inbox", after=inbox[0]["cursor"]))[: len(inbox) - 1] == inbox[1:]
    assert (await caller.items("/events", after=events[2]["cursor"]))[: len(events) - 3] == events[3:]
    assert (await caller.items("/inbox"))[: len(inbox)] == inbox
    last = (await caller.get("/inbox", after=inbox[-1]["cursor"])).body
    assert last["next"] == (last["items"][-1]["cursor"] if last["items"] else inbox[-1]["cursor"])


@pytest.mark.parametrize("feed", ["/inbox", "/events", "/events/stream"])
async def test_a_cursor_that_was_never_given_out_is_400(pair: Pair, feed: str) -> None:
    await pair.exchange()
    caller = pair.th.operator
    other = await end_of(caller, "/inbox" if feed != "/inbox" else "/events")

    for after in ("x", "1", "-1", "1-1-1", other + "0", "99999999999999999999999", "0x0", "\x00", "' OR 1=1"):
        reply = await caller.get(feed, after=after)
        assert (reply.status, reply.body["status"]) == (400, 400), after


async def test_a_repeat_stands_in_the_inbox_once(pair: Pair) -> None:
    abroad = Abroad(pair, VN, pair.th)
    first = await abroad.certificate(a_record())
    again = await asyncio.gather(*(abroad.again(first.sealed) for _ in range(3)))

    arrived = await pair.th.customs.items("/inbox", limit="500")

    assert [first.status, *(one.status for one in again)] == [200] * 4
    assert [one["message_id"] for one in arrived].count(first.message_id) == 1


async def test_inbox_items_are_of_the_type_that_was_asked_for(pair: Pair) -> None:
    await pair.exchange()

    certificates = await pair.vn.operator.items("/inbox", type="certificate")
    answers = await pair.vn.operator.items("/inbox", type="acknowledgement")

    assert certificates == []
    assert {one["type"] for one in answers} == {"acknowledgement"}
    assert all(one["ref_to_message_id"] for one in answers)


async def test_an_answer_about_nothing_known_stands_in_the_inbox_as_it_arrives(pair: Pair) -> None:
    entry = CustomsEntry(item=1, outcome=CustomsOutcome.UTILISED, date=TODAY)
    number, about = "VN-TH 99/1", "never-sent@vn.moit"
    body = CustomsResponse(
        certificate_number=CertificateNumber(number), ref_to_message_id=MessageId(about), entries=(entry,)
    )
    posted = await Abroad(pair, TH, pair.vn).say(body, number=number, about=about, conversation="c@vn.moit")

    arrival = (await pair.vn.operator.get(inbox_path(posted.message_id))).body

    assert (arrival["type"], arrival["ref_to_message_id"]) == ("customs-response", about)
    assert (arrival["certificate_number"], arrival["valid"]) == (number, True)
    assert arrival["content"]["items"][0]["outcome"] == "utilised"
    message = (await pair.vn.operator.get(message_path(posted.message_id))).body
    assert (message["acknowledgement"], message["delivery"]) == (None, None)


async def test_a_cancellation_that_overtakes_its_certificate_is_matched_when_that_comes(pair: Pair) -> None:
    abroad, record = Abroad(pair, VN, pair.th), a_record()
    number, about, conversation = record["certificate_number"], "late@vn.moit", "overtaken@vn.moit"
    body = Cancellation(
        certificate_number=CertificateNumber(number), ref_to_message_id=MessageId(about), reason="a mistake"
    )
    first = await abroad.say(body, number=number, about=about, conversation=conversation)
    second = await abroad.certificate(record, message_id=about, conversation=conversation)
    story = await pair.th.customs.until(path_of(record), lambda story: story["life"] == "cancelled")

    assert (first.status, second.status) == (200, 200)
    mine = [
        one["type"] for one in await pair.th.customs.items("/inbox") if one["certificate_number"] == number
    ]
    assert mine == ["cancellation", "certificate"]
    assert "life:cancelled" in whats(story)


async def test_every_move_is_told_as_layer_and_value(pair: Pair) -> None:
    start = await end_of(pair.vn.operator, "/events")
    sent = await pair.exchange()
    response = {"items": [{"no": 1, "outcome": "utilised"}, {"no": 2, "outcome": "not_utilised"}]}
    await pair.th.customs.post(f"{sent.inbox}/customs-response", response)
    await pair.vn.issuer.until(sent.path, lambda story: story["customs_responses"])
    await pair.vn.operator.post(f"{sent.message}/resend", {"reason": "asked to"})
    await pair.vn.issuer.until(sent.path, lambda story: len(story["messages"][0]["attempts"]) == 2)
    refused = await pair.vn.issuer.submit(
        a_record(certificate_number="VN-TH 26/R") | {"importing_country": "SG"}
    )

    events = await pair.vn.operator.items("/events", after=start, limit="500")
    told_of = [one for one in events if one["certificate_number"] == sent.number]

    assert all(list(one) == EVENT for one in events)
    of_certificate = [one["what"] for one in told_of if one["message_id"] == sent.message_id]
    of_certificate.remove("acknowledgement:accepted")  # it may overtake the receipt
    assert of_certificate == [
        "submission:accepted",
        "delivery:ready_to_send",
        "delivery:sending",
        "receipt:stored",
        "delivery:delivered",
        "operator:resend",
        "delivery:ready_to_send",
        "delivery:sending",
        "receipt:stored",
        "delivery:delivered",
    ]
    assert {"customs-response:utilised", "customs-response:not_utilised"} <= {one["what"] for one in told_of}
    assert {one["party"] for one in told_of} == {"TH.CUSTOMS"}
    (refusal,) = [one for one in events if one["what"] == "submission:refused"]
    assert (refused.status, refusal["message_id"], refusal["certificate_number"]) == (422, None, "VN-TH 26/R")


async def test_everybody_is_told_of_their_own_alone(pair: Pair) -> None:
    mine, theirs = await pair.exchange(organisation="HN"), await pair.exchange(organisation="HCM")
    numbers = {mine.number, theirs.number}

    async def heard(side: Any, role: Role, organisation: str | None = None) -> set[str]:
        items = await side.as_(role, organisation=organisation).items("/events", limit="500")
        return numbers & {item["certificate_number"] for item in items}

    assert await heard(pair.vn, Role.ISSUER, "HN") == {mine.number}
    assert await heard(pair.vn, Role.EXPORTER, "HCM") == {theirs.number}
    assert await heard(pair.vn, Role.ISSUER) == numbers
    assert await heard(pair.vn, Role.CUSTOMS) == set()
    assert await heard(pair.vn, Role.ADMINISTRATOR) == numbers
    assert await heard(pair.th, Role.CUSTOMS) == numbers


async def test_the_stream_tells_what_the_page_tells_and_resumes_either_way(pair: Pair) -> None:
    caller = pair.vn.operator
    start = await end_of(caller, "/events")
    async with caller.listen(after=start) as response:
        sent = await pair.submitted()
        first = await told(response, 2)
        kind = response.content_type
    await caller.until(sent.path, lambda story: story["messages"][0]["delivery"] == "delivered")
    async with caller.listen(headers={"Last-Event-ID": first[0]["id"]}) as response:
        by_header = await told(response, 3)
    async with caller.listen(after=first[0]["id"]) as response:
        by_parameter = await told(response, 3)
    async with caller.listen(headers={"Last-Event-ID": first[1]["id"]}, after=start) as response:
        reconnected = await told(response, 1)

    page = (await caller.get("/events", after=start, limit="4")).body["items"]
    assert kind == "text/event-stream"
    assert [one["data"] for one in first + by_header[1:]] == page
    assert [one["id"] for one in first] == [one["cursor"] for one in page[:2]]
    assert [one["event"] for one in first] == [one["what"] for one in page[:2]]
    assert by_parameter == by_header
    assert reconnected[0]["data"] == page[2]  # a client that reconnects repeats its first address


async def test_a_stream_ends_when_its_node_stops(pair: Pair) -> None:
    async with pair.th.operator.listen() as response:
        await pair.th.restart()
        async with asyncio.timeout(25):
            while await response.content.readany():
                pass

    assert (await pair.th.stranger.get("//health/ready")).status == 200
