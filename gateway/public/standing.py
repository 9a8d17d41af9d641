"""Where a certificate stands in the eyes of a stranger, and what of it they are shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, assert_never

from gateway.domain.status import AcknowledgementOutcome, CertificateLife, DeliveryStatus
from gateway.store.records import CertificateRow


class Standing(StrEnum):
    """What the check answers; each is a key of the labels."""

    VALID = "valid"
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"  #: or not accepted, and nothing came in its place
    UNKNOWN = "unknown"

    @property
    def counts(self) -> bool:
        """Whether a certificate that stands so may be relied on."""
        return self is Standing.VALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One item, as far as strangers see it."""

    number: str
    hs: str
    description: str
    quantity: str
    unit: str  # a code of UNECE Recommendation 20


def standing_of(certificate: CertificateRow | None) -> Standing:
    """Where it stands; *None* was never issued."""
    if certificate is None:
        return Standing.UNKNOWN
    match certificate.life:
        case CertificateLife.CANCELLED:
            return Standing.CANCELLED
        case CertificateLife.REPLACED:
            return Standing.REPLACED
        case CertificateLife.CANCEL_PENDING:
            return Standing.CANCELLING
        case CertificateLife.EXPIRED:
            return Standing.EXPIRED
        case CertificateLife.IN_FORCE:
            gone = certificate.delivery is DeliveryStatus.WITHDRAWN
            rejected = certificate.acknowledgement is AcknowledgementOutcome.REJECTED
            return Standing.WITHDRAWN if gone or rejected else Standing.VALID
        case _:
            assert_never(certificate.life)


def goods_of(record: Mapping[str, Any]) -> Sequence[Goods]:
    """The items of a box record: HS code, description, quantity (else the weight), and nothing else."""
    return [_goods(item) for item in record.get("items", ())]


def _goods(item: Mapping[str, Any]) -> Goods:
    amount = item.get("quantity") or item.get("gross_weight") or item.get("net_weight") or {}
    value = amount.get("value", "")
    return Goods(
        number=str(item.get("no", "")),
        hs=str(item.get("hs", "")),
        description=str(item.get("description", "")),
        quantity=format(value, "f") if isinstance(value, Decimal) else str(value),
        unit=str(amount.get("unit", "")),
    )
