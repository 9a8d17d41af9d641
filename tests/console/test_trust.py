"""Changes that wait for two people, specimen lists, outages; and who must sign in once more."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from gateway.domain.caller import Role
from gateway.store.connect import connect
from gateway.store.ledger import Ledger
from tests.console.visits import Person, Scene, sign_in, words
from tests.exchange.contract import CLOCK
from tests.exchange.test_specimens import png

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

FIRST, SECOND, THIRD = "1" * 64, "2" * 64, "3" * 64


@asynccontextmanager
async def ledger_of(scene: Scene) -> AsyncIterator[Ledger]:
    pool = await connect(scene.pair.vn.database_url)
    try:
        yield Ledger(pool)
    finally:
        await pool.close()


async def long_ago(scene: Scene, person: Person) -> None:
    """Let six minutes have passed since *person* signed in."""
    number = re.search(r'name="session" value="(\d+)"', (await person.open("/console/sessions")).text)
    assert number is not None
    connection = await asyncpg.connect(scene.pair.vn.database_url)
    try:
        await connection.execute(
            "UPDATE session SET begun_at = begun_at - $2::interval WHERE session_no = $1",
            int(number[1]),
            timedelta(minutes=6),
        )
    finally:
        await connection.close()


async def test_a_change_is_in_force_when_two_administrators_approved_it_on_its_page(scene: Scene) -> None:
    async with ledger_of(scene) as ledger:
        for name in (FIRST, SECOND, THIRD):
            await ledger.propose_trust(name, {}, [f"file {name[0]}: new"], who="gateway", at=CLOCK)
    one = await sign_in(scene.pair.vn, Role.ADMINISTRATOR)
    other = await sign_in(scene.pair.vn, Role.ADMINISTRATOR, Role.AUDITOR)
    page = f"/console/changes/{SECOND}"

    assert "file 2: new" in words((await one.open("/console/changes")).text)
    assert (await one.send(f"{page}/approve", [("reason", "by telephone")])).status == 303
    assert "Approved by administrator; one more must." in words((await one.open("/console/changes")).text)
    assert "another person must" in words((await one.open(f"{page}/approve")).text)
    assert (await one.send(f"{page}/approve")).status == 409
    assert (await other.send(f"/console/changes/{THIRD}/reject")).status == 303
    assert (await other.send(f"{page}/approve")).status == 303

    lately = words((await one.open("/console/changes")).text)
    assert "No change waits" in lately
    assert "approved by administrator: by telephone" in lately
    assert (await one.open(f"{page}/approve")).status == 404


async def test_who_signed_in_long_ago_is_asked_again_and_comes_back_to_the_form(scene: Scene) -> None:
    vn = scene.pair.vn
    person = await sign_in(vn, Role.OPERATOR)
    form = "/console/lanes/TH.CUSTOMS/outage"
    assert (await person.open(form)).status == 200
    await long_ago(scene, person)

    asked = await person.open(form)
    late = await person.send(form, [("notice", "paper, please")])

    assert (asked.status, late.status) == (303, 403)
    door = asked.headers["Location"]
    assert door == "/console/sign-in?again=yes&next=%2Fconsole%2Flanes%2FTH.CUSTOMS%2Foutage"
    assert "Sign in once more" in (await person.open(door)).text
    again = await person.send(
        "/console/sign-in/token", [("token", vn.operator.token or ""), ("next", form)], token=""
    )
    assert again.headers["Location"] == form
    assert (await person.open("/console/")).status == 303  # the session before has ended
    fresh = Person(vn.session, vn.url, again.headers["Set-Cookie"].partition(";")[0])
    assert (await fresh.open(form)).status == 200


async def test_an_outage_is_declared_with_words_for_the_offices_and_what_waits_is_a_table(
    scene: Scene,
) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    lane = "/console/lanes/MY.CUSTOMS"

    assert (await person.send(f"{lane}/outage", [("notice", " ")])).status == 422
    assert (
        await person.send(f"{lane}/outage", [("notice", "x"), ("until", "2020-01-01T00:00")])
    ).status == 422
    form = [("notice", "=Give paper certificates"), ("until", "2027-01-01T00:00")]
    assert (await person.send(f"{lane}/outage", form)).status == 303

    told = words((await person.open(lane)).text)
    table = (await person.open("/console/waiting?party=MY.CUSTOMS&as=csv")).text
    board = words((await person.open("/console/?only=trouble")).text)
    assert (await person.send(f"{lane}/resume")).status == 303
    assert "Outage declared" in board
    assert "=Give paper certificates" in told
    assert "1 Jan 2027 00:00:00 UTC" in told
    assert scene.waiting[0].number in table
    assert table.splitlines()[0].endswith("certificate,type,form,party,since,delivery,cause,message_id")


async def test_a_party_is_asked_at_once_and_its_lane_tells_what_came_of_it(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)

    for party, outcome in (("TH.CUSTOMS", "it answered"), ("MY.CUSTOMS", "T01: cannot connect")):
        assert "Ask" in words((await person.open(f"/console/lanes/{party}/ping")).text)
        assert (await person.send(f"/console/lanes/{party}/ping")).status == 303
        assert outcome in words((await person.open(f"/console/lanes/{party}")).text).partition("did")[2]


async def test_a_specimen_list_shows_bodies_officials_days_and_pictures(scene: Scene) -> None:
    administrator = scene.pair.vn.as_(Role.ADMINISTRATOR)
    handed = await administrator.call("POST", "/specimens/pictures", content=png(3, 2), kind="image/png")
    seal = handed.body["sha256"]
    official = {"name": "Tran Thi B", "id": "VN-17", "to": "2027-03-01", "specimen": seal}
    body = {"name": "Office <b>of</b> Hanoi", "seal": seal, "official": [official]}
    content = {"country": "XA", "from": "2026-01-01", "source": "circular 7", "body": [body]}
    assert (await administrator.post("/specimens", content)).status == 201
    assert (await administrator.post("/specimens", content | {"from": "2026-02-01"})).status == 201
    person = await sign_in(scene.pair.vn, Role.ISSUER, organisation="HN")

    lists = (await person.open("/console/specimens")).text
    number = re.findall(r'href="/console/specimens/(\d+)">XA', lists)[0]
    page = (await person.open(f"/console/specimens/{number}")).text
    picture = await person.open(f"/console/specimens/pictures/{seal}")

    assert words(lists).count("in force") == words(lists).count("replaced") == 1
    assert "Office &lt;b&gt;of&lt;/b&gt; Hanoi" in page
    assert "Tran Thi B VN-17 to 2027-03-01" in words(page)
    assert page.count(f'src="/console/specimens/pictures/{seal}"') == 2
    assert picture.headers["Content-Type"] == "image/png"
    assert (await person.open("/console/specimens/pictures/" + "0" * 64)).status == 404
    assert (await person.open("/console/specimens/99999")).status == 404
