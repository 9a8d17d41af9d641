"""
Where the CPU time of a gateway goes: by room, and by function.

A sampling profiler, py-spy, looks a hundred times a second at every thread that runs, into C libraries too.
It is installed beside the benchmark when first asked for. Samples are shares; the CPU time that a certificate
costs in the runs without profiler turns them into milliseconds.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.together import BenchmarkFailed
from bench.tools import installed

SAMPLES_PER_S = 100
_PY_SPY = "py-spy==0.4.3"
_PLACE = re.compile(r"(?P<function>.+) \((?P<file>[^()]*?)(?::\d+)?\)")
_LIBRARY = re.compile(r"(?:.*/)?(?:site-packages|python3\.\d+)/(?P<name>[\w.-]+)")


class NotProfiled(BenchmarkFailed):
    """The profiler may not look into a process; the text says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One call on a stack."""

    function: str
    file: str

    @property
    def room(self) -> str | None:
        """The gateway's room or module it lies in, such as ``trust`` or ``pipeline``; None elsewhere."""
        parts = self.file.split("/")
        if "gateway" not in parts or "site-packages" in parts:
            return None
        below = parts[parts.index("gateway") + 1 :]
        return below[0].removesuffix(".py") if below else None

    def __str__(self) -> str:
        return f"{self.function} ({self.file})" if self.file else self.function


@dataclass(frozen=True, slots=True)
class Profile:
    """
    Samples of one process, counted three ways.

    Attributes:
        rooms: by the gateway's room on whose behalf the time was spent: the innermost one on the stack.
        own: by the function that was running itself.
        within: by function of the gateway, with all that it called.
    """

    samples: int
    rooms: Mapping[str, int]
    own: Mapping[str, int]
    within: Mapping[str, int]


def read_profile(folded: Iterable[str]) -> Profile:
    """Count folded stacks, ``outermost;…;innermost count`` a line."""
    samples = 0
    rooms: Counter[str] = Counter()
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in folded:
        stack, _, number = line.rstrip("\n").rpartition(" ")
        if not stack:
            continue
        count = int(number)
        frames = [_frame(text) for text in stack.split(";")]
        samples += count
        rooms[_room_of(frames)] += count
        own[str(frames[-1])] += count
        for name in {f"{frame}" for frame in frames if frame.room is not None}:
            within[name] += count
    return Profile(samples, rooms, own, within)


def _frame(text: str) -> Frame:
    if (found := _PLACE.fullmatch(text)) is None:
        return Frame(text, "")
    return Frame(found["function"], found["file"])


def _room_of(frames: list[Frame]) -> str:
    """The innermost room of the gateway; else the innermost library, for what no room asked for."""
    for frame in reversed(frames):
        if frame.room is not None:
            return frame.room
    for frame in reversed(frames):
        if "/" in frame.file:
            found = _LIBRARY.match(frame.file)
            return f"({found['name'] if found else frame.file.split('/')[0]})"
    return "(no stage)"


@asynccontextmanager
async def sampled(folder: Path, processes: Mapping[str, int]) -> AsyncIterator[Mapping[str, Path]]:
    """
    Sample *processes*, name to process id, while the block runs; gives the files their stacks are written to.

    Raises:
        NotInstalled: there is no py-spy and none can be installed.
        NotProfiled: it may not look into the processes.
    """
    program = shutil.which("py-spy") or str(await asyncio.to_thread(installed, "py-spy", _PY_SPY) / "py-spy")
    files = {name: folder / f"{name}.folded" for name in processes}
    async with AsyncExitStack() as stack:
        for name, pid in processes.items():
            await stack.enter_async_context(_one(program, pid, files[name]))
        yield files


@asynccontextmanager
async def _one(program: str, pid: int, file: Path) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(program, "record", "--pid", str(pid), "--rate", str(SAMPLES_PER_S), "--native"),
        *("--format", "raw", "--output", str(file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    told = await process.stdout.readline()  # it says when it has begun
    try:
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        told += await process.stdout.read()
        await process.wait()
    if process.returncode != 0:
        raise NotProfiled(f"py-spy could not look into process {pid}: {told.decode(errors='replace')}")
