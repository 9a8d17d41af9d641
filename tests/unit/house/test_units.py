"""The units for systemd start what there is, and write where they may."""

from __future__ import annotations

from configparser import ConfigParser

import pytest

from gateway.cli.main import COMMANDS
from tests.unit.house.tree import ROOT

FOLDER = ROOT / "docker"


def unit(name: str) -> ConfigParser:
    """A unit; where a key is said again, the last counts."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((FOLDER / name).read_text("utf-8"))
    return parser


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.service")))
def test_a_unit_starts_one_of_our_commands(name: str) -> None:
    words = unit(name)["Service"]["ExecStart"].split()

    assert words[1:3] == ["-m", "gateway"]
    assert words[3] in COMMANDS


def test_every_month_the_figures_of_the_last_are_written_where_the_service_may_write() -> None:
    timer, service = unit("eco-gateway-report.timer"), unit("eco-gateway-report.service")

    *_, folder_option, folder = service["Service"]["ExecStart"].split()
    assert folder_option == "-o"
    assert folder == f"/var/lib/{service['Service']['StateDirectory']}"
    assert (timer["Timer"]["OnCalendar"], timer["Timer"]["Persistent"]) == ("*-*-01 00:05:00 UTC", "true")
