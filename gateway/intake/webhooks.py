"""The calls about subscribers: who is told of events over HTTP, and with which secret."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import AfterValidator, Field

from gateway.domain.caller import Caller, Role
from gateway.domain.clock import rfc3339
from gateway.domain.webhook import new_secret
from gateway.intake import shapes
from gateway.intake.bodies import JSON, Body, Shape, read_optional_json, shaped
from gateway.intake.messages import ReasonBody
from gateway.intake.roles import Right
from gateway.intake.routes import Answer, Call, Handler
from gateway.intake.serving import Parts, answer
from gateway.intake.views import Json
from gateway.store.ledger import Ledger
from gateway.store.webhooks import WebhookRow

BOTH_SIGN_FOR = timedelta(hours=24)
_NAME = r"^[a-z0-9][a-z0-9.-]{0,62}$"


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.fragment:
        raise ValueError("must be an address such as https://system.example/events")
    if parts.username or parts.password:
        raise ValueError("must not hold a password; events are signed")
    return text


def _role(text: str) -> str:
    if text not in set(Role):
        raise ValueError(f"must be one of {', '.join(Role)}")
    return text


class WebhookBody(Body):
    """
    A subscriber; it is told what *role*, bound to *organisation*, sees.

    With ``after`` it begins behind that cursor (``"0"`` for all there ever was), else with what happens next.
    """

    name: str = Field(pattern=_NAME)
    url: Annotated[str, Field(max_length=2000), AfterValidator(_address)]
    role: Annotated[str, AfterValidator(_role)]
    organisation: str | None = Field(default=None, min_length=1, max_length=200)
    after: str | None = None


class ReplayBody(Body):
    """From where on everything is told again."""

    after: str


class Webhooks:
    """The calls about subscribers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def all(self, _: web.Request, __: Caller) -> web.Response:
        """Every subscriber, without its secrets."""
        return answer({"items": [webhook_view(row) for row in await self._ledger.webhooks()], "next": None})

    async def add(self, request: web.Request, caller: Caller) -> web.Response:
        """A new subscriber; its secret is shown this once."""
        given = await self._read(request, WebhookBody)
        secret = new_secret()
        await self._ledger.add_webhook(
            given.name,
            url=given.url,
            role=given.role,
            organisation=given.organisation,
            secret=secret,
            after=given.after,
            at=self._parts.clock(),
            who=caller.subject,
        )
        return answer({"name": given.name, "secret": secret}, HTTPStatus.CREATED)

    async def rotate(self, request: web.Request, _: Caller) -> web.Response:
        """A new secret; for a day the former signs as well."""
        await self._read(request, ReasonBody)
        name, secret = request.match_info["name"], new_secret()
        await self._ledger.rotate_webhook(name, secret=secret, until=self._parts.clock() + BOTH_SIGN_FOR)
        return answer({"name": name, "secret": secret})

    async def suspend(self, request: web.Request, _: Caller) -> web.Response:
        """Tell it no more, until it is resumed; nothing is lost."""
        await self._read(request, ReasonBody)
        await self._ledger.turn_webhook(request.match_info["name"], on=False)
        return await self._one(request)

    async def resume(self, request: web.Request, _: Caller) -> web.Response:
        """Tell it again from where it stands, at once."""
        await self._read(request, ReasonBody)
        await self._ledger.turn_webhook(request.match_info["name"], on=True)
        return await self._one(request)

    async def replay(self, request: web.Request, _: Caller) -> web.Response:
        """Tell it again everything after a cursor."""
        given = await self._read(request, ReplayBody)
        await self._ledger.replay_webhook(request.match_info["name"], after=given.after)
        return await self._one(request)

    async def remove(self, request: web.Request, _: Caller) -> web.Response:
        """Forget it."""
        await self._read(request, ReasonBody)
        await self._ledger.remove_webhook(request.match_info["name"])
        return answer({"name": request.match_info["name"], "removed": True})

    @property
    def _ledger(self) -> Ledger:
        return self._parts.ledger

    async def _one(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return answer(next(webhook_view(row) for row in await self._ledger.webhooks() if row.name == name))

    async def _read(self, request: web.Request, shape: type[Shape]) -> Shape:
        limits = self._parts.limits
        return shaped(
            await read_optional_json(request, limit=limits.body_bytes, within_s=limits.body_s), shape
        )

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        one = {200: Answer("The subscriber after it.", shapes.Webhook)}
        return (
            Call(
                method="GET",
                path="/webhooks",
                right=Right.PARTIES,
                serve=self.all,
                name="listWebhooks",
                meaning="Who is told of events over HTTP, and how that goes.",
                answers={200: Answer("All of them.", shapes.WebhookPage)},
            ),
            Call(
                method="POST",
                path="/webhooks",
                right=Right.SUBSCRIBE,
                serve=self.add,
                name="addWebhook",
                meaning="Tell a subscriber of events from now on, or from a cursor on.",
                body={JSON: WebhookBody},
                answers={201: Answer("Its secret, shown this once.", shapes.WebhookSecret)},
                problems=(400, 408, 409, 413, 415, 422),
            ),
            self._verb(
                "rotate", self.rotate, {200: Answer("Its new secret, shown this once.", shapes.WebhookSecret)}
            ),
            self._verb("suspend", self.suspend, one),
            self._verb("resume", self.resume, one),
            self._verb("remove", self.remove, {200: Answer("It is forgotten.")}),
            self._verb("replay", self.replay, one, ReplayBody),
        )

    @staticmethod
    def _verb(verb: str, serve: Handler, answers: dict[int, Answer], shape: type[Body] = ReasonBody) -> Call:
        return Call(
            method="POST",
            path=f"/webhooks/{{name}}/{verb}",
            right=Right.SUBSCRIBE,
            serve=serve,
            name=f"{verb}Webhook",
            meaning=(serve.__doc__ or "").strip(),
            body={JSON: shape},
            body_required=shape is not ReasonBody,
            answers=answers,
            problems=(400, 404, 408, 413, 415, 422),
        )


def webhook_view(row: WebhookRow) -> Json:
    """A subscriber as it is shown."""
    return {
        "name": row.name,
        "url": row.url,
        "role": row.role,
        "organisation": row.organisation,
        "state": row.state,
        "failures": row.failures,
        "cause": row.cause,
        "next_attempt_at": rfc3339(row.due_at),
        "told_at": None if row.told_at is None else rfc3339(row.told_at),
        "made_at": rfc3339(row.made_at),
        "made_by": row.made_by,
        "former_until": None if row.former_until is None else rfc3339(row.former_until),
    }
