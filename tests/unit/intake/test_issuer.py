from __future__ import annotations

import json
import multiprocessing
import stat
from datetime import UTC, datetime
from pathlib import Path

from gateway.domain.caller import Role
from gateway.domain.ids import PartyId
from gateway.intake.callers import verifier
from gateway.intake.issuer import KEY_FILE, mint, public_jwk

HOME = PartyId("VN.MOIT")


def clock() -> datetime:
    return datetime(2026, 11, 21, tzinfo=UTC)


def test_a_minted_token_brings_back_its_caller(tmp_path: Path) -> None:
    token = mint(tmp_path / "new", HOME, [Role.ISSUER, Role.AUDITOR], "DGFT", 60, clock)

    caller = verifier(public_jwk(tmp_path / "new"), HOME, clock)(token)

    assert caller.roles == {Role.ISSUER, Role.AUDITOR}
    assert caller.organisation == "DGFT"
    assert caller.subject == "auditor+issuer@DGFT"


def test_the_key_is_made_once_and_its_owner_alone_may_read_it(tmp_path: Path) -> None:
    first = public_jwk(tmp_path)

    assert public_jwk(tmp_path) == first
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_what_is_published_holds_nothing_secret(tmp_path: Path) -> None:
    assert "d" not in json.loads(public_jwk(tmp_path))


def test_processes_that_make_a_key_at_once_agree_on_one(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        published = pool.map(public_jwk, [tmp_path / "shared"] * 9)

    assert len(set(published)) == 1
