"""The pages say what the code does; these hold the two together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.observe.metrics import Metrics
from gateway.settings import variables
from tests.unit.house.tree import ROOT, in_code, project_files, read, table

PAGES = [path for path in project_files() if path.suffix == ".md"]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
LOGGERS = {"log", "_log", "logger"}


def test_the_settings_table_is_the_settings() -> None:
    told = [tuple(row) for row in table("docs/operating.md", "## Settings")]

    assert told == [
        (f"`{v.name}`", f"`{v.flag}`", f"`{v.default}`" if v.default else "", v.meaning) for v in variables()
    ]


def logged_events() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner, level = node.func.value, node.func.attr
                name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
                if level in LEVELS and name in LOGGERS:
                    yield _event(path, node), "error" if level == "exception" else level


def _event(path: Path, call: ast.Call) -> str:
    first = call.args[0] if call.args else None
    assert isinstance(first, ast.Constant), (
        f"{path}:{call.lineno}: the event's name must stand there as it is"
    )
    return str(first.value)


def test_the_listed_log_events_are_those_in_the_code() -> None:
    told = {
        (in_code(row[0]), level)
        for row in table("docs/operating.md", "## Log events")
        for level in row[1].split(", ")
    }

    assert told == set(logged_events())


@pytest.mark.parametrize("event", sorted({name for name, _ in logged_events()}))
def test_an_event_is_named_in_snake_case(event: str) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", event)


def test_the_listed_figures_are_those_exported() -> None:
    told = {in_code(row[0]) for row in table("docs/operating.md", "## Figures")}

    exported = re.findall(r"^# TYPE (eco_\w+)", Metrics().exposition().decode(), re.MULTILINE)

    assert told == {name for name in exported if not name.endswith("_created")}


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL))

    dead = [link for link in links if not _leads_somewhere(page, link)]

    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    rooms = "bench|certs|docker|docs|gateway|mappings|schemas|tests"
    named = re.findall(rf"(?<![\w/.-])(?:{rooms})/[\w./-]*[\w/](?![\w*<…])", page.read_text("utf-8"))

    missing = [name for name in named if not (ROOT / name).exists()]

    assert missing == []


def _leads_somewhere(page: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return link.startswith("https://")
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if not anchor:
        return target.exists()
    headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE) if target.is_file() else []
    return anchor in map(slug, headings)


def test_every_decision_has_its_three_parts_and_a_number_of_its_own() -> None:
    records = sorted((ROOT / "docs/decisions").glob("*.md"))

    assert len({path.name[:4] for path in records}) == len(records)
    for path in records:
        headings = re.findall(r"^## (.+)$", path.read_text("utf-8"), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences"], path.name


def test_every_target_that_help_lists_runs_something_that_exists() -> None:
    blocks = re.findall(r"^[a-z]+:[^\n]*## [^\n]*\n((?:\t[^\n]*\n)+)", read("Makefile"), re.MULTILINE)

    modules = re.findall(r"-m ([\w.]+)", "".join(blocks))

    ours = [name for name in modules if name.split(".")[0] in ("bench", "tests", "gateway")]
    missing = [
        name
        for name in ours
        if not (ROOT / f"{name.replace('.', '/')}.py").exists()
        and not (ROOT / name.replace(".", "/") / "__main__.py").exists()
    ]
    assert missing == []
