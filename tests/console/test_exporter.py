"""An exporter reads its own certificates, and is told what customs abroad make of them; of no others."""

from __future__ import annotations

import pytest

from gateway.domain.caller import Role
from tests.console.visits import Scene, sign_in, words

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_a_denied_preference_and_a_verification_reach_the_exporter_whose_goods_they_are(
    scene: Scene,
) -> None:
    pair = scene.pair
    one = await pair.exchange(organisation="HN")
    denied = {"no": 1, "outcome": "preference_denied", "reason": "Origin is not proven"}
    asked = await pair.th.customs.post(
        f"{one.inbox}/verification-request", {"kind": "retroactive-check", "questions": ["Who made it?"]}
    )
    answered = await pair.th.customs.post(f"{one.inbox}/customs-response", {"items": [denied]})
    assert (asked.status, answered.status) == (202, 202), (asked.body, answered.body)
    mine, theirs = (pair.vn.as_(Role.EXPORTER, organisation=name) for name in ("HN", "HCM"))
    await mine.until(one.path, lambda story: "preference_denied" in str(story))
    await mine.until(one.path, lambda story: "verification-request" in str(story))

    told = {
        (event["certificate_number"], event["what"]) for event in await mine.items("/events", limit="500")
    }
    page = words((await (await sign_in(pair.vn, Role.EXPORTER, organisation="HN")).open("/console/")).text)
    listed = await (await sign_in(pair.vn, Role.EXPORTER, organisation="HN")).open("/console/messages")
    others = await (await sign_in(pair.vn, Role.EXPORTER, organisation="HCM")).open("/console/messages")

    assert (one.number, "customs-response:preference_denied") in told
    assert any(number == one.number and "verification" in what for number, what in told), told
    assert "Preference denied" in words(listed.text)
    assert page == ""  # its first page is that list
    assert one.number not in others.text
    assert all(e["certificate_number"] != one.number for e in await theirs.items("/events", limit="500"))
