"""What arrived from abroad, in order, and what the national system says to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web

from gateway.domain.caller import Caller
from gateway.domain.errors import NotFound
from gateway.domain.status import Direction, MessageType
from gateway.intake import shapes
from gateway.intake.bodies import JSON, read_json
from gateway.intake.posted import ANSWER_BODIES
from gateway.intake.roles import Right, sight_of
from gateway.intake.routes import AFTER, PAGE_LIMIT, PARTY, Answer, Call, Handler, Query, one_of
from gateway.intake.serving import Parts, answer, find_message, taken_answer
from gateway.intake.views import arrival_view, inbox_view

ANSWERS: Mapping[MessageType, Right] = MappingProxyType(
    {
        MessageType.ACKNOWLEDGEMENT: Right.ANSWER,
        MessageType.CUSTOMS_RESPONSE: Right.ANSWER,
        MessageType.VERIFICATION_REQUEST: Right.ANSWER,
        MessageType.VERIFICATION_RESULT: Right.ANSWER,
        MessageType.RETRANSMISSION_REQUEST: Right.ANSWER,
        MessageType.VERIFICATION_REPLY: Right.REPLY,
        MessageType.STATUS_QUERY: Right.ASK_STATUS,
    }
)


class Inbox:
    """The calls about what arrived."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def page(self, request: web.Request, caller: Caller) -> web.Response:
        """What arrived after the cursor, oldest first."""
        query = Query(request)
        rows, following = await self._parts.ledger.inbox(
            after=query.text("after"),
            limit=query.limit(),
            type=query.choice("type", MessageType),
            sight=sight_of(caller, Right.INBOX),
        )
        return answer({"items": [inbox_view(row) for row in rows], "next": following})

    async def one(self, request: web.Request, caller: Caller) -> web.Response:
        """One arrival with what it says."""
        row = await find_message(self._parts, request, caller, Right.INBOX, direction=Direction.IN)
        document = await self._parts.ledger.said(row.message_no)
        if document is None:
            raise NotFound("The bytes of this message are not kept any more.")
        content = await asyncio.to_thread(self._parts.content_of, row, document)
        return answer({**arrival_view(row), "content": content})

    def answering(self, verb: MessageType, right: Right) -> Handler:
        """Make the handler of one answer."""

        async def post(request: web.Request, caller: Caller) -> web.Response:
            limits = self._parts.limits
            body = await read_json(request, limit=limits.body_bytes, within_s=limits.body_s)
            row = await find_message(self._parts, request, caller, right, direction=Direction.IN)
            taken = await self._parts.desk.answer(row, verb.value, body, caller)
            view = taken_answer(self._parts, taken)
            return answer(view, HTTPStatus.ACCEPTED if taken.first else HTTPStatus.OK)

        return post

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="GET",
                path="/inbox",
                right=Right.INBOX,
                serve=self.page,
                name="readInbox",
                meaning="What arrived from abroad, oldest first; grows only at its end.",
                query=(one_of("type", "Only messages of this type.", MessageType), AFTER, PAGE_LIMIT),
                answers={200: Answer("One page; keep its cursor.", shapes.InboxPage)},
            ),
            Call(
                method="GET",
                path="/inbox/{id}",
                right=Right.INBOX,
                serve=self.one,
                name="getArrival",
                meaning="One arrival with its content.",
                query=(PARTY,),
                answers={200: Answer("The arrival.", shapes.ArrivalWithContent)},
                problems=(409,),
            ),
            *(
                Call(
                    method="POST",
                    path=f"/inbox/{{id}}/{verb}",
                    right=right,
                    serve=self.answering(verb, right),
                    name="post" + verb.title().replace("-", ""),
                    meaning=f"Answer with a {verb.replace('-', ' ')}; it travels as a message.",
                    query=(PARTY,),
                    body={JSON: ANSWER_BODIES.get(verb)},
                    answers={
                        202: Answer("It travels.", shapes.Taken),
                        200: Answer("Posted before: the first answer.", shapes.Taken),
                    },
                    problems=(408, 409, 413, 415, 422),
                )
                for verb, right in ANSWERS.items()
            ),
        )
