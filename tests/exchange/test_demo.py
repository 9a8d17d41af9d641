"""The demonstration is the main job on real processes; it must end well and leave nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def temporary() -> Iterator[Path]:
    """The only place the demonstration may write to; its path is short enough for a socket below it."""
    with tempfile.TemporaryDirectory(prefix="demo-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


async def demonstrate(temporary: Path, *options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "demo", *options,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.timeout(240)
async def test_every_message_reaches_the_state_it_should_and_nothing_is_left_behind(temporary: Path) -> None:
    demo = await demonstrate(temporary, "--certificates", "10", "--json")

    out, told = await demo.communicate()

    assert demo.returncode == 0, told.decode()
    outcome = json.loads(out)
    assert outcome["ok"] is True
    assert (outcome["messages"], outcome["lost"], outcome["duplicates"]) == (11, 0, 0)
    assert outcome["outcomes"] == {"accepted": 9, "accepted_with_warnings": 0, "rejected": 1, "refused": 1}
    assert is_empty(temporary)


@pytest.mark.timeout(120)
async def test_a_demonstration_that_is_told_to_stop_takes_its_gateways_with_it(temporary: Path) -> None:
    demo = await demonstrate(temporary, "--keep")
    assert demo.stdout is not None
    async for line in demo.stdout:
        if b"Starting the gateways" in line:
            break

    await asyncio.sleep(1)
    demo.send_signal(signal.SIGTERM)
    await demo.communicate()

    assert is_empty(temporary)
