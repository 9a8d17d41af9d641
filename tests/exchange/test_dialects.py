"""One party speaks UBL, the other EDIFACT: certificates and answers travel, both sides keep both forms."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from lxml import etree

from gateway.demo.records import certificate
from gateway.domain.envelope import business_document
from gateway.translate.edifact.carried import unwrap
from gateway.translate.ubl.names import CERTIFICATE, RESPONSE
from tests.exchange.contract import (
    FORM_D,
    TH,
    TODAY,
    VN,
    Caller,
    Exchanged,
    Json,
    Pair,
    inbox_path,
    message_path,
    two_gateways,
)
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """VN.MOIT speaks UBL, TH.CUSTOMS EDIFACT."""
    speaks = {VN: "ubl-2.1", TH: "edifact-sancrt"}
    async with two_gateways(servers, tmp_path_factory.mktemp("dialects"), speaks=speaks) as pair:
        yield pair


async def document(caller: Caller, message_id: str) -> etree._Element:
    """The business document of a message, as it travelled."""
    reply = await caller.get(f"{message_path(message_id)}/document")
    return business_document(etree.fromstring(reply.raw))


async def edifact(caller: Caller, message_id: str) -> str:
    """The interchange that a message carried."""
    return unwrap(await document(caller, message_id)).decode()


async def answers(pair: Pair, sent: Exchanged, kind: str, count: int = 1) -> list[Json]:
    """The messages of *kind* that the issuing side got about a certificate, oldest first."""

    def come(story: Json) -> bool:
        return len([one for one in story["messages"] if one["type"] == kind]) >= count

    story = await pair.vn.operator.until(sent.path, come)
    return [one for one in story["messages"] if one["type"] == kind]


async def test_a_certificate_goes_out_as_sancrt_and_is_read_as_it_was_written(pair: Pair) -> None:
    sent = await pair.exchange()

    out = await pair.vn.operator.get(f"{sent.message}/document")
    arrived = await pair.th.operator.get(f"{sent.message}/document")
    said = await pair.vn.operator.get(f"{sent.message}/document", **{"as": "canonical"})
    understood = await pair.th.operator.get(f"{sent.message}/document", **{"as": "canonical"})

    assert out.raw == arrived.raw
    assert said.raw == understood.raw
    assert sent.number.encode() in said.raw
    assert f"UNB+UNOW:4+{VN}+{TH}+" in await edifact(pair.th.operator, sent.message_id)
    inbox = (await pair.th.customs.get(sent.inbox)).body
    assert (inbox["valid"], inbox["content"]["certificate_number"]) == (True, sent.number)
    assert (await pair.th.operator.get(sent.message)).body["dialect"] == "edifact-sancrt"


async def test_our_acknowledgement_comes_back_as_aperak(pair: Pair) -> None:
    sent = await pair.exchange()

    (told,) = await answers(pair, sent, "acknowledgement")

    assert told["dialect"] == "edifact-sancrt"
    assert "+APERAK:D:01B:UN" in await edifact(pair.vn.operator, told["message_id"])
    story = (await pair.vn.operator.get(sent.path)).body
    assert story["messages"][0]["acknowledgement"]["outcome"] == "accepted"


async def test_the_way_back_is_ubl(pair: Pair) -> None:
    record = certificate(FORM_D, "TH", "VN", 1, TODAY)
    taken = await pair.th.issuer.submit(record)
    assert taken.status == 202, taken.body
    sent = Exchanged(record=record, message_id=taken.body["message_id"])

    story = await pair.th.operator.until(sent.path, lambda told: told["messages"][0]["acknowledgement"])

    assert story["messages"][0]["acknowledgement"]["outcome"] == "accepted"
    arrived = await document(pair.vn.operator, sent.message_id)
    assert arrived.tag == f"{{{CERTIFICATE}}}CertificateOfOrigin"
    (told,) = [one for one in story["messages"] if one["type"] == "acknowledgement"]
    answer = await document(pair.th.operator, told["message_id"])
    assert answer.tag == f"{{{RESPONSE}}}ApplicationResponse"
    inbox = (await pair.vn.customs.get(sent.inbox)).body
    assert (inbox["valid"], inbox["content"]["certificate_number"]) == (True, sent.number)


async def test_utilisation_comes_back_as_cusres_in_parts_and_in_full(pair: Pair) -> None:
    sent = await pair.exchange()
    quantity = sent.record["items"][0]["quantity"]
    half = {"value": quantity["value"] / 2, "unit": quantity["unit"]}
    others = [{"no": item["no"], "outcome": "utilised"} for item in sent.record["items"][1:]]
    part = {
        "no": 1,
        "outcome": "partially_utilised",
        "quantity": half,
        "declaration": "TH-1",
        "date": "2026-11-22",
    }
    rest = {"no": 1, "outcome": "utilised", "quantity": half, "declaration": "TH-2", "date": "2026-11-22"}

    first = await pair.th.customs.post(f"{sent.inbox}/customs-response", {"items": [part, *others]})
    await pair.vn.operator.until(sent.path, lambda story: story["customs_responses"])
    second = await pair.th.customs.post(f"{sent.inbox}/customs-response", {"items": [rest]})
    told = await answers(pair, sent, "customs-response", 2)

    assert (first.status, second.status) == (202, 202), (first.body, second.body)
    assert "+CUSRES:D:01B:UN" in await edifact(pair.vn.operator, told[0]["message_id"])
    entries = len(sent.record["items"]) + 1
    await pair.vn.operator.until(sent.path, lambda story: len(story["customs_responses"]) == entries)
    at_home = (await pair.th.operator.get(sent.path)).body
    there = (await pair.vn.operator.get(sent.path)).body
    assert _entries(at_home) == _entries(there)


async def test_a_rejection_by_the_national_system_travels_with_its_findings(pair: Pair) -> None:
    sent = await pair.exchange()
    finding = {
        "code": "B01",
        "text": "Other goods than declared, tơ lụa",
        "path": "/CertificateOfOrigin/Items",
    }

    posted = await pair.th.customs.post(
        f"{sent.inbox}/acknowledgement", {"outcome": "rejected", "findings": [finding]}
    )

    assert posted.status == 202, posted.body
    story = await pair.vn.operator.until(
        sent.path, lambda told: told["messages"][0]["acknowledgement"]["outcome"] == "rejected"
    )
    acknowledgement = story["messages"][0]["acknowledgement"]
    assert acknowledgement["by"] == "national-system"
    (told,) = acknowledgement["findings"]
    assert {key: told[key] for key in finding} == finding


async def test_a_cancellation_is_a_sancrt_too(pair: Pair) -> None:
    sent = await pair.exchange()

    asked = await pair.vn.issuer.post(f"{sent.path}/cancellation", {"reason": "Issued twice"})

    assert asked.status == 202, asked.body
    await pair.vn.operator.until(sent.path, lambda story: story["life"] == "cancelled")
    assert "+1'" in (await edifact(pair.th.operator, asked.body["message_id"])).partition("BGM")[2][:60]
    inbox = (await pair.th.customs.get(inbox_path(asked.body["message_id"]))).body
    assert inbox["content"]["reason"] == "Issued twice"


def _entries(story: Json) -> list[Json]:
    """What customs said, but for when it was kept."""
    return [{key: value for key, value in one.items() if key != "at"} for one in story["customs_responses"]]
