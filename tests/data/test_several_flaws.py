"""A record with several flaws at once: each is told, once, where it lies, and nothing else is."""

from __future__ import annotations

import copy
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.form import Form
from tests.data.flaws import FLAWS, Flawed
from tests.data.shipped import consignments, errors, forms, judged, plain_record, recorded, without_test_keys

_SOUND = [
    without_test_keys(record)
    for record in consignments()
    if not record["expected"]["rejected_with"] and not record["ticks"]
] + [plain_record(form) for form in forms().keys() - set(recorded())]
_ITEM = re.compile(r"/Item(?:\[(\d+)\])?/")


@st.composite
def flawed_records(draw: st.DrawFn) -> tuple[dict[str, Any], list[tuple[Flawed, int]]]:
    """A sound record of any form, two to five flaws in it, and for each the place of its item."""
    form = forms()[draw(st.sampled_from(sorted(forms())))]
    record = copy.deepcopy(draw(st.sampled_from([one for one in _SOUND if one["form"] in form.id])))
    _grow(record)
    suitable = [flaw for flaw in FLAWS if _suits(flaw, form, record)]
    drawn = draw(
        st.lists(st.sampled_from(suitable), min_size=2, max_size=5, unique_by=lambda flaw: flaw.name)
    )
    made: list[tuple[Flawed, int]] = []
    for flaw in drawn:
        if all(flaw.touches.isdisjoint(other.touches) for other, _ in made):
            made.append((flaw, draw(st.integers(0, len(record["items"]) - 1))))
    # The items that come on top are copies of the last one and must not take its flaw with them.
    for flaw, place in sorted(made, key=lambda one: one[0].name != "too_many_items"):
        flaw.make(record, record["items"][place], form)
    return record, made


@settings(max_examples=60, deadline=None)
@given(flawed_records())
def test_every_flaw_is_told_and_nothing_else(
    made: tuple[dict[str, Any], list[tuple[Flawed, int]]],
) -> None:
    record, flaws = made

    told = [(finding.code, finding.path or "") for finding in errors(judged(record))]

    for flaw, place in flaws:
        assert sum(_is_told(flaw, place, code, path) for code, path in told) == 1, (flaw.name, told)
    assert len(told) == len(flaws), (told, [flaw.name for flaw, _ in flaws])


def _grow(record: dict[str, Any]) -> None:
    """At least two items, so that one can repeat the other's number."""
    if len(record["items"]) == 1:
        record["items"].append({**record["items"][0], "no": 2})


def _suits(flaw: Flawed, form: Form, record: dict[str, Any]) -> bool:
    asking = form.values["fob-countries"].split()
    if flaw.name == "fob_missing" and asking:
        return record["exporting_country"] in asking or record["importing_country"] in asking
    return flaw.suits(form)


def _is_told(flaw: Flawed, place: int, code: str, path: str) -> bool:
    if code not in flaw.codes or not re.sub(r"\[\d+\]", "", path).endswith(flaw.tells):
        return False
    item = _ITEM.search(path)
    return item is None or flaw.name == "item_number_twice" or int(item[1] or 1) == place + 1
