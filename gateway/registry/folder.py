"""The registry's folder: the shipped files, with an installation's own laid over them file by file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2]
ROOMS = ("schemas", "mappings", "certs")


@dataclass(frozen=True, slots=True)
class Folder:
    """
    One or more layers; the same relative path in a later layer replaces the earlier file.

    Paths are given and told relative to the layers, with ``/``: ``mappings/parties/th.customs.toml``.
    """

    layers: tuple[Path, ...] = (SHIPPED,)

    def find(self, relative: str) -> Path | None:
        """The file that counts for *relative*, or None."""
        for layer in reversed(self.layers):
            if (path := layer / relative).is_file():
                return path
        return None

    def glob(self, pattern: str) -> Iterator[tuple[str, Path]]:
        """Relative path and file of all that match *pattern*, sorted, each once."""
        found: dict[str, Path] = {}
        for layer in self.layers:
            for path in layer.glob(pattern):
                if path.is_file():
                    found[path.relative_to(layer).as_posix()] = path
        yield from sorted(found.items())


def over_shipped(own: Path | None) -> Folder:
    """The shipped registry, with *own* laid over it when given."""
    return Folder() if own is None else Folder((SHIPPED, own.resolve()))
