"""The store is tested on the embedded PostgreSQL and on the oldest one it promises to run on."""

from __future__ import annotations

import pytest

from tests.missing import needs
from tests.servers import GIVEN

_KINDS = (
    [pytest.param("given", id="given")]
    if GIVEN is not None
    else [
        pytest.param("embedded", id="embedded"),
        pytest.param("postgresql-15", id="postgresql-15", marks=needs("postgresql-15")),
    ]
)


@pytest.fixture(params=_KINDS)
def server_kind(request: pytest.FixtureRequest) -> str:
    """Which server the test runs on."""
    return str(request.param)
