"""What people see while they wait and at the end; all of it on standard error."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Check, Cpu, Pair
from bench.judging import FEW, MANY, MOST_TIMES_FEW, Judging
from bench.profiling import Profile

_SHOWN = 20
_TOO_BUSY = 0.1
_WIDTH = 140  # where no terminal says how wide it is


class Teller:
    """Says what happens, with the minutes and seconds since the beginning."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._console = console if console.is_terminal else Console(stderr=True, width=_WIDTH)
        self._began = time.monotonic()
        self._has_warned = False

    def say(self, text: str) -> None:
        """One line of progress."""
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        self._console.print(f"[{minutes}:{seconds:02}] {text}", highlight=False, markup=False, soft_wrap=True)

    def judging(self, judging: Judging) -> None:
        """What judging costs, and what it may."""
        told = judging.summary()
        line, few, many = told["reference"], told[f"cpu_ms_{FEW}_items"], told[f"cpu_ms_{MANY}_items"]
        self.say(
            f"judging {FEW} items: {few:.2f} ms CPU, {told['times_reference']} times the parse and schema of "
            f"{line['name']} ({line['cpu_ms']:.2f} ms), at most {told['times_reference_at_most']}; "
            f"{MANY} items: {many:.2f} ms, "
            f"{told[f'times_{FEW}_items']} times as much, at most {MOST_TIMES_FEW}"
            f"{'' if told['within'] else ': MORE THAN IT MAY COST'}"
        )

    def pair(self, name: str, number: int, pair: Pair) -> None:
        """What one pair of runs gave."""
        ours, reference = pair.ours, pair.reference
        self.say(
            f"{name} {number}: {ours.certificates_per_second:.0f}/s, p99 {ours.p99_ms:.0f} ms, "
            f"{ours.cpu_ms.total:.2f} ms CPU; reference {reference.certificates_per_second:.0f}/s, "
            f"{reference.cpu_ms:.2f} ms CPU; ratio {pair.ratio:.3f}, CPU {pair.cpu_ratio:.2f} times"
            f"; others used {ours.others_share:.0%} of the machine"
        )
        if ours.others_share > _TOO_BUSY and not self._has_warned:
            self._has_warned = True
            self.say(
                "The machine is busy with other things, which flatters whoever has more processes: "
                "go by the CPU times and their ratio rather than by the throughput"
            )

    def stages(self, name: str, stages: Mapping[str, Any]) -> None:
        """Where the CPU time of a certificate goes."""
        for side in ("sender", "receiver"):
            told = ", ".join(f"{stage} {ms:.2f}" for stage, ms in stages[side].items())
            self.say(f"{name}, {side}, ms CPU: {told}")

    def check(self, check: Check) -> None:
        """What a check found."""
        line = f"at most {check.at_most}" if check.at_least is None else f"at least {check.at_least}"
        verdict = "holds" if check.holds else "DOES NOT HOLD"
        self.say(f"{check.name}: {check.says}: {check.value:.3f}, {line}: {verdict}")

    def runs(self, runs: Sequence[Mapping[str, Any]]) -> None:
        """The table at the end."""
        table = Table(title="Medians; CPU in milliseconds a certificate", title_justify="left")
        heads = (
            "run",
            "per second",
            "ratio",
            "p50 ms",
            "p99 ms",
            "CPU",
            "times",
            "sender",
            "receiver",
            "PostgreSQL",
            "RSS MiB",
        )
        for head in heads:
            table.add_column(head, justify="left" if head == "run" else "right")
        for run in runs:
            cpu = run["cpu_ms_per_certificate"]
            table.add_row(
                run["name"], f"{run['certificates_per_second']:.0f}", f"{run['ratio']:.3f}",
                f"{run['p50_ms']:.0f}", f"{run['p99_ms']:.0f}", f"{sum(cpu.values()):.2f}",
                f"{run['cpu_ratio']:.2f}", f"{cpu['sender']:.2f}", f"{cpu['receiver']:.2f}",
                f"{cpu['postgresql']:.2f}", f"{run['rss_mb']:.0f}",
            )  # fmt: skip
            line = run["reference"]
            table.add_row(
                f"  {line['name']}", f"{line['certificates_per_second']:.0f}", "1",
                "", f"{line['p99_ms']:.0f}",
                f"{line['cpu_ms_per_certificate']:.2f}", "1",
            )  # fmt: skip
        self._console.print(table)

    def profile(self, title: str, profile: Profile, cpu_ms: float) -> None:
        """Where the CPU time of one process went; *cpu_ms* is what a certificate costs it."""
        self._console.print(f"\n{title}: {cpu_ms:.2f} ms a certificate, {profile.samples} samples")
        self._ranking("by thread", profile.threads, profile.samples, cpu_ms)
        self._ranking("by room", profile.rooms, profile.samples, cpu_ms, len(profile.rooms))
        self._ranking(
            "functions of the gateway, with what they call", profile.within, profile.samples, cpu_ms
        )
        self._ranking("functions by themselves", profile.own, profile.samples, cpu_ms)

    def _ranking(
        self, title: str, counts: Mapping[str, int], samples: int, cpu_ms: float, shown: int = _SHOWN
    ) -> None:
        table = Table(title=title, title_justify="left")
        for head in ("share", "ms", ""):
            table.add_column(head, justify="right" if head else "left", no_wrap=True)
        for name, count in sorted(counts.items(), key=lambda each: -each[1])[:shown]:
            share = count / samples
            table.add_row(f"{share:.1%}", f"{share * cpu_ms:.3f}", name)
        self._console.print(table)


def median_cpu(pairs: Sequence[Pair]) -> Cpu:
    """Of the pair in the middle by CPU time."""
    ordered = sorted((pair.ours.cpu_ms for pair in pairs), key=lambda cpu: cpu.total)
    return ordered[len(ordered) // 2]
