"""Servers as processes: finding the one a dead gateway left behind, and ending it without a trace."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
STOP_WITHIN_S = 60.0
#: Asked nicely first: sessions are cut and a checkpoint is written; then without the checkpoint; then killed.
STOP_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)

_POLL_S = 0.02


def stop_orphan(cluster: Path) -> int | None:
    """
    Stop the server that a dead gateway left running on *cluster*, and wait until all of it is gone.

    A pid file may name a process of somebody else (pids come again), or one that is dead and was never
    reaped; PostgreSQL would believe it and refuse to start, so it is taken away, once nothing works on the
    cluster any more.

    Returns:
        the pid of the server that was stopped, None when none ran.
    """
    pid_file = cluster / "postmaster.pid"
    pid = _pid_in(pid_file)
    ours = pid is not None and is_server(pid, cluster)
    if pid is not None and ours:
        _end(pid)
    if _wait_for_the_last(cluster):
        pid_file.unlink(missing_ok=True)
    return pid if ours else None


def is_alive(pid: int) -> bool:
    """Whether the process still does anything; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not _has_proc()  # without /proc the signal's word counts


def is_server(pid: int, cluster: Path) -> bool:
    """Whether the process is a PostgreSQL server on *cluster*."""
    if not is_alive(pid):
        return False
    words = _read(PROC / str(pid) / "cmdline").split("\0") if _has_proc() else _command_by_ps(pid)
    return str(cluster) in words and Path(words[0]).name in ("postgres", "postmaster")


def _pid_in(pid_file: Path) -> int | None:
    try:
        pid = abs(int(pid_file.read_text().split("\n")[0]))
    except (FileNotFoundError, ValueError):
        return None
    return pid if pid > 1 else None


def _end(pid: int) -> None:
    for how in STOP_SIGNALS:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            return
        until = time.monotonic() + STOP_WITHIN_S
        while time.monotonic() < until:
            if not is_alive(pid):
                return
            time.sleep(_POLL_S)


def _wait_for_the_last(cluster: Path) -> bool:
    """
    Whether nothing works on *cluster* any more.

    Sessions of a server that was killed end by themselves a moment later; until then nobody else may write.
    """
    if not _has_proc():
        return False
    until = time.monotonic() + STOP_WITHIN_S
    while (left := list(_at_work_in(cluster))) and time.monotonic() < until:
        time.sleep(_POLL_S)
    return not left


def _at_work_in(cluster: Path) -> Iterator[int]:
    """Every process of a PostgreSQL server has its cluster as its working folder."""
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink() == cluster and is_alive(int(entry.name)):
                    yield int(entry.name)


def _has_proc() -> bool:
    return (PROC / "self" / "stat").exists()


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _command_by_ps(pid: int) -> list[str]:
    if (ps := shutil.which("ps")) is None:
        return [""]
    told = subprocess.run(  # noqa: S603  (a fixed command with a number)
        [ps, "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return told.stdout.split() or [""]
