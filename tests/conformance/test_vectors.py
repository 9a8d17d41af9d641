"""Each vector of the table gets the verdict that the page promises."""

from __future__ import annotations

import pytest

from gateway.domain.errors import SealRefused
from gateway.registry.folder import SHIPPED as ROOT
from gateway.trust.check import check_seal
from tests.conformance.vectors import VECTORS, Vector, table
from tests.messages import NOW
from tests.missing import needs


def step_of(vector: Vector, raw: bytes) -> int | None:
    keys = vector.keys
    try:
        check_seal(
            raw,
            registered=[keys.registered_sign],
            anchor=keys.anchor.certificate,
            at=NOW,
            profiles=(vector.profile,),
        )
    except SealRefused as refused:
        return refused.step
    return None


@needs("xmlsec1")
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_a_seal_of_xmlsec1_gets_its_verdict(vector: Vector, tmp_path_factory: pytest.TempPathFactory) -> None:
    raw = vector.made(tmp_path_factory.mktemp("vector"))

    assert step_of(vector, raw) == vector.step


def test_the_page_shows_every_vector() -> None:
    assert table() in (ROOT / "docs" / "seals.md").read_text("utf-8")


def test_no_two_vectors_have_the_same_name() -> None:
    assert len({vector.name for vector in VECTORS}) == len(VECTORS)
