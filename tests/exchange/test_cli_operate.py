"""hold, release, resend, withdraw, suspend and resume: one at once, many only with --yes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from gateway.cli.acting import carry_out
from gateway.cli.client import connect
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
    assert "awaiting_retry  VN-1  TH.CUSTOMS  vn-0@vn.moit" in ended.out
    assert "add --yes to do it, or start this very list with 'eco-gateway actions start a0'" in ended.err
    assert node.called("POST") == ["/api/v1/actions"]


def test_several_ids_go_with_yes_and_one_refusal_stops_no_other(
    node: NodeThatRemembers, program: Program
) -> None:
    ids = ["vn-4@vn.moit", "vn-0@vn.moit"]

    ended = program("hold", *ids, "--yes", "--to", node.url)

    assert ended.status == 1
    assert node.messages["vn-0@vn.moit"]["delivery"] == "on_hold"
    assert "vn-4@vn.moit: hold refused: It is on_hold." in ended.err
    assert ended.out.endswith("vn-0@vn.moit: hold done\ndone: 1 done, 1 refused, 0 left\n")


def test_a_filter_takes_only_what_the_verb_can_touch(node: NodeThatRemembers, program: Program) -> None:
    flags = ("--party", "TH.CUSTOMS", "--form", "atiga/form-d", "--from", "2026-11-01", "--per-second", 9)

    ended = program("hold", *flags, "--yes", "--to", node.url)

    assert ended.status == 0
    assert "3 messages to hold:" in ended.out
    statuses = [message["delivery"] for message in node.messages.values()]
    assert statuses == ["on_hold", "delivered", "on_hold", "on_hold", "on_hold"]
    plan = json.loads(next(body for how, path, body in node.calls if path == "/api/v1/actions"))
    assert plan == {
        "verb": "hold",
        "most": 1000,
        "per_second": 9,
        "filter": {"party": "TH.CUSTOMS", "form": "atiga/form-d", "from": "2026-11-01"},
    }


def test_a_filter_needs_yes_even_for_one(node: NodeThatRemembers, program: Program) -> None:
    ended = program("release", "--status", "on_hold", "--to", node.url)

    assert ended.status == 1
    assert "1 message to release:" in ended.out
    assert node.called("POST") == ["/api/v1/actions"]


def test_a_day_and_a_url_may_both_follow_to(node: NodeThatRemembers, program: Program) -> None:
    program("hold", "--to", "2026-11-30", "--to", node.url)

    assert json.loads(node.calls[0][2])["filter"] == {"to": "2026-11-30"}


def test_more_than_the_cap_is_refused_untouched(node: NodeThatRemembers, program: Program) -> None:
    ended = program("hold", "--party", "TH.CUSTOMS", "--most", 2, "--yes", "--to", node.url)

    assert ended.status == 1
    assert "more than 2 messages match" in ended.err
    assert node.actions == []


def test_a_filter_that_matches_nothing_is_done(node: NodeThatRemembers, program: Program) -> None:
    ended = program("hold", "--party", "MY.CUSTOMS", "--yes", "--to", node.url)

    assert ended.status == 0
    assert ended.out == "No message matches, nothing to hold.\n"


def test_a_planned_action_is_shown_and_started_later(node: NodeThatRemembers, program: Program) -> None:
    program("hold", "--party", "TH.CUSTOMS", "--to", node.url)

    listed = program("actions", "--to", node.url)
    started = program("actions", "start", "a0", "--to", node.url)
    shown = program("actions", "show", "a0", "--to", node.url)
    again = program("actions", "start", "a0", "--to", node.url)

    assert "planned" in listed.out
    assert (started.status, started.out.splitlines()[-1]) == (0, "done: 3 done, 0 refused, 0 left")
    assert shown.out.splitlines()[1] == "on_hold  VN-1  TH.CUSTOMS  vn-0@vn.moit  done"
    assert (again.status, again.err) == (1, "eco-gateway: This action is done; plan another.\n")


def test_a_running_action_is_stopped_with_a_reason(node: NodeThatRemembers, program: Program) -> None:
    program("hold", "--party", "TH.CUSTOMS", "--to", node.url)
    node.actions[0]["state"] = "running"

    stopped = program("actions", "stop", "a0", "--reason", "wrong list", "--to", node.url)
    again = program("actions", "stop", "a0", "--to", node.url)

    told = "stopped: 0 done, 0 refused, 3 left; stopped by operator: wrong list\n"
    assert (stopped.status, stopped.out) == (0, told)
    assert again.status == 1
    assert program("actions", "show", "a9", "--to", node.url).status == 1


async def test_an_interrupted_run_stops_its_action(node: NodeThatRemembers) -> None:
    node.stands_still = True

    async with connect(node.url, None) as there:
        plan = {"verb": "hold", "filter": {"party": "TH.CUSTOMS"}, "most": 9, "per_second": 1}
        action = (await there.plan(plan)).body
        watching = asyncio.create_task(carry_out(there, action["action_id"], {}))
        while (await there.action("a0"))["state"] != "running":
            pass
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching

    assert (node.actions[0]["state"], node.actions[0]["stopped_for"]) == ("stopped", "interrupted")


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


def test_one_corridor_is_suspended_for_a_time_and_an_outage_has_a_notice(
    node: NodeThatRemembers, program: Program
) -> None:
    form, until = "atiga/form-d", "2026-11-22T06:00:00Z"
    program("suspend", "TH.CUSTOMS", "--form", form, "--to", node.url)
    program("resume", "TH.CUSTOMS", "--form", form, "--to", node.url)
    ended = program("outage", "TH.CUSTOMS", "--notice", "Use paper.", "--until", until, "--to", node.url)

    assert (ended.status, ended.out) == (0, "TH.CUSTOMS: outage done\n")
    assert [(path.split("/")[-1], json.loads(body)) for _, path, body in node.calls] == [
        ("suspend", {"form": form}),
        ("resume", {"form": form}),
        ("outage", {"notice": "Use paper.", "until": until}),
    ]


def test_an_unknown_party_cannot_be_resumed(node: NodeThatRemembers, program: Program) -> None:
    ended = program("resume", "XX.NOBODY", "--to", node.url)

    assert ended.status == 1
    assert ended.err == "eco-gateway: XX.NOBODY: resume refused: No such thing.\n"


def test_housekeeping_goes_on_until_nothing_is_left(node: NodeThatRemembers, program: Program) -> None:
    node.rounds = 3

    ended = program("housekeep", "--to", node.url)

    assert (ended.status, ended.out) == (0, "30 documents of 15 certificates removed\n")
    assert node.called("POST") == ["/api/v1/housekeeping"] * 3


def test_a_dry_housekeeping_tells_whose_time_is_over(node: NodeThatRemembers, program: Program) -> None:
    without = program("housekeep", "--dry-run", "--to", node.url)
    rule = {"party": "TH.CUSTOMS", "direction": "out", "form": "atiga/form-d", "keep_documents_days": 1825}
    node.retention = [rule | {"certificates": 10_000, "at_least": True}]

    told = program("housekeep", "--dry-run", "--to", node.url)

    assert without.out == "Every corridor keeps its documents for good.\n"
    assert "over 10000" in told.out
    assert node.called("POST") == []
