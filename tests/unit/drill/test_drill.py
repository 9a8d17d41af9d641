"""The parts of the cluster drill that need no cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.drill.__main__ import is_good
from tests.drill.drill import faults_told
from tests.drill.programs import WANTED, Programs, words_for
from tests.drill.settings import Place, balancer, is_whole, member, shared

ONE = Place("one", Path("/nowhere/one"), server=5001, control=8001)
TWO = Place("two", Path("/nowhere/two"), server=5002, control=8002)
REPORT: dict[str, Any] = {
    "synchronous": True,
    "accepted": 900,
    "met_sending": 2,
    "stalled_commits": 7,
    "faults": [],
}


def test_missing_programs_are_named_with_the_packages_that_bring_them() -> None:
    words = words_for(["patroni", "etcd"])

    assert "needs patroni, etcd, missing here" in words
    assert words.endswith("apt-get install --no-install-recommends patroni python3-etcd etcd-server")


@pytest.mark.parametrize(
    ("root", "who"), [(True, ["--reuid=postgres", "--regid=postgres", "--clear-groups"]), (False, [])]
)
def test_programs_never_outlive_the_drill_and_never_run_as_root(root: bool, who: list[str]) -> None:
    programs = Programs(**{name: Path("/bin") / name for name in WANTED}, root=root)

    command = programs.unprivileged("etcd", "--x")

    assert command == ["/bin/setpriv", "--pdeathsig=KILL", *who, "etcd", "--x"]


def test_a_failover_has_time_for_two_tries_within_its_lease() -> None:
    agreed = shared(synchronous=True)

    assert agreed["loop_wait"] + 2 * agreed["retry_timeout"] <= agreed["ttl"]
    assert agreed["synchronous_mode"] is True


def test_each_member_is_told_its_own_ports_and_the_folder_of_its_data() -> None:
    told = json.loads(member(TWO, etcd=2379, binaries=Path("/pg/bin")))

    assert told["name"] == "two"
    assert told["postgresql"]["listen"] == "127.0.0.1:5002"
    assert told["postgresql"]["data_dir"] == "/nowhere/two/data"
    assert told["restapi"]["listen"] == "127.0.0.1:8002"
    assert told["etcd3"] == {"host": "127.0.0.1:2379"}


def test_the_door_leads_to_the_member_whose_patroni_says_that_it_is_primary() -> None:
    lines = balancer(5000, [ONE, TWO]).splitlines()

    assert "  option httpchk OPTIONS /primary" in lines
    assert "  server one 127.0.0.1:5001 check port 8001" in lines
    assert "  server two 127.0.0.1:5002 check port 8002" in lines


@pytest.mark.parametrize(
    ("replication", "synchronous", "whole"),
    [
        ([], True, False),
        ([{"state": "startup", "sync_state": "async"}], False, False),
        ([{"state": "streaming", "sync_state": "async"}], True, False),
        ([{"state": "streaming", "sync_state": "async"}], False, True),
        ([{"state": "streaming", "sync_state": "sync"}], True, True),
    ],
)
def test_a_cluster_is_whole_when_its_standby_streams_and_is_waited_for(
    replication: list[dict[str, str]], synchronous: bool, whole: bool
) -> None:
    assert is_whole({"replication": replication}, synchronous=synchronous) is whole


def test_faults_of_a_node_are_those_it_logged_as_its_own(tmp_path: Path) -> None:
    log = tmp_path / "vn.log"
    log.write_text(
        '{"event": "database_away"}\n{"event": "round_broke", "work": "grow"}\nTraceback\n', "utf-8"
    )

    (fault,) = faults_told(log)

    assert fault.startswith("vn: ")
    assert "round_broke" in fault


@pytest.mark.parametrize(
    ("changed", "good"),
    [
        ({}, True),
        ({"faults": ["RCEP-1 arrived 2 times"]}, False),
        ({"stalled_commits": 0}, False),
        ({"stalled_commits": 0, "synchronous": False}, True),
        ({"met_sending": 0}, False),
        ({"accepted": 0}, False),
    ],
)
def test_a_drill_is_good_when_nothing_is_wrong_and_its_kills_met_something(
    changed: dict[str, Any], good: bool
) -> None:
    assert is_good({**REPORT, **changed}) is good
