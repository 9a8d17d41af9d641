"""As whom the embedded PostgreSQL runs, and what that account can reach."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import Misconfigured, RegistryFault

#: Accounts without rights that systems have, best first; PostgreSQL refuses to run as root.
UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """The account PostgreSQL runs as instead of root."""

    name: str
    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Whether the folder's mode lets the account pass through it."""
        return self._allowed(folder, stat.S_IXUSR, stat.S_IXGRP, stat.S_IXOTH)

    def may_run(self, program: Path) -> bool:
        """Whether the account gets to the program and may execute it."""
        return closed_parent(program, self) is None and self.may_enter(program)

    def _allowed(self, path: Path, user: int, group: int, others: int) -> bool:
        found = path.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & user)
        return bool(found.st_mode & (group if found.st_gid == self.gid else others))


def account_for(folder: Path) -> Account | None:
    """
    The account for the server whose files lie, or will lie, in *folder*; None when it runs as we do.

    Raises:
        Misconfigured: we are root and there is no account without rights.
    """
    if os.geteuid() != 0:
        return None
    owner = folder.stat() if folder.exists() else None
    if owner is not None and owner.st_uid != 0:
        return Account(_name_of(owner.st_uid), owner.st_uid, owner.st_gid)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise misconfigured("-", f"PostgreSQL does not run as root, and none of {UNPRIVILEGED} exists here")


def closed_parent(path: Path, account: Account) -> Path | None:
    """The topmost folder above *path* that *account* cannot enter, None when it gets through."""
    return next((parent for parent in reversed(path.parents) if not account.may_enter(parent)), None)


def misconfigured(key: str, text: str) -> Misconfigured:
    """A fault of the data folder."""
    return Misconfigured((RegistryFault("ECO_GATEWAY_DATA", key, text),))


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
