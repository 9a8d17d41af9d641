"""
A page for newcomers, followed as it is written: what it says to type is typed, what it promises must come.

A fenced block marked ``sh`` is typed; ``sh here`` and ``sh serve`` are for the reader, the latter with a node
to start. A block marked ``text`` holds lines that what was typed prints; ``…`` stands for anything.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "add-a-country.md"

PATIENCE_S = 120  # with all that stands in some parts of a page

_FENCE = re.compile(r"^```(\w[^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PART = re.compile(r"^## (\d+) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: in which part of the page it stands, how it is marked, what it holds."""

    part: int
    mark: str
    content: str


class Newcomer:
    """
    Somebody who follows the page in a folder of their own.

    Args:
        instead: what to type where the page has these words, such as ports that are free.
        page: which one, of the folder of documents.
        given: variables that the shell has, which a reader has set.
    """

    def __init__(
        self,
        folder: Path,
        instead: Mapping[str, str] = MappingProxyType({}),
        *,
        page: Path = PAGE,
        given: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._folder = folder
        self._given = given
        text = page.read_text("utf-8")
        words = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in instead) or r"(?!)")
        self._blocks = tuple(_blocks(words.sub(lambda found: instead[found[0]], text)))

    def follow(self, *parts: int) -> str:
        """
        Type all that stands in *parts*, in one shell.

        Returns:
            what was printed, both streams as they came.

        Raises:
            AssertionError: a line that the page promises was not printed.
        """
        blocks = [block for block in self._blocks if block.part in parts]
        typed = "".join(block.content for block in blocks if block.mark == "sh")
        printed = self._type(typed)
        missing = [line for line in _promised(blocks) if not _is_in(line, printed)]
        assert missing == [], printed
        return printed

    def nodes(self) -> list[list[str]]:
        """The arguments of each ``eco-gateway serve`` of the page."""
        served = [block.content for block in self._blocks if block.mark == "sh serve"]
        return [shlex.split(content.replace("\\\n", " "))[2:] for content in served]

    def _type(self, commands: str) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ECO_GATEWAY_")}
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ended = subprocess.run(
            ["sh"],
            cwd=self._folder,
            env={**clean, "ECO": str(ROOT), "PATH": programs, **self._given},
            input=commands,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        return ended.stdout


def _blocks(text: str) -> Iterator[Block]:
    parts = [(found.start(), int(found[1])) for found in _PART.finditer(text)]
    for found in _FENCE.finditer(text):
        part = max((number for start, number in parts if start < found.start()), default=0)
        yield Block(part, found[1], found[2])


def _promised(blocks: list[Block]) -> Iterator[str]:
    for block in blocks:
        if block.mark == "text":
            yield from (line for line in block.content.splitlines() if line.strip("… "))


def _is_in(line: str, printed: str) -> bool:
    pattern = ".*".join(re.escape(piece) for piece in line.split("…"))
    return re.search(f"^{pattern}$", printed, re.MULTILINE) is not None
