"""
Listen at a door that cut us off, to tell a refused certificate from a broken connection.

In TLS 1.3 the client's part of the handshake is over before the server has looked at its certificate. A
server that refuses it closes the connection, often before the alert that says why was read, and many send
none. What tells the two apart is a connection on which nothing is asked: a server that takes our certificate
waits.
"""

from __future__ import annotations

import asyncio
import ssl

from gateway.deliver.transports.faults import Door, tls_words


async def knock(door: Door, tls: ssl.SSLContext, *, listen_s: float) -> str | None:
    """
    Connect to *door*, say nothing, and listen for *listen_s* seconds.

    Returns:
        in words why TLS fails there; None when it holds, or when there is no connection at all.
    """
    try:
        async with asyncio.timeout(listen_s):
            reader, writer = await asyncio.open_connection(
                door.host, door.port, ssl=tls, server_hostname=door.host
            )
            try:
                await reader.read(1)
            finally:
                writer.transport.abort()
    except ssl.SSLError as error:
        return tls_words(error)
    except TimeoutError:
        return None
    except ConnectionResetError:
        return _NO_WELCOME
    except OSError:
        return None
    return _NO_WELCOME


_NO_WELCOME = "the party closes the connection right after the handshake: it does not take our certificate"
