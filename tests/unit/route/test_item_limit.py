from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.corridor import Corridor
from gateway.domain.words import ENGLISH
from gateway.route.corridors import over_item_limit
from tests.data.shipped import FORM_D, a_record, forms, written
from tests.unit.deliver.parties import a_party

FORM = forms()[FORM_D]
WORDS = FORM.words_in(ENGLISH)
CORRIDOR = Corridor(
    sender=a_party("VN.MOIT", country="VN"),
    receiver=a_party("LA.CUSTOMS", country="LA"),
    accepts=FORM_D,
    delivers=FORM_D,
)
DOCUMENTS = {items: written(a_record(FORM_D, items=items)) for items in range(1, 5)}


@given(st.sampled_from(sorted(DOCUMENTS)), st.none() | st.integers(1, 5))
def test_more_items_than_the_limit_are_one_finding(items: int, limit: int | None) -> None:
    findings = over_item_limit(DOCUMENTS[items], FORM, replace(CORRIDOR, max_items=limit), WORDS)

    assert [finding.code for finding in findings] == (["S04"] if limit is not None and items > limit else [])


def test_the_finding_says_where_and_what_to_do() -> None:
    (finding,) = over_item_limit(DOCUMENTS[3], FORM, replace(CORRIDOR, max_items=2), WORDS)

    assert (finding.path, finding.box) == ("/CertificateOfOrigin/Items", "5")
    assert finding.text == "3 items are more than the 2 that LA.CUSTOMS takes on one."
    assert finding.action == "Split the consignment over several certificates."


@pytest.mark.parametrize("missing", ["Items", "Items/Item"])
def test_a_certificate_without_items_is_not_over_the_limit(missing: str) -> None:
    document = written(a_record(FORM_D, items=1))
    path = "/".join(f"{{{FORM.namespace}}}{name}" for name in missing.split("/"))
    for element in document.findall(path):
        element.getparent().remove(element)  # type: ignore[union-attr]

    assert over_item_limit(document, FORM, replace(CORRIDOR, max_items=1), WORDS) == ()
