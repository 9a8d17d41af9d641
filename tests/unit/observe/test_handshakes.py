from __future__ import annotations

import ssl

from structlog.testing import capture_logs

from gateway.observe.handshakes import TOLD_EVERY_S, HandshakeWatch
from gateway.observe.metrics import Metrics


def a_refusal(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


def test_a_flood_is_counted_whole_and_told_once_a_minute() -> None:
    metrics, now = Metrics(), 100.0
    watch = HandshakeWatch(metrics, lambda: now)

    with capture_logs() as lines:
        for _ in range(500):
            watch.refused(a_refusal("NO_SHARED_CIPHER"))
        now += TOLD_EVERY_S
        watch.refused(a_refusal("NO_SHARED_CIPHER"))

    assert [line["since_then"] for line in lines] == [0, 499]
    assert b'eco_handshakes_refused_total{reason="no_shared_cipher"} 501.0' in metrics.exposition()


def test_each_reason_is_told_by_itself() -> None:
    watch = HandshakeWatch(Metrics(), lambda: 100.0)

    with capture_logs() as lines:
        for reason in ("NO_SHARED_CIPHER", "WRONG_VERSION_NUMBER", "NO_SHARED_CIPHER"):
            watch.refused(a_refusal(reason))
        watch.refused(ssl.SSLEOFError(8, "EOF occurred"))

    assert [line["reason"] for line in lines] == ["no_shared_cipher", "wrong_version_number", "ssleoferror"]
