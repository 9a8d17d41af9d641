"""The map in ``gateway/__init__.py`` is what a newcomer reads first; these keep it true."""

from __future__ import annotations

import re
import tomllib

import gateway
from tests.unit.house.tree import ROOT, in_code, read, table

PACKAGE = ROOT / "gateway"
MAP = gateway.__doc__ or ""
WALKED = re.findall(r"^    (\w+) {2,}\S", MAP, re.MULTILINE)


def rooms_that_exist() -> set[str]:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    return folders | modules


def test_every_room_on_the_map_exists() -> None:
    assert set(WALKED) - rooms_that_exist() == set()


def test_every_room_that_exists_is_on_the_map() -> None:
    told = set(WALKED) | set(re.findall(r"``(\w+)``", MAP))

    assert rooms_that_exist() - told == set()


def test_the_architecture_page_walks_in_the_same_order() -> None:
    walked = [in_code(row[0]) for row in table("docs/architecture.md", "## The rooms")]

    assert walked[: len(WALKED)] == WALKED


def test_the_layer_contract_knows_every_room_of_the_map() -> None:
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")

    placed = set(re.findall(r"\w+", " ".join(layers)))

    assert set(WALKED) - placed == set()
