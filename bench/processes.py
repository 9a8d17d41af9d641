"""What the operating system says of the processes that are measured, and of the machine."""

from __future__ import annotations

import contextlib
import os
import platform
from pathlib import Path
from typing import Any

import psutil

MEBIBYTE = 1024 * 1024


def cpu_s(pid: int) -> float:
    """
    CPU time of a process and all below it, user and system, seconds.

    Processes that ended stay counted: who waits for a child inherits its times.
    """
    root = psutil.Process(pid)
    spent = 0.0
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[:4])
    return spent


def own_cpu_s(pid: int) -> float:
    """CPU time of this one process, seconds."""
    return float(sum(psutil.Process(pid).cpu_times()[:2]))


def rss_mb(pid: int) -> float:
    """Memory the process holds now, MiB."""
    return float(psutil.Process(pid).memory_info().rss / MEBIBYTE)


def busy_s() -> float:
    """CPU time that all processes of this machine together have used, seconds."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - _counted_twice(times))


def machine(postgresql: str) -> dict[str, Any]:
    """What a reader must know of this machine to compare figures."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_mb": psutil.virtual_memory().total // MEBIBYTE,
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
        "postgresql": postgresql,
    }


def _counted_twice(times: Any) -> float:
    """Linux counts what guests use under ``user`` and ``nice`` too."""
    return getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
