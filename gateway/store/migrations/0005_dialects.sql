-- A message may travel in a dialect: what it says in canonical form is kept beside its exact bytes, as the document of
-- the kind 'canonical'.
ALTER TABLE message ADD COLUMN dialect text;

CREATE OR REPLACE VIEW message_row AS
SELECT m.message_no, m.direction, m.party, m.message_id, m.conversation_id, m.type, m.form, m.certificate_no,
       m.certificate_number, m.ref_to_message_id, m.digest, m.created_at, m.recorded_at, m.valid, m.findings,
       m.organisation, d.status AS delivery,
       CASE WHEN d.status NOT IN ('ready_to_send', 'awaiting_retry', 'awaiting_receipt') THEN d.cause
            WHEN s.notice IS NOT NULL THEN 'outage declared by ' || s.suspended_by || ': ' || s.notice
            WHEN s.suspended_by IS NOT NULL THEN 'party suspended by ' || s.suspended_by
            WHEN c.suspended_by IS NOT NULL THEN 'corridor suspended by ' || c.suspended_by
            ELSE d.cause
       END AS cause,
       EXISTS (SELECT FROM parked p WHERE p.message_no = m.message_no) AS parked,
       m.dialect
  FROM message m
  LEFT JOIN delivery d ON d.message_no = m.message_no
  LEFT JOIN party_state s ON s.party = d.party
  LEFT JOIN corridor_state c ON c.party = d.party AND c.form = form_family(m.form);
