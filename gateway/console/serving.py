"""What every page is made with: the parts it reads, the templates, the files beside them."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.resources import files
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web
from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.console import words
from gateway.console.visitor import MENU, Part, Visitor
from gateway.domain.clock import Clock
from gateway.domain.corridor import Party
from gateway.domain.ids import PartyId
from gateway.identity.who import Identity
from gateway.intake.serving import Paper
from gateway.registry.load import Registry
from gateway.store.ledger import Ledger
from gateway.watch.law import Law

VISITOR = web.RequestKey("visitor", Visitor)
STATIC = ("console.css", "console.js", "icon.svg")
#: What makes a page live, as one file: htmx starts as soon as the browser has a moment, and must have its
#: extension by then; as two files a slow second one would never be used.
LIVE = ("htmx.min.js", "hx-sse.min.js")
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    What the pages read and act with.

    Attributes:
        paper: prints certificates.
        law: the clocks of the law, where we are at home.
        environment: what this installation is called at the head of every page.
        demonstration: whether its keys or its identity provider are for development; told loudly.
        browser_url: where browsers reach the console; forms from elsewhere are refused.
        decided: makes this node go at once by what an operator has just decided about a party.
        ping: asks a party, in a person's name, whether it is there.
        changed: returns when the ledger may have changed, at the latest after the seconds given.
        workers: for what costs computing.
    """

    home: Party
    registry: Registry
    ledger: Ledger
    clock: Clock
    identity: Identity
    paper: Paper
    law: Law
    environment: str
    demonstration: bool
    browser_url: str
    decided: Callable[[], Awaitable[None]]
    ping: Callable[[PartyId, str], Awaitable[object]]
    changed: Callable[[float], Awaitable[None]]
    stopping: asyncio.Event
    workers: Executor
    version: str
    files: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType(_static_files()))

    @property
    def others(self) -> Mapping[PartyId, Party]:
        """The parties we exchange with."""
        return {key: party for key, party in self.registry.parties.items() if key != self.home.id}

    @property
    def cookie(self) -> str:
        """The session cookie's name; all ports of a host share cookies, so a plain one says its own."""
        if self.browser_url.startswith("https://"):
            return "__Host-session"
        return f"session-{urlsplit(self.browser_url).port or 80}"

    @property
    def static(self) -> str:
        """Where the files beside the pages are; another path whenever one of them changed."""
        whole = hashlib.sha256(b"".join(self.files[name] for name in sorted(self.files)))
        return f"/console/static/{whole.hexdigest()[:12]}"

    async def compute(self, task: Callable[..., Any], *arguments: Any) -> Any:
        """Run *task* in a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self.workers, task, *arguments)


def _static_files() -> dict[str, bytes]:
    folder = files("gateway.console") / "static"
    live = b"\n".join((folder / name).read_bytes() for name in LIVE)
    return {name: (folder / name).read_bytes() for name in STATIC} | {"live.js": live}


class Pages:
    """The templates, with the words of the house."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._static = parts.static
        self._environment = Environment(
            loader=PackageLoader("gateway.console", "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "moment": lambda at: words.moment(at, parts.clock()),
            "clock": words.clock,
            "iso": words.iso,
            "long_day": words.long_day,
            "duration": words.duration,
            "figure": words.figure,
            "counted": words.counted,
            "plain": words.plain,
            "form_name": words.form_name,
            "path": lambda text: quote(str(text), safe=""),
            "item_path": words.item_path,
            "local": lambda at: words.local(parts.registry.zones.local(parts.home.country, at)),
            "sha": lambda raw: " ".join(raw.hex()[i : i + 4] for i in range(0, 16, 4)) + " …",
        }
        self._environment.globals |= {
            "static": self._static,
            "home": parts.home,
            "environment_name": parts.environment,
            "demonstration": parts.demonstration,
            "version": parts.version,
            "Part": Part,
        }

    def text(self, template: str, **context: Any) -> str:
        """A template by itself: a fragment of a page, or a page for nobody in particular."""
        return self._environment.get_template(template).render(now=self._parts.clock(), **context)

    def page(
        self, template: str, visitor: Visitor | None, *, status: int = HTTPStatus.OK, **context: Any
    ) -> web.Response:
        """A whole page; the menu holds what its visitor may see."""
        menu = [] if visitor is None else [entry for entry in MENU if visitor.may(entry[0])]
        body = self.text(template, visitor=visitor, menu=menu, **({"here": None} | context))
        return web.Response(status=status, text=body, content_type="text/html")

    def missing(self, visitor: Visitor | None) -> web.Response:
        """The page for what does not exist, or not for this visitor: the same for both."""
        return self.page("missing.html", visitor, status=HTTPStatus.NOT_FOUND)


def see(path: str) -> web.Response:
    """Go there; what a form that did its work answers."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={hdrs.LOCATION: path})


def file_handler(parts: Parts) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Serve the files beside the pages: for a year, packed where the browser takes it."""
    packed = {name: gzip.compress(raw, 9, mtime=0) for name, raw in parts.files.items()}

    async def serve(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in parts.files:
            raise web.HTTPNotFound
        response = web.Response(
            body=parts.files[name], content_type=_TYPES[name.rpartition(".")[2]], charset="utf-8"
        )
        if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            response.body = packed[name]
            response.headers[hdrs.CONTENT_ENCODING] = "gzip"
        response.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
        response.headers[hdrs.CACHE_CONTROL] = "public, max-age=31536000, immutable"
        return response

    return serve


def today(now: datetime) -> datetime:
    """The midnight from which *today* is counted: UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
