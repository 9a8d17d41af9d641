"""What operators do over the national API, on the real ledger: what moves, and what must not."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient

from gateway.domain.ids import MessageId
from gateway.domain.status import DeliveryStatus
from gateway.intake import shapes
from gateway.intake.routes import PREFIX
from gateway.store.ledger import Ledger
from tests.store.making import TH, a_certificate, certificate_of, claim_one, deliver, failed
from tests.unit.intake.doors import as_, national_door, problem

Client = TestClient[Any, Any]


def message(message_id: MessageId) -> str:
    return f"{PREFIX}/messages/{quote(message_id, safe='')}"


async def post(client: Client, url: str, who: str = "operator", **body: Any) -> tuple[int, dict[str, Any]]:
    response = await client.post(url, json=body, headers=as_(who))
    told: dict[str, Any] = await response.json(content_type=None)
    return response.status, told


@pytest.mark.parametrize(
    ("verbs", "statuses", "delivery"),
    [
        pytest.param(["hold", "release"], [200, 200], "ready_to_send", id="hold-and-release"),
        pytest.param(["hold", "hold"], [200, 409], "on_hold", id="held-already"),
        pytest.param(["hold", "withdraw"], [200, 200], "withdrawn", id="taken-back"),
        pytest.param(["withdraw", "resend"], [200, 409], "withdrawn", id="what-was-taken-back-is-not-resent"),
        pytest.param(["release"], [409], "ready_to_send", id="not-held"),
        pytest.param(["resend"], [409], "ready_to_send", id="not-sent-yet"),
    ],
)
async def test_a_verb_moves_a_delivery_or_says_why_not(
    ledger: Ledger, verbs: list[str], statuses: list[int], delivery: str
) -> None:
    taken = await ledger.submit(a_certificate())
    url = message(taken.message_id)
    async with national_door(ledger=ledger) as client:
        answers = [await post(client, f"{url}/{verb}", reason="audit") for verb in verbs]
        after = await (await client.get(url, headers=as_("operator"))).json()

    assert [status for status, _ in answers] == statuses
    assert after["delivery"] == delivery


async def test_who_held_it_and_why_stands_in_its_story(ledger: Ledger) -> None:
    taken = await ledger.submit(a_certificate("VN-1"))
    async with national_door(ledger=ledger) as client:
        status, held = await post(client, message(taken.message_id) + "/hold", reason="audit")
        story = await (
            await client.get(f"{PREFIX}/certificates/VN/form-d/VN-1", headers=as_("auditor"))
        ).json()

    assert (status, held["delivery"]) == (200, "on_hold")
    assert (story["cause"], story["owner"]) == ("held by operator: audit", "operator")
    assert ("operator:hold", "operator") in [(event["what"], event["who"]) for event in story["events"]]


async def test_a_delivered_message_is_sent_again_with_its_attempts_kept(ledger: Ledger) -> None:
    taken = await deliver(ledger)
    async with national_door(ledger=ledger) as client:
        _, told = await post(client, message(taken.message_id) + "/resend")

    shapes.Message.model_validate(told)
    assert (told["delivery"], [attempt["outcome"] for attempt in told["attempts"]]) == (
        "ready_to_send",
        ["delivered"],
    )


async def test_an_expired_delivery_is_the_operators_and_says_so(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN-1"))
    await ledger.settle([failed(await claim_one(ledger), DeliveryStatus.EXPIRED)])
    async with national_door(ledger=ledger) as client:
        story = await (
            await client.get(f"{PREFIX}/certificates/VN/form-d/VN-1", headers=as_("operator"))
        ).json()

    assert (story["owner"], story["messages"][0]["delivery"]) == ("operator", "expired")
    assert story["next_action"] == "Resend it when the party answers again."


async def test_a_suspended_party_is_the_cause_everywhere_until_it_is_resumed(ledger: Ledger) -> None:
    await ledger.submit(a_certificate("VN-1"))
    one = f"{PREFIX}/certificates/VN/form-d/VN-1"
    async with national_door(ledger=ledger) as client:
        status, party = await post(client, f"{PREFIX}/parties/{TH}/suspend", reason="outage")
        again, _ = await post(client, f"{PREFIX}/parties/{TH}/suspend")
        story = await (await client.get(one, headers=as_("operator"))).json()
        lanes = await (await client.get(f"{PREFIX}/lanes", headers=as_("operator"))).json()
        resumed, _ = await post(client, f"{PREFIX}/parties/{TH}/resume", "administrator")
        after = await (await client.get(one, headers=as_("operator"))).json()

    assert (status, again, resumed) == (200, 409, 200)
    assert (party["suspended_by"], party["reason"]) == ("operator", "outage")
    assert (story["cause"], story["owner"]) == ("party suspended by operator", "operator")
    shapes.LanePage.model_validate(lanes)
    assert (lanes["items"][0]["waiting"], lanes["items"][0]["cause"]) == (1, "party suspended by operator")
    assert (after["cause"], after["owner"]) == (None, "none")


async def test_an_operator_of_nothing_moves_nothing(ledger: Ledger) -> None:
    taken = await ledger.submit(a_certificate())
    async with national_door(ledger=ledger) as client:
        for role in ("issuer", "customs", "exporter", "auditor"):
            response = await client.post(message(taken.message_id) + "/withdraw", headers=as_(role))

            await problem(response, 403)

    assert (await certificate_of(ledger)).delivery is DeliveryStatus.READY_TO_SEND


async def test_the_stream_tells_what_the_ledger_learns(ledger: Ledger) -> None:
    async with (
        national_door(ledger=ledger) as client,
        client.get(f"{PREFIX}/events/stream", headers=as_("operator")) as response,
    ):
        await ledger.submit(a_certificate("VN-1"))

        async with asyncio.timeout(20):
            block = (await response.content.readuntil(b"\n\n")).decode()

    told = dict(line.split(": ", 1) for line in block.strip().split("\n"))
    assert (told["event"], json.loads(told["data"])["certificate_number"]) == ("submission:accepted", "VN-1")
    assert json.loads(told["data"])["cursor"] == told["id"]
