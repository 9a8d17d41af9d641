"""A message as a request's body: written piece by piece, and able to say whether all of it left."""

from __future__ import annotations

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

_PIECE = 64 * 1024


class Body(Payload):
    """
    The exact octets of a message.

    Attributes:
        gone: all of it was taken from us, down to what the connection's own small buffer may still hold. From
            then on the party may have the message, and a receipt for it may exist.
    """

    _autoclose = True

    def __init__(self, octets: bytes) -> None:
        super().__init__(octets, content_type="application/xml")
        self._octets = memoryview(octets)
        self._size = len(octets)
        self.gone = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The octets as text; asked for by the library's contract, not by us."""
        return bytes(self._octets).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write all of it."""
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write all of it; *content_length* is always its own size, for we let the library count it."""
        self.gone = False
        for start in range(0, len(self._octets), _PIECE):
            await writer.write(self._octets[start : start + _PIECE])
        await writer.drain()
        self.gone = True
