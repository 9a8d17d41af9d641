"""hold, release, resend, withdraw, suspend and resume: one at once, many only with --yes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.exchange.cli_house import NodeThatRemembers, a_certificate, running
from tests.unit.cli.program import Program, program

__all__ = ["program"]


@pytest.fixture
def node() -> Iterator[NodeThatRemembers]:
    made = NodeThatRemembers(parties=[{"id": "TH.CUSTOMS"}])
    for number, delivery in enumerate(["awaiting_retry", "delivered", "expired", "expired", "on_hold"]):
        certificate = a_certificate(f"VN-{number}")
        certificate["messages"][0]["delivery"] = delivery
        made.certificates.append(certificate)
        made.messages[f"vn-{number}@vn.moit"] = certificate["messages"][0]
    with running(made) as node:
        yield node


def test_one_message_is_held_at_once_with_its_reason(node: NodeThatRemembers, program: Program) -> None:
    ended = program("hold", "vn-0@vn.moit", "--reason", "wrong goods", "--to", node.url)

    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "vn-0@vn.moit: hold done, now on_hold\n"
    assert node.calls[-1][1:] == ("/api/v1/messages/vn-0%40vn.moit/hold", b'{"reason": "wrong goods"}')


def test_a_refusal_is_exit_1_with_its_reason(node: NodeThatRemembers, program: Program) -> None:
    ended = program("hold", "vn-4@vn.moit", "--to", node.url)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == "eco-gateway: vn-4@vn.moit: hold refused: It is on_hold.\n"


def test_several_ids_are_only_shown_without_yes(node: NodeThatRemembers, program: Program) -> None:
    ended = program("withdraw", "vn-0@vn.moit", "vn-2@vn.moit", "--to", node.url)

    assert ended.status == 1
    assert "2 messages to withdraw:" in ended.out
    assert "awaiting_retry" in ended.out
    assert "add --yes" in ended.err
    assert node.called("POST") == []


def test_several_ids_go_with_yes_and_one_refusal_stops_no_other(
    node: NodeThatRemembers, program: Program
) -> None:
    ids = ["vn-4@vn.moit", "vn-0@vn.moit"]

    ended = program("hold", *ids, "--yes", "--to", node.url)

    assert ended.status == 1
    assert node.messages["vn-0@vn.moit"]["delivery"] == "on_hold"
    assert "vn-4@vn.moit: hold refused" in ended.err


def test_a_filter_takes_only_what_the_verb_can_touch(node: NodeThatRemembers, program: Program) -> None:
    ended = program("hold", "--party", "TH.CUSTOMS", "--from", "2026-11-01", "--yes", "--to", node.url)

    assert ended.status == 0
    assert "3 messages to hold:" in ended.out
    statuses = [message["delivery"] for message in node.messages.values()]
    assert statuses == ["on_hold", "delivered", "on_hold", "on_hold", "on_hold"]


def test_a_filter_needs_yes_even_for_one(node: NodeThatRemembers, program: Program) -> None:
    ended = program("release", "--status", "on_hold", "--to", node.url)

    assert ended.status == 1
    assert "1 message to release:" in ended.out
    assert node.called("POST") == []


def test_expired_means_the_delivery_and_not_the_certificate(
    node: NodeThatRemembers, program: Program
) -> None:
    node.certificates[1]["life"] = "expired"  # delivered, and may be sent again

    ended = program("resend", "--status", "expired", "--yes", "--to", node.url)

    assert "2 messages to resend:" in ended.out
    assert node.messages["vn-1@vn.moit"]["delivery"] == "delivered"


def test_a_day_and_a_url_may_both_follow_to(node: NodeThatRemembers, program: Program) -> None:
    program("hold", "--to", "2026-11-30", "--to", node.url)

    assert "to=2026-11-30" in node.called("GET")[0]


def test_more_than_the_cap_is_refused_untouched(node: NodeThatRemembers, program: Program) -> None:
    ended = program("hold", "--party", "TH.CUSTOMS", "--most", 2, "--yes", "--to", node.url)

    assert ended.status == 1
    assert "more than 2 messages match" in ended.err
    assert node.called("POST") == []


def test_a_filter_that_matches_nothing_is_done(node: NodeThatRemembers, program: Program) -> None:
    ended = program("hold", "--party", "MY.CUSTOMS", "--yes", "--to", node.url)

    assert ended.status == 0
    assert ended.out == "No message matches, nothing to hold.\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        pytest.param([], 2, "name messages by their ids", id="nothing-meant"),
        pytest.param(["a@b", "--status", "expired"], 2, "not both", id="ids-and-filter"),
        pytest.param(["--status", "lost"], 2, "there is no 'lost'", id="no-such-status"),
        pytest.param(["--from", "yesterday"], 2, "not a day", id="no-day"),
        pytest.param(["--to", "1", "--to", "2"], 2, "at most one day", id="two-days"),
        pytest.param(["--status", "delivered"], 1, "cannot hold what is delivered", id="untouchable"),
    ],
)
def test_what_cannot_be_meant_is_told_before_the_node_is_asked(
    program: Program, arguments: list[str], status: int, words: str
) -> None:
    ended = program("hold", *arguments)

    assert ended.status == status
    assert words in ended.err


def test_a_party_is_suspended_one_way(node: NodeThatRemembers, program: Program) -> None:
    ended = program("suspend", "TH.CUSTOMS", "--reason", "outage", "--outgoing-only", "--to", node.url)

    assert (ended.status, ended.out) == (0, "TH.CUSTOMS: suspend done\n")
    assert node.calls[-1][1] == "/api/v1/parties/TH.CUSTOMS/suspend"
    assert json.loads(node.calls[-1][2]) == {"reason": "outage", "outgoing_only": True}


def test_an_unknown_party_cannot_be_resumed(node: NodeThatRemembers, program: Program) -> None:
    ended = program("resume", "XX.NOBODY", "--to", node.url)

    assert ended.status == 1
    assert ended.err == "eco-gateway: XX.NOBODY: resume refused: No such thing.\n"
