"""A page holds one connection, and nobody who holds one may wait for another."""

from __future__ import annotations

import pytest

from gateway.store.ledger import Ledger


async def test_asking_the_ledger_inside_a_page_is_told_at_once(ledger: Ledger) -> None:
    async with ledger.page():
        with pytest.raises(RuntimeError, match="read through the page"):
            await ledger.document(1)


async def test_after_the_page_the_ledger_answers_again(ledger: Ledger) -> None:
    async with ledger.page():
        pass

    assert await ledger.document(1) is None
