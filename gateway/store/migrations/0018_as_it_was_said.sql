-- Of what customs said of an item under one declaration, the last that was said counts, however late the others come:
-- a response that comes after its own correction is in no trouble any more.

CREATE OR REPLACE VIEW message_trouble AS
SELECT m.message_no, m.direction, m.type, m.party, m.certificate_no, m.certificate_number, m.findings,
       d.status AS delivery, d.cause,
       ack.outcome AS acknowledgement, ack.findings AS acknowledgement_findings,
       coalesce(c.organisation, m.organisation) AS organisation, c.direction AS side, c.life,
       c.message_no AS carried_by_message_no,
       said.entries AS customs, refused.detail AS refused_answer,
       (m.direction = 'in' AND m.certificate_no IS NULL AND EXISTS (
            SELECT FROM certificate k WHERE k.number = m.certificate_number AND k.party = m.party)) AS found_since,
       (m.type = 'verification-request' AND EXISTS (
            SELECT FROM message r
             WHERE r.certificate_no = m.certificate_no
               AND r.message_no > m.message_no
               AND (r.ref_to_message_id = m.message_id AND r.type = 'verification-reply'
                    OR r.type = 'verification-result'))) AS answered
  FROM message m
  LEFT JOIN delivery d ON d.message_no = m.message_no
  LEFT JOIN certificate c ON c.certificate_no = m.certificate_no
  LEFT JOIN LATERAL (
       SELECT a.outcome, a.findings
         FROM acknowledgement a
        WHERE a.message_no = m.message_no
        ORDER BY a.acknowledged_by = 'national-system' DESC, a.acknowledgement_no DESC
        LIMIT 1) AS ack ON true
  LEFT JOIN LATERAL (           -- what this response said of an item, where nothing later replaced it
       SELECT jsonb_agg(jsonb_build_object('item', r.item, 'outcome', r.outcome, 'reason', r.reason)
                        ORDER BY r.entry_no) AS entries
         FROM customs_response r
        WHERE m.type = 'customs-response'
          AND r.message_no = m.message_no
          AND NOT EXISTS (
                  SELECT FROM customs_response later
                    JOIN message l ON l.message_no = later.message_no
                   WHERE later.certificate_no = r.certificate_no
                     AND later.item = r.item
                     AND later.declaration IS NOT DISTINCT FROM r.declaration
                     AND (l.created_at, later.entry_no) > (m.created_at, r.entry_no))) AS said ON true
  LEFT JOIN LATERAL (           -- an answer of our national system that the ledger refused, and none since
       SELECT e.detail
         FROM event e
        WHERE e.message_no = m.message_no
          AND e.what = 'answer:refused'
          AND NOT EXISTS (
                  SELECT FROM customs_response later
                   WHERE later.certificate_no = m.certificate_no AND later.at >= e.at)
        ORDER BY e.event_no DESC
        LIMIT 1) AS refused ON m.direction = 'in' AND m.type = 'certificate';
