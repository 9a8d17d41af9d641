"""What the nodes are configured by, so that a change of it can be told by what it changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from gateway.store.connect import Connections
from gateway.store.finishing import finished
from gateway.store.statements import queries


class Configuration:
    """The ledger's part about it."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def configured(self, node: str, files: Mapping[str, str], *, who: str, at: datetime) -> bool:
        """
        A node has read its configuration; an event tells what is not as it read it last.

        The first time there is nothing to compare with, and no event.

        Args:
            files: by name, the SHA-256 of each.

        Returns:
            whether anything has changed.
        """
        told = "\n".join(f"{name} {digest}" for name, digest in sorted(files.items()))
        async with self._pool.acquire() as connection:
            changed = await finished(
                queries.configured(
                    connection,
                    node=node,
                    files=dict(files),
                    sha256=hashlib.sha256(told.encode()).hexdigest(),
                    who=who,
                    at=at,
                )
            )
        return changed is not None
