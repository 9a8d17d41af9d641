"""Reading and writing the files that a command line names."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.failures import CommandFailed, WrongUse


def read_file(path: Path) -> bytes:
    """
    All bytes of *path*.

    Raises:
        WrongUse: it is not there, is a folder, or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongUse(f"{path}: cannot be read: {error.strerror}") from None


def write_file(path: Path, content: bytes) -> None:
    """
    Write *content* to *path*, whole or not at all, replacing what stood there.

    Raises:
        CommandFailed: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise CommandFailed(f"{path}: cannot be written: {error.strerror}") from None
