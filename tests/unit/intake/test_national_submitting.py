"""Certificates handed in, and all that can be wrong with how."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.domain.errors import Finding
from gateway.intake.desk import SubmissionRefused
from gateway.intake.routes import PREFIX
from gateway.intake.serving import Limits
from tests.unit.intake.doors import (
    XML,
    DeskThatRefuses,
    DeskThatTakesAll,
    as_,
    national_door,
    open_at,
    problem,
    taken_in,
    until,
)

pytestmark = pytest.mark.enable_socket


async def test_the_first_submission_is_202_and_the_same_again_200_with_the_same_answer() -> None:
    desk = DeskThatTakesAll()
    async with national_door(desk=desk) as client:
        calls = [
            await client.post(f"{PREFIX}/certificates", data=b"<C/>", headers={**XML, **as_("issuer@A")})
            for _ in range(2)
        ]

        first, again = [await call.json() for call in calls]

    assert [call.status for call in calls] == [202, 200]
    assert first == again
    assert list(first) == ["message_id", "certificate_number", "form", "receiver"]
    assert desk.submitted[0][:2] == (b"<C/>", "application/xml")
    assert desk.submitted[0][2].organisation == "A"


@pytest.mark.parametrize(
    "kind",
    [
        "application/xml; charset=utf-8",
        "Application/XML",
        "application/json",
    ],
)
async def test_parameters_and_case_of_a_content_type_do_not_matter(kind: str) -> None:
    async with national_door() as client:
        headers = {"Content-Type": kind, **as_("issuer")}

        response = await client.post(f"{PREFIX}/certificates", data=b"x", headers=headers)

        assert response.status == 202


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Content-Type": "text/xml"}, id="text-xml"),
        pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, id="a-form"),
        pytest.param({"Content-Type": ""}, id="none"),
        pytest.param({**XML, "Content-Encoding": "gzip"}, id="packed"),
    ],
)
@pytest.mark.parametrize("path", ["", "/validate", "/batch"])
async def test_another_content_type_is_415(path: str, headers: dict[str, str]) -> None:
    async with national_door() as client:
        url = f"{PREFIX}/certificates{path}"

        response = await client.post(url, data=b"x", headers={**headers, **as_("issuer")})

        await problem(response, 415)


def refused(code: str) -> SubmissionRefused:
    return SubmissionRefused("0b7e", code, [Finding(code=code, text="why")])


@pytest.mark.parametrize(
    ("code", "status"),
    [
        pytest.param("C04", 422, id="content"),
        pytest.param("S01", 422, id="unreadable"),
        pytest.param("D05", 409, id="number-taken"),
        pytest.param("S04", 413, id="too-large"),
    ],
)
async def test_a_refused_submission_tells_its_findings_and_where_it_is_kept(code: str, status: int) -> None:
    async with national_door(desk=DeskThatRefuses(refused(code))) as client:
        headers = {**XML, **as_("issuer")}

        body = await problem(await client.post(f"{PREFIX}/certificates", data=b"x", headers=headers), status)

    assert (body["code"], body["submission_id"]) == (code, "0b7e")
    assert body["findings"][0]["code"] == code


async def test_validate_tells_what_it_found_and_is_never_itself_an_error() -> None:
    async with national_door(desk=DeskThatRefuses(refused("S01"))) as client:
        headers = {**XML, **as_("exporter")}

        response = await client.post(f"{PREFIX}/certificates/validate", data=b"<", headers=headers)

        body = await response.json()
    assert (response.status, body["form"], body["valid"]) == (200, None, False)
    assert body["findings"][0]["line"] == 1


async def endless(size: int) -> Any:
    for _ in range(size):
        yield b"x" * 1024


@pytest.mark.parametrize(
    ("size", "status"), [pytest.param(2048, 202, id="exactly"), pytest.param(2049, 413, id="one-byte-more")]
)
async def test_the_size_cap_takes_exactly_its_number_of_bytes(size: int, status: int) -> None:
    async with national_door(limits=Limits(body_bytes=2048)) as client:
        headers = {**XML, **as_("issuer")}

        response = await client.post(f"{PREFIX}/certificates", data=b"x" * size, headers=headers)

        assert response.status == status


async def test_a_body_without_a_length_is_cut_off_while_it_streams() -> None:
    desk = DeskThatTakesAll()
    async with national_door(desk=desk, limits=Limits(body_bytes=2048)) as client:
        headers = {**XML, **as_("issuer")}

        response = await client.post(f"{PREFIX}/certificates", data=endless(9), headers=headers)

        body = await problem(response, 413)
    assert body["findings"][0]["code"] == "S04"
    assert desk.submitted == []


async def test_a_body_that_does_not_come_is_given_up() -> None:
    async def slow() -> Any:
        yield b"<"
        await asyncio.Event().wait()

    async with national_door(limits=Limits(body_s=0.05)) as client:
        headers = {**XML, **as_("issuer")}

        await problem(await client.post(f"{PREFIX}/certificates", data=slow(), headers=headers), 408)


async def test_a_client_that_goes_away_mid_body_leaves_no_trace() -> None:
    desk = DeskThatTakesAll()
    with capture_logs() as logs:
        async with national_door(desk=desk, away=(OSError,)) as client:
            _, writer = await asyncio.open_connection(client.host, client.port)
            head = f"POST {PREFIX}/certificates HTTP/1.1\r\nHost: x\r\nContent-Type: application/xml\r\n"
            writer.write(f"{head}Authorization: Bearer issuer\r\nContent-Length: 9\r\n\r\n<C".encode())
            await until(lambda: taken_in(client.server) == 1)
            writer.transport.abort()
            await until(lambda: not open_at(client.server))

    assert (desk.submitted, logs) == ([], [])


async def test_what_broke_here_is_told_by_an_id_alone() -> None:
    secret = "password=hunter2"
    async with national_door(desk=DeskThatRefuses(RuntimeError(secret))) as client:
        headers = {**XML, **as_("issuer")}

        response = await client.post(f"{PREFIX}/certificates", data=b"x", headers=headers)

        body = await problem(response, 500)
    assert len(body["error_id"]) == 16
    assert secret not in json.dumps(body)


async def test_a_database_that_is_away_asks_to_come_back() -> None:
    class DatabaseAway(Exception):
        pass

    desk = DeskThatRefuses(DatabaseAway("no route to host"))
    async with national_door(desk=desk, away=(DatabaseAway,)) as client:
        response = await client.post(f"{PREFIX}/certificates", data=b"x", headers={**XML, **as_("issuer")})

        body = await problem(response, 503)
    assert response.headers["Retry-After"] == "5"
    assert "host" not in body["detail"]
