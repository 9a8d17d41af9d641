"""A virtual environment beside the project's own, for programs that the benchmark runs and nobody imports."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from bench.together import BenchmarkFailed

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv-bench"


class NotInstalled(BenchmarkFailed):
    """A program could not be installed; the text says why."""


def installed(name: str, *requirements: str, folder: Path = FOLDER) -> Path:
    """
    Install *requirements*, as pip takes them, once; files count as changed when their content does.

    Args:
        name: under which it is remembered that this was done.

    Returns:
        the folder of the programs, ``python`` among them.

    Raises:
        NotInstalled: pip or venv failed.
    """
    programs = folder / "bin"
    done = folder / f".installed-{name}"
    wanted = hashlib.sha256("\n".join(_content(each) for each in requirements).encode()).hexdigest()
    if done.is_file() and done.read_text() == wanted and (programs / "python").exists():
        return programs
    if not (programs / "python").exists():
        _call(sys.executable, "-m", "venv", "--clear", str(folder))
    _call(
        str(programs / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *requirements,
    )
    done.write_text(wanted)
    return programs


def _content(requirement: str) -> str:
    return Path(requirement[2:]).read_text("utf-8") if requirement.startswith("-r") else requirement


def _call(*command: str) -> None:
    try:
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
    except OSError as error:
        raise NotInstalled(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise NotInstalled(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
