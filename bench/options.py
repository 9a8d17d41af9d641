"""What may be asked of the benchmark."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench import appending, console, drain, event_log, memory, parties, stored
from bench.figures import SCENARIOS, USUAL, Scenario
from bench.ground import Measure

JUDGING = "judging"
MINUTES_A_RUN = 2

CHECKS: Mapping[str, Measure] = MappingProxyType(
    {
        stored.NAME: stored.stored,
        drain.NAME: drain.drain,
        parties.NAME: parties.parties,
        memory.NAME: memory.memory,
        event_log.NAME: event_log.event_log,
        console.NAME: console.console,
        appending.NAME: appending.appending,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    What was asked for.

    Attributes:
        judging: whether what judging costs is measured as well.
        checks: the names of what is held against a line.
        certificates: in each measured run.
        pairs: how often reference and gateways take turns.
        minutes: no pair is begun that would end later, but each scenario gets one in any case.
        stored, backlog, carried: sizes of the checks; see ``Ground``.
        keep: where the figures of every pair are kept as well, and beside them a picture.
        profile: whether to say where the CPU time goes, by one more run of each scenario.
    """

    scenarios: Sequence[Scenario]
    judging: bool
    checks: Sequence[str]
    certificates: int
    pairs: int
    minutes: int
    stored: int
    backlog: int
    carried: int
    keep: Path | None
    profile: bool


def read_options(arguments: Sequence[str]) -> Options:
    """Read the command line; wrong use ends the process with status 2."""
    given = _parser().parse_args(arguments)
    usual = [JUDGING, *(scenario.name for scenario in USUAL)]
    names = _names() if given.all else given.only or usual
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in names]
    return Options(
        scenarios=scenarios,
        judging=JUDGING in names,
        checks=[name for name in CHECKS if name in names],
        certificates=given.certificates,
        pairs=given.pairs,
        minutes=given.minutes or MINUTES_A_RUN * len(scenarios),
        stored=given.stored,
        backlog=given.backlog,
        carried=given.carried,
        keep=given.keep_json,
        profile=given.profile,
    )


def _names() -> list[str]:
    return [JUDGING, *(scenario.name for scenario in SCENARIOS), *CHECKS]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Measure two gateways beside a straight line.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--only", metavar="NAME", action="append", choices=_names(), help=f"one of {', '.join(_names())}"
    )
    which.add_argument("--all", action="store_true", help="every one of them; takes most of an hour")
    _size(parser, "--certificates", 2000, "in each run")
    _size(parser, "--pairs", 3, "runs of each side")
    _size(parser, "--minutes", None, f"begin no pair that would end later ({MINUTES_A_RUN} a run)")
    _size(parser, "--stored", 1_000_000, "messages in the full store of the check stored")
    _size(parser, "--backlog", 20_000, "messages that wait in the check drain")
    _size(parser, "--carried", 50_000, "certificates over which the check memory watches")
    parser.add_argument(
        "--keep-json", type=Path, metavar="PATH", help="keep every pair's figures in this file, and a picture"
    )
    parser.add_argument("--profile", action="store_true", help="say where the CPU time goes, by one more run")
    return parser


def _size(parser: argparse.ArgumentParser, name: str, usual: int | None, words: str) -> None:
    said = words if usual is None else f"{words} ({usual})"
    parser.add_argument(name, type=_count, default=usual, metavar="N", help=said)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
