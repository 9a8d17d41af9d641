"""``send``: a line a file, in batches, patient with a busy node, plain about one that is not there."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.parcels import BATCH_ITEMS
from tests.exchange.cli_house import NodeThatRemembers, running
from tests.unit.cli.program import Program, program

__all__ = ["program"]

FINDING = {
    "code": "C04",
    "severity": "error",
    "box": "9",
    "path": "/A/B",
    "line": 3,
    "text": "No FOB",
    "action": "Add it.",
}


@pytest.fixture
def node() -> Iterator[NodeThatRemembers]:
    with running(NodeThatRemembers()) as node:
        yield node


def test_every_file_gets_a_line(node: NodeThatRemembers, program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    (tmp_path / "b.json").write_text('{"form": "x"}')

    ended = program("send", tmp_path, "--to", node.url)

    assert ended.status == 0
    assert ended.out == (
        f"taken    {tmp_path}/a.xml N-4 TH.CUSTOMS n-4@vn.moit\n"
        f"taken    {tmp_path}/b.json N-13 TH.CUSTOMS n-13@vn.moit\n"
    )
    assert "2 of 2: 2 taken" in ended.err


def test_the_same_bytes_again_are_told_as_again(
    node: NodeThatRemembers, program: Program, tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    program("send", tmp_path / "a.xml", "--to", node.url)

    ended = program("send", tmp_path / "a.xml", "--to", node.url)

    assert ended.status == 0
    assert ended.out.startswith("again ")


def test_a_refusal_is_exit_1_with_all_findings(
    node: NodeThatRemembers, program: Program, tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    (tmp_path / "b.xml").write_text("<bad/>")
    node.refusals[b"<bad/>"] = (422, [FINDING, FINDING | {"code": "C05"}])

    ended = program("send", tmp_path, "--to", node.url)

    assert ended.status == 1
    assert "taken " in ended.out
    assert f"refused  {tmp_path}/b.xml 2 findings\n" in ended.out
    assert f"  {tmp_path}/b.xml:3: C04 error box 9 /A/B: No FOB -> Add it." in ended.out
    assert "C05" in ended.out


def test_records_are_sent_line_by_line_as_they_stand(
    node: NodeThatRemembers, program: Program, tmp_path: Path
) -> None:
    (tmp_path / "records.jsonl").write_text('{"a": 1}\n\n{"b": 22}\n')
    (tmp_path / "list.json").write_text('[{"c": 333}]')

    ended = program("send", tmp_path / "records.jsonl", tmp_path / "list.json", "--to", node.url, "--json")

    assert [one["file"] for one in ended.json] == [
        f"{tmp_path}/records.jsonl:1",
        f"{tmp_path}/records.jsonl:3",
        f"{tmp_path}/list.json[0]",
    ]
    assert node.taken == [b'{"a": 1}', b'{"b": 22}', b'{"c": 333}']
    assert {one["status"] for one in ended.json} == {202}


def test_a_dry_run_only_has_them_judged(node: NodeThatRemembers, program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    (tmp_path / "b.xml").write_text("<bad/>")
    node.refusals[b"<bad/>"] = (422, [FINDING])

    ended = program("send", tmp_path, "--dry-run", "--to", node.url)

    assert ended.status == 1
    assert [line.split()[0] for line in ended.out.splitlines() if line[0] != " "] == ["valid", "refused"]
    assert set(node.called("POST")) == {"/api/v1/certificates/validate?route=true"}


def test_a_busy_node_is_waited_for(node: NodeThatRemembers, program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    node.busy_for = 3

    ended = program("send", tmp_path, "--to", node.url)

    assert ended.status == 0
    assert len(node.called("POST")) == 4
    assert ended.err.count("The node asks for patience") == 3


def test_a_node_that_stays_busy_ends_the_run(
    node: NodeThatRemembers, program: Program, tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    node.busy_for = 1_000

    ended = program("send", tmp_path, "--to", node.url)

    assert ended.status == 1
    assert "is busy: Shutting down." in ended.err


def test_many_go_in_few_batches_and_are_told_in_order(
    node: NodeThatRemembers, program: Program, tmp_path: Path
) -> None:
    lines = [json.dumps({"n": "x" * number}) for number in range(2 * BATCH_ITEMS + 10)]
    (tmp_path / "records.jsonl").write_text("\n".join(lines))

    ended = program("send", tmp_path, "--to", node.url, "--json")
    again = program("send", tmp_path, "--to", node.url, "--json")

    numbers = [one["certificate_number"] for one in ended.json]
    assert numbers == [f"N-{len(line)}" for line in lines]
    assert {one["status"] for one in ended.json} == {202}
    assert [one["certificate_number"] for one in again.json] == numbers
    assert {one["status"] for one in again.json} == {200}
    assert node.called("POST") == ["/api/v1/certificates/batch"] * 6
    assert 1 <= node.most_in_flight <= 2


def test_files_of_all_kinds_go_with_their_own_and_what_is_no_json_goes_as_it_is(
    node: NodeThatRemembers, program: Program, tmp_path: Path
) -> None:
    broken = b'{"a": "x\ny"}'  # a line break in a text: no JSON, and must not become one
    contents = [b"<a/>", b"<b/>", b'{\n"c": 1.50}', b'{"d": 2}', broken, b'{"e": 3}']
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.{'xml' if content[:1] == b'<' else 'json'}").write_bytes(content)

    ended = program("send", tmp_path, "--to", node.url)

    assert ended.status == 0
    assert node.taken == [b"<a/>", b"<b/>", b'{ "c": 1.50}', b'{"d": 2}', broken, b'{"e": 3}']
    paths = ["certificates/batch", "certificates/batch", "certificates", "certificates"]
    assert node.called("POST") == [f"/api/v1/{path}" for path in paths]


def test_a_receiver_that_is_out_is_told_once(
    node: NodeThatRemembers, program: Program, tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    (tmp_path / "b.xml").write_text("<b/>")
    node.notice = {"text": "Use paper."}

    ended = program("send", tmp_path, "--to", node.url)

    assert ended.status == 0
    assert ended.err.count("TH.CUSTOMS is out: Use paper.") == 1


def test_a_node_that_goes_away_ends_the_run_and_what_was_taken_is_told(
    node: NodeThatRemembers, program: Program, tmp_path: Path
) -> None:
    (tmp_path / "records.jsonl").write_text("\n".join(f'{{"n": {n}}}' for n in range(4 * BATCH_ITEMS)))
    node.dies_after = 2

    ended = program("send", tmp_path, "--to", node.url)

    assert ended.status == 1
    assert 0 < ended.out.count("taken ") <= 2 * BATCH_ITEMS
    assert "it closed the connection" in ended.err
    assert "Traceback" not in ended.err


def test_nobody_there_is_said_with_what_to_do(program: Program, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused for certain
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        ended = program("send", tmp_path, "--to", url)

    assert (ended.status, ended.out) == (1, "")
    assert f"eco-gateway: no gateway answers at {url} (connection refused)" in ended.err
    assert "'eco-gateway serve'" in ended.err
    assert "ECO_GATEWAY_URL" in ended.err


def test_a_page_that_is_no_gateway_is_told_so(
    program: Program, node: NodeThatRemembers, tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_text("<a/>")

    ended = program("send", tmp_path, "--to", f"{node.url}/elsewhere")

    assert ended.status == 1
    assert f"what answers at {node.url}/elsewhere is not a gateway's national API (status 404" in ended.err


def test_the_token_travels_and_a_missing_one_is_explained(
    node: NodeThatRemembers, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    node.token = "t0k3n"
    monkeypatch.setenv("ECO_GATEWAY_URL", node.url)

    without = program("send", tmp_path)
    monkeypatch.setenv("ECO_GATEWAY_TOKEN", "t0k3n")
    with_it = program("send", tmp_path)

    assert without.status == 1
    assert "ECO_GATEWAY_TOKEN" in without.err
    assert with_it.status == 0
    assert "t0k3n" not in without.err + with_it.err + with_it.out


@pytest.mark.parametrize("name", ["nowhere.xml", "empty-folder"])
def test_nothing_to_send_is_wrong_use(program: Program, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty-folder").mkdir()

    ended = program("send", tmp_path / name)

    assert (ended.status, ended.out) == (2, "")
    assert name in ended.err
