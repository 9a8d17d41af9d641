"""A neighbour's own end of the line: HTTPS both ways under mutual TLS, written on bare streams."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from tests.exchange.foreign_keys import HOST, Issued, Papers
from tests.exchange.foreign_party import Heard, Letter, Signal, heard, read_signal, receipt, seal

PATH = "/exchange/v1/messages"
PATIENCE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An HTTP response; header names in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Say = Callable[[Heard], Awaitable[Reply | None]]
"""What is answered to a message; None hangs up without a word."""


@asynccontextmanager
async def connection(
    port: int, tls: ssl.SSLContext
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection under mutual TLS, dropped at the end of the block."""
    reader, writer = await asyncio.open_connection(HOST, port, ssl=tls)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def post(
    port: int,
    tls: ssl.SSLContext,
    body: bytes,
    *,
    method: str = "POST",
    path: str = PATH,
    headers: Mapping[str, str | None] | None = None,
) -> Reply:
    """Ask once on a connection of its own; a header given as None is left out."""
    async with connection(port, tls) as (reader, writer):
        writer.write(request(body, method=method, path=path, headers=headers))
        return await read_reply(reader)


def request(
    body: bytes,
    *,
    method: str = "POST",
    path: str = PATH,
    headers: Mapping[str, str | None] | None = None,
) -> bytes:
    """A request as it goes over the line."""
    usual: dict[str, str | None] = {
        "Host": HOST,
        "Content-Type": "application/xml",
        "Content-Length": str(len(body)),
    }
    lines = [f"{name}: {value}" for name, value in {**usual, **(headers or {})}.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    """
    Read one whole response.

    Raises:
        ConnectionError, asyncio.IncompleteReadError, ssl.SSLError: it ended, or was refused, before.
    """
    async with asyncio.timeout(PATIENCE_S):
        status, headers = await _read_head(reader)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Reply(status=int(status.split(" ")[1]), body=body, headers=headers)


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    return head[0], {name.strip().lower(): value.strip() for name, _, value in pairs}


class Foreign:
    """
    A party abroad: it speaks under its own papers, and keeps what it hears.

    Args:
        papers: what it handed to its neighbours.
        seals, tls: what it uses of its certificates.
        home: the party it speaks with, at *home_port*; *home_seal* is that party's certificate.
    """

    def __init__(
        self,
        papers: Papers,
        folder: Path,
        *,
        seals: Issued,
        tls: Issued,
        home: str,
        home_port: int,
        home_seal: x509.Certificate,
        home_anchor: str,
    ) -> None:
        self.id = papers.id
        self.papers = papers
        self.seals = seals
        self.home = home
        self.heard: list[Heard] = []
        self.home_port = home_port
        self._home_seal = home_seal
        self._home_anchor = home_anchor
        self._folder = folder
        self._says: dict[str, deque[Say]] = defaultdict(deque)
        self._came = asyncio.Condition()
        self.client_tls = self.client_context(tls)
        self._server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server_tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._server_tls.verify_mode = ssl.CERT_REQUIRED
        self._server_tls.load_verify_locations(cadata=home_anchor)
        tls.show(self._server_tls, folder)

    # ---- speaking ------------------------------------------------------------------------------------------

    def client_context(self, shown: Issued | None) -> ssl.SSLContext:
        """How it calls its neighbour; showing another certificate, or none, if so asked."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(cadata=self._home_anchor)
        if shown is not None:
            shown.show(context, self._folder)
        return context

    def letter(self, kind: str, document: str, **header: str | None) -> Letter:
        """A message from here to the home party."""
        return Letter(sender=self.id, receiver=self.home, kind=kind, document=document).but(**header)

    def sealed(self, letter: Letter) -> bytes:
        return seal(letter.xml(), self.seals)

    async def send(self, letter: Letter | bytes, *, tls: ssl.SSLContext | None = None) -> Reply:
        """Seal and post a message, or post bytes as they are."""
        raw = letter if isinstance(letter, bytes) else self.sealed(letter)
        return await post(self.home_port, tls or self.client_tls, raw)

    def read(self, reply: Reply) -> Signal:
        """The signal in an answer, whose seal must be the home party's."""
        assert reply.headers["content-type"].partition(";")[0] == "application/xml"
        return read_signal(reply.body, self._home_seal)

    async def deliver(self, letter: Letter) -> bytes:
        """Send a message that must be taken; returns its bytes."""
        raw = self.sealed(letter)
        reply = await self.send(raw)
        signal = self.read(reply)
        assert (reply.status, signal.name) == (200, "ReceiptAcknowledgement"), reply.body.decode()
        assert signal.digest == hashlib.sha256(raw).digest()
        return raw

    # ---- listening -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Serve the party's own endpoint for as long as the block lasts."""
        server = await asyncio.start_server(self._serve, HOST, self.papers.port, ssl=self._server_tls)
        try:
            yield
        finally:
            server.close()

    def will_say(self, number: str, *says: Say) -> None:
        """What to answer to the next messages about certificate *number*; then receipts again."""
        self._says[number].extend(says)

    async def waits_for(self, kind: str, *, count: int = 1, **scopes: str | None) -> list[Heard]:
        """The messages of this kind with these ``number`` and ``about``, once there are so many."""
        found: list[Heard] = []

        def is_there() -> bool:
            found[:] = [
                each
                for each in self.heard
                if each.kind == kind and all(getattr(each, name) == value for name, value in scopes.items())
            ]
            return len(found) >= count

        async with asyncio.timeout(PATIENCE_S), self._came:
            await self._came.wait_for(is_there)
        return found

    async def gives_receipt(self, message: Heard) -> Reply:
        """The ordinary answer."""
        text = receipt(message.raw, by=self.id)
        return Reply(status=200, body=seal(text, self.seals))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            while True:
                status, headers = await _read_head(reader)
                assert status == f"POST {PATH} HTTP/1.1"
                assert headers["content-type"] == "application/xml"
                message = heard(await reader.readexactly(int(headers["content-length"])))
                async with self._came:
                    self.heard.append(message)
                    self._came.notify_all()
                reply = await self._answer(message)
                if reply is None:
                    break
                writer.write(_response(reply))
        writer.transport.abort()

    async def _answer(self, message: Heard) -> Reply | None:
        says = self._says.get(message.number or "")
        return await (says.popleft() if says else self.gives_receipt)(message)


def _response(reply: Reply) -> bytes:
    headers = {"content-type": "application/xml", "content-length": str(len(reply.body)), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + reply.body
