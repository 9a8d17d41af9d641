"""Whatever the description of the national API lets a caller send is answered as the description says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.exchange.exploring import explore
from tests.exchange.pair import pair
from tests.servers import Servers

EXAMPLES = 2  # of each call; the soak takes many


@pytest.mark.filterwarnings(  # the nodes share this process, and draw how long they rest
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)
@pytest.mark.timeout(240)
async def test_every_call_answers_as_it_is_described_and_never_breaks(
    tmp_path: Path, servers: Servers
) -> None:
    async with pair(tmp_path, servers) as both:
        await both.exchange("VN-DESCRIBED-1")
        document = await both.vn.call("GET", "openapi.json")

        faults = await asyncio.to_thread(
            explore, document, both.vn.address.url, both.vn.headers, examples=EXAMPLES
        )

    assert "\n".join(faults) == ""
