"""A run of the command line inside the test's own process."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

import pytest

from gateway.cli.main import run


class Ended(NamedTuple):
    """A finished run of the program."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Program:
    """The command line as a caller sees it; whatever the tester's environment sets is gone."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        for name in [name for name in os.environ if name.startswith("ECO_GATEWAY_")]:
            monkeypatch.delenv(name)

    def __call__(self, *arguments: object) -> Ended:
        self._capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        out, err = self._capsys.readouterr()
        return Ended(status, out, err)


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(capsys, monkeypatch)
