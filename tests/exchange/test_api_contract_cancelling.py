"""Cancellation over the national API: asked for at home, decided abroad, and what stands in its way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from gateway.domain.caller import Role
from tests.exchange.contract import Exchanged, Pair, Reply, Side, a_record, path_of, two_gateways, whats
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

REASON = {"reason": "The consignee was wrong."}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two_gateways(servers, tmp_path_factory.mktemp("cancelling")) as running:
        yield running


async def cancel(pair: Pair, sent: Exchanged, **body: Any) -> Reply:
    return await pair.vn.issuer.post(f"{sent.path}/cancellation", body or REASON)


async def respond(pair: Pair, sent: Exchanged, *items: Any) -> Reply:
    return await pair.th.customs.post(f"{sent.inbox}/customs-response", {"items": list(items)})


async def lives(pair: Pair, sent: Exchanged, life: str) -> Any:
    """The story at home once the certificate has this life."""
    return await pair.vn.issuer.until(sent.path, lambda story: story["life"] == life)


@asynccontextmanager
async def silence(side: Side, party: str) -> AsyncIterator[None]:
    """*side* sends nothing to *party* for as long as the block lasts, and takes what comes."""
    operator = side.operator
    assert (await operator.post(f"/parties/{party}/suspend", {"outgoing_only": True})).status == 200
    try:
        yield
    finally:
        assert (await operator.post(f"/parties/{party}/resume")).status == 200


async def test_what_the_far_side_accepts_is_cancelled_on_both(pair: Pair) -> None:
    sent = await pair.exchange()

    asked = await cancel(pair, sent)
    story = await lives(pair, sent, "cancelled")
    there = (await pair.th.customs.get(sent.path)).body

    assert (asked.status, list(asked.body)) == (
        202,
        ["message_id", "certificate_number", "form", "receiver"],
    )
    assert asked.body["certificate_number"] == sent.number
    assert (asked.body["receiver"], asked.body["form"]) == ("TH.CUSTOMS", "atiga/form-d/1.0")
    assert asked.body["message_id"] != sent.message_id
    assert (there["life"], story["cause"], story["owner"]) == ("cancelled", None, "none")
    cancellation = next(one for one in story["messages"] if one["type"] == "cancellation")
    assert cancellation["message_id"] == asked.body["message_id"]
    assert cancellation["acknowledgement"]["outcome"] == "accepted"
    moves = [what for what in whats(story) if what.startswith("life:")]
    assert moves == ["life:cancel_pending", "life:cancelled"]
    arrived = await pair.th.customs.items("/inbox", type="cancellation")
    (item,) = [one for one in arrived if one["message_id"] == asked.body["message_id"]]
    assert (item["ref_to_message_id"], item["certificate_number"]) == (sent.message_id, sent.number)
    content = (await pair.th.customs.get(f"/inbox/{item['message_id']}")).body["content"]
    assert content == REASON


async def test_asked_again_while_pending_it_gives_the_first_answer(pair: Pair) -> None:
    sent = await pair.exchange()
    async with silence(pair.vn, "TH.CUSTOMS"):
        replies = await asyncio.gather(*(cancel(pair, sent) for _ in range(10)))
        other_words = await cancel(pair, sent, reason="Other words.")
        story = (await pair.vn.issuer.get(sent.path)).body
        pending = await pair.vn.issuer.items("/certificates", status="cancel_pending", number=sent.number)
        resubmitted = await pair.vn.issuer.submit(sent.record)
    await lives(pair, sent, "cancelled")

    assert sorted(reply.status for reply in replies) == [200] * 9 + [202]
    assert {reply.raw for reply in replies} == {other_words.raw}
    assert other_words.status == 200
    assert (story["life"], len(pending), resubmitted.status) == ("cancel_pending", 1, 200)
    assert story["cause"] == "party suspended by operator"
    assert sum(one["type"] == "cancellation" for one in story["messages"]) == 1


async def test_what_is_cancelled_is_cancelled_once(pair: Pair) -> None:
    sent = await pair.exchange()
    await cancel(pair, sent)
    await lives(pair, sent, "cancelled")

    again = await cancel(pair, sent)
    response = await respond(pair, sent, {"no": 1, "outcome": "utilised"})

    for reply in (again, response):
        assert (reply.status, reply.body["code"], reply.codes) == (409, "B03", ["B03"])
        assert "cancelled" in reply.body["detail"]
    assert (await pair.vn.issuer.get(sent.path)).body["customs_responses"] == []


async def test_what_is_utilised_is_not_cancelled_and_the_text_says_what(pair: Pair) -> None:
    sent = await pair.exchange()
    items = [item["quantity"]["unit"] for item in sent.record["items"]]
    used = {"no": 1, "outcome": "partially_utilised", "quantity": {"value": 7.5, "unit": items[0]}}
    await respond(pair, sent, used | {"declaration": "D-7"}, {"no": 2, "outcome": "utilised"})
    await pair.vn.issuer.until(sent.path, lambda story: len(story["customs_responses"]) == 2)

    reply = await cancel(pair, sent)

    assert (reply.status, reply.body["code"], reply.codes) == (409, "B06", ["B06"])
    for word in ("items already utilised", "item 1", f"7.5 {items[0]}", "item 2"):
        assert word in reply.body["detail"], word
    assert (await pair.vn.issuer.get(sent.path)).body["life"] == "in_force"


async def test_denied_items_do_not_stand_in_the_way(pair: Pair) -> None:
    sent = await pair.exchange()
    await respond(pair, sent, {"no": 1, "outcome": "preference_denied", "reason": "origin"})
    await pair.vn.issuer.until(sent.path, lambda story: story["customs_responses"])

    assert (await cancel(pair, sent)).status == 202
    await lives(pair, sent, "cancelled")


async def test_the_receiver_judges_by_its_own_ledger_and_the_former_life_comes_back(pair: Pair) -> None:
    sent = await pair.exchange()
    async with silence(pair.th, "VN.MOIT"):
        response = await respond(pair, sent, {"no": 1, "outcome": "utilised", "declaration": "D-1"})
        asked = await cancel(pair, sent)  # home does not know yet
        await pair.th.customs.until(f"/inbox/{asked.body['message_id']}", lambda one: not one["valid"])
        pending = (await pair.vn.issuer.get(sent.path)).body
    story = await lives(pair, sent, "in_force")
    again = await cancel(pair, sent)

    assert (response.status, asked.status, pending["life"]) == (202, 202, "cancel_pending")
    told = next(one for one in story["messages"] if one["type"] == "cancellation")["acknowledgement"]
    assert (told["outcome"], [found["code"] for found in told["findings"]]) == ("rejected", ["B06"])
    assert "item 1" in told["findings"][0]["text"]
    assert story["cause"].startswith("B06: ")
    assert story["owner"] == "issuing authority"
    assert [one["outcome"] for one in story["customs_responses"]] == ["utilised"]
    assert (await pair.th.customs.get(sent.path)).body["life"] == "in_force"
    assert again.codes == ["B06"]
    assert [what for what in whats(story) if what.startswith("life:")] == [
        "life:cancel_pending",
        "life:in_force",
    ]


async def test_a_cancellation_follows_its_certificate_also_when_that_is_held(pair: Pair) -> None:
    async with silence(pair.vn, "TH.CUSTOMS"):
        sent = await pair.submitted()
        held = await pair.vn.operator.post(f"{sent.message}/hold")
        asked = await cancel(pair, sent)
    waiting = (await pair.vn.issuer.get(sent.path)).body
    await pair.vn.operator.post(f"{sent.message}/release")
    story = await lives(pair, sent, "cancelled")

    assert (held.status, asked.status, waiting["life"]) == (200, 202, "cancel_pending")
    assert waiting["cause"].startswith("held by operator")
    arrived = await pair.th.customs.items("/inbox", limit="500")
    mine = [one["type"] for one in arrived if one["certificate_number"] == sent.number]
    assert mine == ["certificate", "cancellation"]
    assert story["messages"][0]["delivery"] == "delivered"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param({}, "/reason", id="no-reason"),
        pytest.param({"reason": "  "}, "/reason", id="blank"),
        pytest.param({"reason": 7}, "/reason", id="no-text"),
        pytest.param({"reason": "x", "why": "y"}, "/why", id="unknown-key"),
        pytest.param([], "/", id="no-object"),
        pytest.param({"reason": "a\x0bb"}, "/reason", id="no-character-for-xml"),
    ],
)
async def test_a_faulty_body_is_422(pair: Pair, body: Any, path: str) -> None:
    sent = await pair.exchange()

    reply = await pair.vn.issuer.call("POST", f"{sent.path}/cancellation", body=body)

    assert (reply.status, [found["path"] for found in reply.body["findings"]]) == (422, [path])
    assert (await pair.vn.issuer.get(sent.path)).body["life"] == "in_force"


async def test_who_may_not_and_what_is_not_there(pair: Pair) -> None:
    sent = await pair.exchange(organisation="HN")
    path = f"{sent.path}/cancellation"

    for role in (Role.CUSTOMS, Role.EXPORTER, Role.OPERATOR, Role.AUDITOR, Role.ADMINISTRATOR):
        assert (await pair.vn.as_(role).post(path, REASON)).status == 403, role
    assert (await pair.vn.as_(Role.ISSUER, organisation="HCM").post(path, REASON)).status == 404
    assert (await pair.vn.issuer.post(f"{path_of(a_record())}/cancellation", REASON)).status == 404
    assert (await pair.th.issuer.post(path, REASON)).status == 404  # received, not issued
    wrong_type = await pair.vn.issuer.call("POST", path, content=b"reason=x", kind="text/plain")
    assert wrong_type.status == 415
    assert (await pair.vn.as_(Role.ISSUER, organisation="HN").post(path, REASON)).status == 202


async def test_what_a_new_certificate_replaces_is_over_and_both_are_tied(pair: Pair) -> None:
    former = await pair.exchange()
    replaces = {"number": former.number, "issue_date": former.record["issue_date"]}
    newer = await pair.exchange(replaces=replaces)
    story = await lives(pair, former, "replaced")
    there = await pair.th.customs.until(former.path, lambda one: one["life"] == "replaced")
    new_story = (await pair.vn.issuer.get(newer.path)).body

    cancelled = await cancel(pair, former)
    response = await respond(pair, former, {"no": 1, "outcome": "utilised"})
    used = await respond(pair, newer, {"no": 1, "outcome": "utilised"})

    tie = {"relation": "replaced_by", "certificate_number": newer.number, "life": "in_force"}
    back = {"relation": "replaces", "certificate_number": former.number, "life": "replaced"}
    assert story["chain"] == there["chain"] == [tie]
    assert [list(one) for one in story["chain"]] == [["relation", "certificate_number", "life"]]
    assert (new_story["chain"], new_story["life"]) == ([back], "in_force")
    assert (story["cause"], story["owner"]) == (None, "none")
    for reply in (cancelled, response):
        assert (reply.status, reply.codes) == (409, ["B03"])
        assert "replaced" in reply.body["detail"]
    assert used.status == 202
