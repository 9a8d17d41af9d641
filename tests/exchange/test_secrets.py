"""After a run at the lowest log level no secret that was in play stands anywhere it could be read."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from collections.abc import AsyncIterator, Iterator, Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from gateway.demo.country import Address
from gateway.observe.logs import set_up
from gateway.settings import LogLevel
from tests.exchange.pair import TH, VN, Pair, Papers, Side, pair
from tests.exchange.test_signing_service import PapersElsewhere, out_of_order
from tests.missing import PROGRAMS
from tests.servers import Servers
from tests.unit.signers.signing_server import TOKEN, SigningService, signing_service
from tests.unit.signers.tokens import Token, Tokens

CLIENT_SECRET = "the-console-s-own-secret-5d2e"
FORGED = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJlLW9mLW5vYm9keQ"
SHORTEST = 16


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged, from the lowest level on."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    set_up(level=LogLevel.DEBUG, stream=stream)
    logging.getLogger("library").debug("the lowest level")
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def service() -> Iterator[SigningService]:
    with signing_service(Papers(VN).sign[0].issued.private) as running:
        yield running


class PapersInToken(Papers):
    """The signing key lies in a token."""

    def __init__(self, party: str, tokens: Tokens) -> None:
        super().__init__(party)
        self.token: Token = tokens.with_key(self.sign[0].issued.private)

    def write(self, work: Path, address: Address) -> None:
        super().write(work, address)
        keys = work / "keys" / self.party
        (keys / "sign-1.key").unlink()
        (keys / "sign-hsm.toml").write_text(
            f'certificate = "{self.party.lower()}.sign-1.pem"\n'
            f'[pkcs11]\nuri = "{self.token.uri()}"\npin_file = "pin"\n',
            "utf-8",
        )
        (keys / "pin").touch(0o600)
        (keys / "pin").write_text(self.token.pin, "utf-8")


@pytest.fixture
def abroad(request: pytest.FixtureRequest) -> Papers:
    """TH.CUSTOMS, with its key in a token where this machine has such."""
    if PROGRAMS["softhsm2"].find() is None:
        return Papers(TH)
    return PapersInToken(TH, request.getfixturevalue("tokens"))


def pins_of(papers: Papers) -> dict[str, str]:
    return {"a token's PIN": papers.token.pin} if isinstance(papers, PapersInToken) else {}


def in_files(work: Path) -> dict[str, str]:
    """Every private key on disk, line by line: seals, TLS, the development issuer."""
    found: dict[str, str] = {}
    for path in (path for path in work.rglob("*") if path.is_file()):
        if path.stat().st_mode & 0o077 == 0 and "PRIVATE" in (text := path.read_text(errors="replace")):
            lines = [line for line in text.splitlines() if "-----" not in line and len(line) >= SHORTEST]
            found |= {f"{path.name}, line {number}": line for number, line in enumerate(lines)}
    return found


async def sign_in(side: Side) -> tuple[str, str]:
    """The session's cookie and a page it opens."""
    token = side.headers["Authorization"].removeprefix("Bearer ")
    url = f"{side.address.url}/console"
    form = {"token": token, "form_token": ""}
    headers = {"Origin": side.address.url}
    async with side.session.post(
        f"{url}/sign-in/token", data=form, headers=headers, allow_redirects=False
    ) as answer:
        assert answer.status == 303, await answer.text()
        cookie = SimpleCookie(answer.headers["Set-Cookie"])
    name = next(iter(cookie))
    async with side.session.get(url + "/", headers={"Cookie": f"{name}={cookie[name].value}"}) as answer:
        return cookie[name].value, await answer.text()


async def refusals(both: Pair, service: SigningService) -> str:
    """What callers were told when something was wrong."""
    side, told = both.vn, []
    forged = {"Authorization": f"Bearer {FORGED}"}
    api = f"{side.address.url}/api/v1"
    for method, path, headers, body in (
        ("GET", "lanes", forged, b""),
        ("POST", "certificates", side.headers, b"<a>"),
        ("POST", "certificates", side.headers | {"Content-Type": "application/json"}, b'{"form": 1}'),
        ("GET", "messages/none", side.headers, b""),
        ("GET", "events?after=none", side.headers, b""),
    ):
        async with side.session.request(method, f"{api}/{path}", headers=headers, data=body) as answer:
            assert answer.status >= 400
            told.append(await answer.text())
    service.behaves = out_of_order
    with pytest.raises(AssertionError) as refused:
        await side.submit("VN-SECRET-2")
    service.behaves = None
    return "\n".join((*told, str(refused.value)))


async def tables(side: Side) -> str:
    """Events, attempts, sessions and settings of the database, as text."""
    connection = await asyncpg.connect(side.database)
    try:
        names = await connection.fetch(
            "SELECT table_name AS name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'document'"
        )
        rows: list[Any] = []
        for name in names:
            rows += await connection.fetch(f'SELECT t::text AS row FROM "{name["name"]}" t')
    finally:
        await connection.close()
    return "\n".join(row["row"] for row in rows)


async def metrics(side: Side) -> str:
    async with side.session.get(f"{side.address.url}/metrics", headers=side.headers) as answer:
        assert answer.status == 200
        return await answer.text()


def unpacked(bundle: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return "\n".join(archive.read(name).decode(errors="replace") for name in archive.namelist())


@pytest.fixture
async def traces() -> AsyncIterator[tuple[list[bytes], str]]:
    """What nodes tell a collector of traces, and where it is."""
    taken: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        taken.append(await request.read())
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    async with TestServer(app) as server:
        yield taken, str(server.make_url("/v1/traces"))


def personal(record: Mapping[str, Any]) -> dict[str, str]:
    """What a certificate says of people: whatever has a name or an address."""
    told = {}
    for key in ("exporter", "consignee", "producer"):
        if isinstance(who := record.get(key), dict):
            told[f"{key}'s name"] = who.get("name", "")
            told |= {f"{key}'s address, {line}": line for line in who.get("address", ())}
    return {what: text for what, text in told.items() if len(text) > 8}


async def test_no_secret_and_nobody_s_name_stands_where_it_could_be_read(
    tmp_path: Path,
    servers: Servers,
    service: SigningService,
    abroad: Papers,
    lines: io.StringIO,
    traces: tuple[list[bytes], str],
) -> None:
    """Secrets: nowhere at all. People: not in logs, figures, traces, or what strangers are told."""
    papers = [PapersElsewhere(VN, service), abroad]
    more: dict[str, Any] = {
        "log_level": LogLevel.DEBUG,
        "client_secret": SecretStr(CLIENT_SECRET),
        "otlp_endpoint": traces[1],
    }
    async with pair(tmp_path, servers, papers, **more) as both:
        told = {}
        people = personal(both.vn.record("VN-SECRET-1"))
        await both.vn.call("POST", "certificates", both.vn.record("VN-SECRET-3", issue_place=""), 422)
        await both.exchange("VN-SECRET-1")
        session, told["page"] = await sign_in(both.vn)
        sent = both.vn.headers["Authorization"].removeprefix("Bearer ")
        told["evidence"] = unpacked(await both.evidence("VN-SECRET-1"))
        told["errors"] = await refusals(both, service)
        told["metrics"] = await metrics(both.vn)
        told["database"] = await tables(both.vn) + await tables(both.th)
    told["logs"] = lines.getvalue()
    told["traces"] = b"\n".join(traces[0]).decode(errors="replace")
    secrets = in_files(tmp_path) | pins_of(abroad)
    secrets |= {
        "the service's token": TOKEN,
        "the client secret": CLIENT_SECRET,
        "a forged token": FORGED,
        "a signature of a token": sent.rpartition(".")[2],
        "a session": session,
    }

    assert len(secrets) > 10
    assert any(name.startswith("development-issuer.key") for name in secrets)
    assert {"the lowest level", "signing_key_lost"} <= {
        json.loads(line)["event"] for line in told["logs"].splitlines()
    }
    assert "VN-SECRET-1" in told["database"]
    assert "VN-SECRET-1" in told["evidence"]
    assert "deliver" in told["traces"]
    assert people
    assert all(text in told["evidence"] for text in people.values())
    assert found_in(told, secrets) == []
    assert found_in({place: told[place] for place in ("logs", "errors", "metrics", "traces")}, people) == []


def found_in(told: Mapping[str, str], secrets: Mapping[str, str]) -> list[str]:
    return [
        f"{name} in {place}" for name, secret in secrets.items() for place in told if secret in told[place]
    ]


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    papers = Papers(TH)
    papers.write(tmp_path, Address(api=1, exchange=2))

    assert {name.partition(",")[0] for name in in_files(tmp_path)} == {"sign-1.key", "tls-1.key"}
