"""
How a subscriber knows that we speak: HMAC-SHA256 by a shared secret, as Standard Webhooks have it.

What is signed is ``id.timestamp.body``; the id is the event's cursor, so a repeat is known by it, and the
timestamp is that of the attempt. While a secret is changed both sign, and either is enough.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

_BYTES = 32
_MARK = "whsec_"


def new_secret() -> str:
    """A secret nobody has seen before."""
    return _MARK + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def signature(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the signature in Base64."""
    key = base64.b64decode(secret.removeprefix(_MARK))
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secret_s: Iterable[str], event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What proves to the subscriber whose event this is, and when it was sent."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(each, event_id, timestamp, body) for each in secret_s),
    }
