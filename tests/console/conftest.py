"""One scene for all tests of the console: two gateways, a party that is down, four certificates."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.console.visits import Scene, set_scene
from tests.exchange.contract import two_gateways
from tests.servers import Servers


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def scene(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with two_gateways(servers, tmp_path_factory.mktemp("console")) as pair:
        yield await set_scene(pair)
