"""
Keys behind a signing service: the provider keeps the key, and signs the hashes that it is sent over HTTPS.

The call is ``signatures/signHash`` as the Cloud Signature Consortium's API (version 2) has it, with a bearer
token; one hash in, one signature out.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult

from gateway.domain.errors import KeyUnusable
from gateway.domain.seals import SignatureMethod
from gateway.trust.algorithms import raw_ecdsa

_SHA256 = "2.16.840.1.101.3.4.2.1"
_ALGORITHMS = {
    SignatureMethod.RSA_SHA256: "1.2.840.113549.1.1.11",
    SignatureMethod.ECDSA_SHA256: "1.2.840.10045.4.3.2",
}
_RAW_ECDSA = 64
_MOST_BYTES = 65_536
_CLOSED = (ConnectionError, http.client.HTTPException)  # what a kept connection may have become meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAddress:
    """
    Where the service is and what the key is called there.

    Attributes:
        trusted: PEM of the anchors by which its TLS certificate is believed; None for the system's.
        timeout_s: for connecting, and for each wait of an answer.
    """

    url: SplitResult
    credential: str
    trusted: str | None = None
    timeout_s: float = 5.0


class ServiceKey:
    """
    A private key behind a service. Connections are kept and lent to one thread at a time.

    Args:
        token: gives the bearer token; read for each call and kept nowhere.
    """

    def __init__(self, address: ServiceAddress, method: SignatureMethod, token: Callable[[], str]) -> None:
        self._idle: list[http.client.HTTPConnection] = []
        self._address = address
        self._method = method
        self._token = token
        self._tls = ssl.create_default_context(cadata=address.trusted)

    def __del__(self) -> None:
        for connection in self._idle:
            connection.close()

    def ask(self, octets: bytes) -> bytes:
        """
        The value of a SignatureValue over *octets*; not verified.

        A kept connection may have been closed meanwhile; a failure on one is met with a new one, once.

        Raises:
            KeyUnusable: no answer in time, or one without a signature.
        """
        body = json.dumps(
            {
                "credentialID": self._address.credential,
                "hashes": [b64encode(hashlib.sha256(octets).digest()).decode()],
                "hashAlgorithmOID": _SHA256,
                "signAlgo": _ALGORITHMS[self._method],
            }
        ).encode()
        return self._value(self._answered(body))

    def _answered(self, body: bytes) -> bytes:
        with suppress(IndexError, *_CLOSED):
            return self._called(self._idle.pop(), body)
        try:
            return self._called(self._connect(), body)
        except TimeoutError:
            raise KeyUnusable(f"no answer within {self._address.timeout_s:g} seconds") from None
        except (OSError, http.client.HTTPException) as error:
            raise KeyUnusable(f"the service cannot be reached: {type(error).__name__}: {error}") from None

    def _called(self, connection: http.client.HTTPConnection, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token()}"}
        path = f"{self._address.url.path.rstrip('/')}/signatures/signHash"
        is_spent = True
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            answer = response.read(_MOST_BYTES + 1)
            is_spent = response.will_close or not response.isclosed()
        finally:
            if is_spent:
                connection.close()
            else:
                self._idle.append(connection)
        if response.status != http.client.OK:
            raise KeyUnusable(f"the service answered {response.status}")
        return answer

    def _value(self, answer: bytes) -> bytes:
        try:
            (text,) = json.loads(answer)["signatures"]
            value = b64decode(text, validate=True)
            if self._method is SignatureMethod.ECDSA_SHA256 and len(value) != _RAW_ECDSA:
                value = raw_ecdsa(value)
        except (ValueError, TypeError, KeyError, OverflowError):
            raise KeyUnusable("the service answered without a signature") from None
        return value

    def _connect(self) -> http.client.HTTPConnection:
        address = self._address
        host, port = address.url.hostname or "", address.url.port
        if address.url.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=address.timeout_s, context=self._tls)
        # This machine alone, as its reader made sure.
        return http.client.HTTPConnection(host, port, timeout=address.timeout_s)
