"""
Opening a door: listening, and giving up on connections over which nothing whole ever comes.

The server closes a kept connection that lies idle, and the doors time bodies; for a first head it would wait
without end. So whoever connects has so long for the handshake and the first head together.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web_protocol import RequestHandler

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.intake.serving import Limits
from gateway.settings import Address


async def open_door(
    stack: AsyncExitStack, app: web.Application, at: Address, tls: ssl.SSLContext | None, limits: Limits
) -> int:
    """
    Open a door until *stack* is left; the port on which it listens.

    Who is refused while it still sends may finish, for it reads the refusal only then. Nothing is unpacked: a
    Content-Encoding is refused, and a body that does not fit it ends no connection.

    Raises:
        Misconfigured: somebody else listens there.
    """
    heads = FirstHeads(limits.head_s)
    app.middlewares.insert(0, heads.heard)
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=75,
        shutdown_timeout=5,
        lingering_time=limits.body_s,
        auto_decompress=False,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    assert runner.server is not None
    try:
        listening = await asyncio.get_running_loop().create_server(
            heads.watching(runner.server),
            at.host,
            at.port,
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else limits.head_s,
        )
    except OSError as error:
        text = f"cannot listen: {error.strerror or error}; is another node running here?"
        raise Misconfigured((RegistryFault("environment", str(at), text),)) from None
    stack.callback(listening.close)
    opened: int = listening.sockets[0].getsockname()[1]
    return opened


class FirstHeads:
    """Cuts off connections whose first head has not come whole within *within_s*."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._silent: set[asyncio.BaseProtocol] = set()

    def watching(self, server: web.Server) -> Callable[[], asyncio.BaseProtocol]:
        """Makes the protocol of each connection, and sets its time."""
        loop = asyncio.get_running_loop()

        def accepted() -> asyncio.BaseProtocol:
            protocol = server()
            self._silent.add(protocol)
            loop.call_later(self._within_s, self._give_up, protocol)
            return protocol

        return accepted

    @property
    def heard(self) -> Middleware:
        """The middleware that learns of whole heads; it stands before all others."""

        @web.middleware
        async def heard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._silent.discard(request.protocol)
            return await handler(request)

        return heard

    def _give_up(self, protocol: RequestHandler) -> None:
        if protocol in self._silent:
            self._silent.discard(protocol)
            if protocol.transport is not None:
                protocol.transport.abort()
