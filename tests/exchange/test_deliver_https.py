"""The sender's side of eco-https/1, held against a party that answers or fails in every way."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.deliver.transports.https import MAX_ANSWER_BYTES, HttpsTransport
from gateway.domain.errors import PartyUnreachable
from tests.exchange.party_server import (
    Behaviour,
    CutBeforeAnswer,
    CutBeforeReading,
    CutInAnswer,
    Delay,
    Garble,
    NeverAnswer,
    NeverRead,
    PartyServer,
    Reply,
)
from tests.exchange.tls import client_context, server_context, stranger_context
from tests.keys import party_keys
from tests.unit.deliver.parties import a_claim, a_party

RECEIPT = Reply(body=b"<receipt/>")
LARGE = os.urandom(5 * 1024 * 1024)


@pytest.fixture
async def party(tmp_path: Path) -> AsyncIterator[PartyServer]:
    async with PartyServer(server_context(tmp_path), usual=RECEIPT, reads_ahead=64 * 1024) as server:
        yield server


@pytest.fixture
def ours(tmp_path: Path) -> ssl.SSLContext:
    return client_context(tmp_path)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_port_without_tls(handler: Handler) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()
            ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await ended.wait()


@asynccontextmanager
async def a_transport(
    endpoint: str, context: ssl.SSLContext, *, within_s: float = 5.0, knock_s: float = 0.1
) -> AsyncIterator[HttpsTransport]:
    async with HttpsTransport(
        a_party(endpoint=endpoint, receipt_within_s=within_s),
        tls=lambda: context,
        connections=4,
        knock_s=knock_s,
    ) as transport:
        yield transport


async def failing(
    endpoint: str,
    context: ssl.SSLContext,
    *,
    body: bytes = b"<message/>",
    within_s: float = 5.0,
    knock_s: float = 0.1,
) -> PartyUnreachable:
    async with a_transport(endpoint, context, within_s=within_s, knock_s=knock_s) as transport:
        with pytest.raises(PartyUnreachable) as caught:
            await transport.send(a_claim(body=body))
    return caught.value


async def test_the_message_arrives_byte_for_byte_and_the_answer_comes_back_so(
    party: PartyServer, ours: ssl.SSLContext
) -> None:
    body = os.urandom(300_000)

    async with a_transport(party.endpoint, ours) as transport:
        answer = await transport.send(a_claim(body=body))

    assert party.bodies == [body]
    assert (answer.status, answer.body) == (200, b"<receipt/>")


async def test_a_request_says_what_the_wire_asks_and_no_more(
    party: PartyServer, ours: ssl.SSLContext
) -> None:
    async with a_transport(party.endpoint, ours) as transport:
        await transport.send(a_claim(body=b"<message/>"))

    [request] = party.requests
    assert request.line == "POST /exchange/v1/messages HTTP/1.1"
    assert request.headers["content-type"] == "application/xml"
    assert request.headers["content-length"] == "10"
    assert {"accept-encoding", "content-encoding", "transfer-encoding", "expect"}.isdisjoint(request.headers)


async def test_connections_are_kept(party: PartyServer, ours: ssl.SSLContext) -> None:
    async with a_transport(party.endpoint, ours) as transport:
        for number in range(5):
            await transport.send(a_claim(number))

    assert party.connections == 1


async def test_no_more_connections_are_opened_than_allowed(party: PartyServer, ours: ssl.SSLContext) -> None:
    party.usual = Delay(0.01, RECEIPT)

    async with a_transport(party.endpoint, ours) as transport:
        await asyncio.gather(*(transport.send(a_claim(number)) for number in range(12)))

    assert party.connections <= 4


async def test_a_new_context_is_used_for_the_next_connection(party: PartyServer, tmp_path: Path) -> None:
    contexts = [client_context(tmp_path), client_context(tmp_path)]

    async with HttpsTransport(
        a_party(endpoint=party.endpoint), tls=lambda: contexts[0], connections=1
    ) as way:
        await way.send(a_claim())
        contexts.pop(0)
        await way.send(a_claim())

    assert party.connections == 2


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(status=503, headers={"Retry-After": "7"}), id="overload"),
        pytest.param(Reply(status=422, body=b"<exception/>"), id="refusal"),
        pytest.param(Reply(status=500, body=b"oops"), id="error-page"),
        pytest.param(Reply(status=307, headers={"Location": "https://127.0.0.1:1/"}), id="redirect"),
        pytest.param(Reply(body=b"\x1f\x8b\x08", headers={"Content-Encoding": "gzip"}), id="compressed"),
    ],
)
async def test_any_answer_comes_back_as_it_stands(
    party: PartyServer, reply: Reply, ours: ssl.SSLContext
) -> None:
    party.script.append(reply)

    async with a_transport(party.endpoint, ours) as transport:
        answer = await transport.send(a_claim())

    assert (answer.status, answer.body) == (reply.status, reply.body)
    assert all(answer.header(name.upper()) == value for name, value in reply.headers.items())
    assert len(party.requests) == 1


async def test_a_proxy_of_the_environment_is_not_used(
    party: PartyServer, monkeypatch: pytest.MonkeyPatch, ours: ssl.SSLContext
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    async with a_transport(party.endpoint, ours) as transport:
        assert (await transport.send(a_claim())).status == 200


# ---- no answer ---------------------------------------------------------------------------------------------


async def test_a_closed_port_is_told_as_refused(party: PartyServer, ours: ssl.SSLContext) -> None:
    await party.down()

    error = await failing(party.endpoint, ours)

    assert error.cause == f"T01: cannot connect to 127.0.0.1:{party.port}: refused"
    assert not error.body_went_out


async def test_an_unknown_name_is_told(monkeypatch: pytest.MonkeyPatch, ours: ssl.SSLContext) -> None:
    async def nobody(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", nobody)

    error = await failing("https://nobody.invalid:8443/exchange/v1/messages", ours)

    assert error.cause == "T01: cannot connect to nobody.invalid:8443: name not known"


async def test_a_host_that_does_not_take_the_connection_is_told_as_timed_out(ours: ssl.SSLContext) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with a_port_without_tls(say_nothing) as port:
        error = await failing(f"https://127.0.0.1:{port}/", ours, within_s=0.2)

    assert error.cause == f"T01: cannot connect to 127.0.0.1:{port}: timed out after 0.2 s"
    assert not error.body_went_out


@pytest.mark.parametrize(
    ("behaviour", "body", "words", "gone"),
    [
        pytest.param(NeverAnswer(), b"<m/>", "no answer from {}: timed out after 0.5 s", True, id="silence"),
        pytest.param(
            NeverRead(), LARGE, "{} did not take the whole message within 0.5 s", False, id="never-read"
        ),
        pytest.param(
            CutBeforeAnswer(),
            b"<m/>",
            "connection to {} cut after the whole message had gone",
            True,
            id="cut",
        ),
        pytest.param(
            CutBeforeReading(),
            LARGE,
            "connection to {} cut before the whole message had gone",
            False,
            id="cut-before-reading",
        ),
        pytest.param(CutInAnswer(), b"<m/>", "answer of {} cut short", True, id="cut-in-answer"),
        pytest.param(Garble(), b"<m/>", "{} did not answer in HTTP", True, id="garbled"),
        pytest.param(
            Reply(body=b"x" * (MAX_ANSWER_BYTES + 1)),
            b"<m/>",
            f"{{}} answered more than {MAX_ANSWER_BYTES} bytes",
            True,
            id="huge",
        ),
    ],
)
async def test_what_is_no_answer_is_told_with_how_far_the_message_got(
    party: PartyServer, behaviour: Behaviour, body: bytes, words: str, gone: bool, ours: ssl.SSLContext
) -> None:
    party.usual = behaviour

    within_s = 0.5 if isinstance(behaviour, NeverAnswer | NeverRead) else 5.0
    error = await failing(party.endpoint, ours, body=body, within_s=within_s)

    assert error.cause == f"T01: {words.format(f'127.0.0.1:{party.port}')}"
    assert error.body_went_out is gone


async def test_the_largest_answer_allowed_is_taken(party: PartyServer, ours: ssl.SSLContext) -> None:
    party.script.append(Reply(body=b"x" * MAX_ANSWER_BYTES))

    async with a_transport(party.endpoint, ours) as transport:
        assert len((await transport.send(a_claim())).body) == MAX_ANSWER_BYTES


async def test_a_party_that_failed_is_reached_again_at_the_next_attempt(
    party: PartyServer, ours: ssl.SSLContext
) -> None:
    party.script += [CutInAnswer(), Garble(), CutBeforeAnswer()]

    async with a_transport(party.endpoint, ours) as transport:
        for _ in range(3):
            with pytest.raises(PartyUnreachable):
                await transport.send(a_claim())

        assert (await transport.send(a_claim())).body == b"<receipt/>"


# ---- kept connections that went stale ----------------------------------------------------------------------


async def test_a_kept_connection_the_party_closed_costs_no_attempt(
    party: PartyServer, ours: ssl.SSLContext
) -> None:
    party.script += [RECEIPT, CutBeforeAnswer()]

    async with a_transport(party.endpoint, ours) as transport:
        await transport.send(a_claim(1))
        answer = await transport.send(a_claim(2, body=b"<second/>"))

    assert answer.body == b"<receipt/>"
    assert party.bodies == [b"<message/>", b"<second/>", b"<second/>"]


async def test_many_stale_connections_at_once_cost_no_attempt(
    party: PartyServer, ours: ssl.SSLContext
) -> None:
    party.usual = Delay(0.02, RECEIPT)

    async with a_transport(party.endpoint, ours) as transport:
        await asyncio.gather(*(transport.send(a_claim(number)) for number in range(4)))
        party.script += [CutBeforeAnswer()] * 4

        answers = await asyncio.gather(*(transport.send(a_claim(number)) for number in range(4)))

    assert [answer.status for answer in answers] == [200] * 4


async def test_the_last_stale_connection_is_followed_by_a_new_one(
    party: PartyServer, ours: ssl.SSLContext
) -> None:
    party.script += [RECEIPT, CutBeforeAnswer()]

    async with HttpsTransport(a_party(endpoint=party.endpoint), tls=lambda: ours, connections=1) as way:
        await way.send(a_claim(1))
        answer = await way.send(a_claim(2))

    assert (answer.status, party.connections) == (200, 2)


async def test_a_connection_closed_while_it_lay_idle_is_replaced(
    party: PartyServer, ours: ssl.SSLContext
) -> None:
    party.script.append(Reply(body=b"<first/>", hang_up=True))

    async with a_transport(party.endpoint, ours) as transport:
        await transport.send(a_claim(1))
        assert (await transport.send(a_claim(2))).body == b"<receipt/>"


# ---- TLS ---------------------------------------------------------------------------------------------------


async def test_a_server_certificate_of_another_party_is_told(party: PartyServer, tmp_path: Path) -> None:
    error = await failing(party.endpoint, client_context(tmp_path, party_keys("MY.CUSTOMS")))

    assert error.cause.startswith("T02: TLS: certificate verify failed: ")
    assert not error.body_went_out
    assert party.requests == []


async def test_a_server_certificate_for_another_host_is_told(tmp_path: Path) -> None:
    elsewhere = party_keys("TH.CUSTOMS", hosts=("elsewhere.example",))
    async with PartyServer(server_context(tmp_path, elsewhere)) as party:
        error = await failing(party.endpoint, client_context(tmp_path, elsewhere))

    assert error.cause.startswith("T02: TLS: certificate verify failed: IP address mismatch")


@pytest.mark.parametrize("size", [10, 60_000, 2_000_000])
@pytest.mark.parametrize("certified", [True, False], ids=["unknown-certificate", "no-certificate"])
async def test_a_client_the_party_does_not_take_is_told(
    party: PartyServer, certified: bool, size: int
) -> None:
    error = await failing(
        party.endpoint, stranger_context(certified=certified), body=b"x" * size, knock_s=2.0
    )

    assert error.cause.startswith("T02: TLS: ")
    assert not error.body_went_out
    assert party.requests == []


async def test_a_party_of_tls_1_2_that_does_not_take_our_certificate_is_told(tmp_path: Path) -> None:
    old = server_context(tmp_path)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with PartyServer(old) as party:
        error = await failing(party.endpoint, stranger_context(certified=True), knock_s=2.0)

    assert error.cause.startswith("T02: TLS: ")


async def test_a_port_that_speaks_no_tls_is_told(ours: ssl.SSLContext) -> None:
    async def speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with a_port_without_tls(speak_http) as port:
        error = await failing(f"https://127.0.0.1:{port}/", ours)

    assert error.cause == "T02: TLS: wrong version number"


async def test_a_cancelled_attempt_leaves_the_transport_usable(
    party: PartyServer, ours: ssl.SSLContext
) -> None:
    party.script.append(NeverAnswer())

    async with a_transport(party.endpoint, ours) as transport:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(transport.send(a_claim()), 0.1)

        assert (await transport.send(a_claim())).status == 200
