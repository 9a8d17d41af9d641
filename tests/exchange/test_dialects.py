"""One party speaks UBL, the other EDIFACT: certificates and answers travel, both sides keep both forms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from lxml import etree

from gateway.acknowledge.bodies import Cancellation, write_body
from gateway.demo.records import certificate
from gateway.domain.envelope import business_document
from gateway.domain.form import Form
from gateway.domain.ids import MessageId
from gateway.domain.status import MessageType
from gateway.translate.edifact.carried import unwrap, wrap
from gateway.translate.ubl.names import CERTIFICATE, RESPONSE
from gateway.validate.judge import form_of
from tests.data.ubl import dialect as ubl_dialect
from tests.exchange.contract import (
    FORM_D,
    MY,
    TH,
    TODAY,
    VN,
    Caller,
    Exchanged,
    Json,
    Pair,
    a_record,
    as_xml,
    inbox_path,
    message_path,
    path_of,
    two_gateways,
)
from tests.exchange.contract_abroad import Abroad, Posted
from tests.servers import Servers
from tests.unit.translate.edifact_shipped import SANCRT, data
from tests.unit.translate.edifact_shipped import dialect as edifact_dialect

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """VN.MOIT speaks UBL, TH.CUSTOMS EDIFACT, MY.CUSTOMS that of few letters."""
    speaks = {VN: "ubl-2.1", TH: "edifact-sancrt", MY: "edifact-sancrt-unoc"}
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
    acknowledged = await answers(pair, sent, "acknowledgement", 3)  # of the certificate, and of each response
    assert {one["dialect"] for one in acknowledged} == {"edifact-sancrt"}
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


async def test_edifact_that_cannot_be_read_is_answered_with_a_contrl_that_says_where(pair: Pair) -> None:
    unsound = SANCRT.replace("CNT+2", "XYZ+1'CNT+2").encode()

    posted = await Abroad(pair, MY, pair.th).carry(
        wrapped(unsound), kind=MessageType.CERTIFICATE, number="MY-TH 1"
    )

    assert posted.status == 200
    arrived = (await pair.th.customs.get(inbox_path(posted.message_id))).body
    assert (arrived["valid"], arrived["content"]) == (False, None)
    assert "/Interchange/Message[1]/Segment[26]" in {each["path"] for each in arrived["findings"]}
    told = (await pair.th.operator.get(message_path(posted.message_id))).body
    assert (told["dialect"], told["acknowledgement"]["outcome"]) == ("edifact-sancrt", "rejected")
    assert unwrap(await document(pair.th.operator, posted.message_id)) == unsound
    contrl = await edifact(pair.th.operator, await acknowledgement_of(pair, posted))
    assert "+CONTRL:4:1:UN" in contrl
    assert "UCS+26+" in contrl


async def test_a_header_that_contradicts_what_is_in_the_dialect_is_refused_on_the_wire(pair: Pair) -> None:
    interchange = wrapped(SANCRT.replace("rcep/form-rcep", FORM_D).encode())
    my = Abroad(pair, MY, pair.th)

    posted = await my.carry(interchange, kind=MessageType.CERTIFICATE, number="ANOTHER")

    assert posted.status == 400


@pytest.mark.parametrize("write", [edifact_dialect().write, ubl_dialect().write], ids=["edifact", "ubl"])
async def test_a_certificate_may_be_handed_in_in_a_dialect(
    pair: Pair, write: Callable[[etree._Element, Form], etree._Element]
) -> None:
    record = a_record()
    document = etree.fromstring(as_xml(pair.vn.registry, record))
    content = etree.tostring(write(document, form_of(document, pair.vn.registry.forms)))

    taken = await pair.vn.issuer.call("POST", "/certificates", content=content, kind="application/xml")

    assert taken.status == 202, taken.body
    assert (taken.body["certificate_number"], taken.body["receiver"]) == (record["certificate_number"], TH)


async def test_what_the_receivers_dialect_cannot_hold_is_told_before_anything_is_sealed(pair: Pair) -> None:
    record = a_record(importing_country="MY")  # its consignee has a name in Thai letters
    record["exporter"]["name"] = "Công ty Dệt may"

    judged = await pair.vn.issuer.post("/certificates/validate", record)
    refused = await pair.vn.issuer.submit(record)

    assert (judged.body["valid"], refused.status) == (False, 422)
    for reply in (judged, refused):
        told = {(finding["code"], finding["box"]) for finding in reply.body["findings"]}
        assert told == {("C09", "1"), ("C09", "2")}


async def test_what_came_in_a_dialect_before_its_certificate_is_understood_when_that_comes(
    pair: Pair,
) -> None:
    record = certificate(FORM_D, "MY", "TH", 1, TODAY)
    number, about = record["certificate_number"], "early@my.customs"
    xml = etree.fromstring(as_xml(pair.th.registry, record))
    body = Cancellation(certificate_number=number, ref_to_message_id=MessageId(about), reason="Too early")
    my, conversation = Abroad(pair, MY, pair.th), "early-talk@my.customs"

    early = await my.carry(
        edifact_dialect().write_cancellation(write_body(body)),
        kind=MessageType.CANCELLATION,
        number=number,
        conversation=conversation,
        about=about,
    )
    late = await my.carry(
        ubl_dialect().write(xml, form_of(xml, pair.th.registry.forms)),
        kind=MessageType.CERTIFICATE,
        number=number,
        conversation=conversation,
        message_id=about,
    )

    assert (early.status, late.status) == (200, 200)
    story = (await pair.th.operator.get(path_of(record))).body
    assert story["life"] == "cancelled"
    assert [one["dialect"] for one in story["messages"] if one["direction"] == "in"] == [
        "edifact-sancrt",
        "ubl-2.1",
    ]


async def test_a_message_in_canonical_form_has_no_other(pair: Pair) -> None:
    sent = await pair.exchange()
    asked = await pair.th.customs.post(
        f"{sent.inbox}/verification-request", {"kind": "authenticity", "questions": ["Is it yours?"]}
    )
    assert asked.status == 202, asked.body
    path = message_path(asked.body["message_id"])

    other = await pair.th.operator.get(f"{path}/document", **{"as": "canonical"})

    assert other.status == 404
    assert "dialect" not in (await pair.th.operator.get(path)).body


def wrapped(octets: bytes) -> etree._Element:
    """*octets* as a message carries them."""
    return wrap(octets, data().repertoires["UNOW"])


async def acknowledgement_of(pair: Pair, posted: Posted) -> str:
    """The id of the message with which TH.CUSTOMS acknowledged what MY.CUSTOMS posted."""
    events = await pair.th.operator.items("/events")
    ids = {event["message_id"] for event in events if event["party"] == MY and event["message_id"]}
    for message_id in ids:
        message = (await pair.th.operator.get(message_path(message_id))).body
        if message["type"] == "acknowledgement" and message["ref_to_message_id"] == posted.message_id:
            return str(message_id)
    raise AssertionError(f"{posted.message_id} was not acknowledged")
