"""The event log at a million events: how long a proof takes, and an audit of the whole."""

from __future__ import annotations

import statistics
import time

import asyncpg

from bench.figures import Check
from bench.ground import Ground
from gateway.store.connect import connect
from gateway.store.ledger import Ledger
from gateway.store.migrate import migrate

NAME = "log"
ENTRIES = 1_000_000
PROOFS = 500
PROOF_MOST_MS = 10.0
AUDIT_MOST_S = 120.0

# Events as a busy gateway writes them: six a message, some hundreds of messages a transaction.
_MESSAGES = """
INSERT INTO message (message_no, direction, party, message_id, conversation_id, type, form,
                     certificate_number, digest, created_at, recorded_at)
SELECT n, 'out', 'TH.CUSTOMS', 'm' || n || '@vn.moit', 'c' || n || '@vn.moit', 'certificate',
       'atiga/form-d/1.0', 'VN-' || n, sha256(n::text::bytea), now(), now()
  FROM generate_series(0, $1::int / 6) AS n
"""
_EVENTS = """
INSERT INTO event (place, at, what, message_no, party, side, detail)
SELECT (1::bigint << 48) + 1 + n / ($1::int / 400 + 1), now() - ($1::int - n) * interval '1 ms',
       'delivery:sending', n / 6, 'TH.CUSTOMS', 'out', '{"from": "ready_to_send"}'
  FROM generate_series(0, $1::int - 1) AS n
"""


async def event_log(ground: Ground) -> Check:
    """How near a proof and an audit come to what they may take, whichever is nearer."""
    url = await ground.server.create("event_log")
    await migrate(url)
    pool = await connect(url, connections=2)
    try:
        ground.say(f"{NAME}: writing {ENTRIES} events")
        await pool.execute(_MESSAGES, ENTRIES)
        await pool.execute(_EVENTS, ENTRIES)
        await pool.execute("ANALYZE")
        return await _measured(ground, pool)
    finally:
        pool.terminate()


async def _measured(ground: Ground, pool: asyncpg.Pool) -> Check:
    ledger = Ledger(pool)
    began, cpu = time.monotonic(), time.process_time()
    size = await ledger.log.grow()
    grown_s, python_us = time.monotonic() - began, (time.process_time() - cpu) / size * 1e6
    ground.say(f"{NAME}: {size} leaves in {grown_s:.1f} s")
    cpu = time.process_time()
    proof_ms = await _proof_ms(ledger)
    proof_cpu_ms = (time.process_time() - cpu) / PROOFS * 1e3
    began, cpu = time.monotonic(), time.process_time() + ground.server.cpu_s()
    leaves = await _audited(ledger)
    audit_s, audit_cpu_s = time.monotonic() - began, time.process_time() + ground.server.cpu_s() - cpu
    return Check(
        name=NAME,
        says=f"a proof, and an audit of {leaves} events, as a share of what they may take",
        value=max(proof_ms / PROOF_MOST_MS, audit_s / AUDIT_MOST_S),
        at_most=1.0,
        figures={
            "events": leaves,
            "grown_per_second": round(size / grown_s),
            "gateway_cpu_us_per_event": round(python_us, 2),
            "proof_ms": round(proof_ms, 2),
            "proof_gateway_cpu_ms": round(proof_cpu_ms, 2),
            "audit_s": round(audit_s, 1),
            "audit_cpu_s": round(audit_cpu_s, 1),
        },
    )


async def _proof_ms(ledger: Ledger) -> float:
    """The median over some hundred events, in the tree of all."""
    took = []
    items, _ = await ledger.events(after=None, limit=PROOFS)
    for item in items:
        began = time.perf_counter()
        await ledger.log.inclusion(item.cursor)
        took.append((time.perf_counter() - began) * 1e3)
    return statistics.median(took)


async def _audited(ledger: Ledger) -> int:
    leaves, begin = 0, 0
    while True:
        page = await ledger.audit(begin)
        assert not page.faults, page.faults[:3]
        leaves += page.leaves
        if page.following is None:
            return leaves
        begin = page.following
