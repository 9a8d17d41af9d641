"""
The console in a real browser: every page wide and narrow, light and dark, by keys alone, without scripts.

Whatever the browser complains of is a failure: an error in its console, a request that leaves the node, a
page that scrolls sideways, and what axe-core calls serious.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeout

from gateway.domain.caller import Role
from tests.console.visits import Scene
from tests.missing import needs, program

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180), needs("chromium")]

AXE = Path(__file__).with_name("axe.min.js")
WIDE, NARROW = 1280, 390
#: What scrolls sideways by itself, with a keyboard too: the rest of the page must not.
_TOO_WIDE = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide + 1) return null;
  const out = [...document.querySelectorAll("main *, header *")].filter(
    (e) => e.getBoundingClientRect().right > wide + 1 && !e.closest(".scroll, .bytes, svg"));
  return out.slice(-2).map((e) => e.tagName + "." + e.className + ": " + e.textContent.slice(0, 60)).join();
}"""
_FOUND = """async () => {
  const all = await axe.run(document, {resultTypes: ["violations"]});
  return all.violations.filter((v) => ["serious", "critical"].includes(v.impact))
    .map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", "));
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=program("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        await running.close()


class Looked:
    """A page of the browser, with everything it complained of."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.log: list[str] = []
        page.on("console", lambda told: self.log.append(f"console {told.type}: {told.text}"))
        page.on("request", lambda asked: self.log.append(f"asks {asked.url}"))
        page.on("response", lambda got: self.log.append(f"gets {got.status} {got.url}"))
        page.on("requestfailed", lambda lost: self.log.append(f"fails {lost.url}: {lost.failure}"))
        page.on("console", lambda told: self._note(told.type == "error", told.text))
        page.on("pageerror", lambda error: self._note(True, str(error)))
        page.on("request", lambda request: self._note(not request.url.startswith(url), request.url))

    def _note(self, bad: bool, text: str) -> None:
        if bad:
            self.complaints.append(f"{self.page.url}: {text}")

    async def sees(self, selector: str) -> None:
        """
        Wait until something is on the page.

        Raises:
            AssertionError: it never was; with all that the browser did and said.
        """
        try:
            await self.page.wait_for_selector(selector)
        except PlaywrightTimeout as error:
            live = await self.page.locator("[data-live]").all_inner_texts()
            text = "\n".join([str(error), f"indicator: {live}", *self.log[-40:]])
            raise AssertionError(text) from None

    async def open(self, path: str) -> None:
        answer = await self.page.goto(self.url + path, wait_until="domcontentloaded")
        assert answer is not None
        assert answer.status == 200, path


@asynccontextmanager
async def looking(browser: Browser, scene: Scene, role: Role, **how: Any) -> AsyncIterator[Looked]:
    """Somebody in front of a browser, signed in by the form."""
    url = scene.pair.vn.url
    context = await browser.new_context(**how)
    looked = Looked(await context.new_page(), url)
    await looked.page.goto(f"{url}/console/sign-in")
    await looked.page.fill("#token", scene.pair.vn.as_(role).token or "")
    await looked.page.click("main button[type=submit]")
    await looked.page.wait_for_url("**/console/**")
    yield looked
    await context.close()
    assert looked.complaints == []


def every_page(scene: Scene) -> list[str]:
    one = scene.page(scene.waiting[0])
    return [
        "/console/",
        "/console/?only=trouble",
        "/console/messages",
        "/console/messages?status=rejected",
        scene.page(scene.rejected),
        f"{scene.page(scene.through)}?document=receipt",
        f"{one}/hold",
        "/console/find?q=nothing",
        "/console/waiting?party=MY.CUSTOMS",
        "/console/bulk/hold?party=MY.CUSTOMS",
        "/console/actions",
        "/console/lanes/MY.CUSTOMS",
        "/console/lanes/TH.CUSTOMS/suspend",
        "/console/lanes/TH.CUSTOMS/outage",
        "/console/lanes/TH.CUSTOMS/ping",
        "/console/specimens",
        "/console/changes",
        "/console/exceptions",
        "/console/exceptions/refused",
        "/console/verifications",
        "/console/parties",
        "/console/parties/TH.CUSTOMS",
        "/console/reports",
        "/console/audit",
        "/console/sessions",
    ]


@pytest.mark.parametrize(
    ("width", "scheme"),
    [pytest.param(WIDE, "light", id="wide-light"), pytest.param(NARROW, "dark", id="narrow-dark")],
)
async def test_every_page_is_sound(browser: Browser, scene: Scene, width: int, scheme: Any) -> None:
    size: Any = {"width": width, "height": 900}
    async with looking(
        browser, scene, Role.OPERATOR, viewport=size, color_scheme=scheme, bypass_csp=True
    ) as looked:
        faults = []
        for path in every_page(scene):
            await looked.open(path)
            if (wide := await looked.page.evaluate(_TOO_WIDE)) is not None:
                faults.append(f"{path}: scrolls sideways: {wide}")
            await looked.page.evaluate(AXE.read_text("utf-8"))
            faults += [f"{path}: {fault}" for fault in await looked.page.evaluate(_FOUND)]

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
            if (wide := await looked.page.evaluate(_TOO_WIDE)) is not None:
                faults.append(f"{path} {language}: scrolls sideways: {wide}")
            await looked.page.evaluate(AXE.read_text("utf-8"))
            faults += [f"{path} {language}: {fault}" for fault in await looked.page.evaluate(_FOUND)]
    await context.close()

    assert faults == []
    assert looked.complaints == []
