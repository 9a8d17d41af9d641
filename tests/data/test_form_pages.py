"""The pages of the forms are what their data says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.observe.form_pages import PAGES, form_pages, write_pages
from gateway.registry.folder import SHIPPED, Folder
from tests.data.shipped import forms

FORM_D = "schemas/atiga/form-d/1.0"


@pytest.fixture(scope="module")
def written() -> Mapping[str, str]:
    return form_pages(Folder(), SHIPPED / PAGES)


def test_the_pages_say_what_the_data_says(written: Mapping[str, str]) -> None:
    there = {path.name: path.read_text("utf-8") for path in (SHIPPED / PAGES).iterdir()}

    assert there == written, f"write them again: eco-gateway pages {PAGES}"


def test_every_form_has_its_page(written: Mapping[str, str]) -> None:
    assert all(f"`{form}`" in written["README.md"] for form in forms())


def test_a_page_knows_boxes_rules_and_examples(written: Mapping[str, str]) -> None:
    page = written["form-rcep.md"]

    assert "| 12 | `Items/Item/FobValue/@currency` | yes |" in page
    assert "| fob-missing | C04 error | Item *item* needs an FOB value, and none is given." in page
    assert "(../../schemas/rcep/form-rcep/1.0/examples/invalid/fob-missing.xml)" in page


def test_a_rule_that_has_nothing_to_ask_is_named_and_not_shown(written: Mapping[str, str]) -> None:
    page = written["form-co.md"]

    assert "| expired |" not in page
    assert "no example breaks them: `exporting-party`, " in page


def test_links_lead_from_wherever_the_pages_lie_to_the_examples(tmp_path: Path) -> None:
    write_pages(Folder(), tmp_path / "pages")

    page = (tmp_path / "pages" / "form-d.md").read_text("utf-8")
    link = page.partition("[plain](")[2].partition(")")[0]
    assert (tmp_path / "pages" / link).resolve() == SHIPPED / FORM_D / "examples/valid/plain.xml"
