"""A refused certificate told apart from a broken connection, by listening at the door."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.deliver.transports.faults import Door
from gateway.deliver.transports.knock import knock
from tests.exchange.party_server import PartyServer
from tests.exchange.tls import client_context, server_context, stranger_context

LISTEN_S = 2.0


@contextlib.contextmanager
def a_blocking_door(tls: ssl.SSLContext, then: Callable[[ssl.SSLSocket], None]) -> Iterator[Door]:
    """A server of the plain kind, which sends the alert that asyncio's does not, for one connection."""

    def serve() -> None:
        connection, _ = listener.accept()
        with (
            connection,
            contextlib.suppress(OSError),
            tls.wrap_socket(connection, server_side=True) as secured,
        ):
            then(secured)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield Door("127.0.0.1", listener.getsockname()[1])
        thread.join()


def wait_for_a_request(connection: ssl.SSLSocket) -> None:
    connection.recv(1)


def reset(connection: ssl.SSLSocket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def test_a_door_that_takes_our_certificate_waits(tmp_path: Path) -> None:
    async with PartyServer(server_context(tmp_path)) as party:
        refusal = await knock(Door("127.0.0.1", party.port), client_context(tmp_path), listen_s=0.1)

    assert refusal is None


async def test_a_door_that_closes_without_a_word_does_not_take_it(tmp_path: Path) -> None:
    async with PartyServer(server_context(tmp_path)) as party:
        door, stranger = Door("127.0.0.1", party.port), stranger_context(certified=True)

        refusal = await knock(door, stranger, listen_s=LISTEN_S)

    assert refusal is not None
    assert "does not take our certificate" in refusal


@pytest.mark.parametrize(
    ("certified", "words"),
    [
        pytest.param(True, "refused by the party: unknown ca", id="unknown-certificate"),
        pytest.param(False, "refused by the party: certificate required", id="no-certificate"),
    ],
)
async def test_a_door_that_says_why_is_quoted(tmp_path: Path, certified: bool, words: str) -> None:
    with a_blocking_door(server_context(tmp_path), wait_for_a_request) as door:
        refusal = await knock(door, stranger_context(certified=certified), listen_s=LISTEN_S)

    assert refusal == words


async def test_a_door_that_resets_the_connection_does_not_take_it(tmp_path: Path) -> None:
    with a_blocking_door(server_context(tmp_path), reset) as door:
        refusal = await knock(door, client_context(tmp_path), listen_s=LISTEN_S)

    assert refusal is not None
    assert "closes the connection right after the handshake" in refusal


async def test_where_nobody_listens_nothing_is_known_about_tls(tmp_path: Path) -> None:
    async with PartyServer(server_context(tmp_path)) as party:
        await party.down()

        refusal = await knock(Door("127.0.0.1", party.port), client_context(tmp_path), listen_s=LISTEN_S)

    assert refusal is None
