"""Messages at the national API: one, its timeline, its exact bytes; and what operators do with it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from aiohttp import web
from pydantic import Field

from gateway.domain.caller import Caller
from gateway.domain.errors import NotAllowed, NotFound
from gateway.domain.status import Direction
from gateway.intake import shapes
from gateway.intake.bodies import JSON, XML, ZIP, Body, read_optional_json, shaped
from gateway.intake.roles import Right
from gateway.intake.routes import PARTY, Answer, Call, Handler, Query, one_of
from gateway.intake.serving import Parts, answer, find_message
from gateway.intake.views import message_view, timeline_view
from gateway.store.records import MessageRow

VERBS: Mapping[str, str] = MappingProxyType(
    {
        "hold": "Stop a delivery that has not been made.",
        "release": "Let a held delivery go; it is due now.",
        "resend": "Send again what was delivered, refused or has expired: the same id and bytes.",
        "withdraw": "Take back what has not been delivered.",
    }
)


class Rendering(StrEnum):
    """In which of its two forms a message is wanted."""

    WIRE = "wire"  #: the exact bytes, as sent or received
    CANONICAL = "canonical"  #: what they say, of a message that travelled in a dialect


_ABSENT: Mapping[Rendering, str] = MappingProxyType(
    {
        Rendering.WIRE: "The bytes of this message are not kept any more.",
        Rendering.CANONICAL: "Only a message in a dialect that could be read has a canonical form beside it.",
    }
)


class ReasonBody(Body):
    """Why an operator acts; it stands in the event log."""

    reason: str | None = Field(default=None, max_length=2000)


class Messages:
    """The calls about messages."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def one(self, request: web.Request, caller: Caller) -> web.Response:
        """One message with its attempts, its receipt and its acknowledgement."""
        return await self._shown(await find_message(self._parts, request, caller, Right.READ))

    async def timeline(self, request: web.Request, caller: Caller) -> web.Response:
        """All that happened to one message, oldest first."""
        row = await find_message(self._parts, request, caller, Right.READ)
        story = await self._parts.ledger.story_of_message(row.message_no)
        return answer({"items": [timeline_view(event) for event in story.events]})

    async def document(self, request: web.Request, caller: Caller) -> web.Response:
        """The exact bytes, as sent or received; or what they say, where they are in a dialect."""
        wanted = Query(request).choice("as", Rendering) or Rendering.WIRE
        row = await find_message(self._parts, request, caller, Right.DOCUMENT)
        document = await self._parts.ledger.document(row.message_no, wanted.value)
        if document is None:
            raise NotFound(_ABSENT[wanted])
        return web.Response(body=document, content_type=XML)

    async def evidence(self, request: web.Request, caller: Caller) -> web.Response:
        """Everything that proves the conversation of one message, as a ZIP."""
        row = await find_message(self._parts, request, caller, Right.DOCUMENT)
        return web.Response(body=await self._parts.evidence(row), content_type=ZIP)

    def operate(self, verb: str) -> Handler:
        """Make the handler of one operator's verb."""

        async def act(request: web.Request, caller: Caller) -> web.Response:
            limits = self._parts.limits
            body = await read_optional_json(request, limit=limits.body_bytes, within_s=limits.body_s)
            row = await find_message(self._parts, request, caller, Right.OPERATE)
            if row.direction is Direction.IN:
                raise NotAllowed(f"Only what we send can be told to {verb}; this message came in.")
            reason = shaped(body, ReasonBody).reason
            moved = await self._parts.ledger.operate(
                verb, row.message_no, who=caller.subject, reason=reason, at=self._parts.clock()
            )
            return await self._shown(moved)

        return act

    async def _shown(self, row: MessageRow) -> web.Response:
        story = await self._parts.ledger.story_of_message(row.message_no)
        return answer(message_view(row, story, self._parts.home))

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="GET",
                path="/messages/{id}",
                right=Right.READ,
                serve=self.one,
                name="getMessage",
                meaning="One message.",
                query=(PARTY,),
                answers={200: Answer("The message.", shapes.Message)},
                problems=(409,),
            ),
            Call(
                method="GET",
                path="/messages/{id}/timeline",
                right=Right.READ,
                serve=self.timeline,
                name="getTimeline",
                meaning="All that happened to one message.",
                query=(PARTY,),
                answers={200: Answer("Oldest first.", shapes.Timeline)},
                problems=(409,),
            ),
            Call(
                method="GET",
                path="/messages/{id}/document",
                right=Right.DOCUMENT,
                serve=self.document,
                name="getDocument",
                meaning="The exact bytes, as sent or received, or what they say in canonical form.",
                query=(one_of("as", "What is wanted; the exact bytes if nothing is said.", Rendering), PARTY),
                answers={200: Answer("The whole message, sealed; or its document alone.", media_type=XML)},
                problems=(409,),
            ),
            Call(
                method="GET",
                path="/messages/{id}/evidence",
                right=Right.DOCUMENT,
                serve=self.evidence,
                name="getEvidence",
                meaning="Everything that proves the message's conversation; checked with 'evidence verify'.",
                query=(PARTY,),
                answers={200: Answer("A sealed bundle.", media_type=ZIP)},
                problems=(409,),
            ),
            *(
                Call(
                    method="POST",
                    path=f"/messages/{{id}}/{verb}",
                    right=Right.OPERATE,
                    serve=self.operate(verb),
                    name=f"{verb}Message",
                    meaning=meaning,
                    query=(PARTY,),
                    body={JSON: ReasonBody},
                    body_required=False,
                    answers={200: Answer("The message after it.", shapes.Message)},
                    problems=(408, 409, 413, 415, 422),
                )
                for verb, meaning in VERBS.items()
            ),
        )
