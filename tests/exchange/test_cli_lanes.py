"""``lanes`` and ``parties``: what a node tells of its parties, on one screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.exchange.cli_house import Json, NodeThatRemembers, running
from tests.unit.cli.program import Program, program

__all__ = ["program"]


def a_lane(party: str, **differently: object) -> Json:
    return {
        "party": party,
        "waiting": 0,
        "oldest_s": None,
        "by_age": {},
        "by_status": {},
        "next_due_s": None,
        "cause": None,
        "holder": "gw1 127.0.0.1:8080 1a2b3c4d",
        "window": 4,
        "back_off": None,
        "heard_s": 1.5,
        "suspended_by": None,
        "suspended_at": None,
        "reason": None,
        "outgoing_only": False,
        "certificates_expire": {"sign": "2027-03-01T00:00:00.000Z", "tls": None},
    } | differently


def a_party(party: str) -> Json:
    return {
        "id": party,
        "name": "Thai Customs, National Single Window",
        "country": "TH",
        "endpoint": "https://gateway.th.example:8443/exchange/v1/messages",
        "suspended_by": "Anan",
        "suspended_at": "2026-11-21T08:00:00.000Z",
        "reason": "maintenance",
        "outgoing_only": True,
    }


@pytest.fixture
def node() -> Iterator[NodeThatRemembers]:
    held_up = a_lane(
        "TH.CUSTOMS",
        waiting=1234,
        oldest_s=90_000.0,
        by_age={"5min": 1000, "1h": 233, "older": 1},
        by_status={"awaiting_retry": 1234, "on_hold": 7},
        next_due_s=12.4,
        cause="T01: cannot connect to th.example:8443: refused",
        window=1,
        holder=None,
        back_off={"failures": 3, "cause": "T01: cannot connect", "rest_s": 12.4, "asked": False},
    )
    made = NodeThatRemembers(lanes=[a_lane("MY.CUSTOMS"), held_up], parties=[a_party("TH.CUSTOMS")])
    with running(made) as node:
        yield node


def test_each_lane_shows_its_backlog_by_age_and_why(node: NodeThatRemembers, program: Program) -> None:
    ended = program("lanes", "--to", node.url)

    rows = [line.split() for line in ended.out.splitlines()]
    assert ["TH.CUSTOMS", "1234", "1000", "233", "1", "1d", "12s"] in rows
    assert "T01: cannot connect" in ended.out
    assert "2027-03-01" in ended.out
    assert "none now" in ended.out
    assert "failed 3 times, rests 12s" in " ".join(ended.out.split())
    assert ["gw1", "127.0.0.1:8080", "1a2b3c4d", "MY.CUSTOMS"] in rows
    assert ["nobody", "TH.CUSTOMS"] in rows
    assert "7 on hold" in " ".join(ended.out.split())
    assert max(len(line) for line in ended.out.splitlines()) <= 80


def test_parties_show_who_is_suspended_by_whom(node: NodeThatRemembers, program: Program) -> None:
    ended = program("parties", "--to", node.url)

    text = " ".join(ended.out.split())
    assert "TH.CUSTOMS" in text
    assert "Anan" in text
    assert max(len(line) for line in ended.out.splitlines()) <= 80


@pytest.mark.parametrize("command", ["lanes", "parties"])
def test_json_is_one_document_and_nothing_else(
    node: NodeThatRemembers, program: Program, command: str
) -> None:
    ended = program(command, "--to", node.url, "--json")

    assert (ended.status, ended.err) == (0, "")
    assert ended.json == getattr(node, command)
