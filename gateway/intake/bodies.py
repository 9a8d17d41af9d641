"""
Request bodies, taken in under a cap and a time limit; used by both doors.

A body that is too large is refused by its Content-Length before a byte is read, or while it streams, never
after. A client that waits for ``100 Continue`` is told to go on only when its body will be read.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, NoReturn, TypeVar

from aiohttp import hdrs, web
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from gateway.domain.errors import ContentRefused, Fault, Finding, GatewayError, TooLarge, Unreadable
from gateway.intake.capacity import VISIT, Visit

XML = "application/xml"
JSON = "application/json"
NDJSON = "application/x-ndjson"
ZIP = "application/zip"

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

Shape = TypeVar("Shape", bound=BaseModel)


class TooSlow(GatewayError):
    """The body did not arrive within the time it may take."""


class ClientGone(ConnectionError):
    """The client went away before its body was whole; nobody is left to answer."""


class WrongType(GatewayError):
    """The body is of a type or in an encoding that is not taken here."""


def _carried(words: str) -> str:
    if _NOT_IN_XML.search(words):
        raise ValueError("holds a character that XML cannot carry")
    return words


Carried = Annotated[str, AfterValidator(_carried)]
"""Text that will travel in a message."""


def _with_zone(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("needs a zone, such as Z")
    return at


Instant = Annotated[datetime, BeforeValidator(_with_zone)]
"""An instant in RFC 3339, with its zone."""


class Body(BaseModel):
    """Base of the shapes of small JSON bodies: nothing unknown, nothing nearly right."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


async def wait_for_leave(request: web.Request) -> None:
    """Leave ``Expect: 100-continue`` unanswered until the body is wanted."""


async def read_body(request: web.Request, *, limit: int, within_s: float, silent_s: float = 10) -> bytes:
    """
    Read the whole body; exactly *limit* bytes are taken, one more is not. Then wait for its turn.

    Args:
        within_s: for the whole body to arrive, seconds.
        silent_s: without a byte of it, seconds.

    Raises:
        TooLarge: more than *limit* bytes announced, or come.
        TooSlow: not there after *within_s* seconds, or none came for *silent_s*.
        Busy: the door holds as many bytes as it can.
        ClientGone: the client went away.
    """
    visit = request.get(VISIT)
    try:
        body = await _read(request, visit, limit, within_s, silent_s)
    except (TooLarge, TooSlow) as error:
        if visit is not None:
            visit.turned_away("too-large" if isinstance(error, TooLarge) else "slow")
        raise
    if visit is not None:
        await visit.turn()
    return body


async def _read(
    request: web.Request, visit: Visit | None, limit: int, within_s: float, silent_s: float
) -> bytes:
    if (request.content_length or 0) > limit:
        raise TooLarge(f"{request.content_length} bytes are more than the {limit} taken here")
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    body, loop = bytearray(), asyncio.get_running_loop()
    end = loop.time() + within_s
    try:
        async with asyncio.timeout_at(min(end, loop.time() + silent_s)) as patience:
            async for chunk in request.content.iter_any():
                if len(body) + len(chunk) > limit:
                    raise TooLarge(f"more than the {limit} bytes taken here")
                if visit is not None:
                    visit.take(len(chunk))
                body += chunk
                patience.reschedule(min(end, loop.time() + silent_s))
    except TimeoutError:
        raise TooSlow(f"the body did not arrive within {within_s:g} seconds") from None
    except (web.RequestPayloadError, ConnectionError) as error:
        raise ClientGone("the client went away before its body was whole") from error
    return bytes(body)


def media_type(request: web.Request, accepted: Collection[str]) -> str:
    """
    The body's type, its parameters left out.

    Raises:
        WrongType: a type not in *accepted*, none at all, or any Content-Encoding.
    """
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise WrongType("A Content-Encoding is not taken; send the body as it is.")
    named = request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if named not in accepted:
        raise WrongType(f"Content-Type must be {' or '.join(sorted(accepted))}.")
    return named


async def read_json(request: web.Request, *, limit: int, within_s: float) -> Any:
    """
    Read a JSON body.

    Raises:
        WrongType: another type.
        Unreadable: no JSON in UTF-8, or text that no ledger can keep.
    """
    media_type(request, {JSON})
    return parse_json(await read_body(request, limit=limit, within_s=within_s))


async def read_optional_json(request: web.Request, *, limit: int, within_s: float) -> Any:
    """Like ``read_json``; no body at all counts as an empty object."""
    if not request.can_read_body:
        return {}
    return await read_json(request, limit=limit, within_s=within_s)


def parse_json(raw: bytes) -> Any:
    """
    Parse strictly: UTF-8, no NaN, no infinity, no NUL, no half of a surrogate pair.

    Raises:
        Unreadable: with the line where the parser stopped.
    """
    try:
        value = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_number)
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Unreadable(f"Not readable as JSON: {where}: {error.msg}", line=error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"Not readable as JSON: {type(error).__name__}") from None
    if _NUL.search(text):
        raise Unreadable("Not readable as JSON: a text holds the character NUL")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def shaped(value: Any, shape: type[Shape]) -> Shape:
    """
    Read *value* as *shape*.

    Raises:
        ContentRefused: S02, one finding for each thing wrong.
    """
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise ContentRefused(
            tuple(
                Finding(
                    code=Fault.SCHEMA.value,
                    text=f"{_path(e['loc'])}: {e['msg'].removeprefix('Value error, ')}",
                    path=_path(e["loc"]),
                )
                for e in error.errors()
            )
        ) from None


def _path(location: tuple[int | str, ...]) -> str:
    return "/" + "/".join(str(part) for part in location)
