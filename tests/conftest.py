"""What tests of every room may ask for."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from gateway.store.connect import connect
from gateway.store.ledger import Ledger
from tests.servers import Servers, clear_what_was_left_behind, default_kind
from tests.unit.signers.tokens import Tokens


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """PostgreSQL servers, started on demand."""
    clear_what_was_left_behind()
    running = Servers()
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def server_kind() -> str:
    """Which server the test runs on; a folder's own conftest may ask for several."""
    return default_kind()


@pytest.fixture
async def database_url(servers: Servers, server_kind: str) -> AsyncIterator[str]:
    """URL of a migrated database that is this test's own."""
    async with servers.database(server_kind) as url:
        yield url


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool on this test's database."""
    opened = await connect(database_url, connections=24, at_least=1)
    try:
        yield opened
    finally:
        opened.terminate()


@pytest.fixture
async def ledger(pool: asyncpg.Pool) -> Ledger:
    """A ledger on this test's database."""
    return Ledger(pool)


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tokens]:
    """SoftHSM with tokens of this process alone; for tests that are marked as needing it."""
    try:
        yield Tokens(tmp_path_factory.mktemp("softhsm"))
    finally:
        os.environ.pop("SOFTHSM2_CONF", None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for the most time begins first, so that no worker ends with the longest test alone."""
    items.sort(key=_time_asked_for, reverse=True)


def _time_asked_for(item: pytest.Item) -> float:
    marked = item.get_closest_marker("timeout")
    return float(marked.args[0]) if marked else 0.0
