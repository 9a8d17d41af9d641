"""TLS clients that were refused in the handshake, below every door: counted, and told now and then."""

from __future__ import annotations

import ssl
import time
from collections import Counter
from collections.abc import Callable

import structlog

from gateway.observe.metrics import Metrics

log = structlog.get_logger(__name__)

TOLD_EVERY_S = 60.0


class HandshakeWatch:
    """
    Counts every refusal by its reason and tells the first, then at most one a minute for each reason.

    Whoever may knock may be refused as often as he likes; he shall not fill the log by it.
    """

    def __init__(self, metrics: Metrics, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._monotonic = monotonic
        self._told_at: dict[str, float] = {}
        self._untold: Counter[str] = Counter()

    def refused(self, error: ssl.SSLError) -> None:
        """A handshake ended so."""
        reason = (getattr(error, "reason", None) or type(error).__name__).lower()
        self._metrics.handshake_refused(reason)
        now = self._monotonic()
        if now - self._told_at.get(reason, -TOLD_EVERY_S) < TOLD_EVERY_S:
            self._untold[reason] += 1
            return
        self._told_at[reason] = now
        why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else None
        log.warning("handshake_refused", reason=reason, why=why, since_then=self._untold.pop(reason, 0))
