"""Whom we believe: what wants to change it and waits for two people, and the specimen lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from aiohttp import hdrs, web

from gateway.console.serving import VISITOR, Pages, Parts, see
from gateway.console.visitor import Visitor
from gateway.domain.errors import NotFound
from gateway.domain.specimen import SpecimenList, list_of
from gateway.store.four_eyes import TrustChange
from gateway.store.specimens import SpecimenListRow

_SHA256 = re.compile(r"[0-9a-f]{64}")
_REASON = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A specimen list as it was imported; *counts* where it is the one in force today."""

    row: SpecimenListRow
    told: SpecimenList
    counts: bool


class TrustPages:
    """Changes and specimen lists."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages

    # ---- changes -----------------------------------------------------------------------------------------

    async def changes(self, request: web.Request) -> web.Response:
        """What waits for two people, and what was decided lately."""
        decided = await self._parts.ledger.history(people=True, what="operator:trust-", limit=20)
        return self._pages.page(
            "changes.html",
            request[VISITOR],
            here="/console/changes",
            changes=await self._parts.ledger.trust_changes(),
            decided=decided,
        )

    async def ask(self, request: web.Request) -> web.Response:
        """The form to approve or reject a change."""
        visitor: Visitor = request[VISITOR]
        change = await self._change(request)
        return self._pages.page(
            "act-change.html",
            visitor,
            here="/console/changes",
            change=change,
            verb=request.match_info["verb"],
            has_approved=visitor.caller.subject in change.approved_by,
        )

    async def decide(self, request: web.Request) -> web.Response:
        """Approve it, which two people must, or reject it, which one may."""
        name = (await self._change(request)).sha256
        form = await request.post()
        who, at = request[VISITOR].caller.subject, self._parts.clock()
        reason = str(form.get("reason", "")).strip()[:_REASON] or None
        if request.match_info["verb"] == "approve":
            await self._parts.ledger.approve_trust(name, who=who, reason=reason, at=at)
        else:
            await self._parts.ledger.reject_trust(name, who=who, reason=reason, at=at)
        return see("/console/changes")

    async def _change(self, request: web.Request) -> TrustChange:
        wanted = request.match_info["change"]
        for each in await self._parts.ledger.trust_changes():
            if each.sha256 == wanted:
                return each
        raise NotFound("No such change waits.")

    # ---- specimen lists ----------------------------------------------------------------------------------

    async def specimens(self, request: web.Request) -> web.Response:
        """Every list that was imported, by country, newest first."""
        today = self._parts.clock().date()
        listings = list(_listings(await self._parts.ledger.specimen_lists(), today))
        listings.sort(key=lambda one: (one.told.country, one.told.valid_from, one.row.list_no), reverse=True)
        listings.sort(key=lambda one: one.told.country)
        return self._pages.page(
            "specimens.html", request[VISITOR], here="/console/specimens", listings=listings
        )

    async def specimen_list(self, request: web.Request) -> web.Response:
        """One list: its issuing bodies with their officials, each with days and picture."""
        number, today = request.match_info["number"], self._parts.clock().date()
        for one in _listings(await self._parts.ledger.specimen_lists(), today):
            if str(one.row.list_no) == number:
                return self._pages.page(
                    "specimen-list.html",
                    request[VISITOR],
                    here="/console/specimens",
                    one=one,
                    bodies=_told(one.row.content),
                    today=today,
                )
        raise NotFound("No such list.")

    async def picture(self, request: web.Request) -> web.Response:
        """The picture of a seal or a signature; its name is the SHA-256 of its bytes."""
        name = request.match_info["sha256"]
        found = await self._parts.ledger.picture(bytes.fromhex(name)) if _SHA256.fullmatch(name) else None
        if found is None:
            raise NotFound("No such picture.")
        kept = {hdrs.CACHE_CONTROL: "private, max-age=86400, immutable"}
        return web.Response(body=found.body, content_type=found.media_type, headers=kept)


def _listings(rows: Iterable[SpecimenListRow], today: date) -> Iterable[Listing]:
    """Each with whether it counts today; of two from the same day the one imported later."""
    lists = [(row, list_of(row.content)) for row in rows]
    for row, told in lists:
        later = (
            other.list_no > row.list_no
            if it.valid_from == told.valid_from
            else it.valid_from > told.valid_from
            for other, it in lists
            if it.country == told.country and it.agreements == told.agreements and it.valid_from <= today
        )
        yield Listing(row=row, told=told, counts=told.valid_from <= today and not any(later))


def _told(content: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The bodies as they were imported: with position and address, which judging does not need."""
    bodies = content["body"]
    assert isinstance(bodies, list)
    return bodies
