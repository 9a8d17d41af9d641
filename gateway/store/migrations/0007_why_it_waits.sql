-- What a delivery waits for, in words: another message of its conversation, a party that asked for peace, what
-- its own last attempt met, or what a later one of another message did.

CREATE FUNCTION why_waiting(waiting delivery) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
               (SELECT 'behind message ' || m.message_id || ' of the same '
                       || CASE WHEN waiting.certificate_no IS NULL THEN 'conversation' ELSE 'certificate' END
                  FROM delivery ahead
                  JOIN message m ON m.message_no = ahead.message_no
                 WHERE ahead.conversation_id = waiting.conversation_id
                   AND ahead.party = waiting.party
                   AND ahead.open
                   AND ahead.message_no < waiting.message_no
                   AND (ahead.status NOT IN ('ready_to_send', 'sending') OR ahead.cause IS NOT NULL
                        OR known.failures > 0)
                 ORDER BY ahead.message_no
                 LIMIT 1),
               CASE WHEN known.asked AND known.rest_until > now() THEN known.cause END,
               waiting.cause,
               CASE WHEN known.failures > 0 THEN known.cause END)
      FROM (SELECT) AS one
      LEFT JOIN lane known ON known.party = waiting.party
$$;

CREATE OR REPLACE VIEW message_row AS
SELECT m.message_no, m.direction, m.party, m.message_id, m.conversation_id, m.type, m.form, m.certificate_no,
       m.certificate_number, m.ref_to_message_id, m.digest, m.created_at, m.recorded_at, m.valid, m.findings,
       m.organisation, d.status AS delivery,
       CASE WHEN d.status NOT IN ('ready_to_send', 'awaiting_retry', 'awaiting_receipt') THEN d.cause
            WHEN s.notice IS NOT NULL THEN 'outage declared by ' || s.suspended_by || ': ' || s.notice
            WHEN s.suspended_by IS NOT NULL THEN 'party suspended by ' || s.suspended_by
            WHEN c.suspended_by IS NOT NULL THEN 'corridor suspended by ' || c.suspended_by
            WHEN d.open THEN why_waiting(d)
       END AS cause,
       EXISTS (SELECT FROM parked p WHERE p.message_no = m.message_no) AS parked,
       m.dialect
  FROM message m
  LEFT JOIN delivery d ON d.message_no = m.message_no
  LEFT JOIN party_state s ON s.party = d.party
  LEFT JOIN corridor_state c ON c.party = d.party AND c.form = form_family(m.form);
