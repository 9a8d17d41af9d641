"""The API guide, typed as it stands against two gateways: every line that it promises must come."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.console.visits import Scene
from tests.missing import needs
from tests.newcomer import ROOT, Newcomer

PAGE = ROOT / "docs" / "api.md"


@needs("curl")
@pytest.mark.timeout(180)
@pytest.mark.asyncio(loop_scope="session")
async def test_every_example_of_the_api_guide_does_what_it_says(scene: Scene, tmp_path: Path) -> None:
    pair = scene.pair
    given = {
        "VN": pair.vn.url,
        "VN_ISSUER": pair.vn.issuer.token or "",
        "TH": pair.th.url,
        "TH_CUSTOMS": pair.th.customs.token or "",
    }

    reader = Newcomer(tmp_path, page=PAGE, given=given)

    await asyncio.to_thread(reader.follow, *range(1, 7))
