"""
A signing service on this machine: the reference for what ``gateway.signers.service`` expects of one.

``POST …/signatures/signHash`` with a bearer token, a credential, one SHA-256 hash; its signature comes back.
The service can be told to misbehave.
"""

from __future__ import annotations

import json
import ssl
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from gateway.trust.keys import PrivateKey

TOKEN = "bearer-of-the-signing-service-7f31"
CREDENTIAL = "seal-2026"

Answer = tuple[int, bytes]
Behaviour = Callable[["SigningService", dict[str, Any]], Answer | None]


class SigningService:
    """
    Keeps one key.

    Attributes:
        behaves: what is done instead of signing; an answer of None hangs up.
        calls: how many came.
        connections: over how many connections.
    """

    def __init__(self, private: PrivateKey) -> None:
        self.private = private
        self.behaves: Behaviour | None = None
        self.hold = threading.Event()
        self.calls = 0
        self.connections = 0
        self.port = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/csc/v2"

    def answer(self, path: str, authorization: str, body: bytes) -> Answer | None:
        self.calls += 1
        asked = json.loads(body)
        if self.behaves is not None:
            return self.behaves(self, asked)
        if path != "/csc/v2/signatures/signHash":
            return 404, b"{}"
        if authorization != f"Bearer {TOKEN}" or asked["credentialID"] != CREDENTIAL:
            return 401, b'{"error": "invalid_request"}'
        return self.signed(b64decode(asked["hashes"][0]))

    def signed(self, digest: bytes) -> Answer:
        value = signature(self.private, digest)
        return 200, json.dumps({"signatures": [b64encode(value).decode()]}).encode()


def signature(private: PrivateKey, digest: bytes) -> bytes:
    """As services give them: PKCS #1 v1.5, or ECDSA in DER."""
    algorithm = utils.Prehashed(hashes.SHA256())
    match private:
        case rsa.RSAPrivateKey():
            return private.sign(digest, padding.PKCS1v15(), algorithm)
        case ec.EllipticCurvePrivateKey():
            return private.sign(digest, ec.ECDSA(algorithm))


@contextmanager
def signing_service(private: PrivateKey, tls: ssl.SSLContext | None = None) -> Iterator[SigningService]:
    """A service for as long as the block lasts."""
    service = SigningService(private)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            service.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = service.answer(self.path, self.headers.get("Authorization", ""), body)
            if answer is None:
                self.close_connection = True
                return
            status, content = answer
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Callers hang up and distrust it on purpose."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    service.port = server.server_address[1]
    running = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    running.start()
    try:
        yield service
    finally:
        service.hold.set()
        server.shutdown()
        server.server_close()
        running.join(10)
