"""From claims and certificates to callers, by a file or without one; and how often one may knock."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web

from gateway.domain.caller import Caller, Role
from gateway.domain.errors import Misconfigured
from gateway.identity.grants import load_grants
from gateway.identity.limits import RateLimit
from gateway.identity.proving import development_tokens, prover
from gateway.identity.who import national_tls
from gateway.intake.callers import NotProven
from gateway.settings import Settings

FILE = """
[claims]
subject = "preferred_username"
organisation = "unit.code"
roles = "realm_access.roles"

[roles]
operator = ["eco-operators", "duty"]
auditor = ["eco-audit"]
"""


def test_without_a_file_a_token_says_our_own_roles() -> None:
    person = load_grants(None).person({"sub": "s", "roles": ["operator", "king"], "org": "DGFT", "name": "N"})

    assert person.caller == Caller(subject="s", roles=frozenset({Role.OPERATOR}), organisation="DGFT")
    assert person.name == "N"


def test_a_file_translates_groups_and_names_claims(tmp_path: Path) -> None:
    file = tmp_path / "roles.toml"
    file.write_text(FILE)
    claims = {
        "sub": "0b9c",
        "preferred_username": "lan",
        "unit": {"code": "HN"},
        "realm_access": {"roles": ["duty", "operator", "eco-audit"]},
    }

    caller = load_grants(file).person(claims).caller

    assert caller == Caller(subject="lan", roles=frozenset({Role.OPERATOR, Role.AUDITOR}), organisation="HN")
    assert load_grants(file).person(claims | {"realm_access": {"roles": ["operator"]}}).caller.roles == set()


@pytest.mark.parametrize(
    "claims",
    [{}, {"sub": ""}, {"sub": 7}, {"sub": "a\nb"}, {"sub": "s", "roles": 7}, {"sub": "s", "org": ["x"]}],
)
def test_claims_that_cannot_be_read_prove_nobody(claims: dict[str, object]) -> None:
    with pytest.raises(NotProven):
        load_grants(None).person(claims)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[claim]\nsub = 'x'", "unknown key; did you mean 'claims'?"),
        ("[roles]\nking = ['x']", "roles"),
        ("[[certificate]]\nsha256 = 'ab'\nsubject = 's'\nroles = ['customs']", "64 hexadecimal digits"),
        (f"[[certificate]]\nsha256 = '{'a' * 64}'\nsubject = 's'\nroles = []", "certificate[0].roles"),
    ],
)
def test_a_faulty_file_is_told_by_its_key(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "roles.toml"
    file.write_text(text)

    with pytest.raises(Misconfigured) as caught:
        load_grants(file)

    assert complaint in str(caught.value)


async def test_a_national_system_is_known_by_the_certificate_it_shows(tmp_path: Path) -> None:
    authority = trustme.CA()
    here, known, stranger = (authority.issue_cert(name) for name in ("localhost", "nsw.example", "x.example"))
    for name, pem in (("cert", here.cert_chain_pems[0]), ("key", here.private_key_pem)):
        pem.write_to_path(tmp_path / f"{name}.pem")
    authority.cert_pem.write_to_path(tmp_path / "anchors.pem")
    der = ssl.PEM_cert_to_DER_cert(known.cert_chain_pems[0].bytes().decode())
    (tmp_path / "roles.toml").write_text(
        f'[[certificate]]\nsha256 = "{hashlib.sha256(der).hexdigest()}"\n'
        'subject = "nsw"\nroles = ["customs"]\n'
    )
    settings = Settings(
        tls_certificate=tmp_path / "cert.pem",
        tls_key=tmp_path / "key.pem",
        tls_clients=tmp_path / "anchors.pem",
    )
    grants = load_grants(tmp_path / "roles.toml")
    prove = prover(development_tokens(lambda token: Caller(subject=token, roles=frozenset())), grants)

    async def who(request: web.Request) -> web.Response:
        try:
            return web.Response(text=(await prove(request)).subject)
        except NotProven:
            return web.Response(status=401)

    app = web.Application()
    app.router.add_get("/", who)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=national_tls(settings)).start()
    url = f"https://localhost:{runner.addresses[0][1]}/"

    async def ask(shown: trustme.LeafCert | None, **headers: str) -> str:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        if shown is not None:
            shown.configure_cert(context)
        async with aiohttp.ClientSession() as client, client.get(url, ssl=context, headers=headers) as answer:
            return await answer.text() if answer.status == 200 else str(answer.status)

    try:
        assert await ask(known) == "nsw"
        assert await ask(stranger) == "401"
        assert await ask(None) == "401"
        assert await ask(known, Authorization="Bearer t") == "t"
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)


def test_one_address_may_knock_so_often_and_another_all_the_same() -> None:
    now = [0.0]
    limit = RateLimit(3, clock=lambda: now[0])

    assert [limit.allows("a") for _ in range(5)] == [True, True, True, False, False]
    assert limit.allows("b")
    now[0] = 21.0
    assert [limit.allows("a") for _ in range(2)] == [True, False]


def test_addresses_are_forgotten_before_they_fill_memory() -> None:
    limit = RateLimit(1, remembered=2, clock=lambda: 0.0)

    assert [limit.allows(name) for name in "abcabc"] == [True] * 6
