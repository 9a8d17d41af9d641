"""What a person must act on: exceptions, each a cause with what suffers from it, and the work on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from aiohttp import web
from pydantic import Field

from gateway.domain.caller import Caller
from gateway.domain.clock import rfc3339
from gateway.domain.errors import NotFound
from gateway.intake import shapes
from gateway.intake.bodies import JSON, Body, read_optional_json, shaped
from gateway.intake.catalogue import Owner
from gateway.intake.messages import ReasonBody
from gateway.intake.roles import Right, sight_of
from gateway.intake.routes import AFTER, PAGE_LIMIT, Answer, Call, Handler, Query, flag, one_of, text
from gateway.intake.serving import Parts, answer
from gateway.intake.views import Json
from gateway.store.clocks import ClockRow
from gateway.store.exceptions import ExceptionItem, ExceptionNote, ExceptionRow

_MOST_DIGITS = 18


class State(StrEnum):
    """Whether something still suffers from an exception."""

    OPEN = "open"
    CLOSED = "closed"


class ClockState(StrEnum):
    """How far a clock has come."""

    RUNNING = "running"
    WARNED = "warned"
    BREACHED = "breached"
    STOPPED = "stopped"


class WordsBody(Body):
    """What a person has to say about an exception."""

    reason: str = Field(min_length=1, max_length=2000)


VERBS: Mapping[str, tuple[str, type[Body]]] = MappingProxyType(
    {
        "take": ("Work on it from now on.", ReasonBody),
        "hand-back": ("Work on it no more.", ReasonBody),
        "note": ("Write a note on it.", WordsBody),
        "close": ("Close it by a person's word, with the reason.", WordsBody),
    }
)

_STATE = one_of("state", "Only open ones, or only closed ones.", State)


class Exceptions:
    """The calls about exceptions."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def page(self, request: web.Request, caller: Caller) -> web.Response:
        """One page, the oldest first."""
        query = Query(request)
        owner = query.choice("owner", Owner)
        rows, following = await self._parts.ledger.exceptions(
            is_open=_is_open(query),
            owner=None if owner is None else owner.value,
            party=query.text("party"),
            code=query.text("code"),
            taken_by=caller.subject if query.flag("mine") else None,
            sight=sight_of(caller, Right.EXCEPTIONS),
            after=query.text("after"),
            limit=query.limit(),
        )
        now = self._parts.clock()
        return answer({"items": [exception_view(row, now) for row in rows], "next": following})

    async def one(self, request: web.Request, caller: Caller) -> web.Response:
        """One with what people did about it."""
        return await self._shown(_number(request), caller)

    async def items(self, request: web.Request, caller: Caller) -> web.Response:
        """What suffers from it."""
        query, number = Query(request), _number(request)
        await self._parts.ledger.exception(number, sight=sight_of(caller, Right.EXCEPTIONS))
        rows, following = await self._parts.ledger.exception_items(
            number, is_open=_is_open(query), after=query.text("after"), limit=query.limit()
        )
        return answer({"items": [item_view(row) for row in rows], "next": following})

    async def clocks(self, request: web.Request, caller: Caller) -> web.Response:
        """The law's clocks that have warned or run out."""
        query = Query(request)
        state = query.choice("state", ClockState)
        rows = await self._parts.ledger.clocks(
            states=(ClockState.WARNED, ClockState.BREACHED) if state is None else (state,),
            name=query.text("name"),
            party=query.text("party"),
            sight=sight_of(caller, Right.EXCEPTIONS),
            limit=query.limit(),
        )
        return answer({"items": [clock_view(row) for row in rows], "next": None})

    def act(self, verb: str) -> Handler:
        """Make the handler of one verb."""
        _, shape = VERBS[verb]

        async def serve(request: web.Request, caller: Caller) -> web.Response:
            limits, ledger = self._parts.limits, self._parts.ledger
            raw = await read_optional_json(request, limit=limits.body_bytes, within_s=limits.body_s)
            reason: str | None = shaped(raw, shape).model_dump().get("reason")
            number = _number(request)
            await ledger.exception(number, sight=sight_of(caller, Right.SETTLE))
            who, at = caller.subject, self._parts.clock()
            match verb:
                case "take":
                    await ledger.take_exception(number, who=who, at=at, words=reason)
                case "hand-back":
                    await ledger.hand_back_exception(number, who=who, at=at, words=reason)
                case "note":
                    await ledger.note_exception(number, who=who, at=at, words=reason or "")
                case _:
                    await ledger.close_exception(number, who=who, at=at, reason=reason or "")
            return await self._shown(number, caller)

        return serve

    async def _shown(self, number: int, caller: Caller) -> web.Response:
        row, notes = await self._parts.ledger.exception(number, sight=sight_of(caller, Right.EXCEPTIONS))
        view = exception_view(row, self._parts.clock())
        return answer(view | {"notes": [note_view(note) for note in notes]})

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="GET",
                path="/exceptions",
                right=Right.EXCEPTIONS,
                serve=self.page,
                name="listExceptions",
                meaning="What a person must act on, grouped by cause, the oldest first.",
                query=(
                    _STATE,
                    one_of("owner", "Whose move it is.", Owner),
                    text("party", "The party abroad."),
                    text("code", "A code of the exception catalogue, or the name of a clock."),
                    flag("mine", "Only those I have taken."),
                    AFTER,
                    PAGE_LIMIT,
                ),
                answers={200: Answer("One page.", shapes.ExceptionPage)},
            ),
            Call(
                method="GET",
                path="/exceptions/{id}",
                right=Right.EXCEPTIONS,
                serve=self.one,
                name="getException",
                meaning="One exception and what people did about it.",
                answers={200: Answer("The exception.", shapes.OneException)},
            ),
            Call(
                method="GET",
                path="/exceptions/{id}/items",
                right=Right.EXCEPTIONS,
                serve=self.items,
                name="listExceptionItems",
                meaning="The messages that suffer from an exception, or did.",
                query=(_STATE, AFTER, PAGE_LIMIT),
                answers={200: Answer("One page.", shapes.ExceptionItemPage)},
            ),
            Call(
                method="GET",
                path="/clocks",
                right=Right.EXCEPTIONS,
                serve=self.clocks,
                name="listClocks",
                meaning="The law's clocks that have warned or run out, the first to end first.",
                query=(
                    one_of("state", "Only those that have come so far.", ClockState),
                    text("name", "The clock's name."),
                    text("party", "The party abroad."),
                    PAGE_LIMIT,
                ),
                answers={200: Answer("The first of them.", shapes.ClockPage)},
            ),
            *(self._verb(verb, meaning, shape) for verb, (meaning, shape) in VERBS.items()),
        )

    def _verb(self, verb: str, meaning: str, shape: type[Body]) -> Call:
        return Call(
            method="POST",
            path=f"/exceptions/{{id}}/{verb}",
            right=Right.SETTLE,
            serve=self.act(verb),
            name=f"{verb.replace('-b', 'B')}Exception",
            meaning=meaning,
            body={JSON: shape},
            body_required=shape is WordsBody,
            answers={200: Answer("The exception after it.", shapes.OneException)},
            problems=(408, 409, 413, 415, 422),
        )


def exception_view(row: ExceptionRow, now: datetime) -> Json:
    """An exception with its age in seconds: since it was opened, until it was closed or now."""
    return {
        "id": str(row.exception_no),
        "code": row.code,
        "cause": row.cause,
        "owner": row.owner,
        "next_action": row.next_action,
        "party": row.party,
        "organisation": row.organisation,
        "state": State.OPEN if row.is_open else State.CLOSED,
        "waiting": row.waiting,
        "times": row.times,
        "first_opened_at": rfc3339(row.first_opened_at),
        "opened_at": rfc3339(row.opened_at),
        "last_seen_at": rfc3339(row.last_seen_at),
        "age_s": ((row.closed_at or now) - row.opened_at).total_seconds(),
        "taken_by": row.taken_by,
        "taken_at": _time(row.taken_at),
        "closed_at": _time(row.closed_at),
        "closed_by": row.closed_by,
        "resolution": row.resolution,
    }


def item_view(row: ExceptionItem) -> Json:
    """Something that suffers from an exception, or did."""
    return {
        "message_id": row.message_id,
        "certificate_number": row.certificate_number,
        "form": row.form,
        "issuing_country": row.issuing_country,
        "cause": row.cause,
        "opened_at": rfc3339(row.opened_at),
        "closed_at": _time(row.closed_at),
        "closed_by": row.closed_by,
        "resolution": row.resolution,
    }


def clock_view(row: ClockRow) -> Json:
    """A clock: from when, until when, by which rule, and how far it has come."""
    return {
        "name": row.name,
        "certificate_number": row.certificate_number,
        "message_id": row.message_id,
        "party": row.party,
        "owner": row.owner,
        "limit": row.limit_told,
        "state": row.state,
        "started_at": rfc3339(row.started_at),
        "warn_at": rfc3339(row.warn_at),
        "due_at": rfc3339(row.due_at),
        "warned_at": _time(row.warned_at),
        "breached_at": _time(row.breached_at),
        "stopped_at": _time(row.stopped_at),
    }


def note_view(row: ExceptionNote) -> Json:
    """What somebody did about it."""
    return {"at": rfc3339(row.at), "who": row.who, "what": row.what, "words": row.words}


def _is_open(query: Query) -> bool | None:
    state = query.choice("state", State)
    return None if state is None else state is State.OPEN


def _number(request: web.Request) -> int:
    given = request.match_info["id"]
    if not (given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS):
        raise NotFound("No such exception.")
    return int(given)


def _time(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
