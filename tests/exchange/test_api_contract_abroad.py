"""What comes from a party abroad and our own side would never say; and what one may ask of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from gateway.acknowledge.bodies import CustomsResponse
from gateway.domain.ids import CertificateNumber, MessageId
from gateway.domain.status import CustomsOutcome
from gateway.store.records import CustomsEntry
from tests.exchange.contract import (
    TH,
    TODAY,
    Exchanged,
    Pair,
    a_record,
    inbox_path,
    message_path,
    two_gateways,
)
from tests.exchange.contract_abroad import Abroad, Posted
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two_gateways(servers, tmp_path_factory.mktemp("abroad")) as running:
        yield running


async def coffee(pair: Pair) -> Exchanged:
    """A certificate over two items of 1,200 kg each."""
    items = [item | {"quantity": {"value": 1200, "unit": "KGM"}} for item in a_record()["items"]]
    return await pair.exchange(items=items)


async def say_used(pair: Pair, sent: Exchanged, quantity: str, declaration: str, item: int = 1) -> Posted:
    """The other side's gateway reports use, whatever its own ledger would think of it."""
    entry = CustomsEntry(
        item=item,
        outcome=CustomsOutcome.PARTIALLY_UTILISED,
        quantity=Decimal(quantity),
        unit="KGM",
        declaration=declaration,
        date=TODAY,
    )
    conversation = (await pair.vn.operator.get(sent.message)).body["conversation_id"]
    body = CustomsResponse(
        certificate_number=CertificateNumber(sent.number),
        ref_to_message_id=MessageId(sent.message_id),
        entries=(entry,),
    )
    abroad = Abroad(pair, TH, pair.vn)
    return await abroad.say(body, number=sent.number, about=sent.message_id, conversation=conversation)


async def story_of(pair: Pair, sent: Exchanged) -> Any:
    return (await pair.vn.issuer.get(sent.path)).body


async def test_more_than_was_issued_is_kept_shown_and_somebodys_move(pair: Pair) -> None:
    sent = await coffee(pair)
    first = await say_used(pair, sent, "1000", "D-1")
    second = await say_used(pair, sent, "300", "D-2")
    over = await story_of(pair, sent)
    arrival = (await pair.vn.issuer.get(inbox_path(second.message_id))).body
    third = await say_used(pair, sent, "200", "D-2")  # corrected
    cured = await story_of(pair, sent)

    assert [one.status for one in (first, second, third)] == [200] * 3
    assert [one["quantity"]["value"] for one in over["customs_responses"]] == [1000, 300]
    assert over["cause"].startswith("B02: item 1: 300 KGM")
    assert (over["owner"], "declarations" in over["next_action"]) == ("issuing authority", True)
    assert (arrival["valid"], [found["code"] for found in arrival["findings"]]) == (True, ["B02"])
    told = next(one for one in over["messages"] if one["message_id"] == second.message_id)
    assert told["acknowledgement"]["outcome"] == "accepted_with_warnings"
    assert (cured["cause"], len(cured["customs_responses"])) == (None, 3)


async def test_what_makes_no_sense_is_rejected_and_kept_apart(pair: Pair) -> None:
    sent = await coffee(pair)
    posted = await say_used(pair, sent, "1", "D-1", item=9)
    story = await story_of(pair, sent)

    told = next(one for one in story["messages"] if one["message_id"] == posted.message_id)
    assert (told["acknowledgement"]["outcome"], story["customs_responses"]) == ("rejected", [])
    assert story["cause"].startswith("S02: item 9 is not on the certificate")
    (hit,) = await pair.vn.issuer.items("/certificates", number=sent.number)
    assert hit["customs_response"] is None


async def test_bytes_that_are_asked_for_again_come_again_as_they_were(pair: Pair) -> None:
    sent = await pair.exchange()
    before = (await pair.vn.operator.get(f"{sent.message}/document")).raw

    asked = await pair.th.customs.post(f"{sent.inbox}/retransmission-request", {"reason": "ours was lost"})
    message = await pair.vn.operator.until(sent.message, lambda one: len(one["attempts"]) == 2)

    assert asked.status == 202
    assert [one["outcome"] for one in message["attempts"]] == ["delivered", "delivered"]
    assert (await pair.th.customs.get(f"{sent.message}/document")).raw == before
    arrived = [one["message_id"] for one in await pair.th.customs.items("/inbox", limit="500")]
    assert arrived.count(sent.message_id) == 1


async def test_how_it_stands_abroad_can_be_asked(pair: Pair) -> None:
    sent = await pair.exchange()
    await pair.th.customs.post(
        f"{sent.inbox}/customs-response", {"items": [{"no": 2, "outcome": "utilised", "declaration": "D-1"}]}
    )
    await pair.vn.issuer.until(sent.path, lambda story: story["customs_responses"])

    asked = await pair.th.customs.post(f"{sent.inbox}/status-query", {})
    page = await pair.th.customs.until(
        "/inbox",
        lambda page: [one for one in page["items"] if one["ref_to_message_id"] == asked.body["message_id"]],
        type="status-reply",
    )

    reply = next(one for one in page["items"] if one["ref_to_message_id"] == asked.body["message_id"])
    content = (await pair.th.customs.get(inbox_path(reply["message_id"]))).body["content"]
    assert asked.status == 202
    assert (content["life"], content["delivery"], content["acknowledgement"]) == (
        "in_force",
        "delivered",
        "accepted",
    )
    assert [(one["no"], one["outcome"]) for one in content["items"]] == [(2, "utilised")]
    assert (await pair.th.operator.get(message_path(reply["message_id"]))).body["acknowledgement"] is None


async def test_customs_may_ask_for_a_verification_and_the_issuer_reply(pair: Pair) -> None:
    sent = await pair.exchange()
    question = {"kind": "retroactive-check", "questions": ["Who made it?"], "due_by": "2027-02-20"}
    asked = await pair.th.customs.post(f"{sent.inbox}/verification-request", question)
    request = inbox_path(asked.body["message_id"])
    arrived = await pair.vn.issuer.until(request, lambda one: one["content"])
    wrong = await pair.vn.issuer.post(f"{request}/verification-reply", {"kind": "hearsay"})
    replied = await pair.vn.issuer.post(
        f"{request}/verification-reply", {"kind": "retroactive-check", "answers": ["We did."]}
    )
    reply = inbox_path(replied.body["message_id"])
    answer = await pair.th.customs.until(reply, lambda one: one["content"])
    concluded = await pair.th.customs.post(
        f"{reply}/verification-result", {"kind": "retroactive-check", "conclusion": "It holds."}
    )
    not_a_request = await pair.th.customs.post(f"{reply}/verification-request", question)

    assert [asked.status, replied.status, concluded.status] == [202, 202, 202]
    assert (arrived["content"]["questions"], answer["content"]["answers"]) == (["Who made it?"], ["We did."])
    assert (wrong.status, not_a_request.status) == (422, 409)
