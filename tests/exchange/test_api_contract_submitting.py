"""Handing certificates in: what is the same, what is taken, what is refused, and where that is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from gateway.domain.caller import Role
from tests.exchange.contract import (
    CLOCK,
    RCEP,
    TODAY,
    Caller,
    Exchanged,
    Pair,
    Reply,
    a_record,
    as_xml,
    path_of,
    two_gateways,
)
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

XML, JSON = "application/xml", "application/json"
TAKEN = ["message_id", "certificate_number", "form", "receiver"]
FINDING = ["code", "severity", "box", "path", "line", "value", "text", "action"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two_gateways(servers, tmp_path_factory.mktemp("submitting")) as running:
        yield running


async def hand_in(caller: Caller, content: bytes, kind: str = JSON, path: str = "/certificates") -> Reply:
    return await caller.call("POST", path, content=content, kind=kind)


def remarked(record: Any, remark: str = "another") -> Any:
    """The same certificate with other content."""
    items = [item | {"marks": remark} for item in record["items"]]
    return record | {"items": items}


async def reject(pair: Pair, sent: Exchanged) -> None:
    """Customs abroad reject it, and home knows."""
    await pair.th.customs.post(f"{sent.inbox}/acknowledgement", {"outcome": "rejected"})
    await pair.vn.issuer.until(
        "/certificates", lambda page: page["items"], number=sent.number, status="rejected"
    )


async def test_what_was_taken_is_told_with_its_receiver(pair: Pair) -> None:
    record = a_record()

    reply = await pair.vn.issuer.submit(record)

    assert (reply.status, list(reply.body)) == (202, TAKEN)
    assert reply.body["certificate_number"] == record["certificate_number"]
    assert (reply.body["form"], reply.body["receiver"]) == ("atiga/form-d/1.0", "TH.CUSTOMS")
    assert reply.body["message_id"].count("@") == 1


async def test_the_same_octets_are_the_same_and_one_more_space_is_not(pair: Pair) -> None:
    document = as_xml(pair.vn.registry, a_record())
    issuer = pair.vn.issuer

    first = await hand_in(issuer, document, "application/xml; charset=utf-8")
    again = await hand_in(issuer, document, XML)
    spaced = await hand_in(issuer, document + b"\n", XML)

    assert (first.status, again.status, spaced.status) == (202, 200, 409)
    assert again.body == first.body
    assert (spaced.body["code"], spaced.codes) == ("D05", ["D05"])
    assert spaced.body["submission_id"]


async def test_equal_json_values_are_the_same_however_they_are_written(pair: Pair) -> None:
    record = a_record()
    first = await pair.vn.issuer.submit(record)
    written = json.dumps(dict(reversed(record.items())), indent=3, ensure_ascii=False)
    others = [
        written,
        written.replace(" 1200", " 1.2e3").replace('"no": 1', '"no": 1.0'),
        json.dumps(record).replace("2650.5", "2650.50"),
        "\ufeff" + json.dumps(record),
    ]

    replies = [await hand_in(pair.vn.issuer, text.encode()) for text in others]

    assert [reply.status for reply in replies] == [200] * 4
    assert all(reply.body == first.body for reply in replies)
    assert (await pair.vn.issuer.submit(remarked(record))).codes == ["D05"]


async def test_of_twenty_that_come_at_once_one_is_the_first(pair: Pair) -> None:
    record = a_record()

    replies = await asyncio.gather(*(pair.vn.issuer.submit(record) for _ in range(20)))

    assert sorted(reply.status for reply in replies) == [200] * 19 + [202]
    assert len({reply.raw for reply in replies}) == 1
    assert len(await pair.vn.issuer.items("/certificates", number=record["certificate_number"])) == 1


async def test_of_twenty_different_ones_under_one_number_one_is_taken(pair: Pair) -> None:
    record = a_record()

    replies = await asyncio.gather(*(pair.vn.issuer.submit(remarked(record, f"LOT {n}")) for n in range(20)))

    assert sorted(reply.status for reply in replies) == [202] + [409] * 19


async def test_the_first_answer_is_repeated_whatever_became_of_it(pair: Pair) -> None:
    sent = await pair.exchange()
    first = await pair.vn.issuer.submit(sent.record)
    accepted = await pair.vn.issuer.submit(sent.record)
    await reject(pair, sent)
    rejected = await pair.vn.issuer.submit(sent.record)
    await pair.vn.issuer.post(f"{sent.path}/cancellation", {"reason": "withdrawn by the exporter"})
    await pair.vn.issuer.until(sent.path, lambda story: story["life"] == "cancelled")
    cancelled = await pair.vn.issuer.submit(sent.record)

    for reply in (first, accepted, rejected, cancelled):
        assert (reply.status, reply.body["message_id"]) == (200, sent.message_id)
        assert reply.body == first.body


async def test_the_first_answer_is_repeated_when_it_would_not_be_taken_any_more(pair: Pair) -> None:
    year_ago = str(TODAY.replace(year=TODAY.year - 1))
    sent = await pair.submitted(
        issue_date=year_ago, form=RCEP, transport=_left_on(year_ago), items=_sold(year_ago)
    )
    other = remarked(sent.record | {"certificate_number": "VN-TH 25/02/99999"})
    await pair.vn.issuer.until(sent.path, lambda story: story["messages"][0]["delivery"] == "delivered")
    closed = replace(pair.vn.registry, corridors={})
    await pair.vn.restart(registry=closed, clock=CLOCK + timedelta(days=2))
    try:
        again = await pair.vn.issuer.submit(sent.record)
        too_late = await pair.vn.issuer.submit(other)
        changed = await pair.vn.issuer.submit(remarked(sent.record))
    finally:
        await pair.vn.restart()

    assert (again.status, again.body["message_id"]) == (200, sent.message_id)
    assert (too_late.status, sorted(too_late.codes)) == (422, ["C01", "C05"])
    assert (changed.status, changed.codes) == (409, ["D05"])


def _left_on(day: str) -> Any:
    return a_record()["transport"] | {"departure_date": day}


def _sold(day: str) -> Any:
    items = a_record(form=RCEP)["items"]
    return [item | {"invoices": [{"number": "INV-1", "date": day}]} for item in items]


async def test_a_rejected_number_may_come_again_with_other_content_and_no_other_may(pair: Pair) -> None:
    sent = await pair.exchange()
    corrected = remarked(sent.record, "as corrected")
    too_early = await pair.vn.issuer.submit(corrected)
    await reject(pair, sent)

    taken = await pair.vn.issuer.submit(corrected)
    a_third = await pair.vn.issuer.submit(remarked(sent.record, "a third"))
    old, new = await pair.vn.issuer.submit(sent.record), await pair.vn.issuer.submit(corrected)
    story = await pair.vn.issuer.until(sent.path, lambda story: _accepted(story, taken.body["message_id"]))

    assert (too_early.status, taken.status, a_third.status) == (409, 202, 409)
    assert taken.body["message_id"] != sent.message_id
    assert (old.status, old.body["message_id"]) == (200, sent.message_id)
    assert (new.status, new.body) == (200, taken.body)
    assert (story["cause"], story["life"]) == (None, "in_force")
    (hit,) = await pair.vn.issuer.items("/certificates", number=sent.number)
    assert (hit["message_id"], hit["acknowledgement"]) == (taken.body["message_id"], "accepted")
    arrived = [
        one for one in await pair.th.customs.items("/inbox") if one["certificate_number"] == sent.number
    ]
    assert [one["message_id"] for one in arrived] == [sent.message_id, taken.body["message_id"]]
    assert (await pair.th.customs.get(sent.path)).body["messages"][-1]["type"] == "acknowledgement"


def _accepted(story: Any, message_id: str) -> bool:
    return any(
        message["message_id"] == message_id and message["acknowledgement"] is not None
        for message in story["messages"]
    )


async def test_a_withdrawn_number_may_come_again(pair: Pair) -> None:
    record = a_record(importing_country="MY")  # where nobody listens
    first = await pair.vn.issuer.submit(record)
    path = f"/messages/{first.body['message_id']}".replace("@", "%40")
    await pair.vn.operator.post("/parties/MY.CUSTOMS/suspend")  # so that it is not being sent just now
    await pair.vn.operator.until(path, lambda message: message["delivery"] != "sending")
    held = await pair.vn.operator.post(f"{path}/hold")
    await pair.vn.operator.post("/parties/MY.CUSTOMS/resume")
    on_hold = await pair.vn.issuer.submit(remarked(record))
    await pair.vn.operator.post(f"{path}/withdraw")

    again, taken = await pair.vn.issuer.submit(record), await pair.vn.issuer.submit(remarked(record))

    assert (held.status, on_hold.status) == (200, 409)
    assert (again.status, again.body) == (200, first.body)
    assert (taken.status, taken.body["message_id"] != first.body["message_id"]) == (202, True)


async def test_the_key_is_country_form_and_number(pair: Pair) -> None:
    record = a_record()
    other_form = a_record(form=RCEP, certificate_number=record["certificate_number"])

    replies = [await pair.vn.issuer.submit(one) for one in (record, other_form)]

    assert [reply.status for reply in replies] == [202, 202]
    found = await pair.vn.issuer.items("/certificates", number=record["certificate_number"])
    assert {one["form"] for one in found} == {"atiga/form-d/1.0", "rcep/form-rcep/1.0"}
    assert (await pair.vn.issuer.get(path_of(other_form))).body["form"] == "rcep/form-rcep/1.0"


async def test_a_refusal_has_every_finding_and_the_corrected_one_is_taken(pair: Pair) -> None:
    record = a_record()
    first, second = record["items"]
    faulty = record | {
        "items": [first | {"hs": "999999"}, second | {"quantity": {"value": 3, "unit": "QQQ"}}]
    }

    refused = await pair.vn.issuer.submit(faulty)
    again = await pair.vn.issuer.submit(faulty)
    corrected = await pair.vn.issuer.submit(record)

    assert (refused.status, sorted(refused.codes)) == (422, ["C02", "C09"])
    assert refused.headers["Content-Type"].startswith("application/problem+json")
    assert {"type", "title", "status", "detail", "findings", "submission_id"} <= set(refused.body)
    assert all(list(finding) == FINDING for finding in refused.body["findings"])
    assert all(finding["text"] and finding["action"] for finding in refused.body["findings"])
    assert (again.status, again.codes) == (422, refused.codes)
    assert corrected.status == 202


@pytest.mark.parametrize(
    ("content", "kind", "codes"),
    [
        pytest.param(b"<CertificateOfOrigin", XML, ["S01"], id="no-xml"),
        pytest.param(b"", XML, ["S01"], id="nothing"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', XML, ["S01"], id="dtd"),
        pytest.param(b"<a xmlns='urn:somebody-elses'/>", XML, ["S03"], id="unknown-form"),
        pytest.param(b"{", JSON, ["S01"], id="no-json"),
        pytest.param(b'{"form": "\xff"}', JSON, ["S01"], id="no-utf-8"),
        pytest.param(b"[]", JSON, ["S02"], id="no-record"),
    ],
)
async def test_what_cannot_be_read_is_422_and_judged_so_as_well(
    pair: Pair, content: bytes, kind: str, codes: list[str]
) -> None:
    submitted = await hand_in(pair.vn.issuer, content, kind)
    judged = await hand_in(pair.vn.issuer, content, kind, "/certificates/validate")

    assert (submitted.status, submitted.codes) == (422, codes)
    assert (judged.status, list(judged.body)) == (200, ["form", "valid", "findings"])
    assert (judged.body["form"], judged.body["valid"], judged.codes) == (None, False, codes)


async def test_a_dry_run_is_answered_in_the_language_of_the_caller(pair: Pair) -> None:
    record = a_record()
    record["exporter"]["name"] = ""
    texts = {}
    for wanted in ("", "fr, vi;q=0.8, en;q=0.5", "th-TH"):
        reply = await pair.vn.issuer.call(
            "POST", "/certificates/validate", body=record, headers={"Accept-Language": wanted}
        )
        texts[wanted] = reply.body["findings"][0]["text"]

    english, vietnamese, thai = texts.values()
    assert english.startswith("Name is empty; expected: ")
    assert vietnamese.startswith("Name là trống; cần: ")
    assert thai.startswith("Name คือ ว่าง ที่ต้องการคือ ")


async def test_judging_keeps_nothing(pair: Pair) -> None:
    record = a_record()
    before = await pair.vn.operator.items("/submissions")

    good = await pair.vn.as_(Role.EXPORTER).post("/certificates/validate", record)
    bad = await pair.vn.customs.post("/certificates/validate", record | {"importing_country": "SG"})

    assert good.body == {"form": "atiga/form-d/1.0", "valid": True, "findings": []}
    assert (bad.status, bad.body["valid"]) == (200, False), bad.body
    assert "C01" in bad.codes
    assert await pair.vn.issuer.items("/certificates", number=record["certificate_number"]) == []
    assert await pair.vn.operator.items("/submissions") == before


@pytest.mark.parametrize(
    ("form", "country", "text"),
    [
        pytest.param(RCEP, "IN", "not a Party to", id="no-party-to-it"),
        pytest.param(RCEP, "SG", "no party file", id="nobody-there"),
        pytest.param("aifta/form-ai", "TH", "no corridor for", id="form-not-agreed"),
    ],
)
async def test_why_there_is_no_way_there_is_told_apart(
    pair: Pair, form: str, country: str, text: str
) -> None:
    record = a_record(form=form)
    consignee = record["consignee"] | {"country": country}

    reply = await pair.vn.issuer.submit(record | {"importing_country": country, "consignee": consignee})

    assert reply.status == 422
    (found,) = [finding for finding in reply.body["findings"] if finding["code"] == "C01"]
    assert text.lower() in found["text"].lower()


async def test_wrong_types_sizes_and_parameters_have_statuses_of_their_own(pair: Pair) -> None:
    issuer, record = pair.vn.issuer, json.dumps(a_record()).encode()
    too_large = b" " * (5 * 1024 * 1024 + 1)

    for path in ("/certificates", "/certificates/validate"):
        assert (await hand_in(issuer, record, "text/xml", path)).status == 415
        assert (await hand_in(issuer, record, "application/octet-stream", path)).status == 415
        packed = await issuer.call(
            "POST", path, content=record, kind=JSON, headers={"Content-Encoding": "gzip"}
        )
        assert packed.status == 415
        large = await hand_in(issuer, too_large, JSON, path)
        assert (large.status, large.codes) == (413, ["S04"])
        assert (
            await issuer.call("POST", path, content=record, kind=JSON, query={"force": "1"})
        ).status == 400
    exactly = await hand_in(issuer, too_large[:-1], JSON)
    assert (exactly.status, exactly.codes) == (422, ["S01"])


async def test_refused_submissions_are_shown_to_whom_they_concern(pair: Pair) -> None:
    content = json.dumps(a_record() | {"issuing_body": ""}, indent=1).encode()
    refused = await hand_in(pair.vn.as_(Role.ISSUER, organisation="HN"), content)
    submission = refused.body["submission_id"]

    seen = {}
    for role, organisation in [
        (Role.OPERATOR, None),
        (Role.AUDITOR, None),
        (Role.ISSUER, "HN"),
        (Role.ISSUER, "HCM"),
    ]:
        caller = pair.vn.as_(role, organisation=organisation)
        listed = await caller.items("/submissions", status="refused")
        one = await caller.get(f"/submissions/{submission}")
        document = await caller.get(f"/submissions/{submission}/document")
        in_list = submission in [item["submission_id"] for item in listed]
        seen[role, organisation] = (in_list, one.status, document.status)
        if one.status == 200:
            assert one.body["findings"] == refused.body["findings"]
            assert (document.raw, document.headers["Content-Type"]) == (content, JSON)

    all_of_it, nothing = (True, 200, 200), (False, 404, 404)
    assert list(seen.values()) == [all_of_it, all_of_it, all_of_it, nothing]
    for role in (Role.EXPORTER, Role.CUSTOMS, Role.ADMINISTRATOR):
        assert (await pair.vn.as_(role).get("/submissions")).status == 403
    unknown = await pair.vn.operator.get("/submissions/00000000-0000-0000-0000-000000000000")
    assert (unknown.status, (await pair.vn.operator.get("/submissions/x")).status) == (404, 404)


async def test_refused_submissions_come_newest_first_page_by_page(pair: Pair) -> None:
    caller = pair.vn.as_(Role.ISSUER, organisation="pages")
    ids = [(await hand_in(caller, b"{" * n)).body["submission_id"] for n in range(1, 6)]

    first = (await caller.get("/submissions", status="refused", limit="2")).body
    rest = await caller.items("/submissions", limit="2", after=first["next"])

    assert [one["submission_id"] for one in first["items"] + rest] == ids[::-1]
    assert (await caller.get("/submissions", status="taken")).status == 400
    assert (await caller.get("/submissions", after="x")).status == 400
