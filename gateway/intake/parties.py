"""Who we exchange with, how each lane stands, and stopping one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from aiohttp import web
from pydantic import Field

from gateway.domain.caller import Caller
from gateway.domain.clock import rfc3339
from gateway.domain.corridor import Party, RegisteredCertificate
from gateway.domain.errors import NotFound, Unreadable
from gateway.domain.ids import FormId, PartyId, family_of, form_id
from gateway.intake import shapes
from gateway.intake.bodies import JSON, Body, Instant, read_optional_json, shaped
from gateway.intake.problems import bad_parameter
from gateway.intake.roles import Right
from gateway.intake.routes import Answer, Call
from gateway.intake.serving import Parts, answer
from gateway.intake.views import Json
from gateway.store.records import LaneRest, LaneRow, PartyState


class ResumptionBody(Body):
    """Why, and which corridor alone, by its form with or without version."""

    reason: str | None = Field(default=None, max_length=2000)
    form: str | None = None


class SuspensionBody(ResumptionBody):
    """
    What is suspended, and whether what the party sends is still taken.

    ``until`` ends the suspension of a party by itself: an instant with its zone.
    """

    outgoing_only: bool = False
    until: Instant | None = None


class OutageBody(Body):
    """What senders are told while the party is out, why, and when it ends by itself."""

    notice: str = Field(min_length=1, max_length=500, pattern=r"\S")
    reason: str | None = Field(default=None, max_length=2000)
    until: Instant | None = None


class NoBody(Body):
    """A call that has nothing to say."""


class Parties:
    """The calls about parties and their lanes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def all(self, _: web.Request, __: Caller) -> web.Response:
        """Every party with its certificates and what operators decided about it."""
        states, now = await self._parts.ledger.party_states(), self._parts.clock()
        known = sorted(self._parts.parties().items())
        return answer(
            {"items": [party_view(party, states.get(key), now) for key, party in known], "next": None}
        )

    async def lanes(self, _: web.Request, __: Caller) -> web.Response:
        """Every lane, also those of parties to which nothing was ever owed."""
        now = self._parts.clock()
        states = await self._parts.ledger.party_states()
        rows = {row.party: row for row in await self._parts.ledger.lanes(now)}
        parties = self._parts.parties()
        names = sorted({*rows, *parties})
        items = [lane_view(n, rows.get(n), parties.get(n), states.get(n), now) for n in names]
        return answer({"items": items, "next": None})

    async def suspend(self, request: web.Request, caller: Caller) -> web.Response:
        """Stop a party's lane, or one corridor of it."""
        body = shaped(await self._body(request), SuspensionBody)
        party, now = self._named(request), self._parts.clock()
        how: Json = {
            "who": caller.subject,
            "reason": body.reason,
            "outgoing_only": body.outgoing_only,
            "at": now,
        }
        if body.form is None:
            await self._parts.ledger.suspend(party.id, **how, until=_ahead(body.until, now))
        elif body.until is not None:
            raise bad_parameter("until: a corridor is suspended until somebody resumes it.")
        else:
            await self._parts.ledger.suspend_corridor(party.id, _family(body.form), **how)
        return await self._decided(party)

    async def outage(self, request: web.Request, caller: Caller) -> web.Response:
        """Declare that a party is out: nothing is sent, what it sends is taken, senders see the notice."""
        body = shaped(await self._body(request), OutageBody)
        party, now = self._named(request), self._parts.clock()
        await self._parts.ledger.suspend(
            party.id,
            who=caller.subject,
            reason=body.reason,
            outgoing_only=True,
            at=now,
            notice=body.notice,
            until=_ahead(body.until, now),
        )
        return await self._decided(party)

    async def resume(self, request: web.Request, caller: Caller) -> web.Response:
        """Start a party's lane again, whatever stopped it, or one corridor of it."""
        body = shaped(await self._body(request), ResumptionBody)
        party = self._named(request)
        how: Json = {"who": caller.subject, "reason": body.reason, "at": self._parts.clock()}
        if body.form is None:
            await self._parts.ledger.resume(party.id, **how)
        else:
            await self._parts.ledger.resume_corridor(party.id, _family(body.form), **how)
        return await self._decided(party)

    async def _decided(self, party: Party) -> web.Response:
        await self._parts.decided()
        state = (await self._parts.ledger.party_states()).get(party.id)
        return answer(party_view(party, state, self._parts.clock()))

    async def ping(self, request: web.Request, caller: Caller) -> web.Response:
        """Ask a party whether it is there."""
        shaped(await self._body(request), NoBody)
        pinged = await self._parts.ping(self._named(request).id, caller.subject)
        return answer(
            {
                "party": pinged.party,
                "at": rfc3339(pinged.at),
                "answered": pinged.answered,
                "cause": pinged.cause,
                "took_ms": pinged.took_ms,
            }
        )

    async def rehearse(self, request: web.Request, caller: Caller) -> web.Response:
        """Ask a party whether our certificates, those that are scheduled among them, would count there."""
        shaped(await self._body(request), NoBody)
        party = self._named(request).id
        found = await self._parts.rehearse(party, caller.subject)
        items = [asdict(each) | {"as_of": rfc3339(each.as_of)} for each in found]
        return answer({"party": party, "at": rfc3339(self._parts.clock()), "certificates": items})

    async def _body(self, request: web.Request) -> object:
        limits = self._parts.limits
        body: object = await read_optional_json(request, limit=limits.body_bytes, within_s=limits.body_s)
        return body

    def _named(self, request: web.Request) -> Party:
        party = self._parts.parties().get(PartyId(request.match_info["id"]))
        if party is None:
            raise NotFound("No such party.")
        return party

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="GET",
                path="/parties",
                right=Right.PARTIES,
                serve=self.all,
                name="listParties",
                meaning="Who we exchange with.",
                answers={200: Answer("All of them.", shapes.PartyPage)},
            ),
            Call(
                method="GET",
                path="/lanes",
                right=Right.PARTIES,
                serve=self.lanes,
                name="listLanes",
                meaning="Each lane's backlog by status and age.",
                answers={200: Answer("All of them.", shapes.LanePage)},
            ),
            Call(
                method="POST",
                path="/parties/{id}/suspend",
                right=Right.OPERATE,
                serve=self.suspend,
                name="suspendParty",
                meaning="Stop a party's lane, or one corridor of it; what is owed waits.",
                body={JSON: SuspensionBody},
                body_required=False,
                answers={200: Answer("The party after it.", shapes.Party)},
                problems=(408, 409, 413, 415, 422),
            ),
            Call(
                method="POST",
                path="/parties/{id}/outage",
                right=Right.OPERATE,
                serve=self.outage,
                name="declareOutage",
                meaning="Declare that a party is out; senders are told the notice until it is resumed.",
                body={JSON: OutageBody},
                answers={200: Answer("The party after it.", shapes.Party)},
                problems=(408, 409, 413, 415, 422),
            ),
            Call(
                method="POST",
                path="/parties/{id}/resume",
                right=Right.OPERATE,
                serve=self.resume,
                name="resumeParty",
                meaning="Start a suspended party's lane again, or one corridor of it.",
                body={JSON: ResumptionBody},
                body_required=False,
                answers={200: Answer("The party after it.", shapes.Party)},
                problems=(408, 409, 413, 415, 422),
            ),
            Call(
                method="POST",
                path="/parties/{id}/ping",
                right=Right.OPERATE,
                serve=self.ping,
                name="pingParty",
                meaning="Ask a party whether it is there; an answer ends what its lane waits for.",
                body={JSON: NoBody},
                body_required=False,
                answers={200: Answer("What came of it.", shapes.Pinged)},
                problems=(408, 413, 415, 422),
            ),
            Call(
                method="POST",
                path="/parties/{id}/rehearse",
                right=Right.OPERATE,
                serve=self.rehearse,
                name="rehearseParty",
                meaning="Ask a party whether our certificates would count there, each from when it is used.",
                body={JSON: NoBody},
                body_required=False,
                answers={200: Answer("What its gateway says of each.", shapes.Rehearsal)},
                problems=(408, 413, 415, 422),
            ),
        )


def party_view(party: Party, state: PartyState | None, now: datetime) -> Json:
    """A party as its file and our operators have it."""
    return {
        "id": party.id,
        "name": party.name,
        "country": party.country,
        "transport": party.transport,
        "endpoint": party.endpoint,
        "messages": sorted(party.messages),
        "acknowledgements": party.acknowledgements,
        "national_acknowledgements": party.national_acknowledgements,
        "certificates": [
            *(_certificate_view("sign", certificate) for certificate in party.sign),
            *(_certificate_view("tls", certificate) for certificate in party.tls),
        ],
        "revocation": revocation_view(party, now),
        "maintenance": [
            {"from": rfc3339(one.begin), "to": rfc3339(one.end), "notice": one.notice}
            for one in party.maintenance
        ],
        **_suspension_view(state or PartyState(party=party.id)),
    }


def revocation_view(party: Party, now: datetime) -> Json | None:
    """What its file wants of revocation lists, those we hold, and how fresh they are."""
    policy = party.revocation
    if policy is None:
        return None
    return {
        "fail": "hard" if policy.hard else "soft",
        "stale": party.stale_lists(now),
        "sources": [
            {"url": each.url, "tried_at": _time(each.tried_at), "fault": each.fault}
            for each in policy.sources
        ],
        "lists": [
            {
                "source": each.source,
                "issued_at": rfc3339(each.this_update),
                "fresh_until": _time(each.next_update),
                "is_fresh": each.is_fresh(now),
                "fetched_at": _time(each.fetched_at),
                "revoked": len(each.revoked),
            }
            for each in party.lists
        ],
    }


def lane_view(
    name: PartyId, row: LaneRow | None, party: Party | None, state: PartyState | None, now: datetime
) -> Json:
    """A lane; its window, back-off and backlog with ages and waits in seconds."""
    return {
        "party": name,
        "waiting": 0 if row is None else row.waiting,
        "oldest_s": None if row is None else row.oldest_s,
        "by_age": {} if row is None else row.by_age,
        "by_status": {} if row is None else row.by_status,
        "next_due_s": None if row is None else row.next_due_s,
        "cause": None if row is None else row.cause,
        "holder": None if row is None else row.holder,
        "window": None if row is None else row.window,
        "back_off": _back_off_view(None if row is None else row.rest),
        "heard_s": None if row is None else row.heard_s,
        **_suspension_view(state or PartyState(party=name)),
        "certificates_expire": _expiries(party, now),
    }


def _back_off_view(rest: LaneRest | None) -> Json | None:
    """How long a party that fails us is left in peace still; None while it answers."""
    if rest is None or not rest.failures:
        return None
    return {"failures": rest.failures, "cause": rest.cause, "rest_s": rest.rest_s, "asked": rest.asked}


def _certificate_view(use: str, registered: RegisteredCertificate) -> Json:
    return {
        "use": use,
        "file": registered.file,
        "subject": registered.certificate.subject.rfc4514_string(),
        "fingerprint": registered.fingerprint.hex(),
        "from": rfc3339(registered.valid_from),
        "to": rfc3339(registered.valid_to),
    }


def _suspension_view(state: PartyState) -> Json:
    return {
        "suspended_by": state.suspended_by,
        "suspended_at": _time(state.suspended_at),
        "reason": state.reason,
        "outgoing_only": state.outgoing_only,
        "notice": state.notice,
        "until": _time(state.until),
        "corridors": [
            {
                "form": one.form,
                "suspended_by": one.suspended_by,
                "suspended_at": rfc3339(one.suspended_at),
                "reason": one.reason,
                "outgoing_only": one.outgoing_only,
            }
            for one in state.corridors
        ],
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


def _ahead(until: datetime | None, now: datetime) -> datetime | None:
    if until is not None and until <= now:
        raise bad_parameter("until: this time is over.")
    return until


def _family(form: str) -> FormId:
    try:
        return family_of(form_id(form))
    except Unreadable as error:
        raise bad_parameter(f"form: {error}") from None


def _expiries(party: Party | None, now: datetime) -> Mapping[str, str | None]:
    """When the last window that is open now closes, for seals and for TLS; None where none is open."""
    uses = {"sign": () if party is None else party.sign, "tls": () if party is None else party.tls}
    open_until = {use: [c.valid_to for c in some if c.covers(now)] for use, some in uses.items()}
    return {use: rfc3339(max(ends)) if ends else None for use, ends in open_until.items()}
