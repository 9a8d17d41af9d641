"""The public check of a whole node, as somebody with a phone meets it."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

import pytest

from gateway.domain.caller import Role
from tests.console.visits import Answer, Person, Scene

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

UNKNOWN = "No such certificate was issued through this gateway"


async def code_of(scene: Scene) -> str:
    """Where the code on the certificate that is through leads."""
    reply = await scene.pair.vn.issuer.get(f"{scene.through.path}/check")
    assert reply.status == 200
    return str(urlsplit(reply.body["url"]).path)


async def asked(scene: Scene, path: str, **headers: str) -> Answer:
    return await Person(scene.pair.vn.session, scene.pair.vn.url).open(path, **headers)


async def test_the_code_on_a_certificate_leads_to_its_record_and_to_no_more(scene: Scene) -> None:
    record = scene.through.record

    page = await asked(scene, await code_of(scene))

    assert page.status == 200
    assert ">Valid<" in page.text
    for shown in (scene.through.number, record["issue_date"], record["exporter"]["name"]):
        assert shown in page.text
    for item in record["items"]:
        assert item["hs"] in page.text
        assert str(item["quantity"]["value"]) in page.text
    hidden = [record["consignee"]["name"], *[str(i["fob"]["amount"]) for i in record["items"] if "fob" in i]]
    assert [text for text in hidden if text in page.text] == []


async def test_number_form_and_day_lead_to_the_same_page(scene: Scene) -> None:
    one = scene.through
    by_code = await asked(scene, await code_of(scene))
    paper = {
        "form": one.record["form"].split("/")[1],
        "number": one.number.lower(),
        "issued": one.record["issue_date"],
    }

    page = await asked(scene, f"/verify?{urlencode(paper)}")

    def answer(text: str) -> str:
        return re.sub(
            r"<p class=\"small\">Checked.*?</p>", "", text.partition("<form")[0].partition("<main>")[2]
        )

    assert page.status == 200
    assert answer(page.text) == answer(by_code.text)


async def test_what_was_never_issued_here_is_answered_alike_whatever_was_asked(scene: Scene) -> None:
    one = scene.through
    code = await code_of(scene)
    form = one.record["form"].split("/")[1]
    wrong = [
        code[:-9] + ("AAAA" if code[-9:-5] != "AAAA" else "BBBB") + code[-5:],
        "/verify/x",
        f"/verify?{urlencode({'form': form, 'number': 'VN-0', 'issued': one.record['issue_date']})}",
        f"/verify?{urlencode({'form': form, 'number': one.number, 'issued': '2001-01-01'})}",
    ]

    pages = [await asked(scene, path) for path in wrong]

    assert [page.status for page in pages] == [404] * 4
    assert all(UNKNOWN in page.text and one.record["exporter"]["name"] not in page.text for page in pages)


async def test_it_wants_no_cookie_runs_nothing_and_weighs_little(scene: Scene) -> None:
    page = await asked(scene, await code_of(scene))
    styles = re.findall(r'href="(/verify/static/[^"]+)"', page.text)
    sheet = await asked(scene, styles[0])

    assert "Set-Cookie" not in page.headers
    assert "<script" not in page.text
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|https?://", page.text)
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert sheet.status == 200
    assert len(page.text.encode()) + len(sheet.text.encode()) < 100_000


async def test_the_address_of_a_check_is_for_those_who_see_the_certificate(scene: Scene) -> None:
    path = f"{scene.through.path}/check"
    vn = scene.pair.vn

    statuses = {
        "its organisation": (await vn.as_(Role.ISSUER, organisation="HN").get(path)).status,
        "another": (await vn.as_(Role.ISSUER, organisation="SG").get(path)).status,
        "operator": (await vn.operator.get(path)).status,
        "stranger": (await vn.stranger.get(path)).status,
        "who received it": (await scene.pair.th.customs.get(path)).status,
    }

    assert statuses == {
        "its organisation": 200,
        "another": 404,
        "operator": 200,
        "stranger": 401,
        "who received it": 404,
    }


async def test_questions_are_counted_by_their_answer(scene: Scene) -> None:
    await asked(scene, await code_of(scene))
    await asked(scene, "/verify/x")

    async with scene.pair.vn.session.get(
        f"{scene.pair.vn.url}/metrics",
        headers={"Authorization": f"Bearer {scene.pair.vn.operator.token}"},
    ) as page:
        figures = await page.text()

    assert re.search(r'eco_public_checks_total\{standing="valid"\} [1-9]', figures)
    assert re.search(r'eco_public_checks_total\{standing="unknown"\} [1-9]', figures)
