"""Who connects and says nothing whole, or far too much, is cut off, and holds up nobody meanwhile."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import aiohttp
import pytest
import trustme
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.domain.errors import Misconfigured
from gateway.intake.opening import open_door
from gateway.intake.serving import Limits
from gateway.settings import Address

pytestmark = pytest.mark.enable_socket

HOST = "127.0.0.1"
HEAD = b"GET / HTTP/1.1\r\nHost: door\r\n"
QUICK = Limits(head_s=0.5)
ENOUGH = Limits(head_s=3)  # for an honest caller on a busy machine
AUTHORITY = trustme.CA()


async def answer(_: web.Request) -> web.Response:
    return web.Response(text="here")


async def a_door(
    stack: AsyncExitStack, limits: Limits, tls: ssl.SSLContext | None = None, port: int = 0
) -> int:
    app = web.Application()
    app.router.add_get("/", answer)
    return await open_door(stack, app, Address(host=HOST, port=port), tls, limits)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def mutual() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    AUTHORITY.issue_cert(HOST).configure_cert(context)
    return context


def caller(certificate: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    (certificate or AUTHORITY.issue_cert("caller.example")).configure_cert(context)
    return context


async def ends(reader: asyncio.StreamReader) -> bytes:
    """What comes until the door hangs up."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    "said", [b"", b"G", HEAD, HEAD + b"X-Slow: "], ids=["nothing", "letter", "part", "field"]
)
async def test_a_connection_whose_first_head_never_comes_whole_is_cut_off(
    stack: AsyncExitStack, said: bytes
) -> None:
    port = await a_door(stack, QUICK)
    reader, writer = await asyncio.open_connection(HOST, port)

    writer.write(said)

    assert await ends(reader) == b""
    writer.close()


async def test_one_drop_after_another_does_not_win_time(stack: AsyncExitStack) -> None:
    port = await a_door(stack, QUICK)
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(HEAD)
    ended = asyncio.ensure_future(ends(reader))

    while not ended.done():
        writer.write(b"X-Drop: 1\r\n")
        await asyncio.sleep(0.05)

    assert await ended == b""
    writer.close()


async def test_who_spoke_in_time_stays_connected(stack: AsyncExitStack) -> None:
    port = await a_door(stack, ENOUGH)
    reader, writer = await asyncio.open_connection(HOST, port)
    whole = HEAD + b"\r\n"

    for pause in (0.0, 1.2 * ENOUGH.head_s):
        await asyncio.sleep(pause)
        writer.write(whole)
        assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_half_open_handshakes_hold_up_nobody_and_end(stack: AsyncExitStack) -> None:
    port = await a_door(stack, ENOUGH, mutual())
    half_open = [await asyncio.open_connection(HOST, port) for _ in range(40)]
    half_open[0][1].write(b"\x16\x03\x01\x02\x00\x01")  # begins a ClientHello

    async with (
        aiohttp.ClientSession() as session,
        session.get(f"https://{HOST}:{port}/", ssl=caller()) as met,
    ):
        assert await met.text() == "here"

    assert await asyncio.gather(*(ends(reader) for reader, _ in half_open)) == [b""] * 40
    for _, writer in half_open:
        writer.close()


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param([b"X-%d: 1\r\n" % number for number in range(100_000)], id="many"),
        pytest.param([b"X: " + b"a" * 1_000_000], id="long"),
        pytest.param([b"X" * 1_000_000], id="long-name"),
    ],
)
async def test_a_flood_of_header_fields_is_cut_off(stack: AsyncExitStack, flood: Sequence[bytes]) -> None:
    """Long before its time is over, and without an answer of more than a line or two."""
    port = await a_door(stack, Limits(head_s=3600))
    reader, writer = await asyncio.open_connection(HOST, port)

    writer.write(HEAD + b"".join(flood))

    said = await ends(reader)
    assert not said or said.startswith(b"HTTP/1.0 400")
    writer.close()


async def test_a_certificate_of_a_quarter_of_a_megabyte_is_not_read(stack: AsyncExitStack) -> None:
    port = await a_door(stack, Limits(), mutual())

    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await called(port, caller(oversized()))

    async with (
        aiohttp.ClientSession() as session,
        session.get(f"https://{HOST}:{port}/", ssl=caller()) as met,
    ):
        assert await met.text() == "here"


async def called(port: int, tls: ssl.SSLContext) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port, ssl=tls, server_hostname=HOST)
    writer.write(HEAD + b"\r\n")
    try:
        return await reader.readexactly(1)
    finally:
        writer.transport.abort()


def oversized() -> trustme.LeafCert:
    """Good in every other respect."""
    issuer = x509.load_pem_x509_certificate(AUTHORITY.cert_pem.bytes())
    signing = serialization.load_pem_private_key(AUTHORITY.private_key_pem.bytes(), None)
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    private = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    noise = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(250_000))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "large")]))
        .issuer_name(issuer.subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(noise, critical=False)
        .sign(signing, hashes.SHA256())
    )
    key = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return trustme.LeafCert(key, certificate.public_bytes(serialization.Encoding.PEM), [])


async def test_a_place_that_is_taken_is_told(stack: AsyncExitStack) -> None:
    port = await a_door(stack, Limits())

    with pytest.raises(Misconfigured, match="is another node running here"):
        await a_door(stack, Limits(), port=port)
