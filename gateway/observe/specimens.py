"""Every node judges by the specimen lists that were imported, on whichever node that was."""

from __future__ import annotations

import asyncio

from gateway.domain.specimen import LiveSpecimens, Specimens, list_of
from gateway.store.ledger import Ledger


class SpecimenWatch:
    """Takes in what was imported; ``look`` is called by the node, before its first message and then again."""

    def __init__(self, specimens: LiveSpecimens, ledger: Ledger) -> None:
        self._specimens = specimens
        self._ledger = ledger
        self._last = 0
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Take in the lists that came since the last look."""
        async with self._looking:
            rows = await self._ledger.specimen_lists(after=self._last)
            if rows:
                known = self._specimens.now.lists
                self._specimens.now = Specimens((*known, *(list_of(row.content) for row in rows)))
                self._last = rows[-1].list_no
