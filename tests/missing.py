"""
Programs that some tests need and a machine may lack.

A test that needs one says so, ``@needs("xmlsec1")``, or ``pytest.param(..., marks=needs("postgresql-15"))``.
Where the program is missing the test is left out, and the run's closing section names the program, why it
is asked for and how many tests went without it. Where the environment says ``CI=true``, leaving anything
out fails the run.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Program:
    """
    What some tests run with: what for, how to find it.

    Attributes:
        package: the Debian package that brings it; None for a Python package, if there is a build.
    """

    purpose: str
    package: str | None
    find: Callable[[], Path | None]


def _on_path(*names: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        return next((Path(found) for name in names if (found := shutil.which(name))), None)

    return find


def _among(*paths: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        return next((path for text in paths if (path := Path(text)).exists()), None)

    return find


def _module(name: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        spec = importlib.util.find_spec(name)
        return None if spec is None or spec.origin is None else Path(spec.origin)

    return find


PROGRAMS = {
    "atheris": Program("coverage-guided fuzzing", None, _module("atheris")),
    "chromium": Program("the console in a browser", "chromium", _on_path("chromium", "chromium-browser")),
    "curl": Program("the examples of the API guide", "curl", _on_path("curl")),
    "openssl": Program("the way newcomers make keys and certificates", "openssl", _on_path("openssl")),
    "softhsm2": Program("a token for keys by PKCS #11", "softhsm2", _on_path("softhsm2-util")),
    "xmlsec1": Program("an XML signature reader that is not ours", "xmlsec1", _on_path("xmlsec1")),
    "postgresql-15": Program(
        "the oldest PostgreSQL we promise to run on",
        "postgresql-15",
        _among("/usr/lib/postgresql/15/bin/postgres"),
    ),
}


def needs(*names: str) -> pytest.MarkDecorator:
    """Mark a test as needing the programs of these names; each must stand in ``PROGRAMS``."""
    for name in names:
        PROGRAMS[name]
    return pytest.mark.needs(*names)


def program(name: str) -> Path:
    """
    Where the program lies; for tests that are marked as needing it.

    Raises:
        LookupError: it is not on this machine: the test forgot its mark.
    """
    if (found := PROGRAMS[name].find()) is None:
        raise LookupError(f"{name} is missing; mark the test with @needs({name!r})")
    return found


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*programs): left out, and told, where a program is missing")
    config.pluginmanager.register(_Tally(), "tally of what was left out")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    present = {name: known.find() is not None for name, known in PROGRAMS.items()}
    for item in items:
        lacking = [
            name for mark in item.iter_markers("needs") for name in mark.args if not present[str(name)]
        ]
        if lacking:
            item.user_properties.append((LEFT_OUT, lacking[0]))
            item.add_marker(pytest.mark.skip(reason=f"{lacking[0]} is missing"))


class _Tally:
    """Counts what was left out; under xdist only the controller hears of every report."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            named = [str(value) for name, value in report.user_properties if name == LEFT_OUT]
            self.left_out[named[0] if named else _reason(report)] += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.left_out and _must_be_whole() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.left_out:
            return
        terminalreporter.section("left out", yellow=True)
        for name, count in sorted(self.left_out.items()):
            terminalreporter.line(_words(name, count))
        if _must_be_whole():
            terminalreporter.line("CI=true: a run that leaves anything out has failed.", red=True)


def _words(name: str, count: int) -> str:
    tests = f"{count} test" if count == 1 else f"{count} tests"
    if (known := PROGRAMS.get(name)) is None:
        return f"{tests}: {name}"
    return f"{tests} because {name} is missing ({known.purpose}; {_source(known)})"


def _source(known: Program) -> str:
    return f"Debian package {known.package}" if known.package else "there is none for this machine"


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else "skipped"


def _must_be_whole() -> bool:
    return os.environ.get("CI", "").lower() in ("true", "1")
