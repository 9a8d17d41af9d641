"""
Three layers of answer that never mix, and the lives of a delivery and of a certificate, as tables.

The database holds the same tables and refuses a move that is not in them; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Direction(StrEnum):
    """Which way a message went, seen from home."""

    OUT = "out"
    IN = "in"


class MessageType(StrEnum):
    """What a message is; the value stands in the header's DocumentIdentification/Type."""

    CERTIFICATE = "certificate"
    CANCELLATION = "cancellation"
    RETRANSMISSION_REQUEST = "retransmission-request"
    ACKNOWLEDGEMENT = "acknowledgement"
    CUSTOMS_RESPONSE = "customs-response"
    VERIFICATION_REQUEST = "verification-request"
    VERIFICATION_REPLY = "verification-reply"
    VERIFICATION_RESULT = "verification-result"
    STATUS_QUERY = "status-query"
    STATUS_REPLY = "status-reply"
    PING = "ping"


class DeliveryStatus(StrEnum):
    """Layer 1: where the delivery of one message to its party stands."""

    READY_TO_SEND = "ready_to_send"  #: committed, due now, or its party is suspended
    SENDING = "sending"  #: an attempt is on the wire
    AWAITING_RETRY = "awaiting_retry"  #: the last attempt failed, another is due
    AWAITING_RECEIPT = "awaiting_receipt"  #: the body went out whole, no believable answer came
    DELIVERED = "delivered"  #: the party's receipt has been checked
    REFUSED = "refused"  #: the party sent a signed exception
    EXPIRED = "expired"  #: patience used up; waits for an operator, or a late receipt
    ON_HOLD = "on_hold"  #: an operator stopped it
    WITHDRAWN = "withdrawn"  #: an operator took it back

    @property
    def is_final(self) -> bool:
        """Whether nothing but an operator or a late receipt moves the delivery on."""
        return self in _FINAL


_S = DeliveryStatus
_FINAL = frozenset({_S.DELIVERED, _S.REFUSED, _S.EXPIRED, _S.WITHDRAWN})

TRANSITIONS: Mapping[DeliveryStatus, frozenset[DeliveryStatus]] = MappingProxyType(
    {
        _S.READY_TO_SEND: frozenset({_S.SENDING, _S.DELIVERED, _S.ON_HOLD, _S.WITHDRAWN}),
        _S.SENDING: frozenset({_S.AWAITING_RECEIPT, _S.AWAITING_RETRY, _S.DELIVERED, _S.REFUSED, _S.EXPIRED}),
        _S.AWAITING_RETRY: frozenset({_S.SENDING, _S.DELIVERED, _S.ON_HOLD, _S.WITHDRAWN}),
        _S.AWAITING_RECEIPT: frozenset({_S.SENDING, _S.DELIVERED, _S.ON_HOLD, _S.WITHDRAWN}),
        _S.DELIVERED: frozenset({_S.READY_TO_SEND}),
        _S.REFUSED: frozenset({_S.READY_TO_SEND}),
        _S.EXPIRED: frozenset({_S.READY_TO_SEND, _S.DELIVERED, _S.ON_HOLD, _S.WITHDRAWN}),
        _S.ON_HOLD: frozenset({_S.READY_TO_SEND, _S.DELIVERED, _S.WITHDRAWN}),
        _S.WITHDRAWN: frozenset({_S.DELIVERED}),
    }
)


class AcknowledgementOutcome(StrEnum):
    """Layer 2: the receiver's system read the message and accepts or refuses it."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_WARNINGS = "accepted_with_warnings"
    REJECTED = "rejected"


class AcknowledgedBy(StrEnum):
    """Who acknowledged: the receiving gateway, or the national system behind it."""

    GATEWAY = "gateway"
    NATIONAL_SYSTEM = "national-system"


class CustomsOutcome(StrEnum):
    """Layer 3: what became of one item at the border."""

    UTILISED = "utilised"
    PARTIALLY_UTILISED = "partially_utilised"
    PREFERENCE_DENIED = "preference_denied"
    UNDER_VERIFICATION = "under_verification"
    NOT_UTILISED = "not_utilised"


class CertificateLife(StrEnum):
    """The certificate's own life, apart from what became of any message about it."""

    IN_FORCE = "in_force"
    CANCEL_PENDING = "cancel_pending"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    EXPIRED = "expired"


_L = CertificateLife

LIFE_MOVES: Mapping[tuple[CertificateLife, CertificateLife], str] = MappingProxyType(
    {
        (_L.IN_FORCE, _L.CANCEL_PENDING): "its issuing authority asks for the cancellation",
        (_L.IN_FORCE, _L.CANCELLED): "the importing side has judged a cancellation and agrees",
        (_L.IN_FORCE, _L.REPLACED): "a certificate that replaces it was accepted",
        (_L.IN_FORCE, _L.EXPIRED): "its validity has ended",
        (_L.CANCEL_PENDING, _L.IN_FORCE): "the importing side refuses the cancellation",
        (_L.CANCEL_PENDING, _L.CANCELLED): "the importing side agrees",
        (_L.CANCEL_PENDING, _L.REPLACED): "a certificate that replaces it was accepted meanwhile",
        (_L.CANCEL_PENDING, _L.EXPIRED): "the cancellation is refused, and its validity has ended meanwhile",
        (_L.EXPIRED, _L.CANCEL_PENDING): "its issuing authority asks for the cancellation all the same",
        (_L.EXPIRED, _L.CANCELLED): "the importing side has judged a cancellation and agrees",
        (_L.EXPIRED, _L.REPLACED): "a certificate that replaces it was accepted",
        (_L.CANCELLED, _L.REPLACED): "a certificate that replaces it was accepted as well; both sides end so",
    }
)
"""Every move of a certificate's life, and when it is made."""

LIVES: Mapping[CertificateLife, frozenset[CertificateLife]] = MappingProxyType(
    {life: frozenset(to for former, to in LIFE_MOVES if former is life) for life in _L}
)
