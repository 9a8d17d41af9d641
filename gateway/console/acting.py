"""
What operators do from the console: the verbs of the national API, each with a form that says what happens.

In bulk an act is planned first: the ledger freezes the list, the page shows it, and only then is it started.
It goes on by itself on any node, at a rate, and is stopped at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import quote
from uuid import UUID

from aiohttp import web

from gateway.console.doors import Refused
from gateway.console.lanes import Lane, lanes_of
from gateway.console.message import OneMessage
from gateway.console.messages import WAITING, message_path
from gateway.console.serving import VISITOR, Pages, Parts, see
from gateway.domain.corridor import Party
from gateway.domain.errors import NotFound
from gateway.domain.ids import FormId, PartyId, family_of
from gateway.domain.status import DeliveryStatus, Direction
from gateway.domain.verbs import VERBS
from gateway.intake.roles import Right
from gateway.store.actions import Filter
from gateway.store.records import ActionState, MessageRow

MOST = 10_000
PER_SECOND = 20
SHOWN = 50
TYPED_ABOVE = 20
_REASON = 2000
_NOTICE = 500

WHAT_HAPPENS: Mapping[str, str] = MappingProxyType(
    {
        "hold": "It stays here and is not tried again until somebody releases or withdraws it.",
        "release": "It is due now, with all its patience before it.",
        "withdraw": "It is never sent. A certificate's number may then be handed in again.",
        "resend": (
            "The identical bytes go again under the same message id: what the party has already is answered"
            " with its first receipt and never processed twice."
        ),
    }
)


class Acting:
    """The forms and what they do."""

    def __init__(self, parts: Parts, pages: Pages, one: OneMessage) -> None:
        self._parts = parts
        self._pages = pages
        self._one = one

    # ---- one message -------------------------------------------------------------------------------------

    async def ask(self, request: web.Request) -> web.Response:
        """The form for one message."""
        verb, row = await self._meant(request)
        return self._pages.page(
            "act.html",
            request[VISITOR],
            verb=verb,
            row=row,
            back=message_path(row),
            what=WHAT_HAPPENS[verb],
            allowed=row.delivery in VERBS[verb].allowed,
        )

    async def act(self, request: web.Request) -> web.Response:
        """Do it, and show the message."""
        verb, row = await self._meant(request)
        await self._operate(request, verb, row, await _reason(request))
        return see(message_path(row))

    async def _meant(self, request: web.Request) -> tuple[str, MessageRow]:
        verb = _verb(request)
        row = await self._one.found(request, Right.OPERATE)
        if row.direction is Direction.IN:
            raise NotFound("Nothing is owed for what came in.")
        return verb, row

    async def _operate(self, request: web.Request, verb: str, row: MessageRow, reason: str | None) -> None:
        who = request[VISITOR].caller.subject
        await self._parts.ledger.operate(verb, row.message_no, who=who, reason=reason, at=self._parts.clock())

    # ---- many --------------------------------------------------------------------------------------------

    async def ask_bulk(self, request: web.Request) -> web.Response:
        """The form that says what shall be done to which messages, and why."""
        verb = _verb(request)
        party = self._party(request.query.get("party", ""))
        status, form = request.query.get("status", ""), request.query.get("form", "")
        return self._pages.page(
            "bulk.html",
            request[VISITOR],
            verb=verb,
            party=party,
            wanted=status,
            form=form,
            what=WHAT_HAPPENS[verb],
            most=MOST,
        )

    async def plan(self, request: web.Request) -> web.Response:
        """Freeze the list; nothing is done yet."""
        verb = _verb(request)
        form = await request.post()
        party = self._party(str(form.get("party", "")))
        reason = await _reason(request)
        if reason is None:
            raise Refused(
                "Say why; it is kept in the log. Nothing was done.", HTTPStatus.UNPROCESSABLE_ENTITY
            )
        named = str(form.get("form", ""))
        action = await self._parts.ledger.plan_action(
            verb,
            Filter(
                party=party.id,
                status=str(form.get("status", "")) or None,
                form=family_of(FormId(named)) if named else None,
            ),
            who=request[VISITOR].caller.subject,
            reason=reason,
            most=MOST,
            per_second=PER_SECOND,
            at=self._parts.clock(),
        )
        return see(f"/console/actions/{action.action_id}")

    async def actions(self, request: web.Request) -> web.Response:
        """Every act on many, newest first."""
        rows = await self._parts.ledger.actions(before=2**62, limit=50)
        return self._pages.page("actions.html", request[VISITOR], here="/console/exceptions", rows=rows)

    async def action(self, request: web.Request) -> web.Response:
        """One act: its frozen list before it starts, how far it is while it runs, what became of each."""
        action = await self._parts.ledger.action(_action_id(request))
        after = int(request.query.get("after", "0")) if request.query.get("after", "0").isdecimal() else 0
        items = await self._parts.ledger.action_items(action.action_no, after=after, limit=SHOWN + 1)
        return self._pages.page(
            "action.html",
            request[VISITOR],
            here="/console/exceptions",
            action=action,
            items=items[:SHOWN],
            older=f"?after={items[SHOWN - 1].position}" if len(items) > SHOWN else None,
            what=WHAT_HAPPENS[action.verb],
            typed_above=TYPED_ABOVE,
            planned=action.state is ActionState.PLANNED,
            runs=action.state is ActionState.RUNNING,
            stopped=action.state is ActionState.STOPPED,
        )

    async def start_or_stop(self, request: web.Request) -> web.Response:
        """Start it, once its number was typed where it is large; stop it, or go on with it."""
        action_id = _action_id(request)
        action = await self._parts.ledger.action(action_id)
        form = await request.post()
        who, at = request[VISITOR].caller.subject, self._parts.clock()
        if request.match_info["verb"] == "stop":
            await self._parts.ledger.stop_action(action_id, who=who, reason=await _reason(request), at=at)
        else:
            typed = str(form.get("count", "")).strip()
            if action.count > TYPED_ABOVE and typed != str(action.count):
                text = f"The list holds {action.count} messages; {typed[:20]!r} was typed. Nothing was done."
                raise Refused(text, HTTPStatus.UNPROCESSABLE_ENTITY)
            await self._parts.ledger.start_action(action_id, who=who, at=at)
        return see(f"/console/actions/{action_id}")

    # ---- lanes -------------------------------------------------------------------------------------------

    async def lane(self, request: web.Request) -> web.Response:
        """One lane: its state, what waits, what happened to it."""
        lane = await self._lane(request)
        statuses = (*WAITING, DeliveryStatus.ON_HOLD)
        rows = await self._parts.ledger.deliveries(statuses, lane.party.id, limit=20)
        acts = await self._parts.ledger.history(people=True, party=lane.party.id, what="operator:", limit=20)
        return self._pages.page(
            "lane.html",
            request[VISITOR],
            here="/console/",
            lane=lane,
            rows=[(row, message_path(row)) for row in rows],
            acts=acts,
        )

    async def ask_lane(self, request: web.Request) -> web.Response:
        """The form to suspend or resume a lane."""
        lane = await self._lane(request)
        verb = request.match_info["verb"]
        return self._pages.page("act-lane.html", request[VISITOR], lane=lane, verb=verb)

    async def act_lane(self, request: web.Request) -> web.Response:
        """Suspend or resume it."""
        party = self._party(request.match_info["party"])
        form = await request.post()
        reason = await _reason(request)
        who, at = request[VISITOR].caller.subject, self._parts.clock()
        if request.match_info["verb"] == "suspend":
            if reason is None:
                raise Refused("Say why; others will ask. Nothing was done.", HTTPStatus.UNPROCESSABLE_ENTITY)
            outgoing_only = form.get("outgoing_only") == "yes"
            await self._parts.ledger.suspend(
                party.id, who=who, reason=reason, outgoing_only=outgoing_only, at=at
            )
        else:
            await self._parts.ledger.resume(party.id, who=who, reason=reason, at=at)
        await self._parts.decided()
        return see(f"/console/lanes/{quote(party.id)}")

    async def ask_outage(self, request: web.Request) -> web.Response:
        """The form to declare that a party is out."""
        return self._pages.page("act-outage.html", request[VISITOR], lane=await self._lane(request))

    async def declare_outage(self, request: web.Request) -> web.Response:
        """Nothing is sent, what it sends is taken, and whoever hands in for it reads the notice."""
        party, at = self._party(request.match_info["party"]), self._parts.clock()
        form = await request.post()
        notice = str(form.get("notice", "")).strip()[:_NOTICE]
        if not notice:
            raise Refused("Say what senders shall read. Nothing was done.", HTTPStatus.UNPROCESSABLE_ENTITY)
        await self._parts.ledger.suspend(
            party.id,
            who=request[VISITOR].caller.subject,
            reason=await _reason(request),
            outgoing_only=True,
            at=at,
            notice=notice,
            until=_until(str(form.get("until", "")), at),
        )
        await self._parts.decided()
        return see(f"/console/lanes/{quote(party.id)}")

    async def ask_ping(self, request: web.Request) -> web.Response:
        """The form to ask a party now instead of waiting for the next try."""
        return self._pages.page("act-ping.html", request[VISITOR], lane=await self._lane(request))

    async def ping(self, request: web.Request) -> web.Response:
        """Ask it; any sign of life ends what its lane waits for. What came of it stands in its history."""
        party = self._party(request.match_info["party"])
        await self._parts.ping(party.id, request[VISITOR].caller.subject)
        return see(f"/console/lanes/{quote(party.id)}#acts")

    async def _lane(self, request: web.Request) -> Lane:
        party = self._party(request.match_info["party"])
        lanes = await lanes_of(self._parts, self._parts.clock())
        return next(lane for lane in lanes if lane.party.id == party.id)

    def _party(self, name: str) -> Party:
        party = self._parts.others.get(PartyId(name))
        if party is None:
            raise NotFound("No such party.")
        return party


def _verb(request: web.Request) -> str:
    verb = request.match_info["verb"]
    if verb not in VERBS:
        raise NotFound("No such verb.")
    return verb


async def _reason(request: web.Request) -> str | None:
    form = await request.post()
    return str(form.get("reason", "")).strip()[:_REASON] or None


def _until(text: str, now: datetime) -> datetime | None:
    """When it ends by itself: a moment of UTC as browsers send it, ahead of *now*."""
    if not text:
        return None
    try:
        until = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        until = now
    if until <= now:
        raise Refused("The end must be a moment to come. Nothing was done.", HTTPStatus.UNPROCESSABLE_ENTITY)
    return until


def _action_id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["action"])
    except ValueError:
        raise NotFound("No such action.") from None
