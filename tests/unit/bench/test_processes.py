"""CPU time is counted for whole families, the dead included."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil

from bench.processes import busy_s, cpu_s, machine, own_cpu_s, rss_mb

BURN = "import time\nwhile time.process_time() < 0.2: pass\n"
CHILD_THAT_ENDED = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN!r}], check=True)
print("done", flush=True)
sys.stdin.read()
"""


def test_a_child_that_ended_still_counts() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD_THAT_ENDED], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()

        family, alone = cpu_s(parent.pid), own_cpu_s(parent.pid)
        parent.communicate()

    assert family - alone >= 0.19


def test_the_machine_is_at_least_as_busy_as_we_are() -> None:
    before = busy_s()
    subprocess.run([sys.executable, "-c", BURN], check=True)

    assert busy_s() - before >= 0.15


def test_memory_is_told_in_mebibytes() -> None:
    assert 5 < rss_mb(os.getpid()) < psutil.virtual_memory().total / 1024**2


def test_a_reader_learns_what_machine_it_was() -> None:
    facts = machine("18.6")

    assert facts["cores"] == os.cpu_count()
    assert facts["postgresql"] == "18.6"
    assert all(facts.values())
