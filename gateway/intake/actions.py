"""Acts on many messages at the national API: plan a frozen list, look at it, start it, stop it."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import BeforeValidator, Field

from gateway.domain.caller import Caller
from gateway.domain.clock import rfc3339
from gateway.domain.errors import NotAllowed, NotFound, Unreadable
from gateway.domain.ids import PartyId, family_of, form_id
from gateway.domain.status import (
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
)
from gateway.intake import shapes
from gateway.intake.bodies import JSON, Body, read_json, read_optional_json, shaped
from gateway.intake.messages import ReasonBody
from gateway.intake.problems import Problem, bad_parameter
from gateway.intake.roles import Right
from gateway.intake.routes import AFTER, PAGE_LIMIT, Answer, Call, Query
from gateway.intake.serving import Parts, answer
from gateway.intake.views import Json
from gateway.store.actions import Filter
from gateway.store.records import ActionItem, ActionRow

SAMPLE = 5
MOST = 100_000
MOST_NAMED = 5_000
USUAL_MOST = 1_000
USUAL_PER_SECOND = 50

_STATUSES = (DeliveryStatus, AcknowledgementOutcome, CustomsOutcome, CertificateLife)
_KNOWN = frozenset(member.value for status in _STATUSES for member in status)

Day = Annotated[date, BeforeValidator(date.fromisoformat)]


class FilterBody(Body):
    """Which messages of ours are meant; what the verb may not move is left out."""

    party: str | None = None
    status: str | None = None
    form: str | None = None
    from_: Day | None = Field(default=None, alias="from")
    to: Day | None = None

    def read(self) -> Filter:
        """
        As the ledger takes it.

        Raises:
            Problem: 400, a form or status that there is not.
        """
        if self.status is not None and self.status not in _KNOWN:
            raise bad_parameter(f"status: must be one of {', '.join(sorted(_KNOWN))}.")
        try:
            form = None if self.form is None else family_of(form_id(self.form))
        except Unreadable as error:
            raise bad_parameter(f"form: {error}") from None
        party = None if self.party is None else PartyId(self.party)
        return Filter(party=party, status=self.status, form=form, first_day=self.from_, last_day=self.to)


class PlanBody(Body):
    """
    What shall be done to many messages, told by a filter or by their ids.

    ``most``: nothing is planned when more match. ``per_second``: how fast the list is worked off.
    """

    verb: Literal["hold", "release", "resend", "withdraw"]
    filter: FilterBody | None = None
    messages: list[str] | None = Field(default=None, min_length=1, max_length=MOST_NAMED)
    party: str | None = None  # whose the ids are, where two parties used one
    reason: str | None = Field(default=None, max_length=2000)
    most: int = Field(default=USUAL_MOST, ge=1, le=MOST)
    per_second: int = Field(default=USUAL_PER_SECOND, ge=1, le=1_000)


class StartBody(Body):
    """How many messages the starter means; another number than that of the list is refused."""

    count: int | None = None


class Actions:
    """The calls about acts on many messages."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def plan(self, request: web.Request, caller: Caller) -> web.Response:
        """Freeze the list; nothing is done yet."""
        limits = self._parts.limits
        posted = await read_json(request, limit=limits.body_bytes, within_s=limits.body_s)
        body = shaped(posted, PlanBody)
        if (body.filter is None) == (body.messages is None):
            raise bad_parameter("filter, messages: exactly one of the two is needed.")
        action = await self._parts.ledger.plan_action(
            body.verb,
            body.filter.read() if body.filter is not None else await self._named(body),
            who=caller.subject,
            reason=body.reason,
            most=body.most,
            per_second=body.per_second,
            at=self._parts.clock(),
        )
        items = await self._parts.ledger.action_items(action.action_no, after=0, limit=SAMPLE)
        return answer(
            {**action_view(action), "sample": [item_view(item) for item in items]}, HTTPStatus.CREATED
        )

    async def _named(self, body: PlanBody) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for message_id in dict.fromkeys(body.messages or ()):
            rows = await self._parts.ledger.find_messages(message_id, body.party)
            ours = [row for row in rows if row.direction is Direction.OUT]
            if not ours:
                raise NotFound(f"No message of ours {message_id[:200]!r}.")
            if len(ours) > 1:
                raise Problem(
                    HTTPStatus.CONFLICT, f"Several parties have {message_id!r}; say which is meant."
                )
            found.append((ours[0].message_no, message_id))
        return found

    async def all(self, request: web.Request, _: Caller) -> web.Response:
        """One page of actions, newest first."""
        query = Query(request)
        limit = query.limit()
        before = _position(query, 2**62)
        rows = await self._parts.ledger.actions(before=before, limit=limit + 1)
        following = str(rows[limit - 1].action_no) if len(rows) > limit else None
        return answer({"items": [action_view(row) for row in rows[:limit]], "next": following})

    async def one(self, request: web.Request, _: Caller) -> web.Response:
        """One action as it stands."""
        return answer(action_view(await self._parts.ledger.action(_id(request))))

    async def messages(self, request: web.Request, _: Caller) -> web.Response:
        """One page of an action's list, in its order."""
        query = Query(request)
        limit = query.limit()
        action = await self._parts.ledger.action(_id(request))
        rows = await self._parts.ledger.action_items(
            action.action_no, after=_position(query, 0), limit=limit + 1
        )
        following = str(rows[limit - 1].position) if len(rows) > limit else None
        return answer({"items": [item_view(row) for row in rows[:limit]], "next": following})

    async def start(self, request: web.Request, caller: Caller) -> web.Response:
        """Start it, or go on after a stop."""
        limits = self._parts.limits
        posted = await read_optional_json(request, limit=limits.body_bytes, within_s=limits.body_s)
        body, action_id = shaped(posted, StartBody), _id(request)
        action = await self._parts.ledger.action(action_id)
        if body.count not in (None, action.count):
            raise NotAllowed(
                f"The list holds {action.count} messages, not {body.count}; nothing was started."
            )
        started = await self._parts.ledger.start_action(action_id, who=caller.subject, at=self._parts.clock())
        return answer(action_view(started))

    async def stop(self, request: web.Request, caller: Caller) -> web.Response:
        """Stop it where it is."""
        limits = self._parts.limits
        posted = await read_optional_json(request, limit=limits.body_bytes, within_s=limits.body_s)
        reason = shaped(posted, ReasonBody).reason
        stopped = await self._parts.ledger.stop_action(
            _id(request), who=caller.subject, reason=reason, at=self._parts.clock()
        )
        return answer(action_view(stopped))

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="POST",
                path="/actions",
                right=Right.OPERATE,
                serve=self.plan,
                name="planAction",
                meaning="Freeze a list of messages to act upon; nothing is done yet.",
                body={JSON: PlanBody},
                answers={201: Answer("The plan, with its first messages.", shapes.PlannedAction)},
                problems=(404, 408, 409, 413, 415, 422),
            ),
            Call(
                method="GET",
                path="/actions",
                right=Right.PARTIES,
                serve=self.all,
                name="listActions",
                meaning="Acts on many messages, newest first.",
                query=(AFTER, PAGE_LIMIT),
                answers={200: Answer("One page.", shapes.ActionPage)},
            ),
            Call(
                method="GET",
                path="/actions/{id}",
                right=Right.PARTIES,
                serve=self.one,
                name="getAction",
                meaning="One act on many messages as it stands.",
                answers={200: Answer("The action.", shapes.Action)},
            ),
            Call(
                method="GET",
                path="/actions/{id}/messages",
                right=Right.PARTIES,
                serve=self.messages,
                name="listActionMessages",
                meaning="The frozen list, and what became of each message.",
                query=(AFTER, PAGE_LIMIT),
                answers={200: Answer("One page, in the order of the list.", shapes.ActionMessagePage)},
            ),
            Call(
                method="POST",
                path="/actions/{id}/start",
                right=Right.OPERATE,
                serve=self.start,
                name="startAction",
                meaning="Start an action, or go on after a stop.",
                body={JSON: StartBody},
                body_required=False,
                answers={200: Answer("The action after it.", shapes.Action)},
                problems=(408, 409, 413, 415, 422),
            ),
            Call(
                method="POST",
                path="/actions/{id}/stop",
                right=Right.OPERATE,
                serve=self.stop,
                name="stopAction",
                meaning="Stop an action where it is; what was done stays done.",
                body={JSON: ReasonBody},
                body_required=False,
                answers={200: Answer("The action after it.", shapes.Action)},
                problems=(408, 409, 413, 415, 422),
            ),
        )


def action_view(row: ActionRow) -> Json:
    """An act on many messages as JSON."""
    return {
        "action_id": str(row.action_id),
        "verb": row.verb,
        "wanted": row.wanted,
        "reason": row.reason,
        "most": row.most,
        "per_second": row.per_second,
        "count": row.count,
        "digest": row.digest.hex(),
        "state": row.state,
        "done": row.done,
        "refused": row.refused,
        "left": row.count - row.done - row.refused,
        "who": row.who,
        "planned_at": rfc3339(row.planned_at),
        "started_by": row.started_by,
        "started_at": None if row.started_at is None else rfc3339(row.started_at),
        "ended_at": None if row.ended_at is None else rfc3339(row.ended_at),
        "stopped_by": row.stopped_by,
        "stopped_for": row.stopped_for,
    }


def item_view(row: ActionItem) -> Json:
    """One message of an action's list as JSON."""
    return {
        "position": row.position,
        "message_id": row.message_id,
        "party": row.party,
        "certificate_number": row.certificate_number,
        "form": row.form,
        "recorded_at": rfc3339(row.recorded_at),
        "delivery": row.delivery,
        "result": row.result,
    }


def _id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["id"])
    except ValueError:
        raise NotFound("No such action.") from None


def _position(query: Query, first: int) -> int:
    after = query.text("after")
    if after is None:
        return first
    if not (after.isascii() and after.isdigit() and len(after) <= 18):
        raise bad_parameter("after: this cursor was never given out.")
    return int(after)
