"""
A national system's side of the API, as thin as can be: one kept connection, one call at a time.

A library for HTTP would take CPU time that the gateways on the same cores then lack.
"""

from __future__ import annotations

import asyncio
import json
import re
from types import TracebackType
from typing import Any, Self

from bench.together import BenchmarkFailed

XML = "application/xml"

_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)\r\n", re.IGNORECASE)


class NoAnswer(BenchmarkFailed):
    """What came back is no answer of the API."""


class Connection:
    """
    One keep-alive connection to a gateway's national API. Use it as an asynchronous context manager.

    Args:
        token: the bearer token every call carries.
    """

    def __init__(self, host: str, port: int, token: str) -> None:
        self._host = host
        self._port = port
        self._common = f"Host: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    async def post(self, path: str, body: bytes, content_type: str = XML) -> tuple[int, Any]:
        """Status and JSON of the answer to *body*."""
        head = f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        return await self._call("POST", path, head, body)

    async def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON under *path*."""
        return await self._call("GET", path, "", b"")

    async def _call(self, method: str, path: str, head: str, body: bytes) -> tuple[int, Any]:
        assert self._reader is not None
        assert self._writer is not None
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{self._common}{head}\r\n".encode() + body)
        told = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(told)
        if length is None:
            raise NoAnswer(f"{method} {path}: an answer without its length")
        return int(told.split(b" ", 2)[1]), json.loads(await self._reader.readexactly(int(length[1])))
