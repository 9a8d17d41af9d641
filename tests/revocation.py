"""Revocation lists as authorities issue them, and a place on this machine where they are published."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.trust.make import Issued

DAY = timedelta(days=1)


def revocation_list(
    authority: Issued,
    *revoked: x509.Certificate,
    issued: datetime,
    fresh_for: timedelta = DAY,
    at: datetime | None = None,
    partial: x509.ExtensionType | None = None,
) -> bytes:
    """The list of *authority* in PEM; *revoked* count no longer since *at*."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.certificate.subject)
    builder = builder.last_update(issued).next_update(issued + fresh_for)
    for each in revoked:
        one = x509.RevokedCertificateBuilder().serial_number(each.serial_number)
        builder = builder.add_revoked_certificate(one.revocation_date(at or issued).build())
    if partial is not None:
        builder = builder.add_extension(partial, critical=True)
    return builder.sign(authority.private, hashes.SHA256()).public_bytes(Encoding.PEM)


class Publisher:
    """Gives whatever it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.gives: web.Response | bytes | None = None
        self.asked = 0

    async def answer(self, _: web.Request) -> web.Response:
        """What is published now; nothing is 404."""
        self.asked += 1
        match self.gives:
            case bytes():
                return web.Response(body=self.gives)
            case None:
                return web.Response(status=404)
            case _:
                return self.gives


@asynccontextmanager
async def published() -> AsyncIterator[Publisher]:
    """A publisher for as long as the block lasts."""
    publisher, app = Publisher(), web.Application()
    app.router.add_get("/list.crl", publisher.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        publisher.url = f"http://127.0.0.1:{runner.addresses[0][1]}/list.crl"
        yield publisher
    finally:
        await runner.cleanup()
