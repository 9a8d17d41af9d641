"""The commands against running gateways: what they print for programs, and the status they end with."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog

from gateway.cli.main import run
from gateway.domain.caller import Role
from tests.exchange.contract import RCEP, Caller, Pair, a_record, as_xml, two_gateways
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # standard output is looked at here
    try:
        async with two_gateways(servers, tmp_path_factory.mktemp("commands")) as running:
            yield running
    finally:
        structlog.reset_defaults()


@dataclass(frozen=True)
class Run:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


def environment(caller: Caller) -> dict[str, str]:
    return {"ECO_GATEWAY_URL": caller.url, "ECO_GATEWAY_TOKEN": caller.token or ""}


async def command(monkeypatch: pytest.MonkeyPatch, caller: Caller, *arguments: str | Path) -> Run:
    """Run a command in this process, as *caller*."""
    for name in [name for name in os.environ if name.startswith("ECO_GATEWAY_")]:
        monkeypatch.delenv(name)
    for name, value in environment(caller).items():
        monkeypatch.setenv(name, value)

    def ran() -> Run:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run([str(argument) for argument in arguments])
        return Run(status, out.getvalue(), err.getvalue())

    return await asyncio.to_thread(ran)


async def process(more: Mapping[str, str], *arguments: str) -> Run:
    """Run a command as a process of its own."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ECO_GATEWAY_")}
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**plain, **more},
    )
    out, err = await running.communicate()
    assert running.returncode is not None
    return Run(running.returncode, out.decode(), err.decode())


async def test_a_token_opens_the_gateway_of_its_data_folder(pair: Pair) -> None:
    settings = pair.vn.settings
    where = {
        "ECO_GATEWAY_HOME": "VN.MOIT",
        "ECO_GATEWAY_DATA": str(settings.data),
        "ECO_GATEWAY_CLOCK": "2026-11-21T20:00:00Z",
    }
    made, short = await asyncio.gather(
        process(where, "token", "--role", "operator", "--role", "auditor"),
        process(where, "token", "--role", "issuer", "--organisation", "HN", "--ttl", "1"),
    )
    caller = Caller(pair.vn.session, pair.vn.url, made.out.strip())
    expired = Caller(pair.vn.session, pair.vn.url, short.out.strip())

    assert (made.status, made.err, made.out.count("\n")) == (0, "", 1)
    assert (await caller.get("/lanes")).status == 200
    assert (await caller.submit(a_record())).status == 403
    status = 0
    for _ in range(500):
        if (status := (await expired.get("/certificates")).status) == 401:
            break
        await asyncio.sleep(0.05)
    assert status == 401
    assert (settings.data / "development-issuer.key").stat().st_mode & 0o777 == 0o600


async def test_track_prints_the_object_of_the_interface(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = await pair.exchange()
    told = (await pair.vn.issuer.get(sent.path)).body

    by_number, unknown = await asyncio.gather(
        process(environment(pair.vn.issuer), "track", sent.number, "--json"),
        process(environment(pair.vn.issuer), "track", "VN-TH 99/99", "--json"),
    )
    by_id = await command(monkeypatch, pair.vn.issuer, "track", sent.message_id, "--json")
    for_people = await command(monkeypatch, pair.vn.issuer, "track", sent.number)

    assert (by_number.status, by_number.err) == (0, "")
    assert by_number.document == by_id.document == told
    assert (unknown.status, unknown.out) == (1, "")
    assert "VN-TH 99/99" in unknown.err
    assert for_people.status == 0
    assert all(word in for_people.out for word in (sent.number, "delivered", "accepted", "TH.CUSTOMS"))


async def test_track_asks_which_form_where_a_number_stands_on_several(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await pair.submitted()
    await pair.submitted(form=RCEP, certificate_number=sent.number)

    which = await command(monkeypatch, pair.vn.issuer, "track", sent.number, "--json")
    one = await command(monkeypatch, pair.vn.issuer, "track", sent.number, "--form", RCEP, "--json")

    assert (which.status, which.out) == (2, "")
    assert all(form in which.err for form in ("atiga/form-d/1.0", "rcep/form-rcep/1.0"))
    assert (one.status, one.document["form"]) == (0, "rcep/form-rcep/1.0")


async def test_send_hands_in_files_and_tells_each_ones_fate(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, listed = a_record(), [a_record(), a_record()]
    (tmp_path / "a.xml").write_bytes(as_xml(pair.vn.registry, good))
    (tmp_path / "b.json").write_text(json.dumps(a_record() | {"importing_country": "SG"}))
    (tmp_path / "c.jsonl").write_text("\n".join(json.dumps(record) for record in listed))
    issuer = pair.vn.issuer

    dry = await command(monkeypatch, issuer, "send", "--dry-run", tmp_path / "a.xml", "--json")
    nothing = await issuer.items("/certificates", number=good["certificate_number"])
    first = await command(monkeypatch, issuer, "send", tmp_path)
    again = await command(monkeypatch, issuer, "send", tmp_path, "--json")
    clean = await command(monkeypatch, issuer, "send", tmp_path / "a.xml")

    assert (dry.status, [one["valid"] for one in dry.document], nothing) == (0, [True], [])
    assert (first.status, again.status, clean.status) == (1, 1, 0)
    assert [line.split()[0] for line in first.out.splitlines() if not line.startswith(" ")] == [
        "taken",
        "refused",
        "taken",
        "taken",
    ]
    assert "C01" in first.out
    assert [one["status"] for one in again.document] == [200, 422, 200, 200]
    assert [Path(one["file"]).name for one in again.document] == ["a.xml", "b.json", "c.jsonl:1", "c.jsonl:2"]
    assert again.document[0]["certificate_number"] == good["certificate_number"]


async def test_a_verb_ends_with_what_became_of_it(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = pair.vn.operator
    await operator.post("/parties/MY.CUSTOMS/suspend")  # so that it is never being sent just now
    sent = await pair.submitted(importing_country="MY")

    async def ended(*arguments: str) -> tuple[int, str]:
        done = await command(monkeypatch, operator, *arguments)
        return done.status, done.out + done.err

    held = await ended("hold", sent.message_id, "--reason", "a test")
    held_again = await ended("hold", sent.message_id)
    released = await ended("release", sent.message_id, "--yes")
    resent = await ended("resend", sent.message_id)
    withdrawn = await ended("withdraw", sent.message_id)
    unknown = await ended("hold", "none@vn.moit")
    not_allowed = await command(monkeypatch, pair.vn.issuer, "hold", sent.message_id)
    await operator.post("/parties/MY.CUSTOMS/resume")

    assert [one[0] for one in (held, held_again, released, resent, withdrawn)] == [0, 1, 0, 1, 0]
    assert "on_hold" in held_again[1]
    assert (unknown[0], not_allowed.status) == (1, 1)


async def test_many_are_shown_first_and_moved_when_that_was_said(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [await pair.submitted(importing_country="MY") for _ in range(3)]
    numbers = {one.number for one in sent}
    operator = pair.vn.operator
    asked = ("hold", "--party", "MY.CUSTOMS", "--from", "2026-11-21", "--to", "2026-11-21")

    shown = await command(monkeypatch, operator, *asked)
    before = await operator.items("/certificates", receiver="MY.CUSTOMS", status="on_hold")
    await operator.post("/parties/MY.CUSTOMS/suspend")  # so that none is being sent just now
    for one in sent:
        await operator.until(one.message, lambda message: message["delivery"] != "sending")
    done = await command(monkeypatch, operator, *asked, "--yes")
    await operator.post("/parties/MY.CUSTOMS/resume")
    held = await operator.items("/certificates", receiver="MY.CUSTOMS", status="on_hold")
    two = await command(monkeypatch, operator, "withdraw", sent[0].message_id, sent[1].message_id, "--yes")
    nothing = await command(monkeypatch, operator, "release", "--party", "TH.CUSTOMS", "--yes")

    assert (shown.status, numbers & {item["certificate_number"] for item in before}) == (1, set())
    assert "message" in shown.out
    assert "--yes" in shown.err
    assert (done.status, two.status, nothing.status) == (0, 0, 0)
    assert numbers <= {item["certificate_number"] for item in held}


async def test_lanes_and_parties_are_printed_as_the_interface_has_them(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = pair.vn.operator

    suspended = await command(monkeypatch, operator, "suspend", "TH.CUSTOMS", "--reason", "a test")
    suspended_again = await command(monkeypatch, operator, "suspend", "TH.CUSTOMS")
    lanes = await command(monkeypatch, operator, "lanes", "--json")
    for_people = await command(monkeypatch, operator, "lanes")
    parties = await command(monkeypatch, operator, "parties", "--json")
    resumed = await command(monkeypatch, operator, "resume", "TH.CUSTOMS")

    assert [one.status for one in (suspended, suspended_again, lanes, resumed)] == [0, 1, 0, 0]
    th = next(lane for lane in lanes.document if lane["party"] == "TH.CUSTOMS")
    assert (th["suspended_by"], th["reason"]) == ("operator", "a test")
    assert "suspended by operator" in for_people.out
    assert [party["id"] for party in parties.document] == ["MY.CUSTOMS", "TH.CUSTOMS"]


async def test_who_is_unknown_or_nowhere_is_told_on_standard_error(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = Caller(pair.vn.session, pair.vn.url, "x.y.z")
    nowhere = Caller(pair.vn.session, "http://127.0.0.1:1", pair.vn.operator.token)

    refused = await command(monkeypatch, nobody, "lanes", "--json")
    away = await command(monkeypatch, nowhere, "lanes", "--json")
    wrong = await command(monkeypatch, pair.vn.operator, "hold", "--colour", "red")
    auditor = await command(monkeypatch, pair.vn.as_(Role.AUDITOR), "suspend", "TH.CUSTOMS")

    assert [(one.status, one.out) for one in (refused, away, wrong, auditor)] == [
        (1, ""),
        (1, ""),
        (2, ""),
        (1, ""),
    ]
    assert "token" in refused.err
    assert "connection refused" in away.err


async def test_a_folder_is_sent_by_batches_and_may_be_sent_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good = [a_record() for _ in range(3)]
    (tmp_path / "records.jsonl").write_text("\n".join(json.dumps(record) for record in good), "utf-8")
    (tmp_path / "one.xml").write_bytes(as_xml(pair.vn.registry, a_record()))
    (tmp_path / "two.xml").write_bytes(as_xml(pair.vn.registry, a_record()))
    (tmp_path / "wrong.json").write_text(
        json.dumps(a_record() | {"importing_country": "SG"}, indent=1), "utf-8"
    )

    first = await command(monkeypatch, pair.vn.issuer, "send", tmp_path, "--json")
    again = await command(monkeypatch, pair.vn.issuer, "send", tmp_path, "--json")

    assert [one["status"] for one in first.document] == [202, 202, 202, 202, 202, 422]
    assert [one["status"] for one in again.document] == [200, 200, 200, 200, 200, 422]
    assert [one.get("message_id") for one in again.document] == [
        one.get("message_id") for one in first.document
    ]
    assert (first.status, "6 of 6: 1 refused, 5 taken" in first.err) == (1, True)


async def test_an_act_on_many_is_started_watched_and_told(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pair.vn.operator.post("/parties/MY.CUSTOMS/suspend")  # so that none is being sent just now
    sent = [await pair.submitted(importing_country="MY") for _ in range(3)]
    ids = [one.message_id for one in sent]

    shown = await command(monkeypatch, pair.vn.operator, "withdraw", *ids)
    held = await command(monkeypatch, pair.vn.operator, "hold", *ids, "--yes", "--reason", "a drill")
    again = await command(monkeypatch, pair.vn.operator, "hold", *ids, "--yes")
    listed = await command(monkeypatch, pair.vn.operator, "actions", "--json")
    await pair.vn.operator.post("/parties/MY.CUSTOMS/resume")

    assert (shown.status, "3 messages to withdraw:" in shown.out) == (1, True)
    assert (held.status, held.out.splitlines()[-1]) == (0, "done: 3 done, 0 refused, 0 left")
    assert again.status == 1
    assert again.err.count("hold refused") == 3
    assert [one["state"] for one in listed.document[:3]] == ["done", "done", "planned"]


async def test_an_outage_is_declared_seen_and_ended_by_command(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = pair.vn.operator
    declared = await command(monkeypatch, operator, "outage", "MY.CUSTOMS", "--notice", "Issue on paper.")
    parties = await command(monkeypatch, operator, "parties")
    ended = await command(monkeypatch, operator, "resume", "MY.CUSTOMS")
    kept = await command(monkeypatch, operator, "housekeep", "--dry-run")

    assert (declared.status, declared.out) == (0, "MY.CUSTOMS: outage done\n")
    assert "senders are told: Issue on paper." in parties.out
    assert (ended.status, kept.out) == (0, "Every corridor keeps its documents for good.\n")
