"""The pages of the forms are what their data says."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.observe.form_pages import PAGES, form_pages, write_pages
from gateway.registry.folder import SHIPPED, Folder

WRITTEN = form_pages(Folder())


@pytest.mark.parametrize("page", WRITTEN)
def test_a_page_says_what_the_data_says(page: str) -> None:
    path = SHIPPED / PAGES / page

    assert path.read_text("utf-8") == WRITTEN[page], "write it again: python -m gateway.observe.form_pages"


def test_there_are_no_other_pages() -> None:
    assert {path.name for path in (SHIPPED / PAGES).iterdir()} == set(WRITTEN)


def test_pages_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    write_pages(Folder(), tmp_path / "pages")

    assert {path.name for path in (tmp_path / "pages").iterdir()} == set(WRITTEN)


def test_a_page_knows_boxes_rules_and_examples() -> None:
    page = WRITTEN["form-rcep.md"]

    assert "| 12 | `Items/Item/FobValue/@currency` | yes |" in page
    assert "| fob-missing | C04 error | Item *item* needs an FOB value, and none is given." in page
    assert "examples/invalid/fob-missing.xml" in page
