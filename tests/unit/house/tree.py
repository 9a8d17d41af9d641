"""What the tests of the house read: the project's own files and pages."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_LEFT_BY_TOOLS = frozenset({".git", ".venv", ".venv-bench", "var", "build", "dist", "__pycache__"})


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that is, or would be, part of the project; a copy without git has no others."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        found = (path for path in ROOT.rglob("*") if not _LEFT_BY_TOOLS & set(path.relative_to(ROOT).parts))
    else:
        found = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in found if path.is_file()))


def read(relative: str) -> str:
    """The text of one file of the project."""
    return (ROOT / relative).read_text("utf-8")


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table under *heading* of a Markdown page, without its head."""
    _, _, below = read(page).partition(f"\n{heading}\n")
    rows = re.search(r"^\|.*(?:\n\|.*)*", below, re.MULTILINE)
    assert rows, f"{page} has no table under {heading!r}"
    lines = rows[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def in_code(cell: str) -> str:
    """What stands between the first pair of backticks of *cell*."""
    return cell.split("`")[1]
