"""The national API over the real ledger: pages, sight and stories as callers meet them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient
from yarl import URL

from gateway.domain.ids import MessageId
from gateway.domain.status import AcknowledgementOutcome, Direction
from gateway.intake import shapes
from gateway.intake.routes import PREFIX
from gateway.store.ledger import Ledger
from tests.store.making import (
    FAULT,
    a_certificate,
    acknowledge,
    admitted,
    an_arrival,
    certificate_of,
    claim_one,
    deliver,
    failed,
    sha256,
)
from tests.unit.intake.doors import as_, national_door, problem

Client = TestClient[Any, Any]


async def get(client: Client, path: str, who: str = "operator", **query: str) -> Any:
    url = URL(f"{PREFIX}{path}", encoded=True).update_query(query)
    response = await client.get(url, headers=as_(who))
    assert response.status == 200, await response.text()
    return await response.json()


async def all_pages(client: Client, path: str, who: str = "operator", **query: str) -> list[dict[str, Any]]:
    """Every item, page by page, as a client with a cursor reads them; ends where a cursor does not move."""
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = await get(client, path, who, **query, after=after)
        found += page["items"]
        if page["next"] in (None, after) or not page["items"]:
            return found
        after = page["next"]


def one(number: str, country: str = "VN") -> str:
    return f"/certificates/{country}/form-d/{quote(number, safe='')}"


async def test_pages_tell_every_certificate_once_and_newest_first(ledger: Ledger) -> None:
    for n in range(5):
        await ledger.submit(a_certificate(f"VN-{n}", f"<c{n}/>".encode()))
    async with national_door(ledger=ledger) as client:
        items = await all_pages(client, "/certificates", limit="2")

    assert [item["certificate_number"] for item in items] == [f"VN-{n}" for n in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param({"number": "VN/1"}, ["VN/1"], id="number"),
        pytest.param({"form": "form-d"}, ["TH-1", "VN/1"], id="middle-part"),
        pytest.param({"form": "atiga/form-d"}, ["TH-1", "VN/1"], id="family"),
        pytest.param({"form": "rcep/form-rcep/1.0"}, [], id="another-form"),
        pytest.param({"receiver": "TH.CUSTOMS"}, ["VN/1"], id="receiver"),
        pytest.param({"direction": "in"}, ["TH-1"], id="received"),
        pytest.param({"status": "ready_to_send"}, ["VN/1"], id="delivery"),
        pytest.param({"status": "accepted"}, ["TH-1"], id="acknowledgement"),
        pytest.param({"status": "in_force"}, ["TH-1", "VN/1"], id="life"),
        pytest.param({"from": "2026-11-21", "to": "2026-11-21"}, ["TH-1", "VN/1"], id="that-day"),
        pytest.param({"from": "2026-11-22"}, [], id="a-later-day"),
    ],
)
async def test_a_search_finds_what_was_asked(ledger: Ledger, query: dict[str, str], found: list[str]) -> None:
    await ledger.submit(a_certificate("VN/1"))
    await admitted(ledger, an_arrival("TH-1"))
    async with national_door(ledger=ledger) as client:
        page = await get(client, "/certificates", **query)

    shapes.Search.model_validate(page)
    assert sorted(item["certificate_number"] for item in page["items"]) == found


@pytest.mark.parametrize(
    ("who", "numbers"),
    [
        pytest.param("auditor", {"VN-A", "VN-B", "TH-1"}, id="auditor"),
        pytest.param("issuer", {"VN-A", "VN-B"}, id="whole-issuing-authority"),
        pytest.param("issuer@A", {"VN-A"}, id="one-organisation"),
        pytest.param("exporter@B", {"VN-B"}, id="one-exporter"),
        pytest.param("exporter", set(), id="exporter-of-nothing"),
        pytest.param("customs", {"TH-1"}, id="customs"),
        pytest.param("issuer+customs@A", {"VN-A", "TH-1"}, id="two-roles"),
    ],
)
async def test_everybody_sees_their_own_in_search_events_and_one_by_one(
    ledger: Ledger, who: str, numbers: set[str]
) -> None:
    await ledger.submit(a_certificate("VN-A", b"<a/>", organisation="A"))
    await ledger.submit(a_certificate("VN-B", b"<b/>", organisation="B"))
    await admitted(ledger, an_arrival("TH-1"))
    async with national_door(ledger=ledger) as client:
        search = await all_pages(client, "/certificates", who)
        events = await all_pages(client, "/events", who)
        each = {
            number: (await client.get(PREFIX + one(number, number[:2]), headers=as_(who))).status
            for number in ("VN-A", "VN-B", "TH-1")
        }

    assert {item["certificate_number"] for item in search} == numbers
    assert {event["certificate_number"] for event in events} == numbers
    assert {number for number, status in each.items() if status == 200} == numbers


async def test_the_inbox_of_an_issuer_holds_answers_to_its_own_alone(ledger: Ledger) -> None:
    mine = await ledger.submit(a_certificate("VN-A", b"<a/>", organisation="A"))
    certificate = await certificate_of(ledger, "VN-A")
    answer = an_arrival("VN-A", b"<answer/>", type="customs-response", ref_to_message_id=mine.message_id)
    await admitted(ledger, an_arrival("TH-1"))
    async with ledger.page() as page:
        answer_no = await page.write_inbound(answer, certificate_no=certificate.certificate_no)
        assert answer_no is not None
        await page.put_in_inbox(answer_no)
    async with national_door(ledger=ledger) as client:
        seen = {
            who: [item["certificate_number"] for item in await all_pages(client, "/inbox", who)]
            for who in ("customs", "issuer", "issuer@A", "issuer@B")
        }

    assert seen == {"customs": ["TH-1", "VN-A"], "issuer": ["VN-A"], "issuer@A": ["VN-A"], "issuer@B": []}


async def test_a_feed_goes_on_from_its_cursor_and_stays_there_when_nothing_is_new(ledger: Ledger) -> None:
    async with national_door(ledger=ledger) as client:
        empty = await get(client, "/inbox")
        await admitted(ledger, an_arrival("TH-1"))
        first = await get(client, "/inbox", after=empty["next"])
        nothing = await get(client, "/inbox", after=first["next"])
        await admitted(ledger, an_arrival("TH-2", b"<two/>"), content=b"<2/>")
        second = await get(client, "/inbox", after=nothing["next"])

    assert empty == {"items": [], "next": "0"}
    assert [item["certificate_number"] for item in first["items"] + second["items"]] == ["TH-1", "TH-2"]
    assert nothing == {"items": [], "next": first["next"]}
    assert first["items"][0]["cursor"] == first["next"]


@pytest.mark.parametrize("path", ["/inbox", "/events", "/certificates", "/submissions"])
async def test_a_cursor_that_was_never_given_out_is_400(ledger: Ledger, path: str) -> None:
    async with national_door(ledger=ledger) as client:
        for after in ("7", "1-1-1", "x", "99999999999999999999"):
            url = f"{PREFIX}{path}?after={after}"

            await problem(await client.get(url, headers=as_("operator")), 400)


async def test_a_certificate_is_told_from_submission_to_acknowledgement(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN/1"))
    claim = await claim_one(ledger)
    await ledger.settle([failed(claim)])
    async with national_door(ledger=ledger) as client:
        waiting = await get(client, one("VN/1"))
        await deliver(ledger, "VN/2", content=b"<2/>")
        await acknowledge(ledger, await certificate_of(ledger, "VN/2"), AcknowledgementOutcome.ACCEPTED)
        accepted = await get(client, one("VN/2"))

    for view in (waiting, accepted):
        shapes.Track.model_validate(view)
    assert (waiting["cause"], waiting["owner"]) == ("T01: cannot connect", "none")
    assert waiting["until"] == waiting["messages"][0]["attempts"][0]["next_at"]
    assert accepted["messages"][0]["acknowledgement"]["outcome"] == "accepted"
    assert accepted["messages"][0]["receipt"]["digest"] == sha256(b"<sealed><2/></sealed>").hex()
    whats = [event["what"] for event in accepted["events"]]
    assert whats[0] == "submission:accepted"
    assert {"receipt:stored", "delivery:delivered", "acknowledgement:accepted"} <= set(whats)


async def test_a_message_is_found_by_its_id_with_its_timeline_and_bytes(ledger: Ledger) -> None:
    taken = await deliver(ledger, "VN-1")
    path = f"/messages/{quote(taken.message_id, safe='')}"
    async with national_door(ledger=ledger) as client:
        message = await get(client, path, "issuer@MOIT-HN")
        timeline = await get(client, path + "/timeline", "issuer@MOIT-HN")
        document = await client.get(f"{PREFIX}{path}/document", headers=as_("issuer@MOIT-HN"))
        foreign = await client.get(PREFIX + path, headers=as_("issuer@HCMC"))

        assert await document.read() == b"<sealed><certificate/></sealed>"
    shapes.Message.model_validate(message)
    shapes.Timeline.model_validate(timeline)
    assert (message["sender"], message["receiver"]) == ("VN.MOIT", "TH.CUSTOMS")
    assert {"delivery:delivered", "receipt:stored"} <= {event["what"] for event in timeline["items"]}
    assert foreign.status == 404


async def test_an_id_used_on_both_sides_is_told_apart_by_its_sender(ledger: Ledger) -> None:
    ours = await ledger.submit(a_certificate("VN-1"))
    await admitted(ledger, an_arrival("TH-1", message_id=ours.message_id))
    path = f"/messages/{quote(ours.message_id, safe='')}"
    async with national_door(ledger=ledger) as client:
        both = await problem(await client.get(PREFIX + path, headers=as_("auditor")), 409)
        found = [await get(client, path, party=party) for party in ("VN.MOIT", "TH.CUSTOMS")]

    assert [message["party"] for message in both["messages"]] == ["VN.MOIT", "TH.CUSTOMS"]
    assert [message["direction"] for message in found] == ["out", "in"]


async def test_an_arrival_is_told_with_its_findings_and_content(ledger: Ledger) -> None:
    arrived = an_arrival("TH-1", message_id=MessageId("a/b@th.example"), findings=(FAULT,))
    async with ledger.page() as page:
        message_no = await page.write_inbound(arrived, certificate_no=None)
        assert message_no is not None
        await page.put_in_inbox(message_no)
    async with national_door(ledger=ledger) as client:
        (item,) = await all_pages(client, "/inbox", "customs", type="certificate")
        found = await get(client, "/inbox/a%2Fb%40th.example", "customs")

    shapes.InboxItem.model_validate(item)
    assert (found["valid"], found["findings"][0]["code"]) == (False, "C02")
    assert found["content"] == {"bytes": len(b"<arrived/>"), "type": "certificate"}
    assert {**item, "content": found["content"]} == {**found, "cursor": item["cursor"]}


async def test_received_certificates_are_customs_and_their_own_party_is_the_sender(ledger: Ledger) -> None:
    await admitted(ledger, an_arrival("TH-1"), answered=True)
    async with national_door(ledger=ledger) as client:
        view = await get(client, one("TH-1", "TH"), "customs")
        (hit,) = await all_pages(client, "/certificates", "customs")

    assert [message["type"] for message in view["messages"]] == ["certificate", "acknowledgement"]
    assert view["messages"][0]["direction"] == Direction.IN
    assert view["messages"][0]["receipt"]["signer"] == "VN.MOIT"
    assert (hit["receiver"], hit["delivery"]) == ("VN.MOIT", None)


async def test_refused_submissions_are_paged_and_kept_with_their_bytes(ledger: Ledger) -> None:
    for n in range(3):
        await ledger.refuse_submission(
            content=f"<bad{n}/>".encode(),
            content_type="application/xml",
            findings=(FAULT,),
            form=None,
            certificate_number=None,
            organisation="A" if n else "B",
            actor="clerk",
            at=a_certificate().at,
        )
    async with national_door(ledger=ledger) as client:
        mine = await all_pages(client, "/submissions", "issuer@A", status="refused", limit="1")
        path = f"/submissions/{mine[0]['submission_id']}"
        document = await client.get(f"{PREFIX}{path}/document", headers=as_("auditor"))
        foreign = await client.get(PREFIX + path, headers=as_("issuer@B"))

        assert await document.read() == b"<bad2/>"
    shapes.RefusedSubmission.model_validate(mine[0])
    assert (len(mine), foreign.status) == (2, 404)
