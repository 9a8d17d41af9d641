"""The calls about changes of whom we believe, which two people must approve."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from gateway.domain.caller import Caller
from gateway.domain.clock import rfc3339
from gateway.intake import shapes
from gateway.intake.bodies import JSON, Body, read_optional_json, shaped
from gateway.intake.roles import Right
from gateway.intake.routes import Answer, Call
from gateway.intake.serving import Parts, answer


class DecisionBody(Body):
    """Why."""

    reason: str | None = Field(default=None, max_length=2000)


class Changes:
    """The calls about changes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def all(self, _: web.Request, __: Caller) -> web.Response:
        """What waits, with who has approved it."""
        items = [
            {
                "id": each.sha256,
                "words": list(each.words),
                "proposed_at": rfc3339(each.proposed_at),
                "approved_by": list(each.approved_by),
            }
            for each in await self._parts.ledger.trust_changes()
        ]
        return answer({"items": items, "next": None})

    async def approve(self, request: web.Request, caller: Caller) -> web.Response:
        """One of the two who must."""
        name, reason = request.match_info["id"], await self._reason(request)
        now = self._parts.clock()
        done = await self._parts.ledger.approve_trust(name, who=caller.subject, reason=reason, at=now)
        return answer({"id": name, "state": "in force" if done else "waits for another person"})

    async def reject(self, request: web.Request, caller: Caller) -> web.Response:
        """One is enough."""
        name, reason = request.match_info["id"], await self._reason(request)
        await self._parts.ledger.reject_trust(name, who=caller.subject, reason=reason, at=self._parts.clock())
        return answer({"id": name, "state": "rejected"})

    async def _reason(self, request: web.Request) -> str | None:
        limits = self._parts.limits
        body = await read_optional_json(request, limit=limits.body_bytes, within_s=limits.body_s)
        return shaped(body, DecisionBody).reason

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="GET",
                path="/changes",
                right=Right.CHANGES,
                serve=self.all,
                name="listChanges",
                meaning="Changes of parties, certificates and roles that wait for two people.",
                answers={200: Answer("All that wait.", shapes.ChangePage)},
            ),
            Call(
                method="POST",
                path="/changes/{id}/approve",
                right=Right.DECIDE,
                serve=self.approve,
                name="approveChange",
                meaning="Approve a change; it is in force when a second person has, too.",
                body={JSON: DecisionBody},
                body_required=False,
                answers={200: Answer("How it stands.", shapes.ChangeState)},
                problems=(408, 409, 413, 415, 422),
            ),
            Call(
                method="POST",
                path="/changes/{id}/reject",
                right=Right.DECIDE,
                serve=self.reject,
                name="rejectChange",
                meaning="Reject a change; it waits no longer.",
                body={JSON: DecisionBody},
                body_required=False,
                answers={200: Answer("How it stands.", shapes.ChangeState)},
                problems=(408, 413, 415, 422),
            ),
        )
