"""
The profile ``eco-https/1`` from the sender's side: POST over mutual TLS, connections kept, one answer back.

Nothing is believed here. Whatever a party answers, a redirect or an error page too, comes back as it stands
for ``read_answer`` to judge; only what never became an answer is told as ``PartyUnreachable``.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from types import SimpleNamespace, TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from gateway.deliver.transports.body import Body
from gateway.deliver.transports.faults import Door, Way, unreachable
from gateway.deliver.transports.knock import knock
from gateway.domain.answer import Answer
from gateway.domain.corridor import Party
from gateway.domain.errors import Fault, PartyUnreachable
from gateway.store.records import Claim

MAX_ANSWER_BYTES = 1024 * 1024
_KEEP_S = 30.0  # shorter than most servers keep an idle connection


class HttpsTransport:
    """
    One party's door, with connections of its own. Use it as an asynchronous context manager.

    Args:
        tls: gives the context for new connections: our client certificate, the party's TLS anchor. It is
            asked at every attempt, so that a change-over needs no restart; the same object keeps connections.
        connections: how many are opened at most; at least the lane's window.
        knock_s: how long a door that cut us off is listened at, to learn whether it refuses our certificate.
    """

    def __init__(
        self, party: Party, *, tls: Callable[[], ssl.SSLContext], connections: int, knock_s: float = 2.0
    ) -> None:
        self._url = party.endpoint
        parts = urlsplit(party.endpoint)
        self._door = Door(host=parts.hostname or "", port=parts.port or 443)
        self._within_s = party.patience.receipt_within.total_seconds()
        self._tls = tls
        self._connections = connections
        self._knock_s = knock_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=_KEEP_S),
            timeout=aiohttp.ClientTimeout(total=None),  # the attempt as a whole is timed below
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding",),
            headers={"User-Agent": "eco-gateway"},
            auto_decompress=False,
            trust_env=False,
            trace_configs=[_tracing()],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, claim: Claim) -> Answer:
        """
        Post the message and bring back the answer, whatever its status, within ``receipt_within``.

        A kept connection that the party closed meanwhile is no failure: the message goes again at once over
        another. The receiver knows a repeat by its id.

        Raises:
            PartyUnreachable: T01 or T02, with ``body_went_out`` as far as this side can know.
        """
        way = Way(Body(claim.body))
        tls = self._tls()
        clock = asyncio.timeout(self._within_s)
        try:
            async with clock:
                return await self._post_until_fresh(way, tls)
        except (aiohttp.ClientError, OSError) as error:
            if clock.expired() and isinstance(error, TimeoutError):
                raise way.timed_out(self._door, self._within_s) from error
            raise await self._failed(error, way, tls) from error

    async def _post_until_fresh(self, way: Way, tls: ssl.SSLContext) -> Answer:
        """Post; again at once for as long as it was a stale connection that failed us."""
        for _ in range(self._connections):
            try:
                return await self._post(way, tls)
            except (aiohttp.ClientError, OSError) as error:
                if not way.was_stale(error):
                    raise
        return await self._post(way, tls)

    async def _post(self, way: Way, tls: ssl.SSLContext) -> Answer:
        assert self._session is not None, "use the transport as a context manager"
        way.begin()
        async with self._session.post(
            self._url,
            data=way.body,
            ssl=tls,
            allow_redirects=False,
            trace_request_ctx=way,
        ) as response:
            way.answered()
            return Answer(
                status=response.status, headers=response.headers, body=await self._read(response, way)
            )

    async def _read(self, response: aiohttp.ClientResponse, way: Way) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise PartyUnreachable(
                    f"{self._door} answered more than {MAX_ANSWER_BYTES} bytes", body_went_out=way.body.gone
                )
        return bytes(body)

    async def _failed(self, error: Exception, way: Way, tls: ssl.SSLContext) -> PartyUnreachable:
        if way.may_be_a_closed_door(error):
            refusal = await knock(self._door, tls, listen_s=self._knock_s)
            if refusal is not None:
                return PartyUnreachable(f"TLS: {refusal}", code=Fault.TLS.value, closed=True)
        return unreachable(error, way, self._door)


def _tracing() -> aiohttp.TraceConfig:
    async def opened(_session: object, context: SimpleNamespace, _params: object) -> None:
        _way_of(context).connected(reused=False)

    async def reused(_session: object, context: SimpleNamespace, _params: object) -> None:
        _way_of(context).connected(reused=True)

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(opened)
    tracing.on_connection_reuseconn.append(reused)
    return tracing


def _way_of(context: SimpleNamespace) -> Way:
    way: Way = context.trace_request_ctx
    return way
