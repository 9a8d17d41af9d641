"""``check`` prints every form that is laid out on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.public.paper import LAYOUT, WORDS, paper_faults
from gateway.registry.folder import SHIPPED, Folder
from gateway.registry.load import load_registry

FORM = "schemas/aifta/form-ai/1.0"


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        pytest.param(LAYOUT, '#import "/asean.typ": nothing', "unresolved import", id="layout"),
        pytest.param(WORDS, "[en\n", "failed to parse TOML", id="words"),
    ],
)
def test_a_layout_that_cannot_be_printed_is_a_fault_of_its_form(
    tmp_path: Path, file: str, content: str, fault: str
) -> None:
    (tmp_path / FORM).mkdir(parents=True)
    (tmp_path / FORM / file).write_text(content, "utf-8")

    faults = list(paper_faults(load_registry(Folder((SHIPPED, tmp_path)))))

    assert [one.file for one in faults] == [f"{FORM}/{LAYOUT}"]
    assert fault in str(faults[0])
