"""What issuers, customs and operators do to what is there."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.errors import ContentRefused, Fault, Finding, NotAllowed, NotFound
from gateway.domain.status import DeliveryStatus, MessageType
from gateway.intake import shapes
from gateway.intake.routes import PREFIX
from tests.unit.intake.doors import (
    ARRIVED,
    JSON,
    ONE,
    SENT,
    DeskThatRefuses,
    DeskThatTakesAll,
    LedgerOfRows,
    as_,
    full_ledger,
    national_door,
    problem,
)
from tests.unit.intake.rows import TH, a_message

pytestmark = pytest.mark.enable_socket


async def test_a_cancellation_travels_and_its_repeat_gets_the_first_answer() -> None:
    desk = DeskThatTakesAll()
    async with national_door(desk=desk) as client:
        url = ONE + "/cancellation"
        calls = [await client.post(url, json={"reason": "typo"}, headers=as_("issuer")) for _ in range(2)]

        assert [call.status for call in calls] == [202, 200]
    assert desk.said[0] == ("cancellation", "typo")


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": " "}, {"reason": 7}, {"reason": "x", "by": "me"}, []]
)
async def test_a_cancellation_without_a_reason_is_422_with_findings(body: Any) -> None:
    async with national_door() as client:
        response = await client.post(ONE + "/cancellation", json=body, headers=as_("issuer"))

        told = await problem(response, 422)
    assert {finding["code"] for finding in told["findings"]} == {"S02"}


async def test_a_cancellation_of_what_was_used_is_409_with_its_code() -> None:
    desk = DeskThatRefuses(NotAllowed("items already utilised: item 1, 40 KGM", code="B06"))
    async with national_door(desk=desk) as client:
        response = await client.post(ONE + "/cancellation", json={"reason": "x"}, headers=as_("issuer"))

        body = await problem(response, 409)
    assert (body["code"], body["findings"][0]["code"]) == ("B06", "B06")


@pytest.mark.parametrize(
    "raw", [b"{", b"\xff", b"", b"NaN", b'{"a": "\\ud800"}', b'{"a": "\\u0000"}', b"[" * 100_000]
)
async def test_json_that_cannot_be_read_is_422(raw: bytes) -> None:
    async with national_door() as client:
        url = ARRIVED + "/acknowledgement"

        response = await client.post(url, data=raw, headers={**JSON, **as_("customs")})

        body = await problem(response, 422)
    assert body["findings"][0]["code"] == Fault.UNREADABLE


@pytest.mark.parametrize(
    ("verb", "who"),
    [
        (MessageType.ACKNOWLEDGEMENT, "customs"),
        (MessageType.CUSTOMS_RESPONSE, "customs"),
        (MessageType.VERIFICATION_REQUEST, "customs"),
        (MessageType.VERIFICATION_RESULT, "customs"),
        (MessageType.RETRANSMISSION_REQUEST, "customs"),
        (MessageType.STATUS_QUERY, "operator"),
    ],
)
async def test_an_answer_is_handed_to_the_desk_as_it_was_posted(verb: MessageType, who: str) -> None:
    desk = DeskThatTakesAll()
    async with national_door(desk=desk) as client:
        response = await client.post(f"{ARRIVED}/{verb}", json={"any": [1]}, headers=as_(who))

        assert response.status == 202
    assert desk.said == [(verb.value, {"any": [1]})]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(
            ContentRefused((Finding(code="S02", text="no such outcome"),)), 422, id="body-with-faults"
        ),
        pytest.param(NotAllowed("120 of 100", code="B02"), 409, id="too-much"),
        pytest.param(NotFound("about no certificate"), 404, id="about-nothing"),
    ],
)
async def test_what_the_desk_says_to_an_answer_is_passed_on(error: Exception, status: int) -> None:
    async with national_door(desk=DeskThatRefuses(error)) as client:
        response = await client.post(f"{ARRIVED}/customs-response", json={}, headers=as_("customs"))

        await problem(response, status)


@pytest.mark.parametrize("verb", ["hold", "release", "resend", "withdraw"])
@pytest.mark.parametrize("body", [None, {"reason": "audit"}])
async def test_an_operators_verb_answers_with_the_message_after_it(
    verb: str, body: dict[str, str] | None
) -> None:
    ledger = full_ledger()
    async with national_door(ledger=ledger) as client:
        response = await client.post(f"{SENT}/{verb}", json=body, headers=as_("operator"))

        shapes.Message.model_validate(await response.json())
    assert ledger.asked == {"verb": verb, "who": "operator", "reason": (body or {}).get("reason")}


async def test_a_state_that_does_not_allow_a_verb_is_409() -> None:
    ledger = LedgerOfRows(messages=[a_message(delivery=DeliveryStatus.WITHDRAWN)])
    async with national_door(ledger=ledger) as client:
        await problem(await client.post(f"{SENT}/hold", headers=as_("administrator")), 409)


async def test_what_came_in_cannot_be_held() -> None:
    async with national_door() as client:
        url = ARRIVED.replace("inbox", "messages") + "/hold"

        await problem(await client.post(url, headers=as_("operator")), 409)


async def test_a_party_is_suspended_and_resumed() -> None:
    async with national_door() as client:
        url = f"{PREFIX}/parties/{TH}"
        body = {"reason": "audit", "outgoing_only": True}
        suspended = await (await client.post(f"{url}/suspend", json=body, headers=as_("operator"))).json()
        again = await client.post(f"{url}/suspend", headers=as_("operator"))
        resumed = await (await client.post(f"{url}/resume", headers=as_("operator"))).json()

    shapes.Party.model_validate(suspended)
    assert (suspended["suspended_by"], suspended["outgoing_only"]) == ("operator", True)
    assert (again.status, resumed["suspended_by"]) == (409, None)


async def test_a_party_nobody_knows_cannot_be_suspended() -> None:
    async with national_door() as client:
        await problem(await client.post(f"{PREFIX}/parties/XX/suspend", headers=as_("operator")), 404)


async def test_parties_and_lanes_are_listed() -> None:
    async with national_door() as client:
        parties = await (await client.get(f"{PREFIX}/parties", headers=as_("auditor"))).json()
        lanes = await (await client.get(f"{PREFIX}/lanes", headers=as_("auditor"))).json()

    shapes.PartyPage.model_validate(parties)
    shapes.LanePage.model_validate(lanes)
    assert lanes["items"][0]["certificates_expire"]["tls"] == "2027-03-01T00:00:00.000Z"
