"""A store that has seen much: messages written by SQL as if they had been exchanged, sealed and answered."""

from __future__ import annotations

import asyncpg

from bench.certificates import EXPORTING, FORM, FORM_ID, IMPORTING
from bench.gateways import RECEIVER, SENDER
from gateway.store.connect import connect
from gateway.store.ledger import Ledger
from gateway.store.migrate import migrate

_BODY_BYTES = 240

_SEED = """
ALTER TABLE delivery DISABLE TRIGGER USER;

INSERT INTO certificate
       (certificate_no, direction, issuing_country, family, number, form, exporting_country,
        importing_country, party, exporter, issue_date, content_digest, message_no, submitted_at,
        acknowledgement, acknowledged_by)
OVERRIDING SYSTEM VALUE
SELECT n, '{direction}', '{exporting}', '{family}', 'SEED ' || n, '{form}', '{exporting}', '{importing}',
       '{party}', 'Exporter ' || n % 1000, current_date - (n % 300)::integer, sha256(n::text::bytea), n,
       now() - make_interval(secs => {count} - n), 'accepted', 'gateway'
  FROM generate_series(1, {count}) AS n;

INSERT INTO message
       (message_no, direction, party, message_id, conversation_id, type, form, certificate_no,
        certificate_number, digest, content_digest, created_at, recorded_at, valid)
SELECT n, '{direction}', '{party}', gen_random_uuid() || '@seed', 'co-' || gen_random_uuid(), 'certificate',
       '{form}', n, 'SEED ' || n, sha256(n::text::bytea), sha256(n::text::bytea),
       now() - make_interval(secs => {count} - n), now() - make_interval(secs => {count} - n), true
  FROM generate_series(1, {count}) AS n;

INSERT INTO document (message_no, kind, body)
SELECT n, 'wire', convert_to(repeat(md5(n::text), {body} / 32), 'UTF8')
  FROM generate_series(1, {count}) AS n;

INSERT INTO event (at, what, message_no, certificate_no, party, side)
SELECT now(), '{what}', n, n, '{party}', '{direction}' FROM generate_series(1, {count}) AS n;

SELECT setval('message_number', {count}),
       setval(pg_get_serial_sequence('certificate', 'certificate_no'), {count});
"""

_SENT = """
INSERT INTO delivery
       (message_no, party, conversation_id, certificate_no, side, recorded_at, status, attempts, moved_at)
SELECT message_no, party, conversation_id, certificate_no, 'out', recorded_at, 'delivered', 1, recorded_at
  FROM message;
INSERT INTO attempt (message_no, attempt_no, at, outcome, took_ms)
SELECT message_no, 1, recorded_at, 'delivered', 9 FROM message;
INSERT INTO receipt (message_no, digest, signer, at, recorded_at, body)
SELECT message_no, digest, 'CN=seed', recorded_at, recorded_at, digest FROM message;
"""

_RECEIVED = """
INSERT INTO issued_receipt (message_no, signer_until, body)
SELECT message_no, now() + interval '1 year', digest FROM message;
INSERT INTO inbox (message_no, type, side)
SELECT message_no, 'certificate', 'in' FROM message ORDER BY message_no;
INSERT INTO acknowledgement (message_no, outcome, acknowledged_by, findings, at)
SELECT message_no, 'accepted', 'gateway', '[]', recorded_at FROM message;
"""

_SETTLE = "ALTER TABLE delivery ENABLE TRIGGER USER;"


async def seed(database: str, party: str, count: int) -> None:
    """
    Fill the empty *database* of *party* with *count* small certificates, all delivered and answered.

    The event log is grown over them, and statistics are taken, as they would be by the time.
    """
    await migrate(database)
    sends = party == SENDER
    values = {
        "count": count,
        "body": _BODY_BYTES,
        "direction": "out" if sends else "in",
        "what": "delivery:delivered" if sends else "acknowledgement:accepted",
        "party": RECEIVER if sends else SENDER,
        "exporting": EXPORTING,
        "importing": IMPORTING,
        "form": FORM_ID,
        "family": FORM,
    }
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(_SEED.format(**values) + (_SENT if sends else _RECEIVED) + _SETTLE)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    pool = await connect(database)
    try:
        ledger = Ledger(pool)
        while await ledger.log.grow():
            pass
    finally:
        await pool.close()
