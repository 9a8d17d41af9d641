"""Every page against every role; what a stranger meets; forms from elsewhere; what goes with every page."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, cast

import pytest

import gateway.console
from gateway.console.app import Page, table
from gateway.console.serving import Pages, Parts
from gateway.console.visitor import MAY
from gateway.domain.caller import Role
from tests.console.visits import Person, Scene, sign_in

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

PAGES = Path(gateway.console.__path__[0]) / "pages"
OF_NOTHING = (
    "{action}",
    "{change}",
    "{sha256}",
    "exceptions/{number}",
    "refused/{number}",
    "specimens/{number}",
)
OF_ONE_THING = ("{id}", "{country}", "{number}", "{action}")


def routes(scene: Scene) -> tuple[Page, ...]:
    """The table of pages, of a console that serves nobody."""
    registry = scene.pair.vn.registry
    nothing = cast("Any", None)
    parts = Parts(
        home=registry.parties[cast("Any", "VN.MOIT")],
        registry=registry,
        ledger=nothing,
        clock=nothing,
        identity=nothing,
        paper=nothing,
        law=nothing,
        environment="",
        demonstration=False,
        browser_url="http://localhost",
        decided=nothing,
        ping=nothing,
        changed=nothing,
        stopping=asyncio.Event(),
        workers=nothing,
        version="",
    )
    return table(parts, Pages(parts))


def path_of(scene: Scene, page: Page) -> str:
    one = scene.waiting[0]
    country, form, number = one.path.removeprefix("/certificates/").split("/")
    path = page.path.replace("{id}", scene.page(one).rpartition("/")[2]).replace("{party}", "MY.CUSTOMS")
    verb = {"lanes": "suspend", "actions": "start", "exceptions": "take", "changes": "approve"}.get(
        path.split("/")[1], "hold"
    )
    path = re.sub(r"\{verb(:[^}]*)?\}", verb, path)
    path = path.replace("{change}", "none").replace("{sha256}", "none")
    path = path.replace("specimens/{number}", "specimens/99999")
    path = path.replace("{action}", "none").replace("exceptions/{number}", "exceptions/99999")
    path = path.replace("{country}", country).replace("{form}", form).replace("{kind}", "wire")
    path = (
        path.replace("refused/{number}", "refused/1").replace("{number}", number).replace("{which}", "answer")
    )
    query = "?party=MY.CUSTOMS" if path in ("/waiting", "/bulk/hold") else ""
    return f"/console{path}{query}"


@pytest.mark.parametrize("role", Role)
async def test_a_page_that_a_role_does_not_reach_is_not_there(scene: Scene, role: Role) -> None:
    person = await sign_in(scene.pair.vn, role)
    wrong = []
    for page in routes(scene):
        path = path_of(scene, page)
        if path == "/console/stream":
            answer = await person.open(path) if role not in MAY[page.part] else None
        elif page.method == "GET":
            answer = await person.open(path)
        else:
            answer = await person.send(path, token="none")
        status = 200 if answer is None else answer.status
        reached = role in MAY[page.part]
        if not reached and status != 404:
            wrong.append((page.method, path, status))
        of_none = any(one in page.path for one in OF_NOTHING)
        in_sight = role not in (Role.CUSTOMS, Role.EXPORTER) or not any(
            one in page.path for one in OF_ONE_THING
        )
        expected = {403} if page.method == "POST" else {200, 303}
        if reached and in_sight and not (of_none and page.method == "GET") and status not in expected:
            wrong.append((page.method, path, status))

    assert wrong == []


async def test_a_stranger_is_sent_to_the_door_and_back_to_the_page(scene: Scene) -> None:
    nobody = Person(scene.pair.vn.session, scene.pair.vn.url)
    for page in routes(scene):
        path = path_of(scene, page)
        if page.method == "GET":
            answer = await nobody.open(path)
            assert answer.status == 303, path
            assert answer.headers["Location"].startswith("/console/sign-in?next=%2Fconsole%2F"), path
        else:
            assert (await nobody.send(path, token="x")).status == 401, path
    assert (await nobody.open("/console/nothing")).status == 303
    assert (await nobody.open("/consolenothing")).status == 401
    assert "set ECO_GATEWAY_ISSUER" in (await nobody.open("/console/sign-in")).text


async def test_a_form_from_elsewhere_does_nothing(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    other = await sign_in(scene.pair.vn, Role.OPERATOR)
    path = "/console/lanes/TH.CUSTOMS/suspend"
    form = [("reason", "x")]
    good = await person.token()

    statuses = [
        (await person.send(path, form, token="")).status,
        (await person.send(path, form, token=await other.token())).status,
        (await person.send(path, form, token=good, Origin="https://evil.example")).status,
        (await person.send(path, form, token=good, Origin="null")).status,
        (await person.send(path, form, token=good, **{"Sec-Fetch-Site": "cross-site"})).status,
    ]

    assert statuses == [403] * 5
    assert (await scene.pair.vn.operator.get("/parties")).body["items"][1]["suspended_by"] is None


async def test_what_is_no_token_lets_nobody_in_and_too_many_tries_are_slowed(scene: Scene) -> None:
    nobody = Person(scene.pair.vn.session, scene.pair.vn.url)
    th = scene.pair.th.operator.token or ""

    for token in ("", "x.y.z", th):
        answer = await nobody.send("/console/sign-in/token", [("token", token)], token="")
        assert answer.status == 422
        assert "Set-Cookie" not in answer.headers


async def test_signing_out_ends_the_session_and_stolen_cookies_are_worth_nothing(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.AUDITOR)
    assert (await person.open("/console/audit")).status == 200

    assert (await person.send("/console/sign-out")).status == 303

    assert (await person.open("/console/audit")).status == 303


async def test_an_administrator_ends_anybodys_session_and_others_only_their_own(scene: Scene) -> None:
    victim = await sign_in(scene.pair.vn, Role.CUSTOMS)
    found = re.search(r'name="session" value="(\d+)"', (await victim.open("/console/sessions")).text)
    assert found is not None
    form = [("session", found[1])]
    operator, administrator = [await sign_in(scene.pair.vn, r) for r in (Role.OPERATOR, Role.ADMINISTRATOR)]

    assert (await operator.send("/console/sessions", form)).status == 409
    assert (await victim.open("/console/messages")).status == 200
    assert (await administrator.send("/console/sessions", form)).status == 303
    assert (await victim.open("/console/messages")).status == 303


async def test_nothing_runs_that_we_did_not_serve_and_nothing_is_kept(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    for path in ("/console/", "/console/messages", scene.page(scene.rejected), "/console/nothing"):
        headers = (await person.open(path)).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"


async def test_a_session_cookie_is_for_this_console_alone(scene: Scene) -> None:
    nobody = Person(scene.pair.vn.session, scene.pair.vn.url)
    token = scene.pair.vn.operator.token or ""

    answer = await nobody.send(
        "/console/sign-in/token", [("token", token), ("next", "//evil.example")], token=""
    )

    assert answer.headers["Location"] == "/console/"
    cookie = answer.headers["Set-Cookie"]
    for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie


async def test_templates_hold_no_style_no_script_and_no_unescaped_text() -> None:
    for template in PAGES.glob("*.html"):
        text = template.read_text("utf-8")
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|\|\s*safe|Markup", text), template.name
        for script in re.findall(r"<script[^>]*>", text):
            assert 'src="{{ static }}/' in script, template.name


async def test_the_first_page_with_all_it_needs_is_under_100_kb(scene: Scene) -> None:
    person = await sign_in(scene.pair.vn, Role.OPERATOR)
    page = await person.open("/console/")
    files = set(re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page.text))

    answers = [await person.open(path, **{"Accept-Encoding": "identity"}) for path in sorted(files)]

    assert [answer.status for answer in answers] == [200] * len(files)
    assert all("immutable" in answer.headers["Cache-Control"] for answer in answers)
    assert len(page.text.encode()) + sum(len(answer.text.encode()) for answer in answers) < 100_000
    assert len(files) <= 5
