"""What operators and issuers can still do with a certificate that did not get through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from gateway.acknowledge.bodies import Acknowledgement
from gateway.domain.corridor import Maintenance
from gateway.domain.ids import MessageId, PartyId
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome
from gateway.registry.load import Registry
from tests.exchange.contract import CLOCK, FORM_D, RCEP, Pair, a_record, two_gateways
from tests.exchange.contract_abroad import Abroad
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

HOUR = timedelta(hours=1)
AWAY, STOPPED = "MY.CUSTOMS", "SG.CUSTOMS"
ONE_LONG_WAIT = "waits_s = [3600]\nreceipt_within_s = 30\n"


def without_rcep(pair: Pair) -> Registry:
    """What TH has agreed."""
    registry = pair.th.registry
    agreed = {key: corridor for key, corridor in registry.corridors.items() if RCEP not in corridor.accepts}
    return replace(registry, corridors=agreed)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """TH has not agreed to take Form RCEP; nobody listens at AWAY; STOPPED is suspended."""
    work = tmp_path_factory.mktemp("control")
    async with two_gateways(servers, work, others=dict.fromkeys((AWAY, STOPPED), ONE_LONG_WAIT)) as running:
        registry = running.th.registry
        agreed = {
            key: corridor for key, corridor in registry.corridors.items() if RCEP not in corridor.accepts
        }
        await running.th.restart(registry=replace(registry, corridors=agreed))
        await running.vn.operator.post(f"/parties/{STOPPED}/suspend")
        yield running


async def test_a_number_refused_on_the_wire_comes_again_corrected_and_the_former_does_not(pair: Pair) -> None:
    refused = await pair.submitted(form=RCEP)
    await pair.vn.operator.until(refused.message, lambda one: one["delivery"] == "refused")
    corrected = refused.record | {"exporter": refused.record["exporter"] | {"name": "Corrected Ltd."}}

    again = await pair.vn.issuer.submit(corrected)
    former = await pair.vn.operator.post(f"{refused.message}/resend")

    assert again.status == 202, again.body
    assert again.body["message_id"] != refused.message_id
    assert former.status == 409
    assert "its number went out in another message" in former.body["detail"]
    repeated = await pair.vn.issuer.submit(refused.record)
    assert (repeated.status, repeated.body["message_id"]) == (200, refused.message_id)


@pytest.mark.parametrize("party", [AWAY, STOPPED])
async def test_a_withdrawn_certificate_that_never_arrived_is_not_cancelled_abroad(
    pair: Pair, party: str
) -> None:
    sent = await pair.submitted(importing_country=party[:2])
    if party == AWAY:
        await pair.vn.operator.until(sent.message, lambda one: one["delivery"] == "awaiting_retry")
    withdrawn = await pair.vn.operator.post(f"{sent.message}/withdraw")

    cancelled = await pair.vn.issuer.post(f"{sent.path}/cancellation", {"reason": "not wanted"})

    assert (withdrawn.status, cancelled.status, cancelled.codes) == (200, 409, ["B03"])
    assert "nothing to cancel" in cancelled.body["detail"]
    story = (await pair.vn.issuer.get(sent.path)).body
    assert ([one["type"] for one in story["messages"]], story["life"]) == (["certificate"], "in_force")


async def test_a_judgement_names_the_receiver_where_it_is_asked_for(pair: Pair) -> None:
    record = a_record(form=FORM_D)

    plain = await pair.vn.issuer.post("/certificates/validate", record)
    routed = await pair.vn.issuer.post("/certificates/validate", record, route="true")
    nobody = await pair.vn.issuer.post(
        "/certificates/validate", a_record(importing_country="LA"), route="true"
    )
    unclear = await pair.vn.issuer.post("/certificates/validate", record, route="yes")

    assert set(plain.body) == {"form", "valid", "findings"}
    assert routed.body == plain.body | {"receiver": "TH.CUSTOMS"}
    assert (nobody.body["valid"], nobody.body["receiver"]) == (False, None)
    assert unclear.status == 400


# ---- outages, planned maintenance, single corridors --------------------------------------------------------


async def test_senders_are_told_of_an_outage_and_how_much_waits(pair: Pair) -> None:
    operator = pair.vn.operator
    declared = await operator.post(
        "/parties/TH.CUSTOMS/outage", {"notice": "Issue on paper.", "reason": "phone"}
    )
    first = await pair.submitted()
    try:
        told = await pair.vn.issuer.submit(a_record())
        validated = await pair.vn.issuer.post("/certificates/validate", a_record())
        story = (await pair.vn.issuer.get(first.path)).body
        lane = next(one for one in await operator.items("/lanes") if one["party"] == "TH.CUSTOMS")
    finally:
        ended = await operator.post("/parties/TH.CUSTOMS/resume")
    quiet = await pair.vn.issuer.submit(a_record())

    assert (declared.status, declared.body["notice"], declared.body["outgoing_only"]) == (
        200,
        "Issue on paper.",
        True,
    )
    notice = told.body["notice"]
    assert (notice["text"], notice["by"], notice["until"]) == ("Issue on paper.", "operator", None)
    assert notice["waiting"] >= 0
    assert (story["cause"], story["owner"]) == ("outage declared by operator: Issue on paper.", "operator")
    assert lane["cause"] == story["cause"]
    assert (ended.status, ended.body["notice"]) == (200, None)
    assert set(quiet.body) == {"message_id", "certificate_number", "form", "receiver"}
    assert validated.status == 200


async def test_a_planned_maintenance_begins_and_ends_by_itself(pair: Pair) -> None:
    now = pair.vn.settings.make_clock()()
    window = Maintenance(begin=now - HOUR, end=now + HOUR, notice="Their yearly test.")
    parties = pair.vn.registry.parties
    planned = {**parties, PartyId(AWAY): replace(parties[PartyId(AWAY)], maintenance=(window,))}
    await pair.vn.restart(registry=replace(pair.vn.registry, parties=planned))

    shown = await pair.vn.operator.until("/parties", lambda page: _party(page, AWAY)["notice"] is not None)
    sent = await pair.vn.issuer.submit(a_record(importing_country="MY"))
    await pair.vn.restart(registry=replace(pair.vn.registry, parties=planned), clock=window.end)
    over = await pair.vn.operator.until("/parties", lambda page: _party(page, AWAY)["notice"] is None)
    await pair.vn.restart()

    party = _party(shown, AWAY)
    assert (party["suspended_by"], party["notice"]) == ("gateway", "Their yearly test.")
    assert party["maintenance"][0]["to"] == party["until"]
    assert sent.body["notice"]["until"] == party["until"]
    assert _party(over, AWAY)["suspended_by"] is None


async def test_one_corridor_is_stopped_both_ways_and_the_partys_other_forms_go_on(pair: Pair) -> None:
    suspended = await pair.vn.operator.post(
        "/parties/TH.CUSTOMS/suspend", {"form": FORM_D, "reason": "new version"}
    )
    try:
        waiting = await pair.submitted()
        other = await pair.submitted(form=RCEP)
        await pair.vn.operator.until(other.message, lambda one: one["delivery"] == "refused")
        story = (await pair.vn.issuer.get(waiting.path)).body
        abroad = Abroad(pair, "TH.CUSTOMS", pair.vn)
        later = await abroad.say(
            Acknowledgement(
                certificate_number=None,
                ref_to_message_id=MessageId("nothing@vn.moit"),
                outcome=AcknowledgementOutcome.ACCEPTED,
                by=AcknowledgedBy.GATEWAY,
                at=CLOCK,
                findings=(),
            ),
            number=None,
            about=MessageId("nothing@vn.moit"),
            conversation="c@th.customs",
        )
    finally:
        resumed = await pair.vn.operator.post("/parties/TH.CUSTOMS/resume", {"form": f"{FORM_D}/1.0"})
    await pair.vn.operator.until(waiting.message, lambda one: one["delivery"] == "delivered")

    assert [one["form"] for one in suspended.body["corridors"]] == [FORM_D]
    assert suspended.body["suspended_by"] is None
    assert (story["cause"], story["owner"]) == ("corridor suspended by operator", "operator")
    assert (later.status, later.retry_after) == (503, "300")
    assert resumed.body["corridors"] == []


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        pytest.param("outage", None, 422, id="no-notice"),
        pytest.param("outage", {"notice": " "}, 422, id="blank-notice"),
        pytest.param("outage", {"notice": "x", "until": "2020-01-01T00:00:00Z"}, 400, id="a-time-gone"),
        pytest.param("suspend", {"until": "tomorrow"}, 422, id="no-time"),
        pytest.param("suspend", {"until": "2030-01-01T00:00:00"}, 422, id="no-zone"),
        pytest.param("suspend", {"form": "d"}, 400, id="no-form"),
        pytest.param("suspend", {"form": FORM_D, "until": "2030-01-01T00:00:00Z"}, 400, id="form-and-time"),
        pytest.param("resume", {"form": FORM_D}, 409, id="corridor-not-suspended"),
    ],
)
async def test_what_cannot_be_meant_of_a_party_is_refused(
    pair: Pair, verb: str, body: Any, status: int
) -> None:
    reply = await pair.vn.operator.post(f"/parties/TH.CUSTOMS/{verb}", body)

    assert reply.status == status, reply.body


# ---- acts on many messages ---------------------------------------------------------------------------------


async def test_a_filtered_act_is_planned_looked_at_started_and_told(pair: Pair) -> None:
    for _ in range(3):
        await pair.submitted(importing_country="SG")
    body = {"verb": "hold", "filter": {"party": STOPPED, "status": "ready_to_send"}, "reason": "drill"}
    operator, plan = pair.vn.operator, await pair.vn.operator.post("/actions", body)
    path = f"/actions/{plan.body['action_id']}"
    late = await pair.submitted(importing_country="SG")

    other_count = await operator.post(f"{path}/start", {"count": plan.body["count"] + 1})
    started = await operator.post(f"{path}/start", {"count": plan.body["count"]})
    done = await operator.until(path, lambda action: action["state"] == "done")
    listed = await operator.items(f"{path}/messages")

    assert (plan.status, plan.body["state"], plan.body["count"] >= 3) == (201, "planned", True)
    assert [one["delivery"] for one in plan.body["sample"]] == ["ready_to_send"] * len(plan.body["sample"])
    assert (other_count.status, started.status) == (409, 200)
    assert (done["done"], done["refused"], done["left"]) == (plan.body["count"], 0, 0)
    assert {(one["delivery"], one["result"]) for one in listed} == {("on_hold", "done")}
    assert (await operator.get(late.message)).body["delivery"] == "ready_to_send"
    assert plan.body["action_id"] in [one["action_id"] for one in await operator.items("/actions")]
    ids = [one["message_id"] for one in listed]
    named = await operator.post("/actions", {"verb": "release", "messages": ids})
    assert named.body["digest"] == done["digest"]  # the same list


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"verb": "hold"}, 400, id="nothing-meant"),
        pytest.param({"verb": "hold", "filter": {}, "messages": ["a"]}, 400, id="both"),
        pytest.param({"verb": "explode", "filter": {}}, 422, id="no-verb"),
        pytest.param({"verb": "hold", "filter": {"status": "lost"}}, 400, id="no-status"),
        pytest.param({"verb": "hold", "filter": {"form": "d"}}, 400, id="no-form"),
        pytest.param({"verb": "hold", "filter": {"from": "soon"}}, 422, id="no-day"),
        pytest.param({"verb": "hold", "messages": ["nobody@vn.moit"]}, 404, id="unknown-id"),
        pytest.param({"verb": "hold", "filter": {"party": "XX.NOBODY"}}, 404, id="none-match"),
        pytest.param({"verb": "hold", "filter": {"party": STOPPED}, "most": 0}, 422, id="no-cap"),
    ],
)
async def test_a_plan_that_cannot_be_meant_is_refused(pair: Pair, body: Any, status: int) -> None:
    reply = await pair.vn.operator.post("/actions", body)

    assert reply.status == status, reply.body


async def test_unknown_actions_and_those_who_may_not_are_told(pair: Pair) -> None:
    nowhere = "/actions/00000000-0000-0000-0000-000000000007"

    assert (await pair.vn.operator.get(nowhere)).status == 404
    assert (await pair.vn.operator.post("/actions/seven/start")).status == 404
    assert (await pair.vn.issuer.get("/actions")).status == 403
    assert (await pair.vn.issuer.post("/actions", {"verb": "hold", "filter": {}})).status == 403
    assert (await pair.vn.operator.get("/actions", after="x")).status == 400


# ---- housekeeping ------------------------------------------------------------------------------------------


async def test_documents_past_their_time_go_by_themselves_and_the_certificate_is_still_known(
    pair: Pair,
) -> None:
    sent = await pair.exchange()
    registry, day = pair.th.registry, 24 * HOUR
    corridors = {key: replace(one, keep_documents=day) for key, one in registry.corridors.items()}
    await pair.th.operator.until(sent.path, lambda one: one["messages"][-1]["delivery"] == "delivered")
    kept = await pair.th.operator.get(f"{sent.message}/document")
    await pair.th.restart(registry=replace(registry, corridors=corridors), clock=CLOCK + 2 * day)
    try:
        operator, customs = pair.th.operator, pair.th.customs
        run = await operator.post("/housekeeping")
        gone = await operator.get(f"{sent.message}/document")
        planned = await operator.items("/housekeeping")
        story = await customs.get(sent.path)
        content = await customs.get(sent.inbox)
        response = await customs.post(
            f"{sent.inbox}/customs-response", {"items": [{"no": 1, "outcome": "utilised"}]}
        )
        forbidden = await pair.th.issuer.post("/housekeeping")
    finally:
        await pair.th.restart(registry=without_rcep(pair))

    assert (kept.status, run.status, gone.status) == (200, 200, 404)
    assert {(one["party"], one["certificates"]) for one in planned if one["party"] == "VN.MOIT"} == {
        ("VN.MOIT", 0)
    }
    assert story.body["messages"][0]["receipt"]["digest"]
    assert "operator:purge" in [event["what"] for event in story.body["events"]]
    assert (content.status, forbidden.status) == (404, 403)
    assert (response.status, response.codes) == (409, ["B03"])


def _party(page: Any, name: str) -> Any:
    return next(one for one in page["items"] if one["id"] == name)
