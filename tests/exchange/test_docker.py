"""Nobody runs a container here: the image's steps are done in a folder, and the files beside it are read."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from gateway.settings import variables
from tests.unit.house.tree import ROOT, read

DOCKER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
KNOWN = {variable.name for variable in variables()}


@pytest.mark.timeout(400)
def test_the_images_steps_lead_to_a_node_that_serves_and_writes_nothing_into_its_tree() -> None:
    ended = subprocess.run([sys.executable, DOCKER / "prove.py", "--linked"], capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr[-2_000:]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_service_is_set_by_settings_that_there_are(name: str) -> None:
    service = COMPOSE["services"][name]
    own = {key for key in service.get("environment", {}) if key.startswith("ECO_GATEWAY_")}

    assert own <= KNOWN
    assert ":latest" not in service.get("image", ":pinned")


def test_gateways_write_to_no_root_and_hold_no_privilege() -> None:
    nodes = [COMPOSE["services"][name] for name in ("gateway", "second")]

    for node in nodes:
        assert node["read_only"] is True
        assert node["cap_drop"] == ["ALL"]
        assert all(volume.endswith(":ro") for volume in node["volumes"])
    assert nodes[0]["environment"]["ECO_GATEWAY_DATABASE"] == nodes[1]["environment"]["ECO_GATEWAY_DATABASE"]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_password_is_given_when_it_is_started_and_stands_in_no_file(name: str) -> None:
    environment = COMPOSE["services"][name].get("environment", {})
    secrets = {key: value for key, value in environment.items() if "PASSWORD" in key or "DATABASE" in key}

    assert [key for key, value in secrets.items() if not re.search(r"\$\{\w+:[?-]", value)] == []


def test_the_unit_waits_longer_than_a_node_takes_to_stop_and_sets_what_there_is() -> None:
    unit = read("docker/eco-gateway.service")
    grace = next(variable.default for variable in variables() if variable.field == "grace_s")
    waits = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)

    assert waits is not None
    assert int(waits[1]) > float(grace) + 5
    assert set(re.findall(r"ECO_GATEWAY_[A-Z_]+", unit)) <= KNOWN
    for line in ("User=eco-gateway", "ProtectSystem=strict", "NoNewPrivileges=true"):
        assert line in unit
