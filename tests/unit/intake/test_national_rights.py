"""Who may do what, over HTTP: every route against every role."""

from __future__ import annotations

import pytest

from gateway.domain.caller import Role
from gateway.intake.roles import MAY
from gateway.intake.routes import PREFIX, Call
from tests.unit.intake.doors import (
    ARRIVED,
    CALLS,
    NAMES,
    ONE,
    SENT,
    as_,
    full_ledger,
    national_door,
    path_of,
    problem,
)
from tests.unit.intake.rows import a_certificate, a_message

pytestmark = pytest.mark.enable_socket


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
async def test_every_call_wants_a_credential(call: Call) -> None:
    async with national_door() as client:
        for headers in ({}, as_("forged"), {"Authorization": "Basic eDp5"}):
            response = await client.request(call.method, path_of(call), headers=headers)

            await problem(response, 401)
            assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
async def test_every_route_answers_exactly_the_roles_of_its_right(call: Call) -> None:
    async with national_door() as client:
        for role in Role:
            async with client.request(call.method, path_of(call), headers=as_(role)) as response:
                assert (response.status != 403) == (role in MAY[call.right])


@pytest.mark.parametrize("call", [c for c in CALLS if len(MAY[c.right]) < len(Role)], ids=lambda c: c.name)
async def test_what_a_role_may_not_do_is_refused_before_path_query_and_body_are_looked_at(call: Call) -> None:
    nowhere = {"issuing_country": "??", "form": "no", "number": "\0", "id": "\0", "name": "\0"}
    role = next(role for role in Role if role not in MAY[call.right])
    async with national_door() as client:
        url = path_of(call, nowhere) + "?unknown=1"

        response = await client.request(call.method, url, headers=as_(role), data=b"\xff")

        await problem(response, 403)


async def test_a_token_without_a_role_may_nothing() -> None:
    async with national_door() as client:
        for call in CALLS:
            async with client.request(call.method, path_of(call), headers=as_("nobody")) as response:
                assert response.status == 403


async def test_the_rights_of_several_roles_add_up() -> None:
    async with national_door() as client:
        response = await client.get(f"{PREFIX}/lanes", headers=as_("issuer+auditor"))

        assert response.status == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_health_is_open_and_says_only_its_status(path: str) -> None:
    async with national_door() as client:
        response = await client.get(path)

        assert (response.status, list(await response.json())) == (200, ["status"])


@pytest.mark.parametrize(
    "path", ["/", "/api/v1", "/api/v1/nothing", "/api/v2/certificates", "/health", "/metrics"]
)
async def test_strangers_learn_nothing_of_other_paths(path: str) -> None:
    async with national_door() as client:
        await problem(await client.get(path), 401)


@pytest.mark.parametrize("path", ["/", "/api/v1/nothing", "/api/v1/certificates/VN/form-rcep"])
async def test_a_path_that_leads_nowhere_is_a_404_problem(path: str) -> None:
    async with national_door() as client:
        await problem(await client.get(path, headers=as_("operator")), 404)


async def test_a_method_that_is_not_taken_names_those_that_are() -> None:
    async with national_door() as client:
        response = await client.delete(f"{PREFIX}/certificates", headers=as_("operator"))

        await problem(response, 405)
        assert set(response.headers["Allow"].split(",")) == {"GET", "POST"}


async def test_metrics_are_for_those_who_operate() -> None:
    async with national_door() as client:
        response = await client.get("/metrics", headers=as_("auditor"))

        assert await response.text() == "eco_gateway_up 1\n"
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        await problem(await client.get("/metrics", headers=as_("issuer")), 403)


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        pytest.param("issuer", ONE, 200, id="the-issuing-authority-sees-what-it-issued"),
        pytest.param("issuer@A", ONE, 200, id="an-issuer-sees-its-own"),
        pytest.param("exporter@A", ONE, 200, id="an-exporter-sees-its-own"),
        pytest.param("issuer@B", ONE, 404, id="another-issuers-certificate"),
        pytest.param("exporter@B", ONE, 404, id="another-exporters-certificate"),
        pytest.param("exporter", ONE, 404, id="an-exporter-of-nothing"),
        pytest.param("customs", ONE, 404, id="customs-see-what-was-received"),
        pytest.param("issuer@A", SENT, 200, id="own-message"),
        pytest.param("issuer@B", SENT, 404, id="another-issuers-message"),
        pytest.param("issuer@B", SENT + "/timeline", 404, id="another-issuers-timeline"),
        pytest.param("issuer@B", SENT + "/document", 404, id="another-issuers-document"),
        pytest.param("customs", SENT + "/document", 404, id="a-document-that-was-not-received"),
        pytest.param("customs", ARRIVED, 200, id="customs-read-the-inbox"),
        pytest.param("issuer@A", ARRIVED, 404, id="a-received-certificate-is-not-an-issuers"),
        pytest.param("issuer", ARRIVED, 404, id="nor-the-whole-issuing-authoritys"),
        pytest.param("issuer@B+", ONE, 401, id="a-token-of-nobody"),
    ],
)
async def test_anothers_things_are_not_there(who: str, path: str, status: int) -> None:
    ledger = full_ledger()
    ledger.rows[0] = a_certificate(organisation="A")
    ledger.mail[0] = a_message(organisation="A")
    headers = as_(who) if "+" not in who else as_("forged")
    async with national_door(ledger=ledger) as client:
        response = await client.get(path, headers=headers)

        assert response.status == status


async def test_anothers_certificate_cannot_be_cancelled() -> None:
    ledger = full_ledger()
    ledger.rows[0] = a_certificate(organisation="A")
    async with national_door(ledger=ledger) as client:
        url = ONE + "/cancellation"

        response = await client.post(url, json={"reason": "wrong"}, headers=as_("issuer@B"))

        await problem(response, 404)
