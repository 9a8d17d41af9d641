"""What the exchange tests share: one node among neighbours, started once a session."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
import uvloop

from tests.exchange.foreign_world import World, the_world
from tests.servers import Servers, default_kind


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A node of VN.MOIT between its neighbours; tests that use it run in the session's loop."""
    folder = tmp_path_factory.mktemp("world")
    async with servers.database(default_kind()) as url, the_world(folder, url) as world:
        yield world


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """Nodes run here in the loop that ``serve`` runs them in."""
    return {"uvloop": uvloop.new_event_loop}
