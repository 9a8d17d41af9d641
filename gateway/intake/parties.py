"""Who we exchange with, how each lane stands, and stopping one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from aiohttp import web
from pydantic import Field

from gateway.domain.caller import Caller
from gateway.domain.clock import rfc3339
from gateway.domain.corridor import Party, RegisteredCertificate
from gateway.domain.errors import NotFound
from gateway.domain.ids import PartyId
from gateway.intake import shapes
from gateway.intake.bodies import JSON, Body, read_optional_json, shaped
from gateway.intake.messages import ReasonBody
from gateway.intake.roles import Right
from gateway.intake.routes import Answer, Call
from gateway.intake.serving import Parts, answer
from gateway.intake.views import Json
from gateway.store.records import LaneRow, PartyState


class SuspensionBody(Body):
    """Why a party is suspended, and whether what it sends is still taken."""

    reason: str | None = Field(default=None, max_length=2000)
    outgoing_only: bool = False


class Parties:
    """The calls about parties and their lanes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def all(self, _: web.Request, __: Caller) -> web.Response:
        """Every party with its certificates and what operators decided about it."""
        states = await self._parts.ledger.party_states()
        known = sorted(self._parts.parties().items())
        return answer({"items": [party_view(party, states.get(key)) for key, party in known], "next": None})

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
        """Stop a party's lane."""
        body = shaped(await self._body(request), SuspensionBody)
        party = self._named(request)
        state = await self._parts.ledger.suspend(
            party.id,
            who=caller.subject,
            reason=body.reason,
            outgoing_only=body.outgoing_only,
            at=self._parts.clock(),
        )
        return answer(party_view(party, state))

    async def resume(self, request: web.Request, caller: Caller) -> web.Response:
        """Start it again."""
        body = shaped(await self._body(request), ReasonBody)
        party = self._named(request)
        at = self._parts.clock()
        state = await self._parts.ledger.resume(party.id, who=caller.subject, reason=body.reason, at=at)
        return answer(party_view(party, state))

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
                meaning="Stop a party's lane; what is owed waits.",
                body={JSON: SuspensionBody},
                body_required=False,
                answers={200: Answer("The party after it.", shapes.Party)},
                problems=(408, 409, 413, 415, 422),
            ),
            Call(
                method="POST",
                path="/parties/{id}/resume",
                right=Right.OPERATE,
                serve=self.resume,
                name="resumeParty",
                meaning="Start a suspended party's lane again.",
                body={JSON: ReasonBody},
                body_required=False,
                answers={200: Answer("The party after it.", shapes.Party)},
                problems=(408, 409, 413, 415, 422),
            ),
        )


def party_view(party: Party, state: PartyState | None) -> Json:
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
        **_suspension_view(state),
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
        **_suspension_view(state),
        "certificates_expire": _expiries(party, now),
    }


def _certificate_view(use: str, registered: RegisteredCertificate) -> Json:
    return {
        "use": use,
        "file": registered.file,
        "subject": registered.certificate.subject.rfc4514_string(),
        "fingerprint": registered.fingerprint.hex(),
        "from": rfc3339(registered.valid_from),
        "to": rfc3339(registered.valid_to),
    }


def _suspension_view(state: PartyState | None) -> Json:
    if state is None or state.suspended_by is None:
        return {"suspended_by": None, "suspended_at": None, "reason": None, "outgoing_only": False}
    return {
        "suspended_by": state.suspended_by,
        "suspended_at": None if state.suspended_at is None else rfc3339(state.suspended_at),
        "reason": state.reason,
        "outgoing_only": state.outgoing_only,
    }


def _expiries(party: Party | None, now: datetime) -> Mapping[str, str | None]:
    """When the last window that is open now closes, for seals and for TLS; None where none is open."""
    uses = {"sign": () if party is None else party.sign, "tls": () if party is None else party.tls}
    open_until = {use: [c.valid_to for c in some if c.covers(now)] for use, some in uses.items()}
    return {use: rfc3339(max(ends)) if ends else None for use, ends in open_until.items()}
