"""What the exchange tests share: one node among neighbours, started once a session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.exchange.foreign_world import World, the_world
from tests.servers import Servers, default_kind


@pytest.fixture(scope="session")
def servers_apart() -> Iterator[Servers]:
    """
    Servers for what outlives a test.

    Between tests its loop stands still, perhaps within a transaction, and whatever reads events on the same
    server waits for that transaction to end.
    """
    running = Servers()
    try:
        yield running
    finally:
        running.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(servers_apart: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A node of VN.MOIT between its neighbours; tests that use it run in the session's loop."""
    folder = tmp_path_factory.mktemp("world")
    async with servers_apart.database(default_kind()) as url, the_world(folder, url) as world:
        yield world
