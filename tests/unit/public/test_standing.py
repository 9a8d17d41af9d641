"""What a stranger is told of a certificate, and what of it they see."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.status import AcknowledgementOutcome, CertificateLife, DeliveryStatus
from gateway.public.standing import Standing, goods_of, standing_of
from tests.unit.intake.rows import a_certificate

ISSUED = a_certificate(life=CertificateLife.IN_FORCE, acknowledgement=None)


@pytest.mark.parametrize(
    ("changed", "standing"),
    [
        ({}, Standing.VALID),
        ({"acknowledgement": AcknowledgementOutcome.ACCEPTED}, Standing.VALID),
        ({"acknowledgement": AcknowledgementOutcome.REJECTED}, Standing.WITHDRAWN),
        ({"delivery": DeliveryStatus.WITHDRAWN}, Standing.WITHDRAWN),
        ({"life": CertificateLife.EXPIRED}, Standing.EXPIRED),
        ({"life": CertificateLife.CANCEL_PENDING}, Standing.CANCELLING),
        ({"life": CertificateLife.CANCELLED}, Standing.CANCELLED),
        ({"life": CertificateLife.REPLACED}, Standing.REPLACED),
    ],
)
def test_its_life_decides_and_only_what_is_in_force_is_valid(
    changed: dict[str, Any], standing: Standing
) -> None:
    assert standing_of(replace(ISSUED, **changed)) is standing
    assert standing.counts == (standing is Standing.VALID)


def test_what_was_never_issued_is_unknown() -> None:
    assert standing_of(None) is Standing.UNKNOWN


def test_goods_are_code_description_and_quantity_and_nothing_else() -> None:
    item = {
        "no": 1,
        "hs": "610910",
        "description": "T-shirts",
        "quantity": {"value": Decimal("1E+3"), "unit": "H87"},
        "fob": {"amount": Decimal("48200.50"), "currency": "USD"},
        "producer": {"name": "Secret Mill"},
        "marks": "LOT 1",
    }

    (shown,) = goods_of({"items": [item]})

    assert shown.__class__.__slots__ == ("number", "hs", "description", "quantity", "unit")
    assert (shown.number, shown.hs, shown.description) == ("1", "610910", "T-shirts")
    assert (shown.quantity, shown.unit) == ("1000", "H87")


def test_goods_without_a_quantity_are_told_by_weight() -> None:
    (shown,) = goods_of({"items": [{"gross_weight": {"value": 5, "unit": "KGM"}}]})

    assert (shown.quantity, shown.unit) == ("5", "KGM")
