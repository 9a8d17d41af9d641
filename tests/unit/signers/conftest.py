from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.unit.signers.tokens import Tokens


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tokens]:
    """SoftHSM with tokens of this process alone."""
    try:
        yield Tokens(tmp_path_factory.mktemp("softhsm"))
    finally:
        os.environ.pop("SOFTHSM2_CONF", None)
