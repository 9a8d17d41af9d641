"""The exchange endpoint over real mutual TLS, with a desk that remembers what it was handed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp.test_utils import TestClient
from cryptography import x509
from lxml import etree
from structlog.testing import capture_logs
from yarl import URL

from gateway.domain.ids import PartyId
from gateway.domain.message import Arrived
from gateway.domain.status import MessageType
from gateway.intake.desk import ExchangeDesk, WireAnswer
from gateway.intake.exchange import PATH, create_exchange_app
from gateway.intake.serving import Limits
from tests.messages import a_message
from tests.unit.intake.doors import LogOfOneEvent, ServerAsInProduction, open_at, taken_in, until
from tests.unit.intake.rows import NOW, TH

pytestmark = pytest.mark.enable_socket

XML = {"Content-Type": "application/xml"}
LIMITS = Limits(body_bytes=2048, body_s=0.5)


@dataclass
class DeskThatRemembers(ExchangeDesk):
    """Gives a receipt for whatever it admits, and remembers what it refused unread."""

    answer: WireAnswer = field(default_factory=lambda: WireAnswer(status=200, body=b"<Receipt/>"))
    admitted: list[Arrived] = field(default_factory=list)
    refused: list[tuple[PartyId, int, str]] = field(default_factory=list)

    async def admit(self, arrived: Arrived) -> WireAnswer:
        self.admitted.append(arrived)
        return self.answer

    async def refuse_unread(self, client: PartyId, status: int, code: str, text: str) -> WireAnswer:
        self.refused.append((client, status, code))
        as_if_suspended = 300 if status == 503 else None  # which is not how long a door says
        return WireAnswer(status=status, body=b"<Exception/>", retry_after_s=as_if_suspended)


class DatabaseAway(Exception):
    """Stands for what the driver says when nobody answers it."""


@dataclass
class DeskThatBreaks(DeskThatRemembers):
    """Cannot admit anything."""

    error: Exception = field(default_factory=lambda: RuntimeError("secret=7"))

    async def admit(self, arrived: Arrived) -> WireAnswer:
        raise self.error


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def issued(name: str, common_name: str) -> trustme.LeafCert:
    return authority().issue_cert(name, common_name=common_name)


def party_of(der: bytes) -> PartyId | None:
    """Registered is the certificate whose common name is a party; others are nobody's."""
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return TH if names[0].value == TH else None


def scheduled_party_of(der: bytes) -> tuple[PartyId, datetime] | None:
    """The common name says whose a certificate will be, tomorrow."""
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return (TH, NOW + timedelta(days=1)) if names[0].value == f"{TH} tomorrow" else None


def client_context(who: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority().cert_pem.bytes().decode())
    if who is not None:
        issued("client.example", who).configure_cert(context)
    return context


@contextlib.asynccontextmanager
async def exchange_server(
    desk: ExchangeDesk,
    *,
    stopping: asyncio.Event | None = None,
    identify: Callable[[bytes], PartyId | None] = party_of,
) -> AsyncIterator[ServerAsInProduction]:
    """An exchange endpoint that demands client certificates of one anchor."""
    app = create_exchange_app(
        desk=desk,
        event_log=LogOfOneEvent(),
        party_of=identify,
        clock=lambda: NOW,
        scheduled_party_of=scheduled_party_of,
        stopping=stopping or asyncio.Event(),
        limits=LIMITS,
        away=(DatabaseAway,),
    )
    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cadata=authority().cert_pem.bytes().decode()
    )
    context.verify_mode = ssl.CERT_REQUIRED
    issued("127.0.0.1", "server").configure_cert(context)
    server = ServerAsInProduction(app, scheme="https")
    await server.start_server(ssl=context)
    try:
        yield server
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def exchange_door(desk: ExchangeDesk, **given: Any) -> AsyncIterator[URL]:
    """The address of one."""
    async with exchange_server(desk, **given) as server:
        yield server.make_url(PATH)


@contextlib.asynccontextmanager
async def caller(who: str | None = TH) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=client_context(who))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


async def test_a_message_is_handed_on_byte_for_byte_with_who_brought_it() -> None:
    desk = DeskThatRemembers()
    async with exchange_door(desk) as url, caller() as session:
        response = await session.post(url, data=b"<Message/>", headers=XML)

        assert (response.status, await response.read()) == (200, b"<Receipt/>")
        assert response.headers["Content-Type"] == "application/xml"
        assert "Eco-Repeat" not in response.headers
    digest = hashlib.sha256(b"<Message/>").digest()
    assert desk.admitted == [Arrived(client=TH, body=b"<Message/>", digest=digest, at=NOW)]


async def test_a_repeat_and_a_wait_are_told_in_headers() -> None:
    answer = WireAnswer(status=503, body=b"<Exception/>", repeat=True, retry_after_s=300)
    async with exchange_door(DeskThatRemembers(answer=answer)) as url, caller() as session:
        headers = (await session.post(url, data=b"<M/>", headers=XML)).headers

    assert (headers["Eco-Repeat"], headers["Retry-After"]) == ("true", "300")


async def nothing_at_all() -> AsyncIterator[bytes]:
    yield b"<M/>"


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        pytest.param({"headers": {"Content-Type": "text/xml"}, "data": b"<M/>"}, 415, "S01", id="text-xml"),
        pytest.param({"headers": {"Content-Type": ""}, "data": b"<M/>"}, 415, "S01", id="no-type"),
        pytest.param(
            {"headers": XML | {"Content-Encoding": "gzip"}, "data": b"<M/>"}, 415, "S01", id="packed"
        ),
        pytest.param({"headers": XML, "data": b"x" * 2049}, 413, "S04", id="one-byte-too-many"),
        pytest.param({"headers": XML, "chunked": True, "data": b"<M/>"}, 411, "S01", id="no-length"),
    ],
)
async def test_what_the_head_condemns_is_refused_unread(
    asked: dict[str, Any], status: int, code: str
) -> None:
    desk = DeskThatRemembers()
    async with exchange_door(desk) as url, caller() as session:
        response = await session.post(url, **asked)

        assert (response.status, await response.read()) == (status, b"<Exception/>")
    assert (desk.refused, desk.admitted) == ([(TH, status, code)], [])


async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    async with exchange_door(DeskThatRemembers()) as url, caller() as session:
        assert (await session.post(url, data=b"x" * 2048, headers=XML)).status == 200


@pytest.mark.parametrize(("size", "told"), [(2048, b"HTTP/1.1 100 Continue"), (2049, b"HTTP/1.1 413 ")])
async def test_a_sender_that_asks_first_is_told_before_it_sends(size: int, told: bytes) -> None:
    async with exchange_door(DeskThatRemembers()) as url:
        reader, writer = await asyncio.open_connection(url.host, url.port, ssl=client_context(TH))
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n"
        writer.write(f"{head}Content-Length: {size}\r\nExpect: 100-continue\r\n\r\n".encode())

        assert (await reader.readline()).startswith(told)

        writer.transport.abort()


async def test_parameters_of_the_content_type_do_not_matter() -> None:
    headers = {"Content-Type": 'Application/XML; charset="utf-8"'}
    async with exchange_door(DeskThatRemembers()) as url, caller() as session:
        assert (await session.post(url, data=b"<M/>", headers=headers)).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", PATH, 405, id="get"),
        pytest.param("POST", "/exchange/v1/other", 404, id="other-path"),
        pytest.param("GET", "/", 404, id="root"),
    ],
)
async def test_everything_but_the_one_call_is_refused_and_signed(method: str, path: str, status: int) -> None:
    desk = DeskThatRemembers()
    async with exchange_door(desk) as url, caller() as session:
        response = await session.request(method, url.with_path(path), data=b"", headers=XML)

        assert (response.status, await response.read()) == (status, b"<Exception/>")
        assert response.headers.get("Allow") == ("POST" if status == 405 else None)


async def test_a_certificate_that_is_nobodys_gets_no_answer() -> None:
    desk = DeskThatRemembers()
    async with exchange_door(desk) as url, caller("XX.NOBODY") as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post(url, data=b"<M/>", headers=XML)

    assert (desk.admitted, desk.refused) == ([], [])


async def test_a_client_without_a_certificate_fails_in_the_handshake() -> None:
    desk = DeskThatRemembers()
    async with exchange_door(desk) as url, caller(None) as session:
        with pytest.raises(aiohttp.ClientError):
            await session.post(url, data=b"<M/>", headers=XML)

    assert (desk.admitted, desk.refused) == ([], [])


async def test_without_tls_nobody_is_anybody() -> None:
    app = create_exchange_app(
        desk=DeskThatRemembers(),
        event_log=LogOfOneEvent(),
        party_of=lambda _: TH,
        clock=lambda: NOW,
        stopping=asyncio.Event(),
    )
    async with TestClient(ServerAsInProduction(app)) as client:
        with pytest.raises(aiohttp.ClientError):
            await client.post(PATH, data=b"<M/>", headers=XML)


async def test_a_body_that_does_not_come_is_asked_for_again_later() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"<"
        await asyncio.Event().wait()

    desk = DeskThatRemembers()
    async with exchange_door(desk) as url, caller() as session:
        response = await session.post(url, data=slow(), headers={**XML, "Content-Length": "9"})

        assert (response.status, response.headers["Retry-After"]) == (503, "5")
    assert desk.refused == [(TH, 503, "T03")]


async def test_a_stopping_node_asks_to_come_back() -> None:
    stopping = asyncio.Event()
    stopping.set()
    desk = DeskThatRemembers()
    async with exchange_door(desk, stopping=stopping) as url, caller() as session:
        response = await session.post(url, data=b"<M/>", headers=XML)

        assert (response.status, response.headers["Retry-After"]) == (503, "5")
    assert desk.refused == [(TH, 503, "T03")]


async def test_what_broke_here_says_nothing() -> None:
    async with exchange_door(DeskThatBreaks()) as url, caller() as session:
        response = await session.post(url, data=b"<M/>", headers=XML)

        assert (response.status, await response.read()) == (500, b"")
        assert response.headers["Server"] == "eco-gateway"


async def test_without_its_ledger_a_node_asks_to_come_back() -> None:
    desk = DeskThatBreaks(error=DatabaseAway("no route"))
    async with exchange_door(desk) as url, caller() as session:
        response = await session.post(url, data=b"<M/>", headers=XML)

        assert (response.status, response.headers["Retry-After"]) == (503, "5")
    assert desk.refused == [(TH, 503, "T03")]


async def test_a_sender_that_goes_away_mid_body_leaves_no_trace() -> None:
    desk = DeskThatRemembers()
    with capture_logs() as logs:
        async with exchange_server(desk) as server:
            _, writer = await asyncio.open_connection(server.host, server.port, ssl=client_context(TH))
            head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n"
            writer.write(f"{head}Content-Length: 99\r\n\r\nonly this".encode())
            await until(lambda: taken_in(server) == 1)
            writer.transport.abort()
            await until(lambda: not open_at(server))

    assert (desk.admitted, desk.refused, logs) == ([], [], [])


async def test_a_connection_stays_open_for_the_next_message() -> None:
    ports: set[int] = set()

    async def remember(session: Any, context: Any, params: Any) -> None:
        ports.add(1 + len(ports))

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(remember)
    connector = aiohttp.TCPConnector(ssl=client_context(TH))
    async with (
        exchange_door(DeskThatRemembers()) as url,
        aiohttp.ClientSession(connector=connector, trace_configs=[trace]) as session,
    ):
        for _ in range(3):
            async with session.post(url, data=b"<M/>", headers=XML) as response:
                await response.read()

    assert len(ports) == 1


async def test_a_certificate_that_will_be_a_partys_brings_rehearsals_and_nothing_else() -> None:
    desk, root = DeskThatRemembers(), etree.tostring(a_message(type=MessageType.PING, rehearsed_at=NOW))
    async with exchange_door(desk) as url, caller(f"{TH} tomorrow") as session:
        response = await session.post(url, data=root, headers=XML)
        assert response.status == 200
        for refused in (b"<Message/>", etree.tostring(a_message(type=MessageType.PING))):
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.post(url, data=refused, headers=XML)
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url.with_path("/exchange/v1/log/head"))

    assert [(each.client, each.client_from, each.body) for each in desk.admitted] == [
        (TH, NOW + timedelta(days=1), root)
    ]
