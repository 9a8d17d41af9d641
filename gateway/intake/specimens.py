"""The calls about specimen lists: who may sign certificates where, and what signatures look like."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import date
from http import HTTPStatus
from typing import Annotated, Self

from aiohttp import web
from pydantic import BeforeValidator, Field, model_validator

from gateway.domain.caller import Caller
from gateway.domain.clock import rfc3339
from gateway.domain.errors import ContentRefused, Fault, Finding, NotFound
from gateway.domain.specimen import pictures_of
from gateway.intake import shapes
from gateway.intake.bodies import JSON, Body, media_type, read_body, read_json, shaped
from gateway.intake.roles import Right
from gateway.intake.routes import Answer, Call
from gateway.intake.serving import Parts, answer
from gateway.intake.views import Json
from gateway.store.specimens import Picture, SpecimenListRow

PNG, JPEG = "image/png", "image/jpeg"
MOST_BYTES = 256 * 1024
MOST_PIXELS = 4000  # along either side
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PNG_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"

Day = Annotated[
    date, BeforeValidator(lambda text: date.fromisoformat(text) if isinstance(text, str) else text)
]
Sha256 = Annotated[str, Field(pattern=f"^{_SHA256.pattern}$")]


class _Days(Body):
    """
    A name, an id by which certificates may call it, and the days for which it stands on the list.

    Days that are left out reach as far as the list does.
    """

    name: str = Field(min_length=1, max_length=200, pattern=r"\S")
    id: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"\S")
    from_: Day | None = Field(default=None, alias="from")
    to: Day | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.from_ is not None and self.to is not None and self.to < self.from_:
            raise ValueError("to: ends before it begins")
        return self


class OfficialBody(_Days):
    """Somebody who may sign, with the SHA-256 of a picture of the signature."""

    position: str | None = Field(default=None, max_length=200)
    specimen: Sha256 | None = None


class IssuingBodyBody(_Days):
    """An issuing body with its officials, and the SHA-256 of a picture of its seal."""

    address: str | None = Field(default=None, max_length=500)
    seal: Sha256 | None = None
    official: list[OfficialBody] = Field(default_factory=list, max_length=2000)


class SpecimenListBody(Body):
    """A country's list from a day on; ``agreements`` such as ``atiga``, left out for all of them."""

    country: str = Field(pattern=r"^[A-Z]{2}$")
    agreements: list[Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]] = Field(default_factory=list)
    from_: Day = Field(alias="from")
    source: str = Field(min_length=1, max_length=300, pattern=r"\S")
    body: list[IssuingBodyBody] = Field(min_length=1, max_length=2000)


class Specimens:
    """The calls about specimen lists."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def all(self, _: web.Request, __: Caller) -> web.Response:
        """Every list that was ever imported."""
        rows = await self._parts.ledger.specimen_lists()
        return answer({"items": [list_view(row) for row in rows], "next": None})

    async def take(self, request: web.Request, caller: Caller) -> web.Response:
        """Import a list; its pictures were handed in before."""
        limits = self._parts.limits
        raw = await read_json(request, limit=limits.body_bytes, within_s=limits.body_s)
        content = shaped(raw, SpecimenListBody).model_dump(mode="json", by_alias=True)
        if missing := await self._parts.ledger.missing_pictures(pictures_of(content)):
            raise ContentRefused(tuple(_missing(missing)))
        written = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
        row = await self._parts.ledger.import_specimens(
            content,
            who=caller.subject,
            sha256=hashlib.sha256(written).hexdigest(),
            at=self._parts.clock(),
        )
        await self._parts.decided()
        return answer(list_view(row), HTTPStatus.CREATED)

    async def take_picture(self, request: web.Request, _: Caller) -> web.Response:
        """Hand in a picture; its SHA-256 is its name."""
        kind = media_type(request, {PNG, JPEG})
        body = await read_body(request, limit=MOST_BYTES, within_s=self._parts.limits.body_s)
        if (fault := picture_fault(kind, body)) is not None:
            raise ContentRefused((Finding(code=Fault.SCHEMA.value, text=fault),))
        digest = hashlib.sha256(body)
        await self._parts.ledger.keep_picture(digest.digest(), Picture(media_type=kind, body=body))
        return answer({"sha256": digest.hexdigest()}, HTTPStatus.CREATED)

    async def picture(self, request: web.Request, _: Caller) -> web.Response:
        """One picture as it was handed in."""
        name = request.match_info["id"]
        found = await self._parts.ledger.picture(bytes.fromhex(name)) if _SHA256.fullmatch(name) else None
        if found is None:
            raise NotFound("No such picture.")
        return web.Response(body=found.body, content_type=found.media_type)

    def calls(self) -> tuple[Call, ...]:
        """The table's part."""
        return (
            Call(
                method="GET",
                path="/specimens",
                right=Right.SPECIMENS,
                serve=self.all,
                name="listSpecimens",
                meaning="Specimen lists: issuing bodies and officials, by country, from a day on.",
                answers={200: Answer("All of them, in the order of their import.", shapes.SpecimenPage)},
            ),
            Call(
                method="POST",
                path="/specimens",
                right=Right.LIST_SPECIMENS,
                serve=self.take,
                name="importSpecimens",
                meaning="Import a country's specimen list; it counts from its day on, until the next one.",
                body={JSON: SpecimenListBody},
                answers={201: Answer("The list.", shapes.SpecimenList)},
                problems=(408, 413, 415, 422),
            ),
            Call(
                method="POST",
                path="/specimens/pictures",
                right=Right.LIST_SPECIMENS,
                serve=self.take_picture,
                name="keepSpecimenPicture",
                meaning="Hand in the picture of a signature or a seal, PNG or JPEG, at most 256 KiB.",
                body={PNG: None, JPEG: None},
                answers={201: Answer("Its name.", shapes.SpecimenPicture)},
                problems=(408, 413, 415, 422),
            ),
            Call(
                method="GET",
                path="/specimens/pictures/{id}",
                right=Right.SPECIMENS,
                serve=self.picture,
                name="getSpecimenPicture",
                meaning="The picture of a signature or a seal; its id is the SHA-256 of its bytes.",
                answers={200: Answer("The picture, PNG or JPEG.", media_type="*/*")},
            ),
        )


def list_view(row: SpecimenListRow) -> Json:
    """A list as it was imported."""
    imported_at = rfc3339(row.imported_at)
    return {
        "number": row.list_no,
        "imported_at": imported_at,
        "imported_by": row.imported_by,
        **row.content,
    }


def picture_fault(kind: str, body: bytes) -> str | None:
    """Why *body* is no picture of this media type that we keep, or None."""
    size = _png_size(body) if kind == PNG else _jpeg_size(body)
    if size is None:
        return f"the body is no {kind}"
    if not all(0 < side <= MOST_PIXELS for side in size):
        return f"{size[0]} by {size[1]} pixels are more than {MOST_PIXELS} by {MOST_PIXELS}"
    return None


def _png_size(body: bytes) -> tuple[int, int] | None:
    if not body.startswith(_PNG_HEAD) or not body.endswith(b"IEND\xaeB\x60\x82") or len(body) < 45:
        return None
    return int.from_bytes(body[16:20]), int.from_bytes(body[20:24])


def _jpeg_size(body: bytes) -> tuple[int, int] | None:
    """Width and height from the frame header; segments are walked, never guessed at."""
    if not body.startswith(b"\xff\xd8") or not body.endswith(b"\xff\xd9"):
        return None
    at = 2
    while at + 9 <= len(body) and body[at] == 0xFF:
        marker, length = body[at + 1], int.from_bytes(body[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(body[at + 7 : at + 9]), int.from_bytes(body[at + 5 : at + 7])
        at += 2 + length
    return None


def _missing(names: Iterable[str]) -> Iterable[Finding]:
    for name in names:
        yield Finding(
            code=Fault.SCHEMA.value,
            text=f"The picture {name} was not handed in",
            action="Hand it in first: POST /specimens/pictures.",
        )
