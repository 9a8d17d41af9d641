"""Why no answer came, in the words an operator reads. Pure: an error and how far the attempt had got."""

from __future__ import annotations

import errno
import os
import re
import ssl
from dataclasses import dataclass
from enum import Enum, auto

import aiohttp

from gateway.deliver.transports.body import Body
from gateway.domain.errors import Fault, PartyUnreachable

# Alerts by which a party refuses the handshake itself: it never reads the message then.
_HANDSHAKE_ALERT = re.compile(
    r"ALERT_(?:.*CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE|DECRYPT_ERROR|PROTOCOL_VERSION)"
)
_CONNECT_WORDS = {errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timed out"}
_CUT_IN_HANDSHAKE = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})


@dataclass(frozen=True, slots=True)
class Door:
    """Host and port of a party's endpoint."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Stage(Enum):
    """How far one try has got."""

    CONNECTING = auto()
    CONNECTED = auto()
    ANSWERED = auto()  #: status and headers have come


@dataclass(slots=True)
class Way:
    """What became of one attempt so far; its tries follow each other."""

    body: Body
    stage: Stage = Stage.CONNECTING
    reused: bool = False

    def begin(self) -> None:
        """Another try begins."""
        self.stage, self.reused, self.body.gone = Stage.CONNECTING, False, False

    def connected(self, *, reused: bool) -> None:
        """There is a connection: a new one, or one kept from before."""
        self.stage, self.reused = Stage.CONNECTED, reused

    def answered(self) -> None:
        """Status and headers have come."""
        self.stage = Stage.ANSWERED

    def was_stale(self, error: BaseException) -> bool:
        """Whether a kept connection failed before anything came back: the party had closed it meanwhile."""
        return self.stage is Stage.CONNECTED and self.reused and _is_cut(error)

    def may_be_a_closed_door(self, error: BaseException) -> bool:
        """Whether a new connection was cut before anything came back, as when our certificate is refused."""
        return (
            self.stage is Stage.CONNECTED
            and not self.reused
            and _is_cut(error)
            and _tls_error_in(error) is None
        )

    def timed_out(self, door: Door, after_s: float) -> PartyUnreachable:
        """What to say when the attempt's time is over."""
        if self.stage is Stage.CONNECTING:
            return PartyUnreachable(f"cannot connect to {door}: timed out after {after_s:g} s", closed=True)
        if not self.body.gone:
            return PartyUnreachable(f"{door} did not take the whole message within {after_s:g} s")
        return PartyUnreachable(f"no answer from {door}: timed out after {after_s:g} s", body_went_out=True)


def unreachable(error: BaseException, way: Way, door: Door) -> PartyUnreachable:
    """
    Turn the HTTP library's *error* into ours.

    ``body_went_out`` is true when all of the message had left over a connection whose TLS the party had
    not refused: only then may a receipt exist on its side.
    """
    gone = way.body.gone
    if (tls := _tls_error_in(error)) is not None:
        refused = way.stage is Stage.CONNECTING or _HANDSHAKE_ALERT.search(_reason(tls)) is not None
        return PartyUnreachable(
            f"TLS: {tls_words(tls)}",
            code=Fault.TLS.value,
            body_went_out=gone and not refused,
            closed=refused,
        )
    match error:
        case aiohttp.ClientConnectorError():
            return _no_connection(error, door)
        case aiohttp.ClientPayloadError():
            return PartyUnreachable(f"answer of {door} cut short", body_went_out=gone)
        case aiohttp.ClientResponseError():
            return PartyUnreachable(f"{door} did not answer in HTTP", body_went_out=gone)
        case _:
            when = "after the whole message had gone" if gone else "before the whole message had gone"
            return PartyUnreachable(f"connection to {door} cut {when}", body_went_out=gone)


def tls_words(error: ssl.SSLError) -> str:
    """What is wrong with the connection's TLS: ``certificate verify failed: certificate has expired``."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    words = _reason(error).replace("_", " ").lower() or "connection broken"
    if (alert := re.search(r"alert (.+)", words)) is not None:
        return f"refused by the party: {alert[1]}"
    return words


def _reason(error: ssl.SSLError) -> str:
    return getattr(error, "reason", None) or ""  # only OpenSSL's own errors have one


def _no_connection(error: aiohttp.ClientConnectorError, door: Door) -> PartyUnreachable:
    number = error.os_error.errno
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return PartyUnreachable(f"cannot connect to {door}: name not known", closed=True)
    if number is None or number in _CUT_IN_HANDSHAKE:
        return PartyUnreachable("TLS: connection cut in the handshake", code=Fault.TLS.value, closed=True)
    words = _CONNECT_WORDS.get(number) or os.strerror(number).lower()
    return PartyUnreachable(f"cannot connect to {door}: {words}", closed=True)


def _is_cut(error: BaseException) -> bool:
    return isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError) and not isinstance(
        error, aiohttp.ClientConnectorError
    )


def _tls_error_in(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None:
        if isinstance(error, aiohttp.ClientConnectorError):
            error = error.os_error
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__
    return None
