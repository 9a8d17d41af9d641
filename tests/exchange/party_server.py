"""
A party at the other end of real mutual TLS, which does as it is told: answers, or fails in a certain way.

Each request takes the next step of ``script``; when the script is empty, ``usual`` is done. HTTP is spoken by
hand, because most of what is wanted here no honest server would do.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, assert_never


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it came, and the number of the connection that brought it, counted from 1."""

    line: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    connection: int


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Answer with this; *hang_up* closes the connection afterwards without having said so."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_up: bool = False


@dataclass(frozen=True)
class Delay:
    """Wait before the next thing."""

    seconds: float
    then: Behaviour


@dataclass(frozen=True)
class By:
    """Answer as this function says: a receipt for the body, by whoever signs."""

    answer: Callable[[Request], Reply]


class CutBeforeReading:
    """Read the head, then break the connection with the body unread."""


class CutBeforeAnswer:
    """Read all of the request, then break the connection."""


class CutInAnswer:
    """Answer half of what was announced, then break the connection."""


class Garble:
    """Answer with something that is not HTTP."""


class NeverAnswer:
    """Read all of the request and say nothing."""


class NeverRead:
    """Read the head and no more, and say nothing."""


Behaviour = (
    Reply | Delay | By | CutBeforeReading | CutBeforeAnswer | CutInAnswer | Garble | NeverAnswer | NeverRead
)


class PartyServer:
    """
    Listens on a port of its own of 127.0.0.1, inside ``async with``.

    Args:
        tls: a server's context that asks for the client's certificate.
        usual: what is done when the script is empty.
        reads_ahead: how much the operating system may take in before the party reads it; bytes.
    """

    def __init__(
        self, tls: ssl.SSLContext, *, usual: Behaviour | None = None, reads_ahead: int | None = None
    ) -> None:
        self._tls = tls
        self.usual: Behaviour = usual or Reply()
        self.script: deque[Behaviour] = deque()
        self.requests: list[Request] = []
        self.connections = 0
        self.port = 0
        self._reads_ahead = reads_ahead
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def endpoint(self) -> str:
        return f"https://127.0.0.1:{self.port}/exchange/v1/messages"

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.requests]

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()

    async def up(self) -> None:
        """Listen; the second time on the same port as before."""
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self._reads_ahead is not None:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._reads_ahead)
        door.bind(("127.0.0.1", self.port))
        self.port = door.getsockname()[1]
        self._server = await asyncio.start_server(self._greet, sock=door, ssl=self._tls)

    async def down(self) -> None:
        """Refuse new connections and break those there are."""
        assert self._server is not None
        self._server.close()
        await self.hang_up()

    async def hang_up(self) -> None:
        """Break every connection there is; new ones are welcome."""
        for writer in self._writers:
            writer.transport.abort()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self._writers.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
                await self._serve(reader, writer, self.connections)
        except asyncio.CancelledError:
            return
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._serving.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            line, headers = await _read_head(reader)
            behaviour = self.script.popleft() if self.script else self.usual
            if isinstance(behaviour, CutBeforeReading):
                return
            if isinstance(behaviour, NeverRead):
                await asyncio.Event().wait()
            body = await reader.readexactly(int(headers["content-length"]))
            request = Request(line=line, headers=headers, body=body, connection=number)
            self.requests.append(request)
            if not await _behave(behaviour, request, writer):
                return


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.strip().split("\r\n")
    pairs = (text.partition(":") for text in fields)
    return line, {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _behave(behaviour: Behaviour, request: Request, writer: asyncio.StreamWriter) -> bool:
    """Do it; whether the connection is kept for another request."""
    match behaviour:
        case Reply():
            writer.write(_head(behaviour) + behaviour.body)
            await writer.drain()
            return not behaviour.hang_up
        case Delay():
            await asyncio.sleep(behaviour.seconds)
            return await _behave(behaviour.then, request, writer)
        case By():
            return await _behave(behaviour.answer(request), request, writer)
        case CutInAnswer():
            writer.write(_head(Reply(body=b"x" * 100)) + b"x" * 50)
            await writer.drain()
            return False
        case Garble():
            writer.write(b"\x00\xffno such thing as a status line\r\n\r\n")
            await writer.drain()
            return False
        case NeverAnswer():
            await asyncio.Event().wait()
            return False
        case CutBeforeReading() | CutBeforeAnswer() | NeverRead():
            return False
        case _:
            assert_never(behaviour)


def _head(reply: Reply) -> bytes:
    headers = {"Content-Type": "application/xml", "Content-Length": str(len(reply.body)), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} Told", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
