"""What the operating system says of a PostgreSQL server: whose it is, where it runs, and whether it still does."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import Misconfigured, RegistryFault

#: Accounts without rights that systems have, best first; PostgreSQL refuses to run as root.
UNPRIVILEGED = ("postgres", "nobody")

_STOP_S = 60.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Account:
    """The account PostgreSQL runs as instead of root."""

    name: str
    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Whether the folder's mode lets the account pass through it."""
        return self._allowed(folder, stat.S_IXUSR, stat.S_IXGRP, stat.S_IXOTH)

    def may_read(self, file: Path) -> bool:
        """Whether the file's mode lets the account read it."""
        return self._allowed(file, stat.S_IRUSR, stat.S_IRGRP, stat.S_IROTH)

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
    owner = folder.stat().st_uid if folder.exists() else 0
    if owner != 0:
        entry = pwd.getpwuid(owner)
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
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


def stop_orphan(cluster: Path) -> int | None:
    """
    Stop the server that a dead gateway left running on *cluster*, and wait until it is gone.

    A pid file that names a process of somebody else (pids come again after a restart of the machine) is
    taken away, for PostgreSQL would believe it.

    Returns:
        the pid of the server that was stopped, None when none ran.
    """
    pid_file = cluster / "postmaster.pid"
    try:
        pid = abs(int(pid_file.read_text().split("\n")[0]))
    except (FileNotFoundError, ValueError):
        pid = 0
    ours = pid > 1 and is_server(pid, cluster)
    if ours:
        end(pid)
    pid_file.unlink(missing_ok=True)
    return pid if ours else None


def end(pid: int) -> None:
    """Ask the server to stop (SIGINT: sessions are cut, then a checkpoint); insist where it does not."""
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            return
        until = time.monotonic() + _STOP_S
        while time.monotonic() < until:
            if not is_alive(pid):
                return
            time.sleep(_POLL_S)


def is_alive(pid: int) -> bool:
    """Whether the process still does anything; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return not Path("/proc/self/stat").exists()  # no /proc here: the signal said that it lives


def is_server(pid: int, cluster: Path) -> bool:
    """Whether the process is a PostgreSQL server on *cluster*."""
    if not is_alive(pid):
        return False
    command = Path(f"/proc/{pid}/cmdline")
    try:
        words = command.read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        words = _command_by_ps(pid)
    return str(cluster) in words and any(Path(word).name in ("postgres", "postmaster") for word in words[:1])


def _command_by_ps(pid: int) -> list[str]:
    """The words of a command where there is no /proc."""
    if (ps := shutil.which("ps")) is None:
        return []
    told = subprocess.run(  # noqa: S603  (a fixed command with a number)
        [ps, "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return told.stdout.split()
