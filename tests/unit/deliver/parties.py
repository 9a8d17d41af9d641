"""Parties and claims for tests in which their certificates do not matter."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import trustme
from cryptography import x509

from gateway.domain.corridor import Party, Patience
from gateway.domain.ids import ConversationId, MessageId, PartyId
from gateway.domain.status import MessageType
from gateway.store.records import CheckedReceipt, Claim

TH = PartyId("TH.CUSTOMS")
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@cache
def any_certificate() -> x509.Certificate:
    return x509.load_pem_x509_certificate(trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes())


def patience(waits_s: Sequence[float] = (0.01, 0.01), receipt_within_s: float = 5.0) -> Patience:
    return Patience(
        waits=tuple(timedelta(seconds=wait) for wait in waits_s),
        receipt_within=timedelta(seconds=receipt_within_s),
        acknowledgement_within=timedelta(hours=4),
    )


def a_party(
    name: str = TH,
    *,
    country: str = "TH",
    endpoint: str = "https://127.0.0.1:1/exchange/v1/messages",
    waits_s: Sequence[float] = (0.01, 0.01),
    receipt_within_s: float = 5.0,
) -> Party:
    return Party(
        id=PartyId(name),
        name=f"Party {name}",
        country=country,
        transport="eco-https/1",
        endpoint=endpoint,
        anchor=any_certificate(),
        tls_anchor=any_certificate(),
        sign=(),
        tls=(),
        patience=patience(waits_s, receipt_within_s),
        messages=frozenset(MessageType),
        acknowledgements=True,
        national_acknowledgements=True,
    )


def a_claim(
    number: int = 1,
    *,
    body: bytes = b"<message/>",
    conversation: str | None = None,
    attempts: int = 0,
    waits_used: int = 0,
    fence: int = 1,
    party: PartyId = TH,
) -> Claim:
    return Claim(
        message_no=number,
        message_id=MessageId(f"m{number}@vn.moit"),
        conversation_id=ConversationId(conversation or f"c{number}@vn.moit"),
        type=MessageType.CERTIFICATE,
        party=party,
        body=body,
        digest=hashlib.sha256(body).digest(),
        created_at=NOW,
        attempts=attempts,
        waits_used=waits_used,
        fence=fence,
    )


def a_receipt(claim: Claim) -> CheckedReceipt:
    return CheckedReceipt(body=b"<receipt/>", digest=claim.digest, signer="CN=TH.CUSTOMS", at=NOW)
