"""
One call of the national API as data, and how its query is read.

The table of calls is the single source: the router is filled from it, rights are decided by it, an unknown
parameter is refused by it, and the OpenAPI description is written from it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel

from gateway.domain.caller import Caller
from gateway.intake.problems import bad_parameter
from gateway.intake.roles import Right

PREFIX = "/api/v1"
LIMIT = 50
MOST = 500

Handler = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]
Choice = TypeVar("Choice", bound=StrEnum)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOT_PLAIN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

CALLER = web.RequestKey("caller", Caller)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a query; none is required."""

    name: str
    meaning: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call answers when it did what was asked: a shape, or bytes of some media type."""

    meaning: str
    shape: type[BaseModel] | None = None
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """
    One call: method, path under the prefix, the right it needs, who serves it, and what it takes and gives.

    Attributes:
        name: operationId in the description.
        body: media type -> shape of the body; None where the shape is told in words.
        body_required: whether the call makes no sense without one.
        problems: statuses of refusals beside those that every call shares.
    """

    method: str
    path: str
    right: Right
    serve: Handler
    name: str
    meaning: str
    answers: Mapping[int, Answer]
    query: tuple[Parameter, ...] = ()
    body: Mapping[str, type[BaseModel] | None] = field(default_factory=dict)
    body_required: bool = True
    problems: tuple[int, ...] = ()

    @property
    def is_stream(self) -> bool:
        """Whether it answers for as long as the caller listens."""
        return any(answer.media_type == "text/event-stream" for answer in self.answers.values())


def text(name: str, meaning: str) -> Parameter:
    """A parameter that is any text."""
    return Parameter(name, meaning)


def one_of(name: str, meaning: str, *choices: type[StrEnum]) -> Parameter:
    """A parameter that is a value of one of *choices*."""
    values = list(dict.fromkeys(member.value for choice in choices for member in choice))
    return Parameter(name, meaning, {"type": "string", "enum": values})


def day(name: str, meaning: str) -> Parameter:
    """A parameter that is a day, ``YYYY-MM-DD``."""
    return Parameter(name, meaning, {"type": "string", "format": "date", "pattern": r"^\d{4}-\d\d-\d\d$"})


def flag(name: str, meaning: str) -> Parameter:
    """A parameter that is ``true`` or ``false``; ``false`` when it is not given."""
    return Parameter(name, meaning, {"type": "boolean", "default": False})


AFTER = text("after", "A cursor that was given out before; what comes after it is shown.")
PAGE_LIMIT = Parameter(
    "limit", "Most items on the page.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}
)
PARTY = text("party", "Tells messages apart where two parties used the same id.")


def is_plain(value: str) -> bool:
    """Whether *value* holds no control character and nothing that is no text."""
    return _NOT_PLAIN.search(value) is None


class Query:
    """
    The query of one request, read strictly.

    Every reader gives None where the parameter is absent or empty, and raises a 400 problem that names the
    parameter where it cannot be read.
    """

    def __init__(self, request: web.Request) -> None:
        self._values = request.query

    def only(self, known: tuple[Parameter, ...]) -> None:
        """Refuse what the call does not know, and what is said twice."""
        names = {parameter.name for parameter in known}
        for name in self._values:
            if name not in names:
                raise bad_parameter(f"{name[:60]}: unknown parameter.")
            if len(self._values.getall(name)) > 1:
                raise bad_parameter(f"{name}: given more than once.")

    def text(self, name: str) -> str | None:
        """Any text without control characters."""
        value = self._values.get(name) or None
        if value is not None and not is_plain(value):
            raise bad_parameter(f"{name}: cannot be read.")
        return value

    def choice(self, name: str, choice: type[Choice]) -> Choice | None:
        """A value of *choice*."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return choice(value)
        except ValueError:
            raise bad_parameter(f"{name}: must be one of {', '.join(choice)}.") from None

    def day(self, name: str) -> date | None:
        """A day, ``YYYY-MM-DD``."""
        value = self.text(name)
        if value is None:
            return None
        try:
            if _DAY.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise bad_parameter(f"{name}: must be a day, YYYY-MM-DD.")

    def flag(self, name: str) -> bool:
        """``true`` or ``false``."""
        value = self.text(name) or "false"
        if value not in ("true", "false"):
            raise bad_parameter(f"{name}: must be true or false.")
        return value == "true"

    def limit(self) -> int:
        """How many items a page may hold."""
        value = self.text("limit")
        if value is None:
            return LIMIT
        if not (value.isascii() and value.isdigit() and len(value) < 5 and 1 <= int(value) <= MOST):
            raise bad_parameter(f"limit: must be a whole number from 1 to {MOST}.")
        return int(value)
