"""``track`` against a node that answers as the API's page says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.exchange.cli_house import NodeThatRemembers, a_certificate, a_message, running
from tests.unit.cli.program import Program, program

__all__ = ["program"]


@pytest.fixture
def node() -> Iterator[NodeThatRemembers]:
    with running(NodeThatRemembers(certificates=[a_certificate("VN/D 2026-1")])) as node:
        yield node


def test_a_certificate_number_gives_the_whole_object(node: NodeThatRemembers, program: Program) -> None:
    ended = program("track", "VN/D 2026-1", "--to", node.url, "--json")

    assert (ended.status, ended.err) == (0, "")
    assert ended.json == node.certificates[0]
    assert "/api/v1/certificates/VN/form-d/VN%2FD%202026-1" in node.called("GET")


def test_the_timeline_reads_at_80_columns(node: NodeThatRemembers, program: Program) -> None:
    ended = program("track", "VN/D 2026-1", "--to", node.url)

    assert ended.status == 0
    assert "VN/D 2026-1  atiga/form-d/1.0  VN -> TH" in ended.out
    assert "certificate to TH.CUSTOMS: delivered" in ended.out
    assert "2026-11-21 08:00:01Z  retry: T01: cannot connect to th.example:8443: refused" in ended.out
    assert "accepted by the gateway" in ended.out
    assert "submission:accepted" in ended.out
    assert "\x1b" not in ended.out


def test_what_nobody_knows_is_exit_1(node: NodeThatRemembers, program: Program) -> None:
    ended = program("track", "NO-SUCH", "--to", node.url)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == "eco-gateway: NO-SUCH: no certificate and no message of that name is known here\n"


def test_a_number_on_several_forms_is_exit_2_and_the_list(node: NodeThatRemembers, program: Program) -> None:
    node.certificates.append(a_certificate("VN/D 2026-1", form="rcep/form-rcep/1.0"))

    ended = program("track", "VN/D 2026-1", "--to", node.url)

    assert (ended.status, ended.out) == (2, "")
    assert "atiga/form-d/1.0" in ended.err
    assert "rcep/form-rcep/1.0" in ended.err


@pytest.mark.parametrize("form", ["form-rcep", "rcep/form-rcep", "rcep/form-rcep/1.0"])
def test_the_form_tells_them_apart(node: NodeThatRemembers, program: Program, form: str) -> None:
    node.certificates.append(a_certificate("VN/D 2026-1", form="rcep/form-rcep/1.0"))

    ended = program("track", "VN/D 2026-1", "--form", form, "--to", node.url, "--json")

    assert ended.json["form"] == "rcep/form-rcep/1.0"


def test_any_message_of_a_certificate_leads_to_it(node: NodeThatRemembers, program: Program) -> None:
    answer = a_message("co/1@th.customs", type="customs-response", direction="in", delivery=None)
    node.certificates[0]["messages"].append(answer)
    node.messages["co/1@th.customs"] = answer | {
        "certificate_number": "VN/D 2026-1",
        "form": "atiga/form-d/1.0",
    }

    ended = program("track", "co/1@th.customs", "--to", node.url, "--json")

    assert ended.json["certificate_number"] == "VN/D 2026-1"
    assert "/api/v1/messages/co%2F1%40th.customs" in node.called("GET")


def test_a_message_about_no_certificate_is_its_own_story(node: NodeThatRemembers, program: Program) -> None:
    ping = a_message("ping-1@vn.moit", type="ping", acknowledgement=None)
    node.messages["ping-1@vn.moit"] = ping | {"certificate_number": None, "form": "exchange/ping/1.0"}

    as_json = program("track", "ping-1@vn.moit", "--to", node.url, "--json").json
    as_text = program("track", "ping-1@vn.moit", "--to", node.url).out

    assert set(as_json) == set(node.certificates[0]) - {"chain"}
    assert (as_json["certificate_number"], as_json["life"]) == (None, None)
    assert as_json["events"][0]["what"] == "receipt:stored"
    assert "ping to TH.CUSTOMS: delivered" in as_text


def test_customs_responses_and_findings_are_told(node: NodeThatRemembers, program: Program) -> None:
    story = node.certificates[0]
    story["customs_responses"] = [
        {
            "item": 2,
            "outcome": "partially_utilised",
            "quantity": {"value": 40, "unit": "KGM"},
            "declaration": "D-1",
            "date": "2026-11-22",
            "reason": None,
            "at": "2026-11-22T01:00:00.000Z",
        }
    ]
    story["messages"][0]["acknowledgement"] |= {
        "outcome": "rejected",
        "findings": [{"code": "C04", "severity": "error", "box": "9", "text": "FOB value\x1b[31m missing"}],
    }

    out = program("track", "VN/D 2026-1", "--to", node.url).out

    assert "partially_utilised" in out
    assert "40 KGM" in out
    assert "C04 error box 9: FOB value�[31m missing" in out
