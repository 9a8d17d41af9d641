"""
Our own straight line, for machines that have no other reference: a certificate's work and nothing around it.

    parse -> XSD -> envelope, seal -> a durable transaction -> POST over mutual TLS -> check the sealed answer
    -> a durable transaction

The far end, a process of its own, checks the seal and seals an answer with the digest of what it took. No
rules, no lanes, no retries, no API; the functions that parse, seal and check are the gateway's own.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import signal
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from aiohttp import web
from lxml import etree

from bench.certificates import EXPORTING, FORM_ID, IMPORTING, Certificates, Submission
from bench.database import Server
from bench.figures import quantile_ms
from bench.gateways import RECEIVER, SENDER
from bench.processes import cpu_s
from gateway.demo.country import HOST, Neighbours, free_addresses, write_registry
from gateway.domain.clock import real_clock
from gateway.domain.corridor import Party
from gateway.domain.ids import CertificateNumber, FormId, PartyId, new_conversation_id, new_message_id
from gateway.domain.message import Header
from gateway.domain.status import MessageType
from gateway.domain.xml import read_xml
from gateway.registry.folder import over_shipped
from gateway.registry.load import Registry, load_registry
from gateway.trust.check import check_seal
from gateway.trust.keys import OwnKeys, load_keys
from gateway.trust.make import Kind
from gateway.trust.sealer import Sealer
from gateway.trust.tls import client_context, server_context
from gateway.validate.sources import compiled_schema

CONNECTIONS = 16
WARM_UP = 100
_XML = "application/xml"

_TABLES = """
DROP SCHEMA IF EXISTS straight CASCADE;
CREATE SCHEMA straight;
CREATE TABLE straight.message (
    message_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id text NOT NULL UNIQUE,
    status     text NOT NULL,
    stored_at  timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 80);
CREATE TABLE straight.document (
    message_no bigint NOT NULL, kind text NOT NULL, digest bytea NOT NULL, body bytea NOT NULL,
    PRIMARY KEY (message_no, kind)
);
CREATE TABLE straight.event (
    event_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message_no bigint NOT NULL, what text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""
_STORE = """
WITH written AS (
    INSERT INTO straight.message (message_id, status) VALUES ($1, 'sealed') RETURNING message_no
), documented AS (
    INSERT INTO straight.document SELECT message_no, 'wire', $2, $3 FROM written
)
INSERT INTO straight.event (message_no, what) SELECT message_no, 'sealed' FROM written RETURNING message_no
"""
_STORE_ANSWER = """
WITH moved AS (
    UPDATE straight.message SET status = 'delivered' WHERE message_no = $1 RETURNING message_no
), documented AS (
    INSERT INTO straight.document SELECT message_no, 'answer', $2, $3 FROM moved
)
INSERT INTO straight.event (message_no, what) SELECT message_no, 'delivered' FROM moved
"""


@dataclass(frozen=True, slots=True)
class End:
    """One end of the line: who it is, whom it speaks with, its keys."""

    other: Party
    keys: OwnKeys
    sealer: Sealer

    @classmethod
    def of(cls, registry: Registry, folder: Path, home: str, other: str) -> End:
        keys = load_keys(folder / "keys" / home, registry.parties[PartyId(home)], real_clock())
        return cls(registry.parties[PartyId(other)], keys, Sealer(keys, real_clock))

    def opened(self, raw: bytes) -> etree._Element:
        """The document under the other end's seal."""
        return check_seal(raw, registered=self.other.sign, anchor=self.other.anchor, at=real_clock()).root

    def tls(self, *, server: bool) -> ssl.SSLContext:
        """Mutual TLS with the other end."""
        key = self.keys.tls_key(real_clock())
        return server_context(key, [self.other]) if server else client_context(key, self.other)


# ---- the far end -------------------------------------------------------------------------------------------


async def far_end(folder: Path, port: int) -> None:
    """Check and answer whatever comes, until SIGTERM; then say how often each message came, as JSON."""
    end = End.of(load_registry(over_shipped(folder / "registry")), folder, RECEIVER, SENDER)
    seen: Counter[str] = Counter()

    async def take(request: web.Request) -> web.Response:
        raw = await request.read()
        end.opened(raw)
        digest = hashlib.sha256(raw).hexdigest()
        seen[digest] += 1
        return web.Response(body=end.sealer.signal(_answer(digest)).body, content_type=_XML)

    application = web.Application(client_max_size=8 * 1024 * 1024)
    application.add_routes([web.post("/", take)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, port, ssl_context=end.tls(server=True)).start()
    print("ready", flush=True)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await stopping.wait()
    await runner.cleanup()
    print(json.dumps(seen), flush=True)


def _answer(digest: str) -> etree._Element:
    root = etree.Element("Answer")
    etree.SubElement(root, "Digest").text = digest
    etree.SubElement(root, "At").text = real_clock().isoformat()
    return root


# ---- the near end ------------------------------------------------------------------------------------------


class Line:
    """The straight line itself; everything that takes CPU time runs in one thread."""

    def __init__(self, end: End, registry: Registry, pool: asyncpg.Pool, http: aiohttp.ClientSession) -> None:
        self._end = end
        self._form = registry.forms[FormId(FORM_ID)]
        self._schema = compiled_schema(self._form)
        self._tls = end.tls(server=False)
        self._pool = pool
        self._http = http
        self.sent: set[str] = set()
        self.latencies: list[float] = []

    async def carry(self, submissions: list[Submission], in_flight: int) -> float:
        """Carry all through, *in_flight* at a time; how many seconds that took."""
        left = iter(submissions)
        began = time.monotonic()
        await asyncio.gather(*(self._some(left) for _ in range(in_flight)))
        return time.monotonic() - began

    async def _some(self, left: Iterator[Submission]) -> None:
        for submission in left:
            began = time.monotonic()
            await self._one(submission)
            self.latencies.append(time.monotonic() - began)

    async def _one(self, submission: Submission) -> None:
        document = read_xml(submission.content)
        self._schema.assertValid(document)
        sealed = self._end.sealer.message(self._header(submission.number), document)
        message_no = await self._pool.fetchval(_STORE, sealed.header.message_id, sealed.digest, sealed.body)
        answer = await self._ask(sealed.body)
        if self._end.opened(answer).findtext("Digest") != sealed.digest.hex():
            raise RuntimeError("the answer is about something else")
        self.sent.add(sealed.digest.hex())
        await self._pool.execute(_STORE_ANSWER, message_no, hashlib.sha256(answer).digest(), answer)

    async def _ask(self, body: bytes) -> bytes:
        url = f"{self._end.other.endpoint.partition('/exchange')[0]}/"
        async with self._http.post(url, data=body, ssl=self._tls, headers={"Content-Type": _XML}) as response:
            response.raise_for_status()
            return await response.read()

    def _header(self, number: str) -> Header:
        home = PartyId(SENDER)
        return Header(
            sender=home,
            receiver=self._end.other.id,
            standard=self._form.namespace,
            type_version="1.0",
            message_id=new_message_id(home),
            type=MessageType.CERTIFICATE,
            created_at=real_clock(),
            conversation_id=new_conversation_id(home),
            form=self._form.id,
            certificate_number=CertificateNumber(number),
        )


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """One measured run, as JSON."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eco-straight-")))
        registry = _registry(folder, Kind(arguments.algorithm))
        end = End.of(registry, folder, SENDER, RECEIVER)
        port = int(end.other.endpoint.rpartition(":")[2].partition("/")[0])
        far = await stack.enter_async_context(_far_process(folder, port))
        server = await Server.at(arguments.dsn)
        stack.push_async_callback(server.close)
        line = Line(
            end,
            registry,
            await _pool(stack, arguments.dsn, arguments.storage),
            await _session(stack, arguments),
        )
        certificates = Certificates(arguments.items, datetime.now(UTC).date())
        await line.carry(certificates.take(WARM_UP), arguments.concurrency)
        submissions = certificates.take(arguments.count)
        line.latencies.clear()
        await server.settle()
        before = _cpu(far, server)
        seconds = await line.carry(submissions, arguments.concurrency)
        spent = sum(_cpu(far, server)) - sum(before)
        far.terminate()
        assert far.stdout is not None
        seen = json.loads(await far.stdout.read())
    return {
        "ok": seen == dict.fromkeys(line.sent, 1) and len(line.sent) == arguments.count + WARM_UP,
        "certs_per_s": round(arguments.count / seconds, 2),
        "latency_ms": {f"p{q}": round(quantile_ms(line.latencies, q / 100), 3) for q in (50, 99)},
        "cpu_ms_per_cert": {"total": round(1000 * spent / arguments.count, 4)},
    }


def _registry(folder: Path, signing: Kind) -> Registry:
    neighbours = Neighbours(
        countries={SENDER: EXPORTING, RECEIVER: IMPORTING},
        forms={FORM_ID: {EXPORTING, IMPORTING}},
        signing=signing,
    )
    addresses = free_addresses(neighbours.countries)
    write_registry(folder / "registry", folder / "keys", neighbours, addresses)
    return load_registry(over_shipped(folder / "registry"))


@asynccontextmanager
async def _far_process(folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    command = (sys.executable, "-m", "bench.straight", "--far-end", str(folder), "--port", str(port))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        if await process.stdout.readline() != b"ready\n":
            raise RuntimeError("the far end did not start")
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _pool(stack: AsyncExitStack, dsn: str, storage: str) -> asyncpg.Pool:
    async def leave_as_it_is(_: object) -> None:
        """A reset would cost a round trip at every use."""

    pool = await stack.enter_async_context(
        asyncpg.create_pool(dsn, min_size=CONNECTIONS, max_size=CONNECTIONS, reset=leave_as_it_is)
    )
    await pool.execute(_TABLES)
    how = "COMPRESSION lz4" if storage == "lz4" else "STORAGE EXTERNAL"
    await pool.execute(f"ALTER TABLE straight.document ALTER body SET {how}")
    return pool


async def _session(stack: AsyncExitStack, arguments: argparse.Namespace) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=arguments.concurrency)
    return await stack.enter_async_context(aiohttp.ClientSession(connector=connector))


def _cpu(far: asyncio.subprocess.Process, server: Server) -> tuple[float, ...]:
    return time.process_time(), cpu_s(far.pid), server.cpu_s()


def main() -> int:
    """Measure, print the figures as JSON; 1 if anything was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, prog="bench.straight")
    parser.add_argument("--dsn")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--algorithm", choices=[str(kind) for kind in Kind], default=str(Kind.RSA))
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--storage", choices=["lz4", "external"], default="lz4")
    parser.add_argument("--far-end", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.far_end is not None:
        asyncio.run(far_end(arguments.far_end, arguments.port))
        return 0
    try:
        report = asyncio.run(measure(arguments))
    except KeyboardInterrupt:
        return 130
    print(json.dumps(report))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
