"""A ledger with many rows, written by SQL, so that the planner's choices are those of a large one."""

from __future__ import annotations

import re

LARGE = (
    "certificate",
    "message",
    "delivery",
    "event",
    "inbox",
    "document",
    "attempt",
    "receipt",
    "issued_receipt",
    "acknowledgement",
    "customs_response",
    "refused_submission",
    "clock",
    "exception_item",
)

CROWD = """
ALTER TABLE delivery DISABLE TRIGGER USER;
INSERT INTO certificate (direction, issuing_country, family, number, form, exporting_country,
                         importing_country, party, exporter, issue_date, organisation, content_digest,
                         message_no, submitted_at, acknowledgement, customs_response, life)
SELECT CASE WHEN n % 300 = 0 THEN 'in' ELSE 'out' END, 'VN', 'atiga/form-d', 'VN-' || n, 'atiga/form-d/1.0',
       'VN', 'TH', CASE WHEN n % 400 = 0 THEN 'MY.CUSTOMS' ELSE 'TH.CUSTOMS' END, 'exporter', '2026-11-20',
       'O' || n % 500, '\\x00', n, timestamptz '2026-01-01Z' + n * interval '1 minute',
       CASE WHEN n % 1000 = 7 THEN 'rejected' ELSE 'accepted' END,
       CASE WHEN n % 1000 = 8 THEN 'preference_denied' END,
       CASE WHEN n % 1000 = 9 THEN 'cancelled' ELSE 'in_force' END
  FROM generate_series(1, 20000) AS n;
INSERT INTO message (message_no, direction, party, message_id, conversation_id, type, form, certificate_no,
                     certificate_number, digest, created_at, recorded_at)
SELECT message_no, direction, party, 'm' || message_no || '@x', 'c' || message_no || '@x', 'certificate',
       form, certificate_no, number, '\\x00', submitted_at, submitted_at
  FROM certificate;
INSERT INTO document (message_no, kind, body) SELECT message_no, 'wire', '\\x00' FROM message;
INSERT INTO issued_receipt (message_no, signer_until, body) SELECT message_no, now(), '\\x00' FROM message;
INSERT INTO delivery (message_no, party, conversation_id, side, recorded_at, moved_at, status, due_at,
                      waits_used)
SELECT message_no, party, conversation_id, 'out', recorded_at, recorded_at,
       CASE WHEN message_no > 19900 THEN 'ready_to_send'
            WHEN message_no % 1000 = 3 THEN 'expired'
            WHEN message_no % 1000 = 4 THEN 'awaiting_retry'
            ELSE 'delivered' END,
       CASE WHEN message_no % 1000 = 4 THEN now() + interval '1 hour' ELSE now() - interval '1 hour' END,
       CASE WHEN message_no % 1000 = 4 THEN 3 ELSE 0 END
  FROM message WHERE direction = 'out';
INSERT INTO event (place, at, what, message_no, certificate_no, party, side, organisation)
SELECT (1::bigint << 48) + n / 10, now(), 'delivery:delivered', n, n, 'TH.CUSTOMS',
       CASE WHEN n % 300 = 0 THEN 'in' ELSE 'out' END, 'O' || n % 500
  FROM generate_series(1, 20000) AS n;
INSERT INTO inbox (place, message_no, type, side, organisation)
SELECT (1::bigint << 48) + n / 10, n,
       CASE WHEN n % 300 = 0 THEN 'certificate' ELSE 'acknowledgement' END, 'out', 'O' || n % 500
  FROM generate_series(1, 20000) AS n;
INSERT INTO attempt (message_no, attempt_no, at, outcome, took_ms)
SELECT message_no, 1, now(), 'delivered', 5 FROM message;
INSERT INTO receipt (message_no, digest, signer, at, recorded_at, body)
SELECT message_no, '\\x00', 'CN=TH', now(), now(), '\\x00' FROM message;
INSERT INTO acknowledgement (message_no, outcome, acknowledged_by, findings, at)
SELECT message_no, 'accepted', 'gateway', '[]', now() FROM message;
INSERT INTO customs_response (certificate_no, message_no, item, outcome, at)
SELECT certificate_no, message_no, 1, 'utilised', now() FROM certificate;
INSERT INTO refused_submission (at, actor, content_type, findings, body)
SELECT now(), 'clerk', 'application/xml', '[]', '\\x00' FROM generate_series(1, 20000);
INSERT INTO clock (name, starts, message_no, certificate_no, party, owner, limit_told, started_at, warn_at,
                   due_at, state, warned_at, breached_at)
SELECT 'validity', 'certificate-issued', n, n, 'TH.CUSTOMS', 'operator', '1 day', at, at, at,
       CASE WHEN n % 1000 = 5 THEN 'warned' ELSE 'stopped' END, at, at
  FROM generate_series(1, 20000) AS n,
       LATERAL (SELECT timestamptz '2026-01-01Z' + n * interval '1 minute') AS t (at);
INSERT INTO exception (code, party, owner, cause, next_action, first_opened_at, opened_at, last_seen_at)
VALUES ('T04', 'TH.CUSTOMS', 'operator', 'T04: away', 'Look.', now(), now(), now());
INSERT INTO exception_item (exception_no, message_no, cause, opened_at, closed_at)
SELECT exception_no, n, 'T04', timestamptz '2026-01-01Z' + n * interval '1 minute',
       CASE WHEN n % 1000 <> 6 THEN now() END
  FROM exception, generate_series(1, 20000) AS n;
ALTER TABLE delivery ENABLE TRIGGER USER;
ANALYZE;
"""


def scanned_whole(plan: str) -> list[str]:
    """Large tables that a plan reads from end to end."""
    return [table for table in LARGE if re.search(rf"Seq Scan on {table}\b", plan)]
