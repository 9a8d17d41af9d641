"""The programs a cluster is made of, and those of them that are missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: By the name we use: where it may lie, and the Debian packages that bring it.
WANTED = {
    "patroni": (("patroni",), ("patroni", "python3-etcd")),
    "etcd": (("etcd",), ("etcd-server",)),
    "haproxy": (("haproxy", "/usr/sbin/haproxy"), ("haproxy",)),
    "postgres": (
        tuple(f"/usr/lib/postgresql/{version}/bin/postgres" for version in (18, 17, 16, 15)),
        ("postgresql-15",),
    ),
    "setpriv": (("setpriv",), ("util-linux",)),
}
ACCOUNT = "postgres"  # the unprivileged one where the drill is started by root


@dataclass(frozen=True, slots=True)
class Programs:
    """
    Where each lies.

    Attributes:
        root: whether we are, so that they must run as somebody else.
    """

    patroni: Path
    etcd: Path
    haproxy: Path
    postgres: Path
    setpriv: Path
    root: bool

    def unprivileged(self, *command: str) -> list[str]:
        """*command* as it is run: never by root, and never without us."""
        who = [f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"] if self.root else []
        return [str(self.setpriv), "--pdeathsig=KILL", *who, *command]


def find_programs() -> tuple[Programs | None, str]:
    """The programs; None and words to a person where any is missing."""
    found = {name: _first(places) for name, (places, _) in WANTED.items()}
    if missing := [name for name, path in found.items() if path is None]:
        return None, words_for(missing)
    paths = {name: path for name, path in found.items() if path is not None}
    return Programs(**paths, root=os.geteuid() == 0), ""


def words_for(missing: Sequence[str]) -> str:
    """What to say where these are missing."""
    packages = " ".join(package for name in missing for package in WANTED[name][1])
    return (
        f"The cluster drill needs {', '.join(missing)}, missing here. On Debian:\n"
        f"  apt-get install --no-install-recommends {packages}"
    )


def _first(places: Sequence[str]) -> Path | None:
    return next((Path(found) for place in places if (found := shutil.which(place))), None)
