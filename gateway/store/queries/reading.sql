-- Reading.

-- name: message(message_no)^
-- One message. No row: unknown.
SELECT message_no, direction, party, message_id, conversation_id, type, form, certificate_no, certificate_number,
       ref_to_message_id, digest, created_at, recorded_at, valid, findings, organisation, delivery, cause, parked,
       dialect
  FROM message_row
 WHERE message_no = :message_no;

-- name: messages_by_id(message_id)
-- The messages with this id; two parties may have used the same.
SELECT message_no, direction, party, message_id, conversation_id, type, form, certificate_no, certificate_number,
       ref_to_message_id, digest, created_at, recorded_at, valid, findings, organisation, delivery, cause, parked,
       dialect
  FROM message_row
 WHERE message_id = :message_id
 ORDER BY message_no;

-- name: messages_of_certificate(certificate_no)
-- Every message about a certificate, oldest first.
SELECT message_no, direction, party, message_id, conversation_id, type, form, certificate_no, certificate_number,
       ref_to_message_id, digest, created_at, recorded_at, valid, findings, organisation, delivery, cause, parked,
       dialect
  FROM message_row
 WHERE certificate_no = :certificate_no
 ORDER BY message_no;

-- name: chain(certificate_no)
-- The certificates that this one replaces or copies, and those that replace or copy it. ``life`` is null for
-- what the ledger does not know.
SELECT tie.relation, tie.number, known.life
  FROM certificate c
 CROSS JOIN LATERAL (VALUES ('replaces', c.replaces), ('certified_copy_of', c.certified_copy_of))
                    AS tie (relation, number)
  LEFT JOIN certificate known ON known.number = tie.number
                             AND known.family = c.family
                             AND known.issuing_country = c.issuing_country
                             AND known.direction = c.direction
 WHERE c.certificate_no = :certificate_no
   AND tie.number IS NOT NULL
 UNION ALL
SELECT 'replaced_by', later.number, later.life
  FROM certificate c
  JOIN certificate later ON later.replaces = c.number
                        AND later.family = c.family
                        AND later.issuing_country = c.issuing_country
                        AND later.direction = c.direction
 WHERE c.certificate_no = :certificate_no
 UNION ALL
SELECT 'certified_copy', later.number, later.life
  FROM certificate c
  JOIN certificate later ON later.certified_copy_of = c.number
                        AND later.family = c.family
                        AND later.issuing_country = c.issuing_country
                        AND later.direction = c.direction
 WHERE c.certificate_no = :certificate_no;

-- name: replaced_by(number, family, issuing_country, direction, party)$
-- The number of a certificate that replaces this one, from the same party. No value: none is known.
SELECT min(later.number)
  FROM certificate later
 WHERE later.replaces = :number
   AND later.number <> :number
   AND later.family = :family
   AND later.issuing_country = :issuing_country
   AND later.direction = :direction
   AND later.party = :party;

-- name: attempts(message_nos)
-- Attempts to deliver these messages, oldest first.
SELECT message_no, at, outcome, cause, next_at
  FROM attempt
 WHERE message_no = ANY (:message_nos::bigint[])
 ORDER BY message_no, attempt_no;

-- name: receipts(message_nos)
-- The latest receipt for each of these messages.
SELECT DISTINCT ON (message_no) message_no, at, digest, signer
  FROM receipt
 WHERE message_no = ANY (:message_nos::bigint[])
 ORDER BY message_no, receipt_no DESC;

-- name: acknowledgements(message_nos)
-- Acknowledgements about these messages, oldest first.
SELECT message_no, outcome, acknowledged_by, findings, at, carried_by
  FROM acknowledgement
 WHERE message_no = ANY (:message_nos::bigint[])
 ORDER BY message_no, acknowledgement_no;

-- name: customs_entries_of_message(message_no)
-- The customs entries that one message brought.
SELECT r.item, r.outcome, r.quantity, r.unit, r.declaration, r.date, r.reason, r.legal_basis, r.message_no,
       m.message_id, r.at, m.created_at AS said_at
  FROM customs_response r
  JOIN message m ON m.message_no = r.message_no
 WHERE r.message_no = :message_no
 ORDER BY r.entry_no;

-- name: events_of_messages(message_nos)
-- What happened to these messages, oldest first.
SELECT place, event_no, at, what, message_id, certificate_number, party, who, detail
  FROM event_row
 WHERE message_no = ANY (:message_nos::bigint[])
 ORDER BY event_no;

-- name: events_of_certificate(certificate_no)
-- What happened to a certificate itself, oldest first.
SELECT place, event_no, at, what, message_id, certificate_number, party, who, detail
  FROM event_row
 WHERE certificate_no = :certificate_no
   AND message_no IS NULL
 ORDER BY event_no;

-- name: document(message_no, kind)$
-- Exact bytes as sent, received or submitted. No row: there are none.
SELECT body FROM document WHERE message_no = :message_no AND kind = :kind;

-- name: said(message_no)$
-- What a message says in canonical form: a document of its own where it travelled in a dialect, else it is in the
-- bytes on the wire.
SELECT body FROM document WHERE message_no = :message_no AND kind IN ('canonical', 'wire') ORDER BY kind LIMIT 1;

-- name: receipt_body(message_no)$
-- Their latest receipt for this message.
SELECT body FROM receipt WHERE message_no = :message_no ORDER BY receipt_no DESC LIMIT 1;

-- name: issued_receipt_body(message_no)$
-- Our receipt for this message.
SELECT body FROM issued_receipt WHERE message_no = :message_no;

-- name: refused_submission(submission_id)^
-- One refused submission with its bytes.
SELECT submission_id, at, organisation, actor, form, certificate_number, content_type, findings, body
  FROM refused_submission
 WHERE submission_id = :submission_id;

-- name: keep_setting(name, value)$
-- Keep a setting if none is kept; no row when one is: read it then.
INSERT INTO setting (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING RETURNING value;

-- name: setting(name)$
-- A kept setting.
SELECT value FROM setting WHERE name = :name;
