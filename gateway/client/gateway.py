"""
The gateway as a national system sees it.

Submitting is safe to repeat: the gateway knows the same content again. Feeds are read by cursor: keep the
cursor of the last item together with what you did with it, in one transaction of your own, and you have read
each item exactly once, whatever breaks in between.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote

import aiohttp
from yarl import URL

from gateway.client.errors import Problem, Unreachable

Json = dict[str, Any]
Outcome = Literal["accepted", "accepted_with_warnings", "rejected"]

_BUSY = (429, 503)
_LONGEST_WAIT_S = 30.0
BEGINNING = "0"
"""The cursor before the first item of a feed."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that now travels; *first* is false where the same content was taken before."""

    message_id: str
    certificate_number: str | None
    form: str
    receiver: str
    first: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a feed: its cursor, and what the interface says of it."""

    cursor: str
    content: Json


class Gateway:
    """
    One gateway, as one caller.

    Args:
        url: of the national API, such as ``https://gateway.example``.
        token: a bearer token.
        tries: how often a call that may be repeated is made while no gateway answers or it is busy.
    """

    def __init__(self, url: str, token: str, *, tries: int = 5, timeout_s: float = 60.0) -> None:
        self._url = f"{url.rstrip('/')}/api/v1"
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._tries = tries
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Gateway:
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    # ---- issuing authorities -------------------------------------------------------------------------------

    async def submit(self, certificate: bytes | Mapping[str, Any]) -> Taken:
        """
        Hand in a certificate, as XML or as a box record.

        Raises:
            Problem: it is refused, with all findings; 409 D05, its number stands with other content.
        """
        content, kind = _content(certificate)
        status, body = await self._call("POST", "certificates", content=content, kind=kind)
        return _taken(body, first=status == 202)

    async def validate(self, certificate: bytes | Mapping[str, Any]) -> Json:
        """What the gateway would say of a certificate; nothing is stored."""
        content, kind = _content(certificate)
        return (await self._call("POST", "certificates/validate", content=content, kind=kind))[1]

    async def track(self, issuing_country: str, form: str, number: str) -> Json:
        """The whole story of a certificate; *form* is the middle part of its name, such as ``form-d``."""
        return (await self._call("GET", _path("certificates", issuing_country, form, number)))[1]

    async def cancel(self, issuing_country: str, form: str, number: str, reason: str) -> Taken:
        """Ask the receiver to cancel a certificate; B06 once something of it is utilised."""
        path = _path("certificates", issuing_country, form, number, "cancellation")
        status, body = await self._call("POST", path, body={"reason": reason})
        return _taken(body, first=status == 202)

    async def reply_to_verification(self, message_id: str, kind: str, answers: Sequence[str]) -> Taken:
        """Answer the verification request that came as *message_id*."""
        body = {"kind": kind, "answers": list(answers)}
        return await self.answer(message_id, "verification-reply", body)

    # ---- customs authorities -------------------------------------------------------------------------------

    async def arrival(self, message_id: str) -> Json:
        """Something that arrived, with what it says."""
        return (await self._call("GET", _path("inbox", message_id)))[1]

    async def acknowledge(
        self, message_id: str, outcome: Outcome, findings: Sequence[Mapping[str, Any]] = ()
    ) -> Taken:
        """Say that our system accepts what arrived, or refuses it and why."""
        body = {"outcome": outcome, "findings": [dict(each) for each in findings]}
        return await self.answer(message_id, "acknowledgement", body)

    async def respond(self, message_id: str, items: Sequence[Mapping[str, Any]]) -> Taken:
        """Say what became of the items of a certificate; B02 for more than was issued."""
        return await self.answer(message_id, "customs-response", {"items": [dict(each) for each in items]})

    async def answer(self, message_id: str, verb: str, body: Mapping[str, Any]) -> Taken:
        """
        Any answer to what arrived.

        Not repeated by itself: an answer that was cut off may have been heard.

        Args:
            verb: ``acknowledgement``, ``customs-response``, ``verification-request``, ``verification-reply``,
                ``verification-result``, ``retransmission-request`` or ``status-query``.
        """
        path = _path("inbox", message_id, verb)
        return _taken((await self._call("POST", path, body=body, tries=1))[1], first=True)

    # ---- feeds ---------------------------------------------------------------------------------------------

    async def inbox(self, after: str = BEGINNING, *, limit: int = 100, **query: str) -> list[Item]:
        """What arrived after the cursor, oldest first; ``type`` names one kind alone."""
        return await self._feed("inbox", after, limit, query)

    async def events(self, after: str = BEGINNING, *, limit: int = 100) -> list[Item]:
        """What happened after the cursor, oldest first."""
        return await self._feed("events", after, limit, {})

    async def follow(
        self, feed: Literal["inbox", "events"], after: str = BEGINNING, *, every_s: float = 1.0
    ) -> AsyncIterator[Item]:
        """Every item after the cursor, and those that come, until cancelled."""
        while True:
            items = await self._feed(feed, after, 100, {})
            for item in items:
                yield item
                after = item.cursor
            if not items:
                await asyncio.sleep(every_s)

    async def _feed(self, path: str, after: str, limit: int, query: Mapping[str, str]) -> list[Item]:
        wanted = {"after": after, "limit": str(limit), **query}
        _, page = await self._call("GET", path, query=wanted)
        return [Item(cursor=each["cursor"], content=each) for each in page["items"]]

    async def _call(
        self, method: str, path: str, *, tries: int | None = None, **request: Any
    ) -> tuple[int, Json]:
        for number in range(left := tries or self._tries):
            try:
                return await self._once(method, path, **request)
            except _Busy as busy:
                if number + 1 == left:
                    raise Unreachable(str(busy)) from busy
                await asyncio.sleep(min(_LONGEST_WAIT_S, busy.wait_s or 0.2 * 2.0**number))
        raise AssertionError("the last try returns or raises")

    async def _once(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        kind: str | None = None,
    ) -> tuple[int, Json]:
        assert self._session is not None, "use it as a context manager"
        url = URL(f"{self._url}/{path}", encoded=True).update_query(query or {})
        headers = {"Content-Type": kind} if kind else None
        try:
            async with self._session.request(method, url, json=body, data=content, headers=headers) as answer:
                status, wait_s = answer.status, answer.headers.get("Retry-After", "")
                said = await answer.json(content_type=None) if await answer.read() else {}
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _Busy(f"no gateway answers at {self._url}: {error}") from error
        if status in _BUSY:
            raise _Busy(str(said.get("detail") or "busy"), float(wait_s) if wait_s.isdigit() else None)
        if status >= 400:
            raise Problem(status, said)
        return status, said


class _Busy(Exception):
    """Nothing was answered, or that we should come back."""

    def __init__(self, words: str, wait_s: float | None = None) -> None:
        super().__init__(words)
        self.wait_s = wait_s


def _content(certificate: bytes | Mapping[str, Any]) -> tuple[bytes, str]:
    if isinstance(certificate, bytes):
        return certificate, "application/xml"
    return json.dumps(certificate).encode(), "application/json"


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _taken(body: Mapping[str, Any], *, first: bool) -> Taken:
    return Taken(
        message_id=body["message_id"],
        certificate_number=body["certificate_number"],
        form=body["form"],
        receiver=body["receiver"],
        first=first,
    )
