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
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.together import BenchmarkFailed
from bench.tools import installed

SAMPLES_PER_S = 100
_PY_SPY = "py-spy==0.4.3"
_WAITING = frozenset(
    {"PyThread_acquire_lock_timed", "pthread_cond_timedwait", "pthread_cond_wait", "take_gil"}
)
_SCAFFOLDING = frozenset({"__main__", "cli"})
_OUTERMOST = "serve_forever"  # every stack of the event loop begins in it
_LOOP = frozenset({"asyncio", "concurrent", "typer", "click"})  # below every stack, and tell nothing
_PLACE = re.compile(r"(?P<function>.+) \((?P<file>[^()]*?)(?::\d+)?\)")


class NotProfiled(BenchmarkFailed):
    """The profiler may not look into a process; the text says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One call on a stack."""

    function: str
    file: str

    @property
    def is_python(self) -> bool:
        """Whether it is Python's own code, not a library's in C."""
        return self.file.endswith(".py")

    @property
    def room(self) -> str | None:
        """The gateway's room or module it lies in, such as ``trust`` or ``pipeline``; None elsewhere."""
        parts = self.file.split("/")
        if parts[0] != "gateway" or self.function == _OUTERMOST:
            return None
        room = parts[1].removesuffix(".py")
        return None if room in _SCAFFOLDING else room

    def __str__(self) -> str:
        return f"{self.function} ({self.file})" if self.file else self.function


@dataclass(frozen=True, slots=True)
class Profile:
    """
    Samples of one process, counted four ways.

    Attributes:
        samples: of threads that ran; those that waited for a lock are left out.
        threads: by name, numbers taken off.
        rooms: by the gateway's room on whose behalf the time was spent: the innermost one on the stack; else
            by the innermost library, in brackets.
        own: by the innermost Python function, and the library in C that it had called, if any.
        within: by function of the gateway, with all that it called.
    """

    samples: int
    threads: Mapping[str, int]
    rooms: Mapping[str, int]
    own: Mapping[str, int]
    within: Mapping[str, int]


def read_profile(folded: Iterable[str]) -> Profile:
    """Count folded stacks, ``thread (id): name;outermost;…;innermost count`` a line."""
    samples = 0
    threads: Counter[str] = Counter()
    rooms: Counter[str] = Counter()
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in folded:
        stack, _, number = line.rstrip("\n").rpartition(" ")
        if not stack:
            continue
        count = int(number)
        thread, *calls = stack.split(";")
        frames = [_frame(text) for text in calls]
        if any(frame.function in _WAITING for frame in frames):
            continue
        samples += count
        threads[re.sub(r"^thread \(.*?\): |_\d+$", "", thread)] += count
        rooms[_room_of(frames)] += count
        own[_own(frames)] += count
        for name in {str(frame) for frame in frames if frame.room is not None}:
            within[name] += count
    return Profile(samples, threads, rooms, own, within)


def _frame(text: str) -> Frame:
    found = _PLACE.fullmatch(text)
    return Frame(text, "") if found is None else Frame(found["function"], found["file"])


def _own(frames: Sequence[Frame]) -> str:
    innermost = next((frame for frame in reversed(frames) if frame.is_python), frames[0])
    return f"{innermost} in {_library(frames)}" if _library(frames) else str(innermost)


def _library(frames: Sequence[Frame]) -> str | None:
    """The library in C that the innermost Python function had called; ``python`` for Python's own."""
    if frames[-1].is_python:
        return None
    for frame in reversed(frames):
        if frame.is_python:
            break
        if ".so" in frame.file and not frame.file.startswith("lib"):
            return frame.file.split("/")[0]
    return "python"


def _room_of(frames: Sequence[Frame]) -> str:
    for frame in reversed(frames):
        if frame.room is not None:
            return frame.room
    libraries = [frame.file.split("/")[0] for frame in frames if frame.is_python and "/" in frame.file]
    foreign = [name for name in libraries if name not in {"gateway", *_LOOP}]
    return f"({(foreign or libraries or ['none'])[-1]})"


@asynccontextmanager
async def sampled(processes: Mapping[Path, int]) -> AsyncIterator[None]:
    """
    Sample processes while the block runs; *processes* says for each file whose stacks are written to it.

    Raises:
        NotInstalled: there is no py-spy and none can be installed.
        NotProfiled: it may not look into the processes.
    """
    program = shutil.which("py-spy") or str(await asyncio.to_thread(installed, "py-spy", _PY_SPY) / "py-spy")
    async with AsyncExitStack() as stack:
        for file, pid in processes.items():
            await stack.enter_async_context(_one(program, pid, file))
        yield


@asynccontextmanager
async def _one(program: str, pid: int, file: Path) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(program, "record", "--pid", str(pid), "--rate", str(SAMPLES_PER_S), "--native", "--threads"),
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
