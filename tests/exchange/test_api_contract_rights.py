"""Who may do what, who sees what, and what a stranger is told; every role against every call."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from gateway.domain.caller import Role
from gateway.domain.ids import PartyId
from gateway.intake.issuer import ISSUER, KEY_FILE, mint, public_jwk
from tests.exchange.contract import CLOCK, Caller, Exchanged, Pair, a_record, inbox_path, two_gateways
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

R = Role
ALL = set(Role)
NOWHERE = "none%40vn.moit"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two_gateways(servers, tmp_path_factory.mktemp("rights")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own(pair: Pair) -> Exchanged:
    """A certificate of the organisation HN."""
    return await pair.exchange(organisation="HN")


MATRIX = [
    ("POST", "/certificates", {R.ISSUER}),
    ("POST", "/certificates/batch", {R.ISSUER}),
    ("POST", "/certificates/VN/form-d/none/cancellation", {R.ISSUER}),
    ("POST", "/certificates/validate", ALL),
    ("GET", "/certificates", ALL),
    ("GET", "/certificates/VN/form-d/none", ALL),
    ("GET", f"/messages/{NOWHERE}", ALL),
    ("GET", f"/messages/{NOWHERE}/timeline", ALL),
    ("GET", f"/messages/{NOWHERE}/document", {R.ISSUER, R.CUSTOMS, R.OPERATOR, R.AUDITOR}),
    ("GET", "/inbox", {R.ISSUER, R.CUSTOMS, R.OPERATOR, R.AUDITOR}),
    ("GET", f"/inbox/{NOWHERE}", {R.ISSUER, R.CUSTOMS, R.OPERATOR, R.AUDITOR}),
    ("POST", f"/inbox/{NOWHERE}/acknowledgement", {R.CUSTOMS}),
    ("POST", f"/inbox/{NOWHERE}/customs-response", {R.CUSTOMS}),
    ("POST", f"/inbox/{NOWHERE}/verification-request", {R.CUSTOMS}),
    ("POST", f"/inbox/{NOWHERE}/verification-result", {R.CUSTOMS}),
    ("POST", f"/inbox/{NOWHERE}/retransmission-request", {R.CUSTOMS}),
    ("POST", f"/inbox/{NOWHERE}/verification-reply", {R.ISSUER}),
    ("POST", f"/inbox/{NOWHERE}/status-query", {R.ISSUER, R.CUSTOMS, R.OPERATOR}),
    ("GET", "/events", ALL),
    ("GET", "/events/stream?after=none", ALL),
    ("POST", f"/messages/{NOWHERE}/hold", {R.OPERATOR, R.ADMINISTRATOR}),
    ("POST", f"/messages/{NOWHERE}/release", {R.OPERATOR, R.ADMINISTRATOR}),
    ("POST", f"/messages/{NOWHERE}/resend", {R.OPERATOR, R.ADMINISTRATOR}),
    ("POST", f"/messages/{NOWHERE}/withdraw", {R.OPERATOR, R.ADMINISTRATOR}),
    ("POST", "/parties/NO.BODY/suspend", {R.OPERATOR, R.ADMINISTRATOR}),
    ("POST", "/parties/NO.BODY/resume", {R.OPERATOR, R.ADMINISTRATOR}),
    ("GET", "/clocks", ALL - {R.EXPORTER}),
    ("GET", "/exceptions", ALL - {R.EXPORTER}),
    ("GET", "/exceptions/0", ALL - {R.EXPORTER}),
    ("GET", "/exceptions/0/items", ALL - {R.EXPORTER}),
    ("POST", "/exceptions/0/take", {R.ISSUER, R.CUSTOMS, R.OPERATOR, R.ADMINISTRATOR}),
    ("POST", "/exceptions/0/hand-back", {R.ISSUER, R.CUSTOMS, R.OPERATOR, R.ADMINISTRATOR}),
    ("POST", "/exceptions/0/note", {R.ISSUER, R.CUSTOMS, R.OPERATOR, R.ADMINISTRATOR}),
    ("POST", "/exceptions/0/close", {R.ISSUER, R.CUSTOMS, R.OPERATOR, R.ADMINISTRATOR}),
    ("GET", "/parties", {R.OPERATOR, R.AUDITOR, R.ADMINISTRATOR}),
    ("GET", "/lanes", {R.OPERATOR, R.AUDITOR, R.ADMINISTRATOR}),
    ("GET", "/submissions", {R.ISSUER, R.OPERATOR, R.AUDITOR}),
    ("GET", "/openapi.json", ALL),
    ("GET", "//metrics", {R.OPERATOR, R.AUDITOR, R.ADMINISTRATOR}),
]


@pytest.mark.parametrize(("method", "path", "roles"), MATRIX, ids=[f"{m} {p}" for m, p, _ in MATRIX])
async def test_a_role_may_what_the_table_says_before_anything_else_is_looked_at(
    pair: Pair, method: str, path: str, roles: set[Role]
) -> None:
    for role in Role:
        reply = await pair.vn.as_(role).call(method, path)
        if role in roles:
            assert reply.status in (200, 400, 404, 415, 422), (role, reply.body)
        else:
            assert (reply.status, reply.body["status"], reply.body["findings"]) == (403, 403, []), role
    nobody = await pair.vn.stranger.call(method, path)
    assert (nobody.status, nobody.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_several_roles_add_up(pair: Pair, own: Exchanged) -> None:
    both = pair.vn.as_(R.ISSUER, R.OPERATOR, organisation="HCM")

    assert (await both.get("/lanes")).status == 200
    assert (await both.submit(a_record())).status == 202
    assert (await both.get(own.path)).status == 200  # operators see all
    assert (await both.post(f"{own.path}/cancellation", {"reason": "x"})).status == 404  # issuers their own


async def test_another_organisations_things_are_not_there(pair: Pair, own: Exchanged) -> None:
    arrived = await pair.vn.operator.items("/inbox")
    (answer,) = [one["message_id"] for one in arrived if one["ref_to_message_id"] == own.message_id]
    paths = [own.path, own.message, f"{own.message}/timeline", f"{own.message}/document", inbox_path(answer)]
    callers: dict[str, Caller] = {
        "own": pair.vn.as_(R.ISSUER, organisation="HN"),
        "whole": pair.vn.issuer,
        "other": pair.vn.as_(R.ISSUER, organisation="HCM"),
        "exporter": pair.vn.as_(R.EXPORTER, organisation="HN"),
        "other exporter": pair.vn.as_(R.EXPORTER, organisation="HCM"),
        "unbound exporter": pair.vn.as_(R.EXPORTER),
        "customs": pair.vn.customs,
        "operator": pair.vn.operator,
        "auditor": pair.vn.as_(R.AUDITOR),
        "administrator": pair.vn.as_(R.ADMINISTRATOR),
    }

    seen = {name: [(await caller.get(path)).status for path in paths] for name, caller in callers.items()}

    assert seen == {
        "own": [200] * 5,
        "whole": [200] * 5,
        "other": [404] * 5,
        "exporter": [200, 200, 200, 403, 403],
        "other exporter": [404, 404, 404, 403, 403],
        "unbound exporter": [404, 404, 404, 403, 403],
        "customs": [404, 404, 404, 404, 200],  # theirs is what was received, and the whole inbox
        "operator": [200] * 5,
        "auditor": [200] * 5,
        "administrator": [200, 200, 200, 403, 403],
    }
    for name in ("other", "other exporter", "unbound exporter", "customs"):
        assert await callers[name].items("/certificates", number=own.number) == [], name
    for name in ("own", "exporter", "operator"):
        assert len(await callers[name].items("/certificates", number=own.number)) == 1, name


async def test_customs_see_what_was_received_and_issuers_do_not(pair: Pair, own: Exchanged) -> None:
    paths = [own.path, own.message, f"{own.message}/document", own.inbox]

    assert [(await pair.th.customs.get(path)).status for path in paths] == [200] * 4
    assert [(await pair.th.issuer.get(path)).status for path in paths] == [404] * 4
    assert [one["certificate_number"] for one in await pair.th.issuer.items("/inbox")] == []


async def test_what_an_organisation_refused_only_it_and_the_house_see(pair: Pair, own: Exchanged) -> None:
    foreign = await pair.vn.as_(R.ISSUER, organisation="HCM").submit(own.record | {"issue_place": "Hue"})

    assert (foreign.status, foreign.codes) == (409, ["D05"])
    mine = await pair.vn.as_(R.ISSUER, organisation="HN").items("/submissions")
    theirs = await pair.vn.as_(R.ISSUER, organisation="HCM").items("/submissions")
    assert foreign.body["submission_id"] not in [one["submission_id"] for one in mine]
    assert foreign.body["submission_id"] in [one["submission_id"] for one in theirs]


def _unsigned(claims: Any) -> str:
    parts = ({"alg": "none"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, ""])


async def test_a_credential_that_does_not_hold_is_none(pair: Pair) -> None:
    settings = pair.vn.settings
    home, clock = PartyId("VN.MOIT"), settings.make_clock()
    now = int(clock().timestamp())
    claims = {"iss": ISSUER, "aud": "VN.MOIT", "sub": "x", "roles": ["operator"], "exp": now + 3600}
    own_key = ECKey.import_key((settings.data / KEY_FILE).read_bytes())
    other_key = ECKey.generate_key("P-256")
    public = OctKey.import_key(public_jwk(settings.data))

    def signed(key: Any = own_key, algorithm: str = "ES256", **differently: Any) -> str:
        return jwt.encode({"alg": algorithm}, claims | differently, key, algorithms=[algorithm])

    good = signed()
    tokens = {
        "expired": mint(settings.data, home, [R.OPERATOR], None, -1, clock),
        "another audience": signed(aud="TH.CUSTOMS"),
        "another issuer's name": signed(iss="https://issuer.example"),
        "another issuer's key": signed(other_key),
        "the public key as a secret": signed(public, "HS256"),
        "unsigned": _unsigned(claims),
        "cut": good[:-3],
        "another gateway's": pair.th.operator.token or "",
        "no end": jwt.encode({"alg": "ES256"}, {k: v for k, v in claims.items() if k != "exp"}, own_key),
        "not yet": signed(nbf=now + 3600),
        "nothing": "",
        "garbage": "x.y.z",
    }

    async def status(authorization: str) -> int:
        reply = await pair.vn.stranger.call("GET", "/parties", headers={"Authorization": authorization})
        assert reply.status == 200 or reply.headers["WWW-Authenticate"] == "Bearer"
        return reply.status

    assert {name: await status(f"Bearer {token}") for name, token in tokens.items()} == dict.fromkeys(
        tokens, 401
    )
    assert await status(f"Basic {good}") == 401
    assert await status(f"bearer {good}") == 200
    wizard = signed(roles=["wizard"])
    reply = await pair.vn.stranger.call("GET", "/certificates", headers={"Authorization": f"Bearer {wizard}"})
    assert reply.status == 403


async def test_a_stranger_is_told_nothing_but_health(pair: Pair) -> None:
    stranger = pair.vn.stranger

    for path in ("/openapi.json", "//metrics", "/nothing", "//nothing", "//", "/inbox", "/events/stream"):
        reply = await stranger.get(path)
        assert (reply.status, reply.body["status"]) == (401, 401), path
        assert reply.headers["WWW-Authenticate"] == "Bearer"
    for path in ("//health/live", "//health/ready"):
        reply = await stranger.get(path)
        assert (reply.status, list(reply.body)) == (200, ["status"])


async def test_tokens_survive_a_restart(pair: Pair) -> None:
    caller = pair.th.operator
    assert (await caller.get("/parties")).status == 200
    await pair.th.restart()

    assert (await caller.get("/parties")).status == 200


async def test_figures_are_for_prometheus(pair: Pair, own: Exchanged) -> None:
    reply = await pair.vn.as_(R.AUDITOR).get("//metrics")

    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"# TYPE" in reply.raw
    assert b"TH.CUSTOMS" in reply.raw


async def test_parties_are_shown_as_their_files_say(pair: Pair) -> None:
    page = (await pair.vn.operator.get("/parties")).body

    assert [one["id"] for one in page["items"]] == ["MY.CUSTOMS", "TH.CUSTOMS"]  # not ourselves
    th = page["items"][1]
    assert (th["country"], th["acknowledgements"], th["suspended_by"]) == ("TH", True, None)
    assert {one["use"] for one in th["certificates"]} == {"sign", "tls"}
    assert all(one["from"] <= f"{CLOCK:%Y-%m-%dT%H:%M:%S}" <= one["to"] for one in th["certificates"])
