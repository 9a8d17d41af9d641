"""Submissions that were refused: nothing that failed is lost, and whoever must mend it finds it here."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from aiohttp import web

from gateway.domain.caller import Caller
from gateway.domain.errors import NotFound
from gateway.intake import shapes
from gateway.intake.bodies import JSON, XML
from gateway.intake.roles import Right, sight_of
from gateway.intake.routes import AFTER, PAGE_LIMIT, Answer, Call, Query, one_of
from gateway.intake.serving import Parts, answer
from gateway.intake.views import refused_view
from gateway.store.records import RefusedSubmission


class SubmissionStatus(StrEnum):
    """What became of a submission; those that were taken are certificates and stand there."""

    REFUSED = "refused"


class Refused:
    """The calls about refused submissions."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def page(self, request: web.Request, caller: Caller) -> web.Response:
        """One page, newest first."""
        query = Query(request)
        query.choice("status", SubmissionStatus)
        sight = sight_of(caller, Right.REFUSED)
        all_of_them = sight.everything or sight.issued
        rows, following = await self._parts.ledger.refused_submissions(
            after=query.text("after"),
            limit=query.limit(),
            organisation=None if all_of_them else sight.organisation,
        )
        return answer({"items": [refused_view(row) for row in rows], "next": following})

    async def one(self, request: web.Request, caller: Caller) -> web.Response:
        """One with all its findings."""
        row, _ = await self._found(request, caller)
        return answer(refused_view(row))

    async def document(self, request: web.Request, caller: Caller) -> web.Response:
        """Its bytes as they were handed in."""
        row, content = await self._found(request, caller)
        kind = row.content_type if row.content_type in (XML, JSON) else "application/octet-stream"
        return web.Response(body=content, content_type=kind)

    async def _found(self, request: web.Request, caller: Caller) -> tuple[RefusedSubmission, bytes]:
        sight = sight_of(caller, Right.REFUSED)
        try:
            found = await self._parts.ledger.refused_submission(UUID(request.match_info["id"]))
        except ValueError:
            found = None
        if found is None:
            raise NotFound("No such submission.")
        own = sight.organisation is not None and found[0].organisation == sight.organisation
        if not (sight.everything or sight.issued or own):
            raise NotFound("No such submission.")
        return found

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="GET",
                path="/submissions",
                right=Right.REFUSED,
                serve=self.page,
                name="listRefused",
                meaning="Refused submissions, newest first.",
                query=(one_of("status", "What became of it.", SubmissionStatus), AFTER, PAGE_LIMIT),
                answers={200: Answer("One page.", shapes.RefusedPage)},
            ),
            Call(
                method="GET",
                path="/submissions/{id}",
                right=Right.REFUSED,
                serve=self.one,
                name="getRefused",
                meaning="One refused submission with its findings.",
                answers={200: Answer("The submission.", shapes.RefusedSubmission)},
            ),
            Call(
                method="GET",
                path="/submissions/{id}/document",
                right=Right.REFUSED,
                serve=self.document,
                name="getRefusedDocument",
                meaning="The bytes as they were handed in.",
                answers={200: Answer("The bytes, in the type in which they came.", media_type="*/*")},
            ),
        )
