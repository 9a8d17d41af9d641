"""Acknowledgements and customs responses over the national API, between two running gateways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from gateway.domain.caller import Role
from gateway.domain.ids import PartyId
from tests.exchange.contract import CLOCK, Exchanged, Pair, Reply, a_record, inbox_path, two_gateways, whats
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two_gateways(servers, tmp_path_factory.mktemp("answers")) as running:
        yield running


async def respond(pair: Pair, sent: Exchanged, *items: Any) -> Reply:
    """Customs at TH say what became of items."""
    return await pair.th.customs.post(f"{sent.inbox}/customs-response", {"items": list(items)})


def used(item: int, value: float, declaration: str, unit: str = "KGM", **more: Any) -> dict[str, Any]:
    quantity = {"value": value, "unit": unit}
    return {
        "no": item,
        "outcome": "partially_utilised",
        "quantity": quantity,
        "declaration": declaration,
        **more,
    }


def closed(item: int, **more: Any) -> dict[str, Any]:
    return {"no": item, "outcome": "utilised", **more}


async def coffee(pair: Pair) -> Exchanged:
    """A certificate over two items of 1,200 kg each."""
    items = [item | {"quantity": {"value": 1200, "unit": "KGM"}} for item in a_record()["items"]]
    return await pair.exchange(items=items)


async def response_at_home(pair: Pair, sent: Exchanged, count: int) -> Any:
    """The story in VN once *count* entries have arrived."""
    return await pair.vn.issuer.until(sent.path, lambda story: len(story["customs_responses"]) == count)


# ---- acknowledgements --------------------------------------------------------------------------------------


async def test_the_receiving_gateway_acknowledges_by_itself(pair: Pair) -> None:
    sent = await pair.exchange()

    here = (await pair.vn.issuer.get(sent.path)).body["messages"][0]["acknowledgement"]
    there = (await pair.th.customs.get(sent.path)).body["messages"][0]["acknowledgement"]

    assert list(here) == ["outcome", "by", "at", "findings"]
    assert (here["outcome"], here["by"], here["findings"]) == ("accepted", "gateway", [])
    assert (there["outcome"], there["by"]) == ("accepted", "gateway")


async def test_the_national_systems_word_stands_over_its_gateways_and_a_later_one_over_an_earlier(
    pair: Pair,
) -> None:
    sent = await pair.exchange()
    goods = {"code": "B01", "text": "Marks and numbers differ.", "box": "6"}
    first = await pair.th.customs.post(
        f"{sent.inbox}/acknowledgement", {"outcome": "rejected", "findings": [goods]}
    )
    rejected = await pair.vn.issuer.until(
        sent.path, lambda story: story["messages"][0]["acknowledgement"]["by"] == "national-system"
    )
    second = await pair.th.customs.post(
        f"{sent.inbox}/acknowledgement",
        {"outcome": "accepted_with_warnings", "findings": [{"code": "W05", "text": "A minor matter."}]},
    )
    accepted = await pair.vn.issuer.until(
        sent.path, lambda story: story["messages"][0]["acknowledgement"]["outcome"] != "rejected"
    )

    for reply in (first, second):
        assert reply.status == 202
        assert list(reply.body) == ["message_id", "certificate_number", "form", "receiver"]
        assert reply.body["receiver"] == "VN.MOIT"
    assert first.body["message_id"] != second.body["message_id"]
    told = rejected["messages"][0]["acknowledgement"]
    assert (told["outcome"], told["findings"][0]["code"]) == ("rejected", "B01")
    assert told["findings"][0] | goods == told["findings"][0]
    assert told["findings"][0]["severity"] == "error"
    assert rejected["cause"] == "B01: Marks and numbers differ."
    assert rejected["owner"] == "issuing authority"
    assert accepted["messages"][0]["acknowledgement"]["outcome"] == "accepted_with_warnings"
    assert accepted["messages"][0]["acknowledgement"]["findings"][0]["severity"] == "warning"
    assert accepted["cause"] is None
    layers = [what for what in whats(accepted) if what.startswith("acknowledgement:")]
    assert layers == [
        "acknowledgement:accepted",
        "acknowledgement:rejected",
        "acknowledgement:accepted_with_warnings",
    ]


async def test_an_acknowledgement_changes_no_other_layer(pair: Pair) -> None:
    sent = await pair.exchange()
    await pair.th.customs.post(f"{sent.inbox}/acknowledgement", {"outcome": "rejected"})
    story = await pair.vn.issuer.until(
        sent.path, lambda story: story["messages"][0]["acknowledgement"]["outcome"] == "rejected"
    )

    assert story["messages"][0]["delivery"] == "delivered"
    assert story["messages"][0]["receipt"] is not None
    assert (story["customs_responses"], story["life"]) == ([], "in_force")
    assert story["cause"] is not None  # rejected without a word is wrong all the same


async def test_a_party_that_wants_none_of_our_national_acknowledgements_gets_none(pair: Pair) -> None:
    sent = await pair.exchange()
    parties = pair.th.registry.parties
    silent = replace(parties[PartyId("VN.MOIT")], national_acknowledgements=False)
    registry = replace(pair.th.registry, parties={**parties, silent.id: silent})
    await pair.th.restart(registry=registry)
    try:
        refused = await pair.th.customs.post(f"{sent.inbox}/acknowledgement", {"outcome": "accepted"})
        response = await respond(pair, sent, closed(1))
    finally:
        await pair.th.restart()

    assert (refused.status, response.status) == (409, 202)


async def test_an_acknowledgement_is_not_acknowledged(pair: Pair) -> None:
    sent = await pair.exchange()
    arrived = await pair.vn.operator.items("/inbox", type="acknowledgement")
    (answer,) = [one for one in arrived if one["ref_to_message_id"] == sent.message_id]

    reply = await pair.vn.customs.post(
        f"{inbox_path(answer['message_id'])}/acknowledgement", {"outcome": "accepted"}
    )

    assert reply.status == 409


async def test_customs_answer_certificates_and_not_the_answers_to_their_own(pair: Pair) -> None:
    sent = await pair.exchange()
    arrived = await pair.vn.operator.items("/inbox", type="acknowledgement")
    (answer,) = [one for one in arrived if one["ref_to_message_id"] == sent.message_id]

    reply = await pair.vn.customs.post(
        f"{inbox_path(answer['message_id'])}/customs-response", {"items": [closed(1)]}
    )

    assert reply.status == 409
    assert (await pair.vn.issuer.get(sent.path)).body["customs_responses"] == []


# ---- customs responses -------------------------------------------------------------------------------------


async def test_increments_add_up_and_the_last_one_closes_the_item(pair: Pair) -> None:
    sent = await coffee(pair)
    replies = [
        await respond(pair, sent, used(1, 500, "D-1", date="2026-11-22", reason="first lot")),
        await respond(pair, sent, used(1, 300.5, "D-2"), closed(2, legal_basis="ATIGA Annex 8 Rule 14(c)")),
        await respond(pair, sent, used(1, 399.5, "D-3")),
    ]
    story = await response_at_home(pair, sent, 4)

    assert [reply.status for reply in replies] == [202, 202, 202]
    first, second, third, fourth = story["customs_responses"]
    keys = ["item", "outcome", "quantity", "declaration", "date", "reason", "legal_basis", "message_id", "at"]
    assert list(first) == keys
    assert first | {"at": "", "message_id": ""} == {
        "item": 1,
        "outcome": "partially_utilised",
        "quantity": {"value": 500, "unit": "KGM"},
        "declaration": "D-1",
        "date": "2026-11-22",
        "reason": "first lot",
        "legal_basis": None,
        "message_id": "",
        "at": "",
    }
    assert second["quantity"] == {"value": 300.5, "unit": "KGM"}
    assert (third["item"], third["quantity"], third["legal_basis"]) == (2, None, "ATIGA Annex 8 Rule 14(c)")
    assert [one["message_id"] for one in story["customs_responses"]] == [
        replies[n].body["message_id"] for n in (0, 1, 1, 2)
    ]
    assert fourth["outcome"] == "partially_utilised"
    (hit,) = await pair.vn.issuer.items("/certificates", number=sent.number)
    assert hit["customs_response"] == "utilised"  # nothing is left of either item
    assert (story["cause"], story["owner"]) == (None, "none")
    responses = [what for what in whats(story) if what.startswith("customs-response:")]
    assert responses.count("customs-response:partially_utilised") == 3
    assert responses.count("customs-response:utilised") == 1
    there = (await pair.th.customs.get(sent.path)).body
    seen = [{**one, "at": ""} for one in story["customs_responses"]]
    assert [{**one, "at": ""} for one in there["customs_responses"]] == seen


async def test_more_than_was_issued_is_refused_and_changes_nothing(pair: Pair) -> None:
    sent = await coffee(pair)
    await respond(pair, sent, used(1, 1000, "D-1"))

    too_much = await respond(pair, sent, used(2, 1, "D-2"), used(1, 200.5, "D-2"))
    fitting = await respond(pair, sent, used(1, 200, "D-3"))
    after_all = await respond(pair, sent, used(1, 0.5, "D-4"))

    assert (too_much.status, too_much.codes, too_much.body["code"]) == (409, ["B02"], "B02")
    assert "200 KGM" in too_much.body["detail"]
    assert "200.5 KGM" in too_much.body["detail"]
    assert (fitting.status, after_all.status) == (202, 409)
    story = await response_at_home(pair, sent, 2)
    assert [one["declaration"] for one in story["customs_responses"]] == ["D-1", "D-3"]


async def test_the_same_item_and_declaration_again_replaces_its_entry(pair: Pair) -> None:
    sent = await coffee(pair)
    await respond(pair, sent, used(1, 1200, "D-1"))
    corrected = await respond(pair, sent, used(1, 700, "D-1", reason="corrected"))
    more = await respond(pair, sent, used(1, 500, "D-2"))
    over = await respond(pair, sent, used(1, 701, "D-1"))

    assert [corrected.status, more.status, over.status] == [202, 202, 409]
    story = await response_at_home(pair, sent, 3)  # all that was said stays to be seen
    assert [one["quantity"]["value"] for one in story["customs_responses"]] == [1200, 700, 500]
    (hit,) = await pair.vn.issuer.items("/certificates", number=sent.number)
    assert hit["customs_response"] == "partially_utilised"


async def test_a_closed_item_takes_no_more(pair: Pair) -> None:
    sent = await coffee(pair)
    await respond(pair, sent, closed(1, declaration="D-1"))

    reply = await respond(pair, sent, used(1, 1, "D-2"))

    assert (reply.status, reply.codes) == (409, ["B02"])


async def test_units_that_convert_are_taken_and_others_are_told(pair: Pair) -> None:
    sent = await coffee(pair)

    tonnes = await respond(pair, sent, used(1, 1.2, "D-1", unit="TNE"))
    litres = await respond(pair, sent, used(2, 5, "D-1", unit="LTR"))
    nothing = await respond(pair, sent, used(2, 5, "D-1", unit="kilos"))
    grams = await respond(pair, sent, used(1, 1, "D-2", unit="GRM"))

    assert (tonnes.status, litres.status, nothing.status, grams.status) == (202, 422, 422, 409)
    assert (litres.codes, grams.codes) == (["C09"], ["B02"])
    story = await response_at_home(pair, sent, 1)
    assert story["customs_responses"][0]["quantity"] == {"value": 1.2, "unit": "TNE"}
    (hit,) = await pair.th.customs.items("/certificates", number=sent.number)
    assert hit["customs_response"] == "partially_utilised"  # item 2 is whole


@pytest.mark.parametrize(
    ("verb", "body", "paths"),
    [
        pytest.param("customs-response", {"items": [closed(3)]}, ["/items/0"], id="unknown-item"),
        pytest.param("customs-response", {"items": []}, ["/items"], id="no-item"),
        pytest.param("customs-response", [], ["/"], id="no-object"),
        pytest.param(
            "customs-response",
            {"items": [{"no": 1, "outcome": "burnt"}, {"no": "2"}], "offices": "x"},
            ["/items/0/outcome", "/items/1/no", "/items/1/outcome", "/offices"],
            id="all-faults-at-once",
        ),
        pytest.param("acknowledgement", {"outcome": "perhaps"}, ["/outcome"], id="unknown-outcome"),
        pytest.param("acknowledgement", {}, ["/outcome"], id="no-outcome"),
        pytest.param(
            "acknowledgement",
            {"outcome": "rejected", "findings": [{"code": "X99", "text": "?"}]},
            ["/findings/0/code"],
            id="unknown-code",
        ),
    ],
)
async def test_a_faulty_body_is_422_with_every_finding(
    pair: Pair, verb: str, body: Any, paths: list[str]
) -> None:
    sent = await pair.exchange()

    reply = await pair.th.customs.call("POST", f"{sent.inbox}/{verb}", body=body)

    assert reply.status == 422
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    assert sorted(finding["path"] for finding in reply.body["findings"]) == sorted(paths)
    story = (await pair.th.customs.get(sent.path)).body
    assert (story["customs_responses"], len(story["messages"])) == ([], 2)


async def test_an_answer_wants_json_that_can_be_read(pair: Pair) -> None:
    sent = await pair.exchange()
    path = f"{sent.inbox}/customs-response"

    unreadable = await pair.th.customs.call("POST", path, content=b'{"items": [', kind="application/json")
    xml = await pair.th.customs.call("POST", path, content=b"<x/>", kind="application/xml")
    unknown = await pair.th.customs.post(
        f"{inbox_path('no-such@vn.moit')}/customs-response", {"items": [closed(1)]}
    )

    assert (unreadable.status, unreadable.codes) == (422, ["S01"])
    assert (xml.status, unknown.status) == (415, 404)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("preference_denied", "B04"), ("under_verification", "B05"), ("not_utilised", None)],
)
async def test_what_customs_decide_is_the_cause_at_home(pair: Pair, outcome: str, code: str | None) -> None:
    sent = await pair.exchange()
    await respond(pair, sent, {"no": 1, "outcome": outcome, "reason": "RVC not shown"})
    story = await response_at_home(pair, sent, 1)

    if code is None:
        assert (story["cause"], story["owner"]) == (None, "none")
    else:
        assert story["cause"] == f"{code}: item 1: RVC not shown"
        assert story["owner"] == "issuing authority"
    assert story["next_action"]
    assert (await pair.vn.issuer.items("/certificates", status=outcome, number=sent.number)) != []


async def test_an_outcome_without_a_day_happened_on_the_day_customs_live_in(pair: Pair) -> None:
    sent = await pair.exchange()
    await respond(pair, sent, closed(1))
    story = await response_at_home(pair, sent, 1)

    assert story["customs_responses"][0]["at"].startswith(f"{CLOCK:%Y-%m-%d}")  # UTC
    assert story["customs_responses"][0]["date"] == "2026-11-22"  # Bangkok


async def test_concurrent_responses_never_use_more_than_was_issued(pair: Pair) -> None:
    sent = await coffee(pair)

    replies = await asyncio.gather(*(respond(pair, sent, used(1, 500, f"D-{n}")) for n in range(6)))

    assert sorted(reply.status for reply in replies) == [202, 202, 409, 409, 409, 409]
    story = await response_at_home(pair, sent, 2)
    assert len(story["customs_responses"]) == 2


async def test_who_may_answer_is_the_customs_of_the_receiving_side_alone(pair: Pair) -> None:
    sent = await pair.exchange()
    for role in (Role.ISSUER, Role.EXPORTER, Role.OPERATOR, Role.AUDITOR, Role.ADMINISTRATOR):
        reply = await pair.th.as_(role).post(f"{sent.inbox}/customs-response", {"items": [closed(1)]})
        assert reply.status == 403, role
