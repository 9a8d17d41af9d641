"""What a run hands in is correct, of the size that was asked for, and never the same twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench.certificates import FORM_ID, Certificates
from gateway.domain.ids import FormId
from gateway.domain.xml import read_xml
from gateway.registry.folder import over_shipped
from gateway.registry.load import load_registry
from gateway.validate.judge import Judge

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates(20, TODAY)


def test_no_number_comes_twice(certificates: Certificates) -> None:
    taken = certificates.take(150) + certificates.take(150)

    assert len({one.number for one in taken}) == 300
    assert len({one.content for one in taken}) == 300


def test_each_bears_its_own_number_once(certificates: Certificates) -> None:
    assert all(one.content.count(one.number.encode()) == 1 for one in certificates.take(70))


def test_the_gateway_finds_nothing_wrong_with_any(certificates: Certificates) -> None:
    registry = load_registry(over_shipped(None))
    judge = Judge(registry.forms, registry.codes)
    form = registry.forms[FormId(FORM_ID)]

    found = [judge.judge(read_xml(one.content), form, TODAY) for one in certificates.take(64)]

    assert set(found) == {()}


def test_twenty_items_are_about_twelve_kilobytes(certificates: Certificates) -> None:
    assert 11_000 < certificates.size < 13_000
