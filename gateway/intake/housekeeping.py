"""Housekeeping at the national API: what would go, and a round of it now."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.caller import Caller
from gateway.intake import shapes
from gateway.intake.roles import Right
from gateway.intake.routes import Answer, Call
from gateway.intake.serving import Parts, answer
from gateway.store.housekeeping import COUNTED_UP_TO

BATCHES = 5


class Housekeeping:
    """The calls about what need not be kept."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def planned(self, _: web.Request, __: Caller) -> web.Response:
        """What would go now, corridor by corridor; nothing goes."""
        now = self._parts.clock()
        items = []
        for rule in self._parts.retention:
            count = await self._parts.ledger.purgeable(rule, now)
            items.append(
                {
                    "party": rule.party,
                    "direction": rule.direction,
                    "form": rule.family,
                    "keep_documents_days": rule.keep.days,
                    "certificates": count,
                    "at_least": count == COUNTED_UP_TO,
                }
            )
        return answer({"items": items, "next": None})

    async def run(self, _: web.Request, __: Caller) -> web.Response:
        """Some batches now; to be called again while something is left."""
        done = await self._parts.ledger.housekeep(self._parts.retention, self._parts.clock(), batches=BATCHES)
        return answer({"certificates": done.certificates, "documents": done.documents, "left": done.left})

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="GET",
                path="/housekeeping",
                right=Right.PARTIES,
                serve=self.planned,
                name="planHousekeeping",
                meaning="Whose documents are past the time for which they are kept; nothing is removed.",
                answers={200: Answer("By corridor.", shapes.RetentionPage)},
            ),
            Call(
                method="POST",
                path="/housekeeping",
                right=Right.OPERATE,
                serve=self.run,
                name="housekeep",
                meaning="Remove some of those documents now; call again while something is left.",
                answers={200: Answer("What was removed.", shapes.Purged)},
            ),
        )
