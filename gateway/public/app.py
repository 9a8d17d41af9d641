"""The pages of the public check, under ``/verify``, and alone on a port of their own where that is set."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from importlib.resources import files
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.domain.clock import Clock
from gateway.domain.corridor import Party
from gateway.domain.words import ENGLISH, Language
from gateway.identity.limits import RateLimit
from gateway.intake.languages import languages_of
from gateway.public.codes import Codes
from gateway.public.standing import Goods, Standing, goods_of, standing_of
from gateway.registry.load import Registry
from gateway.store.ledger import Ledger
from gateway.store.public import IssuedRow
from gateway.trust.check import said_in
from gateway.validate.records import record_of

log = structlog.get_logger(__name__)

PREFIX = "/verify"
MINUTELY = 60  # questions from one address
MINUTELY_BY_NUMBER = 20  # of them, those without a code: numbers can be counted through
MINUTELY_IN_ALL = 1_200  # from everybody, by number, at one node
_LONGEST = 60  # characters of a number
_NOBODY = -1
_FILES = MappingProxyType({"check.css": "text/css", "icon.svg": "image/svg+xml"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    hdrs.SERVER: "eco-gateway",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    What the pages are made of.

    Attributes:
        codes: those printed on certificates.
        demonstration: nothing here is real; told at the head of every page.
        counted: hears what each question was answered with.
        compute: runs what costs computing in a worker thread.
    """

    home: Party
    registry: Registry
    ledger: Ledger
    clock: Clock
    codes: Codes
    demonstration: bool
    counted: Callable[[str], None]
    compute: Callable[..., Any]

    @property
    def forms(self) -> Mapping[str, str]:
        """Middle part and title of every form, as the page offers them."""
        return {form.family.split("/")[1]: form.title for form in self.registry.forms.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The answer to one question; of what was never issued here nothing but that."""

    standing: Standing
    number: str = ""
    form: str = ""
    country: str = ""
    issued: date | None = None
    since: datetime | None = None
    replaced_by: str | None = None
    exporter: str = ""
    digest: str = ""
    goods: Sequence[Goods] | None = None


def create_check(parts: Parts, *, away: tuple[type[Exception], ...] = ()) -> web.Application:
    """
    Build the pages; they are laid under ``/verify``.

    Args:
        away: errors that say the database cannot be reached.
    """
    pages = Pages(parts)
    app = web.Application(middlewares=[_answer(pages, away)])
    app.router.add_get("", pages.ask)
    app.router.add_get("/", pages.ask)
    app.router.add_get("/static/{digest}/{name}", pages.file)
    app.router.add_get("/{code}", pages.by_code)
    app.on_response_prepare.append(_add_headers)
    return app


def alone(check: web.Application) -> web.Application:
    """The pages on a port of their own: beside them, whether it lives, and nothing else."""

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def first(_: web.Request) -> web.Response:
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={hdrs.LOCATION: PREFIX})

    app = web.Application()
    app.on_response_prepare.append(_add_headers)
    app.router.add_get("/", first)
    app.router.add_get("/health/live", live)
    app.add_subapp(PREFIX, check)
    return app


class Pages:
    """One question, one page."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._calls = RateLimit(MINUTELY)
        self._by_number = RateLimit(MINUTELY_BY_NUMBER)
        self._in_all = RateLimit(MINUTELY_IN_ALL, remembered=1)
        folder = files("gateway.public") / "static"
        self._files = {name: (folder / name).read_bytes() for name in _FILES}
        self._static = f"{PREFIX}/static/{hashlib.sha256(b''.join(self._files.values())).hexdigest()[:12]}"
        self._template = Environment(
            loader=PackageLoader("gateway.public", "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        ).get_template("check.html")

    async def ask(self, request: web.Request) -> web.Response:
        """The form, and what it was answered with where it was filled in."""
        asked = {name: _plain(request.query.get(name, "")) for name in ("form", "number", "issued")}
        if not asked["number"]:
            return self.page(request, asked=asked)
        address = request.remote or ""
        if not (self._by_number.allows(address) and self._in_all.allows("")):
            return self.busy(request)
        try:
            day = date.fromisoformat(asked["issued"])
        except ValueError:
            day = date.min
        found = None
        for number in dict.fromkeys((asked["number"], asked["number"].upper())):
            found = found or await self._parts.ledger.issued_as(asked["form"], number, day)
        form = asked["form"] if asked["form"] in self._parts.forms else "?"
        return await self._answered(request, found, asked, (form, asked["number"]))

    async def by_code(self, request: web.Request) -> web.Response:
        """What the code on a certificate leads to."""
        certificate_no = self._parts.codes.read(request.match_info["code"])
        found = await self._parts.ledger.issued(_NOBODY if certificate_no is None else certificate_no)
        return await self._answered(request, found, {"form": "", "number": "", "issued": ""}, ("", ""))

    async def file(self, request: web.Request) -> web.Response:
        """The style sheet and the icon; kept for a year, for others stand at another address."""
        name = request.match_info["name"]
        if name not in self._files:
            raise web.HTTPNotFound
        kept = {hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable"}
        return web.Response(body=self._files[name], content_type=_FILES[name], charset="utf-8", headers=kept)

    async def _answered(
        self,
        request: web.Request,
        found: IssuedRow | None,
        asked: Mapping[str, str],
        in_vain: tuple[str, str],
    ) -> web.Response:
        standing = standing_of(None if found is None else found.certificate)
        self._parts.counted(standing.value)
        if found is None:
            await self._parts.ledger.asked_in_vain(*in_vain, self._parts.clock())
            return self.page(
                request, asked=asked, shown=Shown(standing=standing), status=HTTPStatus.NOT_FOUND
            )
        return self.page(request, asked=asked, shown=await self._shown(found, standing))

    async def _shown(self, found: IssuedRow, standing: Standing) -> Shown:
        certificate = found.certificate
        raw = await self._parts.ledger.said(certificate.message_no)
        form = self._parts.registry.forms[certificate.form]
        goods = None
        if raw is not None:
            goods = await self._parts.compute(lambda: goods_of(record_of(said_in(raw), form)))
        return Shown(
            standing=standing,
            number=certificate.number,
            form=form.title,
            country=certificate.issuing_country,
            issued=certificate.issue_date,
            since=None if standing.counts else found.life_moved_at,
            replaced_by=found.replaced_by if standing is Standing.REPLACED else None,
            exporter=certificate.exporter,
            digest=found.digest.hex(),
            goods=goods,
        )

    def page(
        self, request: web.Request, *, status: int = HTTPStatus.OK, told: str | None = None, **context: Any
    ) -> web.Response:
        """The one page, in the language that its reader likes best."""
        language = self._language(request)
        others = {one: "?" + urlencode({**request.query, "lang": one}) for one in self._parts.registry.labels}
        now = self._parts.clock()
        text = self._template.render(
            **{"asked": {"form": "", "number": "", "issued": ""}, "shown": None} | context,
            told=told,
            language=language,
            languages=[
                (one, self._parts.registry.labels[one]["language"], path) for one, path in others.items()
            ],
            say=self._parts.registry.labels[language],
            forms=self._parts.forms,
            units=self._parts.registry.codes.units.names,
            home=self._parts.home,
            demonstration=self._parts.demonstration,
            static=self._static,
            prefix=PREFIX,
            now=now,
            local=self._parts.registry.zones.local(self._parts.home.country, now),
        )
        return web.Response(status=status, text=text, content_type="text/html")

    def busy(self, request: web.Request) -> web.Response:
        """Too many questions."""
        return self._later(request, HTTPStatus.TOO_MANY_REQUESTS, "busy")

    def away(self, request: web.Request) -> web.Response:
        """The ledger does not answer."""
        return self._later(request, HTTPStatus.SERVICE_UNAVAILABLE, "away")

    def allows(self, request: web.Request) -> bool:
        """Whether this address may ask once more."""
        return self._calls.allows(request.remote or "")

    def _later(self, request: web.Request, status: int, told: str) -> web.Response:
        response = self.page(request, status=status, told=told)
        response.headers[hdrs.RETRY_AFTER] = "60"
        return response

    def _language(self, request: web.Request) -> Language:
        labels = self._parts.registry.labels
        liked = languages_of(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
        wanted = (Language(request.query.get("lang", "")), *liked)
        return next((one for one in wanted if one in labels), ENGLISH)


def _answer(pages: Pages, away: tuple[type[Exception], ...]) -> Middleware:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not pages.allows(request):
            return pages.busy(request)
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            return pages.page(request, status=HTTPStatus.NOT_FOUND)
        except away as error:
            log.warning("database_away", reason=str(error))
            return pages.away(request)

    return answer


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    response.headers.setdefault(hdrs.VARY, hdrs.ACCEPT_LANGUAGE)


def _plain(text: str) -> str:
    """As it is compared: by any spacing and any form of the same characters, without control characters."""
    told = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] != "C")
    return " ".join(told.split())[:_LONGEST]
