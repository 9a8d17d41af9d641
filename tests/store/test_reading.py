"""Small readings: what is not there, settings, documents."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from gateway.domain.errors import NotFound
from gateway.store.ledger import Ledger
from tests.store.making import AT, MINUTE, TH, a_certificate, certificate_of, claim_due


async def test_what_is_not_there_is_told(ledger: Ledger) -> None:
    for asked in (ledger.message(404), ledger.story(404), ledger.story_of_message(404)):
        with pytest.raises(NotFound):
            await asked
    assert await ledger.find_messages("nobody@nowhere") == []
    assert await ledger.document(404) is None


@pytest.mark.parametrize("kind", ["receipt", "issued_receipt", "no such kind"])
async def test_a_document_that_is_not_there_is_none(ledger: Ledger, kind: str) -> None:
    await ledger.submit(a_certificate())
    certificate = await certificate_of(ledger)

    assert await ledger.document(certificate.message_no, kind) is None


async def test_large_documents_come_back_byte_for_byte(ledger: Ledger) -> None:
    content = bytes(range(256)) * 20_000
    await ledger.submit(a_certificate("VN-1", content))
    certificate = await certificate_of(ledger)

    assert await ledger.document(certificate.message_no, "submitted") == content


async def test_a_setting_is_kept_once(ledger: Ledger) -> None:
    assert await ledger.setting("issuer") is None

    assert await ledger.setting("issuer", "first") == "first"
    assert await ledger.setting("issuer", "second") == "first"
    assert await ledger.setting("issuer") == "first"


async def test_nodes_that_start_at_once_agree_on_a_setting(ledger: Ledger) -> None:
    kept = await asyncio.gather(*(ledger.setting("issuer", f"node {n}") for n in range(10)))

    assert len(set(kept)) == 1


async def test_a_cancelled_submission_is_kept_or_not_begun(ledger: Ledger) -> None:
    task = asyncio.create_task(ledger.submit(a_certificate()))
    await asyncio.sleep(0.002)
    task.cancel()
    await asyncio.wait([task])

    answer = await ledger.submit(a_certificate())
    rows, _ = await ledger.certificates()

    assert len(rows) == 1
    assert answer.message_id == rows[0].message_id


async def test_a_claim_is_written_by_the_gateways_clock(pool: asyncpg.Pool) -> None:
    drill = Ledger(pool, clock=lambda: AT + MINUTE)
    await drill.submit(a_certificate())

    (claim,) = await claim_due(drill, TH, lease_s=60, limit=1)

    events = (await drill.story_of_message(claim.message_no)).events
    assert (events[-1].what, events[-1].at) == ("delivery:sending", AT + MINUTE)
