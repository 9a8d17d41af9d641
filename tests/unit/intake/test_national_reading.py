"""Searching, following and paging."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

import pytest
from yarl import URL

from gateway.domain.errors import Finding
from gateway.domain.ids import MessageId
from gateway.intake import shapes
from gateway.intake.roles import MAY
from gateway.intake.routes import PREFIX
from gateway.store.records import RefusedSubmission
from tests.unit.intake.doors import (
    ARRIVED,
    CALLS,
    ONE,
    SENT,
    LedgerOfRows,
    as_,
    full_ledger,
    national_door,
    path_of,
    problem,
)
from tests.unit.intake.rows import HOME, NOW, NUMBER, TH, a_certificate, a_message

pytestmark = pytest.mark.enable_socket


@pytest.mark.parametrize(
    "query",
    [
        "unknown=1",
        "limit=0",
        "limit=501",
        "limit=ten",
        "limit=%D9%A5",
        "limit=1&limit=2",
        "from=2026-13-01",
        "from=20261101",
        "to=2026-W01-1",
        "direction=sideways",
        "status=lost",
        "after=never-given-out",
        "number=a%00b",
    ],
)
async def test_a_query_that_cannot_be_read_is_400(query: str) -> None:
    async with national_door() as client:
        await problem(await client.get(f"{PREFIX}/certificates?{query}", headers=as_("operator")), 400)


async def test_an_unknown_parameter_is_400_on_every_call() -> None:
    async with national_door() as client:
        for call in CALLS:
            role = next(iter(MAY[call.right]))
            url = path_of(call) + "?colour=red"
            async with client.request(call.method, url, headers=as_(role)) as response:
                assert response.status == 400


async def test_a_search_hands_its_filters_on() -> None:
    ledger = full_ledger()
    async with national_door(ledger=ledger) as client:
        query = {
            "number": NUMBER,
            "form": "form-rcep",
            "receiver": TH,
            "status": "expired",
            "from": "2026-11-01",
            "to": "2026-11-30",
            "direction": "out",
            "after": "",
            "limit": "500",
        }

        response = await client.get(f"{PREFIX}/certificates", params=query, headers=as_("operator"))

        body = await response.json()
    shapes.Search.model_validate(body)
    assert [item["certificate_number"] for item in body["items"]] == [NUMBER]
    asked = ledger.asked
    assert (asked["status"], str(asked["first_day"]), str(asked["last_day"])) == (
        "expired",
        "2026-11-01",
        "2026-11-30",
    )


@pytest.mark.parametrize(
    "number",
    ["VN-TH 26/02/00006", "EIC/2020/013", "a%2Fb", "a%252fb", "100%", "ก/ข", "a+b&c=d?e#f", "../up", "{x}"],
)
async def test_any_certificate_number_fits_into_a_path(number: str) -> None:
    ledger = LedgerOfRows(certificates=[a_certificate(number=number)])
    async with national_door(ledger=ledger) as client:
        url = URL(f"{PREFIX}/certificates/VN/form-rcep/{quote(number, safe='')}", encoded=True)

        response = await client.get(url, headers=as_("operator"))

        assert (await response.json())["certificate_number"] == number


async def test_slashes_that_are_not_encoded_lead_elsewhere() -> None:
    ledger = LedgerOfRows(certificates=[a_certificate(number="a/b")])
    async with national_door(ledger=ledger) as client:
        url = f"{PREFIX}/certificates/VN/form-rcep/a/b"

        await problem(await client.get(url, headers=as_("operator")), 404)


async def test_one_certificate_is_told_from_end_to_end() -> None:
    async with national_door() as client:
        body = await (await client.get(ONE, headers=as_("auditor"))).json()

    shapes.Track.model_validate(body)
    assert (body["owner"], body["messages"][0]["message_id"]) == ("party TH.CUSTOMS", "m1@vn.moit")


@pytest.mark.parametrize(
    "path",
    [
        "certificates/VN/form-rcep/unknown",
        "certificates/VN/form-rcep/%00",
        "messages/unknown%40th",
        "messages/%00",
        "inbox/unknown%40th",
        "submissions/unknown",
        f"submissions/{UUID(int=1)}",
    ],
)
async def test_what_is_not_there_is_404(path: str) -> None:
    async with national_door() as client:
        await problem(await client.get(f"{PREFIX}/{path}", headers=as_("auditor")), 404)


async def test_a_message_its_timeline_and_its_bytes() -> None:
    async with national_door() as client:
        message = await (await client.get(SENT, headers=as_("operator"))).json()
        timeline = await (await client.get(SENT + "/timeline", headers=as_("operator"))).json()
        document = await client.get(SENT + "/document", headers=as_("operator"))

        assert (document.headers["Content-Type"], await document.read()) == ("application/xml", b"<Bytes/>")
    shapes.Message.model_validate(message)
    shapes.Timeline.model_validate(timeline)


async def test_an_id_that_two_parties_used_must_be_told_apart() -> None:
    mine = a_message(message_id=MessageId("x@y"))
    theirs = full_ledger().mail[1]
    ledger = LedgerOfRows(
        messages=[mine, a_message(message_no=2, message_id=mine.message_id, direction=theirs.direction)]
    )
    url = f"{PREFIX}/messages/x%40y"
    async with national_door(ledger=ledger) as client:
        body = await problem(await client.get(url, headers=as_("auditor")), 409)
        by_party = {
            party: await (await client.get(f"{url}?party={party}", headers=as_("auditor"))).json()
            for party in (HOME, TH)
        }

    assert {message["party"] for message in body["messages"]} == {HOME, TH}
    assert {party: found["direction"] for party, found in by_party.items()} == {HOME: "out", TH: "in"}


async def test_the_inbox_is_a_page_and_an_arrival_has_its_content() -> None:
    async with national_door() as client:
        page = await (await client.get(f"{PREFIX}/inbox?type=certificate", headers=as_("customs"))).json()
        one = await (await client.get(ARRIVED, headers=as_("customs"))).json()

    shapes.InboxPage.model_validate(page)
    assert (page["items"][0]["sender"], page["next"]) == (TH, "2")
    assert one["content"] == {"bytes": 8, "type": "certificate"}


class LedgerWithoutBytes(LedgerOfRows):
    """Has forgotten every document."""

    async def document(self, message_no: int, kind: str = "wire") -> bytes | None:
        return None


@pytest.mark.parametrize("path", [ARRIVED, SENT + "/document"])
async def test_bytes_that_are_not_kept_any_more_are_404(path: str) -> None:
    known = full_ledger()
    async with national_door(
        ledger=LedgerWithoutBytes(certificates=known.rows, messages=known.mail)
    ) as client:
        await problem(await client.get(path, headers=as_("auditor")), 404)


async def test_what_we_sent_is_not_in_the_inbox() -> None:
    async with national_door() as client:
        url = f"{PREFIX}/inbox/m1%40vn.moit"

        await problem(await client.get(url, headers=as_("operator")), 404)


async def test_events_are_a_page() -> None:
    async with national_door() as client:
        page = await (await client.get(f"{PREFIX}/events?after=1", headers=as_("operator"))).json()

    shapes.EventPage.model_validate(page)
    assert ([item["what"] for item in page["items"]], page["next"]) == (["receipt:stored"], "2")


REFUSED = RefusedSubmission(
    submission_id=UUID(int=7),
    at=NOW,
    organisation="A",
    actor="issuer@A",
    form=None,
    certificate_number=None,
    content_type="application/json",
    findings=(Finding(code="S01", text="no JSON"),),
)


@pytest.mark.parametrize(
    ("who", "seen"), [("operator", True), ("issuer", True), ("issuer@A", True), ("issuer@B", False)]
)
async def test_a_refused_submission_is_seen_by_operators_and_by_who_sent_it(who: str, seen: bool) -> None:
    async with national_door(ledger=LedgerOfRows(refused=[REFUSED])) as client:
        page = await client.get(f"{PREFIX}/submissions?status=refused", headers=as_(who))
        one = await client.get(f"{PREFIX}/submissions/{UUID(int=7)}", headers=as_(who))
        document = await client.get(f"{PREFIX}/submissions/{UUID(int=7)}/document", headers=as_(who))

        assert bool((await page.json())["items"]) is seen
        assert (one.status, document.status) == ((200, 200) if seen else (404, 404))
