-- Pages: the rarer ways of writing.

-- name: write_outbound(party, message_id, conversation_id, type, form, certificate_no, certificate_number, ref_to_message_id, digest, created_at, at, organisation, actor, dialect, wire, submitted, canonical)$
-- Write an outbound message, its bytes and the delivery it owes; its message_no.
WITH written AS (
    INSERT INTO message
           (direction, party, message_id, conversation_id, type, form, certificate_no, certificate_number,
            ref_to_message_id, digest, created_at, recorded_at, organisation, actor, dialect)
    VALUES ('out', :party, :message_id, :conversation_id, :type, :form, :certificate_no, :certificate_number,
            :ref_to_message_id, :digest, :created_at, :at::timestamptz, :organisation, :actor, :dialect)
    RETURNING message_no, party, conversation_id, certificate_no, organisation, recorded_at
), documented AS (
    INSERT INTO document (message_no, kind, body)
    SELECT written.message_no, d.kind, d.body
      FROM written, (VALUES ('wire', :wire::bytea), ('submitted', :submitted::bytea),
                            ('canonical', :canonical::bytea)) AS d (kind, body)
     WHERE d.body IS NOT NULL
), owed AS (
    INSERT INTO delivery
           (message_no, party, conversation_id, certificate_no, side, organisation, recorded_at, moved_at)
    SELECT w.message_no, w.party, w.conversation_id, w.certificate_no, coalesce(c.direction, 'out'),
           coalesce(c.organisation, w.organisation), w.recorded_at, w.recorded_at
      FROM written w
      LEFT JOIN certificate c ON c.certificate_no = w.certificate_no
)
SELECT message_no FROM written;

-- name: write_inbound(party, message_id, conversation_id, type, form, certificate_no, certificate_number, ref_to_message_id, digest, created_at, at, valid, findings, dialect, wire, canonical, receipt, signer_until)$
-- Write an inbound message, its bytes and our receipt; its message_no. No row: this sender used the id before.
WITH written AS (
    INSERT INTO message
           (direction, party, message_id, conversation_id, type, form, certificate_no, certificate_number,
            ref_to_message_id, digest, created_at, recorded_at, valid, findings, dialect, organisation)
    VALUES ('in', :party, :message_id, :conversation_id, :type, :form, :certificate_no, :certificate_number,
            :ref_to_message_id, :digest, :created_at, :at, :valid, :findings, :dialect,
            (SELECT organisation FROM certificate WHERE certificate_no = :certificate_no))
    ON CONFLICT (message_id, party, direction) DO NOTHING
    RETURNING message_no
), documented AS (
    INSERT INTO document (message_no, kind, body)
    SELECT written.message_no, d.kind, d.body
      FROM written, (VALUES ('wire', :wire::bytea), ('canonical', :canonical::bytea)) AS d (kind, body)
     WHERE d.body IS NOT NULL
), receipted AS (
    INSERT INTO issued_receipt (message_no, signer_until, body)
    SELECT message_no, :signer_until::timestamptz, :receipt::bytea FROM written
)
SELECT message_no FROM written;

-- name: lock_certificate(number, family, issuing_country, direction)$
-- Lock the certificate under this key; its certificate_no, or no row. Read it afterwards: what stood beside it
-- may have changed while we waited.
SELECT certificate_no
  FROM certificate
 WHERE number = :number
   AND family = :family
   AND issuing_country = :issuing_country
   AND direction = :direction
   FOR NO KEY UPDATE;

-- name: lock_certificate_by_message(message_id, party, direction)$
-- Lock the certificate that this message is about; its certificate_no, or no row.
SELECT certificate_no
  FROM certificate
 WHERE certificate_no = (SELECT m.certificate_no
                           FROM message m
                          WHERE m.message_id = :message_id AND m.party = :party AND m.direction = :direction)
   FOR NO KEY UPDATE;

-- name: certificate(certificate_no)^
-- One certificate. No row: unknown.
SELECT certificate_no, direction, form, number, issuing_country, exporting_country, importing_country, party,
       exporter, issue_date, organisation, life, life_before, message_no, message_id, conversation_id, delivery,
       acknowledgement, customs_response, submitted_at
  FROM certificate_row
 WHERE certificate_no = :certificate_no;

-- name: move_life(certificate_no, life, life_before, at, who)!
-- Move a certificate's life; the database refuses what is not in life_transition and writes the event.
UPDATE certificate
   SET life = :life, life_before = :life_before, life_moved_at = :at, life_moved_by = :who
 WHERE certificate_no = :certificate_no;

-- name: acknowledge(message_no, certificate_no, outcome, by, findings, at, carried_by)!
-- Keep an acknowledgement. The certificate that this message carries now follows; the national system's word
-- replaces the gateway's, never the other way round. The event names the bytes of the message that carried it.
WITH kept AS (
    INSERT INTO acknowledgement (message_no, outcome, acknowledged_by, findings, at, carried_by)
    VALUES (:message_no, :outcome::text, :by::text, :findings, :at::timestamptz, :carried_by::bigint)
    RETURNING message_no
), followed AS (
    UPDATE certificate c
       SET acknowledgement = :outcome::text, acknowledged_by = :by::text
      FROM kept
     WHERE c.certificate_no = :certificate_no::bigint
       AND c.message_no = kept.message_no
       AND (:by::text = 'national-system' OR c.acknowledged_by IS DISTINCT FROM 'national-system')
)
INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, detail)
SELECT :at::timestamptz, 'acknowledgement:' || :outcome::text, kept.message_no, :certificate_no::bigint, m.party,
       coalesce(c.direction, m.direction), coalesce(c.organisation, m.organisation),
       jsonb_strip_nulls(jsonb_build_object('by', :by::text, 'carried_by', carrier.message_id,
                                            'digest', encode(carrier.digest, 'hex')))
  FROM kept
  JOIN message m ON m.message_no = kept.message_no
  LEFT JOIN message carrier ON carrier.message_no = :carried_by::bigint
  LEFT JOIN certificate c ON c.certificate_no = :certificate_no::bigint;

-- name: customs_entries(certificate_no)
-- What customs has said of each item, in the order in which it was said, however late it came.
SELECT r.item, r.outcome, r.quantity, r.unit, r.declaration, r.date, r.reason, r.legal_basis, r.message_no,
       m.message_id, r.at, m.created_at AS said_at
  FROM customs_response r
  JOIN message m ON m.message_no = r.message_no
 WHERE r.certificate_no = :certificate_no
 ORDER BY m.created_at, r.entry_no;

-- name: add_customs_entries(certificate_no, message_no, at, summary, items, outcomes, quantities, units, declarations, dates, reasons, legal_bases)!
-- Keep one customs response's entries and the certificate's new summary; one event for each outcome in it.
WITH given AS (
    SELECT g.item, g.outcome, g.quantity, g.unit, g.declaration, g.date, g.reason, g.legal_basis, g.position
      FROM unnest(:items::integer[], :outcomes::text[], :quantities::numeric[], :units::text[],
                  :declarations::text[], :dates::date[], :reasons::text[], :legal_bases::text[])
           WITH ORDINALITY
           AS g (item, outcome, quantity, unit, declaration, date, reason, legal_basis, position)
), kept AS (
    INSERT INTO customs_response
           (certificate_no, message_no, item, outcome, quantity, unit, declaration, date, reason, legal_basis, at)
    SELECT :certificate_no::bigint, :message_no::bigint, item, outcome, quantity, unit, declaration, date, reason,
           legal_basis, :at::timestamptz
      FROM given
     ORDER BY position
), followed AS (
    UPDATE certificate
       SET customs_response = :summary::text
     WHERE certificate_no = :certificate_no::bigint
    RETURNING party, direction, organisation
)
INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, detail)
SELECT :at::timestamptz, 'customs-response:' || given.outcome, :message_no::bigint, :certificate_no::bigint,
       f.party, f.direction, f.organisation,
       jsonb_build_object('items', jsonb_agg(given.item ORDER BY given.item), 'summary', :summary::text)
  FROM given, followed f
 GROUP BY given.outcome, f.party, f.direction, f.organisation
 ORDER BY min(given.position);

-- name: put_in_inbox(message_no)!
-- Show an inbound message in the inbox, once.
INSERT INTO inbox (message_no, type, side, organisation)
SELECT m.message_no, m.type, coalesce(c.direction, 'in'), coalesce(c.organisation, m.organisation)
  FROM message m
  LEFT JOIN certificate c ON c.certificate_no = m.certificate_no
 WHERE m.message_no = :message_no
ON CONFLICT (message_no) DO NOTHING;

-- name: park(message_no, patience_s)!
-- Keep a message whose certificate is unknown until it comes or patience ends.
INSERT INTO parked (message_no, party, conversation_id, until)
SELECT m.message_no, m.party, m.conversation_id, now() + make_interval(secs => :patience_s)
  FROM message m
 WHERE m.message_no = :message_no;

-- name: lock_parked(party, conversation_id)
-- The conversation's parked messages, locked, oldest first.
SELECT message_no
  FROM parked
 WHERE conversation_id = :conversation_id
   AND party = :party
 ORDER BY message_no
   FOR UPDATE;

-- name: messages_with_bytes(message_nos)
-- Messages, their bytes on the wire, and what these say in canonical form where they travelled in a dialect;
-- oldest first.
SELECT m.message_no, m.direction, m.party, m.message_id, m.conversation_id, m.type, m.form, m.certificate_no,
       m.certificate_number, m.ref_to_message_id, m.digest, m.created_at, m.recorded_at, m.valid, m.findings,
       m.organisation, m.delivery, m.cause, m.parked, m.dialect, d.body, c.body AS canonical
  FROM message_row m
  JOIN document d ON d.message_no = m.message_no AND d.kind = 'wire'
  LEFT JOIN document c ON c.message_no = m.message_no AND c.kind = 'canonical'
 WHERE m.message_no = ANY (:message_nos::bigint[])
 ORDER BY m.message_no;

-- name: unpark(message_no, certificate_no)!
-- A parked message waits no longer.
WITH gone AS (
    DELETE FROM parked WHERE message_no = :message_no RETURNING message_no
)
UPDATE message m
   SET certificate_no = :certificate_no
  FROM gone
 WHERE m.message_no = gone.message_no
   AND :certificate_no::bigint IS NOT NULL;

-- name: overdue_parked()
-- Parked messages whose patience ended, or whose certificate has come while they were being parked.
SELECT p.message_no
  FROM parked p
 WHERE p.until <= now()
    OR EXISTS (SELECT
                 FROM message m
                 JOIN certificate c ON c.number = m.certificate_number AND c.party = m.party
                 JOIN message about ON about.certificate_no = c.certificate_no
                                   AND about.conversation_id = m.conversation_id
                WHERE m.message_no = p.message_no
               OFFSET 0)
 ORDER BY p.message_no;

-- name: append_event(at, what, message_no, certificate_no, party, who, detail)!
-- Append an event that no other statement writes.
INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, who, detail)
SELECT :at::timestamptz, :what, :message_no::bigint, :certificate_no::bigint,
       coalesce(:party, m.party, c.party), coalesce(c.direction, m.direction),
       coalesce(c.organisation, m.organisation), :who, :detail::jsonb
  FROM (SELECT) AS one
  LEFT JOIN message m ON m.message_no = :message_no::bigint
  LEFT JOIN certificate c ON c.certificate_no = coalesce(:certificate_no::bigint, m.certificate_no);

-- name: may_have_arrived(message_no)$
-- Whether the party may have what we tried to send: an attempt's bytes went out whole, or its end is not known.
SELECT EXISTS (SELECT
                 FROM event e
                WHERE e.message_no = :message_no
                  AND e.what IN ('delivery:awaiting_receipt', 'delivery:expired', 'delivery:delivered'))
    OR (SELECT count(*) FROM event e WHERE e.message_no = :message_no AND e.what = 'delivery:sending')
       > (SELECT count(*) FROM attempt a WHERE a.message_no = :message_no);
