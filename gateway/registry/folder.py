"""The registry's folder: the shipped files, with an installation's own laid over them file by file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2]
ROOMS = ("schemas", "mappings", "certs")


class Approved:
    """Where the files lie that decide whom we believe, as they were approved; changed in place."""

    def __init__(self, path: Path) -> None:
        self.path = path


def is_guarded(relative: str) -> bool:
    """Whether the file decides whom we believe: a party's, or a certificate."""
    folder, _, name = relative.rpartition("/")
    return (folder, name.rpartition(".")[2]) in (("mappings/parties", "toml"), ("certs/trust", "pem"))


@dataclass(frozen=True, slots=True)
class Folder:
    """
    One or more layers; the same relative path in a later layer replaces the earlier file.

    With *approved* what decides whom we believe is read from there alone.

    Paths are given and told relative to the layers, with ``/``: ``mappings/parties/th.customs.toml``.
    """

    layers: tuple[Path, ...] = (SHIPPED,)
    approved: Approved | None = None

    def find(self, relative: str) -> Path | None:
        """The file that counts for *relative*, or None."""
        if self.approved is not None and is_guarded(relative):
            path = self.approved.path / relative
            return path if path.is_file() else None
        for layer in reversed(self.layers):
            if (path := layer / relative).is_file():
                return path
        return None

    def glob(self, pattern: str) -> Iterator[tuple[str, Path]]:
        """Relative path and file of all that match *pattern*, sorted, each once."""
        found: dict[str, Path] = {}
        for layer in self.layers:
            for path in layer.glob(pattern):
                relative = path.relative_to(layer).as_posix()
                if path.is_file() and not (self.approved is not None and is_guarded(relative)):
                    found[relative] = path
        if self.approved is not None:
            kept = (path for path in self.approved.path.glob(pattern) if path.is_file())
            found |= {path.relative_to(self.approved.path).as_posix(): path for path in kept}
        yield from sorted(found.items())


def over_shipped(own: Path | None) -> Folder:
    """The shipped registry, with *own* laid over it when given."""
    return Folder() if own is None else Folder((SHIPPED, own.resolve()))
