"""Under which name a node holds lanes: its own over restarts, and never that of another node that lives."""

from __future__ import annotations

import fcntl
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FILE = "node"


@contextmanager
def identity(folder: Path, listen: object) -> Iterator[str]:
    """
    The node's name for as long as the block lasts: host, address, and a number kept in *folder*.

    The file is locked meanwhile. Whoever finds it locked shares the folder with a node that lives, and takes
    a number of its own for this once.

    Args:
        listen: where the node listens, as people know it by that.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _FILE).open("a+", encoding="utf-8") as kept:
        number = secrets.token_hex(4)
        try:
            fcntl.flock(kept, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            number = _kept(kept.name) or number
            kept.truncate(0)
            kept.write(number)
            kept.flush()
        yield f"{socket.gethostname()} {listen} {number}"


def _kept(name: str) -> str:
    return Path(name).read_text("utf-8").strip()
