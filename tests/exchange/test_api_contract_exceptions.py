"""The work queue over the national API between two running gateways: codes B.. by their real causes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from gateway.domain.caller import Role
from gateway.domain.ids import PartyId
from gateway.store.connect import connect
from gateway.store.ledger import Ledger
from gateway.watch.law import Law
from gateway.watch.watcher import Watcher
from tests.exchange.contract import (
    CLOCK,
    Caller,
    Exchanged,
    Pair,
    Side,
    a_record,
    inbox_path,
    two_gateways,
    whats,
)
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two_gateways(servers, tmp_path_factory.mktemp("exceptions")) as running:
        yield running


async def queued(side: Side, code: str, number: str, caller: Caller | None = None) -> Any:
    """The open exception of this code in which certificate *number* stands."""
    asking = caller or side.operator
    found: list[Any] = []

    async def stands_in(one: Any) -> bool:
        items = await asking.items(f"/exceptions/{one['id']}/items", state="open")
        return any(item["certificate_number"] == number for item in items)

    for _ in range(300):
        for one in await asking.items("/exceptions", state="open", code=code):
            if await stands_in(one):
                found.append(one)
        if found:
            return found[0]
        await asyncio.sleep(0.05)
    raise AssertionError(f"no exception {code} about {number}")


async def is_over(side: Side, exception: Any) -> Any:
    return await side.operator.until(f"/exceptions/{exception['id']}", lambda one: one["state"] == "closed")


async def said(pair: Pair, sent: Exchanged, cause: str) -> Any:
    """The story at home once its cause begins so."""
    return await pair.vn.issuer.until(sent.path, lambda story: (story["cause"] or "").startswith(cause))


def used(value: float, declaration: str = "TH-1", item: int = 1, **more: Any) -> dict[str, Any]:
    quantity = {"value": value, "unit": "KGM"}
    return {
        "no": item,
        "outcome": "partially_utilised",
        "quantity": quantity,
        "declaration": declaration,
    } | more


async def coffee(pair: Pair, organisation: str | None = None) -> Exchanged:
    """A certificate over two items of 1,200 kg each."""
    items = [item | {"quantity": {"value": 1200, "unit": "KGM"}} for item in a_record()["items"]]
    return await pair.exchange(organisation=organisation, items=items)


async def respond(pair: Pair, sent: Exchanged, *items: Any) -> int:
    return (await pair.th.customs.post(f"{sent.inbox}/customs-response", {"items": list(items)})).status


async def test_b01_goods_that_do_not_match_until_customs_accept(pair: Pair) -> None:
    sent = await pair.exchange(organisation="HN")
    finding = {"code": "B01", "text": "Marks and numbers differ."}
    verdict = f"{sent.inbox}/acknowledgement"
    await pair.th.customs.post(verdict, {"outcome": "rejected", "findings": [finding]})

    story = await said(pair, sent, "B01")
    queue = await queued(pair.vn, "B01", sent.number, pair.vn.as_(Role.ISSUER, organisation="HN"))
    await pair.th.customs.post(verdict, {"outcome": "accepted"})
    over = await is_over(pair.vn, queue)

    assert (queue["owner"], queue["organisation"]) == ("issuing authority", "HN")
    assert (queue["cause"], queue["next_action"]) == (story["cause"], story["next_action"])
    assert (over["closed_by"], over["waiting"]) == ("gateway", 0)


async def test_b02_is_an_exception_at_customs_when_the_ledger_refuses_what_they_say(pair: Pair) -> None:
    sent = await coffee(pair)
    assert await respond(pair, sent, used(10_000_000)) == 409

    queue = await queued(pair.th, "B02", sent.number)
    own = await pair.th.customs.get(f"/exceptions/{queue['id']}")
    assert await respond(pair, sent, used(1)) == 202
    await is_over(pair.th, queue)

    assert queue["owner"] == "customs"
    assert queue["cause"].startswith("B02: item 1: ")
    assert own.status == 200


async def test_b03_is_an_exception_where_a_cancelled_certificate_was_claimed(pair: Pair) -> None:
    sent = await coffee(pair)
    await pair.vn.issuer.post(f"{sent.path}/cancellation", {"reason": "wrong consignee"})
    await pair.th.customs.until(sent.path, lambda story: story["life"] == "cancelled")

    assert await respond(pair, sent, used(1)) == 409

    queue = await queued(pair.th, "B03", sent.number)
    assert (queue["owner"], queue["organisation"]) == ("customs", None)


async def test_b04_a_denial_is_its_organisations_until_customs_say_otherwise(pair: Pair) -> None:
    sent = await coffee(pair, organisation="HCM")
    denied = {"no": 1, "outcome": "preference_denied", "declaration": "TH-4", "reason": "Wrong heading"}
    assert await respond(pair, sent, denied) == 202

    story = await said(pair, sent, "B04: item 1: Wrong heading")
    queue = await queued(pair.vn, "B04", sent.number)
    await respond(pair, sent, used(5, "TH-4"))
    await is_over(pair.vn, queue)

    assert story["owner"] == queue["owner"] == "issuing authority"
    assert story["next_action"] == queue["next_action"]


async def test_b05_a_verification_is_asked_for_until_it_is_answered(pair: Pair) -> None:
    sent = await pair.exchange()
    asked = await pair.th.customs.post(
        f"{sent.inbox}/verification-request", {"kind": "retroactive-check", "questions": ["Who made it?"]}
    )

    story = await said(pair, sent, "B05")
    queue = await queued(pair.vn, "B05", sent.number)
    await pair.vn.issuer.post(
        f"{inbox_path(asked.body['message_id'])}/verification-reply",
        {"kind": "retroactive-check", "answers": ["We did."]},
    )
    await is_over(pair.vn, queue)
    settled = await pair.vn.issuer.get(sent.path)

    assert story["owner"] == queue["owner"] == "issuing authority"
    assert story["next_action"] == queue["next_action"] == "Answer the verification before its legal limit."
    assert settled.body["cause"] is None


async def test_b06_a_cancellation_that_crosses_a_utilisation_is_refused_abroad(pair: Pair) -> None:
    sent = await coffee(pair)
    await pair.th.operator.post("/parties/VN.MOIT/suspend", {"outgoing_only": True})
    assert await respond(pair, sent, used(5)) == 202  # it waits at TH
    cancelled = await pair.vn.issuer.post(f"{sent.path}/cancellation", {"reason": "wrong consignee"})
    await pair.th.operator.post("/parties/VN.MOIT/resume")

    story = await said(pair, sent, "B06")
    queue = await queued(pair.vn, "B06", sent.number)

    assert cancelled.status == 202
    assert story["owner"] == queue["owner"] == "issuing authority"
    assert story["next_action"] == "The certificate cannot be cancelled any more; issue a replacement."
    assert queue["cause"].startswith("B06: items already utilised: item 1: 5 KGM")


async def test_an_exception_is_taken_noted_and_closed_by_a_person(pair: Pair) -> None:
    sent = await pair.exchange(organisation="CT")
    denied = {"no": 1, "outcome": "preference_denied", "declaration": "TH-5", "reason": "Late"}
    await respond(pair, sent, denied)
    issuer = pair.vn.as_(Role.ISSUER, organisation="CT")
    path = f"/exceptions/{(await queued(pair.vn, 'B04', sent.number, issuer))['id']}"

    taken = await issuer.post(f"{path}/take")
    mine = await issuer.items("/exceptions", mine="true")
    noted = await issuer.post(f"{path}/note", {"reason": "asked customs"})
    nothing = await issuer.post(f"{path}/close", {"reason": ""})
    closed = await issuer.post(f"{path}/close", {"reason": "the exporter paid"})
    again = await issuer.post(f"{path}/close", {"reason": "the exporter paid"})
    other = await pair.vn.as_(Role.ISSUER, organisation="HN").get(path)
    alerts = [
        event["what"]
        for event in await pair.vn.operator.items("/events")
        if event["what"].startswith("exception:") and event["party"] == "TH.CUSTOMS"
    ]

    assert (taken.status, taken.body["taken_by"]) == (200, "issuer@CT")
    assert [one["id"] for one in mine] == [taken.body["id"]]
    assert [note["words"] for note in noted.body["notes"]] == [None, "asked customs"]
    assert nothing.status == 422
    assert (closed.status, closed.body["state"], closed.body["resolution"]) == (
        200,
        "closed",
        "the exporter paid",
    )
    assert (again.status, other.status) == (409, 404)
    assert {"exception:opened", "exception:closed"} == set(alerts)


@pytest.mark.parametrize("path", ["/exceptions/0", "/exceptions/x", "/exceptions/1e3", "/exceptions/0/items"])
async def test_an_exception_that_is_not_there_is_404(pair: Pair, path: str) -> None:
    assert (await pair.vn.operator.get(path)).status == 404


@pytest.mark.parametrize("query", ["state=shut", "owner=nobody", "after=x", "mine=perhaps", "colour=red"])
async def test_a_question_that_cannot_be_read_is_400(pair: Pair, query: str) -> None:
    name, _, value = query.partition("=")

    assert (await pair.vn.operator.get("/exceptions", **{name: value})).status == 400


async def test_a_clock_that_has_warned_is_listed_and_stands_on_the_timeline(pair: Pair) -> None:
    sent = await pair.exchange()
    pool = await connect(pair.th.database_url, connections=2)
    later = CLOCK + timedelta(days=55)
    try:
        law = Law(clocks=pair.th.registry.clocks)
        await Watcher(Ledger(pool), lambda: later, law, home=PartyId("TH.CUSTOMS")).step()
    finally:
        pool.terminate()

    (row,) = (await _clocks(pair, sent.number))["items"]
    story = (await pair.th.customs.get(sent.path)).body
    queue = await queued(pair.th, "rejection-notice", sent.number)

    assert (row["owner"], row["state"], row["party"]) == ("customs", "warned", "VN.MOIT")
    assert row["limit"] == "60 days (ATIGA Annex 8 Rule 30(3)(a))"
    assert "clock:warned" in whats(story)
    assert queue["owner"] == "customs"


async def _clocks(pair: Pair, number: str) -> Any:
    def has(told: Any) -> bool:
        told["items"] = [one for one in told["items"] if one["certificate_number"] == number]
        return bool(told["items"])

    return await pair.th.customs.until("/clocks", has, name="rejection-notice", limit="500")
