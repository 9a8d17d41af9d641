"""What operators do to deliveries in each state, where a certificate then stands, and whose move it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from gateway.acknowledge.bodies import Ping
from gateway.domain.ids import PartyId
from gateway.registry.load import Registry
from gateway.trust.keys import load_keys
from gateway.trust.tls import server_context
from tests.exchange.contract import (
    CLOCK,
    FORM_D,
    RCEP,
    VN,
    Exchanged,
    Pair,
    Reply,
    message_path,
    two_gateways,
)
from tests.exchange.contract_abroad import Abroad
from tests.exchange.party_server import CutBeforeAnswer, NeverAnswer, PartyServer
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ONE_LONG_WAIT = "waits_s = [3600]\nreceipt_within_s = 30\n"
AWAY, WORN, MUTE, SLOW, STOPPED = "MY.CUSTOMS", "LA.CUSTOMS", "ID.CUSTOMS", "BN.CUSTOMS", "SG.CUSTOMS"
OTHERS = dict.fromkeys((AWAY, MUTE, SLOW, STOPPED), ONE_LONG_WAIT) | {
    WORN: "waits_s = [0.01]\nreceipt_within_s = 30\n"
}
VERBS = ("hold", "release", "withdraw", "resend")


@dataclass(frozen=True, kw_only=True)
class State:
    """How a delivery comes into a state, what verbs make of it, and what is told of it (beginnings of it)."""

    party: str
    after: dict[str, str]  # verb -> delivery; any other is refused
    form: str = FORM_D
    first: tuple[str, ...] = ()  # verbs that lead there
    cause: str | None
    owner: str
    action: str
    tried_again: bool = False


HELD = {"hold": "on_hold", "withdraw": "withdrawn"}
STATES = {
    "ready_to_send": State(
        party=STOPPED, after=HELD, cause="party suspended by operator", owner="operator", action="Resume"
    ),
    "sending": State(party=SLOW, after={}, cause=None, owner="none", action="being sent"),
    "awaiting_retry": State(
        party=AWAY,
        after=HELD,
        cause="T01: cannot connect to 127.0.0.1:{port}: refused",
        owner="none",
        action="by itself",
        tried_again=True,
    ),
    "awaiting_receipt": State(
        party=MUTE, after=HELD, cause="T01: ", owner="none", action="by itself", tried_again=True
    ),
    "delivered": State(
        party="TH.CUSTOMS",
        after={"resend": "ready_to_send"},
        cause=None,
        owner="none",
        action="a customs response may come",
    ),
    "refused": State(
        party="TH.CUSTOMS",
        form=RCEP,
        after={"resend": "ready_to_send"},
        cause="S03: ",
        owner="issuing authority",
        action="corridor has agreed",
    ),
    "expired": State(
        party=WORN,
        after=HELD | {"resend": "ready_to_send"},
        cause="T04: patience used up after 2 attempts; last T01: cannot connect to 127.0.0.1:{port}: refused",
        owner="operator",
        action="Resend",
    ),
    "on_hold": State(
        party=STOPPED,
        first=("hold",),
        after={"release": "ready_to_send", "withdraw": "withdrawn"},
        cause="held by operator: a test",
        owner="operator",
        action="Release it",
    ),
    "withdrawn": State(
        party=STOPPED,
        first=("withdraw",),
        after={},
        cause="withdrawn by operator: a test",
        owner="issuing authority",
        action="the number is free",
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """TH has not agreed to take Form RCEP; MUTE breaks off, SLOW never answers, STOPPED is suspended."""
    work = tmp_path_factory.mktemp("operating")
    async with two_gateways(servers, work, others=OTHERS) as running, AsyncExitStack() as stack:
        for party, behaviour in ((MUTE, CutBeforeAnswer()), (SLOW, NeverAnswer())):
            registry = running.vn.registry
            keys = load_keys(work / "keys" / party, registry.parties[PartyId(party)], CLOCK)
            tls = server_context(keys.tls_key(CLOCK), [registry.parties[PartyId(VN)]])
            server = PartyServer(tls, usual=behaviour)
            server.port = running.addresses[party].exchange
            await stack.enter_async_context(server)
        await running.th.restart(registry=without_rcep(running.th.registry))
        await running.vn.operator.post(f"/parties/{STOPPED}/suspend")
        yield running


def without_rcep(registry: Registry) -> Registry:
    agreed = {key: corridor for key, corridor in registry.corridors.items() if RCEP not in corridor.accepts}
    return replace(registry, corridors=agreed)


async def brought_into(pair: Pair, name: str) -> Exchanged:
    """A certificate whose delivery stands so."""
    state = STATES[name]
    sent = await pair.submitted(form=state.form, importing_country=state.party[:2])
    for verb in state.first:
        reply = await pair.vn.operator.post(f"{sent.message}/{verb}", {"reason": "a test"})
        assert reply.status == 200, reply.body
    await pair.vn.operator.until(sent.message, lambda message: message["delivery"] == name)
    return sent


@pytest.mark.parametrize("name", STATES)
async def test_each_verb_moves_what_it_may_and_is_refused_for_the_rest(pair: Pair, name: str) -> None:
    after = STATES[name].after
    refused, *moved = await asyncio.gather(*(brought_into(pair, name) for _ in (None, *after)))
    for verb in sorted(set(VERBS) - set(after)):
        reply = await pair.vn.operator.post(f"{refused.message}/{verb}", {"reason": "why not"})
        assert (reply.status, reply.body["status"]) == (409, 409), verb
        assert name in reply.body["detail"]
    for (verb, delivery), sent in zip(after.items(), moved, strict=True):
        reply = await pair.vn.operator.post(f"{sent.message}/{verb}", {"reason": "why not"})
        assert (reply.status, reply.body["message_id"]) == (200, sent.message_id), verb
        assert reply.body["delivery"] == delivery, verb
        timeline = (await pair.vn.operator.get(f"{sent.message}/timeline")).body["items"]
        assert (f"operator:{verb}", "operator") in [(one["what"], one["who"]) for one in timeline]


@pytest.mark.parametrize("name", STATES)
async def test_where_it_stands_and_whose_move_it_is_can_be_read(pair: Pair, name: str) -> None:
    state = STATES[name]
    sent = await brought_into(pair, name)
    if name == "delivered":
        await pair.vn.issuer.until(sent.path, lambda one: one["messages"][0]["acknowledgement"] is not None)
    story = (await pair.vn.issuer.get(sent.path)).body

    if state.cause is None:
        assert story["cause"] is None
    else:
        assert state.cause.format(port=pair.addresses[state.party].exchange) in story["cause"]
    assert (story["owner"], state.action in story["next_action"]) == (state.owner, True), story["next_action"]
    attempts = story["messages"][0]["attempts"]
    assert story["until"] == (attempts[-1]["next_at"] if state.tried_again else None)
    assert (story["life"], story["messages"][0]["delivery"]) == ("in_force", name)
    hits = await pair.vn.issuer.items("/certificates", status=name, number=sent.number)
    assert [hit["delivery"] for hit in hits] == [name]


async def test_attempts_are_kept_oldest_first_and_n_waits_allow_one_more(pair: Pair) -> None:
    sent = await brought_into(pair, "expired")
    await pair.vn.operator.post(f"{sent.message}/resend")
    message = await pair.vn.operator.until(sent.message, lambda one: len(one["attempts"]) == 4)

    outcomes = [(one["outcome"], one["next_at"] is not None) for one in message["attempts"]]
    assert outcomes == [("retry", True), ("retry", False), ("retry", True), ("retry", False)]
    assert [one["at"] for one in message["attempts"]] == sorted(one["at"] for one in message["attempts"])
    codes = [one["cause"].partition(":")[0] for one in message["attempts"]]
    assert codes == ["T01", "T04", "T01", "T04"]  # the second and the last used patience up


async def test_what_is_sent_again_is_the_same_and_arrives_once(pair: Pair) -> None:
    sent = await brought_into(pair, "delivered")
    before = (await pair.vn.operator.get(f"{sent.message}/document")).raw
    await pair.vn.operator.post(f"{sent.message}/resend")
    message = await pair.vn.operator.until(sent.message, lambda one: len(one["attempts"]) == 2)

    assert [one["outcome"] for one in message["attempts"]] == ["delivered", "delivered"]
    assert (await pair.vn.operator.get(f"{sent.message}/document")).raw == before
    arrived = [one["message_id"] for one in await pair.th.customs.items("/inbox", limit="500")]
    assert arrived.count(sent.message_id) == 1


async def test_what_was_refused_goes_when_it_was_agreed_after_all(pair: Pair) -> None:
    sent = await brought_into(pair, "refused")
    attempts = (await pair.vn.operator.get(sent.message)).body["attempts"]
    await pair.th.restart()
    try:
        await pair.vn.operator.post(f"{sent.message}/resend")
        story = await pair.vn.operator.until(sent.path, lambda one: one["messages"][0]["acknowledgement"])
    finally:
        await pair.th.restart(registry=without_rcep(pair.th.registry))

    assert [(one["outcome"], one["next_at"]) for one in attempts] == [("refused", None)]
    assert "rcep/form-rcep" in attempts[0]["cause"]
    assert [one["outcome"] for one in story["messages"][0]["attempts"]] == ["refused", "delivered"]
    assert story["cause"] is None


async def test_only_what_is_owed_can_be_operated_on(pair: Pair) -> None:
    sent = await brought_into(pair, "delivered")
    operator = pair.th.operator

    assert (await operator.post(f"{sent.message}/hold")).status == 409  # it came in
    assert (await operator.post("/messages/none%40vn.moit/hold")).status == 404
    held = await brought_into(pair, "on_hold")
    for body, status in (({"reason": 1}, 422), ({"why": "x"}, 422), ([], 422), (None, 200)):
        reply = await pair.vn.operator.post(f"{held.message}/release", body)
        assert reply.status == status, body
    plain = await pair.vn.operator.call("POST", f"{held.message}/hold", content=b"reason", kind="text/plain")
    assert plain.status == 415


async def test_what_is_held_is_not_waiting_and_falls_due_never(pair: Pair) -> None:
    def lane(page: Any) -> Any:
        return next(one for one in page["items"] if one["party"] == AWAY)

    sent = await brought_into(pair, "awaiting_retry")
    before = lane((await pair.vn.operator.get("/lanes")).body)
    waiting = await pair.vn.issuer.items("/certificates", status="awaiting_retry", receiver=AWAY)
    for item in waiting:
        await pair.vn.operator.post(f"/messages/{item['message_id']}/hold")
    after = lane((await pair.vn.operator.get("/lanes")).body)

    assert sent.number in {item["certificate_number"] for item in waiting}
    assert (before["waiting"], before["cause"].split(":")[0]) == (len(waiting), "T01")
    assert 0 < before["next_due_s"] <= 3600 * 1.2
    assert (after["waiting"], after["next_due_s"], after["oldest_s"], after["cause"]) == (0, None, None, None)
    assert after["by_status"]["on_hold"] >= len(waiting)


async def test_what_is_handed_in_for_a_suspended_party_waits_and_goes_when_it_is_resumed(pair: Pair) -> None:
    operator = pair.vn.operator
    suspended = await operator.post("/parties/TH.CUSTOMS/suspend", {"reason": "maintenance"})
    again = await operator.post("/parties/TH.CUSTOMS/suspend")
    sent = await pair.submitted()
    await pair.vn.restart()
    waiting = (await pair.vn.issuer.get(sent.path)).body
    lanes = (await operator.get("/lanes")).body["items"]
    resumed = await operator.post("/parties/TH.CUSTOMS/resume")
    resumed_again = await operator.post("/parties/TH.CUSTOMS/resume")
    await pair.vn.issuer.until(sent.path, lambda story: story["messages"][0]["delivery"] == "delivered")

    assert [one.status for one in (suspended, again, resumed, resumed_again)] == [200, 409, 200, 409]
    assert (suspended.body["id"], suspended.body["suspended_by"]) == ("TH.CUSTOMS", "operator")
    assert (suspended.body["reason"], suspended.body["outgoing_only"]) == ("maintenance", False)
    assert resumed.body["suspended_by"] is None
    assert waiting["messages"][0]["delivery"] == "ready_to_send"
    assert (waiting["cause"], waiting["owner"]) == ("party suspended by operator", "operator")
    assert waiting["messages"][0]["attempts"] == []
    lane = next(one for one in lanes if one["party"] == "TH.CUSTOMS")
    assert (lane["waiting"], lane["cause"], lane["next_due_s"]) == (1, "party suspended by operator", None)
    told = [one for one in await operator.items("/events", limit="500") if one["message_id"] is None]
    assert [one["what"] for one in told if one["party"] == "TH.CUSTOMS"][-2:] == [
        "operator:suspend",
        "operator:resume",
    ]


async def test_what_a_suspended_party_sends_is_asked_to_come_later_at_once(pair: Pair) -> None:
    sent = await brought_into(pair, "delivered")
    abroad = Abroad(pair, "TH.CUSTOMS", pair.vn)
    await pair.vn.operator.post("/parties/TH.CUSTOMS/suspend")
    try:
        refused = await abroad.say(Ping(), number=None, about=None, conversation="ping@th.customs")
        response = await pair.th.customs.post(
            f"{sent.inbox}/customs-response", {"items": [{"no": 1, "outcome": "utilised"}]}
        )
        message = message_path(response.body["message_id"])
        waiting = await pair.th.operator.until(message, lambda one: one["delivery"] == "awaiting_retry")
        story = (await pair.th.customs.get(sent.path)).body
    finally:
        await pair.vn.operator.post("/parties/TH.CUSTOMS/resume")
    taken = await abroad.again(refused.sealed)
    await pair.submitted()  # a sign of life, so the other side comes at once
    await pair.vn.issuer.until(sent.path, lambda story: story["customs_responses"])

    assert (refused.status, refused.retry_after, taken.status) == (503, "300", 200)
    assert waiting["attempts"][-1]["cause"].startswith("T03: ")
    wait = _instant(waiting["attempts"][-1]["next_at"]) - _instant(waiting["attempts"][-1]["at"])
    assert 240 <= wait.total_seconds() <= 360
    assert story["cause"] == waiting["attempts"][-1]["cause"]
    assert (story["owner"], story["until"]) == ("none", waiting["attempts"][-1]["next_at"])


async def test_a_party_that_is_suspended_outward_alone_is_listened_to(pair: Pair) -> None:
    sent = await brought_into(pair, "delivered")
    body = {"outgoing_only": True}
    suspended = await pair.vn.operator.post("/parties/TH.CUSTOMS/suspend", body)
    try:
        await pair.th.customs.post(
            f"{sent.inbox}/customs-response", {"items": [{"no": 1, "outcome": "utilised"}]}
        )
        story = await pair.vn.issuer.until(sent.path, lambda story: story["customs_responses"])
    finally:
        await pair.vn.operator.post("/parties/TH.CUSTOMS/resume")

    assert suspended.body["outgoing_only"] is True
    assert story["cause"] == "party suspended by operator"  # our acknowledgement of it waits


async def test_only_parties_can_be_suspended_and_only_so(pair: Pair) -> None:
    operator = pair.vn.operator
    for party, body, status in (
        ("NO.BODY", None, 404),
        (VN, None, 404),
        ("TH.CUSTOMS", {"outgoing_only": "yes"}, 422),
        ("TH.CUSTOMS", {"until": "noon"}, 422),
        ("TH.CUSTOMS", {"reason": "x" * 2001}, 422),
    ):
        assert (await operator.post(f"/parties/{party}/suspend", body)).status == status, (party, body)
    assert (await operator.post("/parties/TH.CUSTOMS/resume")).status == 409


async def test_a_receipt_without_an_acknowledgement_is_waited_for_until_it_is_due(pair: Pair) -> None:
    parties = pair.th.registry.parties
    silent = replace(parties[PartyId(VN)], acknowledgements=False)
    await pair.th.restart(registry=replace(pair.th.registry, parties={**parties, silent.id: silent}))
    try:
        sent = await brought_into(pair, "delivered")
        story = (await pair.vn.issuer.get(sent.path)).body
        there = (await pair.th.customs.get(sent.path)).body
        posted = await pair.th.customs.post(f"{sent.inbox}/acknowledgement", {"outcome": "accepted"})
        after = await pair.vn.issuer.until(sent.path, lambda one: one["messages"][0]["acknowledgement"])
    finally:
        await pair.th.restart(registry=without_rcep(pair.th.registry))

    assert (story["cause"], story["owner"]) == (None, "party TH.CUSTOMS")
    assert "acknowledgement" in story["next_action"]
    due = _instant(story["messages"][0]["receipt"]["at"]) + timedelta(seconds=14400)
    assert _instant(story["until"]) == due
    assert there["messages"][0]["acknowledgement"]["by"] == "gateway"  # judged and kept, not sent
    assert (posted.status, after["messages"][0]["acknowledgement"]["by"]) == (202, "national-system")
    assert after["owner"] == "none"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_node_that_stops_takes_no_new_calls_and_finishes_what_is_in_hand(pair: Pair) -> None:
    await brought_into(pair, "sending")  # in hand for longer than the grace period
    operator = pair.vn.operator
    told: dict[tuple[str, int], Reply] = {}
    stopping = asyncio.create_task(pair.vn.stop())
    try:
        both = {("//health/ready", 503), ("/lanes", 503)}
        while not both <= told.keys():  # the lanes finish first, then the doors close
            for path in ("//health/live", "//health/ready", "/lanes"):
                reply = await operator.get(path)
                told[path, reply.status] = reply
        await stopping
    finally:
        await pair.vn.start()

    assert told["//health/ready", 503].body.keys() == {"status"}
    assert ("//health/live", 200) in told
    assert told["/lanes", 503].headers["Retry-After"].isdigit()
    assert (await operator.get("//health/ready")).status == 200
