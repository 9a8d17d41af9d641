from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.observe.logs import redact, set_up
from gateway.settings import LogFormat, LogLevel

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
CERTIFICATE = "<?xml version='1.0'?><CertificateOfOrigin><Exporter>Lotus Ltd</Exporter></CertificateOfOrigin>"


class Lines(io.StringIO):
    def read_json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield Lines()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_one_json_object_with_the_process_clocks_time(lines: Lines) -> None:
    set_up(clock=lambda: NOON, stream=lines)

    structlog.get_logger().info("delivery_moved", status="delivered")

    assert lines.read_json() == [
        {"at": "2026-11-21T12:00:00.000Z", "level": "info", "event": "delivery_moved", "status": "delivered"}
    ]


def test_what_was_bound_stands_on_every_line_within(lines: Lines) -> None:
    set_up(stream=lines)

    with structlog.contextvars.bound_contextvars(message_id="m@vn.moit", party="TH.CUSTOMS"):
        structlog.get_logger().info("delivery_moved")
    structlog.get_logger().info("lane_rested")

    within, without = lines.read_json()
    assert (within["message_id"], within["party"]) == ("m@vn.moit", "TH.CUSTOMS")
    assert "message_id" not in without


def test_less_grave_lines_than_the_level_are_not_written(lines: Lines) -> None:
    set_up(level=LogLevel.WARNING, stream=lines)

    structlog.get_logger().info("delivery_moved")
    logging.getLogger("aiohttp.server").info("told")

    assert lines.getvalue() == ""


def test_lines_of_libraries_take_the_same_form(lines: Lines) -> None:
    set_up(clock=lambda: NOON, stream=lines)

    logging.getLogger("aiohttp.server").error("Error handling %s", "request")

    assert lines.read_json() == [
        {"at": "2026-11-21T12:00:00.000Z", "level": "error", "event": "Error handling request"}
    ]


def test_the_signature_library_never_writes_what_it_signs(lines: Lines) -> None:
    set_up(level=LogLevel.DEBUG, stream=lines)

    logging.getLogger("signxml").debug(CERTIFICATE)
    logging.getLogger("signxml.verifier").debug(CERTIFICATE)

    assert lines.getvalue() == ""


def test_a_caught_error_is_told_with_its_cause_and_without_local_variables(lines: Lines) -> None:
    set_up(stream=lines)
    note = CERTIFICATE

    try:
        try:
            raise ValueError(f"could not read {note}")
        except ValueError as cause:
            raise RuntimeError("attempt broke") from cause
    except RuntimeError:
        structlog.get_logger().exception("attempt_broke")

    (line,) = lines.read_json()
    assert [step["exc_value"] for step in line["exception"]] == ["attempt broke", "could not read [document]"]
    assert "Lotus" not in lines.getvalue()


@pytest.mark.parametrize("form", LogFormat)
@pytest.mark.parametrize(
    ("facts", "secret"),
    [
        pytest.param({"document": CERTIFICATE}, "Lotus", id="document"),
        pytest.param({"reason": f"seen: {CERTIFICATE}!"}, "Lotus", id="document-in-a-text"),
        pytest.param({"request_body": "plain words"}, "plain", id="body"),
        pytest.param({"whatever": b"\x00secret"}, "secret", id="bytes"),
        pytest.param({"token": "abc"}, "abc", id="token"),
        pytest.param({"headers": {"Authorization": "Basic abcdef"}}, "abcdef", id="header"),
        pytest.param({"headers": ["Authorization: Bearer abc.def"]}, "abc", id="header-as-text"),
        pytest.param({"note": "got eyJhbGciOi.eyJzdWIiOi.c2ln"}, "eyJ", id="jwt"),
        pytest.param({"url": "postgresql://eco:hunter2@db/x"}, "hunter2", id="password"),
        pytest.param(
            {"note": "-----BEGIN PRIVATE KEY-----\nMIIsecret\n-----END PRIVATE KEY-----"},
            "MIIsecret",
            id="pem",
        ),
        pytest.param({"signing_key": "MIIsecret"}, "MIIsecret", id="key"),
    ],
)
def test_what_must_stay_inside_is_not_written(
    facts: dict[str, Any], secret: str, form: LogFormat, lines: Lines
) -> None:
    set_up(format=form, stream=lines)

    structlog.get_logger().warning("thing_noticed", **facts)

    assert "thing_noticed" in lines.getvalue()
    assert secret not in lines.getvalue()


def test_what_may_be_read_is_left_as_it_is() -> None:
    line = {
        "event": "delivery_moved",
        "message_id": "m@vn.moit",
        "cause": "T01: cannot connect to gateway.th.example:8443: refused",
        "attempts": 3,
        "waited": None,
        "text": "3 < 4 and 5 > 4",
        "content_type": "application/xml",
    }

    assert redact(None, "info", dict(line)) == line


@given(st.text(), st.text(min_size=12, alphabet="abcdef"), st.text())
def test_a_document_is_cut_out_of_any_text(before: str, secret: str, after: str) -> None:
    text = f"{before}<Exporter>{secret}</Exporter>{after}"

    told = str(redact(None, "info", {"event": "thing_noticed", "reason": text})["reason"])

    assert secret not in told or secret in before + after


def test_a_very_long_text_is_cut() -> None:
    told = redact(None, "info", {"event": "thing_noticed", "reason": "x" * 1_000_000})

    assert len(told["reason"]) < 25_000


def test_setting_up_again_replaces_what_was_set_up_before(lines: Lines) -> None:
    first = Lines()
    set_up(stream=first)
    set_up(stream=lines)

    structlog.get_logger().info("delivery_moved")

    assert first.getvalue() == ""
    assert len(lines.read_json()) == 1
