"""
The console in a real browser: every page wide and narrow, light and dark, by keys alone, without scripts.

One role walks here; every role at every width, with and without scripts, walks in ``make soak``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from gateway.domain.caller import Role
from tests.console.visits import Scene
from tests.console.walking import NARROW, WIDE, Looked, chromium, looking, walk
from tests.missing import needs

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600), needs("chromium")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def test_every_page_is_sound_when_wide_and_light(browser: Browser, scene: Scene) -> None:
    size: Any = {"width": WIDE, "height": 900}
    async with looking(browser, scene, Role.OPERATOR, viewport=size, bypass_csp=True) as looked:
        opened = await walk(looked)

    parts = {path.split("/")[2].partition("?")[0] for path in opened}
    assert parts >= {"lanes", "messages", "exceptions", "verifications", "parties", "specimens", "changes"}
    assert parts >= {"reports", "audit", "sessions", "waiting", "bulk", "certificates"}


async def test_what_is_seen_most_is_sound_when_narrow_and_dark(browser: Browser, scene: Scene) -> None:
    size: Any = {"width": NARROW, "height": 900}
    async with looking(
        browser, scene, Role.OPERATOR, viewport=size, color_scheme="dark", bypass_csp=True
    ) as looked:
        faults = []
        for path in ("/console/", "/console/messages", scene.page(scene.rejected), "/console/exceptions"):
            await looked.open(path)
            faults += await looked.faults(path)

    assert faults == []


async def test_the_board_moves_by_itself_and_keeps_the_focus(browser: Browser, scene: Scene) -> None:
    async with looking(browser, scene, Role.OPERATOR) as looked:
        page = looked.page
        await looked.sees("[data-live] :text('Live')")
        await page.focus("#lane-th-customs a.party")

        await scene.pair.vn.operator.post("/parties/TH.CUSTOMS/suspend", {"reason": "live"})

        await looked.sees("#lane-th-customs :text('Suspended by operator')")
        focused = await page.evaluate("document.activeElement.textContent")
        await page.click("[data-pause]")
        await scene.pair.vn.operator.post("/parties/TH.CUSTOMS/resume")
        await looked.sees("[data-live] :text('Paused')")
        await page.click("[data-pause]")
        await looked.sees("#lane-th-customs :text('Open')")
        assert focused == "TH.CUSTOMS"


async def test_the_board_is_live_however_slowly_its_scripts_come(browser: Browser, scene: Scene) -> None:
    asked: list[str] = []

    async def later_and_later(route: Route) -> None:
        asked.append(route.request.url)
        await asyncio.sleep(0.4 * len(asked))
        await route.continue_()

    async with looking(browser, scene, Role.OPERATOR) as looked:
        await looked.page.route("**/static/**/*.js", later_and_later)
        await looked.open("/console/")
        await looked.sees("[data-live] :text('Live')")

    assert len(asked) > 1


async def test_an_operator_works_with_the_keyboard_alone(browser: Browser, scene: Scene) -> None:
    async with looking(browser, scene, Role.OPERATOR) as looked:
        page = looked.page
        await page.keyboard.press("/")
        await page.keyboard.type(scene.rejected.number.lower())
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/certificates/**")
        await page.keyboard.press("n")
        assert "C04" in await page.evaluate("document.activeElement.textContent")
        await page.keyboard.press("g")
        await page.keyboard.press("m")
        await page.wait_for_url("**/console/messages")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/certificates/**")


async def test_a_lane_is_suspended_and_resumed_without_scripts_on_a_phone(
    browser: Browser, scene: Scene
) -> None:
    size: Any = {"width": NARROW, "height": 800}
    async with looking(browser, scene, Role.OPERATOR, viewport=size, java_script_enabled=False) as looked:
        page = looked.page
        await looked.open("/console/lanes/TH.CUSTOMS")
        await page.click("text=Suspend…")
        await page.fill("#reason", "planned work")
        await page.click("button:has-text('Suspend TH.CUSTOMS')")
        assert await page.locator("main >> text=planned work").first.is_visible()
        await page.click("text=Resume…")
        await page.click("button:has-text('Resume TH.CUSTOMS')")
        assert await page.locator("main .chip:has-text('Open')").is_visible()


async def test_the_public_check_is_sound_on_a_phone_in_every_language(browser: Browser, scene: Scene) -> None:
    vn = scene.pair.vn
    check = urlsplit((await vn.issuer.get(f"{scene.through.path}/check")).body["url"]).path
    context = await browser.new_context(viewport={"width": NARROW, "height": 800}, bypass_csp=True)
    looked = Looked(await context.new_page(), vn.url)
    faults = []
    for path in ("/verify", check):
        for language in ("en", "th", "vi"):
            await looked.open(f"{path}?lang={language}")
            faults += await looked.faults(f"{path} {language}")
    await context.close()

    assert faults == []
    assert looked.complaints == []
