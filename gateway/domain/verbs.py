"""What operators may do to a delivery by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.domain.status import DeliveryStatus

_S = DeliveryStatus
_WAITING = frozenset({_S.READY_TO_SEND, _S.AWAITING_RETRY, _S.AWAITING_RECEIPT, _S.EXPIRED})


@dataclass(frozen=True, slots=True)
class Verb:
    """Which deliveries an operator's verb moves, where to, and how the cause of it begins."""

    allowed: frozenset[DeliveryStatus]
    to: DeliveryStatus
    cause: str | None = None


VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "hold": Verb(_WAITING, _S.ON_HOLD, "held by"),
        "release": Verb(frozenset({_S.ON_HOLD}), _S.READY_TO_SEND),
        "withdraw": Verb(_WAITING | {_S.ON_HOLD}, _S.WITHDRAWN, "withdrawn by"),
        "resend": Verb(frozenset({_S.DELIVERED, _S.REFUSED, _S.EXPIRED}), _S.READY_TO_SEND),
    }
)
