"""What the exchange tests share: one node among neighbours, started once a session."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.exchange.foreign_world import World, the_world
from tests.servers import Servers, default_kind


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A node of VN.MOIT between its neighbours; tests that use it run in the session's loop."""
    folder = tmp_path_factory.mktemp("world")
    async with servers.database(default_kind()) as url, the_world(folder, url) as world:
        yield world
