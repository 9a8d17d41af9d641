"""Searching and reading: which keys stand where, what finds what, and that bytes are bytes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.exchange.contract import (
    MY,
    RCEP,
    VN,
    Exchanged,
    Pair,
    a_record,
    inbox_path,
    message_path,
    path_of,
    two_gateways,
)
from tests.exchange.contract_abroad import Abroad
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

HIT = [
    "certificate_number",
    "form",
    "exporting_country",
    "importing_country",
    "receiver",
    "message_id",
    "issue_date",
    "life",
    "delivery",
    "acknowledgement",
    "customs_response",
    "submitted_at",
]
TRACK = [
    "certificate_number",
    "form",
    "exporting_country",
    "importing_country",
    "life",
    "cause",
    "owner",
    "next_action",
    "until",
    "messages",
    "customs_responses",
    "events",
    "chain",
]
ELEMENT = ["message_id", "type", "direction", "party", "delivery", "receipt", "acknowledgement", "attempts"]
MESSAGE = [
    *ELEMENT,
    "certificate_number",
    "form",
    "sender",
    "receiver",
    "ref_to_message_id",
    "conversation_id",
    "digest",
    "created_at",
]
ARRIVAL = [
    "message_id",
    "type",
    "sender",
    "form",
    "certificate_number",
    "received_at",
    "ref_to_message_id",
    "valid",
    "findings",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two_gateways(servers, tmp_path_factory.mktemp("reading")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent(pair: Pair) -> Exchanged:
    """A certificate that was acknowledged."""
    return await pair.exchange()


async def test_every_object_has_its_keys_and_no_others(pair: Pair, sent: Exchanged) -> None:
    (hit,) = await pair.vn.issuer.items("/certificates", number=sent.number)
    story = (await pair.vn.issuer.get(sent.path)).body
    message = (await pair.vn.issuer.get(sent.message)).body
    timeline = (await pair.vn.issuer.get(f"{sent.message}/timeline")).body
    page = (await pair.th.customs.get("/inbox")).body
    arrival = (await pair.th.customs.get(sent.inbox)).body

    assert (list(hit), list(story), list(story["messages"][0])) == (HIT, TRACK, ELEMENT)
    assert list(message) == MESSAGE
    assert list(story["messages"][0]["receipt"]) == ["at", "digest", "signer"]
    assert list(story["messages"][0]["acknowledgement"]) == ["outcome", "by", "at", "findings"]
    assert list(story["messages"][0]["attempts"][0]) == ["at", "outcome", "cause", "next_at"]
    assert list(story["events"][0]) == ["at", "what", "who"]
    assert list(timeline) == ["items"]
    assert {"cursor", "at", "what", "message_id", "certificate_number", "party"} <= set(timeline["items"][0])
    assert list(page) == ["items", "next"]
    assert list(page["items"][0]) == ["cursor", *ARRIVAL]
    assert list(arrival) == [*ARRIVAL, "content"]


async def test_a_message_says_the_same_on_both_sides(pair: Pair, sent: Exchanged) -> None:
    here, there = (
        (await pair.vn.operator.get(sent.message)).body,
        (await pair.th.operator.get(sent.message)).body,
    )

    assert (here["direction"], there["direction"]) == ("out", "in")
    assert (here["party"], there["party"]) == ("TH.CUSTOMS", "VN.MOIT")
    assert (here["delivery"], there["delivery"]) == ("delivered", None)
    same = ["message_id", "type", *MESSAGE[len(ELEMENT) :]]
    assert {key: here[key] for key in same} == {key: there[key] for key in same}
    assert (here["sender"], here["receiver"]) == ("VN.MOIT", "TH.CUSTOMS")
    assert [attempt["outcome"] for attempt in here["attempts"]] == ["delivered"]
    assert here["attempts"][-1]["next_at"] is None
    assert there["attempts"] == []


async def test_the_document_is_the_very_bytes_that_travelled(pair: Pair, sent: Exchanged) -> None:
    here = await pair.vn.issuer.get(f"{sent.message}/document")
    there = await pair.th.customs.get(f"{sent.message}/document")
    message = (await pair.vn.issuer.get(sent.message)).body

    assert here.raw == there.raw
    assert here.headers["Content-Type"].startswith("application/xml")
    digest = hashlib.sha256(here.raw).hexdigest()
    assert (message["digest"], message["receipt"]["digest"]) == (digest, digest)
    assert b"StandardBusinessDocument" in here.raw


async def test_an_arrival_holds_the_box_record_that_was_handed_in(pair: Pair, sent: Exchanged) -> None:
    arrival = (await pair.th.customs.get(sent.inbox)).body

    assert (arrival["type"], arrival["sender"], arrival["valid"]) == ("certificate", "VN.MOIT", True)
    assert (arrival["ref_to_message_id"], arrival["findings"]) == (None, [])
    assert arrival["content"] | {"form": sent.record["form"]} == sent.record
    assert arrival["content"]["form"].startswith(sent.record["form"])


async def test_an_answer_in_the_inbox_holds_the_body_it_was_posted_with(pair: Pair) -> None:
    sent = await pair.exchange()
    body = {"items": [{"no": 1, "outcome": "utilised", "declaration": "D-1", "date": "2026-11-22"}]}
    posted = await pair.th.customs.post(f"{sent.inbox}/customs-response", body)
    arrived = await pair.vn.issuer.until(inbox_path(posted.body["message_id"]), lambda one: one["content"])

    assert arrived["content"] == body
    assert (arrived["type"], arrived["ref_to_message_id"]) == ("customs-response", sent.message_id)
    assert arrived["certificate_number"] == sent.number


@pytest.mark.parametrize(
    "number",
    ["VN/TH 26/02/00001", "A%2FB", "50% of?it=#1", "a+b&c=d", "Số 12/BCT", "..", "x" * 35],
)
async def test_numbers_of_every_kind_are_found_by_their_address(pair: Pair, number: str) -> None:
    record = a_record(certificate_number=number)
    taken = await pair.vn.issuer.submit(record)

    story = await pair.vn.issuer.get(path_of(record))
    (hit,) = await pair.vn.issuer.items("/certificates", number=number)
    cancelled = await pair.vn.issuer.post(f"{path_of(record)}/cancellation", {"reason": "a mistake"})

    assert (taken.status, story.status, cancelled.status) == (202, 200, 202)
    assert story.body["certificate_number"] == hit["certificate_number"] == number


async def test_ids_of_every_kind_are_found_by_their_address(pair: Pair) -> None:
    odd = "a/b%2F?x=1#é+~:@vn.moit"
    posted = await Abroad(pair, VN, pair.th).certificate(a_record(), message_id=odd)

    arrival = await pair.th.customs.get(inbox_path(odd))
    document = await pair.th.customs.get(f"{message_path(odd)}/document")
    answered = await pair.th.customs.post(f"{inbox_path(odd)}/acknowledgement", {"outcome": "accepted"})

    assert posted.status == 200
    assert (arrival.status, arrival.body["message_id"]) == (200, odd)
    assert (document.raw, answered.status) == (posted.sealed.body, 202)


async def test_where_two_parties_used_one_id_the_party_tells_them_apart(pair: Pair) -> None:
    ours, theirs = a_record(), a_record(exporting_country="MY", certificate_number="MY-1/26")
    theirs |= {"exporter": ours["exporter"] | {"country": "MY"}}
    theirs |= {"items": [item | {"origin": "MY"} for item in ours["items"]]}
    theirs |= {"transport": ours["transport"] | {"port_of_loading": "MYPKG"}}
    same = "same@everywhere"
    for party, record in ((VN, ours), (MY, theirs)):
        assert (await Abroad(pair, party, pair.th).certificate(record, message_id=same)).status == 200
    customs = pair.th.customs

    both = await customs.get(message_path(same))
    one = await customs.get(message_path(same), party=MY)
    arrival = await customs.get(inbox_path(same), party=VN)
    nobody = await customs.get(message_path(same), party="ID.CUSTOMS")
    unanswered = await customs.post(f"{inbox_path(same)}/acknowledgement", {"outcome": "accepted"})
    answered = await customs.post(f"{inbox_path(same)}/acknowledgement", {"outcome": "accepted"}, party=MY)

    assert both.status == 409
    assert "MY.CUSTOMS" in both.raw.decode()
    assert "VN.MOIT" in both.raw.decode()
    assert (one.body["sender"], one.body["certificate_number"]) == (MY, "MY-1/26")
    assert (arrival.body["sender"], arrival.body["certificate_number"]) == (VN, ours["certificate_number"])
    assert (nobody.status, unanswered.status, answered.status) == (404, 409, 202)
    assert answered.body["receiver"] == MY


async def test_what_arrived_spoilt_stands_in_the_inbox_with_what_was_found(pair: Pair) -> None:
    posted = await Abroad(pair, VN, pair.th).certificate(a_record(), spoil=True)

    arrival = await pair.th.customs.get(inbox_path(posted.message_id))
    answered = await pair.th.customs.post(
        f"{inbox_path(posted.message_id)}/acknowledgement", {"outcome": "accepted"}
    )

    assert (posted.status, arrival.status) == (200, 200)  # kept and receipted, then judged
    assert (arrival.body["valid"], arrival.codes) == (False, ["S02"])
    assert "content" in arrival.body
    assert answered.status == 409


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param({"form": RCEP}, {"rcep"}, id="without-version"),
        pytest.param({"form": f"{RCEP}/1.0"}, {"rcep"}, id="with-version"),
        pytest.param({"form": "form-rcep"}, {"rcep"}, id="middle-part"),
        pytest.param({"form": f"{RCEP}/2.0"}, set(), id="another-version"),
        pytest.param({"status": "in_force"}, {"d", "rcep"}, id="life"),
        pytest.param({"status": "cancelled"}, {"gone"}, id="another-life"),
        pytest.param({"status": "delivered"}, {"d", "rcep", "gone"}, id="delivery"),
        pytest.param({"status": "accepted"}, {"d", "gone"}, id="acknowledgement"),
        pytest.param({"status": "rejected"}, {"rcep"}, id="another-acknowledgement"),
        pytest.param({"status": "partially_utilised"}, {"d"}, id="customs-response"),
        pytest.param({"from": "2026-11-21", "to": "2026-11-21"}, {"d", "rcep", "gone"}, id="that-day-in-utc"),
        pytest.param({"from": "2026-11-22"}, set(), id="later"),
        pytest.param({"to": "2026-11-20"}, set(), id="earlier"),
        pytest.param({"receiver": "TH.CUSTOMS"}, {"d", "rcep", "gone"}, id="receiver"),
        pytest.param({"receiver": "MY.CUSTOMS"}, set(), id="another-receiver"),
        pytest.param({"direction": "out"}, {"d", "rcep", "gone"}, id="out"),
        pytest.param({"direction": "in"}, set(), id="in"),
        pytest.param(
            {"form": "form-d", "status": "delivered", "from": "2026-11-21"}, {"d", "gone"}, id="all-of-it"
        ),
    ],
)
async def test_a_search_finds_what_was_asked(
    pair: Pair, three: dict[str, str], query: dict[str, str], found: set[str]
) -> None:
    items = await pair.vn.issuer.items("/certificates", limit="500", **query)
    mine = {three[item["certificate_number"]] for item in items if item["certificate_number"] in three}

    assert mine == found
    if "direction" in query or query.get("status") in ("delivered", "ready_to_send"):
        return  # these say how it stands seen from home
    there = await pair.th.customs.items("/certificates", limit="500", **query)
    assert {
        three[item["certificate_number"]] for item in there if item["certificate_number"] in three
    } == found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three(pair: Pair) -> dict[str, str]:
    """Three certificates that stand differently, by number."""
    d, rcep, gone = await pair.exchange(), await pair.exchange(form=RCEP), await pair.exchange()
    items = [{"no": 1, "outcome": "utilised"}]
    await pair.th.customs.post(f"{d.inbox}/customs-response", {"items": items})
    await pair.th.customs.post(f"{rcep.inbox}/acknowledgement", {"outcome": "rejected"})
    await pair.vn.issuer.post(f"{gone.path}/cancellation", {"reason": "a mistake"})
    for path, holds in (
        (d.path, lambda story: story["customs_responses"]),
        (rcep.path, lambda story: story["messages"][0]["acknowledgement"]["outcome"] == "rejected"),
        (gone.path, lambda story: story["life"] == "cancelled"),
    ):
        await pair.vn.issuer.until(path, holds)
    return {d.number: "d", rcep.number: "rcep", gone.number: "gone"}


async def test_pages_tell_each_certificate_once_newest_first_and_end(pair: Pair) -> None:
    numbers = [(await pair.submitted(form=RCEP)).number for _ in range(5)]
    caller = pair.vn.issuer

    page = (await caller.get("/certificates", form=RCEP, limit="2")).body
    rest = await caller.get("/certificates", form=RCEP, limit="500", after=page["next"])

    seen = [item["certificate_number"] for item in page["items"] + rest.body["items"]]
    assert seen[:5] == numbers[::-1]
    assert len(seen) == len(set(seen))
    assert (len(page["items"]), rest.body["next"]) == (2, None)
    submitted = [item["submitted_at"] for item in page["items"] + rest.body["items"]]
    assert submitted == sorted(submitted, reverse=True)


@pytest.mark.parametrize("path", ["/certificates", "/inbox", "/events", "/submissions"])
async def test_limits_and_parameters_are_read_strictly(pair: Pair, sent: Exchanged, path: str) -> None:
    caller = pair.vn.operator
    for limit, status in (("1", 200), ("500", 200), ("0", 400), ("501", 400), ("-1", 400), ("x", 400)):
        assert (await caller.get(path, limit=limit)).status == status, limit
    unknown = await caller.get(path, colour="red")
    assert (unknown.status, unknown.headers["Content-Type"].split(";")[0]) == (
        400,
        "application/problem+json",
    )
    assert "colour" in unknown.body["detail"]
    assert unknown.body["findings"] == []
    for query in ({"status": "burnt"}, {"from": "21.11.2026"}, {"direction": "up"}, {"type": "letter"}):
        assert (await caller.call("GET", path, query=query)).status == 400, query
    assert (await caller.call("GET", sent.path, query={"lang": "vi"})).status == 400


async def test_unknown_things_are_404_problems(pair: Pair, sent: Exchanged) -> None:
    caller = pair.vn.operator
    number = quote(sent.number, safe="")
    for path in (
        f"/certificates/TH/form-d/{number}",
        f"/certificates/VN/form-rcep/{number}",
        "/certificates/VN/form-d/none",
        "/messages/none%40vn.moit",
        "/messages/none%40vn.moit/timeline",
        "/messages/none%40vn.moit/document",
        "/inbox/none%40vn.moit",
        sent.inbox,  # of ours, so nothing that arrived
        "/nothing",
    ):
        reply = await caller.get(path)
        assert (reply.status, reply.body["status"], reply.body["findings"]) == (404, 404, []), path


async def test_all_times_are_in_utc_with_z(pair: Pair, sent: Exchanged) -> None:
    story = (await pair.vn.issuer.get(sent.path)).body
    times: list[Any] = [story["messages"][0]["receipt"]["at"], story["messages"][0]["acknowledgement"]["at"]]
    times += [event["at"] for event in story["events"]]
    times += [(await pair.th.customs.get(sent.inbox)).body["received_at"]]

    assert all(time.startswith("2026-11-21T2") and time.endswith("Z") for time in times)


async def test_the_description_names_every_call(pair: Pair) -> None:
    described = (await pair.vn.issuer.get("/openapi.json")).body

    assert described["openapi"].startswith("3.1")
    for path in (
        "certificates/batch",
        "inbox/{id}/customs-response",
        "events/stream",
        "lanes",
        "submissions",
    ):
        assert f"/api/v1/{path}" in described["paths"]
