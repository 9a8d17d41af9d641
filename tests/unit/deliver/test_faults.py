from __future__ import annotations

import errno
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from gateway.deliver.transports.body import Body
from gateway.deliver.transports.faults import Door, Way, tls_words, unreachable

DOOR = Door("th.example", 8443)
KEY = ConnectionKey("th.example", 8443, True, True, None, None, None)


def a_way(
    *, connected: bool = False, reused: bool = False, answered: bool = False, gone: bool = False
) -> Way:
    way = Way(Body(b"<message/>"))
    if connected:
        way.connected(reused=reused)
    if answered:
        way.answered()
    way.body.gone = gone
    return way


def no_connection(number: int) -> aiohttp.ClientConnectorError:
    return aiohttp.ClientConnectorError(KEY, OSError(number, "words of the system"))


def broken_by(error: ssl.SSLError) -> aiohttp.ClientOSError:
    cut = aiohttp.ClientOSError(*error.args)
    cut.__cause__ = error
    return cut


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] {reason.lower()}")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        pytest.param(
            errno.ECONNREFUSED, "T01: cannot connect to th.example:8443: refused", id="nobody-listens"
        ),
        pytest.param(errno.ETIMEDOUT, "T01: cannot connect to th.example:8443: timed out", id="no-reply"),
        pytest.param(
            errno.EHOSTUNREACH, "T01: cannot connect to th.example:8443: no route to host", id="no-route"
        ),
        pytest.param(errno.ECONNRESET, "T02: TLS: connection cut in the handshake", id="cut-in-handshake"),
    ],
)
def test_why_there_is_no_connection_is_told(number: int, cause: str) -> None:
    error = unreachable(no_connection(number), a_way(), DOOR)

    assert (error.cause, error.body_went_out) == (cause, False)


@pytest.mark.parametrize(
    ("reason", "went_out"),
    [
        pytest.param("TLSV13_ALERT_CERTIFICATE_REQUIRED", False, id="certificate-required"),
        pytest.param("TLSV1_ALERT_UNKNOWN_CA", False, id="unknown-ca"),
        pytest.param("SSLV3_ALERT_BAD_CERTIFICATE", False, id="bad-certificate"),
        pytest.param("SSLV3_ALERT_CERTIFICATE_EXPIRED", False, id="certificate-expired"),
        pytest.param("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", True, id="answer-garbled-on-the-way"),
    ],
)
def test_a_receipt_can_exist_only_where_tls_was_not_refused(reason: str, went_out: bool) -> None:
    error = unreachable(broken_by(tls_error(reason)), a_way(connected=True, gone=True), DOOR)

    assert (error.code, error.body_went_out) == ("T02", went_out)


def test_an_alert_is_told_as_the_party_s_word() -> None:
    assert tls_words(tls_error("TLSV1_ALERT_UNKNOWN_CA")) == "refused by the party: unknown ca"


def test_an_error_without_a_reason_is_told_all_the_same() -> None:
    assert tls_words(ssl.SSLError("unheard of")) == "connection broken"


@pytest.mark.parametrize(
    ("way", "stale", "closed_door"),
    [
        pytest.param(a_way(), False, False, id="never-connected"),
        pytest.param(a_way(connected=True, reused=True), True, False, id="kept-connection"),
        pytest.param(a_way(connected=True), False, True, id="new-connection"),
        pytest.param(a_way(connected=True, reused=True, answered=True), False, False, id="in-the-answer"),
    ],
)
def test_only_a_kept_connection_can_be_stale_and_only_a_new_one_a_closed_door(
    way: Way, stale: bool, closed_door: bool
) -> None:
    cut = aiohttp.ServerDisconnectedError()

    assert (way.was_stale(cut), way.may_be_a_closed_door(cut)) == (stale, closed_door)


def test_a_door_that_said_why_is_not_listened_at() -> None:
    refused = broken_by(tls_error("TLSV1_ALERT_UNKNOWN_CA"))

    assert not a_way(connected=True).may_be_a_closed_door(refused)


def test_another_try_begins_with_nothing_gone() -> None:
    way = a_way(connected=True, reused=True, answered=True, gone=True)

    way.begin()

    assert not way.body.gone
    assert unreachable(aiohttp.ServerDisconnectedError(), way, DOOR).body_went_out is False


@pytest.mark.parametrize(
    ("host", "text"), [("192.0.2.7", "192.0.2.7:8443"), ("2001:db8::7", "[2001:db8::7]:8443")]
)
def test_a_door_is_written_as_in_an_address(host: str, text: str) -> None:
    assert str(Door(host, 8443)) == text
