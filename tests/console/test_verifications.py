"""Verification requests on a page: both sides see what must be answered by when, by the agreement's law."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.console.verifications import _left
from gateway.console.words import Family
from gateway.domain.caller import Role
from tests.console.visits import Scene, sign_in

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


@pytest.mark.parametrize(
    ("days", "family", "words"),
    [
        (90, Family.QUIET, "90 d left"),
        (30, Family.WARN, "30 d left"),
        (8, Family.WARN, "8 d left"),
        (7, Family.BAD, "7 d left"),
        (-3, Family.BAD, "Overdue by 3 d"),
    ],
)
async def test_the_nearer_the_end_the_graver(days: int, family: Family, words: str) -> None:
    chip = _left(timedelta(days=days))

    assert (chip.family, chip.text) == (family, words)


async def test_a_request_shows_its_clocks_to_both_sides_and_to_nobody_else(scene: Scene) -> None:
    pair = scene.pair
    one = await pair.exchange(organisation="HN")
    asked = await pair.th.customs.post(
        f"{one.inbox}/verification-request", {"kind": "retroactive-check", "questions": ["Who made it?"]}
    )
    assert asked.status == 202, asked.body
    await pair.vn.operator.until(
        "/inbox",
        lambda page: any(
            item["type"] == "verification-request" and item["certificate_number"] == one.number
            for item in page["items"]
        ),
        type="verification-request",
    )

    pages = {
        "home": (await (await sign_in(pair.vn, Role.AUDITOR)).open("/console/verifications")).text,
        "abroad": (await (await sign_in(pair.th, Role.CUSTOMS)).open("/console/verifications")).text,
        "another": (
            await (await sign_in(pair.vn, Role.ISSUER, organisation="SG")).open("/console/verifications")
        ).text,
    }

    assert one.number in pages["home"]
    assert "by TH.CUSTOMS, of us" in pages["home"]
    assert "Reply to a verification: day 1" in pages["home"]
    assert "Conclusion of a verification: day 1" in pages["home"]
    assert "by us, of VN.MOIT" in pages["abroad"]
    assert "Reply to our verification" in pages["abroad"]
    assert one.number not in pages["another"]
    assert "No verification is open." in pages["another"]
