"""Certificates at the national API: hand in, judge, search, look at one, cancel."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import hdrs, web
from pydantic import Field

from gateway.domain.caller import Caller
from gateway.domain.status import (
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
)
from gateway.domain.words import Language
from gateway.intake import shapes
from gateway.intake.bodies import JSON, XML, Body, Carried, media_type, read_body, read_json, shaped
from gateway.intake.languages import languages_of
from gateway.intake.problems import bad_parameter
from gateway.intake.roles import Right, sight_of
from gateway.intake.routes import AFTER, PAGE_LIMIT, Answer, Call, Parameter, Query, day, flag, one_of, text
from gateway.intake.serving import Parts, agreed, answer, find_certificate, taken_answer
from gateway.intake.views import findings_view, search_view, track_view

STATUSES = (DeliveryStatus, AcknowledgementOutcome, CustomsOutcome, CertificateLife)
_KNOWN = frozenset(member.value for status in STATUSES for member in status)
PDF = "application/pdf"
_ONE = "/certificates/{issuing_country}/{form}/{number}"


class CancellationBody(Body):
    """Why a certificate shall be cancelled."""

    reason: Carried = Field(min_length=1, max_length=2000, pattern=r"\S")


class Certificates:
    """The calls about certificates."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def submit(self, request: web.Request, caller: Caller) -> web.Response:
        """Take a certificate in; the first answer again for the same content."""
        kind = media_type(request, {XML, JSON})
        limits = self._parts.limits
        content = await read_body(request, limit=limits.body_bytes, within_s=limits.body_s)
        taken = await self._parts.desk.submit(content, kind, caller)
        view = taken_answer(self._parts, taken)
        return answer(view, HTTPStatus.ACCEPTED if taken.first else HTTPStatus.OK)

    async def validate(self, request: web.Request, _: Caller) -> web.Response:
        """Judge a certificate and keep nothing."""
        routed = Query(request).flag("route")
        kind = media_type(request, {XML, JSON})
        limits = self._parts.limits
        content = await read_body(request, limit=limits.body_bytes, within_s=limits.body_s)
        languages = languages_of(request.headers.get("Accept-Language", ""))
        verdict = await self._parts.desk.judge(content, kind, languages)
        found = findings_view(verdict.findings)
        route = {"receiver": verdict.receiver} if routed else {}
        return answer({"form": verdict.form, "valid": verdict.valid, "findings": found, **route})

    async def search(self, request: web.Request, caller: Caller) -> web.Response:
        """One page of what the caller sees, newest first."""
        query = Query(request)
        if (status := query.text("status")) is not None and status not in _KNOWN:
            raise bad_parameter(f"status: must be one of {', '.join(sorted(_KNOWN))}.")
        receiver, direction = query.text("receiver"), query.choice("direction", Direction)
        if receiver == self._parts.home and direction is not Direction.OUT:
            receiver, direction = None, Direction.IN  # what came from abroad was received by home
        rows, following = await self._parts.ledger.certificates(
            number=query.text("number"),
            form=query.text("form"),
            receiver=receiver,
            status=status,
            first_day=query.day("from"),
            last_day=query.day("to"),
            direction=direction,
            sight=sight_of(caller, Right.READ),
            after=query.text("after"),
            limit=query.limit(),
        )
        items = [search_view(row, self._parts.home) for row in rows]
        return answer({"items": items, "next": following})

    async def one(self, request: web.Request, caller: Caller) -> web.Response:
        """One certificate from end to end."""
        row = await find_certificate(self._parts, request, caller, Right.READ)
        story = await self._parts.ledger.story(row.certificate_no)
        return answer(track_view(story, await agreed(self._parts), self._parts.home))

    async def check(self, request: web.Request, caller: Caller) -> web.Response:
        """Where anybody checks this certificate; what the code printed on it leads to."""
        row = await find_certificate(self._parts, request, caller, Right.READ, direction=Direction.OUT)
        return answer({"url": self._parts.check_address(row)})

    async def preview(self, request: web.Request, caller: Caller) -> web.Response:
        """The certificate as people read it."""
        languages = self._parts.paper.languages
        language = Language(Query(request).text("lang") or languages[0])
        if language not in languages:
            raise bad_parameter(f"lang: must be one of {', '.join(languages)}.")
        row = await find_certificate(self._parts, request, caller, Right.READ)
        printed = await self._parts.paper.printed(row, language)
        name = {hdrs.CONTENT_DISPOSITION: f'inline; filename="{printed.name}"'}
        return web.Response(body=printed.body, content_type=PDF, headers=name)

    async def cancel(self, request: web.Request, caller: Caller) -> web.Response:
        """Ask the receiver to cancel; the first answer again while that is pending."""
        limits = self._parts.limits
        body = await read_json(request, limit=limits.body_bytes, within_s=limits.body_s)
        row = await find_certificate(self._parts, request, caller, Right.SUBMIT, direction=Direction.OUT)
        reason = shaped(body, CancellationBody).reason
        taken = await self._parts.desk.cancel(row, reason, caller)
        view = taken_answer(self._parts, taken)
        return answer(view, HTTPStatus.ACCEPTED if taken.first else HTTPStatus.OK)

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        documents = {XML: None, JSON: None}
        return (
            Call(
                method="POST",
                path="/certificates",
                right=Right.SUBMIT,
                serve=self.submit,
                name="submitCertificate",
                meaning="Hand in a certificate as XML, or as a box record.",
                body=documents,
                answers={
                    202: Answer("Taken; it travels.", shapes.Taken),
                    200: Answer("The same content again: the first answer.", shapes.Taken),
                },
                problems=(408, 409, 413, 415, 422),
            ),
            Call(
                method="POST",
                path="/certificates/validate",
                right=Right.VALIDATE,
                serve=self.validate,
                name="validateCertificate",
                meaning="Judge a certificate; nothing is kept.",
                query=(flag("route", "Say as well which party would receive it."),),
                body=documents,
                answers={200: Answer("What was found.", shapes.Verdict)},
                problems=(408, 413, 415),
            ),
            Call(
                method="GET",
                path="/certificates",
                right=Right.READ,
                serve=self.search,
                name="searchCertificates",
                meaning="Search, newest first, page by page.",
                query=(
                    text("number", "The certificate number, exactly."),
                    text("form", "The form, long with or without its version, or its middle part."),
                    text("receiver", "The party that receives."),
                    one_of("status", "What one of the three layers or the certificate's life is.", *STATUSES),
                    day("from", "First day of submission, UTC."),
                    day("to", "Last day of submission, UTC."),
                    one_of("direction", "Which way it went, seen from home.", Direction),
                    AFTER,
                    PAGE_LIMIT,
                ),
                answers={200: Answer("One page.", shapes.Search)},
            ),
            Call(
                method="GET",
                path=_ONE,
                right=Right.READ,
                serve=self.one,
                name="getCertificate",
                meaning="One certificate from end to end.",
                answers={200: Answer("Where it stands, and the three layers of answer.", shapes.Track)},
            ),
            Call(
                method="GET",
                path=_ONE + "/preview",
                right=Right.READ,
                serve=self.preview,
                name="previewCertificate",
                meaning="The certificate laid out like the paper form, with the sealed XML attached.",
                query=(
                    Parameter(
                        "lang",
                        "The language of the labels; English when not given.",
                        {"type": "string", "enum": list(self._parts.paper.languages)},
                    ),
                ),
                answers={200: Answer("PDF/A-3.", media_type=PDF)},
            ),
            Call(
                method="GET",
                path=_ONE + "/check",
                right=Right.READ,
                serve=self.check,
                name="getCertificateCheck",
                meaning="Where anybody checks a certificate of ours; to be printed on it as a QR code.",
                answers={200: Answer("The address.", shapes.Check)},
            ),
            Call(
                method="POST",
                path=_ONE + "/cancellation",
                right=Right.SUBMIT,
                serve=self.cancel,
                name="cancelCertificate",
                meaning="Ask the receiver to cancel a certificate of ours.",
                body={JSON: CancellationBody},
                answers={
                    202: Answer("Asked; pending until the receiver has answered.", shapes.Taken),
                    200: Answer("Asked before and still pending: the first answer.", shapes.Taken),
                },
                problems=(408, 409, 413, 415, 422),
            ),
        )
