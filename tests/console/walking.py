"""
Somebody in front of a real browser who opens all there is to open, and notes whatever is wrong.

Wrong is: an error in the browser's console, a request that leaves the node, a link that leads nowhere, a page
that scrolls sideways, and what axe-core calls serious or critical.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from playwright.async_api import Browser, Page, Response, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeout

from gateway.domain.caller import Role
from tests.console.visits import Scene
from tests.missing import program

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
_TAKEN_AWAY = re.compile(r"/document/|/preview\?|as=csv|/refused/\d|/pictures/|/static/|/stream")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=program("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        await running.close()


class Looked:
    """A page of the browser, with everything it complained of and the last of what it did."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.log: deque[str] = deque(maxlen=40)
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
            raise AssertionError("\n".join([str(error), f"indicator: {live}", *self.log])) from None

    async def open(self, path: str) -> Response:
        answer = await self.page.goto(self.url + path, wait_until="domcontentloaded")
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        return answer

    async def faults(self, path: str) -> list[str]:
        """What is wrong with the page that is open, called *path*; wants scripts."""
        found = []
        if (wide := await self.page.evaluate(_TOO_WIDE)) is not None:
            found.append(f"{path}: scrolls sideways: {wide}")
        await self.page.evaluate(AXE.read_text("utf-8"))
        return found + [f"{path}: {fault}" for fault in await self.page.evaluate(_FOUND)]


@asynccontextmanager
async def looking(
    browser: Browser, scene: Scene, role: Role, organisation: str | None = None, **how: Any
) -> AsyncIterator[Looked]:
    """Somebody in front of a browser, signed in by the form."""
    url = scene.pair.vn.url
    context = await browser.new_context(**how)
    looked = Looked(await context.new_page(), url)
    await looked.page.goto(f"{url}/console/sign-in")
    await looked.page.fill("#token", scene.pair.vn.as_(role, organisation=organisation).token or "")
    await looked.page.click("main button[type=submit]")
    await looked.page.wait_for_url("**/console/**")
    yield looked
    await context.close()
    assert looked.complaints == []


async def walk(
    looked: Looked, *, scripts: bool = True, most: int = 1, pictures: Path | None = None
) -> list[str]:
    """
    Follow every link from the first page on; the paths that were opened.

    Args:
        most: how many are opened of pages that differ by what they are about, or by their filter alone.
        pictures: a folder for what each page looks like.

    Raises:
        AssertionError: with every page that was not sound.
    """
    ahead, seen, alike = deque(["/console/"]), {"/console/"}, Counter[str]()
    opened: list[str] = []
    faults: list[str] = []
    while ahead:
        path = ahead.popleft()
        answer = await looked.page.goto(looked.url + path, wait_until="domcontentloaded")
        assert answer is not None
        opened.append(path)
        if answer.status != 200:
            faults.append(f"{path}: {answer.status}")
            continue
        if scripts:
            faults += await looked.faults(path)
        if pictures is not None:
            name = re.sub(r"[^\w]+", "-", path).strip("-") or "first"
            await looked.page.screenshot(path=pictures / f"{name[:80]}.png", full_page=True)
        for link in re.findall(r'href="([^"#]+)', await answer.text()):
            found = urlsplit(urljoin(looked.page.url, unescape(link)))
            where = found.path + (f"?{found.query}" if found.query else "")
            if not found.path.startswith("/console/") or where in seen or _TAKEN_AWAY.search(where):
                continue
            seen.add(where)
            alike[_kind(where)] += 1
            if alike[_kind(where)] <= most:
                ahead.append(where)
    assert faults == [], "\n".join(faults)
    return opened


def _kind(path: str) -> str:
    """The path without what names one thing: ids, numbers, and the values of a query."""
    where, _, query = path.partition("?")
    kept = [part if re.fullmatch("[a-z-]+", part) else "*" for part in where.split("/")]
    return "/".join(kept) + "?" + "&".join(sorted(pair.partition("=")[0] for pair in query.split("&")))
