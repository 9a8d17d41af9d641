"""What makes two submissions the same: equal octets, or for box records equal JSON values."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

JSON = "application/json"
XML = "application/xml"


def content_digest(content: bytes, content_type: str) -> bytes:
    """
    SHA-256 that is equal when *content* is the same submission again.

    A box record counts by its values: order of keys, white space and ``1.0`` for ``1`` make no difference.
    JSON that cannot be read counts by its octets.
    """
    if content_type == JSON:
        try:
            value = json.loads(content, parse_float=Decimal, parse_int=Decimal)
        except (ValueError, RecursionError):
            return hashlib.sha256(content).digest()
        canonical = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(b"json:" + canonical.encode("utf-8", "surrogatepass")).digest()
    return hashlib.sha256(content).digest()


def _plain(value: Any) -> Any:
    """*value* with every number as one text, the same for the same number; marked, so it is no string."""
    if isinstance(value, Decimal):
        return {"number": str(value.normalize()) if value else "0"}
    if isinstance(value, dict):
        return {"object": {key: _plain(entry) for key, entry in value.items()}}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value
