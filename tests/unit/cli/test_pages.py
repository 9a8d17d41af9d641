"""``pages``: the pages of the forms, where they are wanted."""

from __future__ import annotations

from pathlib import Path

from tests.data.shipped import forms
from tests.unit.cli.program import Program


def test_every_form_gets_its_page(program: Program, tmp_path: Path) -> None:
    ended = program("pages", tmp_path / "pages")

    written = {path.name for path in (tmp_path / "pages").iterdir()}
    assert ended.status == 0
    assert written == {"README.md"} | {f"{form.family.split('/')[1]}.md" for form in forms().values()}


def test_a_folder_that_cannot_be_made_is_told(program: Program, tmp_path: Path) -> None:
    (tmp_path / "pages").write_text("a file")

    ended = program("pages", tmp_path / "pages")

    assert ended.status == 1
    assert "pages: File exists" in ended.err
